/* org.apache.kafka.connect.transforms.Flatten: nested structs and maps become fields of one level. */
#include "plugins/transforms/part.h"
#include "plugins/transforms/transforms.h"
#include "runtime/base/version.h"
#include "runtime/data/schema.h"

#include <stddef.h>

#define PURPOSE        "flattening"
#define DEPTH_MAX      64u
#define PATH_MAX_STEPS DEPTH_MAX

typedef struct settings {
    const char *delimiter;
} settings_t;

typedef struct flatten {
    part_t part;
    settings_t settings;
} flatten_t;

typedef struct leaf {
    const uint32_t *path; /* cells from the outermost struct to the leaf */
    uint32_t steps;
} leaf_t;

typedef struct plan {
    const cd_schema_t *schema;
    leaf_t *leaves;
    cd_field_t *fields;
    uint32_t n, cap;
} plan_t;

/** Where the walk over a schema is. */
typedef struct walk {
    flatten_t *t;
    plan_t *plan;
    cd_schema_pool_t *pool;
    uint32_t path[PATH_MAX_STEPS];
    uint32_t depth;
} walk_t;

static const cd_key_t keys[] = {
    {.name = "delimiter",
     .type = CD_T_STRING,
     .importance = CD_MEDIUM,
     .dflt = ".",
     .at = offsetof(settings_t, delimiter),
     .doc = "Put between the names of a nested field."},
    CD_KEY_END,
};

static cd_err_t *flatten_configure(cd_ctx_t *ctx, const cd_config_t *config, bool is_key, void **ret_transform)
{
    return part_new(sizeof(flatten_t), ctx, config, keys, offsetof(flatten_t, settings), is_key, ret_transform);
}

static void add_leaf(walk_t *w, const char *name, const cd_schema_t *schema)
{
    plan_t *p = w->plan;
    cd_arena_t *a = &w->t->part.arena;
    if (p->n == p->cap) {
        uint32_t cap = p->cap == 0 ? 16 : p->cap * 2;
        leaf_t *leaves = cd_arena_array(a, leaf_t, cap);
        cd_field_t *fields = cd_arena_array(a, cd_field_t, cap);
        if (p->n > 0) {
            memcpy(leaves, p->leaves, p->n * sizeof(*leaves));
            memcpy(fields, p->fields, p->n * sizeof(*fields));
        }
        p->leaves = leaves;
        p->fields = fields;
        p->cap = cap;
    }
    uint32_t *path = cd_arena_array(a, uint32_t, w->depth);
    memcpy(path, w->path, w->depth * sizeof(*path));
    p->leaves[p->n] = (leaf_t){.path = path, .steps = w->depth};
    p->fields[p->n++] = (cd_field_t){.name = name, .schema = schema};
}

/** @param optional  an ancestor is optional. @param dflt  the default of the struct that `s` describes, or NULL */
static cd_err_t *walk(walk_t *w, const cd_schema_t *s, const char *prefix, bool optional, const cd_value_t *dflt)
{
    if (w->depth == PATH_MAX_STEPS)
        return cd_err_new(CD_ERR_DATA, CD_JVM_DATA, "The schema is nested more than %u levels deep", PATH_MAX_STEPS);
    w->depth++;
    for (uint32_t i = 0; i < s->nfields; i++) {
        const cd_field_t *f = &s->fields[i];
        const char *name = f->name;
        if (prefix != NULL)
            name = cd_arena_printf(&w->t->part.arena, "%s%s%s", prefix, w->t->settings.delimiter, f->name);
        bool leaf_optional = optional || f->schema->optional;
        const cd_value_t *own = f->schema->dflt;
        if (own == NULL && dflt != NULL && dflt->items[i].type != CD_NULL) own = &dflt->items[i];
        w->path[w->depth - 1] = i;
        if (f->schema->type == CD_MAP)
            return cd_err_new(CD_ERR_DATA, CD_JVM_DATA,
                              "Flatten transformation does not support MAP for record with schemas (for field %s).",
                              name);
        cd_err_t *err = NULL;
        if (f->schema->type == CD_STRUCT) {
            err = walk(w, f->schema, name, leaf_optional, own);
        } else {
            cd_schema_spec_t spec = schema_spec(f->schema);
            spec.optional = leaf_optional;
            spec.dflt = own;
            err = part_check_new(w->plan->fields, w->plan->n, name);
            if (err == NULL) add_leaf(w, name, schema_intern(w->pool, &spec));
        }
        if (err != NULL) return err;
    }
    w->depth--;
    return NULL;
}

static void flatten_map(const flatten_t *t, const cd_value_t *map, const char *prefix, uint32_t depth, cd_value_t *out,
                        uint32_t *cap, cd_arena_t *arena)
{
    for (uint32_t i = 0; i < map->len; i++) {
        const cd_value_t *key = &map->items[2 * i], *v = &map->items[2 * i + 1];
        if (key->type != CD_STRING) continue;
        const char *name =
            prefix != NULL ? cd_arena_printf(arena, "%s%s%.*s", prefix, t->settings.delimiter, (int)key->len, key->str)
                           : cd_arena_strndup(arena, key->str, key->len);
        if (v->type == CD_MAP && depth < DEPTH_MAX) {
            flatten_map(t, v, name, depth + 1, out, cap, arena);
            continue;
        }
        if (out->len == *cap) {
            *cap = *cap == 0 ? 16 : *cap * 2;
            *out = part_copy_map(out, *cap - out->len, arena);
        }
        part_map_set(out, name, *v);
    }
}

static cd_err_t *flatten_one(void *transform, cd_batch_t *batch, cd_record_t *r)
{
    flatten_t *t = (flatten_t *)transform;
    const cd_schema_t *s = part_schema(&t->part, r);
    const cd_value_t *v = part_value(&t->part, r);
    if (v->type == CD_NULL) return NULL;
    cd_err_t *err = part_require(s, v, PURPOSE);
    if (err != NULL) return err;
    if (s == NULL) {
        cd_value_t out = cd_v_items(CD_MAP, NULL, 0);
        uint32_t cap = 0;
        flatten_map(t, v, NULL, 0, &out, &cap, &batch->arena);
        part_set(&t->part, r, NULL, out);
        return NULL;
    }
    plan_t *p = (plan_t *)schema_plans_get(&t->part.plans, s);
    if (p == NULL) {
        p = cd_arena_new(&t->part.arena, plan_t);
        walk_t w = {.t = t, .plan = p, .pool = batch->schemas};
        err = walk(&w, s, NULL, s->optional, s->dflt);
        if (err != NULL) return err;
        p->schema = part_struct_like(s, p->fields, p->n, batch->schemas);
        schema_plans_put(&t->part.plans, s, p);
    }
    cd_value_t *cells = cd_arena_array(&batch->arena, cd_value_t, p->n);
    for (uint32_t i = 0; i < p->n; i++) {
        const cd_value_t *at = v;
        const cd_schema_t *schema = s;
        for (uint32_t k = 0; k < p->leaves[i].steps && at->type == CD_STRUCT; k++) {
            uint32_t cell = p->leaves[i].path[k];
            at = part_read(schema, at->items, cell, true);
            schema = schema->fields[cell].schema;
        }
        cells[i] = at->type == CD_STRUCT ? CD_V_NULL : *at;
    }
    part_set(&t->part, r, p->schema, cd_v_items(CD_STRUCT, cells, p->n));
    return NULL;
}

PART_PLUGINS(flatten, "Flatten", keys, "Nested structs and maps become fields of one level.")
