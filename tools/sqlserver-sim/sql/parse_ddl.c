/* parse_ddl.c: CREATE, ALTER, DROP, TRUNCATE. */
#include <string.h>

#include "sql/parser.h"

static bool ref_action(parser_t *p, int *ret)
{
    bool hit;
    if (p_is_word(p, "no")) return p_next(p) && p_expect_word(p, "action");
    if (!p_accept_kw(p, KW_CASCADE, &hit)) return false;
    if (hit) {
        *ret = 1;
        return true;
    }
    if (!p_expect_kw(p, KW_SET)) return false;
    *ret = p_is_kw(p, KW_NULL) ? 2 : 3;
    return p_is_kw(p, KW_NULL) || p_is_kw(p, KW_DEFAULT) ? p_next(p) : p_fail(p);
}

static bool references(parser_t *p, table_constraint_t *c)
{
    if (!p_expect_kw(p, KW_REFERENCES) || !p_name(p, &c->ref)) return false;
    if (p_is_op(p, '(') && !p_name_list(p, &c->ref_cols, &c->nref_cols)) return false;
    while (p_is_kw(p, KW_ON)) {
        if (!p_next(p)) return false;
        bool del = p_is_kw(p, KW_DELETE);
        if (!del && !p_is_kw(p, KW_UPDATE)) return p_fail(p);
        if (!p_next(p) || !ref_action(p, del ? &c->on_delete : &c->on_update)) return false;
    }
    return true;
}

static bool index_options(parser_t *p)
{
    bool hit;
    if (p_is_kw(p, KW_WITH)) {
        token_t ahead;
        if (!p_peek(p, &ahead)) return false;
        if (ahead.kind == T_OP && ahead.kw == '(') {
            int depth = 0;
            if (!p_next(p)) return false;
            do {
                if (p_is_op(p, '(')) depth++;
                if (p_is_op(p, ')')) depth--;
                if (p->tok.kind == T_EOF) return p_fail(p);
                if (!p_next(p)) return false;
            } while (depth > 0);
        }
    }
    if (p_is_kw(p, KW_ON)) { /* ON [PRIMARY] */
        token_t ahead;
        if (!p_peek(p, &ahead)) return false;
        if (ahead.kind == T_QUOTED || tok_is_word(&ahead, "primary")) {
            if (!p_skip_two(p)) return false;
        }
    }
    if (!p_accept_word(p, "textimage_on", &hit)) return false;
    return hit ? p_next(p) : true;
}

static bool key_columns(parser_t *p, const char ***cols, bool **desc, size_t *n)
{
    bool more = true, asc;
    if (!p_expect_op(p, '(')) return false;
    while (more) {
        const char *c;
        bool d = false;
        size_t nd = *n;
        if (!p_ident(p, &c) || !p_accept_kw(p, KW_ASC, &asc)) return false;
        if (!asc && !p_accept_kw(p, KW_DESC, &d)) return false;
        P_PUSH(p, *cols, *n, c);
        P_PUSH(p, *desc, nd, d);
        if (!p_accept_op(p, ',', &more)) return false;
    }
    return p_expect_op(p, ')');
}

static bool clustering(parser_t *p, bool *clustered, bool *nonclustered)
{
    return p_accept_kw(p, KW_CLUSTERED, clustered) && (*clustered || p_accept_kw(p, KW_NONCLUSTERED, nonclustered));
}

/* At CONSTRAINT name or PRIMARY/UNIQUE/FOREIGN/CHECK/DEFAULT. */
static bool table_constraint(parser_t *p, const char *name, table_constraint_t *c)
{
    memset(c, 0, sizeof(*c));
    c->name = name;
    if (p_is_kw(p, KW_PRIMARY) || p_is_kw(p, KW_UNIQUE)) {
        c->kind = p_is_kw(p, KW_PRIMARY) ? 'P' : 'U';
        if (!p_next(p) || (c->kind == 'P' && !p_expect_kw(p, KW_KEY))) return false;
        return clustering(p, &c->clustered, &c->nonclustered) && key_columns(p, &c->cols, &c->desc, &c->ncols) &&
               index_options(p);
    }
    if (p_is_kw(p, KW_FOREIGN)) {
        c->kind = 'F';
        return p_next(p) && p_expect_kw(p, KW_KEY) && p_name_list(p, &c->cols, &c->ncols) && references(p, c);
    }
    if (p_is_kw(p, KW_CHECK)) {
        c->kind = 'C';
        return p_next(p) && p_expect_op(p, '(') && p_cond(p, &c->expr) && p_expect_op(p, ')');
    }
    if (p_is_kw(p, KW_DEFAULT)) {
        const char *col;
        c->kind = 'D';
        if (!p_next(p) || !p_expr(p, &c->expr) || !p_expect_kw(p, KW_FOR) || !p_ident(p, &col)) return false;
        P_PUSH(p, c->cols, c->ncols, col);
        return true;
    }
    return p_fail(p);
}

static bool column_def(parser_t *p, column_def_t *d, table_constraint_t **cons, size_t *ncons)
{
    bool hit;
    memset(d, 0, sizeof(*d));
    if (!p_ident(p, &d->name)) return false;
    if (p_is_kw(p, KW_AS)) {
        if (!p_next(p) || !p_expr(p, &d->computed)) return false;
        return p_accept_word(p, "persisted", &d->persisted);
    }
    if (p_is_op(p, ',') || p_is_op(p, ')')) { /* "timestamp" alone declares a column of that name and type */
        if (!name_eq(d->name, "timestamp")) return p_fail(p);
        d->type = arena_alloc(p->arena, sizeof(type_ref_t));
        d->type->name = "timestamp";
        d->type->type = type_simple(SIM_T_TIMESTAMP);
        return true;
    }
    if (!p_type(p, &d->type)) return false;
    sim_typeinfo_t *t = &d->type->type;
    if (t->len == 0 && (type_is_char(t->base) || type_is_binary(t->base))) t->len = type_is_unicode(t->base) ? 2 : 1;
    const char *cname = NULL;
    for (;;) {
        if (p_is_kw(p, KW_NULL)) {
            d->null_spec = 1;
            if (!p_next(p)) return false;
        } else if (p_is_kw(p, KW_NOT)) {
            if (!p_next(p)) return false;
            if (p_is_kw(p, KW_FOR)) { /* NOT FOR REPLICATION */
                if (!p_skip_two(p)) return false;
                continue;
            }
            if (!p_expect_kw(p, KW_NULL)) return false;
            d->null_spec = 2;
        } else if (p_is_kw(p, KW_IDENTITY)) {
            d->identity = true;
            d->seed = d->incr = 1;
            if (!p_next(p) || !p_accept_op(p, '(', &hit)) return false;
            if (hit && (!p_int(p, &d->seed) || !p_expect_op(p, ',') || !p_int(p, &d->incr) || !p_expect_op(p, ')')))
                return false;
        } else if (p_is_kw(p, KW_COLLATE)) {
            if (!p_next(p) || !p_ident(p, &d->collate)) return false;
        } else if (p_is_kw(p, KW_CONSTRAINT)) {
            if (!p_next(p) || !p_ident(p, &cname)) return false;
            continue;
        } else if (p_is_kw(p, KW_DEFAULT)) {
            d->dflt_name = cname;
            if (!p_next(p) || !p_expr(p, &d->dflt)) return false;
        } else if (p_is_kw(p, KW_PRIMARY) || p_is_kw(p, KW_UNIQUE)) {
            if (p_is_kw(p, KW_PRIMARY))
                d->primary_key = true;
            else
                d->unique = true;
            d->key_name = cname;
            if (!p_next(p) || (d->primary_key && p_is_kw(p, KW_KEY) && !p_next(p))) return false;
            if (!clustering(p, &d->clustered, &d->nonclustered) || !index_options(p)) return false;
        } else if (p_is_kw(p, KW_REFERENCES) || p_is_kw(p, KW_FOREIGN)) {
            table_constraint_t c = {.kind = 'F', .name = cname};
            if (p_is_kw(p, KW_FOREIGN) && (!p_next(p) || !p_expect_kw(p, KW_KEY))) return false;
            if (!references(p, &c)) return false;
            P_PUSH(p, c.cols, c.ncols, d->name);
            P_PUSH(p, *cons, *ncons, c);
        } else if (p_is_kw(p, KW_CHECK)) {
            table_constraint_t c;
            if (!table_constraint(p, cname, &c)) return false;
            P_PUSH(p, c.cols, c.ncols, d->name);
            P_PUSH(p, *cons, *ncons, c);
        } else if (p_is_kw(p, KW_ROWGUIDCOL) || p_is_word(p, "sparse")) {
            if (p_is_word(p, "sparse")) d->sparse = true;
            if (!p_next(p)) return false;
        } else {
            return true;
        }
        cname = NULL;
    }
}

bool p_table_defs(parser_t *p, column_def_t **ret_defs, size_t *ret_n, table_constraint_t **ret_cons, size_t *ret_ncons)
{
    bool more = true;
    if (!p_expect_op(p, '(')) return false;
    while (more) {
        const char *cname = NULL;
        if (p_is_op(p, ')') && *ret_n > 0) break; /* a trailing comma is accepted by SQL Server */
        if (p_is_kw(p, KW_CONSTRAINT) && (!p_next(p) || !p_ident(p, &cname))) return false;
        if (cname != NULL || p_is_kw(p, KW_PRIMARY) || p_is_kw(p, KW_UNIQUE) || p_is_kw(p, KW_FOREIGN) ||
            p_is_kw(p, KW_CHECK)) {
            table_constraint_t c;
            if (!table_constraint(p, cname, &c)) return false;
            P_PUSH(p, *ret_cons, *ret_ncons, c);
        } else {
            column_def_t d;
            if (!column_def(p, &d, ret_cons, ret_ncons)) return false;
            P_PUSH(p, *ret_defs, *ret_n, d);
        }
        if (!p_accept_op(p, ',', &more)) return false;
    }
    return p_expect_op(p, ')') && index_options(p);
}

static bool create_index(parser_t *p, stmt_t *s)
{
    bool nc, c;
    s->kind = ST_CREATE_INDEX;
    if (!p_accept_kw(p, KW_UNIQUE, &s->flag)) return false; /* flag: unique, flag2: clustered */
    if (!clustering(p, &c, &nc) || !p_expect_kw(p, KW_INDEX)) return false;
    s->flag2 = c;
    if (!p_ident(p, &s->word) || !p_expect_kw(p, KW_ON) || !p_name(p, &s->name)) return false;
    if (!key_columns(p, &s->cols, &s->desc, &s->ncols)) return false;
    if (p_is_word(p, "include")) {
        const char **inc;
        size_t n;
        if (!p_next(p) || !p_name_list(p, &inc, &n)) return false;
    }
    return index_options(p);
}

static bool module_body(parser_t *p, stmt_t *s, const char *kind)
{
    s->kind = ST_CREATE_MODULE;
    s->word = kind;
    if (!p_next(p) || !p_name(p, &s->name)) return false;
    while (p->tok.kind != T_EOF) { /* the text is stored and parsed when used */
        if (!p_next(p)) return false;
    }
    return true;
}

static bool create(parser_t *p, stmt_t *s)
{
    bool hit;
    if (!p_next(p)) return false;
    if (p_is_kw(p, KW_OR)) {
        if (!p_next(p) || !p_expect_kw(p, KW_ALTER)) return false;
        s->flag2 = true;
    }
    if (!p_security_ddl(p, s, KW_CREATE, &hit)) return false;
    if (hit) return true;
    if (p_is_kw(p, KW_PROC) || p_is_kw(p, KW_PROCEDURE)) return module_body(p, s, "P");
    if (p_is_kw(p, KW_VIEW)) return module_body(p, s, "V");
    if (p_is_kw(p, KW_TABLE)) {
        s->kind = ST_CREATE_TABLE;
        return p_next(p) && p_name(p, &s->name) &&
               p_table_defs(p, &s->defs, &s->ndefs, &s->constraints, &s->nconstraints);
    }
    if (p_is_kw(p, KW_SCHEMA)) {
        s->kind = ST_CREATE_SCHEMA;
        if (!p_next(p) || !p_ident(p, &s->word) || !p_accept_kw(p, KW_AUTHORIZATION, &hit)) return false;
        const char *owner;
        return hit ? p_ident(p, &owner) : true;
    }
    if (p_is_kw(p, KW_DATABASE)) {
        s->kind = ST_CREATE_DATABASE;
        if (!p_next(p) || !p_ident(p, &s->word)) return false;
        if (p_is_kw(p, KW_COLLATE)) return p_next(p) && p_ident(p, &s->var);
        return true;
    }
    return create_index(p, s);
}

static bool alter_table(parser_t *p, stmt_t *s)
{
    bool more = true, check_prefix = false;
    s->kind = ST_ALTER_TABLE;
    if (!p_name(p, &s->name)) return false;
    if (p_is_kw(p, KW_WITH)) { /* WITH CHECK | NOCHECK */
        if (!p_next(p) || !(p_is_kw(p, KW_CHECK) || p_is_kw(p, KW_NOCHECK))) return p_fail(p);
        check_prefix = true;
        s->flag = p_is_kw(p, KW_NOCHECK);
        if (!p_next(p)) return false;
    }
    if (p_is_kw(p, KW_CHECK) || p_is_kw(p, KW_NOCHECK)) {
        s->action = p_is_kw(p, KW_CHECK) ? 'y' : 'n';
        if (!p_next(p) || !p_expect_kw(p, KW_CONSTRAINT)) return false;
        if (p_is_kw(p, KW_ALL)) return p_next(p);
        while (more) {
            const char *c;
            if (!p_ident(p, &c)) return false;
            P_PUSH(p, s->cols, s->ncols, c);
            if (!p_accept_op(p, ',', &more)) return false;
        }
        return true;
    }
    if (p_is_kw(p, KW_ADD)) {
        s->action = 'a';
        if (!p_next(p)) return false;
        while (more) {
            const char *cname = NULL;
            if (p_is_kw(p, KW_CONSTRAINT) && (!p_next(p) || !p_ident(p, &cname))) return false;
            if (cname != NULL || p_is_kw(p, KW_PRIMARY) || p_is_kw(p, KW_UNIQUE) || p_is_kw(p, KW_FOREIGN) ||
                p_is_kw(p, KW_CHECK) || p_is_kw(p, KW_DEFAULT)) {
                table_constraint_t c;
                if (!table_constraint(p, cname, &c)) return false;
                P_PUSH(p, s->constraints, s->nconstraints, c);
            } else {
                column_def_t d;
                if (!column_def(p, &d, &s->constraints, &s->nconstraints)) return false;
                P_PUSH(p, s->defs, s->ndefs, d);
                if (p_is_kw(p, KW_WITH)) { /* WITH VALUES */
                    if (!p_next(p) || !p_expect_kw(p, KW_VALUES)) return false;
                    s->flag2 = true;
                }
            }
            if (!p_accept_op(p, ',', &more)) return false;
        }
        return true;
    }
    if (check_prefix) return p_fail(p);
    if (p_is_kw(p, KW_DROP)) {
        bool column, hit;
        if (!p_next(p) || !p_accept_kw(p, KW_COLUMN, &column)) return false;
        s->action = column ? 'd' : 'D';
        if (!column && !p_accept_kw(p, KW_CONSTRAINT, &hit)) return false;
        if (p_is_kw(p, KW_IF)) {
            if (!p_next(p) || !p_expect_kw(p, KW_EXISTS)) return false;
            s->flag = true;
        }
        while (more) {
            const char *c;
            if (!p_ident(p, &c)) return false;
            P_PUSH(p, s->cols, s->ncols, c);
            if (!p_accept_op(p, ',', &more)) return false;
        }
        return true;
    }
    if (p_is_kw(p, KW_ALTER)) {
        column_def_t d;
        s->action = 'c';
        if (!p_next(p) || !p_expect_kw(p, KW_COLUMN) || !column_def(p, &d, &s->constraints, &s->nconstraints))
            return false;
        P_PUSH(p, s->defs, s->ndefs, d);
        return true;
    }
    return p_fail(p);
}

static bool alter_database(parser_t *p, stmt_t *s)
{
    bool hit;
    s->kind = ST_ALTER_DATABASE;
    if (p_is_word(p, "current")) {
        s->word = NULL;
        if (!p_next(p)) return false;
    } else if (!p_ident(p, &s->word)) {
        return false;
    }
    if (p_is_word(p, "modify")) { /* MODIFY NAME = x */
        return p_next(p) && p_expect_word(p, "name") && p_expect_op(p, '=') && p_ident(p, &s->var);
    }
    if (!p_expect_kw(p, KW_SET)) return false;
    if (p->tok.kind != T_WORD) return p_fail(p);
    P_PUSH(p, s->cols, s->ncols, p_text(p, &p->tok));
    if (!p_next(p) || !p_accept_op(p, '=', &hit)) return false;
    if (p->tok.kind == T_WORD && !p_is_kw(p, KW_WITH)) {
        P_PUSH(p, s->cols, s->ncols, p_text(p, &p->tok));
        if (!p_next(p)) return false;
    } else if (p->tok.kind == T_INT && !p_next(p)) {
        return false;
    }
    if (p_is_kw(p, KW_WITH)) { /* WITH ROLLBACK IMMEDIATE | NO_WAIT | ROLLBACK AFTER n */
        if (!p_skip_two(p)) return false;
        while (p_is_word(p, "immediate") || p_is_word(p, "after") || p->tok.kind == T_INT || p_is_word(p, "seconds"))
            if (!p_next(p)) return false;
    }
    return true;
}

static bool if_exists(parser_t *p, stmt_t *s)
{
    if (!p_is_kw(p, KW_IF)) return true;
    s->flag = true;
    return p_next(p) && p_expect_kw(p, KW_EXISTS);
}

static bool name_series(parser_t *p, stmt_t *s)
{
    bool more = true;
    while (more) {
        name_t nm;
        if (!p_name(p, &nm)) return false;
        P_PUSH(p, s->names, s->nnames, nm);
        if (!p_accept_op(p, ',', &more)) return false;
    }
    return true;
}

static bool drop(parser_t *p, stmt_t *s)
{
    bool hit;
    if (!p_next(p) || !p_security_ddl(p, s, KW_DROP, &hit)) return false;
    if (hit) return true;
    if (p_is_kw(p, KW_TABLE)) {
        s->kind = ST_DROP_TABLE;
        return p_next(p) && if_exists(p, s) && name_series(p, s);
    }
    if (p_is_kw(p, KW_DATABASE)) {
        s->kind = ST_DROP_DATABASE;
        return p_next(p) && if_exists(p, s) && name_series(p, s);
    }
    if (p_is_kw(p, KW_SCHEMA)) {
        s->kind = ST_DROP_SCHEMA;
        return p_next(p) && if_exists(p, s) && p_ident(p, &s->word);
    }
    if (p_is_kw(p, KW_INDEX)) {
        s->kind = ST_DROP_INDEX;
        if (!p_next(p) || !if_exists(p, s) || !p_ident(p, &s->word)) return false;
        return p_expect_kw(p, KW_ON) && p_name(p, &s->name);
    }
    if (p_is_kw(p, KW_PROC) || p_is_kw(p, KW_PROCEDURE) || p_is_kw(p, KW_VIEW) || p_is_kw(p, KW_FUNCTION)) {
        s->kind = ST_DROP_MODULE;
        s->word = p_is_kw(p, KW_VIEW) ? "V" : p_is_kw(p, KW_FUNCTION) ? "IF" : "P";
        return p_next(p) && if_exists(p, s) && name_series(p, s);
    }
    return p_fail(p);
}

bool p_ddl(parser_t *p, stmt_t *s)
{
    if (p_is_kw(p, KW_CREATE)) return create(p, s);
    if (p_is_kw(p, KW_DROP)) return drop(p, s);
    if (p_is_kw(p, KW_TRUNCATE)) {
        s->kind = ST_TRUNCATE;
        return p_next(p) && p_expect_kw(p, KW_TABLE) && p_name(p, &s->name);
    }
    bool hit;
    if (!p_next(p) || !p_security_ddl(p, s, KW_ALTER, &hit)) return false;
    if (hit) return true;
    if (p_is_kw(p, KW_TABLE)) return p_next(p) && alter_table(p, s);
    if (p_is_kw(p, KW_DATABASE)) return p_next(p) && alter_database(p, s);
    s->flag = true; /* ALTER PROCEDURE/VIEW */
    if (p_is_kw(p, KW_PROC) || p_is_kw(p, KW_PROCEDURE)) return module_body(p, s, "P");
    if (p_is_kw(p, KW_VIEW)) return module_body(p, s, "V");
    return p_fail(p);
}
