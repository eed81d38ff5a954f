/* parse_stmt.c: statements, control flow and the batch. Statements end where their grammar ends; ';' is optional. */
#include <string.h>

#include "sql/parser.h"

static bool skip_semicolons(parser_t *p)
{
    while (p_is_op(p, ';'))
        if (!p_next(p)) return false;
    return true;
}

static bool block(parser_t *p, stmt_t **ret_first)
{
    stmt_t *first = NULL, *last = NULL;
    if (!skip_semicolons(p)) return false;
    while (!p_is_kw(p, KW_END)) {
        stmt_t *s;
        if (p->tok.kind == T_EOF) return p_fail(p);
        if (!p_stmt(p, &s) || !skip_semicolons(p)) return false;
        if (last == NULL)
            first = s;
        else
            last->next = s;
        last = s;
    }
    *ret_first = first;
    return p_next(p);
}

static bool tran_name(parser_t *p, stmt_t *s)
{
    if (p_is_kw(p, KW_TRAN) || p_is_kw(p, KW_TRANSACTION)) {
        if (!p_next(p)) return false;
        if (p_at_ident(p)) return p_ident(p, &s->word);
        if (p->tok.kind == T_VAR) {
            return p_var(p, VAR_READ, &s->var);
        }
    }
    return true;
}

static bool begin(parser_t *p, stmt_t *s)
{
    bool hit;
    if (!p_next(p)) return false;
    if (p_is_kw(p, KW_TRAN) || p_is_kw(p, KW_TRANSACTION)) {
        s->kind = ST_BEGIN_TRAN;
        return tran_name(p, s);
    }
    if (p_is_word(p, "try")) {
        s->kind = ST_TRY;
        if (!p_next(p) || !block(p, &s->body) || !p_expect_word(p, "try") || !skip_semicolons(p)) return false;
        if (!p_expect_kw(p, KW_BEGIN) || !p_expect_word(p, "catch") || !block(p, &s->other)) return false;
        return p_expect_word(p, "catch");
    }
    s->kind = ST_BLOCK;
    (void)hit;
    if (!block(p, &s->body)) return false;
    if (s->body == NULL) return p_fail(p);
    return true;
}

static bool if_stmt(parser_t *p, stmt_t *s)
{
    bool hit;
    s->kind = ST_IF;
    if (!p_next(p) || !p_cond(p, &s->expr) || !p_stmt(p, &s->body)) return false;
    if (p_is_op(p, ';')) {
        token_t ahead;
        if (!p_peek(p, &ahead)) return false;
        if (ahead.kind == T_WORD && ahead.kw == KW_ELSE && !p_next(p)) return false;
    }
    if (!p_accept_kw(p, KW_ELSE, &hit)) return false;
    return hit ? p_stmt(p, &s->other) : true;
}

static bool declare(parser_t *p, stmt_t *s)
{
    bool more = true, hit;
    s->kind = ST_DECLARE;
    if (!p_next(p)) return false;
    if (p_at_ident(p)) return p_cursor_declare(p, s);
    while (more) {
        declare_item_t d = {0};
        if (p->tok.kind != T_VAR) return p_fail(p);
        d.name = p_text(p, &p->tok);
        if (!p_next(p) || !p_accept_kw(p, KW_AS, &hit)) return false;
        if (p_is_kw(p, KW_TABLE)) {
            d.type = arena_alloc(p->arena, sizeof(type_ref_t));
            d.type->is_table = true;
            if (!p_next(p) || !p_table_defs(p, &d.cols, &d.ncols, &d.constraints, &d.nconstraints)) return false;
        } else {
            if (!p_type(p, &d.type)) return false;
            sim_typeinfo_t *t = &d.type->type;
            if (t->len == 0 && (type_is_char(t->base) || type_is_binary(t->base)))
                t->len = type_is_unicode(t->base) ? 2 : 1;
            if (!p_accept_op(p, '=', &hit)) return false;
            if (hit && !p_expr(p, &d.init)) return false;
        }
        P_PUSH(p, s->decls, s->ndecls, d);
        if (!p_declare(p, d.name) || !p_accept_op(p, ',', &more)) return false;
    }
    return true;
}

static bool set_stmt(parser_t *p, stmt_t *s)
{
    if (!p_next(p)) return false;
    if (p->tok.kind == T_VAR) {
        s->kind = ST_SET_VAR;
        if (!p_var(p, VAR_WRITE, &s->var)) return false;
        if (p->tok.kind != T_OP) return p_fail(p);
        s->action = '=';
        token_t ahead;
        if (!p_peek(p, &ahead)) return false;
        if (p_is_op(p, '=') && ahead.kind == T_WORD && ahead.kw == KW_CURSOR) {
            s->word = s->var;
            return p_next(p) && p_cursor_query(p, s);
        }
        if (p->tok.kw >= 'A' && p->tok.kw <= 'H')
            s->action = "+-*/%&|^"[p->tok.kw - 'A'];
        else if (p->tok.kw != '=')
            return p_fail(p);
        return p_next(p) && p_expr(p, &s->expr);
    }
    s->kind = ST_SET_OPTION;
    bool more = true;
    while (more) { /* SET A, B ON */
        if (p->tok.kind != T_WORD) return p_fail(p);
        P_PUSH(p, s->cols, s->ncols, p_text(p, &p->tok));
        if (!p_next(p) || !p_accept_op(p, ',', &more)) return false;
    }
    const char *o = s->cols[0];
    if (name_eq(o, "transaction")) {
        if (!p_expect_word(p, "isolation") || !p_expect_word(p, "level")) return false;
        buf_t b = {0};
        if (p->tok.kind != T_WORD) return p_fail(p);
        buf_add(&b, p->tok.text, p->tok.len);
        if (!p_next(p)) return false;
        if (name_eq(buf_text(&b), "read") || name_eq(buf_text(&b), "repeatable")) {
            buf_addc(&b, ' ');
            buf_add(&b, p->tok.text, p->tok.len);
            if (!p_next(p)) return false;
        }
        s->word = arena_strdup(p->arena, buf_text(&b));
        buf_done(&b);
        return true;
    }
    if (name_eq(o, "identity_insert"))
        return p_name(p, &s->name) && (s->word = p_text(p, &p->tok), p_is_kw(p, KW_ON) || p_is_kw(p, KW_OFF))
                   ? p_next(p)
                   : p_fail(p);
    if (name_eq(o, "statistics")) { /* SET STATISTICS TIME, IO ON */
        while (!p_is_kw(p, KW_ON) && !p_is_kw(p, KW_OFF)) {
            if (p->tok.kind == T_EOF || !p_next(p)) return p_fail(p);
        }
        s->word = "ON";
        return p_next(p);
    }
    if (p_is_kw(p, KW_ON) || p_is_kw(p, KW_OFF) || p_at_ident(p) || p->tok.kind == T_STRING ||
        p->tok.kind == T_NSTRING) {
        s->word = p_text(p, &p->tok);
        return p_next(p);
    }
    return p_expr(p, &s->expr);
}

static bool raiserror(parser_t *p, stmt_t *s)
{
    bool more = true;
    s->kind = ST_RAISERROR;
    if (!p_next(p) || !p_expect_op(p, '(')) return false;
    while (more) {
        expr_t *e;
        if (!p_expr(p, &e)) return false;
        P_PUSH(p, s->values, s->nvalues, e);
        if (!p_accept_op(p, ',', &more)) return false;
    }
    if (s->nvalues < 3) return p_fail(p);
    if (!p_expect_op(p, ')')) return false;
    if (p_is_kw(p, KW_WITH)) {
        if (!p_next(p)) return false;
        do {
            if (p_is_op(p, ',') && !p_next(p)) return false;
            if (!p_is_word(p, "nowait") && !p_is_word(p, "log") && !p_is_word(p, "seterror")) return p_fail(p);
            if (!p_next(p)) return false;
        } while (p_is_op(p, ','));
    }
    return true;
}

static bool waitfor(parser_t *p, stmt_t *s)
{
    s->kind = ST_WAITFOR;
    return p_next(p) && p_expect_word(p, "delay") && p_expr(p, &s->expr);
}

/* WITH option [= value], ... Those of tapes and media change nothing here; what would change the result and is not built
 * (NORECOVERY, differential backups) is refused. flag: KEEP_CDC. */
static bool backup_options(parser_t *p, stmt_t *s)
{
    static const char *const both[] = {"init",           "noinit",    "format",      "noformat", "skip",
                                       "noskip",         "stats",     "unload",      "name",     "compression",
                                       "no_compression", "copy_only", "checksum",    "file",     "replace",
                                       "recovery",       "keep_cdc",  "description", NULL};
    bool more = true, hit;
    while (more) {
        if (!p_next(p)) return false; /* WITH or the comma */
        const char *word = p_text(p, &p->tok);
        size_t i = 0;
        while (both[i] != NULL && !name_eq(both[i], word)) i++;
        bool restore_only = name_eq(word, "replace") || name_eq(word, "recovery") || name_eq(word, "keep_cdc");
        if (both[i] == NULL || (restore_only && s->kind == ST_BACKUP))
            return sql_fail(p->arena, p->err, 155, 15, 1, "'%s' is not a recognized %s option.", word,
                            s->kind == ST_BACKUP ? "BACKUP" : "RESTORE");
        s->flag = s->flag || name_eq(word, "keep_cdc");
        expr_t *value;
        if (!p_next(p) || !p_accept_op(p, '=', &hit) || (hit && !p_expr(p, &value))) return false;
        more = p_is_op(p, ',');
    }
    return true;
}

static bool backup(parser_t *p, stmt_t *s, stmt_kind_t kind)
{
    s->kind = kind;
    if (!p_next(p) || !p_expect_kw(p, KW_DATABASE) || !p_ident(p, &s->word)) return false;
    if (!p_is_kw(p, kind == ST_BACKUP ? KW_TO : KW_FROM)) return p_fail(p);
    if (!p_next(p) || !p_expect_word(p, "disk") || !p_expect_op(p, '=') || !p_expr(p, &s->expr)) return false;
    return p_is_kw(p, KW_WITH) ? backup_options(p, s) : true;
}

static bool dbcc(parser_t *p, stmt_t *s)
{
    s->kind = ST_DBCC;
    if (!p_next(p) || p->tok.kind != T_WORD) return p_fail(p);
    s->word = p_text(p, &p->tok);
    if (!p_next(p)) return false;
    if (!p_is_op(p, '(')) return true;
    if (!p_next(p)) return false;
    while (!p_is_op(p, ')')) {
        if (p->tok.kind == T_EOF) return p_fail(p);
        P_PUSH(p, s->cols, s->ncols, p_text(p, &p->tok));
        if (!p_next(p)) return false;
    }
    return p_next(p);
}

static bool throw_stmt(parser_t *p, stmt_t *s)
{
    bool more = true;
    s->kind = ST_THROW;
    if (!p_next(p)) return false;
    if (p->tok.kind != T_INT && p->tok.kind != T_VAR) return true;
    while (more) {
        expr_t *e;
        if (!p_expr(p, &e)) return false;
        P_PUSH(p, s->values, s->nvalues, e);
        if (!p_accept_op(p, ',', &more)) return false;
    }
    return s->nvalues == 3 ? true : p_fail(p);
}

static bool keyword_stmt(parser_t *p, stmt_t *s)
{
    switch (p->tok.kw) {
    case KW_SELECT:
    case KW_WITH:
        s->kind = ST_SELECT;
        return p_select(p, &s->select);
    case KW_INSERT:
    case KW_UPDATE:
    case KW_DELETE:
    case KW_MERGE:
        return p_dml(p, s);
    case KW_CREATE:
    case KW_ALTER:
    case KW_DROP:
    case KW_TRUNCATE:
        return p_ddl(p, s);
    case KW_EXEC:
    case KW_EXECUTE:
        return p_exec(p, s, false);
    case KW_DECLARE:
        return declare(p, s);
    case KW_SET:
        return set_stmt(p, s);
    case KW_IF:
        return if_stmt(p, s);
    case KW_WHILE:
        s->kind = ST_WHILE;
        return p_next(p) && p_cond(p, &s->expr) && p_stmt(p, &s->body);
    case KW_BREAK:
        s->kind = ST_BREAK;
        return p_next(p);
    case KW_CONTINUE:
        s->kind = ST_CONTINUE;
        return p_next(p);
    case KW_BEGIN:
        return begin(p, s);
    case KW_COMMIT:
    case KW_ROLLBACK: {
        bool hit;
        s->kind = p_is_kw(p, KW_COMMIT) ? ST_COMMIT : ST_ROLLBACK;
        if (!p_next(p) || !p_accept_word(p, "work", &hit)) return false;
        return hit ? true : tran_name(p, s);
    }
    case KW_SAVE:
        s->kind = ST_SAVE;
        if (!p_next(p) || !(p_is_kw(p, KW_TRAN) || p_is_kw(p, KW_TRANSACTION))) return p_fail(p);
        return tran_name(p, s) && (s->word != NULL || s->var != NULL ? true : p_fail(p));
    case KW_USE:
        s->kind = ST_USE;
        return p_next(p) && p_ident(p, &s->word);
    case KW_PRINT:
        s->kind = ST_PRINT;
        return p_next(p) && p_expr(p, &s->expr);
    case KW_RAISERROR:
        return raiserror(p, s);
    case KW_WAITFOR:
        return waitfor(p, s);
    case KW_RETURN:
        s->kind = ST_RETURN;
        if (!p_next(p)) return false;
        if (p->tok.kind == T_INT || p->tok.kind == T_VAR || p_is_op(p, '-') || p_is_op(p, '('))
            return p_expr(p, &s->expr);
        return true;
    case KW_BACKUP:
        return backup(p, s, ST_BACKUP);
    case KW_RESTORE:
        return backup(p, s, ST_RESTORE);
    case KW_DBCC:
        return dbcc(p, s);
    case KW_GRANT:
    case KW_DENY:
    case KW_REVOKE:
        return p_grant(p, s);
    case KW_OPEN:
    case KW_FETCH:
    case KW_CLOSE:
    case KW_DEALLOCATE:
        return p_cursor(p, s);
    case KW_CHECKPOINT:
        s->kind = ST_CHECKPOINT;
        return p_next(p);
    default:
        return p_fail(p);
    }
}

bool p_stmt(parser_t *p, stmt_t **ret_stmt)
{
    stmt_t *s = arena_alloc(p->arena, sizeof(*s));
    s->line = p->tok.line;
    s->start = p->tok.start;
    *ret_stmt = s;
    p->links = 0;
    if (++p->depth > PARSE_DEPTH_MAX)
        return sql_fail(p->arena, p->err, 191, 15, 1,
                        "Some part of your SQL statement is nested too deeply. Rewrite the query or break it up into "
                        "smaller queries.");
    bool ok;
    if (p_is_word(p, "throw"))
        ok = throw_stmt(p, s);
    else if (p_is_op(p, '('))
        ok = (s->kind = ST_SELECT, p_select(p, &s->select));
    else
        ok = keyword_stmt(p, s);
    s->end = p->prev_end;
    p->depth--;
    return ok;
}

static bool start(parser_t *p, arena_t *arena, const char *src, size_t len, sql_error_t *err)
{
    memset(p, 0, sizeof(*p));
    p->arena = arena;
    p->err = err;
    lexer_init(&p->lx, arena, src, len, err);
    return p_next(p);
}

bool parse_batch(arena_t *arena, const char *src, size_t len, bool quoted_identifier, const char *const *known,
                 size_t nknown, stmt_t **ret_first, sql_error_t *err, int *ret_line)
{
    parser_t p;
    stmt_t *first = NULL, *last = NULL;
    memset(&p, 0, sizeof(p));
    p.arena = arena;
    p.err = err;
    lexer_init(&p.lx, arena, src, len, err);
    p.lx.quoted_identifier = quoted_identifier;
    p.check_vars = true;
    for (size_t i = 0; i < nknown; i++) P_PUSH(&p, p.vars, p.nvars, known[i]);
    bool ok = p_next(&p) && skip_semicolons(&p);
    while (ok && p.tok.kind != T_EOF) {
        stmt_t *s;
        if (first == NULL && p_at_ident(&p) &&
            !p_is_word(&p, "throw")) { /* a batch may begin with a bare procedure name */
            s = arena_alloc(arena, sizeof(*s));
            s->line = p.tok.line;
            s->start = p.tok.start;
            ok = p_exec(&p, s, true);
            s->end = p.prev_end;
        } else {
            ok = p_stmt(&p, &s);
        }
        ok = ok && skip_semicolons(&p);
        if (last == NULL)
            first = s;
        else
            last->next = s;
        last = s;
    }
    *ret_first = first;
    *ret_line = p.err_line != 0 ? p.err_line : 1;
    return ok;
}

/* @name type [= default] [OUTPUT], ... up to whatever follows the list. */
static bool params(parser_t *p, declare_item_t **ret_items, bool **ret_output, size_t *ret_n)
{
    declare_item_t *items = NULL;
    bool *outs = NULL, more = true, hit;
    size_t n = 0, m = 0;
    while (more) {
        declare_item_t d = {0};
        bool out = false;
        if (p->tok.kind != T_VAR) return p_fail(p);
        d.name = p_text(p, &p->tok);
        if (!p_next(p)) return false;
        if (p_is_kw(p, KW_AS) && !p_next(p)) return false;
        if (!p_type(p, &d.type)) return false;
        sim_typeinfo_t *t = &d.type->type;
        if (t->len == 0 && (type_is_char(t->base) || type_is_binary(t->base)))
            t->len = type_is_unicode(t->base) ? 2 : 1;
        if (!p_accept_op(p, '=', &hit)) return false;
        if (hit && !p_expr(p, &d.init)) return false;
        while (p_is_word(p, "output") || p_is_word(p, "out") || p_is_word(p, "readonly")) {
            out = true;
            if (!p_next(p)) return false;
        }
        P_PUSH(p, items, n, d);
        P_PUSH(p, outs, m, out);
        if (!p_accept_op(p, ',', &more)) return false;
    }
    *ret_items = items;
    *ret_output = outs;
    *ret_n = n;
    return true;
}

bool parse_params(arena_t *arena, const char *src, size_t len, declare_item_t **ret_items, bool **ret_output,
                  size_t *ret_n, sql_error_t *err)
{
    parser_t p;
    *ret_n = 0;
    if (!start(&p, arena, src, len, err)) return false;
    if (p.tok.kind == T_EOF) return true;
    if (!params(&p, ret_items, ret_output, ret_n)) return false;
    return p.tok.kind == T_EOF ? true : p_fail(&p);
}

bool parse_module(arena_t *arena, const char *src, size_t len, module_text_t *ret, sql_error_t *err)
{
    parser_t p;
    name_t name;
    bool paren;
    memset(ret, 0, sizeof(*ret));
    if (!start(&p, arena, src, len, err)) return false;
    while (!p_is_kw(&p, KW_PROC) && !p_is_kw(&p, KW_PROCEDURE) && !p_is_kw(&p, KW_VIEW))
        if (p.tok.kind == T_EOF || !p_next(&p)) return p_fail(&p);
    bool view = p_is_kw(&p, KW_VIEW);
    if (!p_next(&p) || !p_name(&p, &name)) return false;
    if (view) {
        if (p_is_op(&p, '(') && !p_name_list(&p, &ret->cols, &ret->ncols)) return false;
        if (!p_expect_kw(&p, KW_AS) || !p_select(&p, &ret->query)) return false;
        bool semicolon;
        if (!p_accept_op(&p, ';', &semicolon)) return false;
        return p.tok.kind == T_EOF ? true : p_fail(&p);
    }
    if (!p_accept_op(&p, '(', &paren)) return false;
    if (p.tok.kind == T_VAR && !params(&p, &ret->params, &ret->outputs, &ret->nparams)) return false;
    if (paren && !p_expect_op(&p, ')')) return false;
    if (p_is_kw(&p, KW_WITH) && (!p_skip_two(&p))) return false; /* WITH RECOMPILE and its kind */
    if (!p_is_kw(&p, KW_AS)) return p_fail(&p);
    ret->body = p.tok.end;
    return true;
}

bool parse_expression(arena_t *arena, const char *src, size_t len, bool condition, expr_t **ret_expr, sql_error_t *err)
{
    parser_t p;
    if (!start(&p, arena, src, len, err)) return false;
    if (!(condition ? p_cond(&p, ret_expr) : p_expr(&p, ret_expr))) return false;
    return p.tok.kind == T_EOF ? true : p_fail(&p);
}

bool parse_name_text(arena_t *arena, const char *src, size_t len, name_t *ret_name)
{
    parser_t p;
    sql_error_t err = {0};
    return start(&p, arena, src, len, &err) && p_name(&p, ret_name) && p.tok.kind == T_EOF;
}
