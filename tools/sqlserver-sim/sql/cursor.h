/* cursor.h: server cursors: DECLARE CURSOR and its statements, and the sp_cursor* procedures of drivers. A cursor is filled
 * when it is opened (STATIC); the other kinds are answered as static, as SQL Server may itself convert them.
 * Threads    the session's.   Ownership  the session owns its cursors.
 */
#ifndef SIM_CURSOR_H
#define SIM_CURSOR_H

#include "sql/exec.h"
#include "sql/proc.h"

typedef struct cursor {
    char *name; /* NULL: opened through sp_cursoropen */
    int handle; /* 0: declared in T-SQL */
    char *text;
    frame_t *frame; /* declaring frame while that runs */
    bool local, scroll, open;
    sim_var_t *vars; /* values of the declaring frame's variables */
    sim_column_t *cols;
    size_t ncols;
    buf_t data; /* rows as cells behind each other */
    size_t *at; /* start of each row in data */
    size_t nrows;
    int64_t first, count; /* the rows last fetched; first 0 = before the first, nrows + 1 = behind the last */
    struct cursor *next;
} cursor_t;

/** DECLARE ... CURSOR, OPEN, FETCH, CLOSE, DEALLOCATE. */
bool cursor_stmt(sim_session_t *s, stmt_t *st, uint64_t *ret_rows, bool *ret_has_count);
/** A frame ends: its LOCAL cursors go, the others forget its table variables. */
void cursors_leave(sim_session_t *s, const frame_t *frame);
void cursors_free(sim_session_t *s);

typedef bool (*cursor_run_t)(void *arg, flow_t *ret_flow);
/** Fills a cursor with the first result of what `run` executes; errors stay pending. @return false with an error */
bool cursor_fill(sim_session_t *s, cursor_t *c, cursor_run_t run, void *arg);
cursor_t *cursor_new(sim_session_t *s);
void cursor_free(sim_session_t *s, cursor_t *c);
cursor_t *cursor_handle(sim_session_t *s, int handle);

enum {
    FETCH_FIRST = 1,
    FETCH_NEXT = 2,
    FETCH_PREV = 4,
    FETCH_LAST = 8,
    FETCH_ABSOLUTE = 0x10,
    FETCH_RELATIVE = 0x20,
    FETCH_REFRESH = 0x80,
    FETCH_INFO = 0x100,
    FETCH_PREV_PARTIAL = 0x200
};
/** Moves the cursor; afterwards rows first .. first + count - 1 are the fetched ones. */
void cursor_move(cursor_t *c, int how, int64_t row, int64_t n);
/** Cells of row `i` (from 1), valid until the row arena is reset. */
bool cursor_row(sim_session_t *s, const cursor_t *c, int64_t i, sim_value_t *cells);

#endif
