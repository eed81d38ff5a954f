#include "runtime/base/log.h"
#include "runtime/base/mem.h"
#include "runtime/base/str.h"
#include "runtime/task/task_priv.h"

void hub_ref(task_hub_t *hub)
{
    (void)__atomic_fetch_add(&hub->refs, 1, __ATOMIC_RELAXED);
}

void hub_unref(task_hub_t *hub)
{
    /* Release/acquire: the one that frees must see what the others wrote. */
    if (__atomic_sub_fetch(&hub->refs, 1, __ATOMIC_ACQ_REL) > 0) return;
    (void)pthread_mutex_destroy(&hub->lock);
    cd_arena_done(&hub->arena);
    free(hub);
}

void hub_send(task_hub_t *hub, msg_t *m)
{
    /* The lock keeps the box alive while a thread that was abandoned sends into a hub that is being closed. */
    (void)pthread_mutex_lock(&hub->lock);
    bool taken = hub->box != NULL && mailbox_send(hub->box, m);
    (void)pthread_mutex_unlock(&hub->lock);
    if (!taken) m->drop(m);
}

static void deliver(task_hub_t *hub, msg_t *m)
{
    const task_events_t *ev = &hub->events;
    if (m->type == MSG_OFFSET_READ || m->type == MSG_OFFSET_WRITE) {
        offset_request_t *req = (offset_request_t *)m;
        if (req->task->released)
            m->drop(m);
        else if (m->type == MSG_OFFSET_READ)
            ev->offset_read(ev->arg, req->task, &req->read);
        else
            ev->offset_write(ev->arg, req->task, &req->write);
        return;
    }
    task_note_t *note = (task_note_t *)m;
    task_t *t = note->task;
    if (!t->released) {
        switch (m->type) {
        case MSG_STATE:
            t->state = note->state;
            ev->state(ev->arg, t, note->state, note->text);
            break;
        case MSG_TOPIC:
            ev->topic(ev->arg, t, note->text);
            break;
        default:
            ev->stopped(ev->arg, t);
            break;
        }
    }
    m->drop(m);
}

static void on_message(void *arg, msg_t *m)
{
    if (m->type == MSG_CONNECTOR)
        ((hub_call_t *)m)->run((hub_call_t *)m);
    else
        deliver(arg, m);
}

task_hub_t *task_hub_new(uv_loop_t *loop, const plugins_t *plugins, metrics_t *metrics,
                         const cd_config_t *worker_config, const task_events_t *events)
{
    task_hub_t *hub = mem_new0(task_hub_t);
    hub->refs = 1;
    (void)pthread_mutex_init(&hub->lock, NULL);
    hub->loop = loop;
    hub->plugins = plugins;
    hub->metrics = metrics;
    hub->worker_config = config_copy(worker_config, &hub->arena);
    hub->events = *events;
    cd_err_t *err = mailbox_new_loop(loop, on_message, hub, &hub->box);
    if (err != NULL) { /* no descriptors at start-up: there is no worker without this box */
        log_err(CD_LOG_ERROR, LOG_NAME, NULL, "Could not start", err);
        abort();
    }
    return hub;
}

void task_hub_free(task_hub_t *hub)
{
    if (hub == NULL) return;
    (void)pthread_mutex_lock(&hub->lock);
    mailbox_t *box = hub->box;
    hub->box = NULL;
    (void)pthread_mutex_unlock(&hub->lock);
    mailbox_free(box);
    hub_unref(hub);
}
