#include "connectors/sqlserver/lsn.h"

static const char hex[] = "0123456789abcdef";

lsn_t lsn_from_bytes(const void *bytes, size_t len)
{
    lsn_t lsn = {.set = bytes != NULL && len == LSN_BYTES};
    if (lsn.set) memcpy(lsn.b, bytes, LSN_BYTES);
    return lsn;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

lsn_t lsn_parse(const char *text, size_t len)
{
    lsn_t lsn = {.set = false};
    uint32_t digits = 0;
    for (size_t i = 0; text != NULL && i < len; i++) {
        if (text[i] == ':') continue;
        int d = hex_digit(text[i]);
        if (d < 0 || digits == 2 * LSN_BYTES) return (lsn_t){.set = false};
        lsn.b[digits / 2] = (uint8_t)(lsn.b[digits / 2] << 4 | d);
        digits++;
    }
    lsn.set = digits == 2 * LSN_BYTES;
    return lsn.set ? lsn : (lsn_t){.set = false};
}

size_t lsn_format(const lsn_t *lsn, char out[LSN_TEXT + 1])
{
    static const uint8_t at[LSN_BYTES] = {0, 2, 4, 6, 9, 11, 13, 15, 18, 20};
    if (!lsn->set) {
        memcpy(out, "NULL", 5);
        return 4;
    }
    for (uint32_t i = 0; i < LSN_BYTES; i++) {
        out[at[i]] = hex[lsn->b[i] >> 4];
        out[at[i] + 1] = hex[lsn->b[i] & 15];
    }
    out[8] = out[17] = ':';
    out[LSN_TEXT] = '\0';
    return LSN_TEXT;
}

void lsn_literal(const lsn_t *lsn, char out[2 * LSN_BYTES + 3])
{
    char *p = out;
    *p++ = '0';
    *p++ = 'x';
    for (uint32_t i = 0; i < LSN_BYTES; i++) {
        *p++ = hex[lsn->b[i] >> 4];
        *p++ = hex[lsn->b[i] & 15];
    }
    *p = '\0';
}

cd_value_t lsn_cell(const lsn_t *lsn, cd_arena_t *arena)
{
    if (!lsn->set) return CD_V_NULL;
    char *text = cd_arena_alloc(arena, LSN_TEXT + 1);
    return cd_v_strn(text, lsn_format(lsn, text));
}

lsn_t lsn_next(lsn_t lsn)
{
    lsn_t next = lsn;
    for (int i = LSN_BYTES - 1; i >= 0; i--) {
        if (++next.b[i] != 0) return next;
    }
    return lsn;
}
