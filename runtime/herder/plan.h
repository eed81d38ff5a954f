/* herder/plan.h: what to do next with one connector instance or one task, from what is wanted and what is there. Pure.
 *
 * The herder compares wanted and actual state again after every event, so nothing depends on having seen each step: a
 * restart, a rebalance or a new config that comes while another is under way is handled when that one is over. */
#ifndef RUNTIME_HERDER_PLAN_H
#define RUNTIME_HERDER_PLAN_H

#include "runtime/store/config_record.h"

enum plan_state {
    PLAN_NONE = 0, /* no instance */
    PLAN_BUSY,     /* starting, stopping or changing: wait for the answer */
    PLAN_ACTIVE,   /* started, paused or stopped as `target` says */
    PLAN_FAILED    /* an instance that failed; it stays until restart, new config or loss */
};

enum plan_action {
    PLAN_NOTHING = 0,
    PLAN_START,      /* make the instance in the wanted target state */
    PLAN_STOP,       /* stop and forget the instance */
    PLAN_SET_TARGET, /* change the instance to the wanted target state */
    PLAN_TASKS       /* connectors: ask for task configs */
};

/** What the topics and the group say. */
typedef struct plan_wanted {
    bool assigned;    /* exists and belongs to this worker */
    uint64_t version; /* of the config (connectors) or of the commit (tasks) */
    uint64_t restart; /* grows with each restart that was asked for */
    enum target_state target;
} plan_wanted_t;

/** What this worker has. */
typedef struct plan_actual {
    enum plan_state state;
    uint64_t version, restart; /* that the instance was made with */
    enum target_state target;
    bool want_tasks;       /* connectors: task configs are due … */
    int64_t want_tasks_at; /* … not before this time (after a failed try) */
} plan_actual_t;

/** @param stopping  the worker is shutting down: nothing new is started */
enum plan_action plan_connector(const plan_wanted_t *w, const plan_actual_t *a, int64_t now, bool stopping);
enum plan_action plan_task(const plan_wanted_t *w, const plan_actual_t *a, bool stopping);

/* ---- Restart requests ---- */

typedef struct plan_restart {
    bool pending, include_tasks, only_failed;
} plan_restart_t;

/** Of two requests for one connector the one with the larger impact wins. */
void plan_restart_merge(plan_restart_t *r, bool include_tasks, bool only_failed);
/** Does the request restart an instance in this state (NULL: unknown)? */
bool plan_restarts_connector(const plan_restart_t *r, const char *state);
bool plan_restarts_task(const plan_restart_t *r, const char *state);

/** Delay before task configs are asked for again after `failures` failures in a row. */
int64_t plan_retry_ms(uint32_t failures);

#endif
