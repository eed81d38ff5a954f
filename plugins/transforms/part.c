#include "plugins/transforms/part.h"

#include "runtime/data/schema.h"

cd_err_t *part_new(size_t size, cd_ctx_t *ctx, const cd_config_t *config, const cd_key_t *keys, size_t settings_at,
                   bool is_key, void **ret_transform)
{
    part_t *p = (part_t *)mem_alloc0(1, size);
    p->ctx = ctx;
    p->is_key = is_key;
    cd_err_t *err = cd_host->config_parse(keys, sizeof(cd_key_t), config, &p->arena, (char *)p + settings_at, NULL);
    if (err != NULL) {
        part_close(p);
        return err;
    }
    *ret_transform = p;
    return NULL;
}

void part_close(void *transform)
{
    part_t *p = (part_t *)transform;
    if (p == NULL) return;
    schema_plans_done(&p->plans);
    cd_arena_done(&p->arena);
    free(p);
}

uint32_t part_each(void *transform, part_record_fn *fn, cd_batch_t *batch, uint32_t from, uint32_t to,
                   cd_err_t **ret_err)
{
    for (uint32_t i = from; i < to; i++) {
        if ((batch->records[i].flags & CD_REC_DROPPED) != 0) continue;
        cd_err_t *err = fn(transform, batch, &batch->records[i]);
        if (CD_UNLIKELY(err != NULL)) {
            *ret_err = err;
            return i;
        }
    }
    return to;
}

const char *part_class_name(const cd_value_t *v)
{
    static const char *const names[] = {"null",
                                        "java.lang.Byte",
                                        "java.lang.Short",
                                        "java.lang.Integer",
                                        "java.lang.Long",
                                        "java.lang.Float",
                                        "java.lang.Double",
                                        "java.lang.Boolean",
                                        "java.lang.String",
                                        "[B",
                                        "java.util.ArrayList",
                                        "java.util.HashMap",
                                        "org.apache.kafka.connect.data.Struct"};
    return v->type < sizeof(names) / sizeof(names[0]) ? names[v->type] : "an unknown class";
}

cd_err_t *part_require(const cd_schema_t *schema, const cd_value_t *value, const char *purpose)
{
    if (schema != NULL && (value->type != CD_STRUCT || schema->type != CD_STRUCT))
        return cd_err_new(CD_ERR_DATA, CD_JVM_DATA, "Only Struct objects supported for [%s], found: %s", purpose,
                          part_class_name(value));
    if (schema == NULL && value->type != CD_MAP)
        return cd_err_new(CD_ERR_DATA, CD_JVM_DATA,
                          "Only Map objects supported in absence of schema for [%s], found: %s", purpose,
                          part_class_name(value));
    return NULL;
}

const cd_schema_t *part_struct_like(const cd_schema_t *schema, const cd_field_t *fields, uint32_t n,
                                    cd_schema_pool_t *pool)
{
    cd_schema_spec_t spec = schema_spec(schema);
    spec.optional = false;
    spec.dflt = NULL;
    spec.fields = fields;
    spec.nfields = n;
    return schema_intern(pool, &spec);
}

cd_err_t *part_check_new(const cd_field_t *fields, uint32_t n, const char *name)
{
    for (uint32_t i = 0; i < n; i++)
        if (strcmp(fields[i].name, name) == 0)
            return cd_err_new(CD_ERR_DATA, CD_JVM_SCHEMA_BUILDER,
                              "Cannot create field because of field name duplication %s", name);
    return NULL;
}

cd_value_t part_copy_map(const cd_value_t *map, uint32_t more, cd_arena_t *arena)
{
    cd_value_t *items = cd_arena_array(arena, cd_value_t, 2 * ((size_t)map->len + more));
    if (map->len > 0) memcpy(items, map->items, 2 * (size_t)map->len * sizeof(*items));
    return cd_v_items(CD_MAP, items, map->len);
}

void part_map_set(cd_value_t *map, const char *key, cd_value_t value)
{
    uint32_t i = 0;
    while (i < map->len && !cd_v_is_str(&map->items[2 * i], key)) i++;
    if (i == map->len) {
        map->items[2 * i] = cd_v_str(key);
        map->len++;
    }
    map->items[2 * i + 1] = value;
}

void part_map_remove(cd_value_t *map, const char *key)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < map->len; i++) {
        if (cd_v_is_str(&map->items[2 * i], key)) continue;
        map->items[2 * kept] = map->items[2 * i];
        map->items[2 * kept + 1] = map->items[2 * i + 1];
        kept++;
    }
    map->len = kept;
}
