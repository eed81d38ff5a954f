/* exec.c: batches, control flow, error handling. */
#include <stdlib.h>
#include <string.h>

#include "faults/fault.h"
#include "sql/bind.h"
#include "sql/cursor.h"
#include "sql/exec.h"
#include "sql/parser.h"
#include "sql/proc.h"
#include "sql/security.h"
#include "sql/showplan.h"
#include "util/datetime.h"

/* Errors that end the batch they occur in; the others end only their statement. */
static bool ends_batch(int number)
{
    static const int list[] = {102,  105,  113,  137,  155,  156,  174,  189,  191,  195,  205,  206,  207,  208,  209,
                               226,  241,  242,  244,  245,  248,  263,  295,  313,  402,  529,  911,  1087, 1205, 2715,
                               3609, 3930, 3952, 3960, 4104, 4121, 4145, 8114, 8120, 8133, 8169, 8624, 10738};
    for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++)
        if (list[i] == number) return true;
    return false;
}

static const char *tran_name_of(sim_session_t *s, stmt_t *st)
{
    if (st->word != NULL) return st->word;
    sim_var_t *v = st->var != NULL ? session_var(s, st->var) : NULL;
    return v != NULL && !v->value.is_null && type_is_char(v->type.base)
               ? arena_strndup(&s->arena, v->value.u.s.ptr, v->value.u.s.len)
               : NULL;
}

static bool set_var(sim_session_t *s, stmt_t *st)
{
    sim_var_t *v = session_var(s, st->var);
    if (v == NULL || v->table != NULL) return fail(s, 137, 15, 1, "Must declare the scalar variable \"%s\".", st->var);
    expr_t *e = st->expr, name = {.kind = E_VAR, .name = {{st->var}, 1}},
           bin = {.kind = E_BIN, .op = st->action, .nargs = 2};
    expr_t *args[2] = {&name, st->expr};
    if (st->action != '=') {
        bin.args = args;
        e = &bin;
    }
    sim_value_t val;
    if (!eval_scalar(s, e, &v->type, &val, NULL)) return false;
    var_set(v, &val);
    return true;
}

static bool declare(sim_session_t *s, stmt_t *st)
{
    for (size_t i = 0; i < st->ndecls; i++) {
        declare_item_t *d = &st->decls[i];
        sim_var_t *old = session_var(s, d->name);
        if (old != NULL && old->table == NULL && !d->type->is_table) { /* a DECLARE inside a loop runs again */
            sim_value_t null = value_null(), val;
            if (d->init != NULL) {
                if (!eval_scalar(s, d->init, &old->type, &val, NULL)) return false;
                var_set(old, &val);
            } else if (st->flag2) {
                var_set(old, &null);
            }
            continue;
        }
        if (d->type->is_table) {
            if (old == NULL && !ddl_table_variable(s, d)) return false;
            continue;
        }
        if (d->type->cursor) continue; /* the variable gets its cursor by SET @c = CURSOR ... */
        sim_var_t *v = frame_declare(s->frame, d->name, &d->type->type);
        sim_value_t val;
        if (d->init != NULL) {
            if (!eval_scalar(s, d->init, &v->type, &val, NULL)) return false;
            var_set(v, &val);
        }
    }
    return true;
}

static bool leaf(sim_session_t *s, stmt_t *st, uint64_t *rows, bool *has_count, uint16_t *curcmd, bool *quiet)
{
    *has_count = false;
    *curcmd = 0xFD;
    if (s->showplan && (st->kind == ST_SELECT || st->kind == ST_INSERT || st->kind == ST_UPDATE ||
                        st->kind == ST_DELETE || st->kind == ST_MERGE)) {
        *curcmd = 0xC1;
        return showplan_send(s, st, s->frame->in_proc ? SIM_DONE_INPROC : SIM_DONE_BATCH);
    }
    switch (st->kind) {
    case ST_SELECT: {
        bool assign = st->select->op == SET_NONE && st->select->nitems > 0 && st->select->items[0].var != NULL;
        *curcmd = st->select->op == SET_NONE && st->select->into != NULL ? 0xC2 : 0xC1;
        *has_count = !assign;
        *quiet = assign;
        return exec_select(s, st, st->select, rows);
    }
    case ST_INSERT:
    case ST_UPDATE:
    case ST_DELETE:
    case ST_MERGE:
        *has_count = true;
        *curcmd = st->kind == ST_INSERT ? 0xC3 : st->kind == ST_UPDATE ? 0xC5 : st->kind == ST_MERGE ? 0x117 : 0xC4;
        return exec_dml(s, st, rows);
    case ST_TRUNCATE:
        return exec_dml(s, st, rows);
    case ST_INSERT_BULK:
        *curcmd = 0xF0;
        return bulk_prepare(s, st);
    case ST_CREATE_TABLE:
        *curcmd = 0xC6;
        return exec_ddl(s, st);
    case ST_DROP_TABLE:
        *curcmd = 0xC7;
        return exec_ddl(s, st);
    case ST_ALTER_TABLE:
        *curcmd = 0xD8;
        return exec_ddl(s, st);
    case ST_CREATE_DATABASE:
        *curcmd = 0xCB;
        return exec_ddl(s, st);
    case ST_CREATE_INDEX:
    case ST_DROP_INDEX:
    case ST_CREATE_SCHEMA:
    case ST_DROP_SCHEMA:
    case ST_ALTER_DATABASE:
    case ST_DROP_DATABASE:
    case ST_CREATE_MODULE:
    case ST_DROP_MODULE:
        return exec_ddl(s, st);
    case ST_SET_VAR:
        *quiet = true;
        return set_var(s, st);
    case ST_DECLARE:
        *quiet = true;
        return declare(s, st);
    case ST_SET_OPTION:
        *curcmd = 0xBE;
        return exec_set_option(s, st);
    case ST_SECURITY:
        return exec_security(s, st);
    case ST_CURSOR_DECLARE:
    case ST_CURSOR_OPEN:
    case ST_CURSOR_FETCH:
    case ST_CURSOR_CLOSE:
    case ST_CURSOR_FREE:
        *curcmd = st->kind == ST_CURSOR_FETCH && st->ncols == 0 ? 0xC1 : 0x20;
        return cursor_stmt(s, st, rows, has_count);
    case ST_BEGIN_TRAN:
        *curcmd = 0xD4;
        return tran_begin(s, tran_name_of(s, st));
    case ST_COMMIT:
        *curcmd = 0xD5;
        return tran_commit(s);
    case ST_ROLLBACK:
        *curcmd = 0xD2;
        return tran_rollback(s, tran_name_of(s, st));
    case ST_SAVE:
        return tran_save(s, tran_name_of(s, st) != NULL ? tran_name_of(s, st) : "");
    default:
        return exec_misc(s, st);
    }
}

static bool implicit_starter(stmt_kind_t k)
{
    return k == ST_INSERT || k == ST_UPDATE || k == ST_DELETE || k == ST_MERGE || k == ST_TRUNCATE ||
           k == ST_CREATE_TABLE || k == ST_ALTER_TABLE || k == ST_DROP_TABLE || k == ST_CREATE_INDEX ||
           k == ST_DROP_INDEX || k == ST_CREATE_SCHEMA || k == ST_CREATE_MODULE || k == ST_CURSOR_OPEN ||
           k == ST_CURSOR_FETCH;
}

static void catch_error(sim_session_t *s, int line)
{
    caught_t *c = sim_alloc(sizeof(*c));
    c->number = s->err.number;
    c->class = s->err.class;
    c->state = s->err.state;
    c->line = line;
    c->text = sim_strdup(s->err.text);
    c->proc = s->frame->proc != NULL ? sim_strdup(s->frame->proc) : NULL;
    c->outer = s->caught;
    s->caught = c;
}

void caught_pop(sim_session_t *s)
{
    caught_t *c = s->caught;
    s->caught = c->outer;
    free(c->text);
    free(c->proc);
    free(c);
}

/* What an error does to the transaction, whoever handles it. */
static void error_effects(sim_session_t *s)
{
    int n = s->err.number;
    if (n == 1205 || n == 3960) {
        tran_abort(s, true);
    } else if (s->xact_abort && s->trancount > 0 && s->err.class > 10) {
        if (s->try_depth > 0)
            s->doomed = true;
        else
            tran_abort(s, true);
    }
}

/* Reports a pending error outside TRY. @return whether the batch ends */
static bool report(sim_session_t *s, const stmt_t *st, sim_done_kind_t kind, uint16_t curcmd)
{
    bool end = ends_batch(s->err.number) || s->err.class >= 20 ||
               (s->xact_abort && s->err.class > 10 && s->err.number != 50000);
    int number = s->err.number;
    if (number == 102 || number == 156 || number == 195 || number == 2812 || number == 208 || number == 4121) {
        size_t len = s->frame != NULL && s->frame->src != NULL ? st->end - st->start : 0;
        log_unknown(s, len != 0 ? s->frame->src + st->start : "", len);
    }
    int line = s->err_line != 0 ? s->err_line : st->line;
    send_message(s, number, s->err.class, s->err.state, s->err.text, line);
    if (!end && s->err.class > 10 &&
        (st->kind == ST_INSERT || st->kind == ST_UPDATE || st->kind == ST_DELETE || st->kind == ST_MERGE))
        send_message(s, 3621, 0, 0, "The statement has been terminated.", line);
    send_done(s, kind, false, 0, true, curcmd);
    s->last_error = number;
    s->err = (sql_error_t){0};
    s->err_line = 0;
    return end;
}

static flow_t run_list(sim_session_t *s, stmt_t *first);

/* INSERT ... EXEC keeps the inner rows in the statement arena, so inner statements must not reset it. */
static void fresh_arena(sim_session_t *s)
{
    if (!s->in_insert_exec) arena_reset(&s->arena);
}

static flow_t run_leaf(sim_session_t *s, stmt_t *st)
{
    uint64_t rows = 0;
    bool has_count = false, quiet = false;
    uint16_t curcmd = 0xFD;
    sim_done_kind_t kind = s->frame->in_proc ? SIM_DONE_INPROC : SIM_DONE_BATCH;
    fresh_arena(s);
    s->err = (sql_error_t){0};
    s->err_line = 0;
    s->line = st->line;
    s->stmt_time = server_utc(s->server);
    bool tran_stmt =
        st->kind == ST_BEGIN_TRAN || st->kind == ST_COMMIT || st->kind == ST_ROLLBACK || st->kind == ST_SAVE;
    bool is_exec = st->kind == ST_EXEC || st->kind == ST_EXEC_STRING;
    bool ok;
    if (is_exec) {
        int depth = s->try_depth;
        flow_t flow = FLOW_NEXT;
        ok = run_exec(s, st, &flow);
        s->try_depth = depth;
        if (s->gone) return FLOW_STOP;
        if (ok) {
            s->last_error = 0;
            return flow == FLOW_STOP ? FLOW_STOP : FLOW_NEXT;
        }
    } else {
        if (!tran_stmt) stmt_begin(s, implicit_starter(st->kind));
        ok = leaf(s, st, &rows, &has_count, &curcmd, &quiet) && s->err.text == NULL;
        if (!tran_stmt && !stmt_end(s, ok && !s->gone)) ok = false;
    }
    if (s->gone) return FLOW_STOP;
    if (!ok && s->err.text == NULL) fail(s, 50000, 16, 1, "The statement could not be completed.");
    if (ok) {
        if (st->kind != ST_DECLARE || st->ndecls > 0) s->last_error = 0;
        if (has_count || quiet) {
            if (has_count || st->kind == ST_SELECT || st->kind == ST_SET_VAR)
                s->rowcount = has_count || st->kind == ST_SELECT ? (int64_t)rows : 1;
        } else if (st->kind != ST_DECLARE && st->kind != ST_PRINT) {
            s->rowcount = 0;
        }
        if (quiet) return FLOW_NEXT;
        bool is_select = curcmd == 0xC1;
        if (s->nocount && !is_select) {
            if (kind == SIM_DONE_INPROC) return FLOW_NEXT;
            has_count = false;
        }
        if (s->nocount) has_count = false;
        if (kind == SIM_DONE_INPROC && !has_count && !is_select && curcmd == 0xFD) return FLOW_NEXT;
        return send_done(s, kind, has_count, rows, false, curcmd) ? FLOW_NEXT : FLOW_STOP;
    }
    if (s->err_line == 0) s->err_line = st->line;
    error_effects(s);
    s->rowcount = 0;
    if (s->try_depth > 0 && s->err.class < 20) return FLOW_ERROR;
    return report(s, st, kind, curcmd) ? FLOW_STOP : s->gone ? FLOW_STOP : FLOW_NEXT;
}

/* A condition that fails ends the batch like a statement error. */
static flow_t cond_failed(sim_session_t *s, stmt_t *st)
{
    if (s->gone) return FLOW_STOP;
    if (s->err.text == NULL) fail(s, 50000, 16, 1, "The condition could not be evaluated.");
    if (s->err_line == 0) s->err_line = st->line;
    error_effects(s);
    if (s->try_depth > 0) return FLOW_ERROR;
    report(s, st, s->frame->in_proc ? SIM_DONE_INPROC : SIM_DONE_BATCH, 0xFD);
    return FLOW_STOP;
}

static flow_t run_stmt(sim_session_t *s, stmt_t *st)
{
    bool hit;
    flow_t f;
    switch (st->kind) {
    case ST_BLOCK:
        return run_list(s, st->body);
    case ST_IF:
        fresh_arena(s);
        s->err = (sql_error_t){0};
        s->stmt_time = server_utc(s->server);
        stmt_begin(s, false);
        if (!eval_cond(s, st->expr, &hit)) return cond_failed(s, st);
        if (hit) return run_list(s, st->body);
        return st->other != NULL ? run_list(s, st->other) : FLOW_NEXT;
    case ST_WHILE:
        for (;;) {
            fresh_arena(s);
            s->err = (sql_error_t){0};
            s->stmt_time = server_utc(s->server);
            stmt_begin(s, false);
            if (client_gone(s)) return FLOW_STOP;
            if (!eval_cond(s, st->expr, &hit)) return cond_failed(s, st);
            if (!hit) return FLOW_NEXT;
            f = run_list(s, st->body);
            if (f == FLOW_BREAK) return FLOW_NEXT;
            if (f != FLOW_NEXT && f != FLOW_CONTINUE) return f;
        }
    case ST_BREAK:
        return FLOW_BREAK;
    case ST_CONTINUE:
        return FLOW_CONTINUE;
    case ST_RETURN:
        if (st->expr != NULL) {
            sim_typeinfo_t it = type_simple(SIM_T_INT);
            sim_value_t v;
            fresh_arena(s);
            if (!eval_scalar(s, st->expr, &it, &v, NULL)) return cond_failed(s, st);
            s->proc_status = (int32_t)(v.is_null ? 0 : v.u.i);
        }
        return FLOW_RETURN;
    case ST_TRY:
        s->try_depth++;
        f = run_list(s, st->body);
        s->try_depth--;
        if (f != FLOW_ERROR) return f;
        catch_error(s, s->err_line);
        s->last_error = s->err.number;
        s->err = (sql_error_t){0};
        s->err_line = 0;
        f = run_list(s, st->other);
        caught_pop(s);
        return f;
    default:
        return run_leaf(s, st);
    }
}

static flow_t run_list(sim_session_t *s, stmt_t *first)
{
    for (stmt_t *st = first; st != NULL; st = st->next) {
        flow_t f = run_stmt(s, st);
        if (f != FLOW_NEXT) return f;
        if (s->gone) return FLOW_STOP;
    }
    return FLOW_NEXT;
}

flow_t exec_body(sim_session_t *s, const char *text, size_t len, frame_t *f)
{
    return exec_body_capture(s, text, len, f, NULL, NULL);
}

/* Values of OUTPUT parameters are read before the frame's variables go. */
static void capture(sim_session_t *s, frame_t *f, proc_capture_t *cap, arena_t *keep)
{
    for (size_t i = 0; i < cap->n; i++) {
        cap->values[i] = value_null();
        for (sim_var_t *v = f->vars; v != NULL; v = v->next) {
            if (!name_eq(v->name, cap->items[i].name)) continue;
            cap->values[i] = v->value;
            if (!v->value.is_null && v->mem != NULL && v->type.base != SIM_T_VARIANT)
                cap->values[i].u.s.ptr = arena_memdup(keep, v->value.u.s.ptr, v->value.u.s.len);
        }
    }
    (void)s;
}

/* SET options of a procedure or of dynamic text end with it. */
typedef struct scope_options {
    int32_t textsize;
    int64_t rowcount_limit;
    int lock_timeout, datefirst;
    bool nocount, xact_abort, implicit_tran, quoted_identifier, ansi_warnings, fmtonly, showplan;
    iso_t isolation;
} scope_options_t;

static scope_options_t options_of(const sim_session_t *s)
{
    return (scope_options_t){s->textsize,      s->rowcount_limit, s->lock_timeout,  s->datefirst,
                             s->nocount,       s->xact_abort,     s->implicit_tran, s->quoted_identifier,
                             s->ansi_warnings, s->fmtonly,        s->showplan,      s->isolation};
}

static void options_back(sim_session_t *s, const scope_options_t *o)
{
    s->textsize = o->textsize;
    s->rowcount_limit = o->rowcount_limit;
    s->lock_timeout = o->lock_timeout;
    s->datefirst = o->datefirst;
    s->nocount = o->nocount;
    s->xact_abort = o->xact_abort;
    s->implicit_tran = o->implicit_tran;
    s->quoted_identifier = o->quoted_identifier;
    s->ansi_warnings = o->ansi_warnings;
    s->fmtonly = o->fmtonly;
    s->showplan = o->showplan;
    s->isolation = o->isolation;
}

flow_t exec_body_capture(sim_session_t *s, const char *text, size_t len, frame_t *f, proc_capture_t *cap, arena_t *keep)
{
    arena_t ast = {0};
    stmt_t *first;
    int line = 1;
    flow_t flow;
    f->outer = s->frame;
    f->arena = &ast;
    f->src = text;
    f->nest = f->outer != NULL ? f->outer->nest + (f->in_proc ? 1 : 0) : 0;
    if (f->nest > 32) {
        f->arena = NULL;
        fail(s, 217, 16, 1, "Maximum stored procedure, function, trigger, or view nesting level exceeded (limit 32).");
        vars_free(s, f->vars);
        f->vars = NULL;
        return FLOW_ERROR;
    }
    sql_error_t err = {0};
    scope_options_t options = options_of(s);
    s->frame = f;
    size_t nknown = 0;
    for (sim_var_t *v = f->vars; v != NULL; v = v->next) nknown++;
    const char **known = arena_alloc(&ast, sizeof(char *) * (nknown + 1));
    nknown = 0;
    for (sim_var_t *v = f->vars; v != NULL; v = v->next) known[nknown++] = v->name;
    if (!parse_batch(&ast, text, len, s->quoted_identifier, known, nknown, &first, &err, &line)) {
        stmt_t whole = {.line = line, .start = 0, .end = len};
        fresh_arena(s);
        s->err = (sql_error_t){0};
        fail_err(s, &err);
        s->err_line = line;
        if (s->try_depth > 0) {
            flow = FLOW_ERROR;
        } else {
            report(s, &whole, f->in_proc ? SIM_DONE_INPROC : SIM_DONE_BATCH, 0xFD);
            flow = FLOW_STOP;
        }
    } else {
        flow = run_list(s, first);
    }
    if (f->in_proc) options_back(s, &options);
    s->frame = f->outer;
    if (cap != NULL) capture(s, f, cap, keep);
    cursors_leave(s, f);
    for (sim_var_t *v = f->vars; v != NULL && f->borrowed; v = v->next) v->table = NULL;
    vars_free(s, f->vars);
    f->vars = NULL;
    f->arena = NULL;
    arena_done(&ast);
    return flow;
}

bool sim_session_batch(sim_session_t *s, const char *text, size_t len, sim_sink_t *sink)
{
    s->sink = sink;
    s->gone = false;
    s->try_depth = 0;
    arena_reset(&s->arena);
    s->err = (sql_error_t){0};
    if (!fault_check(s, text, len)) {
        stmt_t whole = {.line = 1, .end = 0};
        error_effects(s);
        report(s, &whole, SIM_DONE_BATCH, 0xFD);
    } else if (!s->gone) {
        frame_t f = {0};
        exec_body(s, text, len, &f);
    }
    if (s->gone && s->trancount == 0) tran_abort(s, false);
    s->sink = NULL;
    return !s->gone;
}
