/* org.apache.kafka.connect.transforms.ReplaceField: leaves out and renames fields. */
#include "plugins/transforms/part.h"
#include "plugins/transforms/transforms.h"
#include "runtime/base/str.h"
#include "runtime/base/version.h"

#include <stddef.h>

#define PURPOSE "field replacement"

typedef struct settings {
    cd_list_t exclude, include, renames, blacklist, whitelist;
    bool replace_null;
} settings_t;

typedef struct replace_field {
    part_t part;
    settings_t settings;
} replace_field_t;

/** Result schema and the cells it takes from the old struct. */
typedef struct plan {
    const cd_schema_t *schema;
    uint32_t n;
    const uint32_t *cells;
} plan_t;

static const char *check_renames(const cd_key_t *key, const char *text, cd_arena_t *arena)
{
    (void)key;
    cd_list_t list = str_split_list(text, arena);
    for (uint32_t i = 0; i < list.n; i++) {
        const char *colon = strchr(list.items[i], ':');
        if (colon == NULL || strchr(colon + 1, ':') != NULL)
            return cd_arena_printf(arena, "Invalid rename mapping: %s", list.items[i]);
    }
    return NULL;
}

#define LIST(key, member, text)                                                                                        \
    {                                                                                                                  \
        .name = key, .type = CD_T_LIST, .importance = CD_MEDIUM, .dflt = "", .at = offsetof(settings_t, member),       \
        .doc = text                                                                                                    \
    }

static const cd_key_t keys[] = {
    LIST("exclude", exclude, "Fields to leave out; wins over include."),
    LIST("include", include, "Fields to keep; empty: all."),
    {.name = "renames",
     .type = CD_T_LIST,
     .importance = CD_MEDIUM,
     .dflt = "",
     .at = offsetof(settings_t, renames),
     .check = check_renames,
     .doc = "New names: old:new, separated by commas."},
    LIST("blacklist", blacklist, "Old name of exclude."),
    LIST("whitelist", whitelist, "Old name of include."),
    PART_NULL_KEY(settings_t),
    CD_KEY_END,
};

static cd_err_t *replace_field_configure(cd_ctx_t *ctx, const cd_config_t *config, bool is_key, void **ret_transform)
{
    cd_err_t *err = part_new(sizeof(replace_field_t), ctx, config, keys, offsetof(replace_field_t, settings), is_key,
                             ret_transform);
    if (err != NULL) return err;
    settings_t *s = &((replace_field_t *)*ret_transform)->settings;
    if (s->exclude.n == 0) s->exclude = s->blacklist;
    if (s->include.n == 0) s->include = s->whitelist;
    return NULL;
}

static bool listed(const cd_list_t *list, const char *name, size_t len)
{
    for (uint32_t i = 0; i < list->n; i++)
        if (strlen(list->items[i]) == len && memcmp(list->items[i], name, len) == 0) return true;
    return false;
}

static bool kept(const settings_t *s, const char *name, size_t len)
{
    return !listed(&s->exclude, name, len) && (s->include.n == 0 || listed(&s->include, name, len));
}

/** The new name; the same when there is none. @param ret_len  of the result */
static const char *renamed(const settings_t *s, const char *name, size_t len, size_t *ret_len)
{
    for (uint32_t i = 0; i < s->renames.n; i++) {
        const char *colon = strchr(s->renames.items[i], ':');
        size_t old = (size_t)(colon - s->renames.items[i]);
        if (old != len || memcmp(s->renames.items[i], name, len) != 0) continue;
        *ret_len = strlen(colon + 1);
        return colon + 1;
    }
    *ret_len = len;
    return name;
}

static cd_err_t *make_plan(replace_field_t *t, const cd_schema_t *s, cd_schema_pool_t *pool, plan_t **ret_plan)
{
    plan_t *p = cd_arena_new(&t->part.arena, plan_t);
    cd_field_t *fields = cd_arena_array(&t->part.arena, cd_field_t, s->nfields);
    uint32_t *cells = cd_arena_array(&t->part.arena, uint32_t, s->nfields);
    for (uint32_t i = 0; i < s->nfields; i++) {
        const cd_field_t *f = &s->fields[i];
        size_t len = 0;
        if (!kept(&t->settings, f->name, f->name_len)) continue;
        const char *name = renamed(&t->settings, f->name, f->name_len, &len);
        cd_err_t *err = part_check_new(fields, p->n, name);
        if (err != NULL) return err;
        fields[p->n] = (cd_field_t){.name = name, .schema = f->schema};
        cells[p->n++] = i;
    }
    p->cells = cells;
    p->schema = part_struct_like(s, fields, p->n, pool);
    schema_plans_put(&t->part.plans, s, p);
    *ret_plan = p;
    return NULL;
}

static cd_value_t replace_in_map(const replace_field_t *t, const cd_value_t *map, cd_arena_t *arena)
{
    cd_value_t out = cd_v_items(CD_MAP, cd_arena_array(arena, cd_value_t, 2 * (size_t)map->len), 0);
    for (uint32_t i = 0; i < map->len; i++) {
        const cd_value_t *key = &map->items[2 * i];
        size_t len = 0;
        if (key->type != CD_STRING || !kept(&t->settings, key->str, key->len)) continue;
        const char *name = renamed(&t->settings, key->str, key->len, &len);
        out.items[2 * out.len] = cd_v_strn(cd_arena_strndup(arena, name, len), len);
        out.items[2 * out.len + 1] = map->items[2 * i + 1];
        out.len++;
    }
    return out;
}

static cd_err_t *replace_field_one(void *transform, cd_batch_t *batch, cd_record_t *r)
{
    replace_field_t *t = (replace_field_t *)transform;
    const cd_schema_t *s = part_schema(&t->part, r);
    const cd_value_t *v = part_value(&t->part, r);
    if (v->type == CD_NULL) return NULL;
    cd_err_t *err = part_require(s, v, PURPOSE);
    if (err != NULL) return err;
    if (s == NULL) {
        part_set(&t->part, r, NULL, replace_in_map(t, v, &batch->arena));
        return NULL;
    }
    plan_t *p = (plan_t *)schema_plans_get(&t->part.plans, s);
    if (p == NULL) err = make_plan(t, s, batch->schemas, &p);
    if (err != NULL) return err;
    cd_value_t *cells = cd_arena_array(&batch->arena, cd_value_t, p->n);
    for (uint32_t i = 0; i < p->n; i++) cells[i] = *part_read(s, v->items, p->cells[i], t->settings.replace_null);
    part_set(&t->part, r, p->schema, cd_v_items(CD_STRUCT, cells, p->n));
    return NULL;
}

PART_PLUGINS(replace_field, "ReplaceField", keys, "Leaves out and renames fields.")
