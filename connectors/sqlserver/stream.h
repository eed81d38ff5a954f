/* stream.h: inside of streaming, shared by stream.c (which window, which tables) and merge.c (which row, what event).
 * Threads    task thread.   Ownership  stream_t owns lists, cursors and extra connections. */
#ifndef SQLSERVER_STREAM_H
#define SQLSERVER_STREAM_H

#include "connectors/sqlserver/cursor.h"
#include "connectors/sqlserver/task.h"

typedef struct stream {
    lsn_t last; /* the end of what was read; null before anything */
    bool after; /* last itself is done: the next window begins behind it */

    cd_arena_t list_arena;
    bool have_list;
    instances_t list; /* wanted instances only */
    bool *pending;    /* per instance: its definition takes over at instance.start */
    uint32_t npending;

    bool open; /* a window is being read */
    lsn_t from, to;
    uint32_t ncursors;
    cursor_t *cursors;
    cd_arena_t kept;
    uint64_t window_rows;
    bool heavy; /* the last windows were too large to keep */
    position_t start;
    int64_t start_serial, k;

    uint32_t nextra;
    conn_t **extra; /* connections for live cursors beyond the first */

    bool agent_reported, behind_reported;
    int64_t ts_ns; /* last known commit time */
    bool have_commit;
    lsn_t commit;           /* what commit_cell says … */
    cd_value_t commit_cell; /* … in the batch in hand */
} stream_t;

/** Read rows of the open window until the batch is full. @param ret_done no row is left */
CD_CHECK cd_err_t *merge_step(part_t *p, bool *ret_done);

/** Take over the definitions of pending instances that begin at or before `at` (all with NULL). */
CD_CHECK cd_err_t *stream_migrate(part_t *p, const lsn_t *at);

#endif
