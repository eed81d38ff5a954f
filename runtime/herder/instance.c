/* The connector instances of this worker: start, stop, target states, task planning. */
#include "runtime/herder/herder_priv.h"

#include "runtime/base/clock.h"
#include "runtime/base/err_text.h"
#include "runtime/base/log.h"
#include "runtime/base/mem.h"
#include "runtime/base/str.h"
#include "runtime/herder/task_plan.h"

#define STOP_MS 5000 /* graceful time of a connector; Connect has no setting for it */

/** An answer that may come after the conn is gone: found again by name and operation. */
typedef struct late {
    herder_t *h;
    char *name;
    uint64_t op;
} late_t;

static void put_status(conn_t *c, enum status_mode mode, const char *state, const char *trace)
{
    status_store_put(c->h->status, mode, c->name, -1, state, trace, c->h->generation);
}

static void conn_set_state(conn_t *c, enum plan_state next, const char *why)
{
    static const char *const names[] = {"none", "busy", "active", "failed"};
    log_write(CD_LOG_DEBUG, WORKER_LOGGER, NULL, "Connector '%s': %s -> %s (%s)", c->name, names[c->actual.state],
              names[next], why);
    c->actual.state = next;
    herder_wake(c->h);
}

static late_t *late_new(conn_t *c)
{
    late_t *l = mem_new0(late_t);
    *l = (late_t){.h = c->h, .name = mem_strdup(c->name), .op = c->op};
    return l;
}

/* @return the conn that still waits for this answer, or NULL. Frees l. */
static conn_t *late_take(late_t *l)
{
    conn_t *c = herder_find(l->h, l->name);
    if (c != NULL && c->op != l->op) c = NULL;
    free(l->name);
    free(l);
    return c;
}

/* Takes err. */
static void fail(conn_t *c, cd_err_t *err)
{
    strbuf_t trace = {0};
    err_text_trace(err, &trace);
    log_err(CD_LOG_ERROR, WORKER_LOGGER, c->context, "Error while starting or running the connector", err);
    cd_err_free(err);
    put_status(c, STATUS_PUT_SAFE, "FAILED", strbuf_str(&trace));
    strbuf_done(&trace);
    c->restarting = false;
    conn_set_state(c, PLAN_FAILED, "error");
    herder_answer_waits(&c->waits, c->actual.restart, true, c->name);
}

/* ---- Start ---- */

static void active(conn_t *c, enum target_state target)
{
    static const char *const states[] = {"RUNNING", "PAUSED", "STOPPED"};
    c->actual.target = target;
    c->restarting = false;
    put_status(c, STATUS_PUT, states[target], NULL);
    if (target == TARGET_STARTED) {
        c->actual.want_tasks = true;
        c->actual.want_tasks_at = 0;
        c->plan_failures = 0;
    }
    conn_set_state(c, PLAN_ACTIVE, states[target]);
    herder_answer_waits(&c->waits, c->actual.restart, false, c->name);
}

static void on_started(void *arg, connector_t *instance, cd_err_t *err)
{
    conn_t *c = arg;
    (void)instance;
    if (err != NULL) {
        fail(c, err);
        return;
    }
    log_write(CD_LOG_INFO, WORKER_LOGGER, c->context, "Finished creating connector %s", c->name);
    active(c, TARGET_STARTED);
}

static void on_reconfigure(void *arg, connector_t *instance)
{
    conn_t *c = connector_user(instance);
    (void)arg;
    c->actual.want_tasks = true;
    c->actual.want_tasks_at = 0;
    herder_wake(c->h);
}

static void on_failed(void *arg, connector_t *instance, cd_err_t *err)
{
    conn_t *c = connector_user(instance);
    (void)arg;
    if (c->actual.state == PLAN_ACTIVE)
        fail(c, err);
    else
        cd_err_free(err);
}

static const connector_events_t events = {.reconfigure = on_reconfigure, .failed = on_failed};

static void note_ttls(conn_t *c, const transformer_ttls_t *ttls)
{
    cd_config_t config = props_view(&c->resolved);
    const char *reload = cd_config_get(&config, "config.action.reload");
    c->reload_at = 0;
    if (reload != NULL && strcasecmp(reload, "none") == 0) return;
    for (uint32_t i = 0; i < ttls->n; i++) {
        int64_t at = clock_mono_ms() + ttls->items[i].ttl_ms;
        if (c->reload_at == 0 || at < c->reload_at) c->reload_at = at;
    }
}

static void on_resolved(void *arg, cd_err_t *err, const cd_config_t *config, const cd_config_t *none,
                        const transformer_ttls_t *ttls)
{
    conn_t *c = late_take(arg);
    (void)none;
    if (c == NULL) {
        cd_err_free(err);
        return;
    }
    if (err != NULL) {
        fail(c, err);
        return;
    }
    props_done(&c->resolved);
    props_copy(&c->resolved, config);
    note_ttls(c, ttls);
    const char *class_name = cd_config_get(config, "connector.class");
    c->plugin = class_name == NULL ? NULL : plugins_find_connector(c->h->env.plugins, class_name);
    if (c->plugin == NULL) {
        fail(c, plugins_no_connector(c->h->env.plugins, class_name == NULL ? "null" : class_name));
        return;
    }
    c->instance = connector_new(c->h->hub, c->name, c->plugin, config, &events, c);
    if (c->actual.target == TARGET_STARTED)
        connector_start(c->instance, on_started, c);
    else
        active(c, c->actual.target);
}

static void start(conn_t *c, const plan_wanted_t *w)
{
    const config_connector_t *cfg = herder_config_of(c->h, c->name);
    cd_config_t raw = props_view(&cfg->config);
    log_write(CD_LOG_INFO, WORKER_LOGGER, c->context, "Creating connector %s of type %s", c->name,
              props_get(&cfg->config, "connector.class"));
    c->actual = (plan_actual_t){.version = w->version, .restart = w->restart, .target = w->target};
    c->op = ++c->h->next_op;
    conn_set_state(c, PLAN_BUSY, "start");
    herder_resolve(c->h, &raw, NULL, on_resolved, late_new(c));
}

/* ---- Stop ---- */

static void on_timer_closed(uv_handle_t *h)
{
    free(h);
}

static void timer_stop(conn_t *c)
{
    if (c->stop_timer == NULL) return;
    uv_close((uv_handle_t *)c->stop_timer, on_timer_closed);
    c->stop_timer = NULL;
}

static void gone(conn_t *c)
{
    timer_stop(c);
    if (c->instance != NULL) connector_free(c->instance);
    c->instance = NULL;
    c->plugin = NULL;
    c->reload_at = 0;
    c->op = ++c->h->next_op; /* whatever is still under way answers to nobody */
    props_done(&c->resolved);
    put_status(c, STATUS_PUT_SAFE, "UNASSIGNED", NULL);
    if (c->restarting) put_status(c, STATUS_PUT, "RESTARTING", NULL);
    c->h->clean_due = true;
    conn_set_state(c, PLAN_NONE, "stopped");
}

static void on_stopped(void *arg, connector_t *instance, cd_err_t *err)
{
    conn_t *c = arg;
    (void)instance;
    if (err != NULL) log_err(CD_LOG_ERROR, WORKER_LOGGER, c->context, "Error while shutting down connector", err);
    cd_err_free(err);
    gone(c);
}

static void on_stop_timeout(uv_timer_t *t)
{
    conn_t *c = t->data;
    log_write(CD_LOG_ERROR, WORKER_LOGGER, c->context,
              "Connector '%s' failed to properly shut down, has become unresponsive, "
              "and may be consuming external resources. Correct the configuration for this connector or remove the "
              "connector. After fixing the connector, it may be necessary to restart this worker to release any "
              "consumed resources.",
              c->name);
    gone(c);
}

static void stop(conn_t *c)
{
    log_write(CD_LOG_INFO, WORKER_LOGGER, c->context, "Stopping connector %s", c->name);
    conn_set_state(c, PLAN_BUSY, "stop");
    if (c->instance == NULL) {
        gone(c);
        return;
    }
    c->stop_timer = mem_new0(uv_timer_t);
    c->stop_timer->data = c;
    if (uv_timer_init(c->h->env.loop, c->stop_timer) != 0 ||
        uv_timer_start(c->stop_timer, on_stop_timeout, STOP_MS, 0) != 0)
        abort(); /* fail only for a NULL loop */
    connector_stop(c->instance, on_stopped, c);
}

/* ---- Target states ---- */

static void on_target_stopped(void *arg, connector_t *instance, cd_err_t *err)
{
    conn_t *c = arg;
    (void)instance;
    /* a stop that throws leaves a paused connector failed, but a stopped one stopped */
    if (err != NULL && c->actual.target != TARGET_STOPPED) {
        fail(c, err);
        return;
    }
    if (err != NULL) log_err(CD_LOG_ERROR, WORKER_LOGGER, c->context, "Error while shutting down connector", err);
    cd_err_free(err);
    active(c, c->actual.target);
}

static void set_target(conn_t *c, enum target_state target)
{
    enum target_state old = c->actual.target;
    bool failed = c->actual.state == PLAN_FAILED;
    c->actual.target = target;
    if (c->instance == NULL) return; /* it could not even be made: only a restart or a new config helps */
    if (target == TARGET_STARTED) {
        conn_set_state(c, PLAN_BUSY, "resume");
        connector_start(c->instance, on_started, c);
    } else if (old == TARGET_STARTED || failed) {
        conn_set_state(c, PLAN_BUSY, target == TARGET_PAUSED ? "pause" : "stop");
        connector_stop(c->instance, on_target_stopped, c);
    } else {
        active(c, target);
    }
}

/* ---- Task configs ---- */

static void plan_failed(conn_t *c, cd_err_t *err)
{
    c->plan_failures++;
    int64_t wait = plan_retry_ms(c->plan_failures);
    c->actual.want_tasks = true;
    c->actual.want_tasks_at = clock_mono_ms() + wait;
    strbuf_t text = {0};
    strbuf_addf(&text, "Failed to reconfigure the tasks of connector %s, retrying after %lld ms", c->name,
                (long long)wait);
    log_err(CD_LOG_ERROR, HERDER_LOGGER, c->context, strbuf_str(&text), err);
    strbuf_done(&text);
    cd_err_free(err);
}

static void on_tasks_written(void *arg, cd_err_t *err)
{
    conn_t *c = late_take(arg);
    if (c == NULL) {
        cd_err_free(err);
        return;
    }
    c->planning = false;
    if (err != NULL)
        plan_failed(c, err);
    else
        c->plan_failures = 0;
    herder_wake(c->h);
}

static void on_configs(void *arg, connector_t *instance, cd_err_t *err, const cd_config_t *made, uint32_t n)
{
    conn_t *c = arg;
    const config_connector_t *cfg = herder_config_of(c->h, c->name);
    cd_config_t resolved = props_view(&c->resolved);
    cd_config_t *configs;
    cd_arena_t arena = {0};
    (void)instance;
    conn_set_state(c, PLAN_ACTIVE, "task configs");
    if (err != NULL) {
        plan_failed(c, err);
        goto out;
    }
    err = task_plan_check(c->name, &resolved, n);
    if (err != NULL) {
        fail(c, err);
        goto out;
    }
    /* a newer config restarts the instance, which plans again; a stopped connector has no tasks */
    if (cfg == NULL || !cfg->exists || cfg->revision != c->actual.version || cfg->target != TARGET_STARTED) goto out;
    cd_config_t raw = props_view(&cfg->config);
    task_plan_finish(c->plugin, &raw, made, n, &arena, &configs);
    if (!task_plan_changed(cfg, configs, n)) {
        c->plan_failures = 0;
        goto out;
    }
    c->planning = true;
    config_store_put_tasks(c->h->config, c->name, configs, n, on_tasks_written, late_new(c));
out:
    cd_arena_done(&arena);
}

static void plan_tasks(conn_t *c)
{
    cd_config_t resolved = props_view(&c->resolved);
    if (c->planning) return; /* its end wakes the herder, and this is done again */
    c->actual.want_tasks = false;
    conn_set_state(c, PLAN_BUSY, "task configs");
    connector_task_configs(c->instance, task_plan_max(&resolved), on_configs, c);
}

void conn_do(conn_t *c, enum plan_action action, const plan_wanted_t *wanted)
{
    switch (action) {
    case PLAN_NOTHING:
        break;
    case PLAN_START:
        start(c, wanted);
        break;
    case PLAN_STOP:
        stop(c);
        break;
    case PLAN_SET_TARGET:
        set_target(c, wanted->target);
        break;
    case PLAN_TASKS:
        plan_tasks(c);
        break;
    }
}

void conn_time(conn_t *c, int64_t now)
{
    if (c->reload_at == 0 || now < c->reload_at || c->actual.state != PLAN_ACTIVE) return;
    c->reload_at = 0;
    log_write(CD_LOG_INFO, HERDER_LOGGER, c->context,
              "Restarting connector %s: a secret of its configuration has run out", c->name);
    c->restart++;
}

void conn_abort(conn_t *c)
{
    if (c->actual.state == PLAN_BUSY && c->stop_timer == NULL) gone(c);
}
