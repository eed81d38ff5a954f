/* org.apache.kafka.connect.transforms.SetSchemaMetadata: another name or version for the schema. */
#include "plugins/transforms/part.h"
#include "plugins/transforms/transforms.h"
#include "runtime/base/version.h"
#include "runtime/data/schema.h"

#include <stddef.h>

#define PURPOSE    "updating schema metadata"
#define NO_VERSION INT32_MIN

typedef struct settings {
    const char *name, *version_text;
    bool replace_null;
} settings_t;

typedef struct set_schema_metadata {
    part_t part;
    settings_t settings;
    int32_t version; /* NO_VERSION: leave it */
} set_schema_metadata_t;

static const char *check_int(const cd_key_t *key, const char *text, cd_arena_t *arena)
{
    (void)key;
    (void)arena;
    char *end = NULL;
    long long v = strtoll(text, &end, 10);
    return end == text || *end != '\0' || v <= INT32_MIN || v > INT32_MAX ? "Not a number of type INT" : NULL;
}

static const cd_key_t keys[] = {
    {.name = "schema.name",
     .type = CD_T_STRING,
     .importance = CD_HIGH,
     .at = offsetof(settings_t, name),
     .doc = "The new name."},
    {.name = "schema.version", /* text, because "not set" must differ from every number */
     .type = CD_T_STRING,
     .importance = CD_HIGH,
     .at = offsetof(settings_t, version_text),
     .check = check_int,
     .doc = "The new version, a whole number."},
    PART_NULL_KEY(settings_t),
    CD_KEY_END,
};

static cd_err_t *set_schema_metadata_configure(cd_ctx_t *ctx, const cd_config_t *config, bool is_key,
                                               void **ret_transform)
{
    void *made = NULL;
    cd_err_t *err = part_new(sizeof(set_schema_metadata_t), ctx, config, keys,
                             offsetof(set_schema_metadata_t, settings), is_key, &made);
    if (err != NULL) return err;
    set_schema_metadata_t *t = (set_schema_metadata_t *)made;
    const char *version = t->settings.version_text;
    t->version = version != NULL ? (int32_t)strtol(version, NULL, 10) : NO_VERSION;
    if (t->settings.name == NULL && version == NULL) {
        part_close(t);
        return cd_err_new(CD_ERR_CONFIG, CD_JVM_CONFIG, "Neither schema name nor version configured");
    }
    *ret_transform = t;
    return NULL;
}

static cd_err_t *set_schema_metadata_one(void *transform, cd_batch_t *batch, cd_record_t *r)
{
    set_schema_metadata_t *t = (set_schema_metadata_t *)transform;
    const cd_schema_t *s = part_schema(&t->part, r);
    const cd_value_t *v = part_value(&t->part, r);
    if (s == NULL && v->type == CD_NULL) return NULL;
    if (s == NULL) return cd_err_new(CD_ERR_DATA, CD_JVM_DATA, "Schema required for [" PURPOSE "]");
    if (s->type != CD_STRUCT) return cd_err_new(CD_ERR_DATA, CD_JVM_DATA, "Cannot list fields on non-struct type");
    cd_schema_t *made = (cd_schema_t *)schema_plans_get(&t->part.plans, s);
    if (made == NULL) {
        cd_schema_spec_t spec = schema_spec(s);
        if (t->settings.name != NULL) spec.name = t->settings.name;
        if (t->version != NO_VERSION) {
            spec.has_version = true;
            spec.version = t->version;
        }
        made = (cd_schema_t *)(uintptr_t)schema_intern(batch->schemas, &spec);
        schema_plans_put(&t->part.plans, s, made);
    }
    if (v->type != CD_STRUCT) {
        part_set(&t->part, r, made, *v);
        return NULL;
    }
    cd_value_t *cells = cd_arena_array(&batch->arena, cd_value_t, s->nfields);
    for (uint32_t i = 0; i < s->nfields; i++) cells[i] = *part_read(s, v->items, i, t->settings.replace_null);
    part_set(&t->part, r, made, cd_v_items(CD_STRUCT, cells, s->nfields));
    return NULL;
}

PART_PLUGINS(set_schema_metadata, "SetSchemaMetadata", keys, "Sets the name or version of the schema.")
