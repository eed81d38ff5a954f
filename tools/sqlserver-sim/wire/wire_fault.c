/* wire/wire_fault.c: see wire_fault.h */
#include "wire/wire_fault.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "wire/tds.h"

enum { STALL_MAX_MS = 600000 };

/* An injected delay; it ends early when the client hangs up, so a stopping test does not have to sit it out. */
static void pause_us(const net_t *net, int64_t us)
{
    if (us > STALL_MAX_MS * INT64_C(1000)) us = STALL_MAX_MS * INT64_C(1000);
    struct timespec ts = {.tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000};
    struct pollfd pfd = {.fd = net->fd, .events = POLLRDHUP};
    (void)ppoll(&pfd, 1, &ts, NULL);
}

static bool number_after(const char *arg, const char *prefix, int64_t *ret_number)
{
    const char *at = strcasestr(arg, prefix);
    if (at == NULL) return false;
    char *end;
    long long n = strtoll(at + strlen(prefix), &end, 10);
    if (end == at + strlen(prefix) || n < 0) return false;
    *ret_number = n;
    return true;
}

static void parse_drop(wire_fault_t *fault, const char *arg)
{
    int64_t row = 1; /* of mid_token alone */
    fault->drop_rst = strcasestr(arg, "rst") != NULL;
    if (strcasestr(arg, "mid_packet") != NULL) {
        fault->drop_mid_packet = fault->packets = true;
    } else if (number_after(arg, "after_rows:", &row) || strcasestr(arg, "mid_token") != NULL) {
        fault->drop_mid_token = strcasestr(arg, "mid_token") != NULL;
        fault->has_drop_row = fault->rows = true;
        fault->drop_row = (uint64_t)row;
    } else {
        fault->drop_now = true;
    }
}

static void parse_packet(wire_fault_t *fault, const char *arg)
{
    int64_t n;
    if (number_after(arg, "size:", &n) && n > TDS_HEADER && n <= TDS_PACKET_MAX) fault->packet_size = (uint32_t)n;
    if (strcasestr(arg, "split") != NULL) fault->packet_size = TDS_HEADER + 1;
    if (number_after(arg, "plp:", &n) && n > 0) fault->plp_chunk = (size_t)n;
    if (strcasestr(arg, "nbcrow:always") != NULL) fault->nbcrow = NBCROW_ALWAYS;
    if (strcasestr(arg, "nbcrow:never") != NULL) fault->nbcrow = NBCROW_NEVER;
    fault->no_order = fault->no_order || strcasestr(arg, "order:off") != NULL;
    fault->info_rows = fault->info_rows || strcasestr(arg, "info") != NULL;
}

static void parse_slow_rows(wire_fault_t *fault, const char *arg)
{
    int64_t n;
    if (number_after(arg, "trickle:", &n) && n > 0) {
        fault->trickle = (size_t)n;
        fault->packets = true;
    } else if (number_after(arg, "", &n)) {
        fault->row_us = n;
        fault->rows = true;
    }
}

static void parse_stall(wire_fault_t *fault, const char *arg)
{
    int64_t ms = 0, row = 0;
    (void)number_after(arg, "", &ms);
    (void)number_after(arg, "after_rows:", &row);
    fault->stall_us = ms > STALL_MAX_MS ? STALL_MAX_MS * INT64_C(1000) : ms * 1000;
    fault->stall_row = (uint64_t)row;
    fault->has_stall = true;
    fault->rows = row > 0;
    fault->packets = fault->packets || row == 0;
}

void wire_fault_parse(wire_fault_t *fault, const char *kind, const char *arg)
{
    if (strcasecmp(kind, "drop") == 0) {
        parse_drop(fault, arg);
    } else if (strcasecmp(kind, "stall") == 0) {
        parse_stall(fault, arg);
    } else if (strcasecmp(kind, "slow_rows") == 0) {
        parse_slow_rows(fault, arg);
    } else if (strcasecmp(kind, "packet") == 0) {
        parse_packet(fault, arg);
    } else if (strcasecmp(kind, "login_fail") == 0) {
        fault->login_error = atoi(arg) > 0 ? atoi(arg) : 18456;
    } else if (strcasecmp(kind, "disconnect_on_reset") == 0) {
        fault->drop_on_reset = true;
    } else if (strcasecmp(kind, "tls") == 0) {
        fault->tls = strcasecmp(arg, "required") == 0      ? TLS_FAULT_REQUIRED
                     : strcasecmp(arg, "unavailable") == 0 ? TLS_FAULT_UNAVAILABLE
                     : strcasecmp(arg, "self_signed") == 0 ? TLS_FAULT_SELF_SIGNED
                     : strcasecmp(arg, "expired") == 0     ? TLS_FAULT_EXPIRED
                     : strcasecmp(arg, "wrong_host") == 0  ? TLS_FAULT_WRONG_HOST
                                                           : TLS_FAULT_ABORT;
    } else {
        fault->drop_now = true;
    }
}

void wire_fault_take(wire_fault_t *fault, sim_server_t *server, const sim_session_t *session, sim_fault_point_t point,
                     const char *text, size_t len)
{
    sim_fault_t armed = {0};
    memset(fault, 0, sizeof(*fault));
    while (sim_server_fault(server, session, point, text, len, &armed)) wire_fault_parse(fault, armed.kind, armed.arg);
}

void wire_fault_cut(const wire_fault_t *fault, net_t *net)
{
    if (fault->drop_rst)
        net_reset(net);
    else if (net->fd >= 0)
        shutdown(net->fd, SHUT_RDWR);
}

bool wire_fault_row(wire_fault_t *fault, net_t *net, out_t *out, uint64_t row)
{
    if (fault->has_stall && fault->rows && row == fault->stall_row) {
        fault->has_stall = false;
        if (!out_flush_open(out)) return false;
        pause_us(net, fault->stall_us);
    }
    if (fault->has_drop_row && row >= fault->drop_row) {
        /* Two bytes less: the packet is whole, the token in it is not. */
        if (fault->drop_mid_token && out->p >= out->pkt + TDS_HEADER + 3) out->p -= 2;
        out_flush_open(out);
        wire_fault_cut(fault, net);
        return false;
    }
    if (fault->row_us > 0) {
        if (!out_flush_open(out)) return false;
        pause_us(net, fault->row_us);
    }
    return true;
}

bool wire_fault_send(wire_fault_t *fault, net_t *net, const uint8_t *data, size_t len)
{
    if (fault->drop_mid_packet) {
        (void)net_send(net, data, len / 2);
        wire_fault_cut(fault, net);
        return false;
    }
    if (fault->has_stall && !fault->rows) {
        fault->has_stall = false;
        pause_us(net, fault->stall_us);
    }
    if (fault->trickle == 0) return net_send(net, data, len);
    for (size_t at = 0; at < len;) {
        size_t n = len - at < fault->trickle ? len - at : fault->trickle;
        if (!net_send(net, data + at, n)) return false;
        pause_us(net, 1);
        at += n;
    }
    return true;
}
