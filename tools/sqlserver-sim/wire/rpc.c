/* wire/rpc.c: see rpc.h */
#include "wire/rpc.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

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
    PARAMS_FIRST = 8,
};

static bool refuse(rpc_error_t *error, int32_t number, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
static bool refuse(rpc_error_t *error, int32_t number, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    vsnprintf(error->text, sizeof(error->text), fmt, args);
    va_end(args);
    error->number = number;
    return false;
}

bool rpc_stream_error(rpc_error_t *ret_error)
{
    return refuse(
        ret_error, 4002,
        "The incoming tabular data stream (TDS) protocol stream is incorrect. The stream ended unexpectedly.");
}

void rpc_skip_headers(cur_t *cur, uint32_t tds_version)
{
    if (tds_version < TDS_V72) return;
    uint64_t total = cur_le(cur, 4);
    if (total < 4) cur_fail(cur);
    cur_take(cur, total - 4);
}

static bool call_ends(cur_t *cur, uint32_t tds_version)
{
    return cur_left(cur) == 0 || *cur->p == RPC_SEPARATOR || (tds_version < TDS_V72 && *cur->p == RPC_SEPARATOR_71);
}

static bool read_param(cur_t *cur, pool_t *pool, size_t number, sim_param_t *ret_param, rpc_error_t *ret_error)
{
    static const char wrong[] =
        "The incoming tabular data stream (TDS) remote procedure call (RPC) protocol stream is incorrect.";
    ret_param->name = cur_b_varchar(cur, pool);
    uint8_t status = (uint8_t)cur_le(cur, 1);
    ret_param->output = (status & PARAM_OUTPUT) != 0;
    ret_param->is_default = (status & PARAM_DEFAULT) != 0;
    uint8_t id = cur_left(cur) > 0 ? *cur->p : 0;
    wire_type_t type;
    wire_type_read(cur, &type);
    if (cur->state == CUR_BAD || (status & PARAM_ENCRYPTED) != 0)
        return refuse(ret_error, 8009, "%s Parameter %zu (\"%.200s\"): Data type 0x%02X is unknown.", wrong, number,
                      ret_param->name, id);
    wire_value_read(cur, &type, WIRE_IN_RPC, pool, &ret_param->value);
    ret_param->type = type.type;
    ret_param->type.not_null = false;
    if (cur->state == CUR_BAD)
        return refuse(ret_error, 8009,
                      "%s Parameter %zu (\"%.200s\"): Data type 0x%02X has an invalid data length or metadata length.",
                      wrong, number, ret_param->name, id);
    return cur->state == CUR_OK || rpc_stream_error(ret_error);
}

bool rpc_read(cur_t *cur, uint32_t tds_version, pool_t *pool, sim_rpc_t *ret_rpc, rpc_error_t *ret_error)
{
    memset(ret_rpc, 0, sizeof(*ret_rpc));
    ret_rpc->name = "";
    uint64_t name_len = cur_le(cur, 2);
    size_t len, n = 0, cap = 0;
    if (name_len == RPC_BY_ID)
        ret_rpc->proc_id = (uint16_t)cur_le(cur, 2);
    else if (name_len > RPC_NAME_CHARS)
        cur_fail(cur);
    else
        ret_rpc->name = cur_utf16(cur, name_len * 2, pool, &len);
    ret_rpc->no_metadata = (cur_le(cur, 2) & RPC_NO_METADATA) != 0;
    if (cur->state != CUR_OK) return rpc_stream_error(ret_error);
    sim_param_t *params = NULL;
    while (!call_ends(cur, tds_version)) {
        if (n == RPC_PARAMS_MAX)
            return refuse(ret_error, 8003,
                          "The incoming request has too many parameters. The server supports a maximum of 2100 "
                          "parameters. Reduce the number of parameters and resend the request.");
        if (n == cap) {
            cap = cap == 0 ? PARAMS_FIRST : cap * 4;
            sim_param_t *grown = pool_zalloc(pool, cap, sizeof(*grown));
            if (n > 0) memcpy(grown, params, n * sizeof(*grown));
            params = grown;
        }
        if (!read_param(cur, pool, n + 1, &params[n], ret_error)) return false;
        n++;
    }
    ret_rpc->params = params;
    ret_rpc->nparams = n;
    if (cur_left(cur) > 0) cur->p++; /* the separator */
    return true;
}
