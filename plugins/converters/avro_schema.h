/* converters/avro_schema.h: an Avro schema text as a tree.
 * Threads    pure; a schema is read-only once parsed.
 * Ownership  everything hangs off the avro_schema_t and dies with it.
 * Errors     DATA with Avro's class and wording (SchemaParseException).
 * Limits     texts 4 MiB, nesting 128, AVRO_NAMES_MAX named types: schemas come from the network. */
#ifndef CONNECTD_CONVERTERS_AVRO_SCHEMA_H
#define CONNECTD_CONVERTERS_AVRO_SCHEMA_H

#include "plugins/api/connectd_plugin.h"

#include <jansson.h>

#define AVRO_JVM_PARSE "org.apache.avro.SchemaParseException"
#define AVRO_NAMES_MAX 4096u
#define AVRO_NAMESPACE "io.confluent.connect.avro"

enum avro_type {
    AVRO_NULL = 0,
    AVRO_BOOLEAN,
    AVRO_INT,
    AVRO_LONG,
    AVRO_FLOAT,
    AVRO_DOUBLE,
    AVRO_BYTES,
    AVRO_STRING,
    AVRO_RECORD,
    AVRO_ENUM,
    AVRO_ARRAY,
    AVRO_MAP,
    AVRO_UNION,
    AVRO_FIXED
};

struct avro_node;

typedef struct avro_field {
    const char *name, *doc;
    const struct avro_node *type;
    const json_t *dflt; /* NULL without a default */
    const json_t *aliases;
} avro_field_t;

typedef struct avro_node {
    uint8_t type;            /* enum avro_type */
    const char *name, *full; /* named types: short and full name */
    const char *doc;
    const json_t *props; /* the JSON object with all attributes; NULL for a type given by its bare name */
    uint32_t n;          /* fields, branches or symbols */
    const avro_field_t *fields;
    const struct avro_node *const *branches;
    const char *const *symbols;
    const char *enum_default;
    const struct avro_node *items; /* of an array; values of a map */
    uint32_t size;                 /* of a fixed */
} avro_node_t;

typedef struct avro_schema {
    const avro_node_t *root;
    cd_arena_t arena;
    json_t **texts; /* parsed JSON, kept because nodes point into it */
    uint32_t ntexts;
} avro_schema_t;

/** Parse `text`; its names may refer to types of `deps`, which are parsed before it in order. */
CD_CHECK cd_err_t *avro_schema_parse(const char *text, const char *const *deps, uint32_t ndeps,
                                     avro_schema_t **ret_schema);
void avro_schema_free(avro_schema_t *schema);

const char *avro_type_name(uint8_t type);
/** A string attribute, or NULL. */
const char *avro_prop(const avro_node_t *node, const char *name);
/** Index of the branch that is "null" in a union of null and one other type, else -1. */
int avro_null_branch(const avro_node_t *node);
/** A map with keys that are not strings: an array of key/value records (06 §2.7.1). */
bool avro_is_entry_array(const avro_node_t *node);

#endif
