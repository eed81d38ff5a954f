/* wire/prelogin.c: see prelogin.h */
#include "wire/prelogin.h"

#include <string.h>

#include "wire/tds.h"

enum { OPT_VERSION, OPT_ENCRYPTION, OPT_INSTOPT, OPT_THREADID, OPT_MARS, OPT_END = 0xFF };

bool prelogin_parse(const uint8_t *body, size_t len, prelogin_t *ret_prelogin)
{
    memset(ret_prelogin, 0, sizeof(*ret_prelogin));
    ret_prelogin->encryption = TDS_ENC_NOT_SUP;
    for (size_t at = 0;; at += 5) {
        if (at >= len) return false;
        if (body[at] == OPT_END) return true;
        if (len - at < 5) return false;
        size_t offset = get_be16(body + at + 1), size = get_be16(body + at + 3);
        if (offset > len || size > len - offset) return false;
        if (body[at] == OPT_VERSION && size >= 6) memcpy(ret_prelogin->version, body + offset, 6);
        /* The upper bits ask for a client certificate, which this server never requests. */
        if (body[at] == OPT_ENCRYPTION && size >= 1) ret_prelogin->encryption = (tds_encrypt_t)(body[offset] & 3);
    }
}

tds_encrypt_t prelogin_encryption(tds_encrypt_t client, tls_policy_t policy, tls_scope_t *ret_scope)
{
    *ret_scope = TLS_SCOPE_NONE;
    if (policy == TLS_POLICY_OFF) return TDS_ENC_NOT_SUP;
    if (client == TDS_ENC_ON || client == TDS_ENC_REQ) {
        *ret_scope = TLS_SCOPE_ALL;
        return TDS_ENC_ON;
    }
    if (policy == TLS_POLICY_REQUIRED) {
        /* A client without TLS reads REQ and gives up; there is nothing to negotiate with it. */
        *ret_scope = TLS_SCOPE_ALL;
        return TDS_ENC_REQ;
    }
    if (client == TDS_ENC_OFF) {
        *ret_scope = TLS_SCOPE_LOGIN;
        return TDS_ENC_OFF;
    }
    return TDS_ENC_NOT_SUP;
}

void prelogin_reply(uint8_t body[PRELOGIN_REPLY_SIZE], int major, tds_encrypt_t encryption)
{
    /* MARS must be there and 0: newer FreeTDS falls back to TDS 7.1 without it. THREADID is present but empty. */
    static const uint8_t table[] = {
        OPT_VERSION,  0, 26, 0, 6, OPT_ENCRYPTION, 0, 32, 0, 1, OPT_INSTOPT, 0, 33, 0, 1,
        OPT_THREADID, 0, 34, 0, 0, OPT_MARS,       0, 34, 0, 1, OPT_END,
    };
    memset(body, 0, PRELOGIN_REPLY_SIZE);
    memcpy(body, table, sizeof(table));
    uint8_t *data = body + sizeof(table);
    data[0] = (uint8_t)major;
    data[2] = 0x10; /* build 4096 */
    data[6] = (uint8_t)encryption;
}
