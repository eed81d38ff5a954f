/* cursor.h: the change rows of one capture instance between two LSNs, one after the other.
 * A live cursor holds an open result set on a connection of its own. When several tables changed but only a little, their
 * rows are read together with one batch on one connection and kept (cursors_buffer), up to a budget.
 * Threads    task thread.
 * Ownership  a cursor owns its plan and kept rows; connections are lent. A cursor must not move once it is open.
 * Errors     as conn.h. */
#ifndef SQLSERVER_CURSOR_H
#define SQLSERVER_CURSOR_H

#include "connectors/sqlserver/buf.h"
#include "connectors/sqlserver/catalog.h"
#include "connectors/sqlserver/schema.h"

#define CURSOR_KEEP_BYTES ((size_t)32 * 1024 * 1024)

enum change_op { CHANGE_DELETE = 1, CHANGE_INSERT = 2, CHANGE_BEFORE = 3, CHANGE_AFTER = 4 };

typedef struct kept_row {
    position_t pos;
    int32_t op;
    int64_t ts_ns;
    cd_value_t *cells;
} kept_row_t;

typedef struct cursor {
    const instance_t *instance;
    uint32_t index;       /* of the instance in the list */
    const shape_t *shape; /* of the rows; may be exchanged until the first row is decoded */
    conn_t *conn;         /* NULL when rows are kept */
    row_plan_t plan;
    bool planned;
    int time_col, time_wire;
    bool row; /* a row is in hand; false: exhausted */
    position_t pos;
    int32_t op;
    int64_t ts_ns; /* commit time; INT64_MIN when the server does not know it any more */
    uint32_t nkept, cap_kept, at;
    kept_row_t *kept;
    position_t previous; /* of the row before, for the monotony rule */
    bool rewound;
} cursor_t;

/** The change query. `need` NULL selects all captured columns. */
void cursor_statement(buf_t *sql, const conf_t *conf, const char *db, const instance_t *i, const shape_t *need,
                      const lsn_t *from, const lsn_t *to);

/** Open on a connection and move to the first row. */
CD_CHECK cd_err_t *cursor_open(cursor_t *c, const conf_t *conf, const char *db, conn_t *conn, bool all_columns,
                               const lsn_t *from, const lsn_t *to);

/** Fill all cursors with one batch. *ret_fits false: there is more than the budget, and nothing was kept. */
CD_CHECK cd_err_t *cursors_buffer(cursor_t *cursors, uint32_t n, const conf_t *conf, const char *db, conn_t *conn,
                                  cd_arena_t *arena, const lsn_t *from, const lsn_t *to, bool *ret_fits);

/** Move to the next row. */
CD_CHECK cd_err_t *cursor_next(cursor_t *c);

/** The cells of the row in hand, in the shape's order, in `arena`. */
cd_value_t *cursor_cells(cursor_t *c, cd_arena_t *arena);

void cursor_done(cursor_t *c);

#endif
