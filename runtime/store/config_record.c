#include "runtime/store/config_record.h"

#include "runtime/base/json.h"
#include "runtime/base/str.h"

static const char *const target_names[] = {"STARTED", "PAUSED", "STOPPED"};

const char *target_state_name(enum target_state state)
{
    return state >= TARGET_STARTED && state <= TARGET_STOPPED ? target_names[state] : "STARTED";
}

enum target_state target_state_parse(const char *name)
{
    for (int i = TARGET_STARTED; i <= TARGET_STOPPED; i++)
        if (strcmp(name, target_names[i]) == 0) return (enum target_state)i;
    return TARGET_NONE;
}

/* Java's Integer.parseInt: an optional sign, then digits, within range. */
static bool parse_int(const char *s, size_t n, int32_t *ret)
{
    bool minus = n > 0 && s[0] == '-';
    size_t i = n > 0 && (s[0] == '-' || s[0] == '+') ? 1 : 0;
    if (i == n) return false;
    int64_t v = 0;
    for (; i < n; i++) {
        if (s[i] < '0' || s[i] > '9') return false;
        v = v * 10 + (s[i] - '0');
        if (v > (int64_t)INT32_MAX + 1) return false;
    }
    if (minus) v = -v;
    if (v > INT32_MAX) return false;
    *ret = (int32_t)v;
    return true;
}

bool task_id_parse(const char *text, size_t len, uint32_t skip, cd_arena_t *arena, const char **ret_name,
                   int32_t *ret_task)
{
    while (len > 0 && text[len - 1] == '-') len--; /* Java's split drops empty parts at the end */
    uint32_t parts = 1;
    size_t last = 0, name = 0;
    for (size_t i = 0; i < len; i++) {
        if (text[i] != '-') continue;
        if (parts == skip) name = i + 1;
        parts++;
        last = i + 1;
    }
    if (parts < skip + 2 || !parse_int(text + last, len - last, ret_task)) return false;
    *ret_name = cd_arena_strndup(arena, text + name, last - 1 - name);
    return true;
}

static bool take_prefix(cd_bytes_t key, const char *prefix, cd_arena_t *arena, const char **ret_rest)
{
    size_t n = strlen(prefix);
    if (key.len < n || memcmp(key.ptr, prefix, n) != 0) return false;
    *ret_rest = cd_arena_strndup(arena, key.ptr + n, key.len - n);
    return true;
}

enum config_key config_key_parse(cd_bytes_t key, cd_arena_t *arena, const char **ret_name, int32_t *ret_task)
{
    static const char session[] = "session-key";
    const char *rest = NULL;
    *ret_name = "";
    *ret_task = -1;
    if (key.ptr == NULL || memchr(key.ptr, 0, key.len) != NULL) return CONFIG_KEY_UNKNOWN;
    if (take_prefix(key, "target-state-", arena, ret_name)) return CONFIG_KEY_TARGET;
    if (take_prefix(key, "connector-", arena, ret_name)) return CONFIG_KEY_CONNECTOR;
    if (take_prefix(key, "task-", arena, &rest))
        return task_id_parse((const char *)key.ptr, key.len, 1, arena, ret_name, ret_task) ? CONFIG_KEY_TASK
                                                                                           : CONFIG_KEY_UNKNOWN;
    if (take_prefix(key, "commit-", arena, ret_name)) return CONFIG_KEY_COMMIT;
    if (take_prefix(key, "restart-connector-", arena, ret_name)) return CONFIG_KEY_RESTART;
    if (take_prefix(key, "tasks-fencing-", arena, ret_name)) return CONFIG_KEY_FENCING;
    if (key.len == sizeof(session) - 1 && memcmp(key.ptr, session, key.len) == 0) return CONFIG_KEY_SESSION;
    if (take_prefix(key, "logger-cluster-", arena, ret_name)) return CONFIG_KEY_LOGGER;
    return CONFIG_KEY_UNKNOWN;
}

void config_value_properties(const cd_config_t *config, strbuf_t *out)
{
    strbuf_adds(out, "{\"properties\":{");
    for (uint32_t i = 0; i < config->n; i++) {
        const cd_pair_t *p = &config->pairs[i];
        if (i > 0) strbuf_addc(out, ',');
        json_write_str(p->name, strlen(p->name), out);
        strbuf_addc(out, ':');
        if (p->value == NULL)
            strbuf_adds(out, "null");
        else
            json_write_str(p->value, strlen(p->value), out);
    }
    strbuf_adds(out, "}}");
}

void config_value_commit(int32_t tasks, strbuf_t *out)
{
    strbuf_addf(out, "{\"tasks\":%d}", tasks);
}

void config_value_target(enum target_state state, strbuf_t *out)
{
    /* workers before 3.5 know no STOPPED: for them the connector is paused */
    const char *v0 = target_state_name(state == TARGET_STOPPED ? TARGET_PAUSED : state);
    strbuf_addf(out, "{\"state\":\"%s\",\"state.v2\":\"%s\"}", v0, target_state_name(state));
}

void config_value_restart(bool include_tasks, bool only_failed, strbuf_t *out)
{
    strbuf_addf(out, "{\"include-tasks\":%s,\"only-failed\":%s}", include_tasks ? "true" : "false",
                only_failed ? "true" : "false");
}

void config_value_fencing(int32_t tasks, strbuf_t *out)
{
    strbuf_addf(out, "{\"task-count\":%d}", tasks);
}

void config_value_logger(const char *level, strbuf_t *out)
{
    strbuf_adds(out, "{\"level\":");
    json_write_str(level, strlen(level), out);
    strbuf_addc(out, '}');
}
