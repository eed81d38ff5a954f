/* cursor.c: T-SQL cursors: filled when opened, read by position. */
#include "sql/cursor.h"

#include <stdlib.h>
#include <string.h>

#include "sql/bind.h"

cursor_t *cursor_new(sim_session_t *s)
{
    cursor_t *c = sim_alloc(sizeof(*c));
    c->next = s->cursors;
    s->cursors = c;
    return c;
}

static void forget_rows(cursor_t *c)
{
    for (size_t i = 0; i < c->ncols; i++) free((char *)(uintptr_t)c->cols[i].name);
    free(c->cols);
    free(c->at);
    buf_done(&c->data);
    c->data = (buf_t){0};
    c->cols = NULL;
    c->at = NULL;
    c->ncols = c->nrows = 0;
    c->open = false;
    c->first = 0;
    c->count = 1; /* so that NEXT begins at row 1 */
}

/* Clones share the table of a table variable, which stays its owner's. */
static void free_vars(sim_session_t *s, sim_var_t *vars)
{
    for (sim_var_t *v = vars; v != NULL; v = v->next) v->table = NULL;
    vars_free(s, vars);
}

static sim_var_t *clone_vars(const sim_var_t *from)
{
    sim_var_t *first = NULL, **end = &first;
    for (; from != NULL; from = from->next) {
        sim_var_t *v = sim_alloc(sizeof(*v));
        v->name = sim_strdup(from->name);
        v->type = from->type;
        v->value.is_null = true;
        v->table = from->table;
        if (from->table == NULL) var_set(v, &from->value);
        *end = v;
        end = &v->next;
    }
    return first;
}

void cursor_free(sim_session_t *s, cursor_t *c)
{
    cursor_t **p = &s->cursors;
    while (*p != c) p = &(*p)->next;
    *p = c->next;
    forget_rows(c);
    free_vars(s, c->vars);
    free(c->name);
    free(c->text);
    free(c);
}

void cursors_free(sim_session_t *s)
{
    while (s->cursors != NULL) cursor_free(s, s->cursors);
    s->next_cursor = 0;
}

void cursors_leave(sim_session_t *s, const frame_t *frame)
{
    for (cursor_t *c = s->cursors, *next; c != NULL; c = next) {
        next = c->next;
        if (c->frame != frame) continue;
        c->frame = NULL;
        if (c->local) {
            cursor_free(s, c);
            continue;
        }
        for (sim_var_t **p = &c->vars; *p != NULL;) {
            sim_var_t *v = *p;
            if (v->table == NULL) {
                p = &v->next;
                continue;
            }
            *p = v->next;
            v->next = NULL;
            free_vars(s, v);
        }
    }
}

cursor_t *cursor_handle(sim_session_t *s, int handle)
{
    cursor_t *c = s->cursors;
    while (c != NULL && (c->handle != handle || handle == 0)) c = c->next;
    return c;
}

/* ---- filling: a sink that keeps the first result set ---- */

typedef struct fill {
    sim_sink_t base;
    sim_session_t *s;
    sim_sink_t *outer;
    cursor_t *c;
    int results;
} fill_t;

static bool fill_columns(sim_sink_t *sink, const sim_column_t *cols, size_t n)
{
    fill_t *f = (fill_t *)sink;
    if (f->results++ > 0) return true;
    f->c->cols = sim_alloc(sizeof(*cols) * (n + 1));
    f->c->ncols = n;
    for (size_t i = 0; i < n; i++) {
        f->c->cols[i] = cols[i];
        f->c->cols[i].name = sim_strdup(cols[i].name);
    }
    return true;
}

static bool fill_row(sim_sink_t *sink, const sim_value_t *cells, size_t n)
{
    fill_t *f = (fill_t *)sink;
    cursor_t *c = f->c;
    if (f->results != 1) return true;
    if ((c->nrows & (c->nrows - 1)) == 0)
        c->at = sim_realloc(c->at, sizeof(*c->at) * (c->nrows == 0 ? 1 : c->nrows * 2));
    c->at[c->nrows++] = c->data.len;
    for (size_t i = 0; i < n; i++) cell_put(&c->data, &c->cols[i].type, &cells[i]);
    return true;
}

static bool fill_done(sim_sink_t *sink, const sim_done_t *d)
{
    (void)sink, (void)d;
    return true;
}

static bool fill_message(sim_sink_t *sink, const sim_message_t *m)
{
    fill_t *f = (fill_t *)sink;
    return f->outer->ops->message(f->outer, m);
}

static bool fill_env(sim_sink_t *sink, const sim_envchange_t *e)
{
    fill_t *f = (fill_t *)sink;
    return f->outer->ops->envchange(f->outer, e);
}

static bool fill_status(sim_sink_t *sink, int32_t v)
{
    (void)sink, (void)v;
    return true;
}

static bool fill_value(sim_sink_t *sink, uint16_t o, const char *name, const sim_typeinfo_t *t, const sim_value_t *v)
{
    (void)sink, (void)o, (void)name, (void)t, (void)v;
    return true;
}

static bool fill_cancelled(sim_sink_t *sink)
{
    fill_t *f = (fill_t *)sink;
    return f->outer->ops->cancelled != NULL && f->outer->ops->cancelled(f->outer);
}

bool cursor_fill(sim_session_t *s, cursor_t *c, cursor_run_t run, void *arg)
{
    static const sim_sink_ops_t ops = {.columns = fill_columns,
                                       .row = fill_row,
                                       .done = fill_done,
                                       .message = fill_message,
                                       .envchange = fill_env,
                                       .return_status = fill_status,
                                       .return_value = fill_value,
                                       .cancelled = fill_cancelled};
    fill_t f = {.base = {&ops}, .s = s, .outer = s->sink, .c = c};
    flow_t flow = FLOW_NEXT;
    forget_rows(c);
    s->sink = &f.base;
    s->try_depth++; /* errors of the query are errors of the opening statement */
    bool ok = run(arg, &flow);
    s->try_depth--;
    s->sink = f.outer;
    if (!ok || flow == FLOW_ERROR || s->gone) {
        forget_rows(c);
        return false;
    }
    if (f.results != 1) {
        forget_rows(c);
        return fail(
            s, 16937, 16, 1,
            "A server cursor cannot be opened on the given statement or statements. Use a default result set or "
            "client cursor.");
    }
    c->open = true;
    return true;
}

/* ---- position ---- */

void cursor_move(cursor_t *c, int how, int64_t row, int64_t n)
{
    int64_t rows = (int64_t)c->nrows, at;
    if (n < 1) n = 1;
    switch (how) {
    case FETCH_FIRST:
        at = 1;
        break;
    case FETCH_LAST:
        at = rows - n + 1 < 1 ? 1 : rows - n + 1;
        break;
    case FETCH_PREV:
    case FETCH_PREV_PARTIAL:
        at = c->first - n;
        if (at < 1 && c->first > 1) {
            if (how == FETCH_PREV_PARTIAL) n = c->first - 1;
            at = 1;
        }
        break;
    case FETCH_ABSOLUTE:
        at = row >= 0 ? row : rows + row + 1;
        break;
    case FETCH_RELATIVE:
        at = c->first + row;
        break;
    case FETCH_REFRESH:
        at = c->first;
        break;
    default:
        at = c->first + c->count;
        break;
    }
    if (at < 1) {
        c->first = 0;
        c->count = 1;
    } else if (at > rows) {
        c->first = rows + 1;
        c->count = 0;
    } else {
        c->first = at;
        c->count = n < rows - at + 1 ? n : rows - at + 1;
    }
}

bool cursor_row(sim_session_t *s, const cursor_t *c, int64_t i, sim_value_t *cells)
{
    size_t pos = c->at[i - 1];
    for (size_t k = 0; k < c->ncols; k++)
        if (!cell_get(buf_text(&c->data), c->data.len, &pos, &s->row_arena, &c->cols[k].type, &cells[k])) return false;
    return true;
}

/* ---- statements ---- */

static cursor_t *find(sim_session_t *s, const char *name)
{
    for (cursor_t *c = s->cursors; c != NULL; c = c->next)
        if (c->name != NULL && name_eq(c->name, name)) return c;
    return NULL;
}

static cursor_t *must_find(sim_session_t *s, const char *name)
{
    cursor_t *c = find(s, name);
    if (c == NULL) fail(s, 16916, 16, 1, "A cursor with the name '%s' does not exist.", name);
    return c;
}

static bool declare(sim_session_t *s, const stmt_t *st)
{
    cursor_t *old = find(s, st->word);
    if (old != NULL && st->word[0] == '@') {
        cursor_free(s, old); /* SET @c = CURSOR gives the variable another cursor */
    } else if (old != NULL) {
        return fail(s, 16915, 16, 1, "A cursor with the name '%s' already exists.", st->word);
    }
    cursor_t *c = cursor_new(s);
    c->name = sim_strdup(st->word);
    c->text = sim_strndup(s->frame->src + st->text_from, st->text_to - st->text_from);
    c->local = st->flag2 || st->word[0] == '@';
    c->scroll = st->flag;
    c->frame = s->frame;
    c->vars = clone_vars(s->frame->vars); /* variables keep the values of the declaration */
    forget_rows(c);
    return true;
}

typedef struct open_call {
    sim_session_t *s;
    cursor_t *c;
} open_call_t;

static bool run_text(void *arg, flow_t *flow)
{
    open_call_t *o = arg;
    frame_t f = {.in_proc = true};
    f.vars = clone_vars(o->c->vars);
    f.borrowed = true;
    *flow = exec_body(o->s, o->c->text, strlen(o->c->text), &f);
    return *flow != FLOW_ERROR;
}

static bool open_cursor(sim_session_t *s, const stmt_t *st)
{
    cursor_t *c = must_find(s, st->word);
    if (c == NULL) return false;
    if (c->open) return fail(s, 16905, 16, 1, "The cursor is already open.");
    open_call_t o = {s, c};
    return cursor_fill(s, c, run_text, &o);
}

static bool fetch(sim_session_t *s, const stmt_t *st, uint64_t *rows)
{
    static const char codes[] = "fnplar";
    static const int how[] = {FETCH_FIRST, FETCH_NEXT, FETCH_PREV, FETCH_LAST, FETCH_ABSOLUTE, FETCH_RELATIVE};
    static const char *const words[] = {"first", "next", "prior", "last", "absolute", "relative"};
    int kind = (int)(strchr(codes, st->action) - codes);
    sim_typeinfo_t big = type_simple(SIM_T_BIGINT);
    sim_value_t n = value_int(0);
    cursor_t *c = must_find(s, st->word);
    s->fetch_status = -1;
    if (c == NULL) return false;
    if (!c->open) return fail(s, 16917, 16, 1, "Cursor is not open.");
    if (!c->scroll && kind != 1)
        return fail(s, 16911, 16, 1, "fetch: The fetch type %s cannot be used with forward only cursors.", words[kind]);
    if (st->ncols > 0 && st->ncols != c->ncols)
        return fail(s, 16924, 16, 1,
                    "Cursorfetch: The number of variables declared in the INTO list must match that of selected "
                    "columns.");
    if (st->expr != NULL && !eval_scalar(s, st->expr, &big, &n, NULL)) return false;
    cursor_move(c, how[kind], n.is_null ? 0 : n.u.i, 1);
    bool hit = c->first >= 1 && c->first <= (int64_t)c->nrows;
    sim_value_t *cells = arena_alloc(&s->arena, sizeof(*cells) * (c->ncols + 1));
    arena_reset(&s->row_arena);
    if (hit && !cursor_row(s, c, c->first, cells))
        return fail(s, 16931, 16, 1, "There are no rows in the current fetch buffer.");
    if (st->ncols == 0 && !send_columns(s, c->cols, c->ncols)) return false;
    if (st->ncols == 0 && hit && !send_row(s, cells, c->ncols)) return false;
    for (size_t i = 0; hit && i < st->ncols; i++) {
        sim_var_t *v = session_var(s, st->cols[i]);
        sql_error_t err = {0};
        sim_value_t out;
        if (v == NULL || v->table != NULL)
            return fail(s, 137, 15, 1, "Must declare the scalar variable \"%s\".", st->cols[i]);
        if (!value_convert(&s->arena, &c->cols[i].type, &cells[i], &v->type, 0, 0, &out, &err))
            return fail_err(s, &err);
        var_set(v, &out);
    }
    *rows = hit;
    s->fetch_status = hit ? 0 : -1;
    return true;
}

bool cursor_stmt(sim_session_t *s, stmt_t *st, uint64_t *ret_rows, bool *ret_has_count)
{
    cursor_t *c;
    *ret_has_count = false;
    switch (st->kind) {
    case ST_CURSOR_DECLARE:
        return declare(s, st);
    case ST_CURSOR_OPEN:
        return open_cursor(s, st);
    case ST_CURSOR_FETCH:
        *ret_has_count = true;
        return fetch(s, st, ret_rows);
    case ST_CURSOR_CLOSE:
        c = must_find(s, st->word);
        if (c == NULL) return false;
        if (!c->open) return fail(s, 16917, 16, 1, "Cursor is not open.");
        forget_rows(c);
        return true;
    default:
        c = must_find(s, st->word);
        if (c != NULL) cursor_free(s, c);
        return c != NULL;
    }
}
