#include "connectors/sqlserver/convert.h"

#include <strings.h>

/* db-lib names no constant for uniqueidentifier. */
#define WIRE_UNIQUE 36

static form_t time_form(const conf_t *conf, int32_t scale, uint8_t *ret_type)
{
    form_t f;
    switch (conf->time) {
    case TIME_CONNECT:
        f = FORM_TIME_MS;
        break;
    case TIME_ADAPTIVE_MICROS:
    case TIME_MICROS:
        f = FORM_TIME_US;
        break;
    case TIME_NANOS:
        f = FORM_TIME_NS;
        break;
    case TIME_ISO:
        f = FORM_TIME_ISO;
        break;
    default:
        f = scale <= 3 ? FORM_TIME_MS : scale <= 6 ? FORM_TIME_US : FORM_TIME_NS;
        break;
    }
    *ret_type = f == FORM_TIME_MS ? CD_INT32 : f == FORM_TIME_ISO ? CD_STRING : CD_INT64;
    return f;
}

static form_t stamp_form(const conf_t *conf, int32_t scale, uint8_t *ret_type)
{
    *ret_type = conf->time == TIME_ISO ? CD_STRING : CD_INT64;
    switch (conf->time) {
    case TIME_CONNECT:
        return FORM_STAMP_MS;
    case TIME_MICROS:
        return FORM_STAMP_US;
    case TIME_NANOS:
        return FORM_STAMP_NS;
    case TIME_ISO:
        return FORM_STAMP_ISO;
    default:
        return scale <= 3 ? FORM_STAMP_MS : scale <= 6 ? FORM_STAMP_US : FORM_STAMP_NS;
    }
}

form_t convert_form(const conf_t *conf, const column_t *c, uint8_t *ret_type)
{
    static const form_t decimals[] = {FORM_DECIMAL, FORM_DECIMAL_DOUBLE, FORM_DECIMAL_STRING};
    static const uint8_t decimal_types[] = {CD_BYTES, CD_FLOAT64, CD_STRING};
    static const form_t binaries[] = {FORM_BYTES, FORM_BASE64, FORM_BASE64_URL, FORM_HEX};
    switch (c->jdbc_type) {
    case JDBC_BIT:
        *ret_type = CD_BOOLEAN;
        return FORM_BOOLEAN;
    case JDBC_TINYINT:
    case JDBC_SMALLINT:
        *ret_type = CD_INT16;
        return FORM_INT;
    case JDBC_INTEGER:
        *ret_type = CD_INT32;
        return FORM_INT;
    case JDBC_BIGINT:
        *ret_type = CD_INT64;
        return FORM_INT;
    case JDBC_REAL:
        *ret_type = CD_FLOAT32;
        return FORM_FLOAT32;
    case JDBC_FLOAT:
    case JDBC_DOUBLE:
        *ret_type = CD_FLOAT64;
        return FORM_FLOAT64;
    case JDBC_DECIMAL:
    case JDBC_NUMERIC:
        *ret_type = decimal_types[conf->decimal];
        return decimals[conf->decimal];
    case JDBC_DATE:
        *ret_type = conf->time == TIME_ISO ? CD_STRING : CD_INT32;
        return conf->time == TIME_ISO ? FORM_DATE_ISO : FORM_DATE;
    case JDBC_TIME:
        return time_form(conf, c->scale, ret_type);
    case JDBC_TIMESTAMP:
        return stamp_form(conf, c->scale, ret_type);
    case JDBC_DATETIMEOFFSET:
        *ret_type = CD_STRING;
        return FORM_ZONED;
    case JDBC_BINARY:
    case JDBC_VARBINARY:
    case JDBC_LONGVARBINARY:
        *ret_type = conf->binary == BINARY_BYTES ? CD_BYTES : CD_STRING;
        return binaries[conf->binary];
    default:
        if (!column_is_text(c)) return FORM_NONE;
        *ret_type = CD_STRING;
        return FORM_STRING;
    }
}

const char *convert_schema_name(const conf_t *conf, form_t form)
{
    bool connect = conf->time == TIME_CONNECT;
    switch (form) {
    case FORM_DECIMAL:
        return CD_NAME_DECIMAL;
    case FORM_DATE:
        return connect ? CD_NAME_DATE : "io.debezium.time.Date";
    case FORM_DATE_ISO:
        return "io.debezium.time.IsoDate";
    case FORM_TIME_MS:
        return connect ? CD_NAME_TIME : "io.debezium.time.Time";
    case FORM_TIME_US:
        return "io.debezium.time.MicroTime";
    case FORM_TIME_NS:
        return "io.debezium.time.NanoTime";
    case FORM_TIME_ISO:
        return "io.debezium.time.IsoTime";
    case FORM_STAMP_MS:
        return connect ? CD_NAME_TIMESTAMP : "io.debezium.time.Timestamp";
    case FORM_STAMP_US:
        return "io.debezium.time.MicroTimestamp";
    case FORM_STAMP_NS:
        return "io.debezium.time.NanoTimestamp";
    case FORM_STAMP_ISO:
        return "io.debezium.time.IsoTimestamp";
    case FORM_ZONED:
        return "io.debezium.time.ZonedTimestamp";
    default:
        return NULL;
    }
}

/* ---- values ---------------------------------------------------------------------------------------------------- */

static cd_value_t misfit(const cell_plan_t *p, const uint8_t *data, uint32_t len, cd_arena_t *arena)
{
    (void)data;
    (void)len;
    (void)arena;
    (*p->errors)++;
    return CD_V_NULL;
}

static cd_value_t int1_cell(const cell_plan_t *p, const uint8_t *data, uint32_t len, cd_arena_t *arena)
{
    (void)len;
    (void)arena;
    return cd_v_int(p->field->type, *data);
}

static cd_value_t int2_cell(const cell_plan_t *p, const uint8_t *data, uint32_t len, cd_arena_t *arena)
{
    (void)len;
    (void)arena;
    int16_t v;
    memcpy(&v, data, sizeof(v));
    return cd_v_int(p->field->type, v);
}

static cd_value_t int4_cell(const cell_plan_t *p, const uint8_t *data, uint32_t len, cd_arena_t *arena)
{
    (void)len;
    (void)arena;
    int32_t v;
    memcpy(&v, data, sizeof(v));
    return cd_v_int(p->field->type, v);
}

static cd_value_t int8_cell(const cell_plan_t *p, const uint8_t *data, uint32_t len, cd_arena_t *arena)
{
    (void)len;
    (void)arena;
    int64_t v;
    memcpy(&v, data, sizeof(v));
    return cd_v_int(p->field->type, v);
}

static cd_value_t bool_cell(const cell_plan_t *p, const uint8_t *data, uint32_t len, cd_arena_t *arena)
{
    (void)p;
    (void)len;
    (void)arena;
    return cd_v_bool(*data != 0);
}

static cd_value_t real_cell(const cell_plan_t *p, const uint8_t *data, uint32_t len, cd_arena_t *arena)
{
    (void)len;
    (void)arena;
    float v;
    memcpy(&v, data, sizeof(v));
    return p->field->type == CD_FLOAT32 ? cd_v_f32(v) : cd_v_f64(v);
}

static cd_value_t double_cell(const cell_plan_t *p, const uint8_t *data, uint32_t len, cd_arena_t *arena)
{
    (void)len;
    (void)arena;
    double v;
    memcpy(&v, data, sizeof(v));
    return p->field->type == CD_FLOAT32 ? cd_v_f32((float)v) : cd_v_f64(v);
}

cd_value_t convert_decimal(const field_t *f, bool negative, unsigned __int128 magnitude, cd_arena_t *arena)
{
    if (f->form == FORM_DECIMAL && magnitude <= INT64_MAX) {
        /* Nearly all values: the sign bit and the bits below it tell the length. */
        int64_t v = negative ? -(int64_t)magnitude : (int64_t)magnitude;
        uint64_t bits = (uint64_t)(v < 0 ? ~v : v);
        uint32_t n = bits == 0 ? 1 : (uint32_t)(64 - __builtin_clzll(bits)) / 8 + 1;
        uint64_t big = __builtin_bswap64((uint64_t)v << (64 - 8 * n));
        uint8_t *out = cd_arena_alloc(arena, sizeof(big));
        memcpy(out, &big, sizeof(big));
        return cd_v_bytes(out, n);
    }
    if (f->form == FORM_DECIMAL) {
        unsigned __int128 v = negative ? -magnitude : magnitude;
        uint8_t full[17] = {negative && magnitude != 0 ? 0xff : 0};
        for (int i = 16; i > 0; i--) {
            full[i] = (uint8_t)v;
            v >>= 8;
        }
        /* The shortest two's complement form keeps the sign in its first bit. */
        uint32_t from = 0;
        while (from < 16 && full[from] == (full[from + 1] & 0x80 ? 0xff : 0)) from++;
        uint8_t *out = cd_arena_alloc(arena, 17 - from);
        memcpy(out, full + from, 17 - from);
        return cd_v_bytes(out, 17 - from);
    }
    char digits[64];
    uint32_t scale = f->scale > 0 ? (uint32_t)f->scale : 0, n = 0, at = sizeof(digits);
    for (; magnitude != 0 || n <= scale; magnitude /= 10) {
        if (n == scale && scale > 0) digits[--at] = '.';
        digits[--at] = (char)('0' + (int)(magnitude % 10));
        n++;
    }
    if (negative) digits[--at] = '-';
    if (f->form == FORM_DECIMAL_STRING)
        return cd_v_strn(cd_arena_strndup(arena, digits + at, sizeof(digits) - at), sizeof(digits) - at);
    char text[65];
    memcpy(text, digits + at, sizeof(digits) - at);
    text[sizeof(digits) - at] = '\0';
    return cd_v_f64(strtod(text, NULL));
}

static bool rescale(unsigned __int128 *magnitude, int32_t from, int32_t to)
{
    for (; from < to; from++) {
        if (*magnitude > ((unsigned __int128)-1 >> 1) / 10) return false;
        *magnitude *= 10;
    }
    for (; from > to; from--) {
        if (*magnitude % 10 != 0) return false;
        *magnitude /= 10;
    }
    return true;
}

static cd_value_t numeric_cell(const cell_plan_t *p, const uint8_t *data, uint32_t len, cd_arena_t *arena)
{
    /* Magnitude bytes that a precision takes in db-lib's structure, without the sign. */
    static const uint8_t bytes[] = {0, 1, 1,  2,  2,  3,  3,  3,  4,  4,  5,  5,  5,  6,  6,  7,  7,  8,  8, 8,
                                    9, 9, 10, 10, 10, 11, 11, 12, 12, 13, 13, 13, 14, 14, 15, 15, 15, 16, 16};
    const DBNUMERIC *v = (const DBNUMERIC *)(const void *)data;
    if (len < 3 || v->precision >= sizeof(bytes)) return misfit(p, data, len, arena);
    unsigned __int128 m = 0;
    for (uint32_t i = 1; i <= bytes[v->precision]; i++) m = m << 8 | v->array[i];
    if (CD_UNLIKELY(v->scale != p->field->scale) && !rescale(&m, v->scale, p->field->scale))
        return misfit(p, data, len, arena);
    return convert_decimal(p->field, v->array[0] != 0, m, arena);
}

static cd_value_t money(const cell_plan_t *p, int64_t v, cd_arena_t *arena)
{
    unsigned __int128 m = v < 0 ? -(unsigned __int128)v : (unsigned __int128)v;
    if (p->field->scale != 4 && !rescale(&m, 4, p->field->scale)) return misfit(p, NULL, 0, arena);
    return convert_decimal(p->field, v < 0, m, arena);
}

static cd_value_t money8_cell(const cell_plan_t *p, const uint8_t *data, uint32_t len, cd_arena_t *arena)
{
    (void)len;
    DBMONEY m;
    memcpy(&m, data, sizeof(m));
    return money(p, (int64_t)((uint64_t)(uint32_t)m.mnyhigh << 32 | (uint32_t)m.mnylow), arena);
}

static cd_value_t money4_cell(const cell_plan_t *p, const uint8_t *data, uint32_t len, cd_arena_t *arena)
{
    (void)len;
    DBMONEY4 m;
    memcpy(&m, data, sizeof(m));
    return money(p, m.mny4, arena);
}

/* Bytes of the first n UTF-16 units of UTF-8 text; a pair is not cut in half. */
static uint32_t prefix_units(const uint8_t *s, uint32_t len, int32_t n)
{
    uint32_t at = 0;
    while (at < len && n > 0) {
        uint32_t width = s[at] < 0x80 ? 1 : s[at] < 0xe0 ? 2 : s[at] < 0xf0 ? 3 : 4;
        n -= width == 4 ? 2 : 1;
        if (n < 0 || at + width > len) break;
        at += width;
    }
    return at;
}

static cd_value_t hashed(const field_t *f, const uint8_t *data, uint32_t len, cd_arena_t *arena)
{
    char hex[DIGEST_HEX_MAX];
    uint32_t n = digest_hex(f->digest, data, len, hex);
    if (f->column->length >= 0 && n > (uint32_t)f->column->length) n = (uint32_t)f->column->length;
    return cd_v_strn(cd_arena_strndup(arena, hex, n), n);
}

static cd_value_t text_cell(const cell_plan_t *p, const uint8_t *data, uint32_t len, cd_arena_t *arena)
{
    const field_t *f = p->field;
    if (CD_UNLIKELY(f->mask >= 0)) return f->mask_value;
    if (CD_UNLIKELY(f->digest != NULL)) return hashed(f, data, len, arena);
    if (CD_UNLIKELY(f->truncate >= 0)) len = prefix_units(data, len, f->truncate);
    return cd_v_strn(cd_arena_strndup(arena, data, len), len);
}

static cd_value_t guid_cell(const cell_plan_t *p, const uint8_t *data, uint32_t len, cd_arena_t *arena)
{
    static const uint8_t order[] = {3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15};
    static const char hex[] = "0123456789ABCDEF";
    char text[37];
    char *at = text;
    if (len != 16) return misfit(p, data, len, arena);
    for (uint32_t i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10) *at++ = '-';
        *at++ = hex[data[order[i]] >> 4];
        *at++ = hex[data[order[i]] & 15];
    }
    return text_cell(p, (const uint8_t *)text, 36, arena);
}

static cd_value_t base64_value(const uint8_t *data, uint32_t len, bool url, cd_arena_t *arena)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    static const char safe[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    const char *set = url ? safe : plain;
    size_t n = ((size_t)len + 2) / 3 * 4;
    char *out = cd_arena_alloc(arena, n + 1), *at = out;
    for (uint32_t i = 0; i < len; i += 3) {
        uint32_t left = len - i;
        uint32_t v =
            (uint32_t)data[i] << 16 | (left > 1 ? (uint32_t)data[i + 1] << 8 : 0) | (left > 2 ? data[i + 2] : 0);
        *at++ = set[v >> 18];
        *at++ = set[v >> 12 & 63];
        *at++ = left > 1 ? set[v >> 6 & 63] : '=';
        *at++ = left > 2 ? set[v & 63] : '=';
    }
    *at = '\0';
    return cd_v_strn(out, n);
}

cd_value_t convert_bytes(const field_t *f, const uint8_t *data, uint32_t len, cd_arena_t *arena)
{
    static const char hex[] = "0123456789abcdef";
    if (f->form == FORM_BASE64 || f->form == FORM_BASE64_URL)
        return base64_value(data, len, f->form == FORM_BASE64_URL, arena);
    if (f->form == FORM_HEX) {
        char *out = cd_arena_alloc(arena, 2 * (size_t)len + 1);
        for (uint32_t i = 0; i < len; i++) {
            out[2 * i] = hex[data[i] >> 4];
            out[2 * i + 1] = hex[data[i] & 15];
        }
        return cd_v_strn(out, 2 * (size_t)len);
    }
    return cd_v_bytes(cd_arena_strndup(arena, data, len), len);
}

static cd_value_t bytes_cell(const cell_plan_t *p, const uint8_t *data, uint32_t len, cd_arena_t *arena)
{
    return convert_bytes(p->field, data, len, arena);
}

bool convert_wire_moment(int wire, const uint8_t *data, moment_t *ret)
{
    switch (wire) {
    case SYBMSDATE:
    case SYBMSTIME:
    case SYBMSDATETIME2:
    case SYBMSDATETIMEOFFSET: {
        DBDATETIMEALL v;
        memcpy(&v, data, sizeof(v));
        *ret = (moment_t){.days = (int64_t)v.date - DAYS_1900,
                          .ticks = (int64_t)v.time,
                          .offset = wire == SYBMSDATETIMEOFFSET ? v.offset : 0};
        return true;
    }
    case SYBDATETIME: {
        DBDATETIME v;
        memcpy(&v, data, sizeof(v));
        /* 1/300 s to milliseconds the way the driver rounds: the last digit becomes 0, 3 or 7. */
        *ret = (moment_t){.days = (int64_t)v.dtdays - DAYS_1900, .ticks = ((int64_t)v.dttime * 10 + 1) / 3 * 10000};
        return true;
    }
    case SYBDATETIME4: {
        DBDATETIME4 v;
        memcpy(&v, data, sizeof(v));
        *ret = (moment_t){.days = (int64_t)v.days - DAYS_1900, .ticks = (int64_t)v.minutes * 60 * TICKS_PER_SECOND};
        return true;
    }
    default:
        return false;
    }
}

static cd_value_t arena_text(const char *text, size_t len, cd_arena_t *arena)
{
    return cd_v_strn(cd_arena_strndup(arena, text, len), len);
}

cd_value_t convert_moment(const field_t *f, const moment_t *m, cd_arena_t *arena, bool *ret_ok)
{
    char text[TEMPORAL_TEXT];
    size_t n;
    int64_t v;
    *ret_ok = true;
    switch (f->form) {
    case FORM_DATE:
        return cd_v_int(CD_INT32, m->days);
    case FORM_TIME_MS:
        return cd_v_int(CD_INT32, m->ticks / 10000);
    case FORM_TIME_US:
        return cd_v_int(CD_INT64, m->ticks / 10);
    case FORM_TIME_NS:
        return cd_v_int(CD_INT64, m->ticks * 100);
    case FORM_STAMP_MS:
        return cd_v_int(CD_INT64, temporal_millis(m));
    case FORM_STAMP_US:
        return cd_v_int(CD_INT64, m->days * INT64_C(86400000000) + m->ticks / 10);
    case FORM_STAMP_NS:
        if (CD_UNLIKELY(__builtin_mul_overflow(m->days, INT64_C(86400000000000), &v) ||
                        __builtin_add_overflow(v, m->ticks * 100, &v))) {
            if (!f->wrap_nanos) {
                *ret_ok = false;
                return CD_V_NULL;
            }
            v = (int64_t)((uint64_t)m->days * UINT64_C(86400000000000) + (uint64_t)m->ticks * 100);
        }
        return cd_v_int(CD_INT64, v);
    case FORM_DATE_ISO:
        n = temporal_date_text(m->days, text);
        text[n++] = 'Z';
        return arena_text(text, n, arena);
    case FORM_TIME_ISO:
        n = temporal_time_text(m->ticks, text);
        text[n++] = 'Z';
        return arena_text(text, n, arena);
    case FORM_STAMP_ISO:
    case FORM_ZONED:
        n = temporal_zoned_text(m, text);
        return arena_text(text, n, arena);
    default:
        *ret_ok = false;
        return CD_V_NULL;
    }
}

static cd_value_t moment_cell(const cell_plan_t *p, const uint8_t *data, uint32_t len, cd_arena_t *arena)
{
    moment_t m;
    bool ok = convert_wire_moment(p->wire, data, &m);
    if (!ok) return misfit(p, data, len, arena);
    cd_value_t v = convert_moment(p->field, &m, arena, &ok);
    if (CD_UNLIKELY(!ok)) {
        (*p->errors)++;
        return p->field->null_value;
    }
    return v;
}

static cell_fn pick(form_t form, int wire)
{
    bool text = wire == SYBCHAR || wire == SYBVARCHAR || wire == SYBTEXT || wire == SYBNTEXT;
    switch (form) {
    case FORM_INT:
        return wire == SYBINT1 || wire == SYBBIT ? int1_cell
               : wire == SYBINT2                 ? int2_cell
               : wire == SYBINT4                 ? int4_cell
               : wire == SYBINT8                 ? int8_cell
                                                 : misfit;
    case FORM_BOOLEAN:
        return wire == SYBBIT || wire == SYBINT1 ? bool_cell : misfit;
    case FORM_FLOAT32:
    case FORM_FLOAT64:
        return wire == SYBREAL ? real_cell : wire == SYBFLT8 ? double_cell : misfit;
    case FORM_DECIMAL:
    case FORM_DECIMAL_DOUBLE:
    case FORM_DECIMAL_STRING:
        return wire == SYBNUMERIC || wire == SYBDECIMAL ? numeric_cell
               : wire == SYBMONEY                       ? money8_cell
               : wire == SYBMONEY4                      ? money4_cell
                                                        : misfit;
    case FORM_STRING:
        return wire == WIRE_UNIQUE ? guid_cell : text ? text_cell : misfit;
    case FORM_BYTES:
    case FORM_BASE64:
    case FORM_BASE64_URL:
    case FORM_HEX:
        return wire == SYBBINARY || wire == SYBVARBINARY || wire == SYBIMAGE || text ? bytes_cell : misfit;
    case FORM_NONE:
        return misfit;
    default:
        return moment_cell;
    }
}

static uint32_t fixed_size(int wire)
{
    switch (wire) {
    case SYBINT1:
    case SYBBIT:
        return 1;
    case SYBINT2:
        return 2;
    case SYBINT4:
    case SYBREAL:
    case SYBMONEY4:
    case SYBDATETIME4:
        return 4;
    case SYBINT8:
    case SYBFLT8:
    case SYBMONEY:
    case SYBDATETIME:
        return 8;
    case SYBNUMERIC:
    case SYBDECIMAL:
        return sizeof(DBNUMERIC);
    case SYBMSDATE:
    case SYBMSTIME:
    case SYBMSDATETIME2:
    case SYBMSDATETIMEOFFSET:
        return sizeof(DBDATETIMEALL);
    default:
        return 0;
    }
}

void row_plan_init(row_plan_t *plan, const conn_t *conn, const field_t *const *fields, uint32_t n)
{
    plan->n = n;
    plan->errors = 0;
    plan->cells = calloc(n + 1, sizeof(cell_plan_t));
    if (plan->cells == NULL) abort();
    int cols = dbnumcols(conn->db);
    for (uint32_t i = 0; i < n; i++) {
        cell_plan_t *p = &plan->cells[i];
        p->field = fields[i];
        p->errors = &plan->errors;
        p->fn = misfit;
        for (int c = 1; c <= cols && p->col == 0; c++) {
            const char *name = dbcolname(conn->db, c);
            if (name != NULL && strcmp(name, fields[i]->column->name) == 0) p->col = c;
        }
        if (p->col == 0) {
            /* Server collations compare names without case; an exact match has gone first. */
            for (int c = 1; c <= cols && p->col == 0; c++) {
                const char *name = dbcolname(conn->db, c);
                if (name != NULL && strcasecmp(name, fields[i]->column->name) == 0) p->col = c;
            }
        }
        if (p->col == 0) continue;
        p->wire = dbcoltype(conn->db, p->col);
        p->fixed = fixed_size(p->wire);
        p->fn = pick(fields[i]->form, p->wire);
    }
}

void row_plan_done(row_plan_t *plan)
{
    free(plan->cells);
    *plan = (row_plan_t){0};
}
