/* wire/request.c: see request.h */
#include "wire/request.h"

#include <string.h>
#include <strings.h>

#include "wire/rpc.h"
#include "wire/tds.h"

static void stream_error(reply_t *reply)
{
    rpc_error_t error;
    (void)rpc_stream_error(&error);
    reply_error(reply, error.number, 1, 16, error.text);
}

void request_batch(reply_t *reply, pool_t *pool, request_t request)
{
    cur_t cur = cur_over(request.data, request.len);
    rpc_skip_headers(&cur, reply->tds_version);
    size_t len;
    const char *text = cur_utf16(&cur, cur_left(&cur), pool, &len);
    if (cur.state != CUR_OK)
        stream_error(reply);
    else
        sim_session_batch(reply->session, text, len, &reply->sink);
}

void request_rpc(reply_t *reply, pool_t *pool, request_t request)
{
    cur_t cur = cur_over(request.data, request.len);
    rpc_skip_headers(&cur, reply->tds_version);
    if (cur.state != CUR_OK || cur_left(&cur) == 0) {
        stream_error(reply);
        return;
    }
    while (cur_left(&cur) > 0) {
        sim_rpc_t rpc;
        rpc_error_t error;
        if (!rpc_read(&cur, reply->tds_version, pool, &rpc, &error)) {
            reply_error(reply, error.number, 1, 16, error.text);
            return;
        }
        if (!sim_session_rpc(reply->session, &rpc, &reply->sink)) return;
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
    rpc_skip_headers(&cur, reply->tds_version);
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

/* The text values among the first parameters: the statement of sp_executesql, sp_prepexec and sp_prepare is there. */
static const char *call_text(const sim_rpc_t *rpc, pool_t *pool, size_t *ret_len)
{
    enum { LOOK_PARAMS = 3 };
    size_t total = 0;
    for (size_t i = 0; i < rpc->nparams && i < LOOK_PARAMS; i++) {
        const sim_param_t *p = &rpc->params[i];
        if (p->type.base >= SIM_T_CHAR && p->type.base <= SIM_T_NTEXT && !p->value.is_null)
            total += p->value.u.s.len + 1;
    }
    char *text = pool_alloc(pool, total + 1), *at = text;
    for (size_t i = 0; i < rpc->nparams && i < LOOK_PARAMS; i++) {
        const sim_param_t *p = &rpc->params[i];
        if (p->type.base < SIM_T_CHAR || p->type.base > SIM_T_NTEXT || p->value.is_null) continue;
        memcpy(at, p->value.u.s.ptr, p->value.u.s.len);
        at += p->value.u.s.len;
        *at++ = ' ';
    }
    *at = '\0';
    *ret_len = (size_t)(at - text);
    return text;
}

/* sp_execute names its statement by a handle, by number or, from tdsodbc, by name. */
static const char *prepared_text(const sim_session_t *session, const sim_rpc_t *rpc)
{
    enum { SP_EXECUTE = 12 };
    bool execute = rpc->proc_id == SP_EXECUTE || (rpc->proc_id == 0 && strcasecmp(rpc->name, "sp_execute") == 0);
    bool handle = rpc->nparams > 0 && rpc->params[0].type.base == SIM_T_INT && !rpc->params[0].value.is_null;
    return execute && handle ? sim_session_prepared(session, rpc->params[0].value.u.i) : NULL;
}

const char *request_text(const reply_t *reply, uint8_t packet_type, pool_t *pool, request_t request, size_t *ret_len)
{
    enum { LOOK = 16 << 10 };
    cur_t cur = cur_over(request.data, request.len);
    *ret_len = 0;
    rpc_skip_headers(&cur, reply->tds_version);
    if (packet_type == TDS_PKT_BATCH)
        return cur_utf16(&cur, cur_left(&cur) > LOOK ? LOOK : cur_left(&cur), pool, ret_len);
    sim_rpc_t rpc;
    rpc_error_t error;
    if (packet_type != TDS_PKT_RPC || !rpc_read(&cur, reply->tds_version, pool, &rpc, &error)) return "";
    const char *prepared = prepared_text(reply->session, &rpc);
    if (prepared != NULL) {
        *ret_len = strlen(prepared);
        return prepared;
    }
    if (rpc.proc_id != 0) return call_text(&rpc, pool, ret_len);
    *ret_len = strlen(rpc.name);
    return rpc.name;
}
