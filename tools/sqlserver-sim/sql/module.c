/* module.c: user views and procedures. */
#include "sql/module.h"

#include <stdlib.h>
#include <string.h>

#include "sql/parser.h"
#include "sql/security.h"

bool module_check(sim_session_t *s, const char *text, char kind)
{
    module_text_t m;
    sql_error_t err = {0};
    if (!parse_module(&s->arena, text, strlen(text), &m, &err)) return fail_err(s, &err);
    if (kind == 'V') return true;
    stmt_t *first;
    int line;
    const char *body = text + m.body, **known = arena_alloc(&s->arena, sizeof(char *) * (m.nparams + 1));
    for (size_t i = 0; i < m.nparams; i++) known[i] = m.params[i].name;
    return parse_batch(&s->arena, body, strlen(body), true, known, m.nparams, &first, &err, &line) ? true
                                                                                                   : fail_err(s, &err);
}

bool module_bind_view(binder_t *b, sdb_t *sdb, const char *schema, const char *name, bound_query_t *ret_query,
                      const char ***ret_cols, size_t *ret_ncols, bool *ret_found)
{
    const cat_module_t *v = catalog_module(sdb->cat, schema, name, 'V');
    module_text_t m;
    sql_error_t err = {0};
    *ret_found = v != NULL;
    if (v == NULL) return true;
    if (!security_check(b->s, sdb, v->id, v->schema_id, v->name, v->schema, "SELECT")) return false;
    if (!parse_module(b->a, v->body, strlen(v->body), &m, &err)) return fail_err(b->s, &err);
    scope_t *scope = b->scope;
    scope_cte_t *ctes = b->ctes;
    sdb_t *cur = b->s->cur;
    b->scope = NULL;
    b->ctes = NULL;
    b->s->cur = sdb; /* names inside the view belong to its own database */
    b->s->trusted++;
    bool ok = bind_query(b, m.query, false, ret_query);
    b->s->trusted--;
    b->s->cur = cur;
    b->scope = scope;
    b->ctes = ctes;
    *ret_cols = m.cols;
    *ret_ncols = m.ncols;
    return ok;
}

bool module_call(proc_call_t *c, const char *schema, bool *ret_found)
{
    sim_session_t *s = c->s;
    const cat_module_t *p = catalog_module(c->sdb->cat, schema, c->name, 'P');
    arena_t keep = {0};
    module_text_t m;
    sql_error_t err = {0};
    *ret_found = p != NULL;
    if (p == NULL) return true;
    if (!security_check(s, c->sdb, p->id, p->schema_id, p->name, p->schema, "EXECUTE")) return false;
    char *text = arena_strdup(&keep, p->body), *name = arena_strdup(&keep, p->name);
    bool ok = parse_module(&keep, text, strlen(text), &m, &err) ? true : fail_err(s, &err);
    frame_t f = {.in_proc = true, .proc = name};
    if (ok && c->n > m.nparams)
        ok = fail(s, 8144, 16, 2, "Procedure or function %s has too many arguments specified.", name);
    for (size_t i = 0; ok && i < m.nparams; i++) {
        sim_var_t *v = frame_declare(&f, m.params[i].name, &m.params[i].type->type);
        const sim_param_t *a = proc_arg(c->args, c->n, i, m.params[i].name);
        sim_value_t out;
        if (a != NULL) {
            ok = value_convert(&keep, &a->type, &a->value, &v->type, 0, 0, &out, &err) ? true : fail_err(s, &err);
            if (ok) var_set(v, &out);
        } else if (m.params[i].init != NULL) {
            ok = eval_scalar(s, m.params[i].init, &v->type, &out, NULL);
            if (ok) var_set(v, &out);
        } else if (!m.outputs[i]) {
            ok = fail(s, 201, 16, 4, "Procedure or function '%s' expects parameter '%s', which was not supplied.", name,
                      m.params[i].name);
        }
    }
    if (!ok) {
        vars_free(s, f.vars);
        arena_done(&keep);
        return false;
    }
    proc_capture_t cap = {.items = m.params, .outs = m.outputs, .n = m.nparams};
    cap.values = arena_alloc(&keep, sizeof(sim_value_t) * (m.nparams + 1));
    sdb_t *cur = s->cur;
    (void)stmt_end(s, true); /* the body's statements are their own transactions */
    s->cur = c->sdb;
    s->trusted++;
    flow_t flow = exec_body_capture(s, text + m.body, strlen(text + m.body), &f, &cap, &keep);
    s->trusted--;
    s->cur = cur;
    if (!s->gone && flow != FLOW_ERROR) stmt_begin(s, false);
    for (size_t i = 0; i < m.nparams && flow != FLOW_ERROR; i++) {
        for (size_t k = 0; m.outputs[i] && k < c->n; k++) {
            if (c->args[k].name[0] != '\0' ? !name_eq(c->args[k].name, m.params[i].name) : k != i) continue;
            const sim_typeinfo_t *t = &m.params[i].type->type;
            if (!value_convert(&s->row_arena, t, &cap.values[i], &c->args[k].type, 0, 0, &c->outs[k], &err)) continue;
            if (!c->outs[k].is_null && (type_is_char(c->args[k].type.base) || type_is_binary(c->args[k].type.base)))
                c->outs[k].u.s.ptr = arena_memdup(&s->arena, c->outs[k].u.s.ptr, c->outs[k].u.s.len);
            c->out_set[k] = true;
        }
    }
    arena_done(&keep);
    return flow != FLOW_ERROR;
}
