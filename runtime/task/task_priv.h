/* task/task_priv.h: what the task room's own files share: the hub, the task behind task_t, its inbox, its thread.
 *
 * A task is held by its caller, its thread and each offset request under way; the last one frees it. The loop reads
 * and writes only the members of the first part after the start, the thread only those of the second. */
#ifndef RUNTIME_TASK_TASK_PRIV_H
#define RUNTIME_TASK_TASK_PRIV_H

#include "runtime/base/mailbox.h"
#include "runtime/plugin/ctx.h"
#include "runtime/task/task.h"

#include <pthread.h>

/* ---- Hub ---- */

struct task_hub {
    uint32_t refs; /* atomic: the owner, tasks, connectors */
    pthread_mutex_t lock;
    mailbox_t *box; /* under the lock; NULL once the hub is closed */
    uv_loop_t *loop;
    const plugins_t *plugins;
    metrics_t *metrics;
    cd_arena_t arena;
    cd_config_t worker_config;
    task_events_t events;
};

void hub_ref(task_hub_t *hub);
void hub_unref(task_hub_t *hub);
/** Any thread. Takes m: what nobody will handle is dropped. */
void hub_send(task_hub_t *hub, msg_t *m);

/* ---- Messages ---- */

enum task_msg {
    /* thread -> loop */
    MSG_STATE = 1,
    MSG_DONE,
    MSG_TOPIC,
    MSG_OFFSET_READ,
    MSG_OFFSET_WRITE,
    /* loop (or anyone) -> thread */
    MSG_TARGET,
    MSG_TOPICS_RESET,
    MSG_FAIL,
    MSG_OFFSET_READ_DONE,
    MSG_OFFSET_WRITE_DONE,
    /* connector instance (any thread) -> loop */
    MSG_CONNECTOR
};

/** A small message of or to a task. */
typedef struct task_note {
    msg_t msg;
    task_t *task; /* a reference */
    enum task_state state;
    enum task_target target;
    char *text; /* owned */
    cd_err_t *err;
} task_note_t;

typedef struct offset_request {
    msg_t msg;
    task_t *task; /* a reference */
    cd_arena_t arena;
    task_offset_read_t read;
    task_offset_write_t write;
    cd_value_t partition, offset; /* read */
    cd_err_t *err;
} offset_request_t;

/** For connector.c: a message that handles itself on the loop. */
typedef struct hub_call {
    msg_t msg;
    void (*run)(struct hub_call *call); /* takes call */
} hub_call_t;

/* ---- Task ---- */

#define TOPICS_KNOWN_MAX 65536u

struct task {
    /* loop; the constants are read by both */
    uint32_t refs; /* atomic */
    task_hub_t *hub;
    cd_arena_t arena;
    const char *connector;
    int32_t number;
    int64_t generation;
    void *user;
    const cd_plugin_t *plugin;
    cd_config_t connector_config, task_config;
    enum task_state state;
    bool released; /* freed or abandoned by the caller: no events */
    cd_ctx_t *ctx;
    mailbox_t *inbox;
    bool cancelled; /* atomic: abandoned, so nothing may be committed */

    /* thread */
    const char *id; /* "WorkerSourceTask{id=c-0}" */
    enum task_target target;
    cd_err_t *failure;                        /* from cd_host->fail */
    offset_request_t *awaited, *read_answer;  /* the read that is waited for, and its answer */
    offset_request_t *writing, *write_answer; /* likewise for writes, which are not waited for */
    struct sink *sink;                        /* of a sink task, while it runs */
    char **topics;                            /* reported ones, sorted */
    uint32_t ntopics, topics_cap;
};

void task_ref(task_t *t);
void task_unref(task_t *t);

/* ---- For the loops of source and sink; task thread ---- */

/** Take in all messages that wait. */
void task_inbox(task_t *t);
/** Sleep until a message, a stop (also one that came before) or a readable `fd` (-1: none), or for timeout_ms. */
void task_sleep(task_t *t, int fd, int64_t timeout_ms);
/** The same for a task that is ending already: a stop does not wake it (its descriptor would stay readable). */
void task_sleep_ending(task_t *t, int fd, int64_t timeout_ms);
/** Report a state. */
void task_report(task_t *t, enum task_state state);
bool task_cancelled(const task_t *t);
/** Report a topic once. */
void task_topic_used(task_t *t, const char *topic);
/** Blocking read of a source offset; cd_host->offset_read. */
CD_CHECK cd_err_t *task_offset_read(void *arg, const cd_value_t *partition, cd_arena_t *arena, cd_value_t *ret_offset);
/** Begin a write of offsets; the answer comes as t->write_answer. @param req  from task_write_new, with entries */
offset_request_t *task_write_new(task_t *t);
void task_write_send(task_t *t, offset_request_t *req);
void offset_request_free(offset_request_t *req);
/** cd_host->fail. Any thread. */
void task_fail(void *arg, cd_err_t *err);
/** Layers of Kafka client settings of this task: worker prefix, then connector override.
 *  @param forced  what the client is started from, lowest precedence */
#define TASK_LAYERS 3
void task_client_layers(task_t *t, cd_arena_t *arena, const cd_pair_t *base, uint32_t nbase, const char *prefix,
                        const char *override_prefix, cd_config_t ret_layers[TASK_LAYERS]);
/** The same for a producer that loses and reorders nothing. @param kind  the first words of its client.id */
void task_producer_layers(task_t *t, cd_arena_t *arena, const char *kind, cd_config_t ret_layers[TASK_LAYERS]);

/** How often offsets are committed, and how long a commit may take: the worker's offset.flush.* settings. */
typedef struct task_flush {
    int64_t interval_ms, timeout_ms;
} task_flush_t;
CD_CHECK cd_err_t *task_flush_read(const task_t *t, task_flush_t *ret_flush);

/** The life of a task from start to end, with everything closed on return. @return NULL after a stop */
CD_CHECK cd_err_t *source_run(task_t *t);
CD_CHECK cd_err_t *sink_run(task_t *t);
/** What the cd_ctx_t of such a task offers to the plugin; the argument is the task. */
extern const ctx_services_t source_services;
const ctx_services_t *sink_services(void);

#endif
