/* exec_proc.c: EXEC and RPC: dynamic SQL, prepared handles, system procedures. */
#include <stdlib.h>
#include <string.h>

#include "catalog/metaprocs.h"
#include "cdc/cdc.h"
#include "faults/fault.h"
#include "sql/bind.h"
#include "sql/call.h"
#include "sql/exec.h"
#include "sql/module.h"
#include "sql/parser.h"
#include "sql/proc.h"
#include "sql/security.h"

const sim_param_t *proc_arg(const sim_param_t *args, size_t n, size_t position, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (args[i].name[0] != '\0' && name_eq(args[i].name, name)) return args[i].is_default ? NULL : &args[i];
    for (size_t i = 0; i < n && i <= position; i++)
        if (i == position && args[i].name[0] == '\0') return args[i].is_default ? NULL : &args[i];
    return NULL;
}

const char *proc_text(sim_session_t *s, const sim_param_t *args, size_t n, size_t position, const char *name)
{
    const sim_param_t *p = proc_arg(args, n, position, name);
    sim_typeinfo_t t = type_nvarchar(SIM_LEN_MAX);
    sim_value_t v;
    sql_error_t err = {0};
    if (p == NULL || p->value.is_null || !value_convert(&s->arena, &p->type, &p->value, &t, 0, 0, &v, &err))
        return NULL;
    return arena_strndup(&s->arena, v.u.s.ptr, v.u.s.len);
}

bool proc_int(sim_session_t *s, const sim_param_t *args, size_t n, size_t position, const char *name, int64_t *ret)
{
    const sim_param_t *p = proc_arg(args, n, position, name);
    sim_typeinfo_t t = type_simple(SIM_T_BIGINT);
    sim_value_t v;
    sql_error_t err = {0};
    if (p == NULL || p->value.is_null || !value_convert(&s->arena, &p->type, &p->value, &t, 0, 0, &v, &err))
        return false;
    *ret = v.u.i;
    return true;
}

/* ---- sp_executesql and the prepared family ---- */

bool call_text(sim_session_t *s, const char *text, const char *decl, call_t *c, size_t first, flow_t *flow)
{
    declare_item_t *items = NULL;
    bool *outs = NULL;
    size_t n = 0;
    sql_error_t err = {0};
    arena_t keep = {0}; /* survives the statements' arena resets */
    frame_t f = {.in_proc = true};
    bool ok = true;
    if (decl != NULL && !parse_params(&keep, decl, strlen(decl), &items, &outs, &n, &err)) ok = fail_err(s, &err);
    if (ok && c->n - (c->n < first ? c->n : first) > n)
        ok = fail(s, 8144, 16, 2, "Procedure or function %s has too many arguments specified.", "sp_executesql");
    if (ok && n > 2100)
        ok = fail(s, 8003, 16, 1,
                  "The incoming request has too many parameters. The server supports a maximum of 2100 parameters. "
                  "Reduce the number of parameters and resend the request.");
    for (size_t i = 0; ok && i < n; i++) {
        sim_var_t *v = frame_declare(&f, items[i].name, &items[i].type->type);
        sim_param_t *a = NULL;
        for (size_t k = first; k < c->n && a == NULL; k++)
            if (c->args[k].name[0] != '\0' && name_eq(c->args[k].name, items[i].name)) a = &c->args[k];
        if (a == NULL && first + i < c->n && c->args[first + i].name[0] == '\0') a = &c->args[first + i];
        if (a == NULL) {
            ok = fail(s, 8178, 16, 1,
                      "The parameterized query '(%s)%.*s' expects the parameter '%s', which was not supplied.", decl,
                      60, text, items[i].name);
            break;
        }
        sim_value_t out;
        if (!value_convert(&keep, &a->type, &a->value, &v->type, 0, 0, &out, &err))
            ok = fail_err(s, &err);
        else
            var_set(v, &out);
    }
    if (!ok) {
        vars_free(s, f.vars);
        arena_done(&keep);
        return false;
    }
    char *body = sim_strdup(text);
    size_t len = strlen(text);
    proc_capture_t cap = {.items = items, .outs = outs, .n = n, .first = first};
    cap.values = sim_alloc(sizeof(sim_value_t) * (n + 1));
    int trusted = s->trusted;
    s->trusted = 0; /* dynamic text runs with the caller's own rights */
    *flow = exec_body_capture(s, body, len, &f, &cap, &keep);
    s->trusted = trusted;
    for (size_t i = 0; i < n; i++) {
        if (!outs[i]) continue;
        for (size_t k = first; k < c->n; k++) {
            bool match = c->args[k].name[0] != '\0' ? name_eq(c->args[k].name, items[i].name) : k == first + i;
            if (!match) continue;
            sql_error_t e2 = {0};
            sim_value_t out;
            if (!value_convert(&s->row_arena, &items[i].type->type, &cap.values[i], &c->args[k].type, 0, 0, &out, &e2))
                out = cap.values[i];
            c->outs[k] = out;
            if (!out.is_null && (type_is_char(c->args[k].type.base) || type_is_binary(c->args[k].type.base)))
                c->outs[k].u.s.ptr = arena_memdup(&s->arena, out.u.s.ptr, out.u.s.len);
            c->out_set[k] = true;
        }
    }
    free(cap.values);
    free(body);
    arena_done(&keep);
    return *flow != FLOW_ERROR;
}

prepared_t *prepared_find(sim_session_t *s, int handle)
{
    for (prepared_t *p = s->prepared; p != NULL; p = p->next)
        if (p->handle == handle) return p;
    fail(s, 8179, 16, 2, "Could not find prepared statement with handle %d.", handle);
    return NULL;
}

const char *sim_session_prepared(const sim_session_t *s, int64_t handle)
{
    const prepared_t *p = s->prepared;
    while (p != NULL && p->handle != handle) p = p->next;
    return p != NULL ? p->text : NULL;
}

int prepared_add(sim_session_t *s, const char *params, const char *text)
{
    prepared_t *p = sim_alloc(sizeof(*p));
    p->handle = s->next_handle++;
    p->params = params != NULL && params[0] != '\0' ? sim_strdup(params) : NULL;
    p->text = sim_strdup(text);
    p->next = s->prepared;
    s->prepared = p;
    return p->handle;
}

void call_set_int(call_t *c, size_t at, int64_t value)
{
    if (at >= c->n) return;
    c->outs[at] = value_int(value);
    c->out_set[at] = true;
}

void prepared_drop(sim_session_t *s, int handle)
{
    for (prepared_t **p = &s->prepared; *p != NULL; p = &(*p)->next) {
        prepared_t *hit = *p;
        if (hit->handle != handle) continue;
        *p = hit->next;
        free(hit->text);
        free(hit->params);
        free(hit);
        break;
    }
}

bool call_missing(sim_session_t *s, const char *proc, const char *param)
{
    return fail(s, 201, 16, 4, "Procedure or function '%s' expects parameter '%s', which was not supplied.", proc,
                param);
}

bool prepared_check(sim_session_t *s, const char *params, const char *text)
{
    arena_t a = {0};
    stmt_t *first;
    sql_error_t err = {0};
    declare_item_t *items = NULL;
    bool *outs = NULL;
    size_t n = 0;
    int line;
    bool ok = params == NULL || parse_params(&a, params, strlen(params), &items, &outs, &n, &err);
    const char **known = arena_alloc(&a, sizeof(char *) * (n + 1));
    for (size_t i = 0; i < n; i++) known[i] = items[i].name;
    ok = ok && parse_batch(&a, text, strlen(text), s->quoted_identifier, known, n, &first, &err, &line);
    if (!ok) fail_err(s, &err);
    arena_done(&a);
    return ok;
}

static bool dynamic_proc(sim_session_t *s, call_t *c, bool *found, flow_t *flow)
{
    const char *stmt, *params;
    int64_t handle = 0;
    *found = true;
    if (name_eq(c->name, "sp_executesql")) {
        /* both names are in use: @stmt by the documentation's examples, @statement by tedious */
        if ((stmt = proc_text(s, c->args, c->n, 0, "@stmt")) == NULL &&
            (stmt = proc_text(s, c->args, c->n, 0, "@statement")) == NULL)
            return call_missing(s, "sp_executesql", "@statement");
        params = c->n > 1 ? proc_text(s, c->args, c->n, 1, "@params") : NULL;
        return call_text(s, stmt, params, c, 2, flow);
    }
    if (name_eq(c->name, "sp_prepare")) {
        params = proc_text(s, c->args, c->n, 1, "@params");
        if ((stmt = proc_text(s, c->args, c->n, 2, "@stmt")) == NULL) return call_missing(s, "sp_prepare", "@stmt");
        if (!prepared_check(s, params, stmt)) return false;
        call_set_int(c, 0, prepared_add(s, params, stmt));
        return true;
    }
    if (name_eq(c->name, "sp_prepexec")) {
        params = proc_text(s, c->args, c->n, 1, "@params");
        if ((stmt = proc_text(s, c->args, c->n, 2, "@stmt")) == NULL) return call_missing(s, "sp_prepexec", "@stmt");
        int h = prepared_add(s, params, stmt);
        bool ok = call_text(s, stmt, params, c, 3, flow);
        call_set_int(c, 0, h);
        return ok;
    }
    if (name_eq(c->name, "sp_execute")) {
        if (!proc_int(s, c->args, c->n, 0, "@handle", &handle)) return call_missing(s, "sp_execute", "@handle");
        prepared_t *p = prepared_find(s, (int)handle);
        if (p == NULL) return false;
        char *text = arena_strdup(&s->arena, p->text),
             *decl = p->params != NULL ? arena_strdup(&s->arena, p->params) : NULL;
        return call_text(s, text, decl, c, 1, flow);
    }
    if (name_eq(c->name, "sp_unprepare")) {
        if (!proc_int(s, c->args, c->n, 0, "@handle", &handle)) return call_missing(s, "sp_unprepare", "@handle");
        if (prepared_find(s, (int)handle) == NULL) return false;
        prepared_drop(s, (int)handle);
        return true;
    }
    return cursor_procedures(s, c, found, flow);
}

static bool dispatch(sim_session_t *s, call_t *c, flow_t *flow)
{
    bool found = false;
    s->proc_status = 0;
    *flow = FLOW_NEXT;
    if (!dynamic_proc(s, c, &found, flow) || found) return s->err.text == NULL;
    stmt_begin(s, false);
    proc_call_t pc = {
        .s = s, .sdb = c->sdb, .name = c->name, .args = c->args, .n = c->n, .outs = c->outs, .out_set = c->out_set};
    bool ok = session_catalog(s, c->sdb);
    if (ok) ok = module_call(&pc, c->schema != NULL ? c->schema : "dbo", &found);
    if (ok && !found) ok = cdc_procedures(&pc, &found);
    if (ok && !found) ok = security_procedures(&pc, &found);
    if (ok && !found) ok = meta_procedures(&pc, &found);
    if (ok && !found) ok = sim_procedures(&pc, &found);
    if (ok && !found) ok = fail(s, 2812, 16, 62, "Could not find stored procedure '%s'.", c->shown);
    return stmt_end(s, ok && !s->gone) && ok;
}

static bool finish_call(sim_session_t *s, bool ok, bool status, sim_done_kind_t kind)
{
    if (s->gone) return false;
    if (status && ok && !s->sink->ops->return_status(s->sink, s->proc_status)) s->gone = true;
    return send_done(s, kind, false, 0, !ok, 0xE0);
}

bool run_exec(sim_session_t *s, stmt_t *st, flow_t *flow)
{
    arena_t keep = {0};
    call_t c = {.sdb = s->cur};
    name_t nm = st->name;
    bool ok = true;
    *flow = FLOW_NEXT;
    if (st->kind == ST_EXEC_STRING) {
        sim_typeinfo_t t = type_nvarchar(SIM_LEN_MAX);
        sim_value_t v;
        if (!eval_scalar(s, st->expr, &t, &v, NULL)) return false;
        char *text = sim_strndup(v.is_null ? "" : v.u.s.ptr, v.is_null ? 0 : v.u.s.len);
        frame_t f = {.in_proc = true};
        int trusted = s->trusted;
        s->trusted = 0;
        *flow = exec_body(s, text, strlen(text), &f);
        s->trusted = trusted;
        free(text);
        if (*flow == FLOW_ERROR) return false;
        *flow = FLOW_NEXT;
        return finish_call(s, true, false, SIM_DONE_PROC);
    }
    if (st->word != NULL) {
        sim_var_t *v = session_var(s, st->word);
        if (v == NULL || v->value.is_null || !type_is_char(v->type.base))
            return fail(s, 137, 15, 2, "Must declare the scalar variable \"%s\".", st->word);
        char *text = arena_strndup(&s->arena, v->value.u.s.ptr, v->value.u.s.len);
        if (!parse_name_text(&s->arena, text, strlen(text), &nm))
            return fail(s, 2812, 16, 62, "Could not find stored procedure '%s'.", text);
    }
    c.name = arena_strdup(&keep, nm.part[nm.n - 1]);
    c.shown = name_dotted(&keep, &nm);
    if (nm.n >= 2 && nm.part[nm.n - 2][0] != '\0') c.schema = arena_strdup(&keep, nm.part[nm.n - 2]);
    if (nm.n >= 3 && nm.part[nm.n - 3][0] != '\0') {
        c.sdb = session_db(s, nm.part[nm.n - 3]);
        if (c.sdb == NULL) {
            fail(s, 911, 16, 1, "Database '%s' does not exist. Make sure that the name is entered correctly.",
                 nm.part[nm.n - 3]);
            arena_done(&keep);
            return false;
        }
    }
    c.n = st->nargs;
    c.args = arena_alloc(&keep, sizeof(*c.args) * (c.n + 1));
    c.outs = arena_alloc(&keep, sizeof(*c.outs) * (c.n + 1));
    c.out_set = arena_alloc(&keep, c.n + 1);
    for (size_t i = 0; ok && i < c.n; i++) {
        exec_arg_t *a = &st->args[i];
        c.args[i].name = a->name != NULL ? a->name : "";
        c.args[i].output = a->output;
        c.args[i].is_default = a->value == NULL;
        if (a->value == NULL) continue;
        ok = eval_scalar(s, a->value, NULL, &c.args[i].value, &c.args[i].type);
        if (ok && !c.args[i].value.is_null &&
            (type_is_char(c.args[i].type.base) || type_is_binary(c.args[i].type.base) ||
             c.args[i].type.base == SIM_T_XML))
            c.args[i].value.u.s.ptr = arena_memdup(&keep, c.args[i].value.u.s.ptr, c.args[i].value.u.s.len);
    }
    ok = ok && dispatch(s, &c, flow);
    for (size_t i = 0; ok && i < c.n; i++) {
        if (!c.out_set[i] || st->args[i].value == NULL || st->args[i].value->kind != E_VAR) continue;
        sim_var_t *v = session_var(s, st->args[i].value->name.part[0]);
        sim_value_t out;
        sql_error_t err = {0};
        if (v != NULL && value_convert(&keep, &c.args[i].type, &c.outs[i], &v->type, 0, 0, &out, &err))
            var_set(v, &out);
    }
    if (ok && st->var != NULL) {
        sim_var_t *v = session_var(s, st->var);
        sim_typeinfo_t it = type_simple(SIM_T_INT);
        sim_value_t iv = value_int(s->proc_status), out;
        sql_error_t err = {0};
        if (v == NULL)
            ok = fail(s, 137, 15, 2, "Must declare the scalar variable \"%s\".", st->var);
        else if (value_convert(&keep, &it, &iv, &v->type, 0, 0, &out, &err))
            var_set(v, &out);
    }
    arena_done(&keep);
    if (!ok) return false;
    if (*flow == FLOW_RETURN) *flow = FLOW_NEXT;
    return finish_call(s, true, true, SIM_DONE_PROC);
}

static const char *proc_id_name(uint16_t id)
{
    static const char *const names[] = {"",
                                        "sp_cursor",
                                        "sp_cursoropen",
                                        "sp_cursorprepare",
                                        "sp_cursorexecute",
                                        "sp_cursorprepexec",
                                        "sp_cursorunprepare",
                                        "sp_cursorfetch",
                                        "sp_cursoroption",
                                        "sp_cursorclose",
                                        "sp_executesql",
                                        "sp_prepare",
                                        "sp_execute",
                                        "sp_prepexec",
                                        "sp_prepexecrpc",
                                        "sp_unprepare"};
    return id < 16 ? names[id] : "";
}

bool sim_session_rpc(sim_session_t *s, const sim_rpc_t *rpc, sim_sink_t *sink)
{
    call_t c = {.sdb = s->cur, .n = rpc->nparams};
    name_t nm;
    arena_t keep = {0};
    frame_t f = {.in_proc = true};
    flow_t flow = FLOW_NEXT;
    s->sink = sink;
    s->gone = false;
    s->try_depth = 0;
    arena_reset(&s->arena);
    s->err = (sql_error_t){0};
    s->err_line = 0;
    s->line = 1;
    s->stmt_time = server_utc(s->server);
    const char *text = rpc->proc_id != 0 ? proc_id_name(rpc->proc_id) : rpc->name;
    const char *sql = text;
    static const struct {
        const char *proc;
        size_t stmt;
    } carriers[] = {{"sp_executesql", 0}, {"sp_prepexec", 2}, {"sp_cursoropen", 1}, {"sp_cursorprepexec", 3}};
    for (size_t i = 0; i < sizeof(carriers) / sizeof(carriers[0]) && rpc->nparams > 0; i++) {
        if (!name_eq(text, carriers[i].proc)) continue;
        const char *t = proc_text(s, rpc->params, rpc->nparams, carriers[i].stmt, "@stmt");
        if (t != NULL) sql = t;
    }
    if (name_eq(text, "sp_execute") && rpc->nparams > 0 && rpc->params[0].type.base == SIM_T_INT &&
        !rpc->params[0].value.is_null) {
        const char *t = sim_session_prepared(s, rpc->params[0].value.u.i);
        if (t != NULL) sql = t;
    }
    bool ok = fault_check(s, sql, strlen(sql));
    if (ok && !parse_name_text(&keep, text, strlen(text), &nm))
        ok = fail(s, 2812, 16, 62, "Could not find stored procedure '%s'.", text);
    if (ok && nm.n >= 3 && nm.part[nm.n - 3][0] != '\0' && (c.sdb = session_db(s, nm.part[nm.n - 3])) == NULL)
        ok = fail(s, 911, 16, 1, "Database '%s' does not exist. Make sure that the name is entered correctly.",
                  nm.part[nm.n - 3]);
    c.outs = arena_alloc(&keep, sizeof(*c.outs) * (c.n + 1));
    c.out_set = arena_alloc(&keep, c.n + 1);
    c.args = arena_alloc(&keep, sizeof(*c.args) * (c.n + 1));
    if (c.n != 0) memcpy(c.args, rpc->params, sizeof(*c.args) * c.n);
    if (ok && !s->gone) {
        c.name = nm.part[nm.n - 1];
        c.shown = name_dotted(&keep, &nm);
        if (nm.n >= 2 && nm.part[nm.n - 2][0] != '\0') c.schema = nm.part[nm.n - 2];
        f.outer = s->frame;
        s->frame = &f;
        ok = dispatch(s, &c, &flow);
        s->frame = f.outer;
        vars_free(s, f.vars);
    }
    if (!ok && !s->gone && s->err.text != NULL) {
        if (s->err.number == 1205 || s->err.number == 3960 || (s->xact_abort && s->trancount > 0)) tran_abort(s, true);
        if (s->err.number == 2812 || s->err.number == 102) log_unknown(s, text, strlen(text));
        send_message(s, s->err.number, s->err.class, s->err.state, s->err.text, s->err_line != 0 ? s->err_line : 1);
        s->last_error = s->err.number;
        s->err = (sql_error_t){0};
    }
    if (!s->gone && ok && !sink->ops->return_status(sink, s->proc_status)) s->gone = true;
    for (size_t i = 0; i < c.n && !s->gone && ok; i++) {
        if (!rpc->params[i].output) continue;
        const sim_value_t *v = c.out_set[i] ? &c.outs[i] : &rpc->params[i].value;
        sim_typeinfo_t t = rpc->params[i].type;
        if (c.out_set[i] && t.base != SIM_T_INT &&
            (name_eq(c.name, "sp_prepexec") || name_eq(c.name, "sp_prepare") || strncmp(c.name, "sp_cursor", 9) == 0))
            t = type_simple(SIM_T_INT);
        if (!sink->ops->return_value(sink, (uint16_t)i, rpc->params[i].name, &t, v)) s->gone = true;
    }
    if (!s->gone) send_done(s, SIM_DONE_PROC, false, 0, !ok, 0xE0);
    if (s->gone && s->trancount == 0) tran_abort(s, false);
    arena_done(&keep);
    s->sink = NULL;
    return !s->gone;
}

static const iso_t wire_iso[] = {0, ISO_RU, ISO_RC, ISO_RR, ISO_SER, ISO_SNAPSHOT};

bool sim_session_tm(sim_session_t *s, sim_tm_op_t op, int isolation, const char *name, bool begin_next,
                    int next_isolation, sim_sink_t *sink)
{
    bool ok;
    s->sink = sink;
    s->gone = false;
    arena_reset(&s->arena);
    s->err = (sql_error_t){0};
    s->stmt_time = server_utc(s->server);
    uint16_t cmd = op == SIM_TM_BEGIN ? 0xD4 : op == SIM_TM_COMMIT ? 0xD5 : op == SIM_TM_ROLLBACK ? 0xD2 : 0xFD;
    const char *label = name != NULL && name[0] != '\0' ? name : NULL;
    switch (op) {
    case SIM_TM_BEGIN:
        if (isolation >= 1 && isolation <= 5) s->isolation = wire_iso[isolation];
        ok = tran_begin(s, label);
        break;
    case SIM_TM_COMMIT:
        ok = tran_commit(s);
        break;
    case SIM_TM_ROLLBACK:
        ok = tran_rollback(s, label);
        break;
    case SIM_TM_SAVE:
        ok = tran_save(s, label != NULL ? label : "");
        break;
    default:
        ok = fail(s, 3987, 16, 1, "Distributed transactions are not supported by this server.");
    }
    if (ok && begin_next && (op == SIM_TM_COMMIT || op == SIM_TM_ROLLBACK)) {
        if (next_isolation >= 1 && next_isolation <= 5) s->isolation = wire_iso[next_isolation];
        ok = tran_begin(s, NULL);
    }
    if (!ok && s->err.text != NULL) {
        send_message(s, s->err.number, s->err.class, s->err.state, s->err.text, 1);
        s->last_error = s->err.number;
        s->err = (sql_error_t){0};
    }
    if (!s->gone) send_done(s, SIM_DONE_BATCH, false, 0, !ok, cmd);
    s->sink = NULL;
    return !s->gone;
}
