/* task.h: one source task: its databases, connections and the state machine that poll() drives.
 * Threads    the task's thread only.
 * Ownership  task_t owns everything below; shapes and tables live in task.arena until the task ends, because records in
 *            flight point into them.
 * Errors     server and network errors never leave the task while retries are left: they reset the connections, and the
 *            work continues from the position in memory. */
#ifndef SQLSERVER_TASK_H
#define SQLSERVER_TASK_H

#include "connectors/sqlserver/catalog.h"
#include "connectors/sqlserver/conf.h"
#include "connectors/sqlserver/conn.h"
#include "connectors/sqlserver/emit.h"
#include "connectors/sqlserver/history.h"
#include "connectors/sqlserver/offset.h"
#include "connectors/sqlserver/schema.h"

#define TASK_BATCH_BYTES ((size_t)16 * 1024 * 1024)

/** A table the connector knows the definition of. */
typedef struct known {
    const table_t *table;
    shape_t *shape; /* NULL until it is needed */
    bool captured;  /* in the filters: rows are read */
} known_t;

struct stream;
struct snapshot;

typedef enum part_state {
    PART_START,    /* decide between snapshot and streaming */
    PART_SNAPSHOT, /* snapshot is open */
    PART_STREAM,   /* streaming */
    PART_DONE      /* nothing more will come (initial_only) */
} part_state_t;

/** One database of the task: a source partition. */
typedef struct part {
    struct task *task;
    const char *db;
    part_state_t state;
    offset_t offset;
    uint64_t history_records; /* seen by the recovery */
    bool rebuild_history;     /* recovery mode: read definitions again, keep the position */
    bool position_checked;
    bool resume;     /* an earlier snapshot was cut off: streaming begins where that one stood … */
    lsn_t resume_at; /* … which is here; null: before the first change */
    uint32_t nknown, cap_known;
    known_t *known; /* sorted by table id */
    struct snapshot *snapshot;
    struct stream *stream;
    int64_t idle_until_ms, heartbeat_at_ms, start_at_ms;
    cd_metric_t *behind_ms, *snapshot_running, *snapshot_completed;
} part_t;

typedef struct task {
    cd_ctx_t *ctx;
    conf_t conf;
    cd_arena_t arena;
    forms_t forms;
    emitter_t emit;
    history_t *history;
    conn_t *conn;      /* snapshot, catalogue and the first change query */
    conn_t *meta;      /* definitions read while conn is busy with rows */
    conn_t *heartbeat; /* heartbeat.action.query */
    uint32_t nparts, current;
    part_t *parts;
    int64_t retry_at_ms; /* 0: not waiting */
    int32_t retries;
    cd_err_t *pending; /* an error to return after the records that were ready before it */
    cd_metric_t *seen, *created, *updated, *deleted, *connected;
} task_t;

/** An open connection to the task's server: *slot is opened when it is NULL or dead. */
CD_CHECK cd_err_t *task_connect(task_t *t, conn_t **slot);

/** Whether this poll has enough. */
bool task_full(const task_t *t);

known_t *part_find(part_t *p, const char *id);

/** Add or replace a definition. */
known_t *part_put(part_t *p, const table_t *table);
void part_drop(part_t *p, const char *id);

/** The shape of a known table. */
shape_t *part_shape(part_t *p, known_t *k);

/** Emit a heartbeat when its time has come (or always with `force`). */
CD_CHECK cd_err_t *part_heartbeat(part_t *p, bool force);

/** Note a definition: history first, then the event. @param ddl NULL during a snapshot
 *  @param offset what the event carries */
CD_CHECK cd_err_t *part_schema_change(part_t *p, const table_t *table, const char *type, const char *ddl,
                                      const offset_t *offset, const char *snapshot_marker);

/** The source ops. */
cd_err_t *task_start(cd_ctx_t *ctx, const cd_config_t *config, void **ret_task);
cd_err_t *task_poll(void *task, cd_batch_t *batch, int64_t timeout_ms);
void task_stop(void *task);

/* ---- snapshot.c ---- */

/** Begin: definitions, offset, history; leaves p->snapshot ready to read rows. */
CD_CHECK cd_err_t *snapshot_open(part_t *p, bool with_data);

/** Read rows until the batch is full. @param ret_done set when the snapshot is complete */
CD_CHECK cd_err_t *snapshot_step(part_t *p, bool *ret_done);
void snapshot_free(part_t *p);

/* ---- stream.c ---- */

/** One step: opens the next window, or reads rows of the open one until the batch is full.
 *  @param ret_idle set when the server has nothing newer */
CD_CHECK cd_err_t *stream_step(part_t *p, bool *ret_idle);

/** Are the changes from this position on still there? */
CD_CHECK cd_err_t *stream_check_position(part_t *p, const lsn_t *position, bool *ret_gone);
void stream_free(part_t *p);

#endif
