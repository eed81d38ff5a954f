/* connectors/postgres/wire.h: PostgreSQL's binary value formats, written into a growing buffer.
 *
 * Threads    none of its own; a buffer belongs to one task.
 * Ownership  the buffer owns its memory; wire_buf_done gives it back.
 * Errors     memory exhaustion aborts. Values out of PostgreSQL's range return false, the caller words the error.
 * Units      big-endian on the wire; times in microseconds, dates in days, both counted from 1970 at this border. */
#ifndef POSTGRES_WIRE_H
#define POSTGRES_WIRE_H

#include "plugins/api/connectd_plugin.h"

typedef struct wire_buf {
    uint8_t *data;
    size_t len, cap;
} wire_buf_t;

/** A buffer above this size is given back on reset, so that one burst does not stay resident. */
#define WIRE_KEEP ((size_t)24 << 20)

#define WIRE_EPOCH_US   INT64_C(946684800000000) /* 2000-01-01 in Unix microseconds */
#define WIRE_EPOCH_DAYS 10957
#define WIRE_DAY_US     INT64_C(86400000000)

/** Smallest timestamp in Unix microseconds. The largest is beyond int64: whoever multiplies checks for overflow. */
#define WIRE_TS_MIN   (-INT64_C(210866803200000000))
#define WIRE_DATE_MIN (-2440588)
#define WIRE_DATE_MAX INT64_C(2145042905)

void wire_buf_grow(wire_buf_t *b, size_t more);
void wire_buf_reset(wire_buf_t *b);
void wire_buf_done(wire_buf_t *b);

/** Make room for `more` bytes and return where they go; the caller adds what it used to `len`. */
static inline uint8_t *wire_reserve(wire_buf_t *b, size_t more)
{
    if (CD_UNLIKELY(b->cap - b->len < more)) wire_buf_grow(b, more);
    return b->data + b->len;
}

static inline void wire_set16(uint8_t *p, uint16_t v)
{
    v = __builtin_bswap16(v);
    memcpy(p, &v, 2);
}

static inline void wire_set32(uint8_t *p, uint32_t v)
{
    v = __builtin_bswap32(v);
    memcpy(p, &v, 4);
}

static inline void wire_set64(uint8_t *p, uint64_t v)
{
    v = __builtin_bswap64(v);
    memcpy(p, &v, 8);
}

static inline uint32_t wire_get32(const uint8_t *p)
{
    uint32_t v;
    memcpy(&v, p, 4);
    return __builtin_bswap32(v);
}

static inline uint64_t wire_get64(const uint8_t *p)
{
    uint64_t v;
    memcpy(&v, p, 8);
    return __builtin_bswap64(v);
}

static inline void wire_put16(wire_buf_t *b, uint16_t v)
{
    wire_set16(wire_reserve(b, 2), v);
    b->len += 2;
}

static inline void wire_put32(wire_buf_t *b, uint32_t v)
{
    wire_set32(wire_reserve(b, 4), v);
    b->len += 4;
}

static inline void wire_put_raw(wire_buf_t *b, const void *p, size_t n)
{
    if (n > 0) memcpy(wire_reserve(b, n), p, n);
    b->len += n;
}

/* Fields: an int32 length (-1 for NULL) and the bytes. COPY BINARY rows, array elements and our own rows share this. */

static inline void wire_field_null(wire_buf_t *b)
{
    wire_put32(b, UINT32_MAX);
}

static inline void wire_field_16(wire_buf_t *b, uint16_t v)
{
    uint8_t *p = wire_reserve(b, 6);
    wire_set32(p, 2);
    wire_set16(p + 4, v);
    b->len += 6;
}

static inline void wire_field_32(wire_buf_t *b, uint32_t v)
{
    uint8_t *p = wire_reserve(b, 8);
    wire_set32(p, 4);
    wire_set32(p + 4, v);
    b->len += 8;
}

static inline void wire_field_64(wire_buf_t *b, uint64_t v)
{
    uint8_t *p = wire_reserve(b, 12);
    wire_set32(p, 8);
    wire_set64(p + 4, v);
    b->len += 12;
}

static inline void wire_field_bool(wire_buf_t *b, bool v)
{
    uint8_t *p = wire_reserve(b, 5);
    wire_set32(p, 1);
    p[4] = v ? 1 : 0;
    b->len += 5;
}

static inline void wire_field_bytes(wire_buf_t *b, const void *ptr, uint32_t len)
{
    uint8_t *p = wire_reserve(b, (size_t)len + 4);
    wire_set32(p, len);
    if (len > 0) memcpy(p + 4, ptr, len);
    b->len += (size_t)len + 4;
}

/** numeric from an unscaled two's complement big-endian integer: value = unscaled * 10^-scale. A scale below zero
 *  multiplies. @return false when the value has more digits than PostgreSQL's numeric can hold */
bool wire_field_numeric(wire_buf_t *b, const uint8_t *unscaled, uint32_t len, int32_t scale);

/** uuid from any spelling PostgreSQL reads: hex digits, hyphens after any group of four, braces around all. */
bool wire_field_uuid(wire_buf_t *b, const char *text, uint32_t len);

/** A field holding a message piece by piece: reserve the length first, set it when the pieces are in. */
static inline size_t wire_field_begin(wire_buf_t *b)
{
    size_t at = b->len;
    wire_put32(b, 0);
    return at;
}

static inline void wire_field_end(wire_buf_t *b, size_t at)
{
    wire_set32(b->data + at, (uint32_t)(b->len - at - 4));
}

#endif
