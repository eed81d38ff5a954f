/* parse_base.c: token handling, names and types shared by the parser's files. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "sql/parser.h"

char *p_text(parser_t *p, const token_t *t)
{
    return arena_strndup(p->arena, t->text, t->len);
}

/* The last consumed token without its quotes: what messages name at the end of the text. */
const char *p_last(const parser_t *p, size_t *ret_len)
{
    const char *s = p->lx.src + p->prev_start;
    size_t n = p->prev_end - p->prev_start;
    if (n > 0 && (*s == 'N' || *s == 'n') && n > 2 && s[1] == '\'') s++, n--;
    if (n >= 2 && strchr("'[\"", *s) != NULL) s++, n -= 2;
    *ret_len = n > 128 ? 128 : n;
    return s;
}

bool p_fail(parser_t *p)
{
    if (p->err->text != NULL) return false;
    const token_t *t = &p->tok;
    p->err_line = t->line;
    if (t->kind == T_WORD && t->kw != KW_NONE) {
        char *w = p_text(p, t);
        return sql_fail(p->arena, p->err, 156, 15, 1, "Incorrect syntax near the keyword '%s'.", w);
    }
    if (t->kind == T_EOF) {
        size_t end;
        const char *last = p_last(p, &end);
        return sql_fail(p->arena, p->err, 102, 15, 1, "Incorrect syntax near '%.*s'.", (int)end, last);
    }
    size_t n = t->len > 128 ? 128 : t->len;
    return sql_fail(p->arena, p->err, 102, 15, 1, "Incorrect syntax near '%.*s'.", (int)n, t->text);
}

bool p_next(parser_t *p)
{
    p->prev_start = p->tok.start;
    p->prev_end = p->tok.end;
    if (p->has_ahead) {
        p->tok = p->ahead;
        p->has_ahead = false;
        return true;
    }
    if (lexer_next(&p->lx, &p->tok)) return true;
    p->err_line = p->lx.line;
    return false;
}

bool p_skip_two(parser_t *p)
{
    bool ok = p_next(p);
    return ok && p_next(p);
}

bool p_peek(parser_t *p, token_t *ret_tok)
{
    if (!p->has_ahead) {
        if (!lexer_next(&p->lx, &p->ahead)) {
            p->err_line = p->lx.line;
            return false;
        }
        p->has_ahead = true;
    }
    *ret_tok = p->ahead;
    return true;
}

bool tok_is_word(const token_t *t, const char *word)
{
    return t->kind == T_WORD && strlen(word) == t->len && strncasecmp(t->text, word, t->len) == 0;
}

bool p_is_op(const parser_t *p, int op)
{
    return p->tok.kind == T_OP && p->tok.kw == op;
}
bool p_is_kw(const parser_t *p, int kw)
{
    return p->tok.kind == T_WORD && p->tok.kw == kw;
}
bool p_is_word(const parser_t *p, const char *word)
{
    return tok_is_word(&p->tok, word);
}

bool p_accept_op(parser_t *p, int op, bool *ret_hit)
{
    *ret_hit = p_is_op(p, op);
    return *ret_hit ? p_next(p) : true;
}

bool p_expect_op(parser_t *p, int op)
{
    return p_is_op(p, op) ? p_next(p) : p_fail(p);
}

bool p_accept_kw(parser_t *p, int kw, bool *ret_hit)
{
    *ret_hit = p_is_kw(p, kw);
    return *ret_hit ? p_next(p) : true;
}

bool p_expect_kw(parser_t *p, int kw)
{
    return p_is_kw(p, kw) ? p_next(p) : p_fail(p);
}

bool p_accept_word(parser_t *p, const char *word, bool *ret_hit)
{
    *ret_hit = p_is_word(p, word);
    return *ret_hit ? p_next(p) : true;
}

bool p_expect_word(parser_t *p, const char *word)
{
    return p_is_word(p, word) ? p_next(p) : p_fail(p);
}

bool p_declare(parser_t *p, const char *name)
{
    for (size_t i = 0; i < p->nvars && p->check_vars; i++)
        if (name_eq(p->vars[i], name)) {
            p->err_line = p->tok.line;
            return sql_fail(p->arena, p->err, 134, 15, 2,
                            "The variable name '%s' has already been declared. Variable names must be unique within a "
                            "query batch or stored procedure.",
                            name);
        }
    P_PUSH(p, p->vars, p->nvars, name);
    return true;
}

bool p_var(parser_t *p, var_use_t use, const char **ret_name)
{
    const char *name = p_text(p, &p->tok);
    size_t i = 0;
    while (i < p->nvars && !name_eq(p->vars[i], name)) i++;
    if (p->check_vars && i == p->nvars && strncmp(name, "@@", 2) != 0) {
        p->err_line = p->tok.line;
        return use == VAR_TABLE
                   ? sql_fail(p->arena, p->err, 1087, 15, 2, "Must declare the table variable \"%s\".", name)
                   : sql_fail(p->arena, p->err, 137, 15, use == VAR_WRITE ? 1 : 2,
                              "Must declare the scalar variable \"%s\".", name);
    }
    *ret_name = name;
    return p_next(p);
}

bool p_at_ident(const parser_t *p)
{
    return p->tok.kind == T_QUOTED || (p->tok.kind == T_WORD && p->tok.kw == KW_NONE);
}

bool p_ident(parser_t *p, const char **ret_name)
{
    if (!p_at_ident(p)) return p_fail(p);
    if (p->tok.len > 128 * 4)
        return sql_fail(p->arena, p->err, 103, 15, 4,
                        "The identifier that starts with '%.*s' is too long. Maximum length is 128.", 64, p->tok.text);
    *ret_name = p_text(p, &p->tok);
    return p_next(p);
}

bool p_name(parser_t *p, name_t *ret_name)
{
    name_t nm = {.n = 0};
    for (;;) {
        if (nm.n == 4) return p_fail(p);
        if (p_is_op(p, '.') && nm.n > 0) { /* db..table */
            nm.part[nm.n++] = "";
            if (!p_next(p)) return false;
            continue;
        }
        if (!p_ident(p, &nm.part[nm.n])) return false;
        nm.n++;
        bool dot;
        if (!p_accept_op(p, '.', &dot)) return false;
        if (!dot) break;
    }
    *ret_name = nm;
    return true;
}

bool p_int(parser_t *p, int64_t *ret_value)
{
    bool neg = p_is_op(p, '-');
    if ((neg || p_is_op(p, '+')) && !p_next(p)) return false;
    if (p->tok.kind != T_INT) return p_fail(p);
    int64_t v = strtoll(p_text(p, &p->tok), NULL, 10);
    *ret_value = neg ? -v : v;
    return p_next(p);
}

bool p_type(parser_t *p, type_ref_t **ret_type)
{
    type_ref_t *t = arena_alloc(p->arena, sizeof(*t));
    name_t nm;
    if (p_is_kw(p, KW_CURSOR)) {
        t->cursor = true;
        *ret_type = t;
        return p_next(p);
    }
    int line = p->tok.line;
    if (!p_name(p, &nm)) return false;
    t->name = nm.part[nm.n - 1];
    bool hit;
    if (name_eq(t->name, "double")) {
        if (!p_expect_word(p, "precision")) return false;
        t->name = "float";
    } else if (name_eq(t->name, "national")) {
        if (!p_ident(p, &t->name)) return false;
        if (!p_accept_word(p, "varying", &hit)) return false;
        t->name = hit || name_eq(t->name, "varchar") ? "nvarchar" : "nchar";
    } else if (name_eq(t->name, "character") || name_eq(t->name, "char")) {
        if (!p_accept_word(p, "varying", &hit)) return false;
        t->name = hit ? "varchar" : "char";
    }
    const type_row_t *row = type_by_name(t->name);
    if (row == NULL) {
        p->err_line = line;
        return sql_fail(p->arena, p->err, 2715, 16, 6, "Column, parameter, or variable #1: Cannot find data type %s.",
                        t->name);
    }
    t->type = type_simple(row->base);
    if (name_eq(t->name, "sysname")) {
        t->type = type_sysname();
        t->type.not_null = true;
        *ret_type = t;
        return true;
    }
    int64_t n1 = -1, n2 = 0;
    bool max = false, open;
    if (!p_accept_op(p, '(', &open)) return false;
    if (open) {
        if (!p_accept_word(p, "max", &max)) return false;
        if (!max && !p_int(p, &n1)) return false;
        if (!p_accept_op(p, ',', &hit)) return false;
        if (hit && !p_int(p, &n2)) return false;
        if (!p_expect_op(p, ')')) return false;
    }
    switch (row->base) {
    case SIM_T_DECIMAL:
    case SIM_T_NUMERIC:
        if (open) {
            if (n1 < 1 || n1 > 38)
                return sql_fail(p->arena, p->err, 2750, 16, 1,
                                "Column, parameter, or variable #1: Specified column precision %lld is greater than "
                                "the maximum precision of 38.",
                                (long long)n1);
            if (n2 < 0 || n2 > n1)
                return sql_fail(p->arena, p->err, 192, 15, 1, "The scale must be less than or equal to the precision.");
            t->type.prec = (uint8_t)n1;
            t->type.scale = (uint8_t)n2;
        }
        break;
    case SIM_T_FLOAT:
        if (open && n1 <= 24) t->type.base = SIM_T_REAL;
        break;
    case SIM_T_TIME:
    case SIM_T_DATETIME2:
    case SIM_T_DATETIMEOFFSET:
        if (open) {
            if (n1 < 0 || n1 > 7)
                return sql_fail(p->arena, p->err, 1002, 15, 1, "Line %d: Specified scale %lld is invalid.", line,
                                (long long)n1);
            t->type.scale = (uint8_t)n1;
        }
        break;
    case SIM_T_CHAR:
    case SIM_T_VARCHAR:
    case SIM_T_BINARY:
    case SIM_T_VARBINARY:
    case SIM_T_NCHAR:
    case SIM_T_NVARCHAR: {
        int limit = type_is_unicode(row->base) ? 4000 : 8000;
        if (max) {
            t->type.len = SIM_LEN_MAX;
        } else if (open) {
            if (n1 < 1 || n1 > limit)
                return sql_fail(
                    p->arena, p->err, n1 < 1 ? 1001 : 131, 15, 1,
                    "The size (%lld) given to the type '%s' exceeds the maximum allowed for any data type (8000).",
                    (long long)n1, t->name);
            t->type.len = (int32_t)n1 * (type_is_unicode(row->base) ? 2 : 1);
        } else {
            t->type.len = 0; /* 1 in declarations, 30 in CAST: the caller decides */
        }
        break;
    }
    default:
        if (open && row->base != SIM_T_XML && row->base != SIM_T_TEXT)
            return sql_fail(p->arena, p->err, 2716, 16, 1,
                            "Column, parameter, or variable #1: Cannot specify a column width on data type %s.",
                            row->name);
        break;
    }
    *ret_type = t;
    return true;
}

bool p_name_list(parser_t *p, const char ***ret_names, size_t *ret_n)
{
    const char **names = NULL, *one;
    size_t n = 0;
    bool more = true;
    if (!p_expect_op(p, '(')) return false;
    while (more) {
        name_t nm;
        if (!p_name(p, &nm)) return false;
        one = nm.part[nm.n - 1];
        P_PUSH(p, names, n, one);
        if (!p_accept_op(p, ',', &more)) return false;
    }
    *ret_names = names;
    *ret_n = n;
    return p_expect_op(p, ')');
}
