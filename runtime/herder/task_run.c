/* The tasks of this worker: start, stop, pause, and what they report. */
#include "runtime/herder/herder_priv.h"

#include "runtime/base/clock.h"
#include "runtime/base/err_text.h"
#include "runtime/base/log.h"
#include "runtime/base/mem.h"
#include "runtime/herder/task_plan.h"

/** The answer of a lookup, which may come after the run is gone. */
typedef struct late {
    herder_t *h;
    char *connector;
    int32_t number;
    uint64_t op;
} late_t;

static void put_status(run_t *r, enum status_mode mode, const char *state, const char *trace)
{
    herder_t *h = r->conn->h;
    status_store_put(h->status, mode, r->conn->name, r->number, state, trace, h->generation);
}

static void task_set_state(run_t *r, enum plan_state next, const char *why)
{
    static const char *const names[] = {"none", "busy", "active", "failed"};
    log_write(CD_LOG_DEBUG, WORKER_LOGGER, NULL, "Task %s-%d: %s -> %s (%s)", r->conn->name, r->number,
              names[r->actual.state], names[next], why);
    r->actual.state = next;
    herder_wake(r->conn->h);
}

static uint32_t run_at(const conn_t *c, int32_t number)
{
    uint32_t i = 0;
    while (i < c->nruns && c->runs[i]->number < number) i++;
    return i;
}

run_t *run_find(const conn_t *c, int32_t number)
{
    uint32_t i = run_at(c, number);
    return i < c->nruns && c->runs[i]->number == number ? c->runs[i] : NULL;
}

run_t *run_find_or_add(conn_t *c, int32_t number)
{
    uint32_t i = run_at(c, number);
    if (i < c->nruns && c->runs[i]->number == number) return c->runs[i];
    run_t *r = mem_new0(run_t);
    r->conn = c;
    r->number = number;
    mem_grow(c->runs, c->nruns, c->run_cap);
    memmove(c->runs + i + 1, c->runs + i, (c->nruns - i) * sizeof(*c->runs));
    c->runs[i] = r;
    c->nruns++;
    return r;
}

void run_free(run_t *r)
{
    conn_t *c = r->conn;
    uint32_t i = run_at(c, r->number);
    memmove(c->runs + i, c->runs + i + 1, (c->nruns - i - 1) * sizeof(*c->runs));
    c->nruns--;
    if (r->task != NULL) task_abandon(r->task);
    free(r);
}

static void answer(run_t *r, bool failed)
{
    char name[512];
    (void)snprintf(name, sizeof(name), "%s-%d", r->conn->name, r->number);
    herder_answer_waits(&r->waits, r->actual.restart, failed, name);
}

/* Takes err: the task could not even be made. */
static void fail(run_t *r, cd_err_t *err)
{
    strbuf_t trace = {0};
    err_text_trace(err, &trace);
    log_err(CD_LOG_ERROR, WORKER_LOGGER, r->conn->context, "Failed to start task", err);
    cd_err_free(err);
    put_status(r, STATUS_PUT_SAFE, "FAILED", strbuf_str(&trace));
    strbuf_done(&trace);
    r->restarting = false;
    r->forgotten = true;
    task_set_state(r, PLAN_FAILED, "error");
    answer(r, true);
}

/* ---- Start ---- */

static run_t *late_take(late_t *l)
{
    conn_t *c = herder_find(l->h, l->connector);
    run_t *r = c == NULL ? NULL : run_find(c, l->number);
    if (r != NULL && r->op != l->op) r = NULL;
    free(l->connector);
    free(l);
    return r;
}

static void on_resolved(void *arg, cd_err_t *err, const cd_config_t *connector, const cd_config_t *task,
                        const transformer_ttls_t *ttls)
{
    run_t *r = late_take(arg);
    (void)ttls; /* the connector's own start has noted them */
    if (r == NULL) {
        cd_err_free(err);
        return;
    }
    const conn_t *c = r->conn;
    const config_connector_t *cfg = herder_config_of(c->h, c->name);
    const char *class_name = err != NULL ? NULL : cd_config_get(connector, "connector.class");
    const cd_plugin_t *plugin = class_name == NULL ? NULL : plugins_find_connector(c->h->env.plugins, class_name);
    if (err == NULL) err = task_plan_check(c->name, connector, config_connector_tasks(cfg));
    if (err == NULL && plugin == NULL)
        err = cd_err_new(CD_ERR_CONFIG, CD_JVM_CONNECT,
                         "Failed to find any class that implements Connector and which name matches %s",
                         class_name == NULL ? "null" : class_name);
    if (err != NULL) {
        fail(r, err);
        return;
    }
    const task_spec_t spec = {.connector = c->name,
                              .number = r->number,
                              .generation = c->h->generation,
                              .plugin = plugin,
                              .connector_config = connector,
                              .task_config = task,
                              .target = r->actual.target == TARGET_PAUSED ? TASK_TARGET_PAUSED : TASK_TARGET_RUNNING,
                              .user = r};
    r->task = task_start(c->h->hub, &spec);
    task_set_state(r, PLAN_ACTIVE, "started");
    answer(r, false);
}

static void start(run_t *r, const plan_wanted_t *w)
{
    const conn_t *c = r->conn;
    const config_connector_t *cfg = herder_config_of(c->h, c->name);
    const props_t *task = config_connector_task(cfg, r->number);
    if (task == NULL) return; /* not committed: the next commit starts it */
    cd_config_t raw = props_view(&cfg->config), raw_task = props_view(task);
    log_write(CD_LOG_INFO, WORKER_LOGGER, c->context, "Creating task %s-%d", c->name, r->number);
    r->actual = (plan_actual_t){.version = w->version, .restart = w->restart, .target = w->target};
    r->op = ++c->h->next_op;
    r->forgotten = false;
    late_t *l = mem_new0(late_t);
    *l = (late_t){.h = c->h, .connector = mem_strdup(c->name), .number = r->number, .op = r->op};
    task_set_state(r, PLAN_BUSY, "start");
    herder_resolve(c->h, &raw, &raw_task, on_resolved, l);
}

/* ---- Stop ---- */

static void gone(run_t *r)
{
    r->task = NULL;
    r->stop_deadline = 0;
    r->op = ++r->conn->h->next_op;
    if (!r->forgotten) put_status(r, STATUS_PUT_SAFE, "UNASSIGNED", NULL);
    if (r->restarting) put_status(r, STATUS_PUT, "RESTARTING", NULL);
    r->restarting = false;
    r->conn->h->clean_due = true;
    task_set_state(r, PLAN_NONE, "stopped");
}

static void stop(run_t *r)
{
    log_write(CD_LOG_INFO, WORKER_LOGGER, r->conn->context, "Stopping task %s-%d", r->conn->name, r->number);
    task_set_state(r, PLAN_BUSY, "stop");
    if (r->task == NULL) {
        gone(r);
        return;
    }
    r->stop_deadline = clock_mono_ms() + r->conn->h->env.worker->task_shutdown_timeout_ms;
    task_stop(r->task);
}

void run_time(run_t *r, int64_t now)
{
    if (r->stop_deadline == 0 || now < r->stop_deadline) return;
    log_write(CD_LOG_ERROR, WORKER_LOGGER, r->conn->context, "Graceful stop of task %s-%d failed.", r->conn->name,
              r->number);
    task_abandon(r->task);
    r->forgotten = true; /* whoever runs it next writes the status */
    gone(r);
}

void run_abort(run_t *r)
{
    if (r->actual.state == PLAN_BUSY && r->stop_deadline == 0) gone(r);
}

void run_do(run_t *r, enum plan_action action, const plan_wanted_t *wanted)
{
    switch (action) {
    case PLAN_START:
        start(r, wanted);
        break;
    case PLAN_STOP:
        stop(r);
        break;
    case PLAN_SET_TARGET:
        r->actual.target = wanted->target;
        task_set_target(r->task, wanted->target == TARGET_PAUSED ? TASK_TARGET_PAUSED : TASK_TARGET_RUNNING);
        break;
    case PLAN_NOTHING:
    case PLAN_TASKS:
        break;
    }
}

/* ---- What tasks report ---- */

static void on_state(void *arg, task_t *t, enum task_state state, const char *trace)
{
    run_t *r = task_user(t);
    (void)arg;
    switch (state) {
    case TASK_STARTING:
        break;
    case TASK_RUNNING:
        put_status(r, STATUS_PUT, "RUNNING", NULL);
        break;
    case TASK_PAUSED:
        put_status(r, STATUS_PUT, "PAUSED", NULL);
        break;
    case TASK_FAILED:
        put_status(r, STATUS_PUT_SAFE, "FAILED", trace == NULL ? "" : trace);
        r->forgotten = true;
        if (r->actual.state == PLAN_ACTIVE) task_set_state(r, PLAN_FAILED, "reported");
        break;
    }
}

static void on_stopped(void *arg, task_t *t)
{
    run_t *r = task_user(t);
    (void)arg;
    task_free(t);
    gone(r);
}

static void on_topic(void *arg, task_t *t, const char *topic)
{
    const run_t *r = task_user(t);
    const herder_t *h = arg;
    const config_connector_t *cfg = herder_config_of(h, r->conn->name);
    if (h->env.worker->topic_tracking_enable && cfg != NULL && cfg->exists)
        status_store_add_topic(h->status, r->conn->name, topic, r->number);
}

static void on_offset_read_done(void *arg, cd_err_t *err, const cd_value_t *offset)
{
    task_offset_read_done(arg, offset, err);
}

static void on_offset_read(void *arg, task_t *t, task_offset_read_t *req)
{
    const herder_t *h = arg;
    (void)t;
    offset_store_read(h->offsets, req->connector, req->partition, on_offset_read_done, req);
}

static void on_offset_write_done(void *arg, cd_err_t *err)
{
    task_offset_write_done(arg, err);
}

static void on_offset_write(void *arg, task_t *t, task_offset_write_t *req)
{
    const herder_t *h = arg;
    cd_arena_t arena = {0};
    offset_entry_t *entries = cd_arena_array(&arena, offset_entry_t, req->n);
    (void)t;
    for (uint32_t i = 0; i < req->n; i++)
        entries[i] = (offset_entry_t){.partition = req->entries[i].partition, .offset = req->entries[i].offset};
    offset_store_write(h->offsets, req->connector, entries, req->n, on_offset_write_done, req);
    cd_arena_done(&arena);
}

const task_events_t herder_task_events = {.state = on_state,
                                          .stopped = on_stopped,
                                          .topic = on_topic,
                                          .offset_read = on_offset_read,
                                          .offset_write = on_offset_write};
