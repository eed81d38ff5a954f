#include "connectors/postgres/ddl.h"

#include "connectors/postgres/civil.h"

static bool starts(const char *s, const char *prefix)
{
    return s != NULL && strncmp(s, prefix, strlen(prefix)) == 0;
}

/** What Debezium's names mean, for debezium.type.ddl=true. @return NULL for a name without a meaning */
static const char *semantic_type(const cd_schema_t *s, cd_arena_t *arena)
{
    static const struct {
        const char *name, *type;
    } types[] = {{"io.debezium.time.Date", "DATE"},
                 {"io.debezium.time.IsoDate", "DATE"},
                 {"io.debezium.time.Time", "TIME"},
                 {"io.debezium.time.MicroTime", "TIME"},
                 {"io.debezium.time.NanoTime", "TIME"},
                 {"io.debezium.time.IsoTime", "TIME"},
                 {"io.debezium.time.Timestamp", "TIMESTAMP"},
                 {"io.debezium.time.MicroTimestamp", "TIMESTAMP"},
                 {"io.debezium.time.NanoTimestamp", "TIMESTAMP"},
                 {"io.debezium.time.IsoTimestamp", "TIMESTAMP"},
                 {"io.debezium.time.ZonedTimestamp", "TIMESTAMPTZ"},
                 {"io.debezium.time.ZonedTime", "TIMETZ"},
                 {"io.debezium.time.MicroDuration", "INTERVAL"},
                 {"io.debezium.time.NanoDuration", "INTERVAL"},
                 {"io.debezium.time.Interval", "INTERVAL"},
                 {"io.debezium.data.Uuid", "UUID"},
                 {"io.debezium.data.Json", "JSONB"},
                 {"io.debezium.data.Xml", "XML"}};
    if (bind_logical(s) == CD_LOGICAL_DECIMAL) {
        const char *precision = cd_schema_param(s, "connect.decimal.precision");
        long p = precision != NULL ? strtol(precision, NULL, 10) : 0;
        return p >= 1 && p <= 1000 && s->scale >= 0 && s->scale <= p
                   ? cd_arena_printf(arena, "NUMERIC(%ld,%d)", p, s->scale)
                   : NULL;
    }
    if (!starts(s->name, "io.debezium.")) return NULL;
    if (strcmp(s->name, "io.debezium.data.Bits") == 0) {
        const char *length = cd_schema_param(s, "length");
        long n = length != NULL ? strtol(length, NULL, 10) : 0;
        return n >= 1 && n <= 83886080 ? cd_arena_printf(arena, "BIT(%ld)", n) : "VARBIT";
    }
    for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++)
        if (strcmp(types[i].name, s->name) == 0) return types[i].type;
    return NULL;
}

static cd_err_t *column_type(const sink_conf_t *conf, const cd_schema_t *s, const char *field, cd_arena_t *arena,
                             const char **ret_type)
{
    static const char *const logical[] = {NULL, "DECIMAL", "DATE", "TIME", "TIMESTAMP"};
    static const char *const plain[] = {NULL,   "SMALLINT",         "SMALLINT", "INT",  "BIGINT",
                                        "REAL", "DOUBLE PRECISION", "BOOLEAN",  "TEXT", "BYTEA"};
    const char *type = conf->k.type_ddl ? semantic_type(s, arena) : NULL;
    if (type == NULL && bind_logical(s) != CD_LOGICAL_NONE) type = logical[bind_logical(s)];
    bool epoch =
        (s->type == CD_INT64 || s->type == CD_STRING) && field != NULL && cd_list_has(&conf->k.timestamp_fields, field);
    if (type == NULL && epoch) type = "TIMESTAMP";
    if (type == NULL && s->type == CD_STRUCT && s->name != NULL && conf->coerce &&
        strcmp(s->name, "io.debezium.data.VariableScaleDecimal") == 0)
        type = "DECIMAL";
    if (type == NULL && s->type <= CD_BYTES) type = plain[s->type];
    if (type == NULL && s->type == CD_ARRAY && s->value_schema != NULL) {
        cd_err_t *err = column_type(conf, s->value_schema, NULL, arena, &type);
        if (err != NULL) return err;
        type = cd_arena_printf(arena, "%s[]", type);
    }
    if (type == NULL)
        return cd_err_new(CD_ERR_FATAL, CD_JVM_CONNECT,
                          "%s (%s) type doesn't have a mapping to the SQL database column type",
                          s->name != NULL ? s->name : "null", connect_type_name(s->type));
    *ret_type = type;
    return NULL;
}

/* ---- default values -------------------------------------------------------------------------------------------- */

static const char *string_literal(const char *s, size_t len, cd_arena_t *arena)
{
    char *out = cd_arena_alloc(arena, len * 2 + 3), *at = out;
    *at++ = '\'';
    for (size_t i = 0; i < len && s[i] != '\0'; i++) {
        if (s[i] == '\'') *at++ = '\'';
        *at++ = s[i];
    }
    *at++ = '\'';
    *at = '\0';
    return out;
}

static const char *bytes_literal(const cd_value_t *v, cd_arena_t *arena)
{
    char *hex = cd_arena_alloc(arena, (size_t)v->len * 2 + 1);
    for (uint32_t i = 0; i < v->len; i++) {
        hex[2 * i] = "0123456789abcdef"[v->bytes[i] >> 4];
        hex[2 * i + 1] = "0123456789abcdef"[v->bytes[i] & 15];
    }
    hex[2 * (size_t)v->len] = '\0';
    return cd_arena_printf(arena, "'\\x%s'::bytea", hex);
}

/** Decimal in plain digits: repeated division of the big-endian magnitude by ten. */
static const char *decimal_literal(const cd_value_t *v, int32_t scale, cd_arena_t *arena)
{
    bool negative = v->len > 0 && (v->bytes[0] & 0x80) != 0;
    uint8_t *mag = cd_arena_alloc(arena, (size_t)v->len + 1);
    unsigned carry = negative ? 1 : 0;
    for (uint32_t i = v->len; i-- > 0;) {
        unsigned byte = negative ? (unsigned)(uint8_t)~v->bytes[i] + carry : v->bytes[i];
        carry = negative ? byte >> 8 : 0;
        mag[i] = (uint8_t)byte;
    }
    size_t zeros = scale < 0 ? (size_t)-scale : 0,
           max = (size_t)v->len * 3 + (scale > 0 ? (size_t)scale : 0) + zeros + 4;
    char *digits = cd_arena_alloc(arena, max + 4), *at = digits + max + 3;
    *at = '\0';
    for (size_t i = 0; i < zeros; i++) *--at = '0';
    int32_t written = 0;
    uint32_t top = 0;
    while (top < v->len || written <= (scale > 0 ? scale : 0)) {
        unsigned rest = 0;
        for (uint32_t i = top; i < v->len; i++) {
            rest = rest << 8 | mag[i];
            mag[i] = (uint8_t)(rest / 10);
            rest %= 10;
        }
        while (top < v->len && mag[top] == 0) top++;
        if (scale > 0 && written == scale) *--at = '.';
        *--at = (char)('0' + rest);
        written++;
    }
    if (negative) *--at = '-';
    return at;
}

static cd_err_t *literal(const sink_conf_t *conf, const cd_schema_t *s, const cd_value_t *v, cd_arena_t *arena,
                         const char **ret_text);

static cd_err_t *array_literal(const sink_conf_t *conf, const cd_schema_t *s, const cd_value_t *v, cd_arena_t *arena,
                               const char **ret_text)
{
    const char *text = "", *type = NULL;
    for (uint32_t i = 0; i < v->len; i++) {
        const char *item = "NULL";
        cd_err_t *err = v->items[i].type == CD_NULL ? NULL : literal(conf, s->value_schema, &v->items[i], arena, &item);
        if (err != NULL) return err;
        text = cd_arena_printf(arena, "%s%s%s", text, i > 0 ? "," : "", item);
    }
    cd_err_t *err = column_type(conf, s, NULL, arena, &type);
    if (err != NULL) return err;
    *ret_text = v->len > 0 ? cd_arena_printf(arena, "ARRAY[%s]", text) : cd_arena_printf(arena, "ARRAY[]::%s", type);
    return NULL;
}

static const char *temporal_literal(const sink_conf_t *conf, const cd_schema_t *s, const cd_value_t *v,
                                    cd_arena_t *arena)
{
    bool is_date = bind_logical(s) == CD_LOGICAL_DATE;
    int64_t us;
    if (__builtin_mul_overflow(v->i64, is_date ? WIRE_DAY_US : INT64_C(1000), &us)) return "NULL";
    temporal_t t = temporal_of_instant(us, is_date ? conf->date_zone : conf->zone);
    civil_t c = civil_from_days(civil_floor_div(t.wall_us, WIRE_DAY_US));
    int64_t ms = civil_floor_mod(t.wall_us, WIRE_DAY_US) / 1000;
    const char *date = cd_arena_printf(arena, "%04lld-%02d-%02d", (long long)c.year, c.month, c.day);
    const char *clock = cd_arena_printf(arena, "%02d:%02d:%02d.%03d", (int)(ms / 3600000), (int)(ms / 60000 % 60),
                                        (int)(ms / 1000 % 60), (int)(ms % 1000));
    if (is_date) return cd_arena_printf(arena, "'%s'", date);
    if (bind_logical(s) == CD_LOGICAL_TIME) return cd_arena_printf(arena, "'%s'", clock);
    return cd_arena_printf(arena, "'%s %s'", date, clock);
}

static cd_err_t *literal(const sink_conf_t *conf, const cd_schema_t *s, const cd_value_t *v, cd_arena_t *arena,
                         const char **ret_text)
{
    if (v->type != s->type)
        return cd_err_new(CD_ERR_FATAL, CD_JVM_CONNECT, "Unsupported type for column value: %s",
                          connect_type_name(v->type));
    if (bind_logical(s) == CD_LOGICAL_DECIMAL) {
        *ret_text = decimal_literal(v, s->scale != INT32_MIN ? s->scale : 0, arena);
        return NULL;
    }
    if (bind_logical(s) != CD_LOGICAL_NONE) {
        *ret_text = temporal_literal(conf, s, v, arena);
        return NULL;
    }
    switch (s->type) {
    case CD_INT8:
    case CD_INT16:
    case CD_INT32:
    case CD_INT64:
        *ret_text = cd_arena_printf(arena, "%lld", (long long)v->i64);
        return NULL;
    case CD_FLOAT32:
        *ret_text = cd_arena_printf(arena, "%.9g", (double)v->f32);
        return NULL;
    case CD_FLOAT64:
        *ret_text = cd_arena_printf(arena, "%.17g", v->f64);
        return NULL;
    case CD_BOOLEAN:
        *ret_text = v->boolean ? "TRUE" : "FALSE";
        return NULL;
    case CD_STRING:
        *ret_text = string_literal(v->str, v->len, arena);
        return NULL;
    case CD_BYTES:
        *ret_text = bytes_literal(v, arena);
        return NULL;
    case CD_ARRAY:
        return array_literal(conf, s, v, arena, ret_text);
    default:
        return cd_err_new(CD_ERR_FATAL, CD_JVM_CONNECT, "Unsupported type for column value: %s",
                          connect_type_name(s->type));
    }
}

/* ---- statements ------------------------------------------------------------------------------------------------ */

static cd_err_t *column_spec(const sink_conf_t *conf, const sink_field_t *f, cd_arena_t *arena, const char **ret_spec)
{
    const char *type = NULL, *value = NULL;
    cd_err_t *err = column_type(conf, f->schema, f->name, arena, &type);
    if (err != NULL) return err;
    const char *name = identifier_sql(f->name, conf->quote_always, arena);
    if (f->schema->dflt != NULL && f->schema->dflt->type != CD_NULL) {
        err = literal(conf, f->schema, f->schema->dflt, arena, &value);
        if (err != NULL) return err;
        *ret_spec = cd_arena_printf(arena, "%s %s DEFAULT %s", name, type, value);
    } else {
        *ret_spec = cd_arena_printf(arena, "%s %s %s", name, type, f->optional ? "NULL" : "NOT NULL");
    }
    return NULL;
}

cd_err_t *ddl_create(const sink_conf_t *conf, const table_id_t *id, const field_set_t *fields, cd_arena_t *arena,
                     const char **ret_sql)
{
    const char *sql = cd_arena_printf(arena, "CREATE TABLE %s (", id->sql), *keys = "";
    for (uint32_t i = 0; i < fields->nall; i++) {
        const char *spec = NULL;
        cd_err_t *err = column_spec(conf, fields->all[i], arena, &spec);
        if (err != NULL) return err;
        sql = cd_arena_printf(arena, "%s%s\n%s", sql, i > 0 ? "," : "", spec);
        if (fields->all[i]->is_key)
            keys = cd_arena_printf(arena, "%s%s%s", keys, *keys != '\0' ? "," : "",
                                   identifier_sql(fields->all[i]->name, conf->quote_always, arena));
    }
    *ret_sql =
        *keys != '\0' ? cd_arena_printf(arena, "%s,\nPRIMARY KEY(%s))", sql, keys) : cd_arena_printf(arena, "%s)", sql);
    return NULL;
}

cd_err_t *ddl_alter(const sink_conf_t *conf, const table_id_t *id, const sink_field_t *const *missing, uint32_t n,
                    cd_arena_t *arena, const char **ret_sql)
{
    const char *sql = cd_arena_printf(arena, "ALTER TABLE %s ", id->sql);
    for (uint32_t i = 0; i < n; i++) {
        const char *spec = NULL;
        cd_err_t *err = column_spec(conf, missing[i], arena, &spec);
        if (err != NULL) return err;
        sql = cd_arena_printf(arena, "%s%s%sADD %s", sql, i > 0 ? "," : "", n > 1 ? "\n" : "", spec);
    }
    *ret_sql = sql;
    return NULL;
}

const char *ddl_fields_text(const sink_field_t *const *fields, uint32_t n, cd_arena_t *arena)
{
    const char *text = "";
    for (uint32_t i = 0; i < n; i++)
        text = cd_arena_printf(arena, "%s%sSinkRecordField{schema=%s, name='%s', isPrimaryKey=%s}", text,
                               i > 0 ? ", " : "", schema_text(fields[i]->schema, arena), fields[i]->name,
                               fields[i]->is_key ? "true" : "false");
    return text;
}
