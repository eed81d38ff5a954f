/* parse_security.c: LOGIN, USER, ROLE, GRANT, DENY, REVOKE. */
#include <string.h>

#include "sql/parser.h"

static bool string_value(parser_t *p, const char **ret)
{
    if (p->tok.kind != T_STRING && p->tok.kind != T_NSTRING) return p_fail(p);
    *ret = p_text(p, &p->tok);
    return p_next(p);
}

/* WITH PASSWORD = 'x' [MUST_CHANGE], DEFAULT_DATABASE = d, CHECK_POLICY = OFF, ... */
static bool login_options(parser_t *p, stmt_t *s)
{
    bool more = true, hit;
    if (!p_expect_kw(p, KW_WITH) || !p_is_word(p, "password")) return p_fail(p);
    while (more) {
        const char *option;
        if (!p_ident(p, &option) || !p_expect_op(p, '=')) return false;
        if (name_eq(option, "password")) {
            if (!string_value(p, &s->var) || !p_accept_word(p, "must_change", &hit)) return false;
        } else if (name_eq(option, "default_database") || name_eq(option, "default_language")) {
            const char *name;
            if (!p_ident(p, &name)) return false;
        } else if (name_eq(option, "check_policy") || name_eq(option, "check_expiration")) {
            if (!p_is_kw(p, KW_ON) && !p_is_kw(p, KW_OFF)) return p_fail(p);
            if (!p_next(p)) return false;
        } else {
            return p_fail(p);
        }
        if (!p_accept_op(p, ',', &more)) return false;
    }
    return true;
}

static bool create_user(parser_t *p, stmt_t *s)
{
    bool hit;
    s->var = s->word;
    if (p_is_word(p, "without")) {
        s->flag = true;
        if (!p_next(p) || !p_expect_word(p, "login")) return false;
    } else {
        if (!p_accept_kw(p, KW_FOR, &hit) || (!hit && !p_accept_kw(p, KW_FROM, &hit))) return false;
        if (hit && (!p_expect_word(p, "login") || !p_ident(p, &s->var))) return false;
    }
    if (!p_is_kw(p, KW_WITH)) return true;
    const char *schema;
    return p_next(p) && p_expect_word(p, "default_schema") && p_expect_op(p, '=') && p_ident(p, &schema);
}

/* ADD MEMBER m | DROP MEMBER m */
static bool member(parser_t *p, stmt_t *s, char add, char drop)
{
    if (!p_is_kw(p, KW_ADD) && !p_is_kw(p, KW_DROP)) return p_fail(p);
    s->action = p_is_kw(p, KW_ADD) ? add : drop;
    return p_next(p) && p_expect_word(p, "member") && p_ident(p, &s->var);
}

bool p_security_ddl(parser_t *p, stmt_t *s, int verb, bool *ret_hit)
{
    bool login = p_is_word(p, "login"), user = p_is_kw(p, KW_USER), role = p_is_word(p, "role"),
         server = p_is_word(p, "server"), hit;
    *ret_hit = login || user || role || (server && verb == KW_ALTER);
    if (!*ret_hit) return true;
    s->kind = ST_SECURITY;
    if (!p_next(p)) return false;
    if (server) return p_expect_word(p, "role") && p_ident(p, &s->word) && member(p, s, 's', 'S');
    if (verb == KW_DROP) {
        s->action = login ? 'L' : user ? 'U' : 'R';
        if (!login && !p_accept_kw(p, KW_IF, &s->flag)) return false;
        if (s->flag && !p_expect_kw(p, KW_EXISTS)) return false;
        return p_ident(p, &s->word);
    }
    if (!p_ident(p, &s->word)) return false;
    if (verb == KW_ALTER) {
        if (role) return member(p, s, 'm', 'M');
        s->action = 'p';
        return login ? login_options(p, s) : p_fail(p);
    }
    s->action = login ? 'l' : user ? 'u' : 'r';
    if (login) return login_options(p, s);
    if (user) return create_user(p, s);
    const char *owner;
    if (!p_accept_kw(p, KW_AUTHORIZATION, &hit)) return false;
    return hit ? p_ident(p, &owner) : true;
}

/* One permission, of up to three words. */
static bool permission(parser_t *p, const char **ret)
{
    static const char *const known[] = {"SELECT",
                                        "INSERT",
                                        "UPDATE",
                                        "DELETE",
                                        "EXECUTE",
                                        "EXEC",
                                        "ALTER",
                                        "CONTROL",
                                        "REFERENCES",
                                        "ALL",
                                        "CONNECT",
                                        "VIEW DEFINITION",
                                        "CREATE TABLE",
                                        "CREATE VIEW",
                                        "CREATE PROCEDURE",
                                        "CREATE SCHEMA",
                                        "CREATE ROLE",
                                        "TAKE OWNERSHIP",
                                        "VIEW DATABASE STATE",
                                        "VIEW CHANGE TRACKING"};
    buf_t words = {0};
    token_t first = p->tok;
    bool ok = true;
    while (ok && p->tok.kind == T_WORD && !p_is_kw(p, KW_ON) && !p_is_kw(p, KW_TO) && !p_is_kw(p, KW_FROM)) {
        if (words.len > 0) buf_addc(&words, ' ');
        buf_add(&words, p->tok.text, p->tok.len);
        ok = p_next(p);
    }
    *ret = NULL;
    for (size_t i = 0; ok && i < sizeof(known) / sizeof(known[0]); i++)
        if (name_eq(buf_text(&words), known[i])) *ret = name_eq(known[i], "EXEC") ? "EXECUTE" : known[i];
    buf_done(&words);
    if (!ok || *ret != NULL) return ok;
    p->tok = first;
    return p_fail(p);
}

bool p_grant(parser_t *p, stmt_t *s)
{
    bool more = true, hit;
    s->kind = ST_SECURITY;
    s->action = p_is_kw(p, KW_GRANT) ? 'g' : p_is_kw(p, KW_DENY) ? 'd' : 'v';
    bool revoke = s->action == 'v';
    if (!p_next(p)) return false;
    while (more) {
        const char *name;
        if (!permission(p, &name)) return false;
        P_PUSH(p, s->cols, s->ncols, name);
        if (!p_accept_op(p, ',', &more)) return false;
    }
    if (!p_accept_kw(p, KW_ON, &hit)) return false;
    s->word = "object";
    if (hit) {
        token_t ahead;
        if (!p_peek(p, &ahead)) return false;
        if (ahead.kind == T_OP && ahead.kw == ':') {
            s->word = p_text(p, &p->tok);
            if (!name_eq(s->word, "object") && !name_eq(s->word, "schema") && !name_eq(s->word, "database"))
                return p_fail(p);
            if (!p_skip_two(p) || !p_expect_op(p, ':')) return false;
        }
        if (!p_name(p, &s->name)) return false;
    }
    if (revoke && p_is_kw(p, KW_FROM)) {
        if (!p_next(p)) return false;
    } else if (!p_expect_kw(p, KW_TO)) {
        return false;
    }
    for (more = true; more;) {
        name_t who = {.n = 1};
        if (!p_ident(p, &who.part[0])) return false;
        P_PUSH(p, s->names, s->nnames, who);
        if (!p_accept_op(p, ',', &more)) return false;
    }
    return true;
}
