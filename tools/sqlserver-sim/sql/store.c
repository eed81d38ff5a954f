/* store.c: cells to SQLite values and back, and the byte form of the change log.
 * Every stored form sorts in SQLite as SQL Server sorts the type (uniqueidentifier and sql_variant excepted). */
#include <string.h>

#include "sql/value.h"
#include "util/datetime.h"

static int64_t moment_key(const sim_typeinfo_t *t, const sim_value_t *v)
{
    switch (t->base) {
    case SIM_T_DATE:
        return v->u.t.days;
    case SIM_T_TIME:
        return v->u.t.ticks;
    case SIM_T_DATETIME:
        return (int64_t)v->u.t.days * 25920000 + v->u.t.ticks;
    case SIM_T_SMALLDATETIME:
        return (int64_t)v->u.t.days * 1440 + v->u.t.ticks;
    default:
        return (int64_t)v->u.t.days * DT_DAY_TICKS + v->u.t.ticks;
    }
}

static void moment_unkey(const sim_typeinfo_t *t, int64_t k, sim_value_t *v)
{
    int64_t unit = t->base == SIM_T_DATETIME ? 25920000 : t->base == SIM_T_SMALLDATETIME ? 1440 : DT_DAY_TICKS;
    v->u.t.offset = 0;
    if (t->base == SIM_T_DATE || t->base == SIM_T_TIME) {
        v->u.t.days = t->base == SIM_T_DATE ? (int32_t)k : 0;
        v->u.t.ticks = t->base == SIM_T_DATE ? 0 : k;
        return;
    }
    int64_t d = k / unit, r = k % unit;
    if (r < 0) {
        r += unit;
        d--;
    }
    v->u.t.days = (int32_t)d;
    v->u.t.ticks = r;
}

static size_t pack_blob(const sim_typeinfo_t *t, const sim_value_t *v, uint8_t out[16])
{
    if (t->base == SIM_T_DATETIMEOFFSET) {
        uint64_t k = (uint64_t)moment_key(t, v);
        for (int i = 7; i >= 0; i--) {
            out[i] = (uint8_t)k;
            k >>= 8;
        }
        uint16_t o = (uint16_t)(v->u.t.offset + 1024);
        out[8] = (uint8_t)(o >> 8);
        out[9] = (uint8_t)o;
        return 10;
    }
    if (t->base == SIM_T_UNIQUEIDENTIFIER) {
        memcpy(out, v->u.guid, 16);
        return 16;
    }
    dec_pack(value_dec(v), out);
    return 16;
}

static bool is_packed(sim_base_t b)
{
    return b == SIM_T_DATETIMEOFFSET || b == SIM_T_UNIQUEIDENTIFIER || type_is_decimal(b);
}

static void unpack_blob(const sim_typeinfo_t *t, const uint8_t *p, size_t n, sim_value_t *v)
{
    uint8_t in[16] = {0};
    memcpy(in, p, n < 16 ? n : 16);
    if (t->base == SIM_T_DATETIMEOFFSET) {
        uint64_t k = 0;
        for (int i = 0; i < 8; i++) k = k << 8 | in[i];
        moment_unkey(t, (int64_t)k, v);
        v->u.t.offset = (int16_t)((in[8] << 8 | in[9]) - 1024);
    } else if (t->base == SIM_T_UNIQUEIDENTIFIER) {
        memcpy(v->u.guid, in, 16);
    } else {
        value_set_dec(v, dec_unpack(in));
    }
}

void store_bind(sqlite3_stmt *stmt, int index, const sim_typeinfo_t *t, const sim_value_t *v)
{
    uint8_t packed[16];
    if (v->is_null || t->base == SIM_T_NULL) {
        sqlite3_bind_null(stmt, index);
    } else if (is_packed(t->base)) {
        size_t n = pack_blob(t, v, packed);
        sqlite3_bind_blob(stmt, index, packed, (int)n, SQLITE_TRANSIENT);
    } else if (type_is_float(t->base)) {
        sqlite3_bind_double(stmt, index, v->u.f);
    } else if (type_is_datetime(t->base)) {
        sqlite3_bind_int64(stmt, index, moment_key(t, v));
    } else if (type_is_char(t->base) || t->base == SIM_T_XML) {
        sqlite3_bind_text(stmt, index, v->u.s.ptr, (int)v->u.s.len, SQLITE_TRANSIENT);
    } else if (type_is_binary(t->base)) {
        if (v->u.s.len == 0)
            sqlite3_bind_zeroblob(stmt, index, 0);
        else
            sqlite3_bind_blob(stmt, index, v->u.s.ptr, (int)v->u.s.len, SQLITE_TRANSIENT);
    } else if (t->base == SIM_T_VARIANT) {
        buf_t b = {0};
        cell_put(&b, t, v);
        sqlite3_bind_blob(stmt, index, buf_text(&b), (int)b.len, SQLITE_TRANSIENT);
        buf_done(&b);
    } else {
        sqlite3_bind_int64(stmt, index, v->u.i);
    }
}

void store_result(sqlite3_context *ctx, const sim_typeinfo_t *t, const sim_value_t *v)
{
    uint8_t packed[16];
    if (v->is_null || t->base == SIM_T_NULL) {
        sqlite3_result_null(ctx);
    } else if (is_packed(t->base)) {
        size_t n = pack_blob(t, v, packed);
        sqlite3_result_blob(ctx, packed, (int)n, SQLITE_TRANSIENT);
    } else if (type_is_float(t->base)) {
        sqlite3_result_double(ctx, v->u.f);
    } else if (type_is_datetime(t->base)) {
        sqlite3_result_int64(ctx, moment_key(t, v));
    } else if (type_is_char(t->base) || t->base == SIM_T_XML) {
        sqlite3_result_text(ctx, v->u.s.ptr, (int)v->u.s.len, SQLITE_TRANSIENT);
    } else if (type_is_binary(t->base)) {
        if (v->u.s.len == 0)
            sqlite3_result_zeroblob(ctx, 0);
        else
            sqlite3_result_blob(ctx, v->u.s.ptr, (int)v->u.s.len, SQLITE_TRANSIENT);
    } else if (t->base == SIM_T_VARIANT) {
        buf_t b = {0};
        cell_put(&b, t, v);
        sqlite3_result_blob(ctx, buf_text(&b), (int)b.len, SQLITE_TRANSIENT);
        buf_done(&b);
    } else {
        sqlite3_result_int64(ctx, v->u.i);
    }
}

void store_read(arena_t *a, sqlite3_value *sv, const sim_typeinfo_t *t, sim_value_t *ret_v)
{
    memset(ret_v, 0, sizeof(*ret_v));
    if (sqlite3_value_type(sv) == SQLITE_NULL) {
        ret_v->is_null = true;
        return;
    }
    if (is_packed(t->base)) {
        const uint8_t *p = sqlite3_value_blob(sv);
        unpack_blob(t, p != NULL ? p : (const uint8_t *)"", (size_t)sqlite3_value_bytes(sv), ret_v);
    } else if (type_is_float(t->base)) {
        ret_v->u.f = sqlite3_value_double(sv);
    } else if (type_is_datetime(t->base)) {
        moment_unkey(t, sqlite3_value_int64(sv), ret_v);
    } else if (type_is_char(t->base) || t->base == SIM_T_XML) {
        const char *p = (const char *)sqlite3_value_text(sv);
        *ret_v = value_bytes(p != NULL ? p : "", (size_t)sqlite3_value_bytes(sv));
    } else if (type_is_binary(t->base)) {
        const char *p = sqlite3_value_blob(sv);
        *ret_v = value_bytes(p != NULL ? p : "", (size_t)sqlite3_value_bytes(sv));
    } else if (t->base == SIM_T_VARIANT) {
        const char *p = sqlite3_value_blob(sv);
        size_t pos = 0;
        if (p == NULL || !cell_get(p, (size_t)sqlite3_value_bytes(sv), &pos, a, t, ret_v)) ret_v->is_null = true;
    } else {
        ret_v->u.i = sqlite3_value_int64(sv);
    }
}

void store_column(arena_t *a, sqlite3_stmt *stmt, int col, const sim_typeinfo_t *t, sim_value_t *ret_v)
{
    store_read(a, sqlite3_column_value(stmt, col), t, ret_v);
}

/* ---- change log cells: 0 = NULL, 1 = fixed, 2 = bytes ---- */

static void put_u64(buf_t *out, uint64_t x)
{
    char b[8];
    for (int i = 7; i >= 0; i--) {
        b[i] = (char)x;
        x >>= 8;
    }
    buf_add(out, b, 8);
}

static bool get_u64(const char *p, size_t len, size_t *pos, uint64_t *ret_x)
{
    if (len - *pos < 8) return false;
    uint64_t x = 0;
    for (int i = 0; i < 8; i++) x = x << 8 | (unsigned char)p[(*pos)++];
    *ret_x = x;
    return true;
}

void cell_put(buf_t *out, const sim_typeinfo_t *t, const sim_value_t *v)
{
    uint8_t packed[16];
    uint64_t bits;
    if (v->is_null) {
        buf_addc(out, 0);
    } else if (is_packed(t->base)) {
        size_t n = pack_blob(t, v, packed);
        buf_addc(out, 2);
        put_u64(out, n);
        buf_add(out, packed, n);
    } else if (type_is_float(t->base)) {
        memcpy(&bits, &v->u.f, 8);
        buf_addc(out, 1);
        put_u64(out, bits);
    } else if (type_is_datetime(t->base)) {
        buf_addc(out, 1);
        put_u64(out, (uint64_t)moment_key(t, v));
    } else if (type_is_char(t->base) || t->base == SIM_T_XML || type_is_binary(t->base)) {
        buf_addc(out, 2);
        put_u64(out, v->u.s.len);
        buf_add(out, v->u.s.ptr, v->u.s.len);
    } else if (t->base == SIM_T_VARIANT) {
        buf_addc(out, 3);
        put_u64(out, (uint64_t)type_pack(v->u.v.type));
        cell_put(out, v->u.v.type, v->u.v.value);
    } else {
        buf_addc(out, 1);
        put_u64(out, (uint64_t)v->u.i);
    }
}

bool cell_get(const char *p, size_t len, size_t *pos, arena_t *a, const sim_typeinfo_t *t, sim_value_t *ret_v)
{
    memset(ret_v, 0, sizeof(*ret_v));
    if (*pos >= len) return false;
    int tag = p[(*pos)++];
    uint64_t x;
    if (tag == 0) {
        ret_v->is_null = true;
        return true;
    }
    if (!get_u64(p, len, pos, &x)) return false;
    if (tag == 2) {
        if (len - *pos < x) return false;
        if (is_packed(t->base))
            unpack_blob(t, (const uint8_t *)p + *pos, (size_t)x, ret_v);
        else
            *ret_v = value_bytes(p + *pos, (size_t)x);
        *pos += (size_t)x;
        return true;
    }
    if (tag == 3) {
        sim_typeinfo_t inner = type_unpack((int64_t)x);
        if (inner.base == SIM_T_VARIANT || inner.base == SIM_T_NULL || inner.base >= SIM_T_COUNT) return false;
        sim_value_t *v = arena_alloc(a, sizeof(*v));
        if (!cell_get(p, len, pos, a, &inner, v)) return false;
        ret_v->u.v.type = arena_memdup(a, &inner, sizeof(inner));
        ret_v->u.v.value = v;
        return true;
    }
    if (type_is_float(t->base))
        memcpy(&ret_v->u.f, &x, 8);
    else if (type_is_datetime(t->base))
        moment_unkey(t, (int64_t)x, ret_v);
    else
        ret_v->u.i = (int64_t)x;
    return true;
}
