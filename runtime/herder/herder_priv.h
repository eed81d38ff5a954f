/* herder/herder_priv.h: what the files of the herder share. Loop thread only.
 *
 * herder.c      life, the tick (compare wanted and actual state, act), events of stores and group
 * instance.c    the connector instances of this worker
 * task_run.c    the tasks of this worker
 * requests.c    writes asked for by REST
 * offsets.c     the offsets of a connector
 * snapshot.c    reads asked for by REST
 *
 * Invariants
 * - A conn exists as long as its name has a config, an instance, a task, or somebody waiting for it.
 * - `busy` is true exactly while an answer for the instance is outstanding; each such answer ends in herder_wake.
 * - State only changes through conn_set_state and task_set_state. */
#ifndef RUNTIME_HERDER_HERDER_PRIV_H
#define RUNTIME_HERDER_HERDER_PRIV_H

#include "runtime/base/properties.h"
#include "runtime/group/group.h"
#include "runtime/herder/herder.h"
#include "runtime/herder/lifecycle.h"
#include "runtime/herder/plan.h"
#include "runtime/task/connector.h"

typedef struct run run_t;

/** Somebody who waits for a restart to come to its end. */
typedef struct wait {
    struct wait *next;
    uint64_t restart;    /* of the instance that is waited for */
    const char *failure; /* sentence when it fails; %s is the name */
    herder_done_fn *done;
    void *arg;
} wait_t;

/** One connector name. */
typedef struct conn {
    struct herder *h;
    char *name;
    char *context; /* of its log lines: "[name|worker] " */
    bool assigned;
    uint64_t restart; /* wanted */
    plan_actual_t actual;
    plan_restart_t request; /* a restart record that was read */
    bool restarting;        /* the next stop is part of a restart request: its status is RESTARTING */
    uint32_t plan_failures;
    bool planning;         /* task configs are being made or written */
    connector_t *instance; /* NULL when there is none */
    const cd_plugin_t *plugin;
    props_t resolved;       /* the config the instance was made with: secrets in clear */
    uint64_t op;            /* number of the operation under way: late answers carry an older one */
    uv_timer_t *stop_timer; /* runs while the instance stops */
    int64_t reload_at;      /* a secret runs out: restart then; 0: never */
    wait_t *waits;
    uint32_t nruns, run_cap;
    run_t **runs; /* sorted by task number */
} conn_t;

/** One task. */
struct run {
    conn_t *conn;
    int32_t number;
    bool assigned;
    uint64_t restart; /* wanted */
    plan_actual_t actual;
    bool restarting;
    bool forgotten; /* abandoned or failed: writes no UNASSIGNED */
    task_t *task;   /* NULL when there is none */
    uint64_t op;
    int64_t stop_deadline; /* 0: not stopping */
    wait_t *waits;
};

struct herder {
    herder_env_t env;
    herder_identity_t identity;
    config_store_t *config;
    status_store_t *status;
    offset_store_t *offsets;
    group_t *group;
    task_hub_t *hub;
    deferred_t *deferred;
    uv_timer_t timer; /* next time-driven work */
    bool timer_open;
    uint32_t n, cap;
    conn_t **conns; /* sorted by name */
    int64_t generation;
    bool is_leader, ready, stopping, stopped, ticking, tick_due, clean_due;
    uint32_t starting; /* stores that have not read their topics yet */
    cd_err_t *start_err;
    herder_done_fn *start_done;
    void *start_arg;
    herder_done_fn *stop_done;
    void *stop_arg;
    wait_t *pings;
    herder_stage_t stage;
    uint64_t next_op;
    uint32_t jobs; /* jobs on the pool: the herder is not freed before they are back */
};

#define HERDER_LOGGER "org.apache.kafka.connect.runtime.distributed.DistributedHerder"
#define WORKER_LOGGER "org.apache.kafka.connect.runtime.Worker"

/* herder.c */
/** Compare and act on the next turn. */
void herder_wake(herder_t *h);
conn_t *herder_find(const herder_t *h, const char *name);
conn_t *herder_find_or_add(herder_t *h, const char *name);
const config_connector_t *herder_config_of(const herder_t *h, const char *name);
void herder_answer(herder_t *h, herder_done_fn *done, void *arg, cd_err_t *err);
/** Wait list of a conn or run: answers those whose restart is reached. @param failed  with their failure sentence */
void herder_answer_waits(wait_t **waits, uint64_t restart, bool failed, const char *what);
cd_err_t *herder_http_err(uint32_t status, const char *fmt, ...) CD_PRINTF(2, 3);
/** Resolve one or two configs, on the pool when there is something to look up. `done` runs on the loop, later. */
typedef void herder_resolved_fn(void *arg, cd_err_t *err, const cd_config_t *first, const cd_config_t *second,
                                const transformer_ttls_t *ttls);
void herder_resolve(herder_t *h, const cd_config_t *first, const cd_config_t *second, herder_resolved_fn *done,
                    void *arg);
void herder_set_stage(herder_t *h, const char *text);

/* requests.c */
/** NULL when the herder can take requests. */
cd_err_t *herder_not_serving(const herder_t *h);

/* instance.c */
void conn_do(conn_t *c, enum plan_action action, const plan_wanted_t *wanted);
void conn_time(conn_t *c, int64_t now);
/** The worker stops: give up a start or a planning under way. */
void conn_abort(conn_t *c);

/* task_run.c */
run_t *run_find(const conn_t *c, int32_t number);
run_t *run_find_or_add(conn_t *c, int32_t number);
void run_do(run_t *r, enum plan_action action, const plan_wanted_t *wanted);
void run_time(run_t *r, int64_t now);
void run_free(run_t *r);
void run_abort(run_t *r);
extern const task_events_t herder_task_events;

#endif
