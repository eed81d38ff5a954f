/* wire/out.h: writes a TDS message as packets, straight into the send buffer.
 * A byte stream goes in; whole packets of the negotiated size come out, only the last one shorter and marked EOM.
 *
 *     buf ..... sealed packets ..... |head pkt|payload ... p ... end| ... cap
 *
 * The open packet is sealed only when one more byte has to be written behind it, so a message that ends exactly at a
 * packet's edge still gets its EOM bit.
 * Threads    one owner.     Ownership  owns its buffer.
 * Errors     sticky: after a failed send everything is swallowed and out_ok() is false.
 */
#ifndef SIM_WIRE_OUT_H
#define SIM_WIRE_OUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/** @return false when the peer is gone */
typedef bool out_send_fn(void *arg, const uint8_t *data, size_t len);

typedef struct out {
    uint8_t *buf;
    size_t cap;
    uint8_t *pkt;     /* header of the open packet */
    uint8_t *p, *end; /* write position, end of the open packet */
    uint32_t packet_size;
    uint16_t spid;
    uint8_t type, packet_id;
    bool failed;
    out_send_fn *send;
    void *arg;
    uint64_t bytes_sent;
    uint8_t scratch[64];
} out_t;

enum { OUT_RESERVE_MAX = 64 };

void out_init(out_t *out, uint32_t packet_size, out_send_fn *send, void *arg);
void out_done(out_t *out);
/** Only between messages. */
void out_set_packet_size(out_t *out, uint32_t packet_size);
/** Starts a message of this packet type; the previous one must have ended. */
void out_begin(out_t *out, uint8_t type);
/** Seals the last packet with EOM and sends everything. */
bool out_end(out_t *out);
/** Sends what is sealed and keeps the open packet. */
bool out_flush(out_t *out);
/** Sends also the open packet as it is, without EOM; only faults that cut or stall in mid-message want this. */
bool out_flush_open(out_t *out);
/** Bytes of sealed packets waiting. */
size_t out_sealed(const out_t *out);
void out_bytes_slow(out_t *out, const void *data, size_t len);
/** Seals the full open packet; afterwards there is room. */
void out_next_packet(out_t *out);

static inline bool out_ok(const out_t *out)
{
    return !out->failed;
}
/** Nothing of the current message has been written yet. */
static inline bool out_empty(const out_t *out)
{
    return out->packet_id == 0 && out->p == out->pkt + 8;
}
static inline void out_bytes(out_t *out, const void *data, size_t len)
{
    if ((size_t)(out->end - out->p) >= len) {
        memcpy(out->p, data, len);
        out->p += len;
    } else {
        out_bytes_slow(out, data, len);
    }
}
/** Room for n <= OUT_RESERVE_MAX bytes; fill all of them, then out_commit() the same n. */
static inline uint8_t *out_reserve(out_t *out, size_t n)
{
    return (size_t)(out->end - out->p) >= n ? out->p : out->scratch;
}
static inline void out_commit(out_t *out, const uint8_t *at, size_t n)
{
    if (at == out->p)
        out->p += n;
    else
        out_bytes_slow(out, at, n);
}
static inline void out_u8(out_t *out, uint8_t v)
{
    if (out->p == out->end) out_next_packet(out);
    *out->p++ = v;
}
static inline void out_le(out_t *out, uint64_t v, unsigned n)
{
    uint8_t *at = out_reserve(out, n);
    for (unsigned i = 0; i < n; i++) at[i] = (uint8_t)(v >> (8 * i));
    out_commit(out, at, n);
}
static inline void out_u16(out_t *out, uint16_t v)
{
    out_le(out, v, 2);
}
static inline void out_u32(out_t *out, uint32_t v)
{
    out_le(out, v, 4);
}
static inline void out_u64(out_t *out, uint64_t v)
{
    out_le(out, v, 8);
}

/** UTF-16LE without a length; exactly utf16_size(src, len) bytes. */
void out_utf16(out_t *out, const char *src, size_t len);
/** As out_utf16, but no more than max bytes. */
void out_utf16_max(out_t *out, const char *src, size_t len, size_t max);
void out_cp1252(out_t *out, const char *src, size_t len);
/** B_VARCHAR and US_VARCHAR: cut at 255 and `max_chars` units, never inside a character. */
void out_b_varchar(out_t *out, const char *src, size_t len);
void out_us_varchar(out_t *out, const char *src, size_t len, size_t max_chars);

#endif
