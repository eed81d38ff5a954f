#include "plugins/transforms/unwrap_settings.h"

#include "runtime/base/str.h"

#include <stddef.h>

#define LOGGER     "io.debezium.transforms.ExtractNewRecordState"
#define AT(member) .at = offsetof(unwrap_settings_t, member)
#define ROW(key, kind, value, member, text)                                                                            \
    {                                                                                                                  \
        .name = key, .type = kind, .importance = CD_LOW, .width = CD_W_LONG, .dflt = value, AT(member), .doc = text    \
    }

const cd_key_t unwrap_keys[] = {
    ROW("drop.tombstones", CD_T_BOOLEAN, "true", drop_tombstones,
        "Drop tombstones (records with a null value) instead of passing them on."),
    ROW("delete.handling.mode", CD_T_STRING, "drop", delete_mode,
        "What becomes of delete events: drop, rewrite (the last row, with __deleted set) or none (a null value)."),
    ROW("delete.tombstone.handling.mode", CD_T_STRING, NULL, tombstone_mode,
        "Deletes and tombstones in one option: drop, tombstone, rewrite, rewrite-with-tombstone or "
        "delete-to-tombstone. "
        "When it is set, drop.tombstones and delete.handling.mode are not looked at."),
    ROW("add.fields", CD_T_LIST, "", fields,
        "Fields of the change event to add to the row: [struct.]field[:new name]."),
    ROW("add.fields.prefix", CD_T_STRING, "__", fields_prefix, "Put before the names of added fields."),
    ROW("add.headers", CD_T_LIST, "", headers, "Fields of the change event to add as headers."),
    ROW("add.headers.prefix", CD_T_STRING, "__", headers_prefix, "Put before the names of added headers."),
    ROW("route.by.field", CD_T_STRING, "", route_by, "Column whose value becomes the topic."),
    ROW("drop.fields.header.name", CD_T_STRING, NULL, drop_header,
        "Header that lists names of fields to remove from the row."),
    ROW("drop.fields.from.key", CD_T_BOOLEAN, "false", drop_from_key, "Remove them from the key as well."),
    ROW("drop.fields.keep.schema.compatible", CD_T_BOOLEAN, "true", keep_compatible,
        "Remove only optional fields, so that the schema stays compatible."),
    ROW("replace.null.with.default", CD_T_BOOLEAN, "true", null_to_default,
        "In the rewrite modes, write the column's default where the row has null."),
    CD_KEY_END,
};

static cd_err_t *bad_value(cd_ctx_t *ctx, const char *key, const char *value, const char *list)
{
    cd_log(ctx, CD_LOG_ERROR, LOGGER, "The '%s' value '%s' is invalid: Value must be one of %s", key, value, list);
    return cd_err_new(CD_ERR_CONFIG, CD_JVM_CONNECT, "Unable to validate config.");
}

cd_err_t *unwrap_rule_read(cd_ctx_t *ctx, const cd_config_t *config, const unwrap_settings_t *s,
                           unwrap_rule_t *ret_rule)
{
    static const struct {
        const char *name;
        unwrap_rule_t rule;
    } modes[] = {
        {"drop", {UNWRAP_DROP, true, true}},
        {"tombstone", {UNWRAP_NULL, true, true}},
        {"rewrite", {UNWRAP_REWRITE, true, true}},
        {"rewrite-with-tombstone", {UNWRAP_REWRITE, false, true}},
        {"delete-to-tombstone", {UNWRAP_TOMBSTONE, true, true}},
    };
    size_t len = 0;
    const char *mode = s->tombstone_mode != NULL ? str_trim(s->tombstone_mode, &len) : "";
    if (len > 0) {
        for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
            if (strlen(modes[i].name) != len || strncasecmp(mode, modes[i].name, len) != 0) continue;
            *ret_rule = modes[i].rule;
            cd_log(ctx, CD_LOG_INFO, LOGGER, "Deletes and tombstones follow delete.tombstone.handling.mode=%s",
                   modes[i].name);
            return NULL;
        }
        return bad_value(ctx, "delete.tombstone.handling.mode", s->tombstone_mode,
                         "drop, tombstone, rewrite, rewrite-with-tombstone, delete-to-tombstone");
    }
    *ret_rule = (unwrap_rule_t){.drop_tombstones = s->drop_tombstones};
    const char *old = s->delete_mode != NULL ? str_trim(s->delete_mode, &len) : "";
    if (len == 4 && strncasecmp(old, "drop", 4) == 0) {
        ret_rule->deletes = UNWRAP_DROP;
    } else if (len == 7 && strncasecmp(old, "rewrite", 7) == 0) {
        ret_rule->deletes = UNWRAP_REWRITE;
    } else if (len == 4 && strncasecmp(old, "none", 4) == 0) {
        ret_rule->deletes = UNWRAP_NULL;
    } else {
        return bad_value(ctx, "delete.handling.mode", s->delete_mode != NULL ? s->delete_mode : "",
                         "drop, rewrite, none");
    }
    bool given =
        cd_config_get(config, "delete.handling.mode") != NULL || cd_config_get(config, "drop.tombstones") != NULL;
    cd_log(ctx, CD_LOG_INFO, LOGGER, "Deletes follow delete.handling.mode=%.*s and drop.tombstones=%s%s", (int)len, old,
           s->drop_tombstones ? "true" : "false", given ? "" : " (the defaults)");
    return NULL;
}

/** The struct of the envelope that a bare name is looked up in. */
static const char *default_parent(const char *field)
{
    static const char *const of_transaction[] = {"id", "total_order", "data_collection_order"};
    static const char *const of_envelope[] = {"op", "ts_ms", "ts_us", "ts_ns"};
    for (size_t i = 0; i < sizeof(of_transaction) / sizeof(of_transaction[0]); i++)
        if (strcmp(field, of_transaction[i]) == 0) return "transaction";
    for (size_t i = 0; i < sizeof(of_envelope) / sizeof(of_envelope[0]); i++)
        if (strcmp(field, of_envelope[i]) == 0) return NULL;
    return strcmp(field, "updateDescription") == 0 ? "updateDescription" : "source";
}

cd_err_t *unwrap_ref_parse(const char *entry, const char *prefix, cd_arena_t *arena, unwrap_ref_t *ret_ref)
{
    char *text = str_trim_dup(entry, arena);
    char *rename = strchr(text, ':');
    if (rename != NULL && strchr(rename + 1, ':') != NULL)
        return cd_err_new(CD_ERR_CONFIG, "java.lang.IllegalArgumentException", "Unexpected field name: %s", text);
    if (rename != NULL) *rename++ = '\0';
    if (prefix == NULL) prefix = "";
    char *dot = strchr(text, '.');
    unwrap_ref_t ref = {.field = text};
    if (dot != NULL) {
        *dot = '\0';
        ref.parent = text;
        ref.parent_given = true;
        ref.field = dot + 1;
        dot[1 + strcspn(dot + 1, ".")] = '\0'; /* what follows a second dot has no meaning, as in Debezium */
    } else {
        ref.parent = default_parent(text);
    }
    if (rename != NULL) {
        ref.out = cd_arena_printf(arena, "%s%s", prefix, rename);
    } else if (ref.parent_given) {
        ref.out = cd_arena_printf(arena, "%s%s_%s", prefix, ref.parent, ref.field);
    } else {
        ref.out = cd_arena_printf(arena, "%s%s", prefix, ref.field);
    }
    *ret_ref = ref;
    return NULL;
}
