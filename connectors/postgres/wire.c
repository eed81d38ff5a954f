#include "connectors/postgres/wire.h"

#define NUMERIC_POS 0x0000
#define NUMERIC_NEG 0x4000
/* PostgreSQL: 131072 digits before and 16383 after the point. In bytes of a two's complement integer: */
#define NUMERIC_MAX_BYTES  60000
#define NUMERIC_MAX_DSCALE 16383
#define NUMERIC_MAX_WEIGHT 32767

void wire_buf_grow(wire_buf_t *b, size_t more)
{
    size_t cap = b->cap == 0 ? 4096 : b->cap * 2;
    if (cap < b->len + more) cap = b->len + more;
    uint8_t *data = realloc(b->data, cap);
    if (data == NULL) abort();
    b->data = data;
    b->cap = cap;
}

void wire_buf_reset(wire_buf_t *b)
{
    b->len = 0;
    if (b->cap > WIRE_KEEP) wire_buf_done(b);
}

void wire_buf_done(wire_buf_t *b)
{
    free(b->data);
    *b = (wire_buf_t){0};
}

/** Write digits (base 10000, least significant first) as a numeric field. `frac` digits are behind the point. */
static bool put_digits(wire_buf_t *b, const uint16_t *digits, int32_t n, int32_t frac, bool negative, int32_t dscale)
{
    int32_t top = n, bottom = 0;
    while (top > 0 && digits[top - 1] == 0) top--;
    while (bottom < top && digits[bottom] == 0) bottom++;
    int32_t count = top - bottom;
    int32_t weight = count > 0 ? top - frac - 1 : 0;
    if (weight > NUMERIC_MAX_WEIGHT || dscale > NUMERIC_MAX_DSCALE) return false;
    uint8_t *p = wire_reserve(b, 12 + (size_t)count * 2);
    wire_set32(p, 8 + (uint32_t)count * 2);
    wire_set16(p + 4, (uint16_t)count);
    wire_set16(p + 6, (uint16_t)weight);
    wire_set16(p + 8, negative && count > 0 ? NUMERIC_NEG : NUMERIC_POS);
    wire_set16(p + 10, (uint16_t)dscale);
    for (int32_t i = 0; i < count; i++) wire_set16(p + 12 + 2 * i, digits[top - 1 - i]);
    b->len += 12 + (size_t)count * 2;
    return true;
}

static const uint32_t pow10_4[] = {1, 10, 100, 1000};

/** Up to eight bytes and a moderate scale: nearly all decimals of real tables. */
static bool put_small(wire_buf_t *b, int64_t value, int32_t scale)
{
    /* The last base-10000 digit may hold fewer than four decimals: shift so that the point falls between digits. */
    int32_t frac = (scale + 3) / 4;
    unsigned __int128 v = value < 0 ? -(unsigned __int128)value : (unsigned __int128)value;
    v *= pow10_4[frac * 4 - scale];
    uint16_t digits[12];
    int32_t n = 0;
    while (v > UINT64_MAX) {
        digits[n++] = (uint16_t)(v % 10000);
        v /= 10000;
    }
    for (uint64_t low = (uint64_t)v; low != 0; low /= 10000) digits[n++] = (uint16_t)(low % 10000);
    return put_digits(b, digits, n, frac, value < 0, scale);
}

bool wire_field_numeric(wire_buf_t *b, const uint8_t *unscaled, uint32_t len, int32_t scale)
{
    if (scale >= 0 && scale <= 1000 && len <= 8) {
        uint64_t v = len > 0 && (unscaled[0] & 0x80) != 0 ? UINT64_MAX : 0;
        for (uint32_t i = 0; i < len; i++) v = v << 8 | unscaled[i];
        return put_small(b, (int64_t)v, scale);
    }
    if (len > NUMERIC_MAX_BYTES || scale > NUMERIC_MAX_DSCALE || scale < -131072) return false;

    /* Magnitude in 32-bit words, most significant first. */
    bool negative = len > 0 && (unscaled[0] & 0x80) != 0;
    uint32_t nwords = (len + 3) / 4 + 1;
    int32_t shift = scale >= 0 ? ((scale + 3) / 4) * 4 - scale : (-scale) % 4;
    int32_t zeros = scale >= 0 ? 0 : (-scale) / 4;
    /* A word has 9.64 decimal digits, that is 2.41 base-10000 digits. */
    size_t max_digits = (size_t)zeros + (size_t)nwords * 3 + 2;
    uint32_t *words = calloc(nwords, sizeof(*words));
    uint16_t *digits = calloc(max_digits, sizeof(*digits));
    if (words == NULL || digits == NULL) abort();
    uint64_t carry = negative ? 1 : 0;
    for (uint32_t i = 0; i < nwords; i++) {
        uint32_t word = 0;
        for (uint32_t k = 0; k < 4; k++) {
            uint32_t at = i * 4 + k;
            uint8_t byte = at < len ? unscaled[len - 1 - at] : (uint8_t)(negative ? 0xFF : 0);
            word |= (uint32_t)byte << (8 * k);
        }
        uint64_t v = negative ? (uint64_t)(uint32_t)~word + carry : word;
        carry = negative ? v >> 32 : 0;
        words[nwords - 1 - i] = (uint32_t)v;
    }
    uint64_t mul = 0;
    for (uint32_t i = nwords; i-- > 0;) {
        mul += (uint64_t)words[i] * pow10_4[shift];
        words[i] = (uint32_t)mul;
        mul >>= 32;
    }
    size_t n = (size_t)zeros;
    for (uint32_t top = 0; top < nwords;) {
        uint64_t rest = 0;
        for (uint32_t i = top; i < nwords; i++) {
            rest = rest << 32 | words[i];
            words[i] = (uint32_t)(rest / 10000);
            rest %= 10000;
        }
        digits[n++] = (uint16_t)rest;
        while (top < nwords && words[top] == 0) top++;
    }
    bool ok = put_digits(b, digits, (int32_t)n, scale >= 0 ? (scale + 3) / 4 : 0, negative, scale >= 0 ? scale : 0);
    free(words);
    free(digits);
    return ok;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

bool wire_field_uuid(wire_buf_t *b, const char *text, uint32_t len)
{
    const char *p = text, *end = text + len;
    if (len >= 2 && *p == '{') {
        if (end[-1] != '}') return false;
        p++;
        end--;
    }
    uint8_t *out = wire_reserve(b, 20);
    for (int i = 0; i < 16; i++) {
        if (end - p < 2) return false;
        int hi = hex_digit(p[0]), lo = hex_digit(p[1]);
        if (hi < 0 || lo < 0) return false;
        out[4 + i] = (uint8_t)(hi << 4 | lo);
        p += 2;
        if (p < end && *p == '-' && i % 2 == 1 && i < 15) p++;
    }
    if (p != end) return false;
    wire_set32(out, 16);
    b->len += 20;
    return true;
}
