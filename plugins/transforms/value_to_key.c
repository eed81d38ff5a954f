/* org.apache.kafka.connect.transforms.ValueToKey: the key is made anew from fields of the value. */
#include "plugins/transforms/part.h"
#include "plugins/transforms/transforms.h"
#include "runtime/base/version.h"
#include "runtime/data/schema.h"

#include <stddef.h>

#define PURPOSE "copying fields from value to key"

typedef struct settings {
    cd_list_t fields;
    bool replace_null;
} settings_t;

typedef struct value_to_key {
    part_t part; /* of the value */
    settings_t settings;
} value_to_key_t;

typedef struct plan {
    const cd_schema_t *schema;
    uint32_t *cells;
} plan_t;

static const char *check_not_empty(const cd_key_t *key, const char *text, cd_arena_t *arena)
{
    (void)key;
    (void)arena;
    return text[strspn(text, " ,")] == '\0' ? "Empty list" : NULL;
}

static const cd_key_t keys[] = {
    {.name = "fields",
     .type = CD_T_LIST,
     .importance = CD_HIGH,
     .flags = CD_K_REQUIRED,
     .at = offsetof(settings_t, fields),
     .check = check_not_empty,
     .doc = "Fields of the value that make the key, in this order."},
    PART_NULL_KEY(settings_t),
    CD_KEY_END,
};

static cd_err_t *value_to_key_configure(cd_ctx_t *ctx, const cd_config_t *config, void **ret_transform)
{
    return part_new(sizeof(value_to_key_t), ctx, config, keys, offsetof(value_to_key_t, settings), false,
                    ret_transform);
}

static cd_err_t *make_plan(value_to_key_t *t, const cd_schema_t *s, cd_schema_pool_t *pool, plan_t **ret_plan)
{
    uint32_t n = t->settings.fields.n;
    plan_t *p = cd_arena_new(&t->part.arena, plan_t);
    cd_field_t *fields = cd_arena_array(&t->part.arena, cd_field_t, n);
    p->cells = cd_arena_array(&t->part.arena, uint32_t, n);
    for (uint32_t i = 0; i < n; i++) {
        const char *name = t->settings.fields.items[i];
        int32_t at = cd_schema_field(s, name);
        if (at < 0) return cd_err_new(CD_ERR_DATA, CD_JVM_DATA, "Field does not exist: %s", name);
        p->cells[i] = (uint32_t)at;
        fields[i] = (cd_field_t){.name = name, .schema = s->fields[at].schema};
    }
    p->schema = schema_intern(pool, &(cd_schema_spec_t){.type = CD_STRUCT, .fields = fields, .nfields = n});
    schema_plans_put(&t->part.plans, s, p);
    *ret_plan = p;
    return NULL;
}

static cd_err_t *value_to_key_one(void *transform, cd_batch_t *batch, cd_record_t *r)
{
    value_to_key_t *t = (value_to_key_t *)transform;
    const cd_schema_t *s = r->value_schema;
    uint32_t n = t->settings.fields.n;
    cd_err_t *err = part_require(s, &r->value, PURPOSE);
    if (err != NULL) return err;
    if (s == NULL) {
        cd_value_t none = cd_v_items(CD_MAP, NULL, 0), key = part_copy_map(&none, n, &batch->arena);
        for (uint32_t i = 0; i < n; i++) {
            const cd_value_t *v = cd_map_get(&r->value, t->settings.fields.items[i]);
            part_map_set(&key, cd_arena_strdup(&batch->arena, t->settings.fields.items[i]), v != NULL ? *v : CD_V_NULL);
        }
        r->key_schema = NULL;
        r->key = key;
        return NULL;
    }
    plan_t *p = (plan_t *)schema_plans_get(&t->part.plans, s);
    if (p == NULL) err = make_plan(t, s, batch->schemas, &p);
    if (err != NULL) return err;
    cd_value_t *cells = cd_arena_array(&batch->arena, cd_value_t, n);
    for (uint32_t i = 0; i < n; i++) cells[i] = *part_read(s, r->value.items, p->cells[i], t->settings.replace_null);
    r->key_schema = p->schema;
    r->key = cd_v_items(CD_STRUCT, cells, n);
    return NULL;
}

static uint32_t value_to_key_apply(void *t, cd_batch_t *batch, uint32_t from, uint32_t to, cd_err_t **ret_err)
{
    return part_each(t, value_to_key_one, batch, from, to, ret_err);
}

static const cd_transform_ops_t ops = {
    .size = sizeof(ops), .configure = value_to_key_configure, .apply = value_to_key_apply, .close = part_close};

const cd_plugin_t value_to_key_plugin = {CD_PLUGIN_HEAD,
                                         .kind = CD_KIND_TRANSFORM,
                                         .jvm_class = TRANSFORMS_PACKAGE "ValueToKey",
                                         .version = CONNECT_VERSION,
                                         .doc = "Makes the key from fields of the value.",
                                         .keys = keys,
                                         .ops = &ops};
