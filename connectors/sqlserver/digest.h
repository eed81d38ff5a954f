/* digest.h: what hashed columns are replaced by: hex(digest(salt, text)), as column.mask.hash asks.
 * Threads    one user at a time: the task's thread.
 * Ownership  the caller frees what digest_new returns; algorithm and salt are copied.
 * Errors     an unknown algorithm gives NULL; later calls cannot fail for valid digests.
 * Units      lengths in bytes. */
#ifndef SQLSERVER_DIGEST_H
#define SQLSERVER_DIGEST_H

#include <stdbool.h>
#include <stdint.h>

typedef struct digest digest_t;

#define DIGEST_HEX_MAX 128

/** @param algorithm  Java's name: MD5, SHA-1, SHA-256, SHA3-512, …
 *  @param java_form  the text is digested as Java serialises a String (the first version of the setting), not as UTF-8 */
digest_t *digest_new(const char *algorithm, const char *salt, bool java_form);

void digest_free(digest_t *d);

/** Lower-case digits of UTF-8 text into ret_hex. @return how many */
uint32_t digest_hex(digest_t *d, const uint8_t *text, uint32_t len, char ret_hex[DIGEST_HEX_MAX]);

#endif
