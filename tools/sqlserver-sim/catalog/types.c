/* types.c: one row per base type feeds names, sizes, sys.types and precedence. */
#include "catalog/types.h"

#include <string.h>

static const type_row_t rows[] = {
    {"bit", SIM_T_BIT, 104, 12, 1, 1, 0},
    {"tinyint", SIM_T_TINYINT, 48, 13, 1, 3, 0},
    {"smallint", SIM_T_SMALLINT, 52, 14, 2, 5, 0},
    {"int", SIM_T_INT, 56, 15, 4, 10, 0},
    {"bigint", SIM_T_BIGINT, 127, 16, 8, 19, 0},
    {"decimal", SIM_T_DECIMAL, 106, 19, 17, 38, 38},
    {"numeric", SIM_T_NUMERIC, 108, 19, 17, 38, 38},
    {"money", SIM_T_MONEY, 60, 18, 8, 19, 4},
    {"smallmoney", SIM_T_SMALLMONEY, 122, 17, 4, 10, 4},
    {"real", SIM_T_REAL, 59, 20, 4, 24, 0},
    {"float", SIM_T_FLOAT, 62, 21, 8, 53, 0},
    {"date", SIM_T_DATE, 40, 23, 3, 10, 0},
    {"time", SIM_T_TIME, 41, 22, 5, 16, 7},
    {"datetime", SIM_T_DATETIME, 61, 25, 8, 23, 3},
    {"smalldatetime", SIM_T_SMALLDATETIME, 58, 24, 4, 16, 0},
    {"datetime2", SIM_T_DATETIME2, 42, 26, 8, 27, 7},
    {"datetimeoffset", SIM_T_DATETIMEOFFSET, 43, 27, 10, 34, 7},
    {"char", SIM_T_CHAR, 175, 5, 0, 0, 0},
    {"varchar", SIM_T_VARCHAR, 167, 6, 0, 0, 0},
    {"text", SIM_T_TEXT, 35, 9, 16, 0, 0},
    {"nchar", SIM_T_NCHAR, 239, 7, 0, 0, 0},
    {"nvarchar", SIM_T_NVARCHAR, 231, 8, 0, 0, 0},
    {"ntext", SIM_T_NTEXT, 99, 10, 16, 0, 0},
    {"binary", SIM_T_BINARY, 173, 2, 0, 0, 0},
    {"varbinary", SIM_T_VARBINARY, 165, 3, 0, 0, 0},
    {"image", SIM_T_IMAGE, 34, 9, 16, 0, 0},
    {"uniqueidentifier", SIM_T_UNIQUEIDENTIFIER, 36, 11, 16, 0, 0},
    {"timestamp", SIM_T_TIMESTAMP, 189, 4, 8, 0, 0},
    {"xml", SIM_T_XML, 241, 28, 0, 0, 0},
    {"sql_variant", SIM_T_VARIANT, 98, 29, 0, 0, 0},
};

static const struct {
    const char *alias;
    sim_base_t base;
} aliases[] = {
    {"integer", SIM_T_INT},
    {"dec", SIM_T_DECIMAL},
    {"rowversion", SIM_T_TIMESTAMP},
    {"sysname", SIM_T_NVARCHAR},
    {"character", SIM_T_CHAR},
    {"character varying", SIM_T_VARCHAR},
    {"double precision", SIM_T_FLOAT},
    {"national character varying", SIM_T_NVARCHAR},
    {"national char", SIM_T_NCHAR},
};

const type_row_t *type_row(sim_base_t base)
{
    static const type_row_t null_row = {"NULL", SIM_T_NULL, 56, 0, 4, 10, 0};
    if (base == SIM_T_NULL || base >= SIM_T_COUNT) return &null_row;
    return &rows[base - 1];
}

const type_row_t *type_by_name(const char *name)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (name_eq(rows[i].name, name)) return &rows[i];
    for (size_t i = 0; i < sizeof(aliases) / sizeof(aliases[0]); i++)
        if (name_eq(aliases[i].alias, name)) return type_row(aliases[i].base);
    return NULL;
}

bool type_is_char(sim_base_t b)
{
    return b >= SIM_T_CHAR && b <= SIM_T_NTEXT;
}
bool type_is_unicode(sim_base_t b)
{
    return b >= SIM_T_NCHAR && b <= SIM_T_NTEXT;
}
bool type_is_binary(sim_base_t b)
{
    return (b >= SIM_T_BINARY && b <= SIM_T_IMAGE) || b == SIM_T_TIMESTAMP;
}
bool type_is_integer(sim_base_t b)
{
    return b >= SIM_T_BIT && b <= SIM_T_BIGINT;
}
bool type_is_decimal(sim_base_t b)
{
    return b == SIM_T_DECIMAL || b == SIM_T_NUMERIC;
}
bool type_is_money(sim_base_t b)
{
    return b == SIM_T_MONEY || b == SIM_T_SMALLMONEY;
}
bool type_is_exact(sim_base_t b)
{
    return b >= SIM_T_BIT && b <= SIM_T_SMALLMONEY;
}
bool type_is_float(sim_base_t b)
{
    return b == SIM_T_REAL || b == SIM_T_FLOAT;
}
bool type_is_number(sim_base_t b)
{
    return b >= SIM_T_BIT && b <= SIM_T_FLOAT;
}
bool type_is_datetime(sim_base_t b)
{
    return b >= SIM_T_DATE && b <= SIM_T_DATETIMEOFFSET;
}

bool type_is_lob(const sim_typeinfo_t *t)
{
    return t->len == SIM_LEN_MAX || t->base == SIM_T_TEXT || t->base == SIM_T_NTEXT || t->base == SIM_T_IMAGE ||
           t->base == SIM_T_XML;
}

sim_typeinfo_t type_simple(sim_base_t base)
{
    sim_typeinfo_t t = {.base = base};
    if (base == SIM_T_TIME || base == SIM_T_DATETIME2 || base == SIM_T_DATETIMEOFFSET) t.scale = 7;
    if (type_is_decimal(base)) t.prec = 18;
    if (base == SIM_T_CHAR || base == SIM_T_VARCHAR || base == SIM_T_BINARY || base == SIM_T_VARBINARY) t.len = 1;
    if (base == SIM_T_NCHAR || base == SIM_T_NVARCHAR) t.len = 2;
    if (base == SIM_T_TIMESTAMP) t.len = 8;
    if (base == SIM_T_TEXT || base == SIM_T_IMAGE) t.len = 0x7FFFFFFF;
    if (base == SIM_T_NTEXT) t.len = 0x7FFFFFFE;
    if (base == SIM_T_XML) t.len = SIM_LEN_MAX;
    return t;
}

static sim_typeinfo_t sized(sim_base_t base, int len)
{
    sim_typeinfo_t t = {.base = base, .len = len};
    return t;
}

sim_typeinfo_t type_nvarchar(int chars)
{
    return sized(SIM_T_NVARCHAR, chars < 0 || chars > 4000 ? SIM_LEN_MAX : (chars == 0 ? 1 : chars) * 2);
}
sim_typeinfo_t type_varchar(int len)
{
    return sized(SIM_T_VARCHAR, len < 0 || len > 8000 ? SIM_LEN_MAX : len == 0 ? 1 : len);
}
sim_typeinfo_t type_varbinary(int len)
{
    return sized(SIM_T_VARBINARY, len < 0 || len > 8000 ? SIM_LEN_MAX : len == 0 ? 1 : len);
}
sim_typeinfo_t type_binary(int len)
{
    return sized(SIM_T_BINARY, len);
}
sim_typeinfo_t type_sysname(void)
{
    return sized(SIM_T_NVARCHAR, 256);
}

sim_typeinfo_t type_decimal(int prec, int scale)
{
    if (prec > 38) prec = 38;
    if (prec < 1) prec = 1;
    if (scale > prec) scale = prec;
    sim_typeinfo_t t = {.base = SIM_T_NUMERIC, .prec = (uint8_t)prec, .scale = (uint8_t)scale};
    return t;
}

sim_typeinfo_t type_scaled(sim_base_t base, int scale)
{
    sim_typeinfo_t t = {.base = base, .scale = (uint8_t)scale};
    return t;
}

const char *type_name(sim_base_t base)
{
    return type_row(base)->name;
}

char *type_declaration(arena_t *a, const sim_typeinfo_t *t)
{
    const char *name = type_name(t->base);
    switch (t->base) {
    case SIM_T_DECIMAL:
    case SIM_T_NUMERIC:
        return arena_printf(a, "%s(%d,%d)", name, t->prec, t->scale);
    case SIM_T_TIME:
    case SIM_T_DATETIME2:
    case SIM_T_DATETIMEOFFSET:
        return arena_printf(a, "%s(%d)", name, t->scale);
    case SIM_T_CHAR:
    case SIM_T_VARCHAR:
    case SIM_T_NCHAR:
    case SIM_T_NVARCHAR:
    case SIM_T_BINARY:
    case SIM_T_VARBINARY:
        if (t->len == SIM_LEN_MAX) return arena_printf(a, "%s(max)", name);
        return arena_printf(a, "%s(%d)", name, type_chars(t));
    default:
        return arena_strdup(a, name);
    }
}

int type_max_length(const sim_typeinfo_t *t)
{
    static const uint8_t time_len[] = {3, 3, 3, 4, 4, 5, 5, 5};
    switch (t->base) {
    case SIM_T_CHAR:
    case SIM_T_VARCHAR:
    case SIM_T_NCHAR:
    case SIM_T_NVARCHAR:
    case SIM_T_BINARY:
    case SIM_T_VARBINARY:
        return t->len;
    case SIM_T_XML:
        return -1;
    case SIM_T_VARIANT:
        return 8016;
    case SIM_T_DECIMAL:
    case SIM_T_NUMERIC:
        return t->prec <= 9 ? 5 : t->prec <= 19 ? 9 : t->prec <= 28 ? 13 : 17;
    case SIM_T_TIME:
        return time_len[t->scale & 7];
    case SIM_T_DATETIME2:
        return time_len[t->scale & 7] + 3;
    case SIM_T_DATETIMEOFFSET:
        return time_len[t->scale & 7] + 5;
    default:
        return type_row(t->base)->size;
    }
}

int type_precision(const sim_typeinfo_t *t)
{
    switch (t->base) {
    case SIM_T_DECIMAL:
    case SIM_T_NUMERIC:
        return t->prec;
    case SIM_T_TIME:
        return t->scale == 0 ? 8 : 9 + t->scale;
    case SIM_T_DATETIME2:
        return t->scale == 0 ? 19 : 20 + t->scale;
    case SIM_T_DATETIMEOFFSET:
        return t->scale == 0 ? 26 : 27 + t->scale;
    default:
        return type_row(t->base)->prec;
    }
}

int type_scale(const sim_typeinfo_t *t)
{
    switch (t->base) {
    case SIM_T_DECIMAL:
    case SIM_T_NUMERIC:
    case SIM_T_TIME:
    case SIM_T_DATETIME2:
    case SIM_T_DATETIMEOFFSET:
        return t->scale;
    default:
        return type_row(t->base)->scale;
    }
}

int type_chars(const sim_typeinfo_t *t)
{
    if (t->len == SIM_LEN_MAX) return SIM_LEN_MAX;
    return type_is_unicode(t->base) ? t->len / 2 : t->len;
}

int type_digits(const sim_typeinfo_t *t, int *ret_scale)
{
    *ret_scale = 0;
    switch (t->base) {
    case SIM_T_BIT:
        return 1;
    case SIM_T_TINYINT:
        return 3;
    case SIM_T_SMALLINT:
        return 5;
    case SIM_T_INT:
    case SIM_T_NULL:
        return 10;
    case SIM_T_BIGINT:
        return 19;
    case SIM_T_MONEY:
        *ret_scale = 4;
        return 19;
    case SIM_T_SMALLMONEY:
        *ret_scale = 4;
        return 10;
    case SIM_T_DECIMAL:
    case SIM_T_NUMERIC:
        *ret_scale = t->scale;
        return t->prec;
    default:
        return 38;
    }
}

static int display_chars(const sim_typeinfo_t *t)
{
    if (type_is_char(t->base)) return type_is_lob(t) ? SIM_LEN_MAX : type_chars(t);
    if (t->base == SIM_T_NULL) return 1;
    if (t->base == SIM_T_XML || t->len == SIM_LEN_MAX) return SIM_LEN_MAX;
    return type_is_binary(t->base) ? t->len : 40;
}

sim_typeinfo_t type_unify(const sim_typeinfo_t *a, const sim_typeinfo_t *b)
{
    bool not_null = a->not_null && b->not_null;
    sim_typeinfo_t r;
    if (a->base == SIM_T_NULL || b->base == SIM_T_NULL) {
        r = a->base == SIM_T_NULL ? *b : *a;
    } else if (type_is_decimal(a->base) || type_is_decimal(b->base)) {
        const sim_typeinfo_t *win = type_row(a->base)->precedence >= type_row(b->base)->precedence ? a : b;
        r = *win;
        if (type_is_decimal(win->base) && type_is_exact(a->base) && type_is_exact(b->base)) {
            int sa, sb, pa = type_digits(a, &sa), pb = type_digits(b, &sb);
            int s = sa > sb ? sa : sb, i = pa - sa > pb - sb ? pa - sa : pb - sb;
            if (i + s > 38) s = 38 - i < 0 ? 0 : 38 - i;
            r.prec = (uint8_t)(i + s > 38 ? 38 : i + s);
            r.scale = (uint8_t)s;
        }
    } else {
        r = type_row(a->base)->precedence >= type_row(b->base)->precedence ? *a : *b;
        const sim_typeinfo_t *other = type_row(a->base)->precedence >= type_row(b->base)->precedence ? b : a;
        if (type_is_char(r.base) && r.len != SIM_LEN_MAX) {
            int ca = display_chars(&r), cb = display_chars(other);
            int c = ca < 0 || cb < 0 ? SIM_LEN_MAX : ca > cb ? ca : cb;
            if (r.base == SIM_T_CHAR && other->base == SIM_T_CHAR && a->len != b->len) r.base = SIM_T_CHAR;
            if (type_is_unicode(r.base))
                r.len = c < 0 || c > 4000 ? SIM_LEN_MAX : c * 2;
            else
                r.len = c < 0 || c > 8000 ? SIM_LEN_MAX : c;
            if (r.len == SIM_LEN_MAX && (r.base == SIM_T_CHAR || r.base == SIM_T_TEXT)) r.base = SIM_T_VARCHAR;
            if (r.len == SIM_LEN_MAX && (r.base == SIM_T_NCHAR || r.base == SIM_T_NTEXT)) r.base = SIM_T_NVARCHAR;
            r.utf8 = a->utf8 || b->utf8;
        } else if (type_is_binary(r.base) && type_is_binary(other->base) && r.len != SIM_LEN_MAX) {
            r.len = other->len == SIM_LEN_MAX ? SIM_LEN_MAX : r.len > other->len ? r.len : other->len;
        } else if (r.base == other->base && type_is_datetime(r.base)) {
            r.scale = a->scale > b->scale ? a->scale : b->scale;
        }
    }
    r.not_null = not_null;
    return r;
}

int64_t type_pack(const sim_typeinfo_t *t)
{
    return (int64_t)t->base | (int64_t)(uint32_t)t->len << 8 | (int64_t)t->prec << 40 | (int64_t)t->scale << 48 |
           (int64_t)t->utf8 << 56 | (int64_t)t->not_null << 57;
}

sim_typeinfo_t type_unpack(int64_t code)
{
    sim_typeinfo_t t = {
        .base = (sim_base_t)(code & 0xFF),
        .len = (int32_t)(uint32_t)(code >> 8 & 0xFFFFFFFF),
        .prec = (uint8_t)(code >> 40 & 0xFF),
        .scale = (uint8_t)(code >> 48 & 0xFF),
        .utf8 = (code >> 56 & 1) != 0,
        .not_null = (code >> 57 & 1) != 0,
    };
    return t;
}
