/* task/task.h: connector tasks. Each task is a thread that owns its plugin instance, its Kafka client, its converters,
 * transforms and arenas; the loop thread starts it, gives it targets and hears from it only by message.
 *
 * Threads    every function here and every callback of task_events_t runs on the loop thread; none blocks.
 * Ownership  the hub copies the worker settings, a task copies its spec. What callbacks receive is borrowed during the
 *            call unless noted. Settings hold secrets in clear: they are never logged.
 * Life       task_start … (state)* … task_stop … stopped, exactly once … task_free.
 *            A task that fails reports TASK_FAILED with its trace, closes everything and waits, dead, for task_stop.
 *            task_abandon replaces task_free when the graceful time is over: no callback comes any more, the thread is
 *            left to end by itself without committing, and its memory goes when it does.
 * Offsets    a source task asks the loop to read and write source offsets; each request is answered once by its
 *            _done function, also after the task was stopped or abandoned (the answer is then dropped). */
#ifndef RUNTIME_TASK_TASK_H
#define RUNTIME_TASK_TASK_H

#include <uv.h>

#include "runtime/plugin/metrics.h"
#include "runtime/plugin/plugins.h"

typedef struct task_hub task_hub_t;
typedef struct task task_t;

enum task_state {
    TASK_STARTING = 0, /* thread exists, nothing reported yet */
    TASK_RUNNING,
    TASK_PAUSED,
    TASK_FAILED
};

enum task_target { TASK_TARGET_RUNNING = 0, TASK_TARGET_PAUSED };

/** Source: a question for the committed offset of one source partition. */
typedef struct task_offset_read {
    const char *connector;
    const cd_value_t *partition; /* map; lives until the request is answered */
    /* the rest is private to the task */
} task_offset_read_t;

/** Answer. @param offset  a map, or CD_NULL when nothing is stored; copied. @param err  taken; NULL on success */
void task_offset_read_done(task_offset_read_t *req, const cd_value_t *offset, cd_err_t *err);

typedef struct task_offset {
    const cd_value_t *partition; /* map with string keys */
    const cd_value_t *offset;    /* map, or CD_NULL: forget the partition */
} task_offset_t;

/** Source: offsets to store. The store checks and serialises them. */
typedef struct task_offset_write {
    const char *connector;
    uint32_t n;
    const task_offset_t *entries; /* distinct partitions; live until the request is answered */
    /* the rest is private to the task */
} task_offset_write_t;

/** Answer once all entries are acknowledged, or with the first error (taken). */
void task_offset_write_done(task_offset_write_t *req, cd_err_t *err);

typedef struct task_events {
    void *arg;
    /** A new state took effect. @param trace  with TASK_FAILED: the JVM-like stack text; else NULL */
    void (*state)(void *arg, task_t *t, enum task_state state, const char *trace);
    /** The thread is gone, everything is closed and the last offsets are committed. Free the task. */
    void (*stopped)(void *arg, task_t *t);
    /** The task read from or wrote to this topic for the first time (since task_topics_reset). */
    void (*topic)(void *arg, task_t *t, const char *topic);
    void (*offset_read)(void *arg, task_t *t, task_offset_read_t *req);
    void (*offset_write)(void *arg, task_t *t, task_offset_write_t *req);
} task_events_t;

/** What one worker's tasks and connector instances share.
 *  @param worker_config  the worker's properties, resolved; copied */
task_hub_t *task_hub_new(uv_loop_t *loop, const plugins_t *plugins, metrics_t *metrics,
                         const cd_config_t *worker_config, const task_events_t *events);
/** Deliver nothing any more and close the hub's loop handle in the loop's next turn. All tasks and connectors must have
 *  been freed or abandoned. Threads that were abandoned may still run: what they send is dropped. */
void task_hub_free(task_hub_t *hub);

typedef struct task_spec {
    const char *connector;
    int32_t number;
    int64_t generation;                  /* of the caller; only kept for task_generation() */
    const cd_plugin_t *plugin;           /* the connector's plugin */
    const cd_config_t *connector_config; /* resolved: converters, transforms, errors.*, topics, overrides */
    const cd_config_t *task_config;      /* resolved: what the plugin's task is started with */
    enum task_target target;             /* PAUSED: reports TASK_PAUSED without starting the plugin's task */
    void *user;                          /* for task_user() */
} task_spec_t;

/** Make the task and its thread. Whatever goes wrong comes as TASK_FAILED through the events. */
task_t *task_start(task_hub_t *hub, const task_spec_t *spec);
void task_set_target(task_t *t, enum task_target target);
/** Ask the task to end: commits, closes, then `stopped`. Calling it again does nothing. */
void task_stop(task_t *t);
/** See Life above. The task must not be used afterwards. */
void task_abandon(task_t *t);
void task_free(task_t *t);
/** Forget which topics were reported (active topics were reset). */
void task_topics_reset(task_t *t);

const char *task_connector(const task_t *t);
int32_t task_number(const task_t *t);
int64_t task_generation(const task_t *t);
enum task_state task_state(const task_t *t);
void *task_user(const task_t *t);

#endif
