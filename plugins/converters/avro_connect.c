#include "plugins/converters/avro_connect.h"

#include "runtime/base/json.h"
#include "runtime/base/mem.h"
#include "runtime/base/str.h"
#include "runtime/data/schema.h"

#define DEPTH_MAX    64u
#define VISITS_MAX   65536u /* named types may be used many times: bounds the work of a hostile schema */
#define DEFAULT_FULL AVRO_NAMESPACE ".ConnectDefault"

typedef struct reader {
    const avro_options_t *o;
    cd_schema_pool_t *pool;
    cd_arena_t arena;
    uint32_t depth, visits;
} reader_t;

typedef struct params {
    cd_param_t *items;
    uint32_t n, cap;
} params_t;

/** What the place of use adds to a type. */
typedef struct use {
    bool optional;
    const json_t *dflt; /* the field's default */
    int32_t version;
} use_t;

static void set_param(params_t *p, const char *name, const char *value)
{
    for (uint32_t i = 0; i < p->n; i++) {
        if (strcmp(p->items[i].name, name) != 0) continue;
        p->items[i].value = value;
        return;
    }
    mem_grow(p->items, p->n, p->cap);
    p->items[p->n++] = (cd_param_t){.name = name, .value = value};
}

static cd_err_t *data_error(const char *text, const char *arg)
{
    return cd_err_new(CD_ERR_DATA, CD_JVM_DATA, "%s%.300s", text, arg);
}

const char *avro_branch_name(const avro_node_t *branch, const avro_options_t *o)
{
    if (branch->full == NULL) return avro_type_name(branch->type);
    return o->enhanced ? branch->full : branch->name;
}

/* ---- defaults --------------------------------------------------------------------------------------------------- */

/** Text whose characters are bytes (ISO-8859-1), as Avro writes bytes in JSON. */
static bool latin1_bytes(const json_t *json, cd_arena_t *arena, cd_value_t *ret_value)
{
    if (!json_is_string(json)) return false;
    const char *p = json_string_value(json), *end = p + json_string_length(json);
    uint8_t *out = (uint8_t *)cd_arena_alloc(arena, (size_t)(end - p) + 1);
    size_t n = 0;
    while (p < end) {
        uint32_t c = str_utf8_next(&p, end);
        if (c > 0xFF) return false;
        out[n++] = (uint8_t)c;
    }
    *ret_value = cd_v_bytes(out, n);
    return true;
}

static bool int_in_range(uint8_t type, int64_t v)
{
    switch (type) {
    case CD_INT8:
        return v >= INT8_MIN && v <= INT8_MAX;
    case CD_INT16:
        return v >= INT16_MIN && v <= INT16_MAX;
    case CD_INT32:
        return v >= INT32_MIN && v <= INT32_MAX;
    default:
        return true;
    }
}

static bool float_value(const json_t *json, double *ret_v)
{
    if (json_is_number(json)) {
        *ret_v = json_number_value(json);
        return true;
    }
    const char *word = json_string_value(json);
    if (word == NULL) return false;
    if (strcmp(word, "NaN") == 0)
        *ret_v = __builtin_nan("");
    else if (strcmp(word, "Infinity") == 0)
        *ret_v = __builtin_inf();
    else if (strcmp(word, "-Infinity") == 0)
        *ret_v = -__builtin_inf();
    else
        return false;
    return true;
}

static bool struct_default(const avro_node_t *node, const cd_schema_t *s, const json_t *json, cd_arena_t *arena,
                           cd_value_t *ret_value)
{
    if (!json_is_object(json) || node->type != AVRO_RECORD || node->n != s->nfields) return false;
    cd_value_t *items = cd_arena_array(arena, cd_value_t, s->nfields);
    for (uint32_t i = 0; i < s->nfields; i++) {
        const json_t *member = json_object_get(json, node->fields[i].name);
        if (member == NULL) member = node->fields[i].dflt;
        if (member == NULL || !avro_default_value(node->fields[i].type, s->fields[i].schema, member, arena, &items[i]))
            return false;
    }
    *ret_value = cd_v_items(CD_STRUCT, items, s->nfields);
    return true;
}

static bool map_default(const avro_node_t *node, const cd_schema_t *s, const json_t *json, cd_arena_t *arena,
                        cd_value_t *ret_value)
{
    uint32_t n = 0;
    cd_value_t *items = NULL;
    if (node->type == AVRO_MAP && json_is_object(json)) {
        items = cd_arena_array(arena, cd_value_t, 2 * json_object_size(json));
        const char *key;
        json_t *member;
        json_object_foreach((json_t *)(uintptr_t)json, key, member)
        {
            items[2 * n] = cd_v_str(cd_arena_strdup(arena, key));
            if (!avro_default_value(node->items, s->value_schema, member, arena, &items[2 * n + 1])) return false;
            n++;
        }
    } else if (avro_is_entry_array(node) && json_is_array(json)) {
        items = cd_arena_array(arena, cd_value_t, 2 * json_array_size(json));
        for (; n < json_array_size(json); n++) {
            const json_t *pair = json_array_get(json, n);
            const json_t *k = json_is_array(pair) ? json_array_get(pair, 0) : json_object_get(pair, "key");
            const json_t *v = json_is_array(pair) ? json_array_get(pair, 1) : json_object_get(pair, "value");
            if (k == NULL || v == NULL) return false;
            if (!avro_default_value(node->items->fields[0].type, s->key_schema, k, arena, &items[2 * n])) return false;
            if (!avro_default_value(node->items->fields[1].type, s->value_schema, v, arena, &items[2 * n + 1]))
                return false;
        }
    } else {
        return false;
    }
    *ret_value = cd_v_items(CD_MAP, items, n);
    return true;
}

bool avro_default_value(const avro_node_t *node, const cd_schema_t *s, const json_t *json, cd_arena_t *arena,
                        cd_value_t *ret_value)
{
    if (node->type == AVRO_UNION) {
        int null_branch = avro_null_branch(node);
        if (json_is_null(json)) {
            *ret_value = CD_V_NULL;
            return s->optional;
        }
        if (null_branch < 0) return false; /* a union of several types: Avro's JSON does not say which */
        return avro_default_value(node->branches[1 - null_branch], s, json, arena, ret_value);
    }
    double d = 0;
    switch (s->type) {
    case CD_BOOLEAN:
        *ret_value = cd_v_bool(json_is_true(json));
        return json_is_boolean(json);
    case CD_INT8:
    case CD_INT16:
    case CD_INT32:
    case CD_INT64:
        if (!json_is_integer(json) || !int_in_range(s->type, json_integer_value(json))) return false;
        *ret_value = cd_v_int(s->type, json_integer_value(json));
        return true;
    case CD_FLOAT32:
        if (!float_value(json, &d)) return false;
        *ret_value = cd_v_f32((float)d);
        return true;
    case CD_FLOAT64:
        if (!float_value(json, &d)) return false;
        *ret_value = cd_v_f64(d);
        return true;
    case CD_STRING:
        if (!json_is_string(json)) return false;
        *ret_value = cd_v_strn(cd_arena_strndup(arena, json_string_value(json), json_string_length(json)),
                               json_string_length(json));
        return true;
    case CD_BYTES:
        return latin1_bytes(json, arena, ret_value);
    case CD_ARRAY: {
        if (!json_is_array(json) || node->type != AVRO_ARRAY) return false;
        uint32_t n = (uint32_t)json_array_size(json);
        cd_value_t *items = cd_arena_array(arena, cd_value_t, n);
        for (uint32_t i = 0; i < n; i++)
            if (!avro_default_value(node->items, s->value_schema, json_array_get(json, i), arena, &items[i]))
                return false;
        *ret_value = cd_v_items(CD_ARRAY, items, n);
        return true;
    }
    case CD_MAP:
        return map_default(node, s, json, arena, ret_value);
    case CD_STRUCT:
        return struct_default(node, s, json, arena, ret_value);
    default:
        return false;
    }
}

/* ---- schemas ---------------------------------------------------------------------------------------------------- */

static cd_err_t *convert(reader_t *r, const avro_node_t *node, use_t use, const cd_schema_t **ret_schema);

static cd_err_t *convert_int(const avro_node_t *node, cd_schema_spec_t *spec)
{
    const char *logical = avro_prop(node, "logicalType"), *type = avro_prop(node, "connect.type");
    spec->type = CD_INT32;
    if (logical != NULL) {
        bool date = strcmp(logical, "date") == 0;
        if (!date && strcmp(logical, "time-millis") != 0) return NULL;
        spec->name = date ? CD_NAME_DATE : CD_NAME_TIME;
        spec->has_version = true;
        spec->version = 1;
        return NULL;
    }
    if (type == NULL) return NULL;
    if (strcmp(type, "int8") == 0)
        spec->type = CD_INT8;
    else if (strcmp(type, "int16") == 0)
        spec->type = CD_INT16;
    else
        return data_error("Connect type annotation for Avro int field is null", "");
    return NULL;
}

static void convert_bytes(reader_t *r, const avro_node_t *node, cd_schema_spec_t *spec, params_t *params)
{
    const char *logical = avro_prop(node, "logicalType");
    spec->type = CD_BYTES;
    if (logical != NULL && strcmp(logical, "decimal") == 0) {
        const json_t *scale = json_object_get(node->props, "scale");
        const json_t *precision = json_object_get(node->props, "precision");
        spec->name = CD_NAME_DECIMAL;
        spec->has_version = true;
        spec->version = 1;
        set_param(
            params, "scale",
            cd_arena_printf(&r->arena, "%lld", (long long)(json_is_integer(scale) ? json_integer_value(scale) : 0)));
        if (json_is_integer(precision) && json_integer_value(precision) != AVRO_DEFAULT_PRECISION)
            set_param(params, AVRO_PARAM_PRECISION,
                      cd_arena_printf(&r->arena, "%lld", (long long)json_integer_value(precision)));
    }
    if (node->type == AVRO_FIXED)
        set_param(params, AVRO_PARAM_FIXED_SIZE, cd_arena_printf(&r->arena, "%u", node->size));
}

static cd_err_t *convert_record(reader_t *r, const avro_node_t *node, cd_schema_spec_t *spec, params_t *params)
{
    cd_field_t *fields = cd_arena_array(&r->arena, cd_field_t, node->n);
    spec->type = CD_STRUCT;
    if (r->o->meta_data && node->doc != NULL) set_param(params, AVRO_PARAM_RECORD_DOC, node->doc);
    for (uint32_t i = 0; i < node->n; i++) {
        const avro_field_t *f = &node->fields[i];
        if (r->o->meta_data && f->doc != NULL)
            set_param(params, cd_arena_printf(&r->arena, AVRO_PARAM_FIELD_DOC "%s", f->name), f->doc);
        const cd_schema_t *type = NULL;
        use_t use = {.dflt = f->dflt != NULL && !json_is_null(f->dflt) ? f->dflt : NULL, .version = AVRO_NO_VERSION};
        cd_err_t *err = convert(r, f->type, use, &type);
        if (err != NULL) return err;
        if (type == NULL) return data_error("Schemaless data inside a record cannot be read: field ", f->name);
        fields[i] = (cd_field_t){.name = f->name, .schema = type};
    }
    spec->fields = fields;
    spec->nfields = node->n;
    return NULL;
}

static cd_err_t *convert_enum(reader_t *r, const avro_node_t *node, cd_schema_spec_t *spec, params_t *params)
{
    cd_arena_t *a = &r->arena;
    spec->type = CD_STRING;
    if (!r->o->meta_data) return NULL;
    if (node->doc != NULL) set_param(params, cd_arena_printf(a, AVRO_PARAM_ENUM_DOC "%s", node->name), node->doc);
    if (node->enum_default != NULL)
        set_param(params, cd_arena_printf(a, AVRO_PARAM_ENUM_DEFAULT "%s", node->name), node->enum_default);
    set_param(params, AVRO_PARAM_ENUM, node->full);
    for (uint32_t i = 0; i < node->n; i++)
        set_param(params, cd_arena_printf(a, AVRO_PARAM_ENUM ".%s", node->symbols[i]), node->symbols[i]);
    return NULL;
}

/** A union of several types is a struct with one optional field per branch. */
static cd_err_t *convert_union(reader_t *r, const avro_node_t *node, cd_schema_spec_t *spec)
{
    cd_field_t *fields = cd_arena_array(&r->arena, cd_field_t, node->n);
    uint32_t n = 0;
    spec->type = CD_STRUCT;
    spec->name = AVRO_UNION_NAME;
    for (uint32_t i = 0; i < node->n; i++) {
        if (node->branches[i]->type == AVRO_NULL) {
            spec->optional = true;
            continue;
        }
        const char *name = avro_branch_name(node->branches[i], r->o);
        for (uint32_t k = 0; k < n; k++)
            if (strcmp(fields[k].name, name) == 0)
                return data_error("Multiple union schemas map to the Connect union field name", "");
        const cd_schema_t *type = NULL;
        cd_err_t *err = convert(r, node->branches[i], (use_t){.optional = true, .version = AVRO_NO_VERSION}, &type);
        if (err != NULL) return err;
        fields[n++] = (cd_field_t){.name = name, .schema = type};
    }
    spec->fields = fields;
    spec->nfields = n;
    return NULL;
}

/** connect.version, connect.parameters and avro* attributes. */
static cd_err_t *read_metadata(reader_t *r, const avro_node_t *node, int32_t version, cd_schema_spec_t *spec,
                               params_t *params)
{
    const json_t *own = node->props != NULL ? json_object_get(node->props, "connect.version") : NULL;
    if (own != NULL) {
        if (!json_is_integer(own)) {
            const char *text = json_string_value(own);
            return data_error("Invalid Connect version found: ", text != NULL ? text : "not a number");
        }
        version = (int32_t)json_integer_value(own);
    }
    if (version >= 0) {
        if (spec->has_version && spec->version != version)
            return cd_err_new(
                CD_ERR_DATA, CD_JVM_DATA,
                "Mismatched versions: version already added to SchemaBuilder (%d) differs from version in "
                "source schema (%d)",
                spec->version, version);
        spec->has_version = true;
        spec->version = version;
    }
    if (node->props == NULL || !r->o->meta_data) return NULL;
    const char *key;
    json_t *member;
    const json_t *parameters = json_object_get(node->props, "connect.parameters");
    if (parameters != NULL && !json_is_object(parameters))
        return data_error("Expected JSON object for schema parameters but found something else", "");
    json_object_foreach((json_t *)(uintptr_t)parameters, key, member)
    {
        if (!json_is_string(member)) {
            strbuf_t text = {0};
            json_write(member, &text);
            cd_err_t *err = data_error("Expected schema parameter values to be strings but found: ", strbuf_str(&text));
            strbuf_done(&text);
            return err;
        }
        set_param(params, key, json_string_value(member));
    }
    json_object_foreach((json_t *)(uintptr_t)node->props, key, member)
    {
        if (str_starts(key, "avro") && json_is_string(member)) set_param(params, key, json_string_value(member));
    }
    return NULL;
}

static cd_err_t *read_name(reader_t *r, const avro_node_t *node, cd_schema_spec_t *spec)
{
    const char *name = avro_prop(node, "connect.name");
    bool decimal = spec->name != NULL && node->type == AVRO_FIXED;
    if (name == NULL && !decimal) name = node->full; /* records, enums and fixed types */
    if (name == NULL || str_starts(name, DEFAULT_FULL)) return NULL;
    if (spec->name != NULL && strcmp(spec->name, name) != 0)
        return cd_err_new(
            CD_ERR_DATA, CD_JVM_DATA,
            "Mismatched names: name already added to SchemaBuilder (%s) differs from name in source schema "
            "(%s)",
            spec->name, name);
    spec->name = name;
    (void)r;
    return NULL;
}

/** The default, and whether it only came from the field (so that writing back does not invent connect.default). */
static void read_default(reader_t *r, const avro_node_t *node, const json_t *field, cd_schema_spec_t *spec,
                         params_t *params)
{
    const json_t *own = node->props != NULL ? json_object_get(node->props, "connect.default") : NULL;
    const json_t *dflt = field != NULL ? field : own;
    if (dflt == NULL || json_is_null(dflt)) return;
    if (field != NULL && own == NULL) set_param(params, AVRO_PARAM_FIELD_DEFAULT, "true");
    spec->params = params->items;
    spec->nparams = params->n;
    const cd_schema_t *bare = schema_intern(r->pool, spec);
    cd_value_t *value = cd_arena_new(&r->arena, cd_value_t);
    if (avro_default_value(node, bare, dflt, &r->arena, value)) spec->dflt = value;
}

static cd_err_t *convert_base(reader_t *r, const avro_node_t *node, cd_schema_spec_t *spec, params_t *params)
{
    switch (node->type) {
    case AVRO_BOOLEAN:
        spec->type = CD_BOOLEAN;
        return NULL;
    case AVRO_FLOAT:
        spec->type = CD_FLOAT32;
        return NULL;
    case AVRO_DOUBLE:
        spec->type = CD_FLOAT64;
        return NULL;
    case AVRO_STRING:
        spec->type = CD_STRING;
        return NULL;
    case AVRO_INT:
        return convert_int(node, spec);
    case AVRO_LONG: {
        const char *logical = avro_prop(node, "logicalType");
        spec->type = CD_INT64;
        if (logical != NULL && strcmp(logical, "timestamp-millis") == 0) {
            spec->name = CD_NAME_TIMESTAMP;
            spec->has_version = true;
            spec->version = 1;
        }
        return NULL;
    }
    case AVRO_BYTES:
    case AVRO_FIXED:
        convert_bytes(r, node, spec, params);
        return NULL;
    case AVRO_RECORD:
        return convert_record(r, node, spec, params);
    case AVRO_ENUM:
        return convert_enum(r, node, spec, params);
    case AVRO_MAP: {
        spec->type = CD_MAP;
        spec->key_schema = schema_primitive(r->pool, CD_STRING, false);
        return convert(r, node->items, (use_t){.version = AVRO_NO_VERSION}, &spec->value_schema);
    }
    case AVRO_ARRAY: {
        use_t plain = {.version = AVRO_NO_VERSION};
        if (!avro_is_entry_array(node)) {
            spec->type = CD_ARRAY;
            return convert(r, node->items, plain, &spec->value_schema);
        }
        spec->type = CD_MAP;
        cd_err_t *err = convert(r, node->items->fields[0].type, plain, &spec->key_schema);
        return err != NULL ? err : convert(r, node->items->fields[1].type, plain, &spec->value_schema);
    }
    case AVRO_UNION:
        return convert_union(r, node, spec);
    default:
        return data_error("Standalone null schemas are not supported by this converter", "");
    }
}

static cd_err_t *convert(reader_t *r, const avro_node_t *node, use_t use, const cd_schema_t **ret_schema)
{
    if (node->type == AVRO_RECORD && strcmp(node->full, AVRO_ANYTHING) == 0) {
        *ret_schema = NULL;
        return NULL;
    }
    int null_branch = avro_null_branch(node);
    bool single = node->type == AVRO_UNION && node->n == 1 && r->o->flatten_singletons;
    if (r->depth == DEPTH_MAX || ++r->visits > VISITS_MAX)
        return data_error("The Avro schema is recursive or nested too deeply for Kafka Connect", "");
    r->depth++;
    params_t params = {0};
    cd_schema_spec_t spec = {.optional = use.optional};
    cd_err_t *err = NULL;
    if (null_branch >= 0) {
        /* the field's default does not survive here: only connect.default inside the branch does */
        err = convert(r, node->branches[1 - null_branch], (use_t){.optional = true, .version = AVRO_NO_VERSION},
                      ret_schema);
        goto out;
    }
    if (single) {
        err = convert(r, node->branches[0], use, ret_schema);
        goto out;
    }
    err = convert_base(r, node, &spec, &params);
    if (err == NULL && r->o->meta_data) spec.doc = avro_prop(node, "connect.doc");
    if (err == NULL) err = read_metadata(r, node, use.version, &spec, &params);
    if (err == NULL) err = read_name(r, node, &spec);
    if (err != NULL) goto out;
    read_default(r, node, use.dflt, &spec, &params);
    spec.params = params.items;
    spec.nparams = params.n;
    *ret_schema = schema_intern(r->pool, &spec);
out:
    free(params.items);
    r->depth--;
    return err;
}

cd_err_t *avro_to_connect(const avro_node_t *node, const avro_options_t *options, int32_t version,
                          cd_schema_pool_t *pool, const cd_schema_t **ret_schema)
{
    reader_t r = {.o = options, .pool = pool};
    cd_err_t *err = convert(&r, node, (use_t){.version = version}, ret_schema);
    cd_arena_done(&r.arena);
    return err;
}
