#include "connectors/postgres/bind_op.h"

#define TIME_PREFIX "io.debezium.time."
#define DATA_PREFIX "io.debezium.data."

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
    uint8_t op = listed                               ? OP_LISTED
                 : bind_logical(s) == CD_LOGICAL_DATE ? OP_CONNECT_DATE
                 : bind_logical(s) == CD_LOGICAL_TIME ? OP_CONNECT_TIME
                                                      : OP_CONNECT_TIMESTAMP;
    uint8_t text_op = listed                               ? OP_LISTED_TEXT
                      : bind_logical(s) == CD_LOGICAL_DATE ? OP_CONNECT_DATE_TEXT
                      : bind_logical(s) == CD_LOGICAL_TIME ? OP_CONNECT_TIME_TEXT
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
    return s != NULL && bind_logical(s) == CD_LOGICAL_NONE && s->type >= CD_INT8 && s->type <= CD_STRING;
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
    if (typed && element->row_text) b->cast = b->row_cast = cd_arena_printf(arena, "::%s", type->sql_name);
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
    listed = listed && (s->type == CD_INT64 || s->type == CD_STRING) && bind_logical(s) == CD_LOGICAL_NONE;
    if (bind_logical(s) == CD_LOGICAL_DECIMAL) {
        if (s->scale == INT32_MIN)
            return cd_err_new(CD_ERR_FATAL, CD_JVM_DATA, "Invalid Decimal schema: scale parameter not found.");
        set_type(&b, OP_DECIMAL, OID_NUMERIC);
        b.scale = s->scale;
    } else if (bind_logical(s) != CD_LOGICAL_NONE || listed) {
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
