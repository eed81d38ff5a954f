/* lexer.c: one pass over the batch, no backtracking; nested block comments as in T-SQL. */
#include "sql/lexer.h"

#include <ctype.h>
#include <string.h>

static const char *const words[] = {"",
#define X(w) #w,
                                    SQL_KEYWORDS(X)
#undef X
};

static int keyword(const char *s, size_t len)
{
    char up[24];
    if (len >= sizeof(up)) return KW_NONE;
    for (size_t i = 0; i < len; i++) up[i] = (char)toupper((unsigned char)s[i]);
    up[len] = '\0';
    int lo = 1, hi = KW_COUNT - 1;
    while (lo <= hi) {
        int mid = (lo + hi) / 2, c = strcmp(up, words[mid]);
        if (c == 0) return mid;
        if (c < 0)
            hi = mid - 1;
        else
            lo = mid + 1;
    }
    return KW_NONE;
}

bool keyword_reserved(const char *word, size_t len)
{
    return keyword(word, len) != KW_NONE;
}

void lexer_init(lexer_t *lx, arena_t *arena, const char *src, size_t len, sql_error_t *err)
{
    *lx = (lexer_t){.arena = arena, .src = src, .len = len, .line = 1, .quoted_identifier = true, .err = err};
}

static int at(const lexer_t *lx, size_t ahead)
{
    return lx->pos + ahead < lx->len ? (unsigned char)lx->src[lx->pos + ahead] : 0;
}

static bool skip_blank(lexer_t *lx)
{
    for (;;) {
        int c = at(lx, 0);
        if (lx->pos >= lx->len) return true;
        if (c == '\n') lx->line++;
        if (c == ' ' || (c >= 9 && c <= 13) || c == 0) {
            lx->pos++;
        } else if (c == 0xC2 && at(lx, 1) == 0xA0) {
            lx->pos += 2;
        } else if (c == 0xEF && at(lx, 1) == 0xBB && at(lx, 2) == 0xBF) {
            lx->pos += 3;
        } else if (c == '-' && at(lx, 1) == '-') {
            while (lx->pos < lx->len && lx->src[lx->pos] != '\n') lx->pos++;
        } else if (c == '/' && at(lx, 1) == '*') {
            int depth = 0;
            do {
                if (lx->pos >= lx->len)
                    return sql_fail(lx->arena, lx->err, 113, 15, 1, "Missing end comment mark '*/'.");
                if (at(lx, 0) == '/' && at(lx, 1) == '*') {
                    depth++;
                    lx->pos += 2;
                } else if (at(lx, 0) == '*' && at(lx, 1) == '/') {
                    depth--;
                    lx->pos += 2;
                } else {
                    if (at(lx, 0) == '\n') lx->line++;
                    lx->pos++;
                }
            } while (depth > 0);
        } else {
            return true;
        }
    }
}

static bool is_word_start(int c)
{
    return isalpha(c) || c == '_' || c == '#' || c >= 0x80;
}

static bool is_word(int c)
{
    return isalnum(c) || c == '_' || c == '#' || c == '$' || c == '@' || c >= 0x80;
}

static bool quoted(lexer_t *lx, token_t *t, char close, tok_kind_t kind)
{
    size_t open = lx->pos++, from = lx->pos;
    bool doubled = false;
    for (; lx->pos < lx->len; lx->pos++) {
        char c = lx->src[lx->pos];
        if (c == '\n') lx->line++;
        if (c != close) continue;
        if (lx->pos + 1 < lx->len && lx->src[lx->pos + 1] == close) {
            doubled = true;
            lx->pos++;
            continue;
        }
        t->kind = kind;
        t->text = lx->src + from;
        t->len = lx->pos - from;
        lx->pos++;
        if (doubled) {
            char *d = arena_alloc(lx->arena, t->len + 1);
            size_t m = 0;
            for (size_t i = 0; i < t->len; i++) {
                d[m++] = t->text[i];
                if (t->text[i] == close) i++;
            }
            t->text = d;
            t->len = m;
        }
        return true;
    }
    size_t shown = lx->len - from > 128 ? 128 : lx->len - from;
    (void)open;
    return sql_fail(lx->arena, lx->err, 105, 15, 1, "Unclosed quotation mark after the character string '%.*s'.",
                    (int)shown, lx->src + from);
}

static void number(lexer_t *lx, token_t *t)
{
    size_t from = lx->pos;
    t->kind = T_INT;
    if (at(lx, 0) == '0' && (at(lx, 1) == 'x' || at(lx, 1) == 'X')) {
        t->kind = T_HEX;
        lx->pos += 2;
        while (isxdigit(at(lx, 0))) lx->pos++;
    } else {
        while (isdigit(at(lx, 0))) lx->pos++;
        if (at(lx, 0) == '.') {
            t->kind = T_DECIMAL;
            lx->pos++;
            while (isdigit(at(lx, 0))) lx->pos++;
        }
        if (at(lx, 0) == 'e' || at(lx, 0) == 'E') {
            size_t skip = at(lx, 1) == '+' || at(lx, 1) == '-' ? 2 : 1;
            if (isdigit(at(lx, skip))) {
                t->kind = T_FLOAT;
                lx->pos += skip;
                while (isdigit(at(lx, 0))) lx->pos++;
            }
        }
    }
    t->text = lx->src + from;
    t->len = lx->pos - from;
}

static void op(lexer_t *lx, token_t *t)
{
    int c = at(lx, 0), d = at(lx, 1);
    t->kind = T_OP;
    t->text = lx->src + lx->pos;
    t->len = 1;
    t->kw = c;
    if (d == '=' && (c == '<' || c == '>' || c == '!')) {
        t->kw = c == '<' ? 'l' : c == '>' ? 'g' : '!';
        t->len = 2;
    } else if (c == '<' && d == '>') {
        t->kw = '!';
        t->len = 2;
    } else if (c == '!' && (d == '<' || d == '>')) {
        t->kw = d == '<' ? 'g' : 'l';
        t->len = 2;
    } else if (d == '=' && c != 0 && strchr("+-*/%&|^", c) != NULL) {
        t->kw = 'A' + (int)(strchr("+-*/%&|^", c) - "+-*/%&|^"); /* compound assignment: A.. H */
        t->len = 2;
    } else if (c >= 0x80) {
        while (t->len < 4 && (at(lx, t->len) & 0xC0) == 0x80) t->len++;
    }
    lx->pos += t->len;
}

bool lexer_next(lexer_t *lx, token_t *t)
{
    memset(t, 0, sizeof(*t));
    if (!skip_blank(lx)) return false;
    t->line = lx->line;
    t->start = lx->pos;
    int c = at(lx, 0);
    bool ok = true;
    if (lx->pos >= lx->len) {
        t->kind = T_EOF;
        t->text = "";
    } else if (c == '\'') {
        ok = quoted(lx, t, '\'', T_STRING);
    } else if ((c == 'N' || c == 'n') && at(lx, 1) == '\'') {
        lx->pos++;
        ok = quoted(lx, t, '\'', T_NSTRING);
    } else if (c == '[') {
        ok = quoted(lx, t, ']', T_QUOTED);
    } else if (c == '"') {
        ok = quoted(lx, t, '"', lx->quoted_identifier ? T_QUOTED : T_STRING);
    } else if (c == '@') {
        t->kind = T_VAR;
        t->text = lx->src + lx->pos;
        lx->pos++;
        while (is_word(at(lx, 0))) lx->pos++;
        t->len = (size_t)(lx->src + lx->pos - t->text);
    } else if (is_word_start(c)) {
        t->kind = T_WORD;
        t->text = lx->src + lx->pos;
        while (is_word(at(lx, 0))) lx->pos++;
        t->len = (size_t)(lx->src + lx->pos - t->text);
        t->kw = keyword(t->text, t->len);
    } else if (isdigit(c) || (c == '.' && isdigit(at(lx, 1)))) {
        number(lx, t);
    } else if (c == '$' && (isdigit(at(lx, 1)) || at(lx, 1) == '-')) {
        lx->pos++;
        if (at(lx, 0) == '-') lx->pos++;
        number(lx, t);
        t->kind = T_MONEY;
        t->text = lx->src + t->start + 1;
        t->len = lx->pos - t->start - 1;
    } else if (c == '$' && is_word_start(at(lx, 1))) { /* $action */
        t->kind = T_WORD;
        t->text = lx->src + lx->pos;
        lx->pos++;
        while (is_word(at(lx, 0))) lx->pos++;
        t->len = (size_t)(lx->src + lx->pos - t->text);
    } else {
        op(lx, t);
    }
    t->end = lx->pos;
    return ok;
}
