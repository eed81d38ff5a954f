/* store/config_record.h: keys and values of the config topic, as bytes. Pure; any thread. */
#ifndef RUNTIME_STORE_CONFIG_RECORD_H
#define RUNTIME_STORE_CONFIG_RECORD_H

#include "runtime/base/strbuf.h"

enum target_state { TARGET_STARTED = 0, TARGET_PAUSED, TARGET_STOPPED, TARGET_NONE = -1 };

/** "STARTED", "PAUSED", "STOPPED". */
const char *target_state_name(enum target_state state);
/** TARGET_NONE for an unknown name. */
enum target_state target_state_parse(const char *name);

enum config_key {
    CONFIG_KEY_UNKNOWN = 0,
    CONFIG_KEY_TARGET,
    CONFIG_KEY_CONNECTOR,
    CONFIG_KEY_TASK,
    CONFIG_KEY_COMMIT,
    CONFIG_KEY_RESTART,
    CONFIG_KEY_FENCING,
    CONFIG_KEY_SESSION,
    CONFIG_KEY_LOGGER
};

/** Take a key apart. @param ret_name  connector or logger name, in arena; @param ret_task  task keys only */
enum config_key config_key_parse(cd_bytes_t key, cd_arena_t *arena, const char **ret_name, int32_t *ret_task);

/** "a-b-3" style ids: split at '-', trailing empty parts dropped, the last part an integer, at least `min_parts`; the
 *  name is everything between the first `skip` parts and the last. @return false when it is no such id */
bool task_id_parse(const char *text, size_t len, uint32_t skip, cd_arena_t *arena, const char **ret_name,
                   int32_t *ret_task);

/** Values. `out` is appended to. */
void config_value_properties(const cd_config_t *config, strbuf_t *out);
void config_value_commit(int32_t tasks, strbuf_t *out);
void config_value_target(enum target_state state, strbuf_t *out);
void config_value_restart(bool include_tasks, bool only_failed, strbuf_t *out);
void config_value_fencing(int32_t tasks, strbuf_t *out);
void config_value_logger(const char *level, strbuf_t *out);

#endif
