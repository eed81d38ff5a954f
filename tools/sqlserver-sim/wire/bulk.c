/* wire/bulk.c: see bulk.h */
#include "wire/bulk.h"

#include <stdlib.h>
#include <string.h>

#include "wire/decode.h"
#include "wire/tds.h"

enum { BULK_COLUMNS_MAX = 4096 };

typedef struct bulk {
    reply_t *reply;
    net_t *net;
    pool_t *pool;
    size_t row_max;
    uint8_t *buf; /* pos..len is not parsed yet */
    size_t pos, len, cap;
    bool last; /* the packet with EOM has been read */
    bool abandoned;
    wire_type_t *types;
    sim_value_t *cells;
    size_t ncols;
    bool refused; /* the engine wants no more rows; the rest of the stream is read and dropped */
} bulk_t;

/* One more packet behind what is there; with a large value growing, at least half as much again, so that the value is
 * not parsed anew for each packet. @return false = gone */
static bool more(bulk_t *bulk)
{
    size_t want = (bulk->len - bulk->pos) / 2;
    if (bulk->pos > 0) memmove(bulk->buf, bulk->buf + bulk->pos, bulk->len - bulk->pos);
    bulk->len -= bulk->pos;
    bulk->pos = 0;
    size_t got = 0;
    do {
        packet_t packet;
        if (!net_read_packet(bulk->net, &packet)) return false;
        if (packet.type == TDS_PKT_ATTENTION) {
            bulk->reply->attention = bulk->reply->attention_read = true;
            bulk->abandoned = bulk->last = true;
            return true;
        }
        if (packet.type != TDS_PKT_BULK) return false;
        if (bulk->cap - bulk->len < packet.len) {
            bulk->cap = (bulk->len + packet.len) * 2;
            bulk->buf = wire_realloc(bulk->buf, bulk->cap);
        }
        if (packet.len > 0) memcpy(bulk->buf + bulk->len, packet.data, packet.len);
        bulk->len += packet.len;
        got += packet.len;
        bulk->last = (packet.status & TDS_ST_EOM) != 0;
        bulk->abandoned = bulk->last && (packet.status & TDS_ST_IGNORE) != 0;
    } while (!bulk->last && got < want);
    return true;
}

static void read_columns(bulk_t *bulk, cur_t *cur, sim_column_t **ret_columns)
{
    bool v72 = bulk->reply->tds_version >= TDS_V72;
    size_t n = cur_le(cur, 2);
    if (n == 0 || n > BULK_COLUMNS_MAX) {
        if (cur->state == CUR_OK) cur_fail(cur);
        return;
    }
    bulk->ncols = n;
    bulk->types = pool_zalloc(bulk->pool, n, sizeof(*bulk->types));
    bulk->cells = pool_zalloc(bulk->pool, n, sizeof(*bulk->cells));
    *ret_columns = pool_zalloc(bulk->pool, n, sizeof(**ret_columns));
    for (size_t i = 0; i < n && cur->state == CUR_OK; i++) {
        wire_type_t *type = &bulk->types[i];
        cur_le(cur, v72 ? 4 : 2);
        uint64_t flags = cur_le(cur, 2);
        wire_type_read(cur, type);
        bool lob = type->type.base == SIM_T_TEXT || type->type.base == SIM_T_NTEXT || type->type.base == SIM_T_IMAGE;
        if (lob) cur_us_varchar(cur, bulk->pool); /* one table name, also where a server's own metadata has parts */
        (*ret_columns)[i].name = cur_b_varchar(cur, bulk->pool);
        (*ret_columns)[i].type = type->type;
        (*ret_columns)[i].type.not_null = (flags & 1) == 0;
    }
}

static void read_row(bulk_t *bulk, cur_t *cur, uint8_t token, pool_t *row_pool)
{
    const uint8_t *bitmap = token == TDS_TOK_NBCROW ? cur_take(cur, (bulk->ncols + 7) / 8) : NULL;
    for (size_t i = 0; i < bulk->ncols && cur->state == CUR_OK; i++) {
        if (bitmap != NULL && (bitmap[i / 8] >> (i % 8) & 1) != 0) {
            memset(&bulk->cells[i], 0, sizeof(bulk->cells[i]));
            bulk->cells[i].is_null = true;
        } else {
            wire_value_read(cur, &bulk->types[i], WIRE_IN_BULK, row_pool, &bulk->cells[i]);
        }
    }
}

typedef enum step { STEP_ON, STEP_END, STEP_SHORT, STEP_BAD } step_t;

/* One token of the stream. */
static step_t step(bulk_t *bulk, pool_t *row_pool)
{
    cur_t cur = cur_over(bulk->buf + bulk->pos, bulk->len - bulk->pos);
    sim_column_t *columns = NULL;
    reply_t *reply = bulk->reply;
    pool_reset(row_pool);
    uint8_t token = (uint8_t)cur_le(&cur, 1);
    if (cur.state != CUR_OK) return STEP_SHORT;
    switch (token) {
    case TDS_TOK_COLMETADATA:
        if (bulk->ncols != 0) return STEP_BAD;
        read_columns(bulk, &cur, &columns);
        if (cur.state != CUR_OK)
            bulk->ncols = 0;
        else
            bulk->refused = !sim_session_bulk_columns(reply->session, columns, bulk->ncols, &reply->sink);
        break;
    case TDS_TOK_ROW:
    case TDS_TOK_NBCROW:
        if (bulk->ncols == 0) return STEP_BAD;
        read_row(bulk, &cur, token, row_pool);
        if (cur.state == CUR_OK && !bulk->refused)
            bulk->refused = !sim_session_bulk_row(reply->session, bulk->cells, bulk->ncols, &reply->sink);
        break;
    case TDS_TOK_DONE:
        return STEP_END;
    default:
        return STEP_BAD;
    }
    if (cur.state == CUR_OK) bulk->pos = (size_t)(cur.p - bulk->buf);
    return cur.state == CUR_OK ? STEP_ON : cur.state == CUR_SHORT ? STEP_SHORT : STEP_BAD;
}

bool bulk_run(reply_t *reply, net_t *net, pool_t *pool, size_t row_max)
{
    bulk_t bulk = {.reply = reply, .net = net, .pool = pool, .row_max = row_max};
    pool_t row_pool = {0};
    bool ready = sim_session_bulk_ready(reply->session), alive = true, bad = false;
    for (bool end = false; alive && !end;) {
        step_t did = !ready || bad ? STEP_SHORT : step(&bulk, &row_pool);
        if (did == STEP_END) break;
        bad = bad || did == STEP_BAD;
        if (did == STEP_ON) continue;
        if (!ready || bad) bulk.pos = bulk.len; /* nothing of the rest matters but its end */
        if (bulk.last) {
            /* without a DONE the stream is complete only where a row ends */
            bad = bad || bulk.len > bulk.pos;
            end = true;
        } else {
            bad = bad || bulk.len - bulk.pos > bulk.row_max;
            alive = more(&bulk);
        }
    }
    while (alive && !bulk.last) { /* behind the DONE */
        bulk.pos = bulk.len;
        alive = more(&bulk);
    }
    if (alive && !ready) {
        reply_error(reply, 4002, 1, 16, "The incoming bulk load data was not announced by an INSERT BULK statement.");
    } else if (ready) {
        if (alive && bad)
            reply_error(reply, 4804, 1, 16,
                        "Premature end-of-message while reading current row from host. Host program may have died.");
        sim_session_bulk_end(reply->session, alive && !bad && !bulk.abandoned, &reply->sink);
    }
    free(bulk.buf);
    pool_done(&row_pool);
    return alive;
}
