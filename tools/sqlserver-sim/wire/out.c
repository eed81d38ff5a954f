/* wire/out.c: see out.h */
#include "wire/out.h"

#include <stdlib.h>

#include "wire/pool.h"
#include "wire/tds.h"
#include "wire/utf.h"

/* A send per 64 KiB keeps system calls rare while the first rows of a result still leave early. */
enum { OUT_BUFFER = 64 << 10 };

static void open_packet(out_t *out, uint8_t *at)
{
    out->pkt = at;
    out->p = at + TDS_HEADER;
    out->end = at + out->packet_size;
}

static void header_write(out_t *out, uint8_t status)
{
    size_t len = (size_t)(out->p - out->pkt);
    uint8_t *h = out->pkt;
    h[0] = out->type;
    h[1] = status;
    h[2] = (uint8_t)(len >> 8);
    h[3] = (uint8_t)len;
    h[4] = (uint8_t)(out->spid >> 8);
    h[5] = (uint8_t)out->spid;
    h[6] = ++out->packet_id;
    h[7] = 0;
}

void out_init(out_t *out, uint32_t packet_size, out_send_fn *send, void *arg)
{
    memset(out, 0, sizeof(*out));
    out->send = send;
    out->arg = arg;
    out_set_packet_size(out, packet_size);
}

void out_done(out_t *out)
{
    free(out->buf);
    memset(out, 0, sizeof(*out));
}

void out_set_packet_size(out_t *out, uint32_t packet_size)
{
    size_t packets = OUT_BUFFER / packet_size;
    out->packet_size = packet_size;
    out->cap = (packets < 2 ? 2 : packets) * packet_size;
    free(out->buf);
    out->buf = NULL;
}

void out_begin(out_t *out, uint8_t type)
{
    if (out->buf == NULL) out->buf = wire_malloc(out->cap);
    out->type = type;
    out->packet_id = 0;
    open_packet(out, out->buf);
}

size_t out_sealed(const out_t *out)
{
    return (size_t)(out->pkt - out->buf);
}

static void send_bytes(out_t *out, size_t len)
{
    if (len == 0 || out->failed) return;
    if (out->send(out->arg, out->buf, len))
        out->bytes_sent += len;
    else
        out->failed = true;
}

bool out_flush(out_t *out)
{
    size_t sealed = out_sealed(out), open = (size_t)(out->p - out->pkt);
    if (sealed == 0) return out_ok(out);
    send_bytes(out, sealed);
    memmove(out->buf, out->pkt, open);
    open_packet(out, out->buf);
    out->p = out->buf + open;
    return out_ok(out);
}

bool out_flush_open(out_t *out)
{
    if (out->p > out->pkt + TDS_HEADER) {
        header_write(out, 0);
        send_bytes(out, (size_t)(out->p - out->buf));
        open_packet(out, out->buf);
    }
    return out_ok(out);
}

bool out_end(out_t *out)
{
    header_write(out, TDS_ST_EOM);
    send_bytes(out, (size_t)(out->p - out->buf));
    open_packet(out, out->buf);
    return out_ok(out);
}

void out_next_packet(out_t *out)
{
    header_write(out, 0);
    if (out->p + out->packet_size > out->buf + out->cap) {
        send_bytes(out, (size_t)(out->p - out->buf));
        open_packet(out, out->buf);
    } else {
        open_packet(out, out->p);
    }
}

void out_bytes_slow(out_t *out, const void *data, size_t len)
{
    const uint8_t *src = data;
    while (len > 0) {
        if (out->p == out->end) out_next_packet(out);
        size_t n = (size_t)(out->end - out->p);
        if (n > len) n = len;
        memcpy(out->p, src, n);
        out->p += n;
        src += n;
        len -= n;
    }
}

void out_utf16(out_t *out, const char *src, size_t len)
{
    out_utf16_max(out, src, len, SIZE_MAX);
}

void out_utf16_max(out_t *out, const char *src, size_t len, size_t max)
{
    while (len > 0 && max > 0) {
        size_t room = (size_t)(out->end - out->p);
        size_t n = utf16_from_utf8(out->p, room < max ? room : max, &src, &len);
        out->p += n;
        max -= n;
        if (len == 0 || max == 0) break;
        /* Less than one character fits: convert one chunk aside and let it be split over the edge. */
        n = utf16_from_utf8(out->scratch, max < OUT_RESERVE_MAX ? max : OUT_RESERVE_MAX, &src, &len);
        if (n == 0) { /* a surrogate pair that `max` cuts in two: its first half fills the last place */
            out_u16(out, 0xFFFD);
            break;
        }
        out_bytes(out, out->scratch, n);
        max -= n;
    }
}

void out_cp1252(out_t *out, const char *src, size_t len)
{
    while (len > 0) {
        if (out->p == out->end) out_next_packet(out);
        out->p += cp1252_from_utf8(out->p, (size_t)(out->end - out->p), &src, &len);
    }
}

/* Longest prefix that takes no more than max_chars UTF-16 units, and its size in bytes. */
static size_t clip(const char *src, size_t *len, size_t max_chars)
{
    size_t size = utf16_size(src, *len);
    while (size > max_chars * 2) {
        do (*len)--;
        while (*len > 0 && ((uint8_t)src[*len] & 0xC0) == 0x80);
        size = utf16_size(src, *len);
    }
    return size;
}

void out_b_varchar(out_t *out, const char *src, size_t len)
{
    if (len > 1024) len = 1024;
    size_t size = clip(src, &len, 255);
    out_u8(out, (uint8_t)(size / 2));
    out_utf16(out, src, len);
}

void out_us_varchar(out_t *out, const char *src, size_t len, size_t max_chars)
{
    if (len > max_chars * 4) len = max_chars * 4;
    size_t size = clip(src, &len, max_chars);
    out_u16(out, (uint16_t)(size / 2));
    out_utf16(out, src, len);
}
