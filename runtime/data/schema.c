#include "runtime/data/schema.h"

#include "runtime/base/mem.h"
#include "runtime/data/value.h"

struct cd_schema_pool {
    cd_arena_t arena;
    const cd_schema_t **slots; /* open addressing, power of two */
    uint32_t cap, count;
};

cd_schema_pool_t *schema_pool_new(void)
{
    cd_schema_pool_t *pool = mem_new0(cd_schema_pool_t);
    pool->cap = 64;
    pool->slots = mem_alloc0(pool->cap, sizeof(*pool->slots));
    return pool;
}

void schema_pool_free(cd_schema_pool_t *pool)
{
    if (pool == NULL) return;
    cd_arena_done(&pool->arena);
    free(pool->slots);
    free(pool);
}

uint32_t schema_pool_count(const cd_schema_pool_t *pool)
{
    return pool->count;
}

bool schema_pool_full(const cd_schema_pool_t *pool)
{
    return pool->count >= SCHEMA_POOL_MAX;
}

static uint64_t mix(uint64_t h, uint64_t v)
{
    h ^= v;
    h *= UINT64_C(0x9E3779B97F4A7C15);
    return h ^ (h >> 29);
}

static uint64_t mix_str(uint64_t h, const char *s)
{
    if (s == NULL) return mix(h, 1);
    for (; *s != '\0'; s++) h = (h ^ (uint8_t)*s) * UINT64_C(0x100000001B3);
    return mix(h, 2);
}

static uint64_t spec_hash(const cd_schema_spec_t *s)
{
    uint64_t h = mix(s->type, (uint64_t)s->optional << 1 | (uint64_t)s->has_version);
    if (s->has_version) h = mix(h, (uint32_t)s->version);
    h = mix_str(mix_str(h, s->name), s->doc);
    h = mix(h, s->dflt != NULL);
    for (uint32_t i = 0; i < s->nparams; i++) h = mix_str(mix_str(h, s->params[i].name), s->params[i].value);
    for (uint32_t i = 0; i < s->nfields; i++) h = mix(mix_str(h, s->fields[i].name), (uintptr_t)s->fields[i].schema);
    return mix(mix(h, (uintptr_t)s->key_schema), (uintptr_t)s->value_schema);
}

static bool text_eq(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static bool spec_equal(const cd_schema_t *a, const cd_schema_spec_t *b)
{
    if (a->type != b->type || a->optional != b->optional || a->has_version != b->has_version) return false;
    if (a->has_version && a->version != b->version) return false;
    if (a->nparams != b->nparams || a->nfields != b->nfields) return false;
    if (a->key_schema != b->key_schema || a->value_schema != b->value_schema) return false;
    if (!text_eq(a->name, b->name) || !text_eq(a->doc, b->doc)) return false;
    if ((a->dflt == NULL) != (b->dflt == NULL)) return false;
    if (a->dflt != NULL && !value_equal(a->dflt, b->dflt)) return false;
    for (uint32_t i = 0; i < a->nparams; i++) {
        if (!text_eq(a->params[i].name, b->params[i].name) || !text_eq(a->params[i].value, b->params[i].value))
            return false;
    }
    for (uint32_t i = 0; i < a->nfields; i++) {
        if (a->fields[i].schema != b->fields[i].schema || strcmp(a->fields[i].name, b->fields[i].name) != 0)
            return false;
    }
    return true;
}

static uint8_t logical_of(const char *name)
{
    if (name == NULL) return CD_LOGICAL_NONE;
    if (strcmp(name, CD_NAME_DECIMAL) == 0) return CD_LOGICAL_DECIMAL;
    if (strcmp(name, CD_NAME_DATE) == 0) return CD_LOGICAL_DATE;
    if (strcmp(name, CD_NAME_TIME) == 0) return CD_LOGICAL_TIME;
    if (strcmp(name, CD_NAME_TIMESTAMP) == 0) return CD_LOGICAL_TIMESTAMP;
    return CD_LOGICAL_NONE;
}

static int32_t scale_of(const char *text)
{
    if (text == NULL || text[0] == '\0') return INT32_MIN;
    char *end;
    long v = strtol(text, &end, 10);
    return *end != '\0' || v < -INT32_MAX || v > INT32_MAX ? INT32_MIN : (int32_t)v;
}

static const char *copy_text(cd_arena_t *a, const char *s)
{
    return s == NULL ? NULL : cd_arena_strdup(a, s);
}

static cd_schema_t *schema_make(cd_schema_pool_t *pool, const cd_schema_spec_t *spec, uint64_t hash)
{
    cd_arena_t *a = &pool->arena;
    cd_schema_t *s = cd_arena_new(a, cd_schema_t);
    *s = (cd_schema_t){.size = sizeof(*s),
                       .id = pool->count + 1,
                       .type = spec->type,
                       .logical = logical_of(spec->name),
                       .optional = spec->optional,
                       .has_version = spec->has_version,
                       .version = spec->version,
                       .scale = INT32_MIN,
                       .name = copy_text(a, spec->name),
                       .doc = copy_text(a, spec->doc),
                       .nparams = spec->nparams,
                       .nfields = spec->nfields,
                       .key_schema = spec->key_schema,
                       .value_schema = spec->value_schema,
                       .hash = hash};
    if (spec->dflt != NULL) {
        cd_value_t *d = cd_arena_new(a, cd_value_t);
        *d = value_copy(spec->dflt, a);
        s->dflt = d;
    }
    if (spec->nparams > 0) {
        cd_param_t *params = cd_arena_array(a, cd_param_t, spec->nparams);
        for (uint32_t i = 0; i < spec->nparams; i++) {
            params[i] = (cd_param_t){copy_text(a, spec->params[i].name), copy_text(a, spec->params[i].value)};
        }
        s->params = params;
        if (s->logical == CD_LOGICAL_DECIMAL) s->scale = scale_of(cd_schema_param(s, "scale"));
    }
    if (spec->nfields > 0) {
        cd_field_t *fields = cd_arena_array(a, cd_field_t, spec->nfields);
        for (uint32_t i = 0; i < spec->nfields; i++) {
            fields[i] = (cd_field_t){.name = copy_text(a, spec->fields[i].name),
                                     .schema = spec->fields[i].schema,
                                     .name_len = (uint32_t)strlen(spec->fields[i].name),
                                     .index = i};
        }
        s->fields = fields;
    }
    return s;
}

static void slots_put(const cd_schema_t **slots, uint32_t cap, const cd_schema_t *s)
{
    uint32_t i = (uint32_t)s->hash & (cap - 1);
    while (slots[i] != NULL) i = (i + 1) & (cap - 1);
    slots[i] = s;
}

static void slots_grow(cd_schema_pool_t *pool)
{
    uint32_t cap = pool->cap * 2;
    const cd_schema_t **slots = mem_alloc0(cap, sizeof(*slots));
    for (uint32_t i = 0; i < pool->cap; i++)
        if (pool->slots[i] != NULL) slots_put(slots, cap, pool->slots[i]);
    free(pool->slots);
    pool->slots = slots;
    pool->cap = cap;
}

const cd_schema_t *schema_intern(cd_schema_pool_t *pool, const cd_schema_spec_t *spec)
{
    uint64_t hash = spec_hash(spec);
    for (uint32_t i = (uint32_t)hash & (pool->cap - 1); pool->slots[i] != NULL; i = (i + 1) & (pool->cap - 1)) {
        if (pool->slots[i]->hash == hash && spec_equal(pool->slots[i], spec)) return pool->slots[i];
    }
    if (pool->count >= pool->cap / 2) slots_grow(pool);
    cd_schema_t *s = schema_make(pool, spec, hash);
    slots_put(pool->slots, pool->cap, s);
    pool->count++;
    return s;
}

cd_schema_spec_t schema_spec(const cd_schema_t *s)
{
    return (cd_schema_spec_t){.type = s->type,
                              .optional = s->optional,
                              .has_version = s->has_version,
                              .version = s->version,
                              .name = s->name,
                              .doc = s->doc,
                              .dflt = s->dflt,
                              .nparams = s->nparams,
                              .nfields = s->nfields,
                              .params = s->params,
                              .fields = s->fields,
                              .key_schema = s->key_schema,
                              .value_schema = s->value_schema};
}

const cd_schema_t *schema_with_optional(cd_schema_pool_t *pool, const cd_schema_t *s, bool optional)
{
    if (s->optional == optional) return s;
    cd_schema_spec_t spec = schema_spec(s);
    spec.optional = optional;
    return schema_intern(pool, &spec);
}

const cd_schema_t *schema_primitive(cd_schema_pool_t *pool, uint8_t type, bool optional)
{
    return schema_intern(pool, &(cd_schema_spec_t){.type = type, .optional = optional});
}

const char *schema_type_name(uint8_t type)
{
    static const char *const names[] = {"NULL",    "INT8",   "INT16", "INT32", "INT64", "FLOAT32", "FLOAT64",
                                        "BOOLEAN", "STRING", "BYTES", "ARRAY", "MAP",   "STRUCT"};
    return type < sizeof(names) / sizeof(names[0]) ? names[type] : "?";
}
