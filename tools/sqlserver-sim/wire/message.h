/* wire/message.h: puts the packets of one request back together.
 * Threads    the connection's thread.     Ownership  the data is borrowed until the next read.
 * Errors     MSG_GONE: the connection must close.
 */
#ifndef SIM_WIRE_MESSAGE_H
#define SIM_WIRE_MESSAGE_H

#include "wire/net.h"

typedef struct message {
    uint8_t type;
    uint8_t status; /* of the first packet: the reset bits */
    const uint8_t *data;
    size_t len;
    uint8_t *joined; /* owned: more than one packet */
    size_t joined_cap;
} message_t;

typedef enum message_result {
    MSG_OK,
    MSG_ATTENTION, /* an attention, also one that came in the middle of a request (which is dropped then) */
    MSG_ABANDONED, /* the client gave its request up while it was sending: do not run it */
    MSG_GONE,
} message_result_t;

/** Reads a whole request. @param max  bytes that one request may have */
message_result_t message_read(message_t *message, net_t *net, size_t max);
void message_done(message_t *message);

#endif
