/* decimal.h: exact decimals of up to 38 digits as a signed 128-bit integer and a scale kept elsewhere.
 * Threads any.  Errors  a false result means the value does not fit 38 digits (SQL Server error 8115).
 */
#ifndef SIM_DECIMAL_H
#define SIM_DECIMAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef __int128 dec_t;

dec_t dec_pow10(int n); /* 0 <= n <= 38 */
/** Changes the scale, rounding half away from zero. */
bool dec_rescale(dec_t v, int from_scale, int to_scale, dec_t *ret_v);
bool dec_fits(dec_t v, int prec);
/** Parses [+-]digits[.digits][e[+-]n], surrounding blanks allowed; the scale is what was written. */
bool dec_parse(const char *s, size_t len, dec_t *ret_v, int *ret_scale, int *ret_prec);
/** @param out at least 48 bytes. @return length */
size_t dec_format(dec_t v, int scale, char *out);
double dec_to_double(dec_t v, int scale);
bool dec_from_double(double d, int scale, dec_t *ret_v);
bool dec_add(dec_t a, dec_t b, dec_t *ret_v);
bool dec_mul(dec_t a, dec_t b, dec_t *ret_v);
/** a(sa) / b(sb) at scale rs, truncated. */
bool dec_div(dec_t a, int sa, dec_t b, int sb, int rs, dec_t *ret_v);
/** Order-preserving 16-byte form used in SQLite. */
void dec_pack(dec_t v, uint8_t out[16]);
dec_t dec_unpack(const uint8_t in[16]);

#endif
