/* wire/net.h: one client socket: bytes in and out, plain or through TLS, and TDS packets out of the incoming bytes.
 * TLS runs over memory BIOs, because its handshake travels inside PRELOGIN packets and its records later do not.
 * Threads    one owner.
 * Ownership  owns the socket and the SSL object.
 * Errors     false or NET_GONE = the peer is gone, misbehaves, or the deadline has passed; the connection must close.
 * Units      deadlines are monotonic milliseconds, 0 = none.
 */
#ifndef SIM_WIRE_NET_H
#define SIM_WIRE_NET_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct net {
    int fd;
    SSL *ssl;           /* NULL = plain */
    bool handshake_raw; /* the peer has begun to send TLS records outside of packets */
    uint8_t *in;        /* received and, with TLS, decrypted; in_pos..in_end is unread */
    size_t in_pos, in_end, in_cap;
    int64_t deadline_ms; /* applies to reads and writes */
    uint64_t send_stalls, send_nanos;
} net_t;

typedef struct packet {
    uint8_t type, status;
    const uint8_t *data; /* borrowed until the next read */
    size_t len;
} packet_t;

typedef enum net_result { NET_OK, NET_NOTHING, NET_GONE } net_result_t;

int64_t net_now_ms(void);

void net_init(net_t *net, int fd);
void net_done(net_t *net);

/** Reads one packet. @blocks until it is complete */
bool net_read_packet(net_t *net, packet_t *ret_packet);

/** Type of the next packet, which stays unread. @return -1 = gone. @blocks until its first byte is there */
int net_next_type(net_t *net);

/** Looks without blocking whether the peer has sent an ATTENTION (NET_OK, it stays unread) or has gone. */
net_result_t net_peek_attention(net_t *net);

/** @blocks until the kernel has taken everything */
bool net_send(net_t *net, const uint8_t *data, size_t len);

/** Server side of a TLS handshake inside PRELOGIN packets of at most packet_size bytes. From then on all is TLS. */
bool net_tls_accept(net_t *net, SSL_CTX *ctx, uint32_t packet_size);
/** Back to plain, without close_notify: login-only encryption ends after LOGIN7. */
void net_tls_drop(net_t *net);

/** Gives back what a large message has made the input buffer grow to. */
void net_trim(net_t *net);

/** Closes with RST instead of FIN. */
void net_reset(net_t *net);

#endif
