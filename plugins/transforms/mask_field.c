/* org.apache.kafka.connect.transforms.MaskField: values become empty, or a replacement. */
#include "plugins/transforms/part.h"
#include "plugins/transforms/transforms.h"
#include "runtime/base/java_text.h"
#include "runtime/base/version.h"

#include <stddef.h>

#define PURPOSE "mask fields"

typedef struct settings {
    cd_list_t fields;
    const char *replacement;
    bool replace_null;
} settings_t;

typedef struct mask_field {
    part_t part;
    settings_t settings;
} mask_field_t;

static const char *check_list(const cd_key_t *key, const char *text, cd_arena_t *arena)
{
    (void)key;
    (void)arena;
    return text[strspn(text, " ,")] == '\0' ? "Empty list" : NULL;
}

static const char *check_text(const cd_key_t *key, const char *text, cd_arena_t *arena)
{
    (void)key;
    (void)arena;
    return text[0] == '\0' ? "String must be non-empty" : NULL;
}

static const cd_key_t keys[] = {
    {.name = "fields",
     .type = CD_T_LIST,
     .importance = CD_HIGH,
     .flags = CD_K_REQUIRED,
     .at = offsetof(settings_t, fields),
     .check = check_list,
     .doc = "Fields to mask."},
    {.name = "replacement",
     .type = CD_T_STRING,
     .importance = CD_LOW,
     .at = offsetof(settings_t, replacement),
     .check = check_text,
     .doc = "What texts and numbers become; not set: empty, zero, false."},
    PART_NULL_KEY(settings_t),
    CD_KEY_END,
};

static cd_err_t *mask_field_configure(cd_ctx_t *ctx, const cd_config_t *config, bool is_key, void **ret_transform)
{
    return part_new(sizeof(mask_field_t), ctx, config, keys, offsetof(mask_field_t, settings), is_key, ret_transform);
}

static bool is_masked(const mask_field_t *t, const char *name, size_t len)
{
    for (uint32_t i = 0; i < t->settings.fields.n; i++) {
        const char *f = t->settings.fields.items[i];
        if (strlen(f) == len && memcmp(f, name, len) == 0) return true;
    }
    return false;
}

/** The replacement as a number of this type; the fraction is cut off for integers. */
static cd_err_t *replacement_number(const mask_field_t *t, uint8_t type, cd_value_t *ret_value)
{
    const char *text = t->settings.replacement;
    strbuf_t unscaled = {0};
    int32_t scale = 0;
    bool ok = java_text_parse_decimal(text, strlen(text), &unscaled, &scale);
    strbuf_done(&unscaled);
    if (!ok)
        return cd_err_new(CD_ERR_DATA, CD_JVM_DATA, "Unable to convert %s (class java.lang.String) to a number", text);
    double d = strtod(text, NULL);
    int64_t v = strpbrk(text, "eE") == NULL ? strtoll(text, NULL, 10) : (int64_t)d;
    switch (type) {
    case CD_INT8:
        *ret_value = cd_v_int(type, (int8_t)v);
        break;
    case CD_INT16:
        *ret_value = cd_v_int(type, (int16_t)v);
        break;
    case CD_INT32:
        *ret_value = cd_v_int(type, (int32_t)v);
        break;
    case CD_INT64:
        *ret_value = cd_v_int(type, v);
        break;
    case CD_FLOAT32:
        *ret_value = cd_v_f32((float)d);
        break;
    default:
        *ret_value = cd_v_f64(d);
    }
    return NULL;
}

static cd_err_t *mask(const mask_field_t *t, const cd_schema_t *s, const cd_value_t *v, cd_arena_t *arena,
                      cd_value_t *ret_value)
{
    static const uint8_t zero[] = {0};
    uint8_t logical = s != NULL ? s->logical : CD_LOGICAL_NONE;
    const char *text = t->settings.replacement;
    *ret_value = *v;
    if (v->type == CD_NULL) return NULL;
    if (text != NULL && (logical >= CD_LOGICAL_DATE || v->type == CD_BOOLEAN || v->type >= CD_ARRAY))
        return cd_err_new(CD_ERR_DATA, CD_JVM_DATA, "Cannot mask value of type class %s with custom replacement.",
                          logical >= CD_LOGICAL_DATE ? "java.util.Date" : part_class_name(v));
    switch (v->type) {
    case CD_STRING:
        *ret_value = cd_v_str(cd_arena_strdup(arena, text != NULL ? text : ""));
        return NULL;
    case CD_BOOLEAN:
        *ret_value = cd_v_bool(false);
        return NULL;
    case CD_BYTES:
        if (logical == CD_LOGICAL_DECIMAL && text == NULL) {
            *ret_value = cd_v_bytes(zero, 1); /* zero is zero at every scale */
            return NULL;
        }
        return cd_err_new(CD_ERR_DATA, CD_JVM_DATA, "Cannot mask value of type: class %s", part_class_name(v));
    case CD_STRUCT:
        return cd_err_new(CD_ERR_DATA, CD_JVM_DATA, "Cannot mask value of type: class %s", part_class_name(v));
    case CD_ARRAY:
    case CD_MAP:
        *ret_value = cd_v_items(v->type, NULL, 0);
        return NULL;
    default:
        if (text != NULL) return replacement_number(t, v->type, ret_value);
        if (v->type == CD_FLOAT32)
            *ret_value = cd_v_f32(0);
        else if (v->type == CD_FLOAT64)
            *ret_value = cd_v_f64(0);
        else
            *ret_value = cd_v_int(v->type, 0);
        return NULL;
    }
}

static cd_err_t *mask_field_one(void *transform, cd_batch_t *batch, cd_record_t *r)
{
    const mask_field_t *t = (const mask_field_t *)transform;
    const cd_schema_t *s = part_schema(&t->part, r);
    const cd_value_t *v = part_value(&t->part, r);
    cd_err_t *err = part_require(s, v, PURPOSE);
    if (err != NULL) return err;
    if (s == NULL) {
        cd_value_t map = part_copy_map(v, t->settings.fields.n, &batch->arena);
        for (uint32_t i = 0; i < t->settings.fields.n && err == NULL; i++) {
            const cd_value_t *old = cd_map_get(v, t->settings.fields.items[i]);
            cd_value_t out = CD_V_NULL;
            if (old != NULL) err = mask(t, NULL, old, &batch->arena, &out);
            if (err == NULL) part_map_set(&map, cd_arena_strdup(&batch->arena, t->settings.fields.items[i]), out);
        }
        if (err == NULL) part_set(&t->part, r, NULL, map);
        return err;
    }
    cd_value_t *cells = cd_arena_array(&batch->arena, cd_value_t, s->nfields);
    for (uint32_t i = 0; i < s->nfields; i++) {
        const cd_value_t *old = part_read(s, v->items, i, t->settings.replace_null);
        cells[i] = *old;
        if (!is_masked(t, s->fields[i].name, s->fields[i].name_len)) continue;
        err = mask(t, s->fields[i].schema, old, &batch->arena, &cells[i]);
        if (err != NULL) return err;
    }
    part_set(&t->part, r, s, cd_v_items(CD_STRUCT, cells, s->nfields));
    return NULL;
}

PART_PLUGINS(mask_field, "MaskField", keys, "Values become empty, or a replacement.")
