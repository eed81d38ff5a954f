#include "runtime/store/config_state.h"

#include "runtime/base/json.h"
#include "runtime/base/log.h"
#include "runtime/base/mem.h"
#include "runtime/base/str.h"

#define LOGGER "org.apache.kafka.connect.storage.KafkaConfigBackingStore"

struct config_state {
    int64_t offset;
    bool started;
    uint32_t n, cap;
    config_connector_t **items; /* sorted by name */
    config_session_key_t session;
    cd_arena_t scratch; /* names of the event in hand */
};

config_state_t *config_state_new(void)
{
    config_state_t *s = mem_new0(config_state_t);
    s->offset = -1;
    return s;
}

static void tasks_done(config_tasks_t *t)
{
    for (uint32_t i = 0; i < t->n; i++) props_done(&t->items[i].config);
    free(t->items);
    *t = (config_tasks_t){0};
}

static void connector_free(config_connector_t *c)
{
    props_done(&c->config);
    props_done(&c->applied);
    tasks_done(&c->tasks);
    tasks_done(&c->deferred);
    free(c->name);
    free(c);
}

void config_state_free(config_state_t *s)
{
    if (s == NULL) return;
    for (uint32_t i = 0; i < s->n; i++) connector_free(s->items[i]);
    free(s->items);
    free(s->session.key);
    free(s->session.algorithm);
    cd_arena_done(&s->scratch);
    free(s);
}

static uint32_t lower_bound(const config_state_t *s, const char *name)
{
    uint32_t lo = 0, hi = s->n;
    while (lo < hi) {
        uint32_t mid = (lo + hi) / 2;
        if (strcmp(s->items[mid]->name, name) < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

static config_connector_t *find(const config_state_t *s, const char *name)
{
    uint32_t i = lower_bound(s, name);
    return i < s->n && strcmp(s->items[i]->name, name) == 0 ? s->items[i] : NULL;
}

static config_connector_t *find_or_add(config_state_t *s, const char *name)
{
    uint32_t i = lower_bound(s, name);
    if (i < s->n && strcmp(s->items[i]->name, name) == 0) return s->items[i];
    config_connector_t *c = mem_new0(config_connector_t);
    c->name = mem_strdup(name);
    c->target = TARGET_NONE;
    c->task_generation = -1;
    c->task_count_record = -1;
    mem_grow(s->items, s->n, s->cap);
    memmove(s->items + i + 1, s->items + i, (s->n - i) * sizeof(*s->items));
    s->items[i] = c;
    s->n++;
    return c;
}

/* ---- Task config sets ---- */

static uint32_t task_at(const config_tasks_t *t, int32_t id)
{
    uint32_t i = 0;
    while (i < t->n && t->items[i].id < id) i++;
    return i;
}

/* Takes config. */
static void task_put(config_tasks_t *t, int32_t id, props_t *config)
{
    uint32_t i = task_at(t, id);
    if (i < t->n && t->items[i].id == id) {
        props_done(&t->items[i].config);
    } else {
        mem_grow(t->items, t->n, t->cap);
        memmove(t->items + i + 1, t->items + i, (t->n - i) * sizeof(*t->items));
        t->n++;
    }
    t->items[i] = (config_task_t){.id = id, .config = *config};
    *config = (props_t){0};
}

static bool tasks_complete(const config_tasks_t *t, int32_t count)
{
    uint32_t i = task_at(t, 0);
    for (int32_t id = 0; id < count; id++, i++)
        if (i >= t->n || t->items[i].id != id) return false;
    return true;
}

/* ---- One function per kind of record ---- */

static void apply_target(config_state_t *s, const char *name, const json_t *value, config_event_t *ev)
{
    config_connector_t *c = find_or_add(s, name);
    if (value == NULL) {
        c->target = c->exists ? TARGET_STARTED : TARGET_NONE;
        return;
    }
    const json_t *text = json_object_get(value, "state.v2");
    if (!json_is_string(text)) text = json_object_get(value, "state");
    enum target_state target = json_is_string(text) ? target_state_parse(json_string_value(text)) : TARGET_NONE;
    if (target == TARGET_NONE) {
        log_write(CD_LOG_ERROR, LOGGER, NULL, "Ignoring an invalid target state record of connector '%s'", name);
        return;
    }
    bool changed = c->target != target;
    c->target = target;
    if (changed && c->exists) ev->type = CONFIG_EV_TARGET;
}

static void forget_tasks(config_connector_t *c)
{
    tasks_done(&c->tasks);
    tasks_done(&c->deferred);
    props_done(&c->applied);
    c->has_applied = false;
    c->task_count = 0;
}

/* The "properties" member as settings; false when the record is not one. */
static bool read_properties(const json_t *value, props_t *ret)
{
    const json_t *properties = json_object_get(value, "properties");
    if (!json_is_object(properties)) return false;
    cd_arena_t arena = {0};
    cd_config_t config;
    cd_err_t *err = json_to_config(properties, &arena, &config);
    *ret = (props_t){0};
    if (err == NULL) props_copy(ret, &config);
    cd_arena_done(&arena);
    cd_err_free(err);
    return err == NULL;
}

static void apply_connector(config_state_t *s, const char *name, const json_t *value, config_event_t *ev)
{
    if (value == NULL) {
        config_connector_t *gone = find(s, name);
        if (gone != NULL) {
            props_done(&gone->config);
            gone->exists = false;
            gone->revision++;
            forget_tasks(gone);
        }
        ev->type = CONFIG_EV_REMOVED;
        return;
    }
    props_t config;
    if (!read_properties(value, &config)) {
        log_write(CD_LOG_ERROR, LOGGER, NULL, "Ignoring an invalid configuration record of connector '%s'", name);
        return;
    }
    config_connector_t *c = find_or_add(s, name);
    props_done(&c->config);
    c->config = config;
    c->exists = true;
    c->revision++;
    if (c->target == TARGET_NONE) c->target = TARGET_STARTED;
    ev->type = CONFIG_EV_CONNECTOR;
}

static void apply_task(config_state_t *s, const char *name, int32_t id, const json_t *value)
{
    props_t config;
    if (value == NULL || !read_properties(value, &config)) {
        log_write(CD_LOG_ERROR, LOGGER, NULL, "Ignoring an invalid configuration record of task %s-%d", name, id);
        return;
    }
    task_put(&find_or_add(s, name)->deferred, id, &config);
}

static void apply_commit(config_state_t *s, const char *name, const json_t *value, config_event_t *ev)
{
    const json_t *tasks = json_object_get(value, "tasks");
    if (!json_is_integer(tasks) || json_integer_value(tasks) < 0 || json_integer_value(tasks) > INT32_MAX) {
        log_write(CD_LOG_ERROR, LOGGER, NULL, "Ignoring an invalid task commit record of connector '%s'", name);
        return;
    }
    int32_t count = (int32_t)json_integer_value(tasks);
    config_connector_t *c = find_or_add(s, name);
    if (!c->exists) {
        /* compaction has removed or will rewrite the connector's config: its tasks must be planned anew */
        forget_tasks(c);
        return;
    }
    if (!tasks_complete(&c->deferred, count)) {
        log_write(CD_LOG_DEBUG, LOGGER, NULL, "Tasks of connector '%s' are incomplete: %d expected", name, count);
        c->inconsistent = true;
    } else {
        if (c->deferred.n > 0) {
            for (uint32_t i = 0; i < c->deferred.n; i++)
                task_put(&c->tasks, c->deferred.items[i].id, &c->deferred.items[i].config);
            c->task_generation++;
        }
        c->inconsistent = false;
        props_done(&c->applied);
        cd_config_t config = props_view(&c->config);
        props_copy(&c->applied, &config);
        c->has_applied = true;
    }
    tasks_done(&c->deferred);
    c->task_count = count;
    c->commits++;
    c->pending_fencing = true;
    ev->type = CONFIG_EV_TASKS;
}

static void apply_restart(const json_t *value, config_event_t *ev)
{
    if (!json_is_object(value)) return;
    ev->type = CONFIG_EV_RESTART;
    ev->include_tasks = json_is_true(json_object_get(value, "include-tasks"));
    ev->only_failed = json_is_true(json_object_get(value, "only-failed"));
}

static void apply_fencing(config_state_t *s, const char *name, const json_t *value)
{
    const json_t *count = json_object_get(value, "task-count");
    if (!json_is_integer(count) || json_integer_value(count) < 0 || json_integer_value(count) > INT32_MAX) return;
    config_connector_t *c = find_or_add(s, name);
    c->task_count_record = (int32_t)json_integer_value(count);
    c->pending_fencing = false;
}

static void apply_session_key(config_state_t *s, const json_t *value, config_event_t *ev)
{
    const json_t *key = json_object_get(value, "key");
    const json_t *algorithm = json_object_get(value, "algorithm");
    const json_t *created = json_object_get(value, "creation-timestamp");
    if (!json_is_string(key) || !json_is_string(algorithm) || !json_is_integer(created)) {
        log_write(CD_LOG_ERROR, LOGGER, NULL, "Ignoring an invalid session key record");
        return;
    }
    free(s->session.key);
    free(s->session.algorithm);
    s->session = (config_session_key_t){.key = mem_strdup(json_string_value(key)),
                                        .algorithm = mem_strdup(json_string_value(algorithm)),
                                        .created_ms = json_integer_value(created)};
    ev->type = CONFIG_EV_SESSION_KEY;
}

static void apply_logger(config_state_t *s, const json_t *value, config_event_t *ev)
{
    const json_t *level = json_object_get(value, "level");
    if (!json_is_string(level)) return;
    ev->type = CONFIG_EV_LOGGER;
    ev->level = cd_arena_strdup(&s->scratch, json_string_value(level));
}

void config_state_apply(config_state_t *s, int64_t offset, cd_bytes_t key, cd_bytes_t value, config_event_t *ret_event)
{
    config_event_t ev = {0};
    int32_t task;
    json_t *v = NULL;
    cd_arena_reset(&s->scratch);
    *ret_event = ev;
    if (value.ptr != NULL) {
        cd_err_t *err = json_parse((const char *)value.ptr, value.len, &v);
        if (err != NULL) {
            /* the offset stays: a JVM worker counts only records that it could parse */
            log_err(CD_LOG_ERROR, LOGGER, NULL, "Ignoring a record of the config topic that is not JSON", err);
            cd_err_free(err);
            return;
        }
        if (json_is_null(v)) v = NULL; /* the text `null` is a tombstone too (and jansson's null needs no release) */
    }
    s->offset = offset + 1;
    switch (config_key_parse(key, &s->scratch, &ev.name, &task)) {
    case CONFIG_KEY_TARGET:
        apply_target(s, ev.name, v, &ev);
        break;
    case CONFIG_KEY_CONNECTOR:
        apply_connector(s, ev.name, v, &ev);
        break;
    case CONFIG_KEY_TASK:
        apply_task(s, ev.name, task, v);
        break;
    case CONFIG_KEY_COMMIT:
        apply_commit(s, ev.name, v, &ev);
        break;
    case CONFIG_KEY_RESTART:
        apply_restart(v, &ev);
        break;
    case CONFIG_KEY_FENCING:
        apply_fencing(s, ev.name, v);
        break;
    case CONFIG_KEY_SESSION:
        apply_session_key(s, v, &ev);
        break;
    case CONFIG_KEY_LOGGER:
        apply_logger(s, v, &ev);
        break;
    case CONFIG_KEY_UNKNOWN:
        log_write(CD_LOG_ERROR, LOGGER, NULL, "Discarding a record of the config topic with an unknown key");
        break;
    }
    json_decref(v);
    if (s->started) *ret_event = ev;
}

void config_state_started(config_state_t *s)
{
    s->started = true;
}

int64_t config_state_offset(const config_state_t *s)
{
    return s->offset;
}

uint32_t config_state_count(const config_state_t *s)
{
    return s->n;
}

const config_connector_t *config_state_at(const config_state_t *s, uint32_t i)
{
    return s->items[i];
}

const config_connector_t *config_state_find(const config_state_t *s, const char *name)
{
    return find(s, name);
}

const config_session_key_t *config_state_session_key(const config_state_t *s)
{
    return &s->session;
}

uint32_t config_connector_tasks(const config_connector_t *c)
{
    return c == NULL || c->inconsistent ? 0 : (uint32_t)c->task_count;
}

const props_t *config_connector_task(const config_connector_t *c, int32_t id)
{
    if (c == NULL) return NULL;
    uint32_t i = task_at(&c->tasks, id);
    return i < c->tasks.n && c->tasks.items[i].id == id ? &c->tasks.items[i].config : NULL;
}
