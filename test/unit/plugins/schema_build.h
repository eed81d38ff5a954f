/* Short ways to build schemas and values in tests. */
#ifndef TEST_PLUGINS_SCHEMA_BUILD_H
#define TEST_PLUGINS_SCHEMA_BUILD_H

#include "runtime/data/schema.h"

#define COUNT(array) (uint32_t)(sizeof(array) / sizeof((array)[0]))

/** A schema from a literal spec: S(pool, .type = CD_INT32, .optional = true). */
#define S(pool, ...) schema_intern((pool), &(cd_schema_spec_t){__VA_ARGS__})
#define F(field, type)                                                                                                 \
    (cd_field_t)                                                                                                       \
    {                                                                                                                  \
        .name = (field), .schema = (type)                                                                              \
    }

/** A struct schema from a list of F(…). */
#define STRUCT_OF(pool, schema_name, is_optional, ...)                                                                 \
    S((pool), .type = CD_STRUCT, .optional = (is_optional), .name = (schema_name),                                     \
      .nfields = COUNT(((const cd_field_t[]){__VA_ARGS__})), .fields = (const cd_field_t[]){__VA_ARGS__})

static inline const cd_schema_t *decimal_schema(cd_schema_pool_t *pool, const char *scale, const char *precision,
                                                bool optional)
{
    cd_param_t params[] = {{"scale", scale}, {"connect.decimal.precision", precision}};
    return S(pool, .type = CD_BYTES, .optional = optional, .name = CD_NAME_DECIMAL, .has_version = true, .version = 1,
             .params = params, .nparams = precision != NULL ? 2 : 1);
}

static inline const cd_schema_t *named_schema(cd_schema_pool_t *pool, uint8_t type, const char *name, bool optional)
{
    return S(pool, .type = type, .optional = optional, .name = name, .has_version = true, .version = 1);
}

/** The envelope of the worked table in 04 §4.7.2, profile A. */
static inline const cd_schema_t *envelope_schema(cd_schema_pool_t *p)
{
#define TOPIC "sqlserver.warehouse_source.dbo.customers"
    const cd_schema_t *text = schema_primitive(p, CD_STRING, false), *opt_text = schema_primitive(p, CD_STRING, true);
    const cd_schema_t *i64 = schema_primitive(p, CD_INT64, false), *opt_i64 = schema_primitive(p, CD_INT64, true);
    const cd_schema_t *nano = named_schema(p, CD_INT64, "io.debezium.time.NanoTimestamp", true);
    const cd_schema_t *row = STRUCT_OF(p, TOPIC ".Value", true, F("id", schema_primitive(p, CD_INT32, false)),
                                       F("name", text), F("email", opt_text), F("created_at", nano),
                                       F("updated_at", nano), F("amount", decimal_schema(p, "2", "10", true)),
                                       F("is_active", schema_primitive(p, CD_BOOLEAN, true)));
    cd_value_t no = cd_v_str("false");
    cd_param_t allowed[] = {{"allowed", "true,last,false,incremental"}};
    const cd_schema_t *snapshot = S(p, .type = CD_STRING, .optional = true, .name = "io.debezium.data.Enum",
                                    .has_version = true, .version = 1, .params = allowed, .nparams = 1, .dflt = &no);
    const cd_schema_t *source = STRUCT_OF(
        p, "io.debezium.connector.sqlserver.Source", false, F("version", text), F("connector", text), F("name", text),
        F("ts_ms", i64), F("snapshot", snapshot), F("db", text), F("sequence", opt_text), F("schema", text),
        F("table", text), F("change_lsn", opt_text), F("commit_lsn", opt_text), F("event_serial_no", opt_i64));
    cd_field_t block_fields[] = {F("id", text), F("total_order", i64), F("data_collection_order", i64)};
    const cd_schema_t *block = S(p, .type = CD_STRUCT, .optional = true, .name = "event.block", .has_version = true,
                                 .version = 1, .fields = block_fields, .nfields = 3);
    cd_field_t fields[] = {F("before", row), F("after", row),     F("source", source),
                           F("op", text),    F("ts_ms", opt_i64), F("transaction", block)};
    return S(p, .type = CD_STRUCT, .name = TOPIC ".Envelope", .has_version = true, .version = 1, .fields = fields,
             .nfields = COUNT(fields));
}

/** The row of 04 §4.7.2. Cells live in the arena. */
static inline cd_value_t sample_row(cd_arena_t *a)
{
    static const uint8_t amount[] = {0x01, 0xE2, 0x40};
    cd_value_t *c = cd_arena_array(a, cd_value_t, 7);
    c[0] = cd_v_int(CD_INT32, 1);
    c[1] = cd_v_str("Alice");
    c[2] = cd_v_str("alice@example.com");
    c[3] = cd_v_int(CD_INT64, INT64_C(1764671400123456700));
    c[4] = CD_V_NULL;
    c[5] = cd_v_bytes(amount, sizeof(amount));
    c[6] = cd_v_bool(true);
    return cd_v_items(CD_STRUCT, c, 7);
}

static inline cd_value_t sample_envelope(cd_arena_t *a, const char *op, cd_value_t before, cd_value_t after)
{
    cd_value_t *s = cd_arena_array(a, cd_value_t, 12);
    s[0] = cd_v_str("2.4.2.Final");
    s[1] = cd_v_str("sqlserver");
    s[2] = cd_v_str("sqlserver");
    s[3] = cd_v_int(CD_INT64, INT64_C(1764671400127));
    s[4] = CD_V_NULL;
    s[5] = cd_v_str("warehouse_source");
    s[6] = CD_V_NULL;
    s[7] = cd_v_str("dbo");
    s[8] = cd_v_str("customers");
    s[9] = cd_v_str("00000027:00000758:0003");
    s[10] = cd_v_str("00000027:00000758:0005");
    s[11] = cd_v_int(CD_INT64, 1);
    cd_value_t *t = cd_arena_array(a, cd_value_t, 3);
    t[0] = cd_v_str("00000027:00000758:0005");
    t[1] = cd_v_int(CD_INT64, 1);
    t[2] = cd_v_int(CD_INT64, 1);
    cd_value_t *e = cd_arena_array(a, cd_value_t, 6);
    e[0] = before;
    e[1] = after;
    e[2] = cd_v_items(CD_STRUCT, s, 12);
    e[3] = cd_v_str(op);
    e[4] = cd_v_int(CD_INT64, INT64_C(1764671405012));
    e[5] = cd_v_items(CD_STRUCT, t, 3);
    return cd_v_items(CD_STRUCT, e, 6);
}

#endif
