#include "runtime/store/status_map.h"

#include "runtime/base/json.h"
#include "runtime/base/mem.h"
#include "runtime/store/config_record.h"

#define CONNECTOR_PREFIX "status-connector-"
#define TASK_PREFIX      "status-task-"
#define TOPIC_PREFIX     "status-topic-"
#define TOPIC_MIDDLE     ":connector-"

struct status_map {
    uint32_t n, cap;
    status_connector_t **items; /* sorted by name */
    int64_t generation;
};

status_map_t *status_map_new(void)
{
    return mem_new0(status_map_t);
}

static void status_done(status_t *s)
{
    free(s->state);
    free(s->worker_id);
    free(s->trace);
    *s = (status_t){0};
}

void status_map_free(status_map_t *m)
{
    if (m == NULL) return;
    for (uint32_t i = 0; i < m->n; i++) {
        status_connector_t *c = m->items[i];
        status_done(&c->status);
        for (uint32_t t = 0; t < c->ntasks; t++) status_done(&c->tasks[t].status);
        for (uint32_t t = 0; t < c->ntopics; t++) free(c->topics[t]);
        free(c->tasks);
        free(c->topics);
        free(c->name);
        free(c);
    }
    free(m->items);
    free(m);
}

static uint32_t lower_bound(const status_map_t *m, const char *name)
{
    uint32_t lo = 0, hi = m->n;
    while (lo < hi) {
        uint32_t mid = (lo + hi) / 2;
        if (strcmp(m->items[mid]->name, name) < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

static status_connector_t *find(const status_map_t *m, const char *name)
{
    uint32_t i = lower_bound(m, name);
    return i < m->n && strcmp(m->items[i]->name, name) == 0 ? m->items[i] : NULL;
}

static status_connector_t *find_or_add(status_map_t *m, const char *name)
{
    uint32_t i = lower_bound(m, name);
    if (i < m->n && strcmp(m->items[i]->name, name) == 0) return m->items[i];
    status_connector_t *c = mem_new0(status_connector_t);
    c->name = mem_strdup(name);
    mem_grow(m->items, m->n, m->cap);
    memmove(m->items + i + 1, m->items + i, (m->n - i) * sizeof(*m->items));
    m->items[i] = c;
    m->n++;
    return c;
}

static uint32_t task_at(const status_connector_t *c, int32_t id)
{
    uint32_t i = 0;
    while (i < c->ntasks && c->tasks[i].id < id) i++;
    return i;
}

static status_t *find_status(const status_map_t *m, const char *connector, int32_t task)
{
    status_connector_t *c = find(m, connector);
    if (c == NULL) return NULL;
    if (task < 0) return c->known ? &c->status : NULL;
    uint32_t i = task_at(c, task);
    return i < c->ntasks && c->tasks[i].id == task ? &c->tasks[i].status : NULL;
}

/* ---- States ---- */

static bool is_state(const char *s)
{
    static const char *const names[] = {"UNASSIGNED", "RUNNING",    "PAUSED",  "FAILED",
                                        "DESTROYED",  "RESTARTING", "STOPPED", NULL};
    for (const char *const *n = names; *n != NULL; n++)
        if (strcmp(*n, s) == 0) return true;
    return false;
}

static bool parse_status(const json_t *v, status_t *ret)
{
    const json_t *state = json_object_get(v, "state"), *trace = json_object_get(v, "trace");
    const json_t *worker = json_object_get(v, "worker_id"), *generation = json_object_get(v, "generation");
    const char *name = json_string_value(state), *worker_id = json_string_value(worker);
    if (name == NULL || !is_state(name) || worker_id == NULL || !json_is_integer(generation)) return false;
    if (trace != NULL && !json_is_null(trace) && !json_is_string(trace)) return false;
    *ret = (status_t){.state = mem_strdup(name),
                      .worker_id = mem_strdup(worker_id),
                      .trace = mem_strdup(json_string_value(trace)),
                      .generation = json_integer_value(generation)};
    return true;
}

static void remove_status(status_map_t *m, const char *connector, int32_t task)
{
    status_connector_t *c = find(m, connector);
    if (c == NULL) return;
    if (task < 0) {
        status_done(&c->status);
        c->known = false;
        return;
    }
    uint32_t i = task_at(c, task);
    if (i == c->ntasks || c->tasks[i].id != task) return;
    status_done(&c->tasks[i].status);
    memmove(c->tasks + i, c->tasks + i + 1, (c->ntasks - i - 1) * sizeof(*c->tasks));
    c->ntasks--;
}

static void set_status(status_map_t *m, const char *connector, int32_t task, status_t *s)
{
    status_connector_t *c = find_or_add(m, connector);
    if (s->generation > m->generation) m->generation = s->generation;
    if (task < 0) {
        status_done(&c->status);
        c->status = *s;
        c->known = true;
        return;
    }
    uint32_t i = task_at(c, task);
    if (i < c->ntasks && c->tasks[i].id == task) {
        status_done(&c->tasks[i].status);
    } else {
        mem_grow(c->tasks, c->ntasks, c->task_cap);
        memmove(c->tasks + i + 1, c->tasks + i, (c->ntasks - i) * sizeof(*c->tasks));
        c->ntasks++;
    }
    c->tasks[i] = (status_task_t){.id = task, .status = *s};
}

static void apply_status(status_map_t *m, const char *connector, int32_t task, const json_t *v)
{
    status_t s;
    if (v == NULL) {
        remove_status(m, connector, task);
        return;
    }
    if (!parse_status(v, &s)) return;
    const status_t *cached = find_status(m, connector, task);
    /* a worker that lost the task reports late: its UNASSIGNED must not hide that the task runs elsewhere */
    if (task >= 0 && cached != NULL && strcmp(s.state, "UNASSIGNED") == 0 && strcmp(cached->state, "RUNNING") == 0 &&
        cached->generation >= s.generation) {
        status_done(&s);
        return;
    }
    set_status(m, connector, task, &s);
}

/* ---- Topics ---- */

static uint32_t topic_at(const status_connector_t *c, const char *topic)
{
    uint32_t i = 0;
    while (i < c->ntopics && strcmp(c->topics[i], topic) < 0) i++;
    return i;
}

static void apply_topic(status_map_t *m, const char *rest, const json_t *v)
{
    const char *colon = strchr(rest, ':');
    if (colon == NULL || colon == rest || strncmp(colon, TOPIC_MIDDLE, strlen(TOPIC_MIDDLE)) != 0) return;
    const char *connector = colon + strlen(TOPIC_MIDDLE);
    if (connector[0] == '\0') return;
    char *topic = mem_strndup(rest, (size_t)(colon - rest));
    status_connector_t *c = v == NULL ? find(m, connector) : find_or_add(m, connector);
    if (c != NULL) {
        uint32_t i = topic_at(c, topic);
        bool have = i < c->ntopics && strcmp(c->topics[i], topic) == 0;
        if (v == NULL && have) {
            free(c->topics[i]);
            memmove(c->topics + i, c->topics + i + 1, (c->ntopics - i - 1) * sizeof(*c->topics));
            c->ntopics--;
        } else if (json_is_object(json_object_get(v, "topic")) && !have) {
            mem_grow(c->topics, c->ntopics, c->topic_cap);
            memmove(c->topics + i + 1, c->topics + i, (c->ntopics - i) * sizeof(*c->topics));
            c->topics[i] = topic;
            c->ntopics++;
            topic = NULL;
        }
    }
    free(topic);
}

void status_map_apply(status_map_t *m, cd_bytes_t key, cd_bytes_t value)
{
    json_t *v = NULL;
    if (key.ptr == NULL || memchr(key.ptr, 0, key.len) != NULL) return;
    if (value.ptr != NULL) {
        cd_err_t *err = json_parse((const char *)value.ptr, value.len, &v);
        cd_err_free(err);
        if (err != NULL) return;
        if (json_is_null(v)) v = NULL;
        if (v != NULL && !json_is_object(v)) goto out;
    }
    cd_arena_t arena = {0};
    const char *k = cd_arena_strndup(&arena, key.ptr, key.len), *name;
    int32_t task;
    if (strncmp(k, CONNECTOR_PREFIX, strlen(CONNECTOR_PREFIX)) == 0) {
        if (k[strlen(CONNECTOR_PREFIX)] != '\0') apply_status(m, k + strlen(CONNECTOR_PREFIX), -1, v);
    } else if (strncmp(k, TASK_PREFIX, strlen(TASK_PREFIX)) == 0) {
        if (task_id_parse(k, key.len, 2, &arena, &name, &task) && task >= 0) apply_status(m, name, task, v);
    } else if (strncmp(k, TOPIC_PREFIX, strlen(TOPIC_PREFIX)) == 0) {
        apply_topic(m, k + strlen(TOPIC_PREFIX), v);
    }
    cd_arena_done(&arena);
out:
    json_decref(v);
}

/* ---- Reading and writing ---- */

uint32_t status_map_count(const status_map_t *m)
{
    return m->n;
}

const status_connector_t *status_map_at(const status_map_t *m, uint32_t i)
{
    return m->items[i];
}

const status_connector_t *status_map_find(const status_map_t *m, const char *connector)
{
    return find(m, connector);
}

const status_t *status_map_get(const status_map_t *m, const char *connector, int32_t task)
{
    return find_status(m, connector, task);
}

bool status_map_has_topic(const status_map_t *m, const char *connector, const char *topic)
{
    const status_connector_t *c = find(m, connector);
    if (c == NULL) return false;
    uint32_t i = topic_at(c, topic);
    return i < c->ntopics && strcmp(c->topics[i], topic) == 0;
}

int64_t status_map_generation(const status_map_t *m)
{
    return m->generation;
}

bool status_may_replace(const status_t *cached, const char *worker_id, int64_t generation)
{
    return cached == NULL || strcmp(cached->worker_id, worker_id) == 0 || cached->generation <= generation;
}

void status_key(const char *connector, int32_t task, strbuf_t *out)
{
    if (task < 0)
        strbuf_addf(out, CONNECTOR_PREFIX "%s", connector);
    else
        strbuf_addf(out, TASK_PREFIX "%s-%d", connector, task);
}

void status_topic_key(const char *connector, const char *topic, strbuf_t *out)
{
    strbuf_addf(out, TOPIC_PREFIX "%s" TOPIC_MIDDLE "%s", topic, connector);
}

void status_value(const char *state, const char *trace, const char *worker_id, int64_t generation, strbuf_t *out)
{
    strbuf_addf(out, "{\"state\":\"%s\",\"trace\":", state);
    if (trace == NULL)
        strbuf_adds(out, "null");
    else
        json_write_str(trace, strlen(trace), out);
    strbuf_adds(out, ",\"worker_id\":");
    json_write_str(worker_id, strlen(worker_id), out);
    strbuf_addf(out, ",\"generation\":%lld}", (long long)generation);
}

void status_topic_value(const char *connector, const char *topic, int32_t task, int64_t now_ms, strbuf_t *out)
{
    strbuf_adds(out, "{\"topic\":{\"name\":");
    json_write_str(topic, strlen(topic), out);
    strbuf_adds(out, ",\"connector\":");
    json_write_str(connector, strlen(connector), out);
    strbuf_addf(out, ",\"task\":%d,\"discoverTimestamp\":%lld}}", task, (long long)now_ms);
}
