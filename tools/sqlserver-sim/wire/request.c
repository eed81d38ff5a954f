/* wire/request.c: see request.h */
#include "wire/request.h"

#include <stdio.h>
#include <string.h>

#include "wire/decode.h"
#include "wire/tds.h"

enum {
    RPC_BY_ID = 0xFFFF,
    RPC_NAME_CHARS = 1046,
    RPC_PARAMS_MAX = 2100 + 4, /* sp_prepexec carries handle, declarations and text in front of 2100 values */
    RPC_SEPARATOR_71 = 0x80,
    RPC_SEPARATOR = 0xFF,
    RPC_NO_METADATA = 2,
    PARAM_OUTPUT = 1,
    PARAM_DEFAULT = 2,
    PARAM_ENCRYPTED = 8,
};

static void stream_error(reply_t *reply)
{
    reply_error(reply, 4002, 1, 16,
                "The incoming tabular data stream (TDS) protocol stream is incorrect. The stream ended unexpectedly.");
}

/* ALL_HEADERS of 7.2 and later. Only its length matters: the transaction is the session's, whatever it says. */
static void skip_headers(cur_t *cur, uint32_t tds_version)
{
    if (tds_version < TDS_V72) return;
    uint64_t total = cur_le(cur, 4);
    if (total < 4) cur_fail(cur);
    cur_take(cur, total - 4);
}

void request_batch(reply_t *reply, pool_t *pool, request_t request)
{
    cur_t cur = cur_over(request.data, request.len);
    skip_headers(&cur, reply->tds_version);
    size_t len;
    const char *text = cur_utf16(&cur, cur_left(&cur), pool, &len);
    if (cur.state != CUR_OK)
        stream_error(reply);
    else
        sim_session_batch(reply->session, text, len, &reply->sink);
}

static bool rpc_ends(cur_t *cur, uint32_t tds_version)
{
    return cur_left(cur) == 0 || *cur->p == RPC_SEPARATOR || (tds_version < TDS_V72 && *cur->p == RPC_SEPARATOR_71);
}

static bool read_param(cur_t *cur, pool_t *pool, sim_param_t *ret_param, char *ret_error, size_t error_size,
                       size_t number)
{
    ret_param->name = cur_b_varchar(cur, pool);
    uint8_t status = (uint8_t)cur_le(cur, 1);
    ret_param->output = (status & PARAM_OUTPUT) != 0;
    ret_param->is_default = (status & PARAM_DEFAULT) != 0;
    uint8_t id = cur_left(cur) > 0 ? *cur->p : 0;
    wire_type_t type;
    wire_type_read(cur, &type);
    if (cur->state == CUR_BAD || (status & PARAM_ENCRYPTED) != 0) {
        snprintf(ret_error, error_size,
                 "The incoming tabular data stream (TDS) remote procedure call (RPC) protocol stream is incorrect. "
                 "Parameter %zu (\"%.200s\"): Data type 0x%02X is unknown.",
                 number, ret_param->name, id);
        return false;
    }
    wire_value_read(cur, &type, WIRE_IN_RPC, pool, &ret_param->value);
    if (cur->state == CUR_BAD)
        snprintf(ret_error, error_size,
                 "The incoming tabular data stream (TDS) remote procedure call (RPC) protocol stream is incorrect. "
                 "Parameter %zu (\"%.200s\"): Data type 0x%02X has an invalid data length or metadata length.",
                 number, ret_param->name, id);
    ret_param->type = type.type;
    ret_param->type.not_null = false;
    return cur->state == CUR_OK;
}

/* One call of the message. @return false: answered with an error, nothing behind it can be read */
static bool read_call(reply_t *reply, pool_t *pool, cur_t *cur, sim_rpc_t *ret_rpc)
{
    memset(ret_rpc, 0, sizeof(*ret_rpc));
    ret_rpc->name = "";
    uint64_t name_len = cur_le(cur, 2);
    size_t len;
    if (name_len == RPC_BY_ID)
        ret_rpc->proc_id = (uint16_t)cur_le(cur, 2);
    else if (name_len > RPC_NAME_CHARS)
        cur_fail(cur);
    else
        ret_rpc->name = cur_utf16(cur, name_len * 2, pool, &len);
    ret_rpc->no_metadata = (cur_le(cur, 2) & RPC_NO_METADATA) != 0;
    sim_param_t *params = NULL;
    size_t n = 0, cap = 0;
    while (cur->state == CUR_OK && !rpc_ends(cur, reply->tds_version)) {
        char error[512] = "";
        if (n == RPC_PARAMS_MAX) {
            reply_error(
                reply, 8003, 1, 16,
                "The incoming request has too many parameters. The server supports a maximum of 2100 parameters. "
                "Reduce the number of parameters and resend the request.");
            return false;
        }
        if (n == cap) {
            sim_param_t *grown = pool_zalloc(pool, cap == 0 ? 8 : cap * 4, sizeof(*grown));
            if (n > 0) memcpy(grown, params, n * sizeof(*grown));
            cap = cap == 0 ? 8 : cap * 4;
            params = grown;
        }
        if (!read_param(cur, pool, &params[n], error, sizeof(error), n + 1) && cur->state != CUR_SHORT) {
            reply_error(reply, 8009, 1, 16, error);
            return false;
        }
        n++;
    }
    ret_rpc->params = params;
    ret_rpc->nparams = n;
    if (cur->state != CUR_OK) {
        stream_error(reply);
        return false;
    }
    if (cur_left(cur) > 0) cur->p++; /* the separator */
    return true;
}

void request_rpc(reply_t *reply, pool_t *pool, request_t request)
{
    cur_t cur = cur_over(request.data, request.len);
    skip_headers(&cur, reply->tds_version);
    if (cur.state != CUR_OK || cur_left(&cur) == 0) {
        stream_error(reply);
        return;
    }
    while (cur_left(&cur) > 0) {
        sim_rpc_t rpc;
        if (!read_call(reply, pool, &cur, &rpc) || !sim_session_rpc(reply->session, &rpc, &reply->sink)) return;
    }
}

/* Transaction names count bytes for some clients and characters for others; what fits the rest of the message wins. */
static const char *tm_name(cur_t *cur, pool_t *pool, size_t least_tail)
{
    size_t count = cur_le(cur, 1), len, left = cur_left(cur);
    bool chars = count * 2 + least_tail <= left && (count + least_tail != left || count % 2 != 0);
    return cur_utf16(cur, chars ? count * 2 : count, pool, &len);
}

void request_tm(reply_t *reply, pool_t *pool, request_t request)
{
    cur_t cur = cur_over(request.data, request.len);
    skip_headers(&cur, reply->tds_version);
    sim_tm_op_t op = (sim_tm_op_t)cur_le(&cur, 2);
    int isolation = 0, next_isolation = 0;
    bool begin_next = false;
    const char *name = "";
    switch (op) {
    case SIM_TM_BEGIN:
        isolation = (int)cur_le(&cur, 1);
        name = cur_left(&cur) > 0 ? tm_name(&cur, pool, 0) : "";
        break;
    case SIM_TM_COMMIT:
    case SIM_TM_ROLLBACK:
        name = tm_name(&cur, pool, 1);
        begin_next = (cur_le(&cur, 1) & 1) != 0;
        next_isolation = begin_next ? (int)cur_le(&cur, 1) : 0;
        break;
    case SIM_TM_SAVE:
        name = tm_name(&cur, pool, 0);
        break;
    case SIM_TM_GET_DTC:
    case SIM_TM_PROPAGATE:
        break;
    }
    if (cur.state != CUR_OK || isolation > 5 || next_isolation > 5)
        stream_error(reply);
    else
        sim_session_tm(reply->session, op, isolation, name, begin_next, next_isolation, &reply->sink);
}

/* The text values among the first parameters: the statement of sp_executesql, sp_prepexec and sp_prepare is one of them. */
static const char *call_text(cur_t *cur, pool_t *pool, size_t *ret_len)
{
    enum { LOOK_PARAMS = 3 };
    const char *parts[LOOK_PARAMS];
    size_t lens[LOOK_PARAMS], n = 0, total = 0;
    cur_le(cur, 4);
    for (int i = 0; i < LOOK_PARAMS && cur_left(cur) > 0; i++) {
        wire_type_t type;
        sim_value_t value;
        cur_b_varchar(cur, pool);
        cur_le(cur, 1);
        wire_type_read(cur, &type);
        wire_value_read(cur, &type, WIRE_IN_RPC, pool, &value);
        bool text = type.type.base >= SIM_T_CHAR && type.type.base <= SIM_T_NTEXT;
        if (cur->state != CUR_OK || !text || value.is_null) continue;
        parts[n] = value.u.s.ptr;
        lens[n] = value.u.s.len;
        total += lens[n++] + 1;
    }
    char *text = pool_alloc(pool, total + 1), *at = text;
    for (size_t i = 0; i < n; i++) {
        memcpy(at, parts[i], lens[i]);
        at += lens[i];
        *at++ = ' ';
    }
    *at = '\0';
    *ret_len = (size_t)(at - text);
    return text;
}

const char *request_text(uint32_t tds_version, uint8_t packet_type, pool_t *pool, request_t request, size_t *ret_len)
{
    enum { LOOK = 16 << 10 };
    cur_t cur = cur_over(request.data, request.len);
    *ret_len = 0;
    if (packet_type != TDS_PKT_BATCH && packet_type != TDS_PKT_RPC) return "";
    skip_headers(&cur, tds_version);
    size_t size = cur_left(&cur);
    if (packet_type == TDS_PKT_RPC) {
        size = cur_le(&cur, 2);
        if (size == RPC_BY_ID) return call_text(&cur, pool, ret_len);
        size *= 2;
    }
    return cur_utf16(&cur, size > LOOK ? LOOK : size, pool, ret_len);
}
