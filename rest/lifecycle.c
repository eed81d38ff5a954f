/* Pause, resume, stop, restart and removal of connectors and tasks; reset of the topics a connector has used. */
#include "rest/json_forms.h"
#include "rest/routes.h"

static void reply_202(void *arg, cd_err_t *err)
{
    if (err != NULL)
        call_reply_err(arg, err);
    else
        call_reply_empty(arg, 202);
}

static void reply_204(void *arg, cd_err_t *err)
{
    if (err != NULL)
        call_reply_err(arg, err);
    else
        call_reply_empty(arg, 204);
}

static void set_target(call_t *c, enum target_state target, herder_done_fn *done)
{
    call_wait(c);
    herder_set_target(call_herder(c), c->name, target, done, c);
}

void serve_connector_pause(call_t *c)
{
    set_target(c, TARGET_PAUSED, reply_202);
}

void serve_connector_resume(call_t *c)
{
    set_target(c, TARGET_STARTED, reply_202);
}

void serve_connector_stop(call_t *c)
{
    set_target(c, TARGET_STOPPED, reply_204);
}

static void on_plan(void *arg, cd_err_t *err, const herder_status_t *status)
{
    if (err != NULL)
        call_reply_err(arg, err);
    else
        call_reply_json(arg, 202, form_status(status));
}

void serve_connector_restart(call_t *c)
{
    bool tasks = call_param_bool(c, "includeTasks", false), failed = call_param_bool(c, "onlyFailed", false);
    call_wait(c);
    if (tasks || failed)
        herder_restart_plan(call_herder(c), c->name, tasks, failed, on_plan, c);
    else
        herder_restart(call_herder(c), c->name, reply_204, c);
}

void serve_task_restart(call_t *c)
{
    call_wait(c);
    herder_restart_task(call_herder(c), c->name, c->task, reply_204, c);
}

void serve_connector_topics_reset(call_t *c)
{
    call_wait(c);
    herder_reset_topics(call_herder(c), c->name, reply_202, c);
}

void serve_connector_delete(call_t *c)
{
    call_wait(c);
    herder_delete(call_herder(c), c->name, reply_204, c);
}
