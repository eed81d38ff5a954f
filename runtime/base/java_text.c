#include "runtime/base/java_text.h"

#include "runtime/base/mem.h"

#include <math.h>

/* Lay out digits d.ddd × 10^exp as Java does: plain from 1e-3 up to 1e7, scientific elsewhere. */
static size_t layout(bool negative, const char *digits, size_t n, int exp10, char *out)
{
    char *o = out;
    if (negative) *o++ = '-';
    if (exp10 >= 7 || exp10 < -3) {
        *o++ = digits[0];
        *o++ = '.';
        if (n > 1) {
            memcpy(o, digits + 1, n - 1);
            o += n - 1;
        } else {
            *o++ = '0';
        }
        return (size_t)(o - out) + (size_t)snprintf(o, JAVA_TEXT_MAX - (size_t)(o - out), "E%d", exp10);
    }
    if (exp10 < 0) {
        *o++ = '0';
        *o++ = '.';
        for (int i = -1; i > exp10; i--) *o++ = '0';
        memcpy(o, digits, n);
        o += n;
    } else {
        for (int i = 0; i <= exp10; i++) *o++ = (size_t)i < n ? digits[i] : '0';
        *o++ = '.';
        if (n > (size_t)exp10 + 1) {
            memcpy(o, digits + exp10 + 1, n - (size_t)exp10 - 1);
            o += n - (size_t)exp10 - 1;
        } else {
            *o++ = '0';
        }
    }
    *o = '\0';
    return (size_t)(o - out);
}

static size_t number(double v, bool is_float, char *out)
{
    const char *special = isnan(v)   ? "NaN"
                          : isinf(v) ? (v > 0 ? "Infinity" : "-Infinity")
                          : v == 0   ? (signbit(v) ? "-0.0" : "0.0")
                                     : NULL;
    if (special != NULL) return (size_t)snprintf(out, JAVA_TEXT_MAX, "%s", special);
    /* Up to 15 (6) digits every decimal survives the trip through a normal number, so the first precision to try is
     * that one: its trailing zeros are then exactly what a shorter form lacks. Subnormals have fewer digits. */
    double abs = fabs(v);
    bool subnormal = is_float ? abs < 1.17549435e-38 : abs < 2.2250738585072014e-308;
    int first = subnormal ? 1 : is_float ? 5 : 14, last = is_float ? 8 : 16;
    char text[40];
    for (int precision = first; precision <= last; precision++) {
        (void)snprintf(text, sizeof(text), "%.*e", precision, abs);
        if (is_float ? strtof(text, NULL) == (float)abs : strtod(text, NULL) == abs) break;
    }
    char *e = strchr(text, 'e');
    int exp10 = (int)strtol(e + 1, NULL, 10);
    char digits[24] = "0";
    size_t n = 0;
    for (const char *p = text; p < e; p++)
        if (*p != '.') digits[n++] = *p;
    while (n > 1 && digits[n - 1] == '0') n--;
    return layout(v < 0, digits, n, exp10, out);
}

size_t java_text_double(double v, char out[JAVA_TEXT_MAX])
{
    return number(v, false, out);
}

size_t java_text_float(float v, char out[JAVA_TEXT_MAX])
{
    return number((double)v, true, out);
}

/** Decimal digits of a two's complement number, most significant first. @return length */
static size_t to_digits(const uint8_t *p, uint32_t len, bool *ret_negative, char **ret_digits)
{
    bool negative = len > 0 && (p[0] & 0x80) != 0;
    uint32_t nwords = len / 4 + 1;
    uint32_t *words = mem_alloc0(nwords, sizeof(*words)); /* magnitude, most significant first */
    uint32_t carry = negative ? 1 : 0;
    for (uint32_t i = 0; i < len; i++) {
        uint8_t byte = p[len - 1 - i];
        uint32_t b = (uint32_t)(uint8_t)(negative ? ~byte : byte) + carry;
        carry = b >> 8;
        words[nwords - 1 - i / 4] |= (b & 0xFF) << (8 * (i % 4));
    }
    if (carry != 0) words[nwords - 1 - len / 4] |= 1u << (8 * (len % 4));
    size_t cap = (size_t)len * 3 + 10, n = cap;
    char *digits = mem_alloc(cap + 1);
    uint32_t top = 0;
    while (top < nwords) {
        uint64_t rest = 0;
        for (uint32_t i = top; i < nwords; i++) {
            uint64_t cur = rest << 32 | words[i];
            words[i] = (uint32_t)(cur / 1000000000u);
            rest = cur % 1000000000u;
        }
        while (top < nwords && words[top] == 0) top++;
        for (int i = 0; i < 9 && (top < nwords || rest > 0); i++) {
            digits[--n] = (char)('0' + rest % 10);
            rest /= 10;
        }
    }
    if (n == cap) digits[--n] = '0';
    memmove(digits, digits + n, cap - n);
    digits[cap - n] = '\0';
    free(words);
    *ret_negative = negative;
    *ret_digits = digits;
    return cap - n;
}

bool java_text_decimal(const uint8_t *unscaled, uint32_t len, int32_t scale, strbuf_t *out)
{
    if (len > JAVA_TEXT_DECIMAL_BYTES) return false;
    bool negative = false;
    char *digits = NULL;
    size_t n = to_digits(unscaled, len, &negative, &digits);
    int64_t adjusted = (int64_t)n - 1 - scale;
    if (negative) strbuf_addc(out, '-');
    if (scale >= 0 && adjusted >= -6) {
        if (scale == 0) {
            strbuf_add(out, digits, n);
        } else if (n > (size_t)scale) {
            strbuf_add(out, digits, n - (size_t)scale);
            strbuf_addc(out, '.');
            strbuf_add(out, digits + n - (size_t)scale, (size_t)scale);
        } else {
            strbuf_adds(out, "0.");
            for (size_t i = n; i < (size_t)scale; i++) strbuf_addc(out, '0');
            strbuf_add(out, digits, n);
        }
    } else {
        strbuf_addc(out, digits[0]);
        if (n > 1) {
            strbuf_addc(out, '.');
            strbuf_add(out, digits + 1, n - 1);
        }
        if (adjusted != 0) strbuf_addf(out, "E%+lld", (long long)adjusted);
    }
    free(digits);
    return true;
}

/** Magnitude in base 256, little-endian: mag = mag * 10 + digit. */
static size_t mul_add(uint8_t *mag, size_t n, uint32_t digit)
{
    uint32_t carry = digit;
    for (size_t i = 0; i < n; i++) {
        uint32_t v = mag[i] * 10u + carry;
        mag[i] = (uint8_t)v;
        carry = v >> 8;
    }
    if (carry > 0) mag[n++] = (uint8_t)carry;
    return n;
}

bool java_text_parse_decimal(const char *text, size_t len, strbuf_t *unscaled, int32_t *ret_scale)
{
    const char *p = text, *end = text + len;
    if (len == 0 || len > JAVA_TEXT_DECIMAL_BYTES) return false;
    bool negative = *p == '-';
    if (*p == '-' || *p == '+') p++;
    uint8_t *mag = mem_alloc0(len / 2 + 2, 1);
    size_t n = 0, digits = 0;
    int64_t scale = 0, exponent = 0;
    bool point = false, ok = true;
    for (; p < end && ((*p >= '0' && *p <= '9') || (*p == '.' && !point)); p++) {
        if (*p == '.') {
            point = true;
            continue;
        }
        digits++;
        if (point) scale++;
        n = mul_add(mag, n, (uint32_t)(*p - '0'));
    }
    if (digits == 0) ok = false;
    if (ok && p < end && (*p == 'e' || *p == 'E')) {
        p++;
        bool minus = p < end && *p == '-';
        if (p < end && (*p == '-' || *p == '+')) p++;
        if (p == end || end - p > 10) ok = false;
        for (; ok && p < end && *p >= '0' && *p <= '9'; p++) exponent = exponent * 10 + (*p - '0');
        if (minus) exponent = -exponent;
    }
    scale -= exponent;
    if (p != end || scale > INT32_MAX || scale < -INT32_MAX) ok = false;
    if (ok) {
        /* minimal two's complement, most significant first */
        if (n == 0 || (mag[n - 1] & 0x80) != 0) mag[n++] = 0;
        if (negative) {
            uint32_t carry = 1;
            for (size_t i = 0; i < n; i++) {
                uint32_t v = (uint32_t)(uint8_t)~mag[i] + carry;
                mag[i] = (uint8_t)v;
                carry = v >> 8;
            }
            while (n > 1 && mag[n - 1] == 0xFF && (mag[n - 2] & 0x80) != 0) n--;
            while (n > 1 && mag[n - 1] == 0 && (mag[n - 2] & 0x80) == 0) n--;
        }
        for (size_t i = n; i > 0; i--) strbuf_addc(unscaled, (char)mag[i - 1]);
        *ret_scale = (int32_t)scale;
    }
    free(mag);
    return ok;
}
