/* parse_cursor.c: DECLARE CURSOR, OPEN, FETCH, CLOSE, DEALLOCATE. */
#include <string.h>

#include "sql/parser.h"

static bool any_word(parser_t *p, const char *const *words, size_t n, bool *ret_hit)
{
    *ret_hit = false;
    for (size_t i = 0; i < n && !*ret_hit; i++)
        if (!p_accept_word(p, words[i], ret_hit)) return false;
    return true;
}

/* FOR READ ONLY, FOR UPDATE [OF a, b] */
static bool for_clause(parser_t *p)
{
    bool hit;
    if (!p_accept_kw(p, KW_FOR, &hit) || !hit) return p->err->text == NULL;
    if (p_is_word(p, "read")) return p_next(p) && p_expect_word(p, "only");
    if (!p_expect_kw(p, KW_UPDATE) || !p_accept_kw(p, KW_OF, &hit)) return false;
    while (hit) {
        name_t column;
        if (!p_name(p, &column) || !p_accept_op(p, ',', &hit)) return false;
    }
    return true;
}

bool p_cursor_query(parser_t *p, stmt_t *s)
{
    static const char *const kinds[] = {"forward_only", "static",       "keyset",     "dynamic",      "fast_forward",
                                        "read_only",    "scroll_locks", "optimistic", "type_warning", "global"};
    bool hit = true;
    select_t *query;
    s->kind = ST_CURSOR_DECLARE;
    if (!p_expect_kw(p, KW_CURSOR)) return false;
    while (hit) {
        if (p_is_word(p, "scroll") || p_is_word(p, "static") || p_is_word(p, "keyset") || p_is_word(p, "dynamic"))
            s->flag = true;
        if (p_is_word(p, "forward_only") || p_is_word(p, "fast_forward")) s->flag = false;
        if (p_is_word(p, "local") || p_is_word(p, "scroll")) {
            s->flag2 = s->flag2 || p_is_word(p, "local");
            if (!p_next(p)) return false;
            continue;
        }
        if (!any_word(p, kinds, sizeof(kinds) / sizeof(kinds[0]), &hit)) return false;
    }
    if (!p_expect_kw(p, KW_FOR)) return false;
    s->text_from = p->tok.start;
    if (!p_select(p, &query)) return false;
    s->text_to = p->prev_end;
    return for_clause(p);
}

bool p_cursor_declare(parser_t *p, stmt_t *s)
{
    bool hit;
    if (!p_ident(p, &s->word) || !p_accept_word(p, "insensitive", &hit) || !p_accept_word(p, "scroll", &s->flag))
        return false;
    return p_is_kw(p, KW_CURSOR) ? p_cursor_query(p, s) : p_fail(p);
}

static bool cursor_name(parser_t *p, stmt_t *s)
{
    token_t ahead;
    if (p->tok.kind == T_VAR) return p_var(p, VAR_READ, &s->word);
    if (!p_peek(p, &ahead)) return false;
    if (p_is_word(p, "global") && (ahead.kind == T_QUOTED || (ahead.kind == T_WORD && ahead.kw == KW_NONE)) &&
        !p_next(p))
        return false;
    return p_ident(p, &s->word);
}

static bool fetch(parser_t *p, stmt_t *s)
{
    static const struct {
        const char *word;
        char code;
    } kinds[] = {{"next", 'n'}, {"prior", 'p'}, {"first", 'f'}, {"last", 'l'}, {"absolute", 'a'}, {"relative", 'r'}};
    bool hit = false, from, more = true;
    s->action = 'n';
    for (size_t i = 0; i < 6 && !hit; i++) {
        if (!p_accept_word(p, kinds[i].word, &hit)) return false;
        if (hit) s->action = kinds[i].code;
    }
    if ((s->action == 'a' || s->action == 'r') && !p_expr(p, &s->expr)) return false;
    if (!p_accept_kw(p, KW_FROM, &from) || (hit && !from && p->tok.kind == T_EOF)) return p_fail(p);
    if (!cursor_name(p, s) || !p_accept_kw(p, KW_INTO, &hit)) return false;
    while (hit && more) {
        const char *var;
        if (p->tok.kind != T_VAR) return p_fail(p);
        if (!p_var(p, VAR_WRITE, &var)) return false;
        P_PUSH(p, s->cols, s->ncols, var);
        if (!p_accept_op(p, ',', &more)) return false;
    }
    return true;
}

bool p_cursor(parser_t *p, stmt_t *s)
{
    int kw = p->tok.kw;
    if (!p_next(p)) return false;
    s->kind = kw == KW_OPEN ? ST_CURSOR_OPEN : kw == KW_CLOSE ? ST_CURSOR_CLOSE : ST_CURSOR_FREE;
    if (kw != KW_FETCH) return cursor_name(p, s);
    s->kind = ST_CURSOR_FETCH;
    return fetch(p, s);
}
