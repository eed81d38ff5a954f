/* render.c: expressions back to text, normalised as SQL Server stores defaults and checks. */
#include <stdio.h>
#include <string.h>

#include "sql/parser.h"

static void literal(const expr_t *e, buf_t *out)
{
    const sim_typeinfo_t *t = &e->u.lit.type;
    const sim_value_t *v = &e->u.lit.value;
    if (v->is_null) {
        buf_adds(out, "NULL");
        return;
    }
    if (type_is_char(t->base)) {
        if (type_is_unicode(t->base)) buf_addc(out, 'N');
        buf_addc(out, '\'');
        for (size_t i = 0; i < v->u.s.len; i++) {
            if (v->u.s.ptr[i] == '\'') buf_addc(out, '\'');
            buf_addc(out, v->u.s.ptr[i]);
        }
        buf_addc(out, '\'');
        return;
    }
    if (type_is_binary(t->base)) {
        buf_adds(out, "0x");
        for (size_t i = 0; i < v->u.s.len; i++) buf_printf(out, "%02x", (unsigned char)v->u.s.ptr[i]);
        return;
    }
    buf_addc(out, '(');
    if (t->base == SIM_T_FLOAT) {
        char n[64];
        snprintf(n, sizeof(n), "%.16e", v->u.f);
        char *x = strchr(n, 'e');
        int exp = 0;
        sscanf(x + 1, "%d", &exp);
        *x = '\0';
        buf_printf(out, "%se%c%03d", n, exp < 0 ? '-' : '+', exp < 0 ? -exp : exp);
    } else if (t->base == SIM_T_MONEY) {
        buf_addc(out, '$');
        value_text(t, v, 2, out);
    } else {
        value_text(t, v, 0, out);
        if (type_is_decimal(t->base) && t->scale == 0) buf_addc(out, '.'); /* integers beyond int are numeric */
    }
    buf_addc(out, ')');
}

static void name(const name_t *n, buf_t *out)
{
    for (int i = 0; i < n->n; i++) buf_printf(out, "%s[%s]", i == 0 ? "" : ".", n->part[i]);
}

static void render(const expr_t *e, buf_t *out);

static void binary(const expr_t *e, const char *op, buf_t *out)
{
    render(e->args[0], out);
    buf_adds(out, op);
    render(e->args[1], out);
}

static void render(const expr_t *e, buf_t *out)
{
    char op[3] = {e->op, 0, 0};
    switch (e->kind) {
    case E_LIT:
        literal(e, out);
        return;
    case E_VAR:
        buf_adds(out, e->name.part[0]);
        return;
    case E_COL:
        name(&e->name, out);
        return;
    case E_FUNC:
        if (e->name.n == 1)
            buf_adds(out, e->name.part[0]);
        else
            name(&e->name, out);
        buf_addc(out, '(');
        for (size_t i = 0; i < e->nargs; i++) {
            if (i > 0) buf_addc(out, ',');
            render(e->args[i], out);
        }
        buf_addc(out, ')');
        return;
    case E_UNARY:
        buf_addc(out, e->op);
        render(e->args[0], out);
        return;
    case E_BIN:
        binary(e, op, out);
        return;
    case E_CMP:
        binary(e, e->op == 'l' ? "<=" : e->op == 'g' ? ">=" : e->op == '!' ? "<>" : op, out);
        return;
    case E_AND:
        binary(e, " AND ", out);
        return;
    case E_OR:
        buf_addc(out, '(');
        binary(e, " OR ", out);
        buf_addc(out, ')');
        return;
    case E_NOT:
        buf_adds(out, "NOT (");
        render(e->args[0], out);
        buf_addc(out, ')');
        return;
    case E_ISNULL:
        render(e->args[0], out);
        buf_adds(out, e->negated ? " IS NOT NULL" : " IS NULL");
        return;
    case E_LIKE:
        render(e->args[0], out);
        buf_adds(out, e->negated ? " NOT LIKE " : " LIKE ");
        render(e->args[1], out);
        return;
    case E_BETWEEN:
        buf_adds(out, e->negated ? "NOT (" : "");
        render(e->args[0], out);
        buf_adds(out, ">=");
        render(e->args[1], out);
        buf_adds(out, " AND ");
        render(e->args[0], out);
        buf_adds(out, "<=");
        render(e->args[2], out);
        if (e->negated) buf_addc(out, ')');
        return;
    case E_IN:
        for (size_t i = 1; i < e->nargs; i++) {
            if (i > 1) buf_adds(out, e->negated ? " AND " : " OR ");
            render(e->args[0], out);
            buf_adds(out, e->negated ? "<>" : "=");
            render(e->args[i], out);
        }
        return;
    case E_CAST: {
        arena_t a = {0};
        const sim_typeinfo_t *t = &e->u.cast.to->type;
        char *decl = type_declaration(&a, t), *paren = strchr(decl, '(');
        int bare = paren != NULL ? (int)(paren - decl) : (int)strlen(decl);
        buf_printf(out, "%s([%.*s]%s,", e->try_cast ? "TRY_CONVERT" : "CONVERT", bare, decl,
                   paren != NULL ? paren : "");
        for (size_t i = 0; i < e->nargs; i++) {
            if (i > 0) buf_addc(out, ',');
            render(e->args[i], out);
        }
        buf_addc(out, ')');
        arena_done(&a);
        return;
    }
    case E_CASE:
        buf_adds(out, "case");
        for (size_t i = 0; i < e->nargs; i++) {
            if (e->args[i] == NULL) continue;
            if (i > 0) buf_adds(out, i == e->nargs - 1 ? " else" : i % 2 == 1 ? " when" : " then");
            buf_addc(out, ' ');
            render(e->args[i], out);
        }
        buf_adds(out, " end");
        return;
    default:
        buf_adds(out, "NULL");
        return;
    }
}

void expr_render(const expr_t *e, buf_t *out)
{
    buf_addc(out, '(');
    render(e, out);
    buf_addc(out, ')');
}
