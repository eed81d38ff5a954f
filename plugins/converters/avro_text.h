/* converters/avro_text.h: a Connect schema as the Avro schema text that Confluent's AvroData and Avro's Java printer
 * make of it, byte for byte: the registry tells schemas apart by this text (06 §2.7, 2.8).
 * Threads    the task's thread (the pool is the task's).     Errors  DATA, with the JVM's wording. */
#ifndef CONNECTD_CONVERTERS_AVRO_TEXT_H
#define CONNECTD_CONVERTERS_AVRO_TEXT_H

#include "plugins/converters/avro_schema.h"
#include "runtime/base/strbuf.h"

#define AVRO_PARAM_FIELD_DEFAULT "io.confluent.connect.avro.field.default"
#define AVRO_PARAM_RECORD_DOC    "io.confluent.connect.avro.record.doc"
#define AVRO_PARAM_FIELD_DOC     "io.confluent.connect.avro.field.doc."
#define AVRO_PARAM_ENUM          "io.confluent.connect.avro.Enum"
#define AVRO_PARAM_ENUM_DOC      "io.confluent.connect.avro.enum.doc."
#define AVRO_PARAM_ENUM_DEFAULT  "io.confluent.connect.avro.enum.default."
#define AVRO_PARAM_FIXED_SIZE    "connect.fixed.size"
#define AVRO_PARAM_PRECISION     "connect.decimal.precision"
#define AVRO_DEFAULT_PRECISION   64
#define AVRO_UNION_NAME          AVRO_NAMESPACE ".Union"
#define AVRO_PARAM_UNION         "org.apache.kafka.connect.data.Union"

/** The options of AvroData (06 §2.1). */
typedef struct avro_options {
    bool meta_data;          /* connect.meta.data */
    bool scrub;              /* scrub.invalid.names */
    bool enhanced;           /* enhanced.avro.schema.support */
    bool ignore_default;     /* ignore.default.for.nullables */
    bool optional_map_keys;  /* allow.optional.map.keys */
    bool flatten_singletons; /* flatten.singleton.unions */
    bool discard_doc;        /* discard.type.doc.default */
} avro_options_t;

/** Append the text of `schema` (NULL: the record that carries schemaless data). */
CD_CHECK cd_err_t *avro_text_write(const cd_schema_t *schema, const avro_options_t *options, cd_schema_pool_t *pool,
                                   strbuf_t *out);

/** A field or type name as it appears in Avro: scrubbed when the option asks for it. */
void avro_text_name(const char *name, bool scrub, strbuf_t *out);

bool avro_is_union_schema(const cd_schema_t *schema);
/** A map that Avro can express as a map (string keys). */
bool avro_is_string_map(const cd_schema_t *schema, const avro_options_t *options);

/** "class java.lang.String" and so on: what Java calls the value's class in its messages. */
const char *avro_java_class(const cd_value_t *value);

#endif
