/* wire/utf.c: see utf.h. Most text is ASCII, so each loop has a lane for eight ASCII bytes at once. */
#include "wire/utf.h"

#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* Windows-1252 0x80..0x9F; the five unassigned bytes map to the C1 control of the same value, as SQL Server does. */
static const uint16_t cp1252_high[32] = {
    0x20AC, 0x0081, 0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160,
    0x2039, 0x0152, 0x008D, 0x017D, 0x008F, 0x0090, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022,
    0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0x009D, 0x017E, 0x0178,
};

static inline int ascii8(const uint8_t *p)
{
    uint64_t word;
    memcpy(&word, p, sizeof(word));
    return (word & 0x8080808080808080u) == 0;
}

/* One character; a bad byte is consumed alone and read as U+FFFD. */
static uint32_t utf8_next(const uint8_t **src, const uint8_t *end)
{
    const uint8_t *p = *src;
    uint32_t c = *p;
    size_t more = c >= 0xF0 && c <= 0xF4 ? 3 : c >= 0xE0 ? 2 : 1;
    *src = p + 1;
    if (c < 0x80) return c;
    if (c < 0xC2 || c > 0xF4 || (size_t)(end - p) <= more) return 0xFFFD;
    c &= 0x3Fu >> more;
    for (size_t i = 1; i <= more; i++) {
        if ((p[i] & 0xC0) != 0x80) return 0xFFFD;
        c = c << 6 | (p[i] & 0x3Fu);
    }
    static const uint32_t least[4] = {0, 0x80, 0x800, 0x10000};
    if (c < least[more] || c > 0x10FFFF || (c >= 0xD800 && c < 0xE000)) return 0xFFFD;
    *src = p + 1 + more;
    return c;
}

size_t utf16_size(const char *src, size_t len)
{
    const uint8_t *p = (const uint8_t *)src, *end = p + len;
    size_t size = 0;
    while (p < end) {
        if (end - p >= 8 && ascii8(p)) {
            p += 8;
            size += 16;
            continue;
        }
        size += utf8_next(&p, end) > 0xFFFF ? 4 : 2;
    }
    return size;
}

size_t utf16_from_utf8(uint8_t *dst, size_t room, const char **src, size_t *len)
{
    const uint8_t *p = (const uint8_t *)*src, *end = p + *len;
    uint8_t *d = dst, *limit = dst + room;
    while (p < end) {
#ifdef __SSE2__
        if (end - p >= 16 && limit - d >= 32) {
            __m128i chunk = _mm_loadu_si128((const __m128i *)(const void *)p);
            if (_mm_movemask_epi8(chunk) == 0) {
                _mm_storeu_si128((__m128i *)(void *)d, _mm_unpacklo_epi8(chunk, _mm_setzero_si128()));
                _mm_storeu_si128((__m128i *)(void *)(d + 16), _mm_unpackhi_epi8(chunk, _mm_setzero_si128()));
                p += 16;
                d += 32;
                continue;
            }
        }
#endif
        if (*p < 0x80) {
            if (limit - d < 2) break;
            d[0] = *p++;
            d[1] = 0;
            d += 2;
            continue;
        }
        const uint8_t *next = p;
        uint32_t c = utf8_next(&next, end);
        if (limit - d < (c > 0xFFFF ? 4 : 2)) break;
        if (c > 0xFFFF) {
            uint32_t high = 0xD800 + ((c - 0x10000) >> 10);
            *d++ = (uint8_t)high;
            *d++ = (uint8_t)(high >> 8);
            c = 0xDC00 + ((c - 0x10000) & 0x3FF);
        }
        *d++ = (uint8_t)c;
        *d++ = (uint8_t)(c >> 8);
        p = next;
    }
    *src = (const char *)p;
    *len = (size_t)(end - p);
    return (size_t)(d - dst);
}

static char *utf8_put(char *d, uint32_t c)
{
    if (c < 0x80) {
        *d++ = (char)c;
    } else if (c < 0x800) {
        *d++ = (char)(0xC0 | c >> 6);
        *d++ = (char)(0x80 | (c & 0x3F));
    } else if (c < 0x10000) {
        *d++ = (char)(0xE0 | c >> 12);
        *d++ = (char)(0x80 | (c >> 6 & 0x3F));
        *d++ = (char)(0x80 | (c & 0x3F));
    } else {
        *d++ = (char)(0xF0 | c >> 18);
        *d++ = (char)(0x80 | (c >> 12 & 0x3F));
        *d++ = (char)(0x80 | (c >> 6 & 0x3F));
        *d++ = (char)(0x80 | (c & 0x3F));
    }
    return d;
}

size_t utf8_from_utf16(char *dst, const uint8_t *src, size_t len)
{
    const uint8_t *p = src, *end = src + (len & ~(size_t)1);
    char *d = dst;
    while (p < end) {
        uint32_t c = (uint32_t)p[0] | (uint32_t)p[1] << 8;
        p += 2;
        if (c >= 0xD800 && c < 0xE000) {
            uint32_t low = end - p >= 2 ? ((uint32_t)p[0] | (uint32_t)p[1] << 8) : 0;
            if (c < 0xDC00 && low >= 0xDC00 && low < 0xE000) {
                c = 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00);
                p += 2;
            } else {
                c = 0xFFFD;
            }
        }
        d = utf8_put(d, c);
    }
    return (size_t)(d - dst);
}

size_t cp1252_size(const char *src, size_t len)
{
    const uint8_t *p = (const uint8_t *)src, *end = p + len;
    size_t size = 0;
    while (p < end) {
        if (end - p >= 8 && ascii8(p)) {
            p += 8;
            size += 8;
            continue;
        }
        utf8_next(&p, end);
        size++;
    }
    return size;
}

static uint8_t cp1252_of(uint32_t c)
{
    if (c < 0x80 || (c >= 0xA0 && c <= 0xFF)) return (uint8_t)c;
    for (size_t i = 0; i < 32; i++)
        if (cp1252_high[i] == c) return (uint8_t)(0x80 + i);
    return '?';
}

size_t cp1252_from_utf8(uint8_t *dst, size_t room, const char **src, size_t *len)
{
    const uint8_t *p = (const uint8_t *)*src, *end = p + *len;
    uint8_t *d = dst, *limit = dst + room;
    while (p < end && d < limit) {
        if (end - p >= 8 && limit - d >= 8 && ascii8(p)) {
            memcpy(d, p, 8);
            p += 8;
            d += 8;
            continue;
        }
        *d++ = cp1252_of(utf8_next(&p, end));
    }
    *src = (const char *)p;
    *len = (size_t)(end - p);
    return (size_t)(d - dst);
}

size_t utf8_from_cp1252(char *dst, const uint8_t *src, size_t len)
{
    char *d = dst;
    for (size_t i = 0; i < len; i++)
        d = utf8_put(d, src[i] >= 0x80 && src[i] < 0xA0 ? cp1252_high[src[i] - 0x80] : src[i]);
    return (size_t)(d - dst);
}
