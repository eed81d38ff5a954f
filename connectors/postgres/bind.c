#include "connectors/postgres/bind.h"

#include "connectors/postgres/civil.h"

enum bind_op {
    OP_INT2,
    OP_INT4,
    OP_INT8,
    OP_FLOAT4,
    OP_FLOAT8,
    OP_BOOL,
    OP_RAW, /* strings and bytes as they are */
    OP_DECIMAL,
    OP_UUID,
    OP_JSONB,
    OP_INT_TO_BOOL,
    OP_BOOL_TO_INT2,
    OP_BOOL_TO_BIT,
    OP_WALL_TIMESTAMP, /* a number of units since the epoch, read from a clock without a zone */
    OP_WALL_TIME,      /* units since midnight */
    OP_WALL_DATE,      /* days */
    OP_TIME_TO_INTERVAL,
    OP_ISO, /* text; zone or not, as it says */
    OP_ISO_TIME,
    OP_ISO_INTERVAL,
    OP_CONNECT_TIMESTAMP,
    OP_CONNECT_TIME,
    OP_CONNECT_DATE,
    OP_CONNECT_TIMESTAMP_TEXT,
    OP_CONNECT_TIME_TEXT,
    OP_CONNECT_DATE_TEXT,
    OP_LISTED, /* timestamp.fields.list */
    OP_LISTED_TEXT,
    OP_VARIABLE_DECIMAL,
    OP_BITS,
    OP_ENUM_SET,
    OP_EWKB,
    OP_EWKB_HEX,
    OP_WKB,
    OP_POINT,
    OP_ARRAY
};

enum unit { UNIT_MS, UNIT_US, UNIT_NS };

#define TIME_PREFIX                 "io.debezium.time."
#define DATA_PREFIX                 "io.debezium.data."
#define TIMESTAMP_POSITIVE_INFINITY INT64_C(9223372036825200000)
#define TIMESTAMP_NEGATIVE_INFINITY (-INT64_C(9223372036832400000))
#define FIELD_MAX                   (UINT32_C(1) << 30) /* what PostgreSQL can hold in one value */
#define EWKB_SRID                   UINT32_C(0x20000000)

const cd_schema_t bind_schema_topic = {.size = sizeof(cd_schema_t), .type = CD_STRING};
const cd_schema_t bind_schema_partition = {.size = sizeof(cd_schema_t), .type = CD_INT32};
const cd_schema_t bind_schema_offset = {.size = sizeof(cd_schema_t), .type = CD_INT64};

/* ---- choosing -------------------------------------------------------------------------------------------------- */

static void set_type(bind_t *b, uint8_t op, uint32_t oid)
{
    b->op = op;
    b->oid = b->row_oid = oid;
    b->array_oid = pg_type_builtin_array(oid);
    b->sql_type = pg_type_builtin_name(oid);
}

/** Text that the server reads as the column's type. */
static void set_untyped(bind_t *b, uint8_t op, const pg_type_t *type, cd_arena_t *arena)
{
    set_type(b, op, OID_TEXT);
    b->row_text = true;
    b->row_oid = type->oid;
    b->cast = cd_arena_printf(arena, "::%s", type->sql_name);
}

static bool has_typmod_loss(const pg_type_t *type)
{
    return type->typmod >= 0 && type->typmod != 6;
}

/** Rows with equal key bytes are one row to the server, and no others are. Only where that is certain. */
static bool is_dedupable(const bind_t *b, const pg_type_t *type)
{
    if (type->is_domain) return false;
    bool integer = b->op == OP_INT2 || b->op == OP_INT4 || b->op == OP_INT8;
    switch (type->family) {
    case FAMILY_INT:
        return integer;
    case FAMILY_NUMERIC:
        return type->typmod < 0 && (integer || b->op == OP_DECIMAL);
    case FAMILY_TEXT:
        return (type->oid == OID_TEXT || type->oid == OID_VARCHAR) && type->deterministic &&
               (integer || (b->op == OP_RAW && b->oid == OID_VARCHAR));
    case FAMILY_BOOL:
    case FAMILY_BYTEA:
    case FAMILY_UUID:
    case FAMILY_DATE:
        return b->oid == type->oid;
    case FAMILY_TIME:
    case FAMILY_TIMESTAMP:
    case FAMILY_TIMESTAMPTZ:
        return b->oid == type->oid && !has_typmod_loss(type);
    default:
        return false;
    }
}

static bool temporal_target_of(uint8_t family, uint8_t *ret_target, uint32_t *ret_oid)
{
    static const struct {
        uint8_t family, target;
        uint32_t oid;
    } targets[] = {{FAMILY_DATE, TEMPORAL_DATE, OID_DATE},
                   {FAMILY_TIME, TEMPORAL_TIME, OID_TIME},
                   {FAMILY_TIMETZ, TEMPORAL_TIMETZ, OID_TIMETZ},
                   {FAMILY_TIMESTAMP, TEMPORAL_TIMESTAMP, OID_TIMESTAMP},
                   {FAMILY_TIMESTAMPTZ, TEMPORAL_TIMESTAMPTZ, OID_TIMESTAMPTZ}};
    for (size_t i = 0; i < sizeof(targets) / sizeof(*targets); i++) {
        if (targets[i].family != family) continue;
        *ret_target = targets[i].target;
        *ret_oid = targets[i].oid;
        return true;
    }
    return false;
}

static bool is_moment(uint8_t family)
{
    return family == FAMILY_DATE || family == FAMILY_TIMESTAMP || family == FAMILY_TIMESTAMPTZ;
}

static bool is_clock(uint8_t family)
{
    return family == FAMILY_TIME || family == FAMILY_TIMETZ;
}

static void set_temporal(bind_t *b, uint8_t op, uint8_t unit, const pg_type_t *type, const tz_t *tz)
{
    uint32_t oid = 0;
    (void)temporal_target_of(type->family, &b->target, &oid);
    set_type(b, op, oid);
    b->unit = unit;
    b->tz = tz;
}

/** Connect's own Date, Time and Timestamp: the driver sends text without a type, so the column decides. */
static void choose_connect(const bind_env_t *env, const cd_schema_t *s, bool listed, const pg_type_t *type,
                           cd_arena_t *arena, bind_t *b)
{
    uint8_t op = listed                          ? OP_LISTED
                 : s->logical == CD_LOGICAL_DATE ? OP_CONNECT_DATE
                 : s->logical == CD_LOGICAL_TIME ? OP_CONNECT_TIME
                                                 : OP_CONNECT_TIMESTAMP;
    uint8_t text_op = listed                          ? OP_LISTED_TEXT
                      : s->logical == CD_LOGICAL_DATE ? OP_CONNECT_DATE_TEXT
                      : s->logical == CD_LOGICAL_TIME ? OP_CONNECT_TIME_TEXT
                                                      : OP_CONNECT_TIMESTAMP_TEXT;
    uint8_t unit = env->timestamp_nanos ? UNIT_NS : UNIT_US;
    const tz_t *tz = op == OP_CONNECT_DATE ? env->date_zone : env->zone;
    uint8_t family = type != NULL ? type->family : FAMILY_TEXT;
    bool fits = op == OP_CONNECT_DATE   ? is_moment(family)
                : op == OP_CONNECT_TIME ? is_clock(family)
                                        : is_moment(family) || is_clock(family);
    if (fits) {
        set_temporal(b, op, unit, type, tz);
        return;
    }
    b->tz = tz;
    b->unit = unit;
    if (family == FAMILY_TEXT)
        set_type(b, text_op, OID_VARCHAR);
    else
        set_untyped(b, text_op, type, arena);
}

static void choose_string(const bind_env_t *env, const pg_type_t *type, cd_arena_t *arena, bind_t *b)
{
    uint8_t family = type != NULL ? type->family : FAMILY_TEXT;
    switch (family) {
    case FAMILY_TEXT:
        set_type(b, OP_RAW, OID_VARCHAR);
        break;
    case FAMILY_UUID:
        set_type(b, OP_UUID, OID_UUID);
        b->row_cast = "::uuid";
        break;
    case FAMILY_JSON:
        set_type(b, OP_RAW, OID_JSON);
        b->row_cast = "::json";
        break;
    case FAMILY_JSONB:
        set_type(b, OP_JSONB, OID_JSONB);
        b->row_cast = "::jsonb";
        break;
    default:
        if (env->string_unspecified || (env->coerce && family != FAMILY_BYTEA))
            set_untyped(b, OP_RAW, type, arena);
        else
            set_type(b, OP_RAW, OID_VARCHAR);
    }
}

static bool choose_debezium_time(const bind_env_t *env, const cd_schema_t *s, const pg_type_t *type, bind_t *b)
{
    const char *name = s->name + strlen(TIME_PREFIX);
    uint8_t f = type->family;
    uint8_t unit = strncmp(name, "Micro", 5) == 0 ? UNIT_US : strncmp(name, "Nano", 4) == 0 ? UNIT_NS : UNIT_MS;
    const char *kind = unit == UNIT_US ? name + 5 : unit == UNIT_NS ? name + 4 : name;
    bool number = s->type == CD_INT32 || s->type == CD_INT64;
    if (number && strcmp(name, "Date") == 0 && is_moment(f)) {
        set_temporal(b, OP_WALL_DATE, UNIT_MS, type, env->zone);
    } else if (number && strcmp(kind, "Time") == 0 && is_clock(f)) {
        set_temporal(b, OP_WALL_TIME, unit, type, env->zone);
    } else if (number && (strcmp(kind, "Time") == 0 || strcmp(kind, "Duration") == 0) && f == FAMILY_INTERVAL) {
        set_type(b, OP_TIME_TO_INTERVAL, OID_INTERVAL);
        b->unit = unit;
    } else if (number && strcmp(kind, "Timestamp") == 0 && (is_moment(f) || is_clock(f))) {
        set_temporal(b, OP_WALL_TIMESTAMP, unit, type, env->zone);
    } else if (s->type == CD_STRING && (is_moment(f) || is_clock(f)) &&
               (strcmp(name, "ZonedTimestamp") == 0 || strcmp(name, "IsoTimestamp") == 0)) {
        /* An IsoTimestamp's Z is decoration: its clock had no zone. */
        set_temporal(b, OP_ISO, name[0] == 'I' ? UNIT_MS : UNIT_NS, type, env->zone);
    } else if (s->type == CD_STRING && strcmp(name, "IsoDate") == 0 && is_moment(f)) {
        set_temporal(b, OP_ISO, UNIT_MS, type, env->zone);
    } else if (s->type == CD_STRING && (strcmp(name, "ZonedTime") == 0 || strcmp(name, "IsoTime") == 0) &&
               is_clock(f)) {
        set_temporal(b, OP_ISO_TIME, UNIT_MS, type, env->zone);
    } else if (s->type == CD_STRING && strcmp(name, "Interval") == 0 && f == FAMILY_INTERVAL) {
        set_type(b, OP_ISO_INTERVAL, OID_INTERVAL);
    } else if (s->type == CD_STRING && f != FAMILY_TEXT) {
        set_type(b, OP_RAW, OID_VARCHAR); /* no meaning there: the server says so */
    } else {
        return false;
    }
    return true;
}

static int32_t part(const cd_schema_t *s, const char *name, uint8_t type)
{
    int32_t i = cd_schema_field(s, name);
    return i >= 0 && s->fields[i].schema->type == type ? i : -1;
}

static bool choose_geometry(const cd_schema_t *s, const pg_type_t *type, bool is_point, bind_t *b)
{
    b->parts[0] = part(s, "wkb", CD_BYTES);
    b->parts[1] = part(s, "srid", CD_INT32);
    uint8_t f = type != NULL ? type->family : FAMILY_TEXT;
    if (is_point && f == FAMILY_POINT) {
        b->parts[0] = part(s, "x", CD_FLOAT64);
        b->parts[1] = part(s, "y", CD_FLOAT64);
        set_type(b, OP_POINT, OID_POINT);
        return b->parts[0] >= 0 && b->parts[1] >= 0;
    }
    if (b->parts[0] < 0) return false;
    if (f == FAMILY_GEOMETRY || f == FAMILY_GEOGRAPHY) {
        b->op = OP_EWKB;
        b->scale = f == FAMILY_GEOGRAPHY ? 4326 : 0; /* srid when the value has none */
        b->oid = b->row_oid = type->oid;
        b->array_oid = type->array_oid;
        b->sql_type = type->sql_name;
    } else if (f == FAMILY_BYTEA) {
        set_type(b, OP_WKB, OID_BYTEA);
    } else if (f == FAMILY_TEXT) {
        set_type(b, OP_EWKB_HEX, OID_VARCHAR);
    } else {
        return false;
    }
    return true;
}

static bool choose_debezium_data(const cd_schema_t *s, const pg_type_t *type, bind_t *b)
{
    const char *name = s->name + strlen(DATA_PREFIX);
    uint8_t f = type != NULL ? type->family : FAMILY_TEXT;
    if (s->type == CD_STRUCT && strcmp(name, "VariableScaleDecimal") == 0) {
        b->parts[0] = part(s, "value", CD_BYTES);
        b->parts[1] = part(s, "scale", CD_INT32);
        set_type(b, OP_VARIABLE_DECIMAL, OID_NUMERIC);
        return b->parts[0] >= 0 && b->parts[1] >= 0;
    }
    if (s->type == CD_STRUCT && (strcmp(name, "geometry.Geometry") == 0 || strcmp(name, "geometry.Geography") == 0))
        return choose_geometry(s, type, false, b);
    if (s->type == CD_STRUCT && strcmp(name, "geometry.Point") == 0) return choose_geometry(s, type, true, b);
    if (s->type == CD_BYTES && strcmp(name, "Bits") == 0 && f == FAMILY_BIT) {
        const char *length = cd_schema_param(s, "length");
        set_type(b, OP_BITS, type->oid);
        b->scale = length != NULL ? (int32_t)strtol(length, NULL, 10) : 0;
        return true;
    }
    if (s->type == CD_STRING && strcmp(name, "EnumSet") == 0 && f == FAMILY_ARRAY && type->element != NULL &&
        type->element->family == FAMILY_TEXT) {
        set_type(b, OP_ENUM_SET, OID_TEXT);
        b->oid = b->row_oid = 1009;
        b->array_oid = 0;
        b->sql_type = "text[]";
        return true;
    }
    return false;
}

static bool is_natural_element(const cd_schema_t *s)
{
    return s != NULL && s->logical == CD_LOGICAL_NONE && s->type >= CD_INT8 && s->type <= CD_STRING;
}

static cd_err_t *unsupported(const cd_schema_t *s)
{
    return cd_err_new(CD_ERR_FATAL, CD_JVM_CONNECT, "Unsupported source data type: %s",
                      s->type == CD_ARRAY ? "ARRAY"
                      : s->type == CD_MAP ? "MAP"
                                          : "STRUCT");
}

static cd_err_t *choose_array(const bind_env_t *env, const cd_schema_t *s, const pg_type_t *type, cd_arena_t *arena,
                              bind_t *b)
{
    const cd_schema_t *item = s->value_schema;
    bool typed = type != NULL && type->family == FAMILY_ARRAY && type->element != NULL && env->coerce;
    if (item == NULL || item->type >= CD_ARRAY || (!typed && !is_natural_element(item))) return unsupported(s);
    bind_t *element = cd_arena_new(arena, bind_t);
    bind_env_t plain = *env;
    plain.coerce = typed;
    cd_err_t *err = bind_choose(&plain, item, false, typed ? type->element : NULL, arena, element);
    if (err != NULL) return err;
    if (element->array_oid == 0) return unsupported(s);
    b->op = OP_ARRAY;
    b->element = element;
    b->oid = b->row_oid = element->array_oid;
    b->array_oid = 0; /* UNNEST would take the array apart */
    b->sql_type = cd_arena_printf(arena, "%s[]", element->sql_type);
    if (element->row_text) b->cast = b->row_cast = cd_arena_printf(arena, "::%s", type->sql_name);
    return NULL;
}

/** The type that the driver would declare, and the tolerant rules around it. */
static cd_err_t *choose_plain(const bind_env_t *env, const cd_schema_t *s, const pg_type_t *type, cd_arena_t *arena,
                              bind_t *b)
{
    uint8_t f = type != NULL && env->coerce ? type->family : FAMILY_OTHER;
    switch (s->type) {
    case CD_INT8:
    case CD_INT16:
    case CD_INT32:
    case CD_INT64:
        if (f == FAMILY_BOOL)
            set_type(b, OP_INT_TO_BOOL, OID_BOOL);
        else if (s->type == CD_INT64)
            set_type(b, OP_INT8, OID_INT8);
        else if (s->type == CD_INT32)
            set_type(b, OP_INT4, OID_INT4);
        else
            set_type(b, OP_INT2, OID_INT2);
        return NULL;
    case CD_FLOAT32:
        set_type(b, OP_FLOAT4, OID_FLOAT4);
        return NULL;
    case CD_FLOAT64:
        set_type(b, OP_FLOAT8, OID_FLOAT8);
        return NULL;
    case CD_BOOLEAN:
        if (f == FAMILY_INT || f == FAMILY_NUMERIC)
            set_type(b, OP_BOOL_TO_INT2, OID_INT2);
        else if (f == FAMILY_BIT)
            set_type(b, OP_BOOL_TO_BIT, type->oid);
        else
            set_type(b, OP_BOOL, OID_BOOL);
        return NULL;
    case CD_STRING:
        choose_string(env, type, arena, b);
        return NULL;
    case CD_BYTES:
        set_type(b, OP_RAW, OID_BYTEA);
        return NULL;
    case CD_ARRAY:
        return choose_array(env, s, type, arena, b);
    default:
        return unsupported(s);
    }
}

cd_err_t *bind_choose(const bind_env_t *env, const cd_schema_t *s, bool listed, const pg_type_t *type,
                      cd_arena_t *arena, bind_t *ret_bind)
{
    bind_t b = {.cell_type = s->type, .cast = "", .row_cast = "", .parts = {-1, -1}};
    cd_err_t *err = NULL;
    listed = listed && (s->type == CD_INT64 || s->type == CD_STRING) && s->logical == CD_LOGICAL_NONE;
    if (s->logical == CD_LOGICAL_DECIMAL) {
        if (s->scale == INT32_MIN)
            return cd_err_new(CD_ERR_FATAL, CD_JVM_DATA, "Invalid Decimal schema: scale parameter not found.");
        set_type(&b, OP_DECIMAL, OID_NUMERIC);
        b.scale = s->scale;
    } else if (s->logical != CD_LOGICAL_NONE || listed) {
        choose_connect(env, s, listed, type, arena, &b);
    } else if (!(env->coerce && s->name != NULL && type != NULL &&
                 strncmp(s->name, TIME_PREFIX, strlen(TIME_PREFIX)) == 0 && choose_debezium_time(env, s, type, &b)) &&
               !(env->coerce && s->name != NULL && strncmp(s->name, DATA_PREFIX, strlen(DATA_PREFIX)) == 0 &&
                 choose_debezium_data(s, type, &b))) {
        err = choose_plain(env, s, type, arena, &b);
    }
    if (err == NULL && type != NULL) b.dedupe = is_dedupable(&b, type);
    *ret_bind = b;
    return err;
}

/* ---- writing --------------------------------------------------------------------------------------------------- */

static bool to_us(int64_t v, uint8_t unit, int64_t *ret_us, conv_err_t *err)
{
    if (unit == UNIT_US) {
        *ret_us = v;
    } else if (unit == UNIT_NS) {
        *ret_us = temporal_ns_to_us(v);
    } else if (__builtin_mul_overflow(v, INT64_C(1000), ret_us)) {
        civil_t c = civil_from_days(civil_floor_div(v, 86400000));
        return conv_fail(err, "22008", "timestamp out of range: \"%lld-%02d-%02d\"", (long long)c.year, c.month, c.day);
    }
    return true;
}

/** Dates reach further than microseconds do. */
static bool days_to_us(int64_t days, int64_t *ret_us, conv_err_t *err)
{
    if (!__builtin_mul_overflow(days, WIRE_DAY_US, ret_us)) return true;
    civil_t c = civil_from_days(days);
    return conv_fail(err, "22008", "timestamp out of range: \"%lld-%02d-%02d\"", (long long)c.year, c.month, c.day);
}

static bool connect_moment(const bind_t *b, int64_t v, temporal_t *ret_t, conv_err_t *err)
{
    if (v == TIMESTAMP_POSITIVE_INFINITY || v == TIMESTAMP_NEGATIVE_INFINITY) {
        *ret_t = (temporal_t){.infinity = v > 0 ? 1 : -1};
        return true;
    }
    int64_t us;
    if (!to_us(v, UNIT_MS, &us, err)) return false;
    *ret_t = temporal_of_instant(us, b->tz);
    return true;
}

/** A Connect Date is midnight UTC of its day, shown in a zone; the text then has no time of day any more. */
static bool connect_date(const bind_t *b, int64_t days, temporal_t *ret_t, conv_err_t *err)
{
    int64_t us;
    if (!days_to_us(days, &us, err)) return false;
    *ret_t = temporal_of_instant(us, b->tz);
    ret_t->wall_us = civil_floor_div(ret_t->wall_us, WIRE_DAY_US) * WIRE_DAY_US;
    ret_t->instant_us = ret_t->wall_us - (int64_t)ret_t->offset_s * 1000000;
    return true;
}

static bool listed_moment(const bind_t *b, const cd_value_t *v, temporal_t *ret_t, conv_err_t *err)
{
    int64_t n = v->i64;
    if (v->type == CD_STRING) {
        char text[32];
        char *end = text;
        if (v->len > 0 && v->len < sizeof(text)) {
            memcpy(text, v->str, v->len);
            text[v->len] = '\0';
            n = strtoll(text, &end, 10);
        }
        if (end == text || *end != '\0')
            return conv_fail(err, "22007", "invalid input syntax for type timestamp: \"%.*s\"",
                             (int)(v->len < 64 ? v->len : 64), v->str);
    }
    int64_t us;
    if (!to_us(n, b->unit, &us, err)) return false;
    *ret_t = temporal_of_instant(us, b->tz);
    return true;
}

static bool put_text(wire_buf_t *out, enum temporal_style style, const temporal_t *t)
{
    char text[TEMPORAL_TEXT_MAX];
    size_t len = temporal_text(text, style, t, true);
    wire_field_bytes(out, text, (uint32_t)len);
    return true;
}

static bool bad_text(const cd_value_t *v, const char *type, conv_err_t *err)
{
    return conv_fail(err, "22007", "invalid input syntax for type %s: \"%.*s\"", type,
                     (int)(v->len < 128 ? v->len : 128), v->str);
}

static bool put_iso(const bind_t *b, const cd_value_t *v, wire_buf_t *out, conv_err_t *err)
{
    iso_text_t iso;
    if (!iso_text_parse(v->str, v->len, &iso) || (iso.infinity == 0 && !iso.has_date))
        return bad_text(v, b->sql_type, err);
    temporal_t t = {.infinity = iso.infinity};
    int64_t wall;
    if (iso.infinity == 0) {
        if (__builtin_mul_overflow(iso.days, WIRE_DAY_US, &wall) || __builtin_add_overflow(wall, iso.us, &wall))
            return conv_fail(err, "22008", "timestamp out of range: \"%.*s\"", (int)(v->len < 64 ? v->len : 64),
                             v->str);
        if (b->unit == UNIT_MS || !iso.has_offset) {
            t = temporal_of_wall(wall, b->tz);
        } else if (b->target == TEMPORAL_TIMETZ) {
            t = (temporal_t){.wall_us = wall, .offset_s = iso.offset_s};
        } else {
            t = temporal_of_instant(wall - (int64_t)iso.offset_s * 1000000, b->tz);
        }
    }
    return temporal_put(out, (enum temporal_target)b->target, &t, err);
}

static bool put_iso_time(const bind_t *b, const cd_value_t *v, wire_buf_t *out, conv_err_t *err)
{
    iso_text_t iso;
    if (!iso_text_parse(v->str, v->len, &iso) || iso.infinity != 0 || !iso.has_time || iso.has_date)
        return bad_text(v, b->sql_type, err);
    return temporal_put_time(out, (enum temporal_target)b->target, iso.us, iso.offset_s, err);
}

static bool put_interval(const cd_value_t *v, wire_buf_t *out, conv_err_t *err)
{
    int64_t us;
    int32_t days, months;
    if (!temporal_parse_interval(v->str, v->len, &us, &days, &months)) return bad_text(v, "interval", err);
    temporal_put_interval(out, us, days, months);
    return true;
}

static bool put_bits(const bind_t *b, const cd_value_t *v, wire_buf_t *out, conv_err_t *err)
{
    uint32_t bits = b->scale > 0 ? (uint32_t)b->scale : v->len * 8;
    if (bits > 83886080) return conv_fail(err, "22026", "bit string length exceeds the maximum allowed (83886080)");
    size_t at = wire_field_begin(out);
    wire_put32(out, bits);
    uint32_t bytes = (bits + 7) / 8;
    uint8_t *p = wire_reserve(out, bytes);
    memset(p, 0, bytes);
    for (uint32_t i = 0; i < bits; i++) { /* digit i counts from the most significant bit of a little-endian number */
        uint32_t from = bits - 1 - i;
        bool on = from / 8 < v->len && (v->bytes[from / 8] >> (from % 8) & 1) != 0;
        if (on) p[i / 8] |= (uint8_t)(0x80 >> (i % 8));
    }
    out->len += bytes;
    wire_field_end(out, at);
    return true;
}

static void array_head(wire_buf_t *out, uint32_t n, bool has_null, uint32_t element_oid)
{
    wire_put32(out, n > 0 ? 1 : 0);
    wire_put32(out, has_null ? 1 : 0);
    wire_put32(out, element_oid);
    if (n > 0) {
        wire_put32(out, n);
        wire_put32(out, 1);
    }
}

static bool put_enum_set(const cd_value_t *v, wire_buf_t *out)
{
    uint32_t n = v->len > 0 ? 1 : 0;
    for (uint32_t i = 0; i < v->len; i++) n += v->str[i] == ',' ? 1 : 0;
    size_t at = wire_field_begin(out);
    array_head(out, n, false, OID_TEXT);
    const char *p = v->str, *end = v->str + v->len;
    for (uint32_t i = 0; i < n; i++) {
        const char *comma = memchr(p, ',', (size_t)(end - p));
        const char *stop = comma != NULL ? comma : end;
        wire_field_bytes(out, p, (uint32_t)(stop - p));
        p = stop + 1;
    }
    wire_field_end(out, at);
    return true;
}

static bool put_array(const bind_t *b, const cd_value_t *v, wire_buf_t *out, conv_err_t *err)
{
    bool has_null = false;
    for (uint32_t i = 0; i < v->len; i++) has_null = has_null || v->items[i].type == CD_NULL;
    size_t at = wire_field_begin(out);
    array_head(out, v->len, has_null, b->element->oid);
    for (uint32_t i = 0; i < v->len; i++) {
        if (v->items[i].type == CD_NULL)
            wire_field_null(out);
        else if (!bind_put(b->element, &v->items[i], out, err))
            return false;
    }
    wire_field_end(out, at);
    return true;
}

static const cd_value_t *struct_part(const cd_value_t *v, int32_t index, uint8_t type)
{
    if (index < 0 || (uint32_t)index >= v->len || v->items[index].type != type) return NULL;
    return &v->items[index];
}

/** WKB, with the SRID put behind the type word unless it has one. */
static bool put_ewkb(const bind_t *b, const cd_value_t *v, wire_buf_t *out, conv_err_t *err)
{
    const cd_value_t *wkb = struct_part(v, b->parts[0], CD_BYTES), *srid = struct_part(v, b->parts[1], CD_INT32);
    if (wkb == NULL || wkb->len < 5 || wkb->bytes[0] > 1)
        return conv_fail(err, "22023", "invalid geometry: no usable wkb");
    size_t at = wire_field_begin(out);
    if (b->op == OP_WKB) {
        wire_put_raw(out, wkb->bytes, wkb->len);
        wire_field_end(out, at);
        return true;
    }
    bool little = wkb->bytes[0] == 1;
    uint32_t type, id = srid != NULL ? (uint32_t)srid->i64 : (uint32_t)b->scale;
    memcpy(&type, wkb->bytes + 1, 4);
    if (!little) type = __builtin_bswap32(type);
    size_t start = out->len;
    if ((type & EWKB_SRID) != 0 || id == 0) {
        wire_put_raw(out, wkb->bytes, wkb->len);
    } else {
        type |= EWKB_SRID;
        if (!little) {
            type = __builtin_bswap32(type);
            id = __builtin_bswap32(id);
        }
        wire_put_raw(out, wkb->bytes, 1);
        wire_put_raw(out, &type, 4);
        wire_put_raw(out, &id, 4);
        wire_put_raw(out, wkb->bytes + 5, wkb->len - 5);
    }
    if (b->op == OP_EWKB_HEX) {
        size_t n = out->len - start;
        (void)wire_reserve(out, n);
        for (size_t i = n; i-- > 0;) { /* from the back, so that each byte is read before it is overwritten */
            uint8_t byte = out->data[start + i];
            out->data[start + 2 * i] = (uint8_t) "0123456789ABCDEF"[byte >> 4];
            out->data[start + 2 * i + 1] = (uint8_t) "0123456789ABCDEF"[byte & 15];
        }
        out->len += n;
    }
    wire_field_end(out, at);
    return true;
}

static bool put_point(const bind_t *b, const cd_value_t *v, wire_buf_t *out, conv_err_t *err)
{
    const cd_value_t *x = struct_part(v, b->parts[0], CD_FLOAT64), *y = struct_part(v, b->parts[1], CD_FLOAT64);
    if (x == NULL || y == NULL) return conv_fail(err, "22P02", "invalid input syntax for type point");
    uint64_t bits[2];
    memcpy(&bits[0], &x->f64, 8);
    memcpy(&bits[1], &y->f64, 8);
    uint8_t *p = wire_reserve(out, 20);
    wire_set32(p, 16);
    wire_set64(p + 4, bits[0]);
    wire_set64(p + 12, bits[1]);
    out->len += 20;
    return true;
}

static bool put_variable_decimal(const bind_t *b, const cd_value_t *v, wire_buf_t *out, conv_err_t *err)
{
    const cd_value_t *unscaled = struct_part(v, b->parts[0], CD_BYTES), *scale = struct_part(v, b->parts[1], CD_INT32);
    if (unscaled == NULL || scale == NULL) return conv_fail(err, "22P02", "invalid input syntax for type numeric");
    return wire_field_numeric(out, unscaled->bytes, unscaled->len, (int32_t)scale->i64) ||
           conv_fail(err, "22003", "value overflows numeric format");
}

static bool put_connect(const bind_t *b, const cd_value_t *v, wire_buf_t *out, conv_err_t *err)
{
    temporal_t t;
    switch (b->op) {
    case OP_CONNECT_TIMESTAMP:
        return connect_moment(b, v->i64, &t, err) && temporal_put(out, (enum temporal_target)b->target, &t, err);
    case OP_CONNECT_TIMESTAMP_TEXT:
        return connect_moment(b, v->i64, &t, err) && put_text(out, TEMPORAL_STYLE_TIMESTAMP, &t);
    case OP_CONNECT_TIME:
        return connect_moment(b, v->i64, &t, err) && temporal_put(out, (enum temporal_target)b->target, &t, err);
    case OP_CONNECT_TIME_TEXT:
        return connect_moment(b, v->i64, &t, err) && put_text(out, TEMPORAL_STYLE_TIME, &t);
    case OP_CONNECT_DATE:
        return connect_date(b, v->i64, &t, err) && temporal_put(out, (enum temporal_target)b->target, &t, err);
    case OP_CONNECT_DATE_TEXT:
        return connect_date(b, v->i64, &t, err) && put_text(out, TEMPORAL_STYLE_DATE, &t);
    case OP_LISTED:
        return listed_moment(b, v, &t, err) && temporal_put(out, (enum temporal_target)b->target, &t, err);
    default:
        return listed_moment(b, v, &t, err) && put_text(out, TEMPORAL_STYLE_TIMESTAMP, &t);
    }
}

static bool put_wall(const bind_t *b, int64_t v, wire_buf_t *out, conv_err_t *err)
{
    int64_t us;
    temporal_t t;
    switch (b->op) {
    case OP_WALL_TIMESTAMP:
        if (!to_us(v, b->unit, &us, err)) return false;
        t = temporal_of_wall(us, b->tz);
        return temporal_put(out, (enum temporal_target)b->target, &t, err);
    case OP_WALL_DATE:
        if (b->target == TEMPORAL_DATE) return temporal_put_date(out, v, err);
        if (!days_to_us(v, &us, err)) return false;
        t = temporal_of_wall(us, b->tz);
        return temporal_put(out, (enum temporal_target)b->target, &t, err);
    case OP_WALL_TIME:
        return to_us(v, b->unit, &us, err) && temporal_put_time(out, (enum temporal_target)b->target, us, 0, err);
    default:
        if (!to_us(v, b->unit, &us, err)) return false;
        temporal_put_interval(out, us, 0, 0);
        return true;
    }
}

bool bind_put(const bind_t *b, const cd_value_t *v, wire_buf_t *out, conv_err_t *err)
{
    if (CD_UNLIKELY(v->type != b->cell_type))
        return conv_fail(err, "42804", "the value does not have the type of its schema");
    switch (b->op) {
    case OP_INT4:
        wire_field_32(out, (uint32_t)v->i64);
        return true;
    case OP_INT8:
        wire_field_64(out, (uint64_t)v->i64);
        return true;
    case OP_INT2:
        wire_field_16(out, (uint16_t)v->i64);
        return true;
    case OP_RAW:
        if (v->len > FIELD_MAX) return conv_fail(err, "54000", "a value of %u bytes exceeds the limit of 1 GB", v->len);
        wire_field_bytes(out, v->bytes, v->len);
        return true;
    case OP_BOOL:
        wire_field_bool(out, v->boolean);
        return true;
    case OP_FLOAT4: {
        uint32_t bits;
        memcpy(&bits, &v->f32, 4);
        wire_field_32(out, bits);
        return true;
    }
    case OP_FLOAT8: {
        uint64_t bits;
        memcpy(&bits, &v->f64, 8);
        wire_field_64(out, bits);
        return true;
    }
    case OP_DECIMAL:
        return wire_field_numeric(out, v->bytes, v->len, b->scale) ||
               conv_fail(err, "22003", "value overflows numeric format");
    case OP_UUID:
        return wire_field_uuid(out, v->str, v->len) ||
               conv_fail(err, "22P02", "invalid input syntax for type uuid: \"%.*s\"",
                         (int)(v->len < 128 ? v->len : 128), v->str);
    case OP_JSONB:
        if (v->len >= FIELD_MAX)
            return conv_fail(err, "54000", "a value of %u bytes exceeds the limit of 1 GB", v->len);
        wire_put32(out, v->len + 1);
        wire_put_raw(out, "\x01", 1);
        wire_put_raw(out, v->str, v->len);
        return true;
    case OP_INT_TO_BOOL:
        if (v->i64 != 0 && v->i64 != 1)
            return conv_fail(err, "22P02", "invalid input syntax for type boolean: \"%lld\"", (long long)v->i64);
        wire_field_bool(out, v->i64 == 1);
        return true;
    case OP_BOOL_TO_INT2:
        wire_field_16(out, v->boolean ? 1 : 0);
        return true;
    case OP_BOOL_TO_BIT: {
        uint8_t *p = wire_reserve(out, 9);
        wire_set32(p, 5);
        wire_set32(p + 4, 1);
        p[8] = v->boolean ? 0x80 : 0;
        out->len += 9;
        return true;
    }
    case OP_WALL_TIMESTAMP:
    case OP_WALL_DATE:
    case OP_WALL_TIME:
    case OP_TIME_TO_INTERVAL:
        return put_wall(b, v->i64, out, err);
    case OP_ISO:
        return put_iso(b, v, out, err);
    case OP_ISO_TIME:
        return put_iso_time(b, v, out, err);
    case OP_ISO_INTERVAL:
        return put_interval(v, out, err);
    case OP_VARIABLE_DECIMAL:
        return put_variable_decimal(b, v, out, err);
    case OP_BITS:
        return put_bits(b, v, out, err);
    case OP_ENUM_SET:
        return put_enum_set(v, out);
    case OP_EWKB:
    case OP_EWKB_HEX:
    case OP_WKB:
        return put_ewkb(b, v, out, err);
    case OP_POINT:
        return put_point(b, v, out, err);
    case OP_ARRAY:
        return put_array(b, v, out, err);
    default:
        return put_connect(b, v, out, err);
    }
}
