/* proc_cursor.c: the sp_cursor* procedures through which drivers use server cursors. Every cursor is a static, read-only
 * one; what was asked for and what was given are told apart by the output values, as SQL Server does when it converts. */
#include <string.h>

#include "sql/call.h"
#include "sql/cursor.h"

enum {
    SCROLL_KEYSET = 1,
    SCROLL_DYNAMIC = 2,
    SCROLL_FORWARD = 4,
    SCROLL_STATIC = 8,
    SCROLL_FAST = 16,
    SCROLL_PARAMETERS = 0x1000,
    SCROLL_AUTO_FETCH = 0x2000,
    SCROLL_AUTO_CLOSE = 0x4000
};
enum { CC_READ_ONLY = 1 };

static int64_t int_arg(sim_session_t *s, const call_t *c, size_t at, const char *name, int64_t dflt)
{
    proc_int(s, c->args, c->n, at, name, &dflt);
    return dflt;
}

static bool bad_handle(sim_session_t *s, const call_t *c, int64_t handle)
{
    return fail(s, 16909, 16, 1, "%s: The cursor identifier value provided (%llx) is not valid.", c->name,
                (unsigned long long)handle);
}

/* Driver cursors carry a hidden last column that tells deleted rows from present ones. */
static bool send_head(sim_session_t *s, const cursor_t *cur)
{
    sim_column_t *cols = arena_alloc(&s->arena, sizeof(*cols) * (cur->ncols + 1));
    if (cur->ncols != 0) memcpy(cols, cur->cols, sizeof(*cols) * cur->ncols);
    cols[cur->ncols] = (sim_column_t){"ROWSTAT", type_simple(SIM_T_INT), SIM_COL_HIDDEN};
    cols[cur->ncols].type.not_null = true;
    return send_columns(s, cols, cur->ncols + 1);
}

static bool send_buffer(sim_session_t *s, const cursor_t *cur)
{
    sim_value_t *cells = arena_alloc(&s->arena, sizeof(*cells) * (cur->ncols + 1));
    int64_t rows = 0, last = cur->first >= 1 ? cur->first + cur->count : 0;
    if (!send_head(s, cur)) return false;
    for (int64_t i = cur->first; i >= 1 && i < last && i <= (int64_t)cur->nrows; i++, rows++) {
        arena_reset(&s->row_arena);
        if (!cursor_row(s, cur, i, cells))
            return fail(s, 16931, 16, 1, "There are no rows in the current fetch buffer.");
        cells[cur->ncols] = value_int(1);
        if (!send_row(s, cells, cur->ncols + 1)) return false;
    }
    return send_done(s, SIM_DONE_INPROC, true, (uint64_t)rows, false, 0xC1);
}

typedef struct text_call {
    sim_session_t *s;
    const char *text, *decl;
    call_t *c;
    size_t first;
} text_call_t;

static bool run_text(void *arg, flow_t *flow)
{
    text_call_t *t = arg;
    return call_text(t->s, t->text, t->decl, t->c, t->first, flow);
}

typedef struct places { /* where the arguments of an opening call are */
    size_t cursor, scroll, cc, rows, first;
} places_t;

static bool open_cursor(sim_session_t *s, call_t *c, const char *text, const char *decl, const places_t *at)
{
    int64_t scroll = int_arg(s, c, at->scroll, "@scrollopt", SCROLL_KEYSET);
    int64_t want = int_arg(s, c, at->rows, "@rowcount", 0);
    text_call_t t = {s, text, decl, c, at->first < c->n ? at->first : c->n};
    cursor_t *cur = cursor_new(s);
    cur->handle = 180150000 + ++s->next_cursor;
    if (!cursor_fill(s, cur, run_text, &t)) {
        cursor_free(s, cur);
        return false;
    }
    bool forward = (scroll & (SCROLL_FORWARD | SCROLL_FAST)) != 0, last = false;
    cur->scroll = !forward;
    if (scroll & SCROLL_AUTO_FETCH) {
        cursor_move(cur, FETCH_FIRST, 0, want > 0 ? want : 20);
        last = cur->first + cur->count > (int64_t)cur->nrows;
        if (!send_buffer(s, cur)) return false;
    } else if (!send_head(s, cur) || !send_done(s, SIM_DONE_INPROC, true, 0, false, 0x20)) {
        return false;
    }
    call_set_int(c, at->cursor, cur->handle);
    call_set_int(c, at->scroll, forward ? scroll & (SCROLL_FORWARD | SCROLL_FAST) : SCROLL_STATIC);
    call_set_int(c, at->cc, CC_READ_ONLY);
    call_set_int(c, at->rows, forward ? -1 : (int64_t)cur->nrows);
    if (last && (scroll & SCROLL_AUTO_CLOSE)) {
        call_set_int(c, at->cursor, 0);
        cursor_free(s, cur);
        s->proc_status = 16; /* everything fetched, nothing left to close */
    }
    return true;
}

static bool fetch(sim_session_t *s, call_t *c, cursor_t *cur)
{
    int64_t how = int_arg(s, c, 1, "@fetchtype", FETCH_NEXT), row = int_arg(s, c, 2, "@rownum", 0),
            n = int_arg(s, c, 3, "@nrows", 20);
    if (how == FETCH_INFO) {
        bool on_row = cur->first >= 1 && cur->first <= (int64_t)cur->nrows;
        call_set_int(c, 2, on_row ? cur->first : 0);
        call_set_int(c, 3, (int64_t)cur->nrows);
        return true;
    }
    if (how != FETCH_FIRST && how != FETCH_NEXT && how != FETCH_PREV && how != FETCH_LAST && how != FETCH_ABSOLUTE &&
        how != FETCH_RELATIVE && how != FETCH_REFRESH && how != FETCH_PREV_PARTIAL)
        return fail(s, 16907, 16, 1, "%llu is not an allowed combination of values for parameter 'fetchtype'.",
                    (unsigned long long)how);
    if (!cur->scroll && how != FETCH_NEXT && how != FETCH_FIRST && how != FETCH_REFRESH)
        return fail(s, 16911, 16, 1, "%s: The fetch type %s cannot be used with forward only cursors.", c->name,
                    how == FETCH_LAST                                ? "last"
                    : how == FETCH_ABSOLUTE || how == FETCH_RELATIVE ? "absolute"
                                                                     : "prev");
    cursor_move(cur, (int)how, row, n);
    return send_buffer(s, cur);
}

static bool option(sim_session_t *s, call_t *c, cursor_t *cur)
{
    int64_t code = int_arg(s, c, 1, "@code", 0);
    switch (code) {
    case 1: /* text pointers or data: rows always carry the data */
    case 2: /* the name under which positioned statements know the cursor */
    case 3:
        return true;
    case 4:
        call_set_int(c, 2, cur->scroll ? SCROLL_STATIC : SCROLL_FORWARD);
        return true;
    case 5:
        call_set_int(c, 2, CC_READ_ONLY);
        return true;
    case 6:
        call_set_int(c, 2, (int64_t)cur->nrows);
        return true;
    default:
        return fail(s, 16902, 16, 1, "%s: The value of the parameter 'code' is invalid.", c->name);
    }
}

static bool on_cursor(sim_session_t *s, call_t *c)
{
    int64_t handle = int_arg(s, c, 0, "@cursor", 0);
    if (name_eq(c->name, "sp_cursorclose") && handle == -1) {
        for (cursor_t *cur = s->cursors, *next; cur != NULL; cur = next) {
            next = cur->next;
            if (cur->handle != 0) cursor_free(s, cur);
        }
        return true;
    }
    cursor_t *cur = cursor_handle(s, (int)handle);
    if (cur == NULL) return bad_handle(s, c, handle);
    if (name_eq(c->name, "sp_cursorfetch")) return fetch(s, c, cur);
    if (name_eq(c->name, "sp_cursoroption")) return option(s, c, cur);
    if (name_eq(c->name, "sp_cursor")) return fail(s, 16929, 16, 1, "The cursor is READ ONLY.");
    cursor_free(s, cur);
    return true;
}

bool cursor_procedures(sim_session_t *s, call_t *c, bool *ret_found, flow_t *flow)
{
    static const places_t of_open = {0, 2, 3, 4, 6}, of_prepexec = {1, 4, 5, 6, 7}, of_execute = {1, 2, 3, 4, 5};
    const char *text, *params;
    int64_t handle = 0;
    *ret_found = strncmp(c->name, "sp_cursor", 9) == 0;
    *flow = FLOW_NEXT;
    if (!*ret_found) return true;
    if (name_eq(c->name, "sp_cursoropen")) {
        if ((text = proc_text(s, c->args, c->n, 1, "@stmt")) == NULL) return call_missing(s, c->name, "@stmt");
        bool with = (int_arg(s, c, 2, "@scrollopt", 0) & SCROLL_PARAMETERS) != 0;
        return open_cursor(s, c, text, with ? proc_text(s, c->args, c->n, 5, "@paramdef") : NULL, &of_open);
    }
    if (name_eq(c->name, "sp_cursorprepexec")) {
        params = proc_text(s, c->args, c->n, 2, "@paramdef");
        if ((text = proc_text(s, c->args, c->n, 3, "@stmt")) == NULL) return call_missing(s, c->name, "@stmt");
        if (!prepared_check(s, params, text)) return false;
        int h = prepared_add(s, params, text);
        if (!open_cursor(s, c, text, params, &of_prepexec)) {
            prepared_drop(s, h);
            return false;
        }
        call_set_int(c, 0, h);
        return true;
    }
    if (name_eq(c->name, "sp_cursorprepare")) {
        params = proc_text(s, c->args, c->n, 1, "@paramdef");
        if ((text = proc_text(s, c->args, c->n, 2, "@stmt")) == NULL) return call_missing(s, c->name, "@stmt");
        if (!prepared_check(s, params, text)) return false;
        call_set_int(c, 0, prepared_add(s, params, text));
        return true;
    }
    if (name_eq(c->name, "sp_cursorexecute") || name_eq(c->name, "sp_cursorunprepare")) {
        if (!proc_int(s, c->args, c->n, 0, "@handle", &handle)) return call_missing(s, c->name, "@handle");
        prepared_t *p = prepared_find(s, (int)handle);
        if (p == NULL) return false;
        if (name_eq(c->name, "sp_cursorunprepare")) {
            prepared_drop(s, (int)handle);
            return true;
        }
        params = p->params != NULL ? arena_strdup(&s->arena, p->params) : NULL;
        return open_cursor(s, c, arena_strdup(&s->arena, p->text), params, &of_execute);
    }
    if (name_eq(c->name, "sp_cursorfetch") || name_eq(c->name, "sp_cursoroption") ||
        name_eq(c->name, "sp_cursorclose") || name_eq(c->name, "sp_cursor"))
        return on_cursor(s, c);
    *ret_found = false;
    return true;
}
