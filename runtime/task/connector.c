#include "runtime/task/connector.h"

#include "runtime/base/mem.h"
#include "runtime/base/str.h"
#include "runtime/task/task_priv.h"

/* Operations queue up and run one at a time on libuv's pool; the queue is touched by the loop thread only. The plugin's
 * instance is touched by the operation that runs, so nobody else needs a lock. */

enum op_kind { OP_START, OP_STOP, OP_CONFIGS };

typedef struct op {
    struct op *next;
    uv_work_t work;
    connector_t *c;
    enum op_kind kind;
    union {
        connector_done_fn *done;
        connector_configs_fn *configs;
    } cb;
    void *arg;
    int32_t max_tasks;
    cd_arena_t arena;
    cd_config_t *out;
    uint32_t nout, out_cap;
    cd_err_t *err;
} op_t;

struct connector {
    uint32_t refs; /* atomic: the caller, the operation that runs, messages under way */
    task_hub_t *hub;
    char *name;
    const cd_plugin_t *plugin;
    const cd_connector_ops_t *ops;
    connector_events_t events;
    void *user;
    cd_ctx_t *ctx;
    cd_err_t *broken; /* the context could not be made */
    op_t *head, **tail, *active;
    bool freed;
    void *instance; /* the plugin's; by the operation that runs */
    bool started;
};

static void connector_unref(connector_t *c)
{
    if (__atomic_sub_fetch(&c->refs, 1, __ATOMIC_ACQ_REL) > 0) return;
    ctx_free(c->ctx);
    cd_err_free(c->broken);
    hub_unref(c->hub);
    free(c->name);
    free(c);
}

static void op_free(op_t *op)
{
    cd_err_free(op->err);
    cd_arena_done(&op->arena);
    free(op->out);
    free(op);
}

/* ---- Events of the instance, from any thread ---- */

typedef struct event {
    hub_call_t call;
    connector_t *c;
    cd_err_t *err; /* NULL: reconfigure */
} event_t;

static void event_drop(msg_t *m)
{
    event_t *e = (event_t *)m;
    cd_err_free(e->err);
    connector_unref(e->c);
    free(e);
}

static void event_run(hub_call_t *call)
{
    event_t *e = (event_t *)call;
    connector_t *c = e->c;
    if (!c->freed && e->err != NULL) {
        cd_err_t *err = e->err;
        e->err = NULL;
        if (c->events.failed != NULL)
            c->events.failed(c->events.arg, c, err);
        else
            cd_err_free(err);
    } else if (!c->freed && c->events.reconfigure != NULL) {
        c->events.reconfigure(c->events.arg, c);
    }
    event_drop(&call->msg);
}

static void event_send(connector_t *c, cd_err_t *err)
{
    event_t *e = mem_new0(event_t);
    e->call.msg.type = MSG_CONNECTOR;
    e->call.msg.drop = event_drop;
    e->call.run = event_run;
    (void)__atomic_fetch_add(&c->refs, 1, __ATOMIC_RELAXED);
    e->c = c;
    e->err = err;
    hub_send(c->hub, &e->call.msg);
}

static void on_reconfigure(void *arg)
{
    event_send(arg, NULL);
}

static void on_fail(void *arg, cd_err_t *err)
{
    event_send(arg, err);
}

/** A source connector may look at the offsets its tasks committed only from its tasks, as the plugin header says. */
static const ctx_services_t connector_services = {.reconfigure = on_reconfigure, .fail = on_fail};

/* ---- Operations ---- */

static void add_config(cd_task_configs_t *out, const cd_config_t *config)
{
    op_t *op = out->arg;
    mem_grow(op->out, op->nout, op->out_cap);
    op->out[op->nout++] = config_copy(config, &op->arena);
}

static void op_work(uv_work_t *work)
{
    op_t *op = work->data;
    connector_t *c = op->c;
    if (c->ctx == NULL) return; /* op->err says why */
    switch (op->kind) {
    case OP_START:
        if (!c->started) op->err = c->ops->start(c->ctx, ctx_config(c->ctx), &c->instance);
        if (op->err == NULL) c->started = true;
        break;
    case OP_STOP:
        if (c->started) c->ops->stop(c->instance);
        c->started = false;
        break;
    case OP_CONFIGS: {
        cd_task_configs_t out = {op, add_config};
        if (!c->started)
            op->err = cd_err_new(CD_ERR_FATAL, CD_JVM_CONNECT, "connector '%s' is not started", c->name);
        else
            op->err = c->ops->task_configs(c->instance, op->max_tasks, &out);
        break;
    }
    }
}

static void next_op(connector_t *c);

static void op_done(uv_work_t *work, int status)
{
    op_t *op = work->data;
    connector_t *c = op->c;
    cd_err_t *err = op->err;
    op->err = NULL;
    c->active = NULL;
    if (status != 0 && err == NULL) err = cd_err_new(CD_ERR_STOPPED, CD_JVM_CONNECT, "the worker is shutting down");
    if (c->freed)
        cd_err_free(err);
    else if (op->kind == OP_CONFIGS)
        op->cb.configs(op->arg, c, err, op->out, op->nout);
    else
        op->cb.done(op->arg, c, err);
    op_free(op);
    next_op(c);
    connector_unref(c);
}

static void ignore_done(void *arg, connector_t *c, cd_err_t *err)
{
    (void)arg;
    (void)c;
    cd_err_free(err);
}

static void next_op(connector_t *c)
{
    if (c->active != NULL || c->head == NULL) return;
    op_t *op = c->active = c->head;
    c->head = op->next;
    if (c->head == NULL) c->tail = &c->head;
    (void)__atomic_fetch_add(&c->refs, 1, __ATOMIC_RELAXED);
    op->work.data = op;
    (void)uv_queue_work(c->hub->loop, &op->work, op_work, op_done); /* fails only without a work function */
}

static op_t *op_push(connector_t *c, enum op_kind kind, void *arg)
{
    op_t *op = mem_new0(op_t);
    op->c = c;
    op->kind = kind;
    op->arg = arg;
    *c->tail = op;
    c->tail = &op->next;
    if (c->ctx == NULL && kind != OP_STOP)
        op->err = cd_err_new(c->broken->cls, c->broken->jvm_class, "%s", c->broken->message);
    return op;
}

connector_t *connector_new(task_hub_t *hub, const char *name, const cd_plugin_t *plugin, const cd_config_t *config,
                           const connector_events_t *events, void *user)
{
    connector_t *c = mem_new0(connector_t);
    c->refs = 1;
    hub_ref(hub);
    c->hub = hub;
    c->name = mem_strdup(name);
    c->plugin = plugin;
    c->ops = plugin->kind == CD_KIND_SOURCE ? &((const cd_source_ops_t *)plugin->ops)->connector
                                            : &((const cd_sink_ops_t *)plugin->ops)->connector;
    c->events = *events;
    c->user = user;
    c->tail = &c->head;
    c->broken = ctx_new(name, -1, config, hub->metrics, &connector_services, c, &c->ctx);
    return c;
}

void connector_free(connector_t *c)
{
    if (c == NULL) return;
    c->freed = true;
    for (op_t *op = c->head, *next; op != NULL; op = next) {
        next = op->next;
        op_free(op);
    }
    c->head = NULL;
    c->tail = &c->head;
    if (c->ctx != NULL) {
        ctx_stop(c->ctx);
        op_push(c, OP_STOP, NULL)->cb.done = ignore_done; /* behind what runs now, whatever that makes of it */
        next_op(c);
    }
    connector_unref(c);
}

void *connector_user(const connector_t *c)
{
    return c->user;
}

const char *connector_name(const connector_t *c)
{
    return c->name;
}

const cd_plugin_t *connector_plugin(const connector_t *c)
{
    return c->plugin;
}

void connector_start(connector_t *c, connector_done_fn *done, void *arg)
{
    op_push(c, OP_START, arg)->cb.done = done;
    next_op(c);
}

void connector_stop(connector_t *c, connector_done_fn *done, void *arg)
{
    op_push(c, OP_STOP, arg)->cb.done = done;
    next_op(c);
}

void connector_task_configs(connector_t *c, int32_t max_tasks, connector_configs_fn *done, void *arg)
{
    op_t *op = op_push(c, OP_CONFIGS, arg);
    op->max_tasks = max_tasks;
    op->cb.configs = done;
    next_op(c);
}

/* ---- Validation ---- */

typedef struct validation {
    uv_work_t work;
    const cd_connector_ops_t *ops;
    cd_ctx_t *ctx;
    cd_arena_t arena;
    cd_config_t config;
    connector_problem_t *problems;
    uint32_t n, cap;
    connector_validate_fn *done;
    void *arg;
} validation_t;

static void add_problem(cd_problems_t *p, const char *key, const char *message)
{
    validation_t *v = p->arg;
    mem_grow(v->problems, v->n, v->cap);
    v->problems[v->n++] = (connector_problem_t){cd_arena_strdup(&v->arena, key), cd_arena_strdup(&v->arena, message)};
}

static void validate_work(uv_work_t *work)
{
    validation_t *v = work->data;
    cd_problems_t p = {v, add_problem};
    if (v->ops->validate != NULL && v->ctx != NULL) v->ops->validate(v->ctx, &v->config, &p);
}

static void validate_done(uv_work_t *work, int status)
{
    validation_t *v = work->data;
    (void)status;
    v->done(v->arg, v->problems, v->n);
    ctx_free(v->ctx);
    free(v->problems);
    cd_arena_done(&v->arena);
    free(v);
}

void connector_validate(task_hub_t *hub, const cd_plugin_t *plugin, const cd_config_t *config,
                        connector_validate_fn *done, void *arg)
{
    validation_t *v = mem_new0(validation_t);
    const char *name = cd_config_get(config, "name");
    v->ops = plugin->kind == CD_KIND_SOURCE ? &((const cd_source_ops_t *)plugin->ops)->connector
                                            : &((const cd_sink_ops_t *)plugin->ops)->connector;
    v->config = config_copy(config, &v->arena);
    v->done = done;
    v->arg = arg;
    cd_err_t *err = ctx_new(name, -1, config, NULL, NULL, NULL, &v->ctx);
    if (err != NULL) add_problem(&(cd_problems_t){v, add_problem}, "name", err->message);
    cd_err_free(err);
    v->work.data = v;
    (void)uv_queue_work(hub->loop, &v->work, validate_work, validate_done);
}
