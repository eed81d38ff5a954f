/* wire/reply.c: see reply.h */
#include "wire/reply.h"

#include <stdlib.h>
#include <string.h>

#include "wire/generate.h"
#include "wire/pool.h"
#include "wire/tds.h"
#include "wire/token.h"

enum { SEVERE_CLASS = 20, ORDER_MAX = 4096 };

static reply_t *reply_of(sim_sink_t *sink)
{
    return (reply_t *)sink;
}

static bool alive(reply_t *reply)
{
    if (!out_ok(&reply->out)) reply->gone = true;
    return !reply->gone && !reply->attention;
}

static void look_for_attention(reply_t *reply)
{
    if (reply->attention || reply->gone) return;
    net_result_t seen = net_peek_attention(reply->net);
    reply->attention = seen == NET_OK;
    reply->gone = seen == NET_GONE;
}

static bool send_packets(void *arg, const uint8_t *data, size_t len)
{
    reply_t *reply = arg;
    if (reply->fault.packets && !wire_fault_send(&reply->fault, reply->net, data, len)) return false;
    if (!reply->fault.packets && !net_send(reply->net, data, len)) return false;
    look_for_attention(reply);
    return true;
}

static uint8_t done_token(sim_done_kind_t kind)
{
    return kind == SIM_DONE_BATCH ? TDS_TOK_DONE : kind == SIM_DONE_PROC ? TDS_TOK_DONEPROC : TDS_TOK_DONEINPROC;
}

static void write_held(reply_t *reply, bool more)
{
    const sim_done_t *done = &reply->held;
    if (!reply->has_held) return;
    uint16_t status = (uint16_t)((more ? TDS_DONE_MORE : 0) | (done->error ? TDS_DONE_ERROR : 0) |
                                 (done->in_tran ? TDS_DONE_INXACT : 0) | (done->has_count ? TDS_DONE_COUNT : 0));
    token_done(&reply->out, reply->tds_version, done_token(done->kind), status, done->curcmd,
               done->has_count ? done->rowcount : 0);
    reply->has_held = false;
}

/* First thing of every callback: is anybody listening, and is a DONE waiting for this token? */
static bool next_token(reply_t *reply)
{
    if (reply->muted) return false;
    if (!alive(reply)) return false;
    write_held(reply, true);
    return true;
}

static bool on_columns(sim_sink_t *sink, const sim_column_t *cols, size_t n)
{
    reply_t *reply = reply_of(sink);
    if (reply->muted) return true;
    if (!next_token(reply)) return false;
    if (n > reply->cols_cap) {
        reply->cols = wire_realloc(reply->cols, n * sizeof(*reply->cols));
        reply->cols_cap = n;
    }
    reply->ncols = n;
    for (size_t i = 0; i < n; i++) wire_col_init(&reply->cols[i], &cols[i].type, reply->tds_version);
    int32_t textsize = reply->session == NULL ? -1 : sim_session_textsize(reply->session);
    reply->limits.textsize = textsize <= 0 ? SIZE_MAX : (size_t)textsize;
    token_colmetadata(&reply->out, reply->tds_version, cols, reply->cols, n);
    return alive(reply);
}

/* NBCROW leaves NULLs out at the price of a bitmap; taken where it makes the row shorter. */
static bool wants_bitmap(const reply_t *reply, const sim_value_t *cells, size_t n)
{
    if (reply->fault.nbcrow != NBCROW_AUTO || reply->tds_version < TDS_V73)
        return reply->fault.nbcrow == NBCROW_ALWAYS && reply->tds_version >= TDS_V73;
    size_t nulls = 0;
    for (size_t i = 0; i < n; i++) nulls += cells[i].is_null;
    return nulls > (n + 7) / 8;
}

static void write_row(reply_t *reply, const sim_value_t *cells, size_t n)
{
    out_t *out = &reply->out;
    if (!wants_bitmap(reply, cells, n)) {
        out_u8(out, TDS_TOK_ROW);
        for (size_t i = 0; i < n; i++) wire_col_put(&reply->cols[i], out, &cells[i], &reply->limits);
        return;
    }
    out_u8(out, TDS_TOK_NBCROW);
    for (size_t i = 0; i < n; i += 8) {
        uint8_t bits = 0;
        for (size_t k = i; k < n && k < i + 8; k++) bits |= (uint8_t)(cells[k].is_null << (k - i));
        out_u8(out, bits);
    }
    for (size_t i = 0; i < n; i++)
        if (!cells[i].is_null) wire_col_put(&reply->cols[i], out, &cells[i], &reply->limits);
}

static bool on_row(sim_sink_t *sink, const sim_value_t *cells, size_t n)
{
    reply_t *reply = reply_of(sink);
    if (reply->muted) return true;
    if (!alive(reply) || n != reply->ncols) return false;
    if (reply->fault.rows && !wire_fault_row(&reply->fault, reply->net, &reply->out, reply->rows)) {
        reply->gone = true;
        return false;
    }
    if (reply->fault.info_rows) {
        sim_message_t info = {.text = "A message between rows.", .proc = "", .line = 1, .state = 1};
        token_message(&reply->out, reply->tds_version, &info, sim_server_name(reply->server));
    }
    write_row(reply, cells, n);
    reply->rows++;
    return alive(reply);
}

static bool on_done(sim_sink_t *sink, const sim_done_t *done)
{
    reply_t *reply = reply_of(sink);
    if (reply->muted) return true;
    if (!next_token(reply)) return false;
    reply->held = *done;
    reply->has_held = true;
    reply->has_error = false;
    return true;
}

static bool on_message(sim_sink_t *sink, const sim_message_t *message)
{
    reply_t *reply = reply_of(sink);
    if (reply->muted) return true;
    if (!next_token(reply)) return false;
    token_message(&reply->out, reply->tds_version, message, sim_server_name(reply->server));
    reply->has_error = reply->has_error || message->class > 10;
    reply->severe = reply->severe || message->class >= SEVERE_CLASS;
    return alive(reply);
}

static bool on_envchange(sim_sink_t *sink, const sim_envchange_t *env)
{
    reply_t *reply = reply_of(sink);
    if (reply->muted) return true;
    if (!next_token(reply)) return false;
    uint8_t descriptor[8];
    put_le(descriptor, env->descriptor, 8);
    switch (env->kind) {
    case SIM_ENV_DATABASE:
    case SIM_ENV_LANGUAGE:
        token_env_text(&reply->out, (uint8_t)env->kind, env->new_text, env->old_text);
        break;
    case SIM_ENV_BEGIN:
        if (reply->tds_version >= TDS_V72) token_env_bytes(&reply->out, (uint8_t)env->kind, descriptor, 8, "", 0);
        break;
    case SIM_ENV_COMMIT:
    case SIM_ENV_ROLLBACK:
        if (reply->tds_version >= TDS_V72) token_env_bytes(&reply->out, (uint8_t)env->kind, "", 0, descriptor, 8);
        break;
    }
    return alive(reply);
}

static bool on_return_status(sim_sink_t *sink, int32_t status)
{
    reply_t *reply = reply_of(sink);
    if (reply->muted) return true;
    if (!next_token(reply)) return false;
    token_returnstatus(&reply->out, status);
    return alive(reply);
}

static bool on_return_value(sim_sink_t *sink, uint16_t ordinal, const char *name, const sim_typeinfo_t *type,
                            const sim_value_t *value)
{
    reply_t *reply = reply_of(sink);
    if (reply->muted) return true;
    if (!next_token(reply)) return false;
    token_returnvalue(&reply->out, reply->tds_version, ordinal, name, type, value);
    return alive(reply);
}

static bool on_order(sim_sink_t *sink, const uint16_t *ordinals, size_t n)
{
    reply_t *reply = reply_of(sink);
    if (reply->muted || n > ORDER_MAX || reply->fault.no_order) return true;
    if (!next_token(reply)) return false;
    token_order(&reply->out, ordinals, n);
    return alive(reply);
}

static bool on_generate(sim_sink_t *sink, const sim_gen_plan_t *plan, uint64_t *ret_rows)
{
    reply_t *reply = reply_of(sink);
    *ret_rows = 0;
    if (!on_columns(sink, plan->columns, plan->ncolumns)) return false;
    if (reply->muted) return true;
    bool ok = generate_rows(reply, plan, ret_rows);
    reply->rows += *ret_rows;
    return ok && alive(reply);
}

static bool on_cancelled(sim_sink_t *sink)
{
    reply_t *reply = reply_of(sink);
    if (reply->muted) return false;
    if (alive(reply) && out_sealed(&reply->out) > 0)
        out_flush(&reply->out); /* the engine is slow; whole packets need not wait for it */
    look_for_attention(reply);
    return !alive(reply);
}

void reply_init(reply_t *reply, net_t *net, sim_server_t *server)
{
    static const sim_sink_ops_t ops = {
        .columns = on_columns,
        .row = on_row,
        .done = on_done,
        .message = on_message,
        .envchange = on_envchange,
        .return_status = on_return_status,
        .return_value = on_return_value,
        .order = on_order,
        .generate = on_generate,
        .cancelled = on_cancelled,
    };
    memset(reply, 0, sizeof(*reply));
    reply->sink.ops = &ops;
    reply->net = net;
    reply->server = server;
    reply->tds_version = TDS_V74;
    out_init(&reply->out, TDS_PACKET_DEFAULT, send_packets, reply);
}

void reply_done(reply_t *reply)
{
    out_done(&reply->out);
    free(reply->cols);
    reply->cols = NULL;
}

void reply_begin(reply_t *reply)
{
    reply->rows = 0;
    reply->has_held = false;
    reply->attention = reply->attention_read = false;
    reply->muted = false;
    reply->severe = false;
    reply->has_error = false;
    reply->limits = (wire_limits_t){.textsize = SIZE_MAX, .plp_chunk = reply->fault.plp_chunk};
    out_begin(&reply->out, TDS_PKT_REPLY);
}

bool reply_end(reply_t *reply)
{
    if (!out_ok(&reply->out)) reply->gone = true;
    if (reply->gone) return false;
    if (reply->has_held)
        write_held(reply, false);
    else
        token_done(&reply->out, reply->tds_version, TDS_TOK_DONE,
                   reply->has_error || reply->attention ? TDS_DONE_ERROR : 0, 0, 0);
    /* An attention that arrives from here on finds the reply complete; it is found again when the next request is read. */
    bool attention = reply->attention;
    bool sent = out_end(&reply->out);
    reply->attention = attention;
    return sent && !reply->severe;
}

bool reply_attention(reply_t *reply)
{
    out_begin(&reply->out, TDS_PKT_REPLY);
    token_done(&reply->out, reply->tds_version, TDS_TOK_DONE, TDS_DONE_ATTN, 0, 0);
    return out_end(&reply->out);
}

void reply_error(reply_t *reply, int32_t number, uint8_t state, uint8_t class, const char *text)
{
    sim_message_t message = {.number = number, .state = state, .class = class, .text = text, .proc = "", .line = 1};
    on_message(&reply->sink, &message);
}
