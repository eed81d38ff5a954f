#include "runtime/base/base64.h"

static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void base64_encode(const uint8_t *p, uint32_t len, strbuf_t *out)
{
    char *o = strbuf_reserve(out, ((size_t)len + 2) / 3 * 4), *start = o;
    uint32_t i = 0;
    for (; i + 2 < len; i += 3) {
        uint32_t v = (uint32_t)p[i] << 16 | (uint32_t)p[i + 1] << 8 | p[i + 2];
        *o++ = letters[v >> 18];
        *o++ = letters[(v >> 12) & 63];
        *o++ = letters[(v >> 6) & 63];
        *o++ = letters[v & 63];
    }
    if (i < len) {
        bool two = len - i == 2;
        uint32_t v = (uint32_t)p[i] << 16 | (two ? (uint32_t)p[i + 1] << 8 : 0);
        *o++ = letters[v >> 18];
        *o++ = letters[(v >> 12) & 63];
        *o++ = two ? letters[(v >> 6) & 63] : '=';
        *o++ = '=';
    }
    strbuf_advance(out, (size_t)(o - start));
}

static int value_of(char c)
{
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (c >= '0' && c <= '9') return c - '0' + 52;
    if (c == '+') return 62;
    return c == '/' ? 63 : -1;
}

bool base64_decode(const char *text, uint32_t len, cd_arena_t *arena, const uint8_t **ret_data, uint32_t *ret_len)
{
    if (len % 4 != 0) return false;
    uint8_t *out = (uint8_t *)cd_arena_alloc(arena, (size_t)len / 4 * 3 + 1);
    uint32_t n = 0;
    for (uint32_t i = 0; i < len; i += 4) {
        bool last = i + 4 == len;
        uint32_t pad = last && text[i + 3] == '=' ? (text[i + 2] == '=' ? 2 : 1) : 0;
        uint32_t v = 0;
        for (uint32_t k = 0; k < 4; k++) {
            int d = k < 4 - pad ? value_of(text[i + k]) : 0;
            if (d < 0) return false;
            v = v << 6 | (uint32_t)d;
        }
        out[n++] = (uint8_t)(v >> 16);
        if (pad < 2) out[n++] = (uint8_t)(v >> 8);
        if (pad < 1) out[n++] = (uint8_t)v;
    }
    *ret_data = out;
    *ret_len = n;
    return true;
}
