/* wire/message.c: see message.h */
#include "wire/message.h"

#include <stdlib.h>
#include <string.h>

#include "wire/pool.h"
#include "wire/tds.h"

enum { KEEP = 64 << 10 };

void message_done(message_t *message)
{
    free(message->joined);
    memset(message, 0, sizeof(*message));
}

/* Grows with what has arrived, never with what was announced. */
static void join(message_t *message, const packet_t *packet)
{
    if (message->joined_cap - message->len < packet->len) {
        size_t cap = message->joined_cap * 2;
        if (cap < message->len + packet->len) cap = message->len + packet->len;
        message->joined = wire_realloc(message->joined, cap);
        message->joined_cap = cap;
    }
    if (packet->len > 0) memcpy(message->joined + message->len, packet->data, packet->len);
    message->len += packet->len;
    message->data = message->joined;
}

message_result_t message_read(message_t *message, net_t *net, size_t max)
{
    packet_t packet;
    if (message->joined_cap > KEEP) {
        free(message->joined);
        message->joined = NULL;
        message->joined_cap = 0;
    }
    message->len = 0;
    for (bool first = true;; first = false) {
        if (!net_read_packet(net, &packet)) return MSG_GONE;
        if (packet.type == TDS_PKT_ATTENTION) return MSG_ATTENTION;
        if (first) {
            message->type = packet.type;
            message->status = packet.status;
        } else if (packet.type != message->type) {
            return MSG_GONE;
        }
        if (packet.len > max - message->len) return MSG_GONE;
        bool last = (packet.status & TDS_ST_EOM) != 0;
        if (last && (packet.status & TDS_ST_IGNORE) != 0) return MSG_ABANDONED;
        if (first && last) { /* the usual case needs no copy */
            message->data = packet.data;
            message->len = packet.len;
            return MSG_OK;
        }
        join(message, &packet);
        if (last) return MSG_OK;
    }
}
