/* The herder's life, its tick, and the events of stores and group. */
#include "runtime/herder/herder_priv.h"

#include "runtime/base/clock.h"
#include "runtime/base/log.h"
#include "runtime/base/mem.h"
#include "runtime/base/strbuf.h"

/* ---- Names ---- */

static uint32_t lower_bound(const herder_t *h, const char *name)
{
    uint32_t lo = 0, hi = h->n;
    while (lo < hi) {
        uint32_t mid = (lo + hi) / 2;
        if (strcmp(h->conns[mid]->name, name) < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

conn_t *herder_find(const herder_t *h, const char *name)
{
    uint32_t i = lower_bound(h, name);
    return i < h->n && strcmp(h->conns[i]->name, name) == 0 ? h->conns[i] : NULL;
}

conn_t *herder_find_or_add(herder_t *h, const char *name)
{
    uint32_t i = lower_bound(h, name);
    if (i < h->n && strcmp(h->conns[i]->name, name) == 0) return h->conns[i];
    conn_t *c = mem_new0(conn_t);
    c->h = h;
    c->name = mem_strdup(name);
    strbuf_t context = {0};
    strbuf_addf(&context, "[%s|worker] ", name);
    c->context = strbuf_take(&context);
    mem_grow(h->conns, h->n, h->cap);
    memmove(h->conns + i + 1, h->conns + i, (h->n - i) * sizeof(*h->conns));
    h->conns[i] = c;
    h->n++;
    return c;
}

static void conn_free(herder_t *h, conn_t *c)
{
    uint32_t i = lower_bound(h, c->name);
    memmove(h->conns + i, h->conns + i + 1, (h->n - i - 1) * sizeof(*h->conns));
    h->n--;
    while (c->nruns > 0) run_free(c->runs[c->nruns - 1]);
    if (c->instance != NULL) connector_free(c->instance);
    props_done(&c->resolved);
    free(c->runs);
    free(c->context);
    free(c->name);
    free(c);
}

const config_connector_t *herder_config_of(const herder_t *h, const char *name)
{
    return h->config == NULL ? NULL : config_state_find(config_store_state(h->config), name);
}

/* ---- Answers ---- */

cd_err_t *herder_http_err(uint32_t status, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    cd_err_t *err =
        cd_err_vwrap(NULL, status == 404 ? CD_ERR_NOT_FOUND : CD_ERR_FATAL, CD_JVM_CONNECT, "herder", fmt, args);
    va_end(args);
    err->code = status;
    return err;
}

typedef struct answer {
    herder_done_fn *done;
    void *arg;
    cd_err_t *err;
} answer_t;

static void run_answer(void *arg)
{
    answer_t *a = arg;
    a->done(a->arg, a->err);
    free(a);
}

void herder_answer(herder_t *h, herder_done_fn *done, void *arg, cd_err_t *err)
{
    answer_t *a = mem_new0(answer_t);
    *a = (answer_t){.done = done, .arg = arg, .err = err};
    deferred_call(h->deferred, run_answer, a);
}

void herder_answer_waits(wait_t **waits, uint64_t restart, bool failed, const char *what)
{
    for (wait_t **at = waits; *at != NULL;) {
        wait_t *w = *at;
        if (w->restart > restart) {
            at = &w->next;
            continue;
        }
        *at = w->next;
        w->done(w->arg, failed ? herder_http_err(500, "%s%s", w->failure, what) : NULL);
        free(w);
    }
}

static void drop_waits(wait_t **waits)
{
    while (*waits != NULL) {
        wait_t *w = *waits;
        *waits = w->next;
        w->done(w->arg, herder_http_err(500, "Worker is shutting down"));
        free(w);
    }
}

void herder_set_stage(herder_t *h, const char *text)
{
    h->stage = (herder_stage_t){.text = text, .began = clock_wall_ms()};
}

/* ---- Tick ---- */

static void set_timer(herder_t *h, int64_t at, int64_t now);
static void free_when_over(herder_t *h);

static plan_wanted_t wanted_conn(const conn_t *c)
{
    const config_connector_t *cfg = herder_config_of(c->h, c->name);
    if (cfg == NULL || !cfg->exists) return (plan_wanted_t){0};
    return (plan_wanted_t){
        .assigned = c->assigned, .version = cfg->revision, .restart = c->restart, .target = cfg->target};
}

static plan_wanted_t wanted_run(const run_t *r)
{
    const config_connector_t *cfg = herder_config_of(r->conn->h, r->conn->name);
    if (cfg == NULL || !cfg->exists) return (plan_wanted_t){0};
    return (plan_wanted_t){.assigned = r->assigned && (uint32_t)r->number < config_connector_tasks(cfg),
                           .version = cfg->commits,
                           .restart = r->restart,
                           .target = cfg->target};
}

/* A restart record: restart what its plan names, as far as it is ours. */
static void run_request(conn_t *c)
{
    const plan_restart_t request = c->request;
    const status_map_t *map = status_store_map(c->h->status);
    const status_t *s = status_map_get(map, c->name, -1);
    c->request = (plan_restart_t){0};
    if (s == NULL) return;
    if (c->assigned && plan_restarts_connector(&request, s->state)) {
        c->restart++;
        c->restarting = true;
    }
    for (uint32_t i = 0; i < c->nruns; i++) {
        run_t *r = c->runs[i];
        const status_t *t = status_map_get(map, c->name, r->number);
        if (!r->assigned || t == NULL || !plan_restarts_task(&request, t->state)) continue;
        r->restart++;
        r->restarting = true;
    }
}

static void earlier(int64_t *at, int64_t other)
{
    if (other > 0 && (*at == 0 || other < *at)) *at = other;
}

/* Something new is only started when the assignment in hand is the last word. */
static enum plan_action hold(const herder_t *h, enum plan_action action)
{
    return action == PLAN_START && h->group->ops->pending(h->group) ? PLAN_NOTHING : action;
}

static void tick_conn(conn_t *c, int64_t now, int64_t *next)
{
    herder_t *h = c->h;
    if (c->request.pending) run_request(c);
    conn_time(c, now);
    plan_wanted_t w = wanted_conn(c);
    conn_do(c, hold(h, plan_connector(&w, &c->actual, now, h->stopping)), &w);
    for (uint32_t i = 0; i < c->nruns; i++) {
        run_t *r = c->runs[i];
        run_time(r, now);
        w = wanted_run(r);
        run_do(r, hold(h, plan_task(&w, &r->actual, h->stopping)), &w);
        earlier(next, r->stop_deadline);
    }
    if (c->actual.want_tasks) earlier(next, c->actual.want_tasks_at);
    earlier(next, c->reload_at);
}

static bool conn_idle(const conn_t *c)
{
    if (c->actual.state != PLAN_NONE) return false;
    for (uint32_t i = 0; i < c->nruns; i++)
        if (c->runs[i]->actual.state != PLAN_NONE) return false;
    return true;
}

/* Statuses of what no longer exists, as the leader of a group removes them after a rebalance. */
static void clean_statuses(herder_t *h)
{
    const status_map_t *map = status_store_map(h->status);
    h->clean_due = false;
    for (uint32_t i = 0; i < status_map_count(map); i++) {
        const status_connector_t *s = status_map_at(map, i);
        const config_connector_t *cfg = herder_config_of(h, s->name);
        const conn_t *c = herder_find(h, s->name);
        if (cfg == NULL || !cfg->exists) {
            if (c != NULL && !conn_idle(c)) continue; /* its end comes back here */
            if (s->known || s->ntasks > 0) status_store_forget(h->status, s->name);
            status_store_forget_topics(h->status, s->name);
            continue;
        }
        for (uint32_t t = 0; t < s->ntasks; t++) {
            const run_t *r = c == NULL ? NULL : run_find(c, s->tasks[t].id);
            if ((uint32_t)s->tasks[t].id < config_connector_tasks(cfg)) continue;
            if (r == NULL || r->actual.state == PLAN_NONE) status_store_forget_task(h->status, s->name, s->tasks[t].id);
        }
    }
}

static void drop_leftovers(herder_t *h)
{
    for (uint32_t i = h->n; i-- > 0;) {
        conn_t *c = h->conns[i];
        const config_connector_t *cfg = herder_config_of(h, c->name);
        for (uint32_t t = c->nruns; t-- > 0;) {
            run_t *r = c->runs[t];
            if (r->actual.state == PLAN_NONE && !r->assigned && r->waits == NULL) run_free(r);
        }
        if ((cfg == NULL || !cfg->exists) && conn_idle(c) && c->nruns == 0 && c->waits == NULL) conn_free(h, c);
    }
}

static void finish_stop(herder_t *h)
{
    for (uint32_t i = 0; i < h->n; i++)
        if (!conn_idle(h->conns[i])) return;
    h->stopped = true;
    herder_answer(h, h->stop_done, h->stop_arg, NULL);
}

static void tick(void *arg)
{
    herder_t *h = arg;
    int64_t now = clock_mono_ms(), next = 0;
    h->tick_due = false;
    if (h->group == NULL || h->stopped) {
        free_when_over(h);
        return;
    }
    h->ticking = true;
    for (uint32_t i = 0; i < h->n; i++) tick_conn(h->conns[i], now, &next);
    if (h->clean_due && h->is_leader && h->ready && !h->stopping && !h->group->ops->pending(h->group))
        clean_statuses(h);
    drop_leftovers(h);
    h->ticking = false;
    set_timer(h, next, now);
    if (h->stopping) finish_stop(h);
}

void herder_wake(herder_t *h)
{
    if (h->tick_due) return;
    h->tick_due = true;
    deferred_call(h->deferred, tick, h);
}

static void on_timer(uv_timer_t *t)
{
    herder_wake(t->data);
}

static void set_timer(herder_t *h, int64_t at, int64_t now)
{
    if (at == 0) {
        (void)uv_timer_stop(&h->timer);
        return;
    }
    uint64_t wait = at > now ? (uint64_t)(at - now) : 1;
    if (uv_timer_start(&h->timer, on_timer, wait, 0) != 0) abort(); /* fails only for a closing handle */
}

/* ---- Events ---- */

static void on_config(void *arg, const config_event_t *ev)
{
    herder_t *h = arg;
    uint32_t level;
    conn_t *c;
    if (h->group == NULL) return; /* the start reads the whole state anyway */
    switch (ev->type) {
    case CONFIG_EV_CONNECTOR:
        log_write(CD_LOG_INFO, HERDER_LOGGER, NULL, "Connector %s config updated", ev->name);
        c = herder_find(h, ev->name);
        if (c == NULL || !c->assigned) h->group->ops->rejoin(h->group);
        break;
    case CONFIG_EV_REMOVED:
        log_write(CD_LOG_INFO, HERDER_LOGGER, NULL, "Connector %s config removed", ev->name);
        h->group->ops->rejoin(h->group);
        break;
    case CONFIG_EV_TASKS:
        log_write(CD_LOG_INFO, HERDER_LOGGER, NULL, "Tasks of connector %s configs updated", ev->name);
        h->group->ops->rejoin(h->group);
        break;
    case CONFIG_EV_TARGET:
        log_write(CD_LOG_INFO, HERDER_LOGGER, NULL, "Connector %s target state change", ev->name);
        break;
    case CONFIG_EV_RESTART:
        log_write(CD_LOG_INFO, HERDER_LOGGER, NULL, "Received restart request for connector %s", ev->name);
        c = herder_find(h, ev->name);
        if (c != NULL) plan_restart_merge(&c->request, ev->include_tasks, ev->only_failed);
        break;
    case CONFIG_EV_LOGGER:
        if (log_level_parse(ev->level, &level)) log_set_level(ev->name, level);
        break;
    case CONFIG_EV_SESSION_KEY:
    case CONFIG_EV_NONE:
        break;
    }
    herder_wake(h);
}

static void on_world(void *arg, cd_arena_t *arena, group_world_t *ret_world)
{
    const herder_t *h = arg;
    const config_state_t *s = config_store_state(h->config);
    group_item_t *items = cd_arena_array(arena, group_item_t, config_state_count(s));
    uint32_t n = 0;
    for (uint32_t i = 0; i < config_state_count(s); i++) {
        const config_connector_t *c = config_state_at(s, i);
        if (c->exists) items[n++] = (group_item_t){.connector = c->name, .tasks = config_connector_tasks(c)};
    }
    *ret_world = (group_world_t){.config_offset = config_state_offset(s), .n = n, .items = items};
}

static void on_assigned(void *arg, const group_assignment_t *a)
{
    herder_t *h = arg;
    log_write(CD_LOG_INFO, HERDER_LOGGER, NULL,
              "Joined group at generation %lld with %u connector(s) and %u task(s), config offset %lld",
              (long long)a->generation, a->nconnectors, a->ntasks, (long long)a->config_offset);
    h->generation = a->generation;
    h->is_leader = a->is_leader;
    for (uint32_t i = 0; i < h->n; i++) {
        h->conns[i]->assigned = false;
        for (uint32_t t = 0; t < h->conns[i]->nruns; t++) h->conns[i]->runs[t]->assigned = false;
    }
    for (uint32_t i = 0; i < a->nconnectors; i++) herder_find_or_add(h, a->connectors[i])->assigned = true;
    for (uint32_t i = 0; i < a->ntasks; i++)
        run_find_or_add(herder_find_or_add(h, a->tasks[i].connector), a->tasks[i].task)->assigned = true;
    h->clean_due = true;
    if (!h->ready) {
        h->ready = true;
        h->stage.completed = clock_wall_ms();
        while (h->pings != NULL) {
            wait_t *w = h->pings;
            h->pings = w->next;
            w->done(w->arg, NULL);
            free(w);
        }
        herder_answer(h, h->start_done, h->start_arg, NULL);
    }
    herder_wake(h);
}

static void on_group_failed(void *arg, cd_err_t *err)
{
    herder_t *h = arg;
    h->env.failed(h->env.failed_arg, err);
}

/* ---- Life ---- */

herder_t *herder_new(const herder_env_t *env)
{
    herder_t *h = mem_new0(herder_t);
    h->env = *env;
    h->deferred = env->deferred;
    h->identity = (herder_identity_t){.version = mem_strdup(env->identity.version),
                                      .commit = mem_strdup(env->identity.commit),
                                      .kafka_cluster_id = mem_strdup(env->identity.kafka_cluster_id),
                                      .worker_id = mem_strdup(env->identity.worker_id),
                                      .url = mem_strdup(env->identity.url)};
    task_events_t events = herder_task_events;
    events.arg = h;
    h->hub = task_hub_new(env->loop, env->plugins, env->metrics, &env->worker->props, &events);
    if (uv_timer_init(env->loop, &h->timer) != 0) abort(); /* fails only for a NULL loop */
    h->timer.data = h;
    h->timer_open = true;
    herder_set_stage(h, "awaiting startup");
    return h;
}

static void join(herder_t *h)
{
    const group_events_t events = {.arg = h, .world = on_world, .assigned = on_assigned, .failed = on_group_failed};
    herder_set_stage(h, "ensuring membership in the cluster");
    h->group =
        group_solo_new(h->env.loop, h->identity.url, status_map_generation(status_store_map(h->status)), &events);
    h->group->ops->rejoin(h->group);
}

static void on_store_started(void *arg, cd_err_t *err)
{
    herder_t *h = arg;
    if (h->start_err == NULL)
        h->start_err = err;
    else
        cd_err_free(err);
    if (--h->starting > 0) return;
    if (h->stopping) {
        cd_err_free(h->start_err);
        h->start_err = NULL;
    } else if (h->start_err != NULL) {
        err = h->start_err;
        h->start_err = NULL;
        h->start_done(h->start_arg, err);
    } else {
        join(h);
    }
}

void herder_start(herder_t *h, store_log_t *config, store_log_t *status, store_log_t *offsets, herder_done_fn *done,
                  void *arg)
{
    h->start_done = done;
    h->start_arg = arg;
    herder_set_stage(h, "initializing and reading to the end of internal topics");
    h->config = config_store_new(h->env.loop, config, on_config, h);
    h->status = status_store_new(status, h->identity.worker_id);
    h->offsets = offset_store_new(offsets, h->deferred);
    h->starting = 3;
    offset_store_start(h->offsets, on_store_started, h);
    status_store_start(h->status, on_store_started, h);
    config_store_start(h->config, on_store_started, h);
}

void herder_stop(herder_t *h, herder_done_fn *done, void *arg)
{
    h->stopping = true;
    h->stop_done = done;
    h->stop_arg = arg;
    herder_set_stage(h, "shutting down");
    drop_waits(&h->pings);
    for (uint32_t i = 0; i < h->n; i++) {
        conn_t *c = h->conns[i];
        drop_waits(&c->waits);
        conn_abort(c);
        for (uint32_t t = 0; t < c->nruns; t++) {
            drop_waits(&c->runs[t]->waits);
            run_abort(c->runs[t]);
        }
    }
    if (h->group == NULL) {
        h->stopped = true;
        herder_answer(h, done, arg, NULL);
        return;
    }
    herder_wake(h);
}

static void free_when_over(herder_t *h)
{
    if (h->timer_open || h->jobs > 0 || h->tick_due) return;
    free((void *)(uintptr_t)h->identity.version);
    free((void *)(uintptr_t)h->identity.commit);
    free((void *)(uintptr_t)h->identity.kafka_cluster_id);
    free((void *)(uintptr_t)h->identity.worker_id);
    free((void *)(uintptr_t)h->identity.url);
    free(h->conns);
    free(h);
}

static void on_timer_closed(uv_handle_t *t)
{
    herder_t *h = t->data;
    h->timer_open = false;
    free_when_over(h);
}

void herder_free(herder_t *h)
{
    if (h == NULL) return;
    h->stopping = h->stopped = true;
    while (h->n > 0) conn_free(h, h->conns[h->n - 1]);
    task_hub_free(h->hub);
    config_store_close(h->config);
    status_store_close(h->status);
    offset_store_close(h->offsets);
    h->config = NULL;
    h->status = NULL;
    h->offsets = NULL;
    if (h->group != NULL) h->group->ops->leave(h->group);
    h->group = NULL;
    uv_close((uv_handle_t *)&h->timer, on_timer_closed);
}

task_hub_t *herder_hub(const herder_t *h)
{
    return h->hub;
}

transformer_t *herder_transformer(const herder_t *h)
{
    return h->env.transformer;
}

/* ---- Lookups of secrets ---- */

typedef struct resolve {
    uv_work_t work;
    herder_t *h;
    cd_arena_t arena;
    bool has_second;
    cd_config_t first, second, ret_first, ret_second;
    transformer_ttls_t ttls;
    cd_err_t *err;
    herder_resolved_fn *done;
    void *arg;
} resolve_t;

static void resolve_run(uv_work_t *w)
{
    resolve_t *r = w->data;
    r->err = transformer_apply(r->h->env.transformer, &r->first, &r->arena, &r->ret_first, &r->ttls);
    if (r->err == NULL && r->has_second)
        r->err = transformer_apply(r->h->env.transformer, &r->second, &r->arena, &r->ret_second, NULL);
}

static void resolve_answer(resolve_t *r)
{
    herder_t *h = r->h;
    h->jobs--;
    r->done(r->arg, r->err, &r->ret_first, r->has_second ? &r->ret_second : NULL, &r->ttls);
    cd_arena_done(&r->arena);
    free(r);
    free_when_over(h);
}

static void resolve_done(uv_work_t *w, int status)
{
    (void)status; /* never cancelled */
    resolve_answer(w->data);
}

static void resolve_at_once(void *arg)
{
    resolve_t *r = arg;
    r->ret_first = r->first;
    r->ret_second = r->second;
    resolve_answer(r);
}

static bool has_variables(const cd_config_t *c)
{
    for (uint32_t i = 0; i < c->n; i++)
        if (transformer_has_variable(c->pairs[i].value)) return true;
    return false;
}

static cd_config_t copy_config(const cd_config_t *c, cd_arena_t *arena)
{
    cd_pair_t *pairs = cd_arena_array(arena, cd_pair_t, c->n);
    for (uint32_t i = 0; i < c->n; i++)
        pairs[i] = (cd_pair_t){.name = cd_arena_strdup(arena, c->pairs[i].name),
                               .value = c->pairs[i].value == NULL ? NULL : cd_arena_strdup(arena, c->pairs[i].value)};
    return (cd_config_t){.n = c->n, .pairs = pairs};
}

void herder_resolve(herder_t *h, const cd_config_t *first, const cd_config_t *second, herder_resolved_fn *done,
                    void *arg)
{
    resolve_t *r = mem_new0(resolve_t);
    r->h = h;
    r->first = copy_config(first, &r->arena);
    r->has_second = second != NULL;
    if (second != NULL) r->second = copy_config(second, &r->arena);
    r->done = done;
    r->arg = arg;
    r->work.data = r;
    h->jobs++;
    if (!has_variables(&r->first) && (second == NULL || !has_variables(&r->second)))
        deferred_call(h->deferred, resolve_at_once, r);
    else if (uv_queue_work(h->env.loop, &r->work, resolve_run, resolve_done) != 0)
        abort(); /* fails only without a callback */
}
