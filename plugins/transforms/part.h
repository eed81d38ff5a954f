/* transforms/part.h: what the transforms that work on a record's key or value have in common: which part they work on,
 * their settings, the loop over a batch, a plan per schema.
 * Threads    the task's thread.    Errors  DATA with Connect's sentences; the record is untouched then. */
#ifndef CONNECTD_TRANSFORMS_PART_H
#define CONNECTD_TRANSFORMS_PART_H

#include "plugins/transforms/schema_plans.h"

#define TRANSFORMS_PACKAGE "org.apache.kafka.connect.transforms."

/** The head of every such transform; embed it first. */
typedef struct part {
    cd_ctx_t *ctx;
    bool is_key;
    cd_arena_t arena; /* settings and plans */
    schema_plans_t plans;
} part_t;

/** Allocate a transform of `size` bytes and parse its settings into the struct at `settings_at`. */
CD_CHECK cd_err_t *part_new(size_t size, cd_ctx_t *ctx, const cd_config_t *config, const cd_key_t *keys,
                            size_t settings_at, bool is_key, void **ret_transform);
/** Free a transform that holds nothing but its part. */
void part_close(void *transform);

static inline const cd_schema_t *part_schema(const part_t *p, const cd_record_t *r)
{
    return p->is_key ? r->key_schema : r->value_schema;
}

static inline const cd_value_t *part_value(const part_t *p, const cd_record_t *r)
{
    return p->is_key ? &r->key : &r->value;
}

static inline void part_set(const part_t *p, cd_record_t *r, const cd_schema_t *schema, cd_value_t value)
{
    if (p->is_key) {
        r->key_schema = schema;
        r->key = value;
    } else {
        r->value_schema = schema;
        r->value = value;
    }
}

typedef cd_err_t *part_record_fn(void *transform, cd_batch_t *batch, cd_record_t *r);
/** Run fn over the records that are not dropped, as cd_transform_ops_t.apply asks for. */
uint32_t part_each(void *transform, part_record_fn *fn, cd_batch_t *batch, uint32_t from, uint32_t to,
                   cd_err_t **ret_err);

/** The operating value must be a struct (with a schema) or a map (without). @param purpose  as Connect names it */
CD_CHECK cd_err_t *part_require(const cd_schema_t *schema, const cd_value_t *value, const char *purpose);
/** A field as Struct.get reads it: null becomes the default when `replace` says so. */
static inline const cd_value_t *part_read(const cd_schema_t *schema, const cd_value_t *cells, uint32_t field,
                                          bool replace)
{
    return replace ? cd_value_or_default(schema->fields[field].schema, &cells[field]) : &cells[field];
}
/** Name, version, doc and parameters of a struct with other fields: required, no default. */
const cd_schema_t *part_struct_like(const cd_schema_t *schema, const cd_field_t *fields, uint32_t n,
                                    cd_schema_pool_t *pool);
/** The key must be new among fields[0..n). */
CD_CHECK cd_err_t *part_check_new(const cd_field_t *fields, uint32_t n, const char *name);
/** A copy of a map with room for `more` further pairs. */
cd_value_t part_copy_map(const cd_value_t *map, uint32_t more, cd_arena_t *arena);
/** Set or add a string key of a map made by part_copy_map. */
void part_map_set(cd_value_t *map, const char *key, cd_value_t value);
/** Remove a string key. */
void part_map_remove(cd_value_t *map, const char *key);

/** Java's name of a value's class, for messages: "java.lang.String"; "null". */
const char *part_class_name(const cd_value_t *value);

/** configure, apply and the two plugins of a class with a $Key and a $Value form. NAME_one must be a part_record_fn. */
#define PART_PLUGINS(name, class_name, key_table, text)                                                                \
    static cd_err_t *name##_configure_key(cd_ctx_t *ctx, const cd_config_t *config, void **ret)                        \
    {                                                                                                                  \
        return name##_configure(ctx, config, true, ret);                                                               \
    }                                                                                                                  \
    static cd_err_t *name##_configure_value(cd_ctx_t *ctx, const cd_config_t *config, void **ret)                      \
    {                                                                                                                  \
        return name##_configure(ctx, config, false, ret);                                                              \
    }                                                                                                                  \
    static uint32_t name##_apply(void *t, cd_batch_t *batch, uint32_t from, uint32_t to, cd_err_t **ret_err)           \
    {                                                                                                                  \
        return part_each(t, name##_one, batch, from, to, ret_err);                                                     \
    }                                                                                                                  \
    static const cd_transform_ops_t name##_key_ops = {.size = sizeof(name##_key_ops),                                  \
                                                      .configure = name##_configure_key,                               \
                                                      .apply = name##_apply,                                           \
                                                      .close = part_close};                                            \
    static const cd_transform_ops_t name##_value_ops = {.size = sizeof(name##_value_ops),                              \
                                                        .configure = name##_configure_value,                           \
                                                        .apply = name##_apply,                                         \
                                                        .close = part_close};                                          \
    const cd_plugin_t name##_key_plugin = {CD_PLUGIN_HEAD,                                                             \
                                           .kind = CD_KIND_TRANSFORM,                                                  \
                                           .jvm_class = TRANSFORMS_PACKAGE class_name "$Key",                          \
                                           .version = CONNECT_VERSION,                                                 \
                                           .doc = text,                                                                \
                                           .keys = key_table,                                                          \
                                           .ops = &name##_key_ops};                                                    \
    const cd_plugin_t name##_value_plugin = {CD_PLUGIN_HEAD,                                                           \
                                             .kind = CD_KIND_TRANSFORM,                                                \
                                             .jvm_class = TRANSFORMS_PACKAGE class_name "$Value",                      \
                                             .version = CONNECT_VERSION,                                               \
                                             .doc = text,                                                              \
                                             .keys = key_table,                                                        \
                                             .ops = &name##_value_ops};

#define PART_NULL_KEY(settings)                                                                                        \
    {                                                                                                                  \
        .name = "replace.null.with.default", .type = CD_T_BOOLEAN, .importance = CD_MEDIUM, .dflt = "true",            \
        .at = offsetof(settings, replace_null), .doc = "Use a field's default where its value is null."                \
    }

#endif
