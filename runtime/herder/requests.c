/* What REST asks to be changed. */
#include "runtime/herder/herder_priv.h"

#include "runtime/base/log.h"
#include "runtime/base/mem.h"

/** A request on its way through the config store. */
typedef struct request {
    herder_t *h;
    char *name;
    bool created, include_tasks, only_failed;
    herder_done_fn *done;
    herder_info_fn *info_done;
    herder_status_fn *status_done;
    void *arg;
} request_t;

static request_t *request_new(herder_t *h, const char *name, void *arg)
{
    request_t *r = mem_new0(request_t);
    r->h = h;
    r->name = mem_strdup(name);
    r->arg = arg;
    return r;
}

static void request_free(request_t *r)
{
    free(r->name);
    free(r);
}

cd_err_t *herder_not_serving(const herder_t *h)
{
    if (h->stopping) return herder_http_err(500, "Worker is shutting down");
    if (!h->ready) return herder_http_err(503, "Worker is still starting up.");
    return NULL;
}

static cd_err_t *check_exists(const herder_t *h, const char *name, const char *sentence)
{
    cd_err_t *err = herder_not_serving(h);
    const config_connector_t *c = herder_config_of(h, name);
    if (err != NULL || (c != NULL && c->exists)) return err;
    /* sentences with the name inside end with " not found" */
    if (strcmp(sentence, "Connector") == 0) return herder_http_err(404, "Connector %s not found", name);
    return herder_http_err(404, "%s %s", sentence, name);
}

/* ---- Create and update ---- */

static void answer_info(void *arg, cd_err_t *err)
{
    request_t *r = arg;
    herder_info_t info;
    cd_arena_t arena = {0};
    if (err == NULL) err = herder_info(r->h, r->name, &arena, &info);
    r->info_done(r->arg, err, err == NULL ? &info : NULL, r->created);
    cd_arena_done(&arena);
    request_free(r);
}

static void wait_for_start(herder_t *h, const char *name, herder_done_fn *done, void *arg)
{
    conn_t *c = herder_find_or_add(h, name);
    wait_t *w = mem_new0(wait_t);
    *w = (wait_t){
        .next = c->waits, .restart = c->restart, .failure = "Failed to start connector: ", .done = done, .arg = arg};
    c->waits = w;
    herder_wake(h);
}

static void on_config_written(void *arg, cd_err_t *err)
{
    request_t *r = arg;
    if (err != NULL || r->h->env.worker->distributed || r->h->stopping)
        answer_info(r, err);
    else
        wait_for_start(r->h, r->name, answer_info, r); /* standalone answers when the connector has started */
}

/* An error that was found before anything was written. */
static void refuse_info(void *arg, cd_err_t *err)
{
    request_t *r = arg;
    r->info_done(r->arg, err, NULL, false);
    request_free(r);
}

static void write_config(herder_t *h, const char *name, const cd_config_t *config, enum target_state initial,
                         bool only_new, herder_info_fn *done, void *arg)
{
    request_t *r = request_new(h, name, arg);
    const config_connector_t *c = herder_config_of(h, name);
    cd_err_t *err = herder_not_serving(h);
    r->info_done = done;
    r->created = c == NULL || !c->exists;
    if (err == NULL && only_new && !r->created) err = herder_http_err(409, "Connector %s already exists", name);
    if (err != NULL)
        herder_answer(h, refuse_info, r, err);
    else
        config_store_put_connector(h->config, name, config, initial, on_config_written, r);
}

void herder_create(herder_t *h, const char *name, const cd_config_t *config, enum target_state initial,
                   herder_info_fn *done, void *arg)
{
    write_config(h, name, config, initial, true, done, arg);
}

void herder_put_config(herder_t *h, const char *name, const cd_config_t *config, herder_info_fn *done, void *arg)
{
    write_config(h, name, config, TARGET_NONE, false, done, arg);
}

/* ---- Delete and target states ---- */

static void answer_done(void *arg, cd_err_t *err)
{
    request_t *r = arg;
    r->done(r->arg, err);
    request_free(r);
}

void herder_delete(herder_t *h, const char *name, herder_done_fn *done, void *arg)
{
    cd_err_t *err = check_exists(h, name, "Connector");
    if (err != NULL)
        herder_answer(h, done, arg, err);
    else
        config_store_remove_connector(h->config, name, done, arg);
}

static void on_stop_target_written(void *arg, cd_err_t *err)
{
    request_t *r = arg;
    if (err != NULL)
        answer_done(r, err);
    else
        config_store_refresh(r->h->config, answer_done, r);
}

static void on_stop_tasks_written(void *arg, cd_err_t *err)
{
    request_t *r = arg;
    /* first no tasks, then the state: STARTED without tasks is harmless, STOPPED with tasks is not */
    if (err != NULL)
        answer_done(r, err);
    else
        config_store_put_target(r->h->config, r->name, TARGET_STOPPED, on_stop_target_written, r);
}

void herder_set_target(herder_t *h, const char *name, enum target_state target, herder_done_fn *done, void *arg)
{
    cd_err_t *err = check_exists(h, name, "Unknown connector");
    if (err != NULL) {
        herder_answer(h, done, arg, err);
        return;
    }
    if (target != TARGET_STOPPED) {
        config_store_put_target(h->config, name, target, done, arg);
        return;
    }
    request_t *r = request_new(h, name, arg);
    r->done = done;
    config_store_put_tasks(h->config, name, NULL, 0, on_stop_tasks_written, r);
}

void herder_put_task_configs(herder_t *h, const char *name, const cd_config_t *configs, uint32_t nconfigs,
                             herder_done_fn *done, void *arg)
{
    cd_err_t *err = check_exists(h, name, "Connector");
    if (err == NULL && nconfigs > 0 && herder_config_of(h, name)->target == TARGET_STOPPED)
        err = herder_http_err(400, "Cannot submit non-empty set of task configs for stopped connector %s", name);
    if (err != NULL)
        herder_answer(h, done, arg, err);
    else
        config_store_put_tasks(h->config, name, configs, nconfigs, done, arg);
}

/* ---- Restarts ---- */

static cd_err_t *check_stable(const herder_t *h)
{
    if (!h->group->ops->pending(h->group)) return NULL;
    return herder_http_err(409, "Cannot complete request momentarily due to stale configuration (typically caused by a "
                                "concurrent config change)");
}

static void add_wait(wait_t **waits, uint64_t restart, const char *failure, herder_done_fn *done, void *arg)
{
    wait_t *w = mem_new0(wait_t);
    *w = (wait_t){.next = *waits, .restart = restart, .failure = failure, .done = done, .arg = arg};
    *waits = w;
}

void herder_restart(herder_t *h, const char *name, herder_done_fn *done, void *arg)
{
    cd_err_t *err = check_exists(h, name, "Unknown connector:");
    if (err == NULL) err = check_stable(h);
    conn_t *c = err != NULL ? NULL : herder_find(h, name);
    if (err == NULL && (c == NULL || !c->assigned)) err = herder_http_err(HERDER_FORWARD, "%s", "");
    if (err != NULL || c == NULL) {
        herder_answer(h, done, arg, err);
        return;
    }
    add_wait(&c->waits, ++c->restart, "Failed to start connector: ", done, arg);
    herder_wake(h);
}

void herder_restart_task(herder_t *h, const char *name, int32_t task, herder_done_fn *done, void *arg)
{
    cd_err_t *err = check_exists(h, name, "Unknown connector:");
    if (err == NULL && config_connector_task(herder_config_of(h, name), task) == NULL)
        err = herder_http_err(404, "Unknown task: %s-%d", name, task);
    if (err == NULL) err = check_stable(h);
    const conn_t *c = err != NULL ? NULL : herder_find(h, name);
    run_t *run = c == NULL ? NULL : run_find(c, task);
    if (err == NULL && (run == NULL || !run->assigned)) err = herder_http_err(HERDER_FORWARD, "%s", "");
    if (err != NULL || run == NULL) {
        herder_answer(h, done, arg, err);
        return;
    }
    add_wait(&run->waits, ++run->restart, "Failed to start task: ", done, arg);
    herder_wake(h);
}

/* The status as it is, with RESTARTING for what the request will restart. */
static cd_err_t *planned_status(const request_t *r, cd_arena_t *arena, herder_status_t *ret)
{
    const plan_restart_t plan = {.pending = true, .include_tasks = r->include_tasks, .only_failed = r->only_failed};
    cd_err_t *err = herder_status(r->h, r->name, arena, ret);
    if (err != NULL) {
        cd_err_free(err);
        return herder_http_err(404, "Status for connector %s not found", r->name);
    }
    if (plan_restarts_connector(&plan, ret->connector.state)) ret->connector.state = "RESTARTING";
    herder_task_state_t *tasks = cd_arena_array(arena, herder_task_state_t, ret->ntasks);
    for (uint32_t i = 0; i < ret->ntasks; i++) {
        tasks[i] = ret->tasks[i];
        if (plan_restarts_task(&plan, tasks[i].s.state)) tasks[i].s.state = "RESTARTING";
    }
    ret->tasks = tasks;
    return NULL;
}

/** The plan is made before the record is written: afterwards the restart may already show. */
typedef struct planned {
    request_t *r;
    cd_arena_t arena;
    herder_status_t status;
} planned_t;

static void on_restart_written(void *arg, cd_err_t *err)
{
    planned_t *p = arg;
    p->r->status_done(p->r->arg, err, err == NULL ? &p->status : NULL);
    cd_arena_done(&p->arena);
    request_free(p->r);
    free(p);
}

void herder_restart_plan(herder_t *h, const char *name, bool include_tasks, bool only_failed, herder_status_fn *done,
                         void *arg)
{
    planned_t *p = mem_new0(planned_t);
    p->r = request_new(h, name, arg);
    p->r->include_tasks = include_tasks;
    p->r->only_failed = only_failed;
    p->r->status_done = done;
    cd_err_t *err = check_exists(h, name, "Unknown connector:");
    if (err == NULL) err = check_stable(h);
    if (err == NULL) err = planned_status(p->r, &p->arena, &p->status);
    if (err != NULL)
        herder_answer(h, on_restart_written, p, err);
    else
        config_store_put_restart(h->config, name, include_tasks, only_failed, on_restart_written, p);
}

/* ---- Topics ---- */

void herder_reset_topics(herder_t *h, const char *name, herder_done_fn *done, void *arg)
{
    cd_err_t *err = herder_not_serving(h);
    if (err == NULL && !h->env.worker->topic_tracking_enable)
        err = herder_http_err(403, "Topic tracking is disabled.");
    else if (err == NULL && !h->env.worker->topic_tracking_allow_reset)
        err = herder_http_err(403, "Topic tracking reset is disabled.");
    if (err == NULL) {
        const conn_t *c = herder_find(h, name);
        status_store_forget_topics(h->status, name);
        for (uint32_t i = 0; c != NULL && i < c->nruns; i++)
            if (c->runs[i]->task != NULL) task_topics_reset(c->runs[i]->task);
    }
    herder_answer(h, done, arg, err);
}
