/* base/java_text.h: numbers as Java prints them (06 §0). Pure; any thread. */
#ifndef BASE_JAVA_TEXT_H
#define BASE_JAVA_TEXT_H

#include "runtime/base/strbuf.h"

#define JAVA_TEXT_MAX 32

/** Double.toString and Float.toString: the shortest digits that read back, "NaN", "Infinity". @return length */
size_t java_text_double(double v, char out[JAVA_TEXT_MAX]);
size_t java_text_float(float v, char out[JAVA_TEXT_MAX]);

/** BigDecimal.toString of big-endian two's complement digits and a scale. Large numbers are bounded by the caller:
 *  the work grows with the square of the length, which is cut at JAVA_TEXT_DECIMAL_BYTES.
 *  @return false when the number is longer than that (nothing is added) */
bool java_text_decimal(const uint8_t *unscaled, uint32_t len, int32_t scale, strbuf_t *out);
#define JAVA_TEXT_DECIMAL_BYTES 4096u

/** Parse a decimal number as new BigDecimal(String) does. `unscaled` receives minimal two's complement bytes.
 *  @return false when the text is not a number or longer than JAVA_TEXT_DECIMAL_BYTES digits */
bool java_text_parse_decimal(const char *text, size_t len, strbuf_t *unscaled, int32_t *ret_scale);

#endif
