/* wire/utf.h: text between UTF-8 (engine) and UTF-16LE or Windows-1252 (wire).
 * Threads any; pure functions.     Errors  malformed input becomes U+FFFD, or '?' in Windows-1252; nothing fails.
 */
#ifndef SIM_WIRE_UTF_H
#define SIM_WIRE_UTF_H

#include <stddef.h>
#include <stdint.h>

/** @return bytes that `src` takes as UTF-16LE */
size_t utf16_size(const char *src, size_t len);

/** Converts from *src on, as much as fits into `room` bytes, whole characters only.
 *  @param src,len  advanced past what was converted      @return bytes written */
size_t utf16_from_utf8(uint8_t *dst, size_t room, const char **src, size_t *len);

/** @param dst  room for 3 bytes per UTF-16 unit (len / 2 * 3)      @return bytes written; a trailing odd byte is dropped */
size_t utf8_from_utf16(char *dst, const uint8_t *src, size_t len);

/** @return bytes that `src` takes in Windows-1252, which is its number of characters */
size_t cp1252_size(const char *src, size_t len);
/** As utf16_from_utf8. Unmappable characters become '?'. */
size_t cp1252_from_utf8(uint8_t *dst, size_t room, const char **src, size_t *len);
/** @param dst  room for 3 bytes per input byte      @return bytes written */
size_t utf8_from_cp1252(char *dst, const uint8_t *src, size_t len);

#endif
