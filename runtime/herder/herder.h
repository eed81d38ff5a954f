/* herder/herder.h: the desired and the actual state of all connectors, and the requests that change them. This is what
 * the REST layer codes against.
 *
 * Threads    loop thread only, unless a function says otherwise. Nothing here blocks.
 * Answers    reads answer at once from the local snapshot and copy into the caller's arena. Writes answer by callback,
 *            on the loop, exactly once, never before the call has returned; the callback's `arg` must stay valid until
 *            then. Writes that time out (30 s) answer with an error.
 * Ownership  what is passed in is copied. A callback owns the cd_err_t it receives; results it receives are borrowed
 *            for the duration of the callback.
 * Errors     cd_err_t.code is the HTTP status and .message the text that a JVM worker answers. HERDER_FORWARD means
 *            that another worker must do it: the message is its base URL ("http://host:port/"), or empty when it is
 *            not known (no leader yet).
 * Units      times are milliseconds since the epoch. */
#ifndef CONNECTD_HERDER_HERDER_H
#define CONNECTD_HERDER_HERDER_H

#include "plugins/api/connectd_plugin.h"
#include "runtime/herder/transformer.h"
#include "runtime/store/config_record.h" /* enum target_state */

typedef struct herder herder_t;

#define HERDER_FORWARD 307u

/* ---- Identity and readiness ---- */

typedef struct herder_identity {
    const char *version, *commit, *kafka_cluster_id;
    const char *worker_id, *url; /* "host:port" and "http://host:port/" */
} herder_identity_t;

/** Borrowed, valid as long as the herder. */
const herder_identity_t *herder_identity(const herder_t *h);

/** The internal topics were read to their ends and the first group assignment was handled. */
bool herder_ready(const herder_t *h);

/** What the worker is doing, for timeout and health texts. `completed` is 0 while it goes on; `text` NULL: unknown. */
typedef struct herder_stage {
    const char *text;
    int64_t began, completed;
} herder_stage_t;
herder_stage_t herder_stage(const herder_t *h);

typedef void herder_done_fn(void *arg, cd_err_t *err);

/** Answers when the herder serves requests: at once when ready, else as soon as it is. For GET /health. */
void herder_ping(herder_t *h, herder_done_fn *done, void *arg);

/* ---- Snapshot reads ---- */

typedef struct herder_names {
    uint32_t n;
    const char *const *items; /* sorted */
} herder_names_t;

typedef struct herder_info {
    const char *name;
    cd_config_t config; /* raw, in the order the user gave; values may be NULL */
    uint32_t ntasks;    /* ids are 0..ntasks-1 */
    const char *type;   /* "source", "sink" or "unknown" */
} herder_info_t;

typedef struct herder_state {
    const char *state, *worker_id;
    const char *trace; /* NULL without one */
} herder_state_t;

typedef struct herder_task_state {
    int32_t id;
    herder_state_t s;
} herder_task_state_t;

typedef struct herder_status {
    const char *name, *type;
    herder_state_t connector;
    uint32_t ntasks;
    const herder_task_state_t *tasks; /* sorted by id */
} herder_status_t;

typedef struct herder_task_configs {
    uint32_t n;
    const cd_config_t *configs; /* raw: placeholders kept; index is the task id */
} herder_task_configs_t;

void herder_connectors(const herder_t *h, cd_arena_t *arena, herder_names_t *ret_names);
/** 404 `Connector <c> not found`. */
CD_CHECK cd_err_t *herder_info(const herder_t *h, const char *name, cd_arena_t *arena, herder_info_t *ret_info);
/** 404 `Connector <c> not found`. */
CD_CHECK cd_err_t *herder_task_configs(const herder_t *h, const char *name, cd_arena_t *arena,
                                       herder_task_configs_t *ret_configs);
/** 404 `No status found for connector <c>`. */
CD_CHECK cd_err_t *herder_status(const herder_t *h, const char *name, cd_arena_t *arena, herder_status_t *ret_status);
/** 404 `No status found for task <c>-<t>`. */
CD_CHECK cd_err_t *herder_task_status(const herder_t *h, const char *name, int32_t task, cd_arena_t *arena,
                                      herder_task_state_t *ret_state);
/** Topics the connector has used, sorted; empty for unknown connectors. 403 when tracking is disabled. */
CD_CHECK cd_err_t *herder_topics(const herder_t *h, const char *name, cd_arena_t *arena, herder_names_t *ret_topics);

/* ---- Writes ---- */

/** Answer of a config write. @param created  true: 201, false: 200. `info` is NULL on error. */
typedef void herder_info_fn(void *arg, cd_err_t *err, const herder_info_t *info, bool created);

/** Create a connector whose (resolved) config has been validated. config must hold `name`.
 *  @param initial  TARGET_NONE when the client gave none.    409 `Connector <c> already exists` */
void herder_create(herder_t *h, const char *name, const cd_config_t *config, enum target_state initial,
                   herder_info_fn *done, void *arg);

/** Create or replace; the target state stays as it is. */
void herder_put_config(herder_t *h, const char *name, const cd_config_t *config, herder_info_fn *done, void *arg);

/** The merge of PATCH …/config with the present config, for validation before herder_put_config: NULL values delete.
 *  Keys come in Java's hash order, as a JVM worker stores them. 404 `Connector <c> not found`; HERDER_FORWARD. */
CD_CHECK cd_err_t *herder_patched_config(const herder_t *h, const char *name, const cd_config_t *patch,
                                         cd_arena_t *arena, cd_config_t *ret_config);

/** 404 `Connector <c> not found`. */
void herder_delete(herder_t *h, const char *name, herder_done_fn *done, void *arg);

/** STARTED is resume. 404 `Unknown connector <c>`. */
void herder_set_target(herder_t *h, const char *name, enum target_state target, herder_done_fn *done, void *arg);

/** Plain restart of the connector instance: answers when it has started (or failed: 500 `Failed to start connector`).
 *  404 `Unknown connector: <c>`. */
void herder_restart(herder_t *h, const char *name, herder_done_fn *done, void *arg);

/** `status` (the 202 body: what will be restarted shows RESTARTING) is NULL on error. */
typedef void herder_status_fn(void *arg, cd_err_t *err, const herder_status_t *status);

/** Restart through a restart record. 404 `Unknown connector: <c>` / `Status for connector <c> not found`. */
void herder_restart_plan(herder_t *h, const char *name, bool include_tasks, bool only_failed, herder_status_fn *done,
                         void *arg);

/** 404 `Unknown connector: <c>` / `Unknown task: <c>-<t>`; 500 `Failed to start task: <c>-<t>`. */
void herder_restart_task(herder_t *h, const char *name, int32_t task, herder_done_fn *done, void *arg);

/** Forget the topics of a connector; unknown connectors are fine. 403 when tracking or its reset is disabled. */
void herder_reset_topics(herder_t *h, const char *name, herder_done_fn *done, void *arg);

/** Task configs sent by another worker (internal endpoint). 404, 400 as the REST chapter says. */
void herder_put_task_configs(herder_t *h, const char *name, const cd_config_t *configs, uint32_t nconfigs,
                             herder_done_fn *done, void *arg);

/** Stored source offsets of a connector, as JSON texts of partition and offset objects, sorted by partition. */
typedef struct herder_offset {
    const char *partition, *offset;
} herder_offset_t;

typedef struct herder_offsets {
    uint32_t n;
    const herder_offset_t *items;
} herder_offsets_t;

/** `offsets` is NULL on error. 404 `Connector <c> not found`. */
typedef void herder_offsets_fn(void *arg, cd_err_t *err, const herder_offsets_t *offsets);
void herder_offsets(herder_t *h, const char *name, herder_offsets_fn *done, void *arg);

/* ---- Config providers ---- */

/** The transformer over the worker's config providers. Its functions may be called from any thread and may block:
 *  validation calls transformer_apply on its pool thread. Valid as long as the herder. */
transformer_t *herder_transformer(const herder_t *h);

#endif
