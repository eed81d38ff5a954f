/* decimal.c: 38 digits fit a signed 128-bit integer, so no big-number library is needed. */
#include "util/decimal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

dec_t dec_pow10(int n)
{
    dec_t v = 1;
    while (n-- > 0) v *= 10;
    return v;
}

bool dec_fits(dec_t v, int prec)
{
    dec_t limit = dec_pow10(prec);
    return v < limit && v > -limit;
}

bool dec_mul(dec_t a, dec_t b, dec_t *ret_v)
{
    return !__builtin_mul_overflow(a, b, ret_v) && dec_fits(*ret_v, 38);
}

bool dec_add(dec_t a, dec_t b, dec_t *ret_v)
{
    return !__builtin_add_overflow(a, b, ret_v) && dec_fits(*ret_v, 38);
}

bool dec_rescale(dec_t v, int from_scale, int to_scale, dec_t *ret_v)
{
    if (to_scale >= from_scale) {
        if (to_scale - from_scale > 38) return v == 0 ? (*ret_v = 0, true) : false;
        return dec_mul(v, dec_pow10(to_scale - from_scale), ret_v);
    }
    int drop = from_scale - to_scale;
    if (drop > 38) {
        *ret_v = 0;
        return true;
    }
    dec_t unit = dec_pow10(drop), q = v / unit, r = v % unit;
    if (r < 0) r = -r;
    if (r >= unit - r) q += v < 0 ? -1 : 1;
    *ret_v = q;
    return true;
}

bool dec_parse(const char *s, size_t len, dec_t *ret_v, int *ret_scale, int *ret_prec)
{
    size_t i = 0;
    while (len > 0 && (s[len - 1] == ' ' || s[len - 1] == '\t')) len--;
    while (i < len && (s[i] == ' ' || s[i] == '\t')) i++;
    bool neg = false, dot = false, any = false;
    if (i < len && (s[i] == '-' || s[i] == '+')) neg = s[i++] == '-';
    dec_t v = 0;
    int scale = 0, digits = 0;
    for (; i < len; i++) {
        if (s[i] == '.' && !dot) {
            dot = true;
            continue;
        }
        if (s[i] < '0' || s[i] > '9') break;
        any = true;
        if (v != 0 || s[i] != '0') digits++;
        if (digits > 38) {
            if (!dot) return false;
            digits = 38; /* further fraction digits cannot be represented: cut */
            continue;
        }
        v = v * 10 + (s[i] - '0');
        if (dot) scale++;
    }
    if (!any) return false;
    if (i < len && (s[i] == 'e' || s[i] == 'E')) {
        int exp = 0;
        bool eneg = false;
        if (++i < len && (s[i] == '-' || s[i] == '+')) eneg = s[i++] == '-';
        if (i >= len) return false;
        for (; i < len && s[i] >= '0' && s[i] <= '9'; i++)
            if (exp < 1000) exp = exp * 10 + (s[i] - '0');
        scale -= eneg ? -exp : exp;
        if (scale < 0) {
            if (!dec_rescale(v, 0, -scale > 38 ? 39 : -scale, &v)) return false;
            scale = 0;
        } else if (scale > 38) {
            if (!dec_rescale(v, scale, 38, &v)) return false;
            scale = 38;
        }
    }
    if (i != len) return false;
    *ret_v = neg ? -v : v;
    *ret_scale = scale;
    int prec = 0;
    for (dec_t t = v; t != 0; t /= 10) prec++;
    if (prec < scale) prec = scale;
    *ret_prec = prec == 0 ? 1 : prec;
    return true;
}

size_t dec_format(dec_t v, int scale, char *out)
{
    char digits[48];
    int n = 0;
    unsigned __int128 mag = v < 0 ? -(unsigned __int128)v : (unsigned __int128)v;
    while (mag != 0 || n <= scale) {
        digits[n++] = (char)('0' + (int)(mag % 10));
        mag /= 10;
    }
    size_t len = 0;
    if (v < 0) out[len++] = '-';
    for (int i = n - 1; i >= 0; i--) {
        out[len++] = digits[i];
        if (i == scale && scale > 0) out[len++] = '.';
    }
    out[len] = '\0';
    return len;
}

double dec_to_double(dec_t v, int scale)
{
    char text[48];
    dec_format(v, scale, text);
    return strtod(text, NULL);
}

bool dec_from_double(double d, int scale, dec_t *ret_v)
{
    if (!isfinite(d) || fabs(d) >= 1e38) return false;
    char text[128];
    /* 17 significant digits and then rounding to the scale is what SQL Server's float conversion shows. */
    int n = snprintf(text, sizeof(text), "%.16e", d);
    dec_t v;
    int s, p;
    if (!dec_parse(text, (size_t)n, &v, &s, &p)) return false;
    return dec_rescale(v, s, scale, ret_v);
}

bool dec_div(dec_t a, int sa, dec_t b, int sb, int rs, dec_t *ret_v)
{
    bool neg = (a < 0) != (b < 0);
    unsigned __int128 n = a < 0 ? -(unsigned __int128)a : (unsigned __int128)a;
    unsigned __int128 d = b < 0 ? -(unsigned __int128)b : (unsigned __int128)b;
    int shift = rs - sa + sb; /* result = a * 10^shift / b */
    unsigned __int128 q = n / d, r = n % d;
    for (; shift > 0; shift--) {
        if (q > (unsigned __int128)dec_pow10(37)) return false;
        /* r < d < 10^38: r * 10 may exceed 128 bits only when d > 3.4e37, where ten subtractions are still cheap */
        unsigned digit = 0;
        unsigned __int128 acc = 0;
        for (int k = 0; k < 10; k++) {
            if (acc >= d - r && r != 0) {
                acc -= d - r;
                digit++;
            } else {
                acc += r;
            }
        }
        r = acc;
        q = q * 10 + digit;
    }
    for (; shift < 0; shift++) q /= 10;
    *ret_v = neg ? -(dec_t)q : (dec_t)q;
    return dec_fits(*ret_v, 38);
}

void dec_pack(dec_t v, uint8_t out[16])
{
    unsigned __int128 u = (unsigned __int128)v ^ ((unsigned __int128)1 << 127);
    for (int i = 15; i >= 0; i--) {
        out[i] = (uint8_t)u;
        u >>= 8;
    }
}

dec_t dec_unpack(const uint8_t in[16])
{
    unsigned __int128 u = 0;
    for (int i = 0; i < 16; i++) u = u << 8 | in[i];
    return (dec_t)(u ^ ((unsigned __int128)1 << 127));
}
