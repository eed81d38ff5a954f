/* org.apache.kafka.connect.transforms.DropHeaders, InsertHeader and HeaderFrom. */
#include "plugins/transforms/part.h"
#include "plugins/transforms/transforms.h"
#include "runtime/base/str.h"
#include "runtime/base/version.h"
#include "runtime/data/values_text.h"

#include <stddef.h>

typedef struct settings {
    cd_list_t headers, fields;
    const char *header, *literal, *operation;
    bool replace_null;
} settings_t;

typedef struct headers {
    part_t part;
    settings_t settings;
    bool move;
} headers_t;

/** What HeaderFrom does with one schema. */
typedef struct plan {
    const cd_schema_t *schema; /* of the result */
    uint32_t *from;            /* cell of each header */
    uint32_t *kept;            /* cells that stay */
} plan_t;

static const char *const operations[] = {"move", "copy", NULL};

static const char *check_list(const cd_key_t *key, const char *text, cd_arena_t *arena)
{
    (void)key;
    (void)arena;
    return text[strspn(text, " ,")] == '\0' ? "Empty list" : NULL;
}

#define LIST(key, member, text)                                                                                        \
    {                                                                                                                  \
        .name = key, .type = CD_T_LIST, .importance = CD_HIGH, .flags = CD_K_REQUIRED,                                 \
        .at = offsetof(settings_t, member), .check = check_list, .doc = text                                           \
    }
#define TEXT(key, member, text)                                                                                        \
    {                                                                                                                  \
        .name = key, .type = CD_T_STRING, .importance = CD_HIGH, .flags = CD_K_REQUIRED,                               \
        .at = offsetof(settings_t, member), .doc = text                                                                \
    }

static const cd_key_t drop_keys[] = {LIST("headers", headers, "Keys of the headers to remove."), CD_KEY_END};

static const cd_key_t insert_keys[] = {
    TEXT("header", header, "The header's key."),
    TEXT("value.literal", literal, "Its value, as text whose form tells the type: 123 is a number."),
    CD_KEY_END,
};

static const cd_key_t from_keys[] = {
    LIST("fields", fields, "Fields that become headers."),
    LIST("headers", headers, "Keys of these headers, in the same order."),
    {.name = "operation",
     .type = CD_T_STRING,
     .importance = CD_HIGH,
     .flags = CD_K_REQUIRED,
     .choices = operations,
     .at = offsetof(settings_t, operation),
     .doc = "move: the fields are removed; copy: they stay."},
    PART_NULL_KEY(settings_t),
    CD_KEY_END,
};

static cd_header_t *room_for(cd_record_t *r, uint32_t more, cd_arena_t *arena)
{
    cd_header_t *headers = cd_arena_array(arena, cd_header_t, r->nheaders + more);
    if (r->nheaders > 0) memcpy(headers, r->headers, r->nheaders * sizeof(*headers));
    return headers;
}

/* ---- DropHeaders, InsertHeader ----------------------------------------------------------------------------------- */

static cd_err_t *drop_configure(cd_ctx_t *ctx, const cd_config_t *config, void **ret_transform)
{
    return part_new(sizeof(headers_t), ctx, config, drop_keys, offsetof(headers_t, settings), false, ret_transform);
}

static cd_err_t *drop_one(void *transform, cd_batch_t *batch, cd_record_t *r)
{
    const headers_t *t = (const headers_t *)transform;
    cd_header_t *headers = room_for(r, 0, &batch->arena);
    uint32_t n = 0;
    for (uint32_t i = 0; i < r->nheaders; i++) {
        bool listed = false;
        for (uint32_t k = 0; k < t->settings.headers.n && !listed; k++)
            listed = strcmp(headers[i].key, t->settings.headers.items[k]) == 0;
        if (!listed) headers[n++] = headers[i];
    }
    r->headers = headers;
    r->nheaders = n;
    return NULL;
}

static uint32_t drop_apply(void *t, cd_batch_t *batch, uint32_t from, uint32_t to, cd_err_t **ret_err)
{
    return part_each(t, drop_one, batch, from, to, ret_err);
}

static cd_err_t *insert_configure(cd_ctx_t *ctx, const cd_config_t *config, void **ret_transform)
{
    return part_new(sizeof(headers_t), ctx, config, insert_keys, offsetof(headers_t, settings), false, ret_transform);
}

static cd_err_t *insert_one(void *transform, cd_batch_t *batch, cd_record_t *r)
{
    const headers_t *t = (const headers_t *)transform;
    cd_header_t *headers = room_for(r, 1, &batch->arena);
    cd_header_t *h = &headers[r->nheaders++];
    const char *text = cd_arena_strdup(&batch->arena, t->settings.literal);
    *h = (cd_header_t){.key = cd_arena_strdup(&batch->arena, t->settings.header)};
    values_from_text(text, strlen(text), batch->schemas, &batch->arena, &h->schema, &h->value);
    r->headers = headers;
    return NULL;
}

static uint32_t insert_apply(void *t, cd_batch_t *batch, uint32_t from, uint32_t to, cd_err_t **ret_err)
{
    return part_each(t, insert_one, batch, from, to, ret_err);
}

static const cd_transform_ops_t drop_ops = {
    .size = sizeof(drop_ops), .configure = drop_configure, .apply = drop_apply, .close = part_close};
static const cd_transform_ops_t insert_ops = {
    .size = sizeof(insert_ops), .configure = insert_configure, .apply = insert_apply, .close = part_close};

const cd_plugin_t drop_headers_plugin = {CD_PLUGIN_HEAD,
                                         .kind = CD_KIND_TRANSFORM,
                                         .jvm_class = TRANSFORMS_PACKAGE "DropHeaders",
                                         .version = CONNECT_VERSION,
                                         .doc = "Removes headers.",
                                         .keys = drop_keys,
                                         .ops = &drop_ops};
const cd_plugin_t insert_header_plugin = {CD_PLUGIN_HEAD,
                                          .kind = CD_KIND_TRANSFORM,
                                          .jvm_class = TRANSFORMS_PACKAGE "InsertHeader",
                                          .version = CONNECT_VERSION,
                                          .doc = "Adds a constant header.",
                                          .keys = insert_keys,
                                          .ops = &insert_ops};

/* ---- HeaderFrom -------------------------------------------------------------------------------------------------- */

static cd_err_t *header_from_configure(cd_ctx_t *ctx, const cd_config_t *config, bool is_key, void **ret_transform)
{
    void *made = NULL;
    cd_err_t *err = part_new(sizeof(headers_t), ctx, config, from_keys, offsetof(headers_t, settings), is_key, &made);
    if (err != NULL) return err;
    headers_t *t = (headers_t *)made;
    t->move = strcmp(t->settings.operation, "move") == 0;
    if (t->settings.fields.n != t->settings.headers.n) {
        part_close(t);
        return cd_err_new(CD_ERR_CONFIG, CD_JVM_CONFIG,
                          "'fields' config must have the same number of elements as 'headers' config.");
    }
    *ret_transform = t;
    return NULL;
}

static cd_err_t *make_plan(headers_t *t, const cd_schema_t *s, cd_schema_pool_t *pool, plan_t **ret_plan)
{
    const settings_t *set = &t->settings;
    plan_t *p = cd_arena_new(&t->part.arena, plan_t);
    cd_field_t *fields = cd_arena_array(&t->part.arena, cd_field_t, s->nfields);
    p->from = cd_arena_array(&t->part.arena, uint32_t, set->fields.n);
    p->kept = cd_arena_array(&t->part.arena, uint32_t, s->nfields);
    for (uint32_t i = 0; i < set->fields.n; i++) {
        int32_t at = cd_schema_field(s, set->fields.items[i]);
        if (at < 0)
            return cd_err_new(CD_ERR_DATA, "java.lang.NullPointerException", "Unknown field: %s", set->fields.items[i]);
        p->from[i] = (uint32_t)at;
    }
    uint32_t n = 0;
    for (uint32_t i = 0; i < s->nfields; i++) {
        bool moved = false;
        for (uint32_t k = 0; k < set->fields.n && t->move; k++) moved = moved || p->from[k] == i;
        if (moved) continue;
        fields[n] = s->fields[i];
        p->kept[n++] = i;
    }
    p->schema = t->move ? part_struct_like(s, fields, n, pool) : s;
    schema_plans_put(&t->part.plans, s, p);
    *ret_plan = p;
    return NULL;
}

static cd_err_t *header_from_one(void *transform, cd_batch_t *batch, cd_record_t *r)
{
    headers_t *t = (headers_t *)transform;
    const settings_t *set = &t->settings;
    const cd_schema_t *s = part_schema(&t->part, r);
    const cd_value_t *v = part_value(&t->part, r);
    plan_t *p = NULL;
    cd_err_t *err = part_require(s, v, t->move ? "header move" : "header copy");
    if (err == NULL && s != NULL) {
        p = (plan_t *)schema_plans_get(&t->part.plans, s);
        if (p == NULL) err = make_plan(t, s, batch->schemas, &p);
    }
    if (err != NULL) return err;
    cd_header_t *headers = room_for(r, set->fields.n, &batch->arena);
    for (uint32_t i = 0; i < set->fields.n; i++) {
        cd_header_t *h = &headers[r->nheaders + i];
        *h = (cd_header_t){.key = cd_arena_strdup(&batch->arena, set->headers.items[i])};
        if (p != NULL) {
            h->schema = s->fields[p->from[i]].schema;
            h->value = *part_read(s, v->items, p->from[i], set->replace_null);
        } else {
            const cd_value_t *found = cd_map_get(v, set->fields.items[i]);
            if (found != NULL) h->value = *found;
        }
    }
    r->headers = headers;
    r->nheaders += set->fields.n;
    if (!t->move) return NULL;
    if (p == NULL) {
        cd_value_t map = part_copy_map(v, 0, &batch->arena);
        for (uint32_t i = 0; i < set->fields.n; i++) part_map_remove(&map, set->fields.items[i]);
        part_set(&t->part, r, NULL, map);
        return NULL;
    }
    cd_value_t *cells = cd_arena_array(&batch->arena, cd_value_t, p->schema->nfields);
    for (uint32_t i = 0; i < p->schema->nfields; i++) cells[i] = *part_read(s, v->items, p->kept[i], set->replace_null);
    part_set(&t->part, r, p->schema, cd_v_items(CD_STRUCT, cells, p->schema->nfields));
    return NULL;
}

PART_PLUGINS(header_from, "HeaderFrom", from_keys, "Fields become headers.")
