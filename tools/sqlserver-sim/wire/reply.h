/* wire/reply.h: the engine's sink: turns its callbacks into the tokens of one reply message.
 * A DONE is held back until it is known whether another token follows, because only then MORE can be decided.
 * Threads    the connection's thread.
 * Ownership  owns the writer; borrows the socket, the server and the session.
 * Errors     callbacks return false once the client has cancelled or is gone.
 */
#ifndef SIM_WIRE_REPLY_H
#define SIM_WIRE_REPLY_H

#include "engine.h"
#include "wire/column.h"
#include "wire/net.h"
#include "wire/out.h"
#include "wire/wire_fault.h"

typedef struct reply {
    sim_sink_t sink; /* first: the engine hands this pointer back */
    out_t out;
    net_t *net;
    sim_server_t *server;
    sim_session_t *session; /* NULL before login */
    uint32_t tds_version;
    wire_col_t *cols; /* plans of the open result */
    size_t ncols, cols_cap;
    wire_limits_t limits;
    wire_fault_t fault; /* armed for this request */
    uint64_t rows;      /* of this request */
    sim_done_t held;
    bool has_held;
    bool attention;      /* seen */
    bool attention_read; /* its packet is not in the socket any more */
    bool gone;
    bool muted;     /* swallow everything: the client abandoned the request */
    bool severe;    /* an error of class 20 or more went out */
    bool has_error; /* an error went out since the last DONE */
} reply_t;

void reply_init(reply_t *reply, net_t *net, sim_server_t *server);
void reply_done(reply_t *reply);

/** Starts a message. The caller has set session and tds_version. */
void reply_begin(reply_t *reply);
/** Ends it with the held DONE, or with a plain one (an ERROR one after an error) when the engine has sent none. A reply cut
 *  short by an attention ends with DONE(ERROR): clients wait for that message and then for the acknowledgement, which
 *  the caller sends with reply_attention after it has read the attention packet.
 *  @return false when the connection must close */
bool reply_end(reply_t *reply);
/** The acknowledgement of an attention: a message of its own. */
bool reply_attention(reply_t *reply);

/** Sends one message of the wire's own making. */
void reply_error(reply_t *reply, int32_t number, uint8_t state, uint8_t class, const char *text);

#endif
