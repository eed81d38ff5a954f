/* transforms/unwrap_settings.h: the settings of ExtractNewRecordState of all Debezium releases at once (04 §4.8.1), and
 * which rule for deletes they add up to. */
#ifndef CONNECTD_TRANSFORMS_UNWRAP_SETTINGS_H
#define CONNECTD_TRANSFORMS_UNWRAP_SETTINGS_H

#include "plugins/api/connectd_plugin.h"

enum unwrap_delete {
    UNWRAP_DROP,
    UNWRAP_REWRITE,  /* the row before the delete, marked */
    UNWRAP_NULL,     /* value null, schema kept */
    UNWRAP_TOMBSTONE /* value and schema null */
};

typedef struct unwrap_settings {
    bool drop_tombstones, drop_from_key, keep_compatible, null_to_default;
    const char *delete_mode, *tombstone_mode, *fields_prefix, *headers_prefix, *route_by, *drop_header;
    cd_list_t fields, headers;
} unwrap_settings_t;

/** One entry of add.fields or add.headers: [struct "."] field [":" newname]. Strings live in the arena. */
typedef struct unwrap_ref {
    const char *parent; /* NULL: the envelope itself */
    bool parent_given;  /* the user named the parent: it must exist */
    const char *field, *out;
} unwrap_ref_t;

typedef struct unwrap_rule {
    enum unwrap_delete deletes;
    bool drop_tombstones;
    bool flag_first; /* __deleted before the added fields: the order since Debezium 2.5 */
} unwrap_rule_t;

extern const cd_key_t unwrap_keys[];

/** Resolve the old and the new delete options. Logs the complaint and answers ConnectException for a bad value. */
CD_CHECK cd_err_t *unwrap_rule_read(cd_ctx_t *ctx, const cd_config_t *config, const unwrap_settings_t *settings,
                                    unwrap_rule_t *ret_rule);
CD_CHECK cd_err_t *unwrap_ref_parse(const char *entry, const char *prefix, cd_arena_t *arena, unwrap_ref_t *ret_ref);

#endif
