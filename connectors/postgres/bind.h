/* connectors/postgres/bind.h: how the values of one field reach one column: chosen once per (schema, column type),
 * applied per value without looking anything up.
 *
 * A value is sent as a parameter of some type; the server then assigns it to the column. Where PostgreSQL has an
 * assignment cast from the type that the JDBC driver would declare, that type is declared and the server converts, so
 * values and error texts are the same. Where it has none, the value is converted here to the column's type, or sent as
 * text for the server to read.
 *
 * Threads    a bind is immutable after bind_choose; bind_put writes to the caller's buffer only.
 * Ownership  binds and their names live in the arena given; schemas and types outlive them.
 * Errors     bind_choose: FATAL ("class D"). bind_put: false with a conv_err_t, the buffer is then cut back by the
 *            caller. */
#ifndef POSTGRES_BIND_H
#define POSTGRES_BIND_H

#include "connectors/postgres/pg_type.h"
#include "connectors/postgres/temporal.h"

enum bind_source { BIND_VALUE_FIELD, BIND_KEY_FIELD, BIND_KEY, BIND_TOPIC, BIND_PARTITION, BIND_OFFSET };

typedef struct bind {
    uint8_t op;        /* enum bind_op (bind_op.h) */
    uint8_t cell_type; /* what a non-null cell must be tagged with */
    uint8_t source;    /* enum bind_source; set by the plan */
    uint8_t target;    /* enum temporal_target */
    uint8_t unit;      /* of time values */
    bool dedupe;       /* equal bytes on the wire mean equal column values, and the other way round */
    bool row_text;     /* single-row statements send text, and row_oid as its type */
    bool is_key;
    uint32_t index;          /* of the field in its struct */
    int32_t scale;           /* decimals */
    uint32_t oid, array_oid; /* parameter type of the set-based paths; array_oid 0: not usable in UNNEST */
    uint32_t row_oid;        /* parameter type in single-row statements */
    const char *sql_type;    /* name of `oid`, without a length */
    const char *cast;        /* "::type" that the set-based paths put behind the column, or "" */
    const char *row_cast;    /* the same for single-row statements */
    const cd_value_t *dflt;  /* what a null becomes, or NULL */
    const tz_t *tz;
    const struct bind *element; /* arrays */
    int32_t parts[2];           /* field indexes inside a STRUCT value, -1 when missing */
    const char *column;         /* name in the table, for messages */
    const char *column_sql;     /* as statements write it */
} bind_t;

/** Settings that conversions depend on. */
typedef struct bind_env {
    bool coerce, string_unspecified, timestamp_nanos;
    const tz_t *zone, *date_zone;
} bind_env_t;

/** The logical type, if the base type fits: a name alone comes from outside and may stand on anything. */
static inline uint8_t bind_logical(const cd_schema_t *s)
{
    uint8_t base = s->logical == CD_LOGICAL_DECIMAL     ? CD_BYTES
                   : s->logical == CD_LOGICAL_TIMESTAMP ? CD_INT64
                                                        : CD_INT32;
    return s->type == base ? s->logical : (uint8_t)CD_LOGICAL_NONE;
}

/** @param listed the field is in timestamp.fields.list
 *  @param type   the column's type, or NULL when unknown (the value then goes as the driver would send it) */
CD_CHECK cd_err_t *bind_choose(const bind_env_t *env, const cd_schema_t *schema, bool listed, const pg_type_t *type,
                               cd_arena_t *arena, bind_t *ret_bind);

/** Append one value (not null) as a field. */
bool bind_put(const bind_t *b, const cd_value_t *v, wire_buf_t *out, conv_err_t *err);

/** Schemas of topic, partition and offset for pk.mode=kafka. */
extern const cd_schema_t bind_schema_topic, bind_schema_partition, bind_schema_offset;

#endif
