/* wire/login7.h: LOGIN7 parsing. Pure, any thread.
 * Ownership  strings live in the pool.      Errors  false = malformed; the connection must close.
 * The password is in the struct in clear text: the caller wipes it and never logs it.
 */
#ifndef SIM_WIRE_LOGIN7_H
#define SIM_WIRE_LOGIN7_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire/pool.h"

enum { LOGIN7_SIZE_MAX = 128 << 10 };

typedef struct login7 {
    uint32_t tds_version; /* as sent, for instance 0x74000004 */
    uint32_t packet_size; /* 0 = server's choice */
    bool odbc, integrated, read_only, sspi;
    bool utf8_asked;
    const char *host, *user, *app, *server, *library, *language, *database;
    char *password;
    size_t password_len;
} login7_t;

bool login7_parse(const uint8_t *body, size_t len, pool_t *pool, login7_t *ret_login);

/** Undoes LOGIN7's password obfuscation in place. */
void login7_unscramble(uint8_t *bytes, size_t len);

#endif
