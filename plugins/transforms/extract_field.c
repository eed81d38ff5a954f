/* org.apache.kafka.connect.transforms.ExtractField and HoistField: a field becomes the whole, and the whole a field. */
#include "plugins/transforms/part.h"
#include "plugins/transforms/transforms.h"
#include "runtime/base/version.h"
#include "runtime/data/schema.h"

#include <stddef.h>

#define PURPOSE   "field extraction"
#define STEPS_MAX 32u

typedef struct settings {
    const char *field, *syntax;
    bool replace_null;
} settings_t;

typedef struct extract_field {
    part_t part;
    settings_t settings;
    const char *steps[STEPS_MAX];
    uint32_t nsteps;
} extract_field_t;

static const char *const syntaxes[] = {"V1", "V2", NULL};

static const cd_key_t extract_keys[] = {
    {.name = "field",
     .type = CD_T_STRING,
     .importance = CD_MEDIUM,
     .flags = CD_K_REQUIRED,
     .at = offsetof(settings_t, field),
     .doc = "The field to take out."},
    {.name = "field.syntax.version",
     .type = CD_T_STRING,
     .importance = CD_HIGH,
     .dflt = "V1",
     .choices = syntaxes,
     .flags = CD_K_ANY_CASE,
     .at = offsetof(settings_t, syntax),
     .doc = "V2: the field is a path of names with dots between them; a name with dots stands in backticks."},
    PART_NULL_KEY(settings_t),
    CD_KEY_END,
};

static const cd_key_t hoist_keys[] = {
    {.name = "field",
     .type = CD_T_STRING,
     .importance = CD_MEDIUM,
     .flags = CD_K_REQUIRED,
     .at = offsetof(settings_t, field),
     .doc = "Name of the one field of the result."},
    CD_KEY_END,
};

/** Split `a.`b.c`.d`: a step in backticks ends at a backtick that a dot or the end follows; \` there is a backtick. */
static cd_err_t *parse_path(extract_field_t *t)
{
    const char *p = t->settings.field;
    for (;;) {
        char *step = (char *)cd_arena_alloc(&t->part.arena, strlen(p) + 1);
        size_t n = 0;
        if (t->nsteps == STEPS_MAX)
            return cd_err_new(CD_ERR_CONFIG, CD_JVM_CONFIG, "Path [%s] has more than %u steps", t->settings.field,
                              STEPS_MAX);
        if (*p == '`') {
            const char *open = p++;
            while (*p != '\0' && !(*p == '`' && (p[1] == '.' || p[1] == '\0'))) {
                if (*p == '\\' && p[1] == '`') p++;
                step[n++] = *p++;
            }
            if (*p == '\0')
                return cd_err_new(
                    CD_ERR_CONFIG, CD_JVM_CONFIG,
                    "Incomplete backtick pair in path: [%s], consider adding a backslash before backtick at "
                    "position %zu to escape it",
                    t->settings.field, (size_t)(open - t->settings.field));
            p++;
        } else {
            while (*p != '\0' && *p != '.') step[n++] = *p++;
        }
        step[n] = '\0';
        t->steps[t->nsteps++] = step;
        if (*p == '\0') return NULL;
        p++;
    }
}

static cd_err_t *extract_field_configure(cd_ctx_t *ctx, const cd_config_t *config, bool is_key, void **ret_transform)
{
    void *made = NULL;
    cd_err_t *err = part_new(sizeof(extract_field_t), ctx, config, extract_keys, offsetof(extract_field_t, settings),
                             is_key, &made);
    if (err != NULL) return err;
    extract_field_t *t = (extract_field_t *)made;
    if (t->settings.syntax[1] == '2') {
        err = parse_path(t);
    } else {
        t->steps[t->nsteps++] = t->settings.field;
    }
    if (err != NULL) {
        part_close(t);
        return err;
    }
    *ret_transform = t;
    return NULL;
}

static cd_err_t *extract_field_one(void *transform, cd_batch_t *batch, cd_record_t *r)
{
    const extract_field_t *t = (const extract_field_t *)transform;
    const cd_schema_t *s = part_schema(&t->part, r);
    const cd_value_t *v = part_value(&t->part, r);
    static const cd_value_t none = {.type = CD_NULL};
    (void)batch;
    if (v->type != CD_NULL || s == NULL) {
        cd_err_t *err = v->type == CD_NULL ? NULL : part_require(s, v, PURPOSE);
        if (err != NULL) return err;
    }
    for (uint32_t i = 0; i < t->nsteps; i++) {
        if (s == NULL) {
            const cd_value_t *next = cd_map_get(v, t->steps[i]);
            v = next != NULL ? next : &none;
            continue;
        }
        int32_t field = s->type == CD_STRUCT ? cd_schema_field(s, t->steps[i]) : -1;
        if (field < 0)
            return cd_err_new(CD_ERR_DATA, "java.lang.IllegalArgumentException", "Unknown field: %s",
                              t->settings.field);
        v = v->type == CD_STRUCT ? part_read(s, v->items, (uint32_t)field, t->settings.replace_null) : &none;
        s = s->fields[field].schema;
    }
    part_set(&t->part, r, s, *v);
    return NULL;
}

static cd_err_t *hoist_field_configure(cd_ctx_t *ctx, const cd_config_t *config, bool is_key, void **ret_transform)
{
    return part_new(sizeof(extract_field_t), ctx, config, hoist_keys, offsetof(extract_field_t, settings), is_key,
                    ret_transform);
}

static cd_err_t *hoist_field_one(void *transform, cd_batch_t *batch, cd_record_t *r)
{
    extract_field_t *t = (extract_field_t *)transform;
    const cd_schema_t *s = part_schema(&t->part, r);
    const cd_value_t *v = part_value(&t->part, r);
    if (s == NULL) {
        cd_value_t *pair = cd_arena_array(&batch->arena, cd_value_t, 2);
        pair[0] = cd_v_str(cd_arena_strdup(&batch->arena, t->settings.field));
        pair[1] = *v;
        part_set(&t->part, r, NULL, cd_v_items(CD_MAP, pair, 1));
        return NULL;
    }
    if (v->type == CD_NULL && !s->optional && s->dflt == NULL)
        return cd_err_new(CD_ERR_DATA, CD_JVM_DATA,
                          "Invalid value: null used for required field: \"%s\", schema type: %s", t->settings.field,
                          schema_type_name(s->type));
    cd_schema_t *hoisted = (cd_schema_t *)schema_plans_get(&t->part.plans, s);
    if (hoisted == NULL) {
        cd_field_t field = {.name = t->settings.field, .schema = s};
        cd_schema_spec_t spec = {.type = CD_STRUCT, .fields = &field, .nfields = 1};
        hoisted = (cd_schema_t *)(uintptr_t)schema_intern(batch->schemas, &spec);
        schema_plans_put(&t->part.plans, s, hoisted);
    }
    cd_value_t *cell = cd_arena_array(&batch->arena, cd_value_t, 1);
    *cell = *v;
    part_set(&t->part, r, hoisted, cd_v_items(CD_STRUCT, cell, 1));
    return NULL;
}

PART_PLUGINS(extract_field, "ExtractField", extract_keys, "A field becomes the whole key or value.")
PART_PLUGINS(hoist_field, "HoistField", hoist_keys, "The whole key or value becomes a field.")
