/* wire/login7.c: see login7.h */
#include "wire/login7.h"

#include <string.h>

#include "wire/tds.h"
#include "wire/utf.h"

enum {
    FIXED_SIZE = 94,
    FIXED_SIZE_71 = 86, /* before the change-password and long SSPI fields of 7.2 */
    OFF_HOST = 36,
    OFF_USER = 40,
    OFF_PASSWORD = 44,
    OFF_APP = 48,
    OFF_SERVER = 52,
    OFF_EXTENSION = 56,
    OFF_LIBRARY = 60,
    OFF_LANGUAGE = 64,
    OFF_DATABASE = 68,
    OFF_SSPI = 78,
    FEATURE_UTF8 = 0x0A,
    FEATURE_END = 0xFF,
    NAME_MAX_CHARS = 128,
};

typedef struct field {
    const uint8_t *data;
    size_t size;
} field_t;

static bool field_at(const uint8_t *body, size_t len, size_t at, size_t unit, field_t *ret_field)
{
    size_t offset = get_le16(body + at), size = get_le16(body + at + 2) * unit;
    *ret_field = (field_t){body, 0};
    if (size == 0) return true; /* clients leave any offset beside an empty field */
    if (offset > len || size > len - offset) return false;
    *ret_field = (field_t){body + offset, size};
    return true;
}

static char *to_utf8(pool_t *pool, const uint8_t *src, size_t size, size_t *ret_len)
{
    char *text = pool_alloc(pool, size / 2 * 3 + 1);
    size_t len = utf8_from_utf16(text, src, size);
    text[len] = '\0';
    *ret_len = len;
    return text;
}

static bool name_at(const uint8_t *body, size_t len, size_t at, pool_t *pool, const char **ret_name)
{
    field_t field;
    size_t text_len;
    if (!field_at(body, len, at, 2, &field) || field.size > (size_t)NAME_MAX_CHARS * 2) return false;
    *ret_name = to_utf8(pool, field.data, field.size, &text_len);
    return true;
}

static bool features_parse(const uint8_t *body, size_t len, login7_t *login)
{
    field_t field;
    if (!field_at(body, len, OFF_EXTENSION, 1, &field) || field.size < 4) return false;
    size_t at = get_le32(field.data);
    for (;;) {
        if (at >= len) return false;
        if (body[at] == FEATURE_END) return true;
        if (len - at < 5 || get_le32(body + at + 1) > len - at - 5) return false;
        if (body[at] == FEATURE_UTF8) login->utf8_asked = true;
        at += 5 + (size_t)get_le32(body + at + 1);
    }
}

void login7_unscramble(uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        uint8_t b = bytes[i] ^ 0xA5;
        bytes[i] = (uint8_t)(b << 4 | b >> 4);
    }
}

bool login7_parse(const uint8_t *body, size_t len, pool_t *pool, login7_t *ret_login)
{
    memset(ret_login, 0, sizeof(*ret_login));
    if (len < FIXED_SIZE_71 || len > LOGIN7_SIZE_MAX || get_le32(body) > len) return false;
    len = get_le32(body);
    if (len < FIXED_SIZE_71) return false;
    ret_login->tds_version = get_le32(body + 4);
    ret_login->packet_size = get_le32(body + 8);
    ret_login->odbc = (body[25] & 0x02) != 0;
    ret_login->integrated = (body[25] & 0x80) != 0;
    ret_login->read_only = (body[26] & 0x20) != 0;
    if (!name_at(body, len, OFF_HOST, pool, &ret_login->host) ||
        !name_at(body, len, OFF_USER, pool, &ret_login->user) || !name_at(body, len, OFF_APP, pool, &ret_login->app) ||
        !name_at(body, len, OFF_SERVER, pool, &ret_login->server) ||
        !name_at(body, len, OFF_LIBRARY, pool, &ret_login->library) ||
        !name_at(body, len, OFF_LANGUAGE, pool, &ret_login->language) ||
        !name_at(body, len, OFF_DATABASE, pool, &ret_login->database))
        return false;
    field_t password, sspi;
    if (!field_at(body, len, OFF_PASSWORD, 2, &password) || password.size > (size_t)NAME_MAX_CHARS * 2 ||
        !field_at(body, len, OFF_SSPI, 1, &sspi))
        return false;
    ret_login->sspi = sspi.size > 0 || ret_login->integrated;
    uint8_t clear[NAME_MAX_CHARS * 2];
    if (password.size > 0) memcpy(clear, password.data, password.size);
    login7_unscramble(clear, password.size);
    ret_login->password = to_utf8(pool, clear, password.size, &ret_login->password_len);
    explicit_bzero(clear, sizeof(clear));
    bool extended = len >= FIXED_SIZE && (body[27] & 0x10) != 0;
    return !extended || features_parse(body, len, ret_login);
}
