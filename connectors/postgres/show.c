#include "connectors/postgres/show.h"

#include "connectors/postgres/temporal.h"
#include "connectors/postgres/wire.h"

#define STRING_MAX 256

static const char *show_string(const uint8_t *data, uint32_t len, cd_arena_t *arena)
{
    uint32_t n = len < STRING_MAX ? len : STRING_MAX;
    while (n < len && n > 0 && (data[n] & 0xC0) == 0x80) n--;
    char *out = cd_arena_alloc(arena, (size_t)n * 2 + 6), *at = out;
    *at++ = '\'';
    for (uint32_t i = 0; i < n; i++) {
        if (data[i] == '\'') *at++ = '\'';
        *at++ = data[i] != 0 ? (char)data[i] : '.';
    }
    if (n < len) {
        memcpy(at, "...", 3);
        at += 3;
    }
    *at++ = '\'';
    *at = '\0';
    return out;
}

static uint16_t get16(const uint8_t *p)
{
    return (uint16_t)(p[0] << 8 | p[1]);
}

static const char *show_numeric(const uint8_t *p, uint32_t len, cd_arena_t *arena)
{
    if (len < 8 || len > 2000) return "?";
    int ndigits = get16(p), weight = (int16_t)get16(p + 2), dscale = get16(p + 6);
    if (weight > 1000 || dscale > 1000 || 8 + (uint32_t)ndigits * 2 != len) return "?";
    int whole = weight >= 0 ? weight + 1 : 0;
    char *out = cd_arena_alloc(arena, (size_t)whole * 4 + (size_t)dscale + 16), *at = out;
    if (get16(p + 4) == 0x4000) *at++ = '-';
    if (whole == 0) *at++ = '0';
    for (int i = 0; i < whole; i++) {
        int digit = i < ndigits ? get16(p + 8 + 2 * i) : 0;
        at += snprintf(at, 6, i == 0 ? "%d" : "%04d", digit);
    }
    if (dscale > 0) *at++ = '.';
    for (int i = 0; i < dscale; i++) {
        int group = weight + 1 + i / 4;
        static const int unit[] = {1000, 100, 10, 1};
        int digit = group >= 0 && group < ndigits ? get16(p + 8 + 2 * group) : 0;
        *at++ = (char)('0' + digit / unit[i % 4] % 10);
    }
    *at = '\0';
    return out;
}

static const char *show_temporal(uint32_t oid, const uint8_t *data, cd_arena_t *arena)
{
    char text[TEMPORAL_TEXT_MAX];
    bool date = oid == OID_DATE;
    int64_t v = date ? (int32_t)wire_get32(data) : (int64_t)wire_get64(data);
    bool infinite = date ? v == INT32_MAX || v == INT32_MIN : v == INT64_MAX || v == INT64_MIN;
    temporal_t t = {.infinity = infinite ? (v > 0 ? 1 : -1) : 0};
    if (!infinite) t.wall_us = date ? (v + WIRE_EPOCH_DAYS) * WIRE_DAY_US : oid == OID_TIME ? v : v + WIRE_EPOCH_US;
    enum temporal_style style = date              ? TEMPORAL_STYLE_DATE
                                : oid == OID_TIME ? TEMPORAL_STYLE_TIME
                                                  : TEMPORAL_STYLE_TIMESTAMP;
    (void)temporal_text(text, style, &t, oid == OID_TIMESTAMPTZ);
    return cd_arena_printf(arena, "'%s'", text);
}

const char *show_value(uint32_t oid, const uint8_t *data, uint32_t len, cd_arena_t *arena)
{
    uint32_t bits32;
    uint64_t bits64;
    float f32;
    double f64;
    switch (oid) {
    case OID_INT2:
        return cd_arena_printf(arena, "%d", (int16_t)get16(data));
    case OID_INT4:
        return cd_arena_printf(arena, "%d", (int32_t)wire_get32(data));
    case OID_INT8:
        return cd_arena_printf(arena, "%lld", (long long)wire_get64(data));
    case OID_BOOL:
        return data[0] != 0 ? "TRUE" : "FALSE";
    case OID_FLOAT4:
        bits32 = wire_get32(data);
        memcpy(&f32, &bits32, 4);
        return cd_arena_printf(arena, "%.9g", (double)f32);
    case OID_FLOAT8:
        bits64 = wire_get64(data);
        memcpy(&f64, &bits64, 8);
        return cd_arena_printf(arena, "%.17g", f64);
    case OID_NUMERIC:
        return show_numeric(data, len, arena);
    case OID_DATE:
    case OID_TIME:
    case OID_TIMESTAMP:
    case OID_TIMESTAMPTZ:
        return show_temporal(oid, data, arena);
    case OID_VARCHAR:
    case OID_TEXT:
    case OID_JSON:
    case OID_XML:
        return show_string(data, len, arena);
    case OID_JSONB:
        return show_string(data + 1, len - 1, arena);
    case OID_UUID:
        return cd_arena_printf(arena, "'%08x-%04x-%04x-%04x-%04x%08x'", wire_get32(data), get16(data + 4),
                               get16(data + 6), get16(data + 8), get16(data + 10), wire_get32(data + 12));
    default:
        return "?";
    }
}

const char *show_statement(const char *sql, const char *const *values, uint32_t n, cd_arena_t *arena)
{
    wire_buf_t b = {0};
    bool quoted = false;
    for (const char *p = sql; *p != '\0'; p++) {
        if (*p == '"') quoted = !quoted;
        char *end = NULL;
        unsigned long i = !quoted && p[0] == '$' && p[1] >= '1' && p[1] <= '9' ? strtoul(p + 1, &end, 10) : 0;
        if (i == 0 || i > n) {
            wire_put_raw(&b, p, 1);
            continue;
        }
        wire_put_raw(&b, values[i - 1], strlen(values[i - 1]));
        p = end - 1;
    }
    const char *text = cd_arena_strndup(arena, b.data, b.len);
    wire_buf_done(&b);
    return text;
}
