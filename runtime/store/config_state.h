/* store/config_state.h: what the records of the config topic mean, applied one after the other. No I/O.
 *
 * Threads    one thread (the loop).
 * Ownership  everything is copied in; what is handed out is borrowed until the next config_state_apply.
 * Order      records are applied in topic order. Every worker that has applied the same records holds the same state
 *            and the same `offset`, which workers compare for equality. */
#ifndef RUNTIME_STORE_CONFIG_STATE_H
#define RUNTIME_STORE_CONFIG_STATE_H

#include "runtime/base/properties.h"
#include "runtime/store/config_record.h"

typedef struct config_task {
    int32_t id;
    props_t config;
} config_task_t;

typedef struct config_tasks {
    uint32_t n, cap;
    config_task_t *items; /* sorted by id, with gaps */
} config_tasks_t;

/** Everything known about one connector name; exists as long as anything is. */
typedef struct config_connector {
    char *name;
    bool exists;              /* has a config; the other facts may outlive it */
    props_t config;           /* raw, in the order of the record */
    uint64_t revision;        /* grows with each config record: a restart of the instance is due */
    enum target_state target; /* TARGET_NONE when unknown */
    int32_t task_count;       /* of the last commit; 0 without one */
    config_tasks_t tasks;     /* committed; may hold stale ids >= task_count */
    config_tasks_t deferred;  /* written, not yet committed */
    bool inconsistent;        /* a commit came without all of its tasks */
    int64_t task_generation;  /* -1 before the first complete commit */
    uint64_t commits;         /* grows with each commit: a restart of the tasks is due */
    bool has_applied;
    props_t applied;           /* raw config at the last commit */
    int32_t task_count_record; /* exactly-once fencing; -1 without one */
    bool pending_fencing;
} config_connector_t;

typedef struct config_session_key {
    char *key, *algorithm; /* key in base64; NULL before the first record */
    int64_t created_ms;
} config_session_key_t;

typedef struct config_state config_state_t;

config_state_t *config_state_new(void);
void config_state_free(config_state_t *s);

enum config_event_type {
    CONFIG_EV_NONE = 0,
    CONFIG_EV_CONNECTOR, /* a connector's config was set */
    CONFIG_EV_REMOVED,   /* a connector's config was removed */
    CONFIG_EV_TASKS,     /* tasks were committed */
    CONFIG_EV_TARGET,    /* the target state of an existing connector changed */
    CONFIG_EV_RESTART,   /* a restart record */
    CONFIG_EV_SESSION_KEY,
    CONFIG_EV_LOGGER
};

typedef struct config_event {
    enum config_event_type type;
    const char *name;                /* connector, or logger namespace; borrowed until the next apply */
    bool include_tasks, only_failed; /* RESTART */
    const char *level;               /* LOGGER */
} config_event_t;

/** Apply the record at `offset`. Events are only reported after config_state_started: replaying a topic must not
 *  repeat restarts and level changes of the past. */
void config_state_apply(config_state_t *s, int64_t offset, cd_bytes_t key, cd_bytes_t value, config_event_t *ret_event);
void config_state_started(config_state_t *s);

/** Offset of the last parsed record + 1, or -1: not the end of the log. */
int64_t config_state_offset(const config_state_t *s);

/** Known names, sorted; includes names that only have leftovers (`exists` is false). */
uint32_t config_state_count(const config_state_t *s);
const config_connector_t *config_state_at(const config_state_t *s, uint32_t i);
/** NULL when nothing is known. */
const config_connector_t *config_state_find(const config_state_t *s, const char *name);
const config_session_key_t *config_state_session_key(const config_state_t *s);

/** Tasks that should run: 0 for an inconsistent connector. */
uint32_t config_connector_tasks(const config_connector_t *c);
/** NULL when there is no such task config. */
const props_t *config_connector_task(const config_connector_t *c, int32_t id);

#endif
