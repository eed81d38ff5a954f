/* wire/wire_fault.h: the faults that the wire itself plays: cuts, stalls, odd packets, failing logins.
 * The engine keeps the list of armed faults (EXEC sim.fault); here they are taken, parsed and executed.
 * Threads    the connection's thread.
 * Errors     an argument that cannot be parsed makes the fault a plain cut, so that a typo is noticed.
 */
#ifndef SIM_WIRE_WIRE_FAULT_H
#define SIM_WIRE_WIRE_FAULT_H

#include "engine.h"
#include "wire/net.h"
#include "wire/out.h"

typedef enum nbcrow_mode { NBCROW_AUTO, NBCROW_ALWAYS, NBCROW_NEVER } nbcrow_mode_t;
typedef enum tls_fault {
    TLS_FAULT_NONE,
    TLS_FAULT_REQUIRED,
    TLS_FAULT_UNAVAILABLE,
    TLS_FAULT_ABORT,
    TLS_FAULT_SELF_SIGNED, /* from here on: another certificate than the server's own */
    TLS_FAULT_EXPIRED,
    TLS_FAULT_WRONG_HOST
} tls_fault_t;

typedef struct wire_fault {
    bool rows;    /* wire_fault_row must run for each row */
    bool packets; /* wire_fault_send must replace net_send */
    bool drop_now, drop_rst, drop_mid_packet, drop_mid_token, drop_on_reset;
    bool has_drop_row, has_stall;
    uint64_t drop_row, stall_row;
    int64_t stall_us, row_us;
    size_t trickle;
    uint32_t packet_size; /* 0 = as negotiated */
    size_t plp_chunk;
    nbcrow_mode_t nbcrow;
    bool no_order;  /* no ORDER tokens */
    bool info_rows; /* an INFO token in front of each row */
    tls_fault_t tls;
    int32_t login_error; /* 0 = none */
} wire_fault_t;

/** Takes all faults armed for this point. @param session NULL before login */
void wire_fault_take(wire_fault_t *fault, sim_server_t *server, const sim_session_t *session, sim_fault_point_t point,
                     const char *text, size_t len);
/** Adds one fault as given to sim.fault. */
void wire_fault_parse(wire_fault_t *fault, const char *kind, const char *arg);

/** Runs in front of row number `row` (from 0). @return false: the connection has been cut */
bool wire_fault_row(wire_fault_t *fault, net_t *net, out_t *out, uint64_t row);
/** net_send with cuts and pauses. */
bool wire_fault_send(wire_fault_t *fault, net_t *net, const uint8_t *data, size_t len);
/** Cuts the connection as the fault wants it. */
void wire_fault_cut(const wire_fault_t *fault, net_t *net);

#endif
