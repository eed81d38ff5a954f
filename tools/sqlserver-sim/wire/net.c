/* wire/net.c: see net.h */
#include "wire/net.h"

#include <errno.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "wire/out.h"
#include "wire/pool.h"
#include "wire/tds.h"

enum { NET_CHUNK = 16 << 10, NET_FLIGHT_MAX = 64 << 10 };

int64_t net_now_ms(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static uint64_t now_ns(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

void net_init(net_t *net, int fd)
{
    memset(net, 0, sizeof(*net));
    net->fd = fd;
}

void net_done(net_t *net)
{
    SSL_free(net->ssl);
    free(net->in);
    if (net->fd >= 0) close(net->fd);
    memset(net, 0, sizeof(*net));
    net->fd = -1;
}

void net_reset(net_t *net)
{
    struct linger now = {.l_onoff = 1, .l_linger = 0};
    if (setsockopt(net->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now)) == 0) {
        close(net->fd);
        net->fd = -1;
    }
}

/* Waits for the events; false when the deadline has passed, or when there is only the end of the peer to be seen: a
 * client that has closed its side takes no more of the reply, even if its window never opens again to say so. */
static bool wait_for(const net_t *net, short events)
{
    for (;;) {
        int timeout = -1;
        if (net->deadline_ms != 0) {
            int64_t left = net->deadline_ms - net_now_ms();
            if (left <= 0) return false;
            timeout = left > 3600000 ? 3600000 : (int)left;
        }
        struct pollfd pfd = {.fd = net->fd, .events = events | POLLRDHUP};
        int n = poll(&pfd, 1, timeout);
        if (n > 0) return (pfd.revents & events) != 0;
        if (n < 0 && errno != EINTR) return false;
    }
}

/* Room for at least `more` bytes behind in_end; unread bytes move to the front. */
static void make_room(net_t *net, size_t more)
{
    if (net->in_pos > 0) {
        memmove(net->in, net->in + net->in_pos, net->in_end - net->in_pos);
        net->in_end -= net->in_pos;
        net->in_pos = 0;
    }
    if (net->in_cap - net->in_end < more) {
        net->in_cap = net->in_end + more;
        net->in = wire_realloc(net->in, net->in_cap);
    }
}

/* One recv. @return bytes, 0 = gone, -1 = nothing there (only when not blocking) */
static ssize_t recv_some(net_t *net, uint8_t *at, size_t room, bool block)
{
    if (net->fd < 0) return 0;
    for (;;) {
        if (block && net->deadline_ms != 0 && !wait_for(net, POLLIN)) return 0;
        ssize_t n = recv(net->fd, at, room, block ? 0 : MSG_DONTWAIT);
        if (n >= 0) return n;
        if (errno == EINTR) continue;
        if (errno == EAGAIN || errno == EWOULDBLOCK) {
            if (!block) return -1;
            if (!wait_for(net, POLLIN)) return 0;
            continue;
        }
        return 0;
    }
}

static bool send_raw(net_t *net, const uint8_t *data, size_t len)
{
    while (len > 0 && net->fd >= 0) {
        ssize_t n = send(net->fd, data, len, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n > 0) {
            data += n;
            len -= (size_t)n;
            continue;
        }
        if (n < 0 && errno == EINTR) continue;
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
            net->send_stalls++;
            if (!wait_for(net, POLLOUT)) return false;
            continue;
        }
        return false;
    }
    return len == 0;
}

/* Everything the TLS engine wants to send goes out as it is. */
static bool tls_drain(net_t *net)
{
    BIO *wbio = SSL_get_wbio(net->ssl);
    char *data;
    long len = BIO_get_mem_data(wbio, &data);
    bool sent = len <= 0 || send_raw(net, (const uint8_t *)data, (size_t)len);
    (void)BIO_reset(wbio);
    return sent;
}

bool net_send(net_t *net, const uint8_t *data, size_t len)
{
    uint64_t begin = now_ns();
    bool sent;
    if (net->ssl == NULL) {
        sent = send_raw(net, data, len);
    } else {
        ERR_clear_error();
        sent = len <= INT32_MAX && SSL_write(net->ssl, data, (int)len) == (int)len && tls_drain(net);
    }
    net->send_nanos += now_ns() - begin;
    return sent;
}

/* Decrypted bytes into the input buffer. NET_NOTHING: a record is not complete yet. */
static net_result_t tls_read(net_t *net)
{
    make_room(net, NET_CHUNK);
    ERR_clear_error();
    int n = SSL_read(net->ssl, net->in + net->in_end, (int)(net->in_cap - net->in_end));
    if (n > 0) {
        net->in_end += (size_t)n;
        return NET_OK;
    }
    int why = SSL_get_error(net->ssl, n);
    return why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE ? NET_NOTHING : NET_GONE;
}

/* More bytes into the input buffer. */
static net_result_t receive(net_t *net, bool block)
{
    if (net->ssl == NULL) {
        make_room(net, NET_CHUNK);
        ssize_t n = recv_some(net, net->in + net->in_end, net->in_cap - net->in_end, block);
        if (n <= 0) return n < 0 ? NET_NOTHING : NET_GONE;
        net->in_end += (size_t)n;
        return NET_OK;
    }
    for (;;) {
        net_result_t got = tls_read(net);
        if (got != NET_NOTHING) return got;
        if (!tls_drain(net)) /* answers to renegotiation or key updates */
            return NET_GONE;
        uint8_t raw[NET_CHUNK];
        ssize_t n = recv_some(net, raw, sizeof(raw), block);
        if (n <= 0) return n < 0 ? NET_NOTHING : NET_GONE;
        if (BIO_write(SSL_get_rbio(net->ssl), raw, (int)n) != (int)n) return NET_GONE;
    }
}

/* A complete packet at in_pos? */
static net_result_t parse_packet(net_t *net, packet_t *ret_packet)
{
    size_t have = net->in_end - net->in_pos;
    if (have < TDS_HEADER) return NET_NOTHING;
    const uint8_t *h = net->in + net->in_pos;
    size_t len = get_be16(h + 2);
    if (len < TDS_HEADER) return NET_GONE;
    if (have < len) return NET_NOTHING;
    *ret_packet = (packet_t){.type = h[0], .status = h[1], .data = h + TDS_HEADER, .len = len - TDS_HEADER};
    net->in_pos += len;
    return NET_OK;
}

bool net_read_packet(net_t *net, packet_t *ret_packet)
{
    for (;;) {
        net_result_t result = parse_packet(net, ret_packet);
        if (result == NET_NOTHING) result = receive(net, true) == NET_OK ? NET_NOTHING : NET_GONE;
        if (result != NET_NOTHING) return result == NET_OK;
    }
}

int net_next_type(net_t *net)
{
    if (net->in_pos == net->in_end && receive(net, true) != NET_OK) return -1;
    return net->in[net->in_pos];
}

/* Has the peer sent FIN or RST? The kernel knows also when bytes before it are still unread. */
static bool hung_up(const net_t *net)
{
    struct pollfd pfd = {.fd = net->fd, .events = POLLRDHUP};
    return net->fd < 0 || (poll(&pfd, 1, 0) > 0 && (pfd.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0);
}

net_result_t net_peek_attention(net_t *net)
{
    if (net->in_pos == net->in_end) {
        net_result_t got = receive(net, false);
        if (got != NET_OK) return got;
    }
    /* A client without MARS sends nothing but an attention while it waits, so the first byte decides. A request that was
     * sent ahead all the same stays unread, and would hide for ever that its sender has left. */
    if (net->in[net->in_pos] == TDS_PKT_ATTENTION) return NET_OK;
    return hung_up(net) ? NET_GONE : NET_NOTHING;
}

void net_trim(net_t *net)
{
    if (net->in_pos == net->in_end && net->in_cap > 2 * NET_CHUNK) {
        free(net->in);
        net->in = NULL;
        net->in_pos = net->in_end = net->in_cap = 0;
    }
}

static bool plain_send(void *arg, const uint8_t *data, size_t len)
{
    return send_raw(arg, data, len);
}

/* One flight of the handshake as exactly one message: clients read one message for each flight they send. */
static bool send_flight(net_t *net, uint32_t packet_size)
{
    BIO *wbio = SSL_get_wbio(net->ssl);
    char *data;
    long len = BIO_get_mem_data(wbio, &data);
    if (len <= 0) return true;
    bool sent;
    if (net->handshake_raw) {
        sent = send_raw(net, (const uint8_t *)data, (size_t)len);
    } else {
        out_t out;
        out_init(&out, packet_size, plain_send, net);
        out_begin(&out, TDS_PKT_PRELOGIN);
        out_bytes(&out, data, (size_t)len);
        sent = out_end(&out);
        out_done(&out);
    }
    (void)BIO_reset(wbio);
    return sent;
}

/* The bytes of the peer's next flight go to the TLS engine. Some clients send their last flight outside of packets. */
static bool read_flight(net_t *net)
{
    BIO *rbio = SSL_get_rbio(net->ssl);
    if (net->in_pos == net->in_end) {
        make_room(net, NET_CHUNK);
        ssize_t n = recv_some(net, net->in + net->in_end, net->in_cap - net->in_end, true);
        if (n <= 0) return false;
        net->in_end += (size_t)n;
    }
    if (net->handshake_raw || net->in[net->in_pos] != TDS_PKT_PRELOGIN) {
        net->handshake_raw = true;
        int have = (int)(net->in_end - net->in_pos);
        bool ok = BIO_write(rbio, net->in + net->in_pos, have) == have;
        net->in_pos = net->in_end = 0;
        return ok;
    }
    for (;;) {
        packet_t packet;
        net_result_t result = parse_packet(net, &packet);
        if (result == NET_OK)
            return packet.type == TDS_PKT_PRELOGIN &&
                   (packet.len == 0 || BIO_write(rbio, packet.data, (int)packet.len) == (int)packet.len);
        make_room(net, NET_CHUNK);
        ssize_t n = result == NET_GONE ? 0 : recv_some(net, net->in + net->in_end, net->in_cap - net->in_end, true);
        if (n <= 0) return false;
        net->in_end += (size_t)n;
    }
}

bool net_tls_accept(net_t *net, SSL_CTX *ctx, uint32_t packet_size)
{
    SSL *ssl = SSL_new(ctx);
    BIO *rbio = BIO_new(BIO_s_mem()), *wbio = BIO_new(BIO_s_mem());
    if (ssl == NULL || rbio == NULL || wbio == NULL) {
        SSL_free(ssl);
        BIO_free(rbio);
        BIO_free(wbio);
        return false;
    }
    BIO_set_mem_eof_return(rbio, -1);
    BIO_set_mem_eof_return(wbio, -1);
    SSL_set_bio(ssl, rbio, wbio);
    SSL_set_accept_state(ssl);
    net->ssl = ssl;
    net->handshake_raw = false;
    for (;;) {
        if (!read_flight(net) || BIO_pending(rbio) > NET_FLIGHT_MAX) return false;
        ERR_clear_error();
        int n = SSL_do_handshake(ssl);
        int why = n == 1 ? SSL_ERROR_NONE : SSL_get_error(ssl, n);
        if (!send_flight(net, packet_size)) /* also the alert that explains a refusal */
            return false;
        if (why == SSL_ERROR_NONE) break;
        if (why != SSL_ERROR_WANT_READ) return false;
    }
    /* Bytes behind the last flight are TLS records already. */
    int have = (int)(net->in_end - net->in_pos);
    bool ok = have == 0 || BIO_write(rbio, net->in + net->in_pos, have) == have;
    net->in_pos = net->in_end = 0;
    return ok;
}

void net_tls_drop(net_t *net)
{
    /* Plain bytes that came in one segment with the last TLS record are still in the BIO. */
    char *data;
    long len = BIO_get_mem_data(SSL_get_rbio(net->ssl), &data);
    if (len > 0) {
        make_room(net, (size_t)len);
        memcpy(net->in + net->in_end, data, (size_t)len);
        net->in_end += (size_t)len;
    }
    SSL_free(net->ssl);
    net->ssl = NULL;
}
