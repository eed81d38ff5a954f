#include "connectors/sqlserver/digest.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

struct digest {
    EVP_MD *md;
    EVP_MD_CTX *ctx;
    char *salt;
    bool java_form;
};

void digest_free(digest_t *d)
{
    if (d == NULL) return;
    EVP_MD_CTX_free(d->ctx);
    EVP_MD_free(d->md);
    free(d->salt);
    free(d);
}

digest_t *digest_new(const char *algorithm, const char *salt, bool java_form)
{
    digest_t *d = calloc(1, sizeof(*d));
    if (d == NULL) abort();
    d->java_form = java_form;
    d->md = EVP_MD_fetch(NULL, algorithm, NULL);
    d->ctx = EVP_MD_CTX_new();
    d->salt = strdup(salt);
    if (d->ctx == NULL || d->salt == NULL) abort();
    if (d->md == NULL || EVP_MD_get_size(d->md) <= 0 || EVP_MD_get_size(d->md) > DIGEST_HEX_MAX / 2) {
        digest_free(d);
        return NULL;
    }
    return d;
}

/* The next character in Java's modified UTF-8: NUL takes two bytes, what lies beyond 16 bits two units of three. */
static uint32_t modified(const uint8_t *s, uint32_t left, uint8_t out[6], uint32_t *ret_used)
{
    if (s[0] == 0) {
        *ret_used = 1;
        out[0] = 0xC0;
        out[1] = 0x80;
        return 2;
    }
    uint32_t width = s[0] < 0x80 ? 1 : s[0] < 0xE0 ? 2 : s[0] < 0xF0 ? 3 : 4;
    if (width > left) width = 1; /* not UTF-8: passed on as it is */
    *ret_used = width;
    if (width < 4) {
        memcpy(out, s, width);
        return width;
    }
    uint32_t c = ((s[0] & 7u) << 18 | (s[1] & 63u) << 12 | (s[2] & 63u) << 6 | (s[3] & 63u)) - 0x10000;
    uint32_t units[2] = {0xD800 + (c >> 10 & 0x3FF), 0xDC00 + (c & 0x3FF)};
    for (int i = 0; i < 2; i++) {
        out[3 * i] = (uint8_t)(0xE0 | units[i] >> 12);
        out[3 * i + 1] = (uint8_t)(0x80 | (units[i] >> 6 & 63));
        out[3 * i + 2] = (uint8_t)(0x80 | (units[i] & 63));
    }
    return 6;
}

/* ObjectOutputStream: its head, then the string with its length in modified UTF-8. */
static bool add_serialised(EVP_MD_CTX *ctx, const uint8_t *text, uint32_t len)
{
    uint8_t head[13] = {0xAC, 0xED, 0, 5, 0x74}, out[6];
    uint32_t used, bytes = 7;
    uint64_t total = 0;
    for (uint32_t i = 0; i < len; i += used) total += modified(text + i, len - i, out, &used);
    if (total > 0xFFFF) {
        head[4] = 0x7C;
        bytes = 13;
    }
    for (uint32_t i = 5; i < bytes; i++) head[i] = (uint8_t)(total >> 8 * (bytes - 1 - i));
    bool ok = EVP_DigestUpdate(ctx, head, bytes) == 1;
    for (uint32_t i = 0; i < len && ok; i += used) {
        uint32_t n = modified(text + i, len - i, out, &used);
        ok = EVP_DigestUpdate(ctx, out, n) == 1;
    }
    return ok;
}

uint32_t digest_hex(digest_t *d, const uint8_t *text, uint32_t len, char ret_hex[DIGEST_HEX_MAX])
{
    static const char digits[] = "0123456789abcdef";
    uint8_t raw[EVP_MAX_MD_SIZE];
    unsigned int n = 0;
    bool ok = EVP_DigestInit_ex(d->ctx, d->md, NULL) == 1 && EVP_DigestUpdate(d->ctx, d->salt, strlen(d->salt)) == 1 &&
              (d->java_form ? add_serialised(d->ctx, text, len) : EVP_DigestUpdate(d->ctx, text, len) == 1) &&
              EVP_DigestFinal_ex(d->ctx, raw, &n) == 1;
    if (!ok) abort(); /* only out of memory is left: a value must not leave unhashed */
    for (unsigned int i = 0; i < n; i++) {
        ret_hex[2 * i] = digits[raw[i] >> 4];
        ret_hex[2 * i + 1] = digits[raw[i] & 15];
    }
    return 2 * n;
}
