/* wire_capture.h: a TDS writer whose packets are caught in memory, and hex helpers for the expected bytes. */
#ifndef TEST_WIRE_CAPTURE_H
#define TEST_WIRE_CAPTURE_H

#include "wire/out.h"
#include "wire/tds.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { CAPTURE_MAX = 1 << 20 };

typedef struct capture {
    uint8_t bytes[CAPTURE_MAX]; /* whole packets as sent */
    size_t len;
    uint8_t body[CAPTURE_MAX]; /* their payloads, filled by capture_end */
    size_t body_len, packets;
    out_t out;
} capture_t;

static bool capture_send(void *arg, const uint8_t *data, size_t len)
{
    capture_t *c = arg;
    assert_true(len <= CAPTURE_MAX - c->len);
    memcpy(c->bytes + c->len, data, len);
    c->len += len;
    return true;
}

static inline void capture_begin(capture_t *c, uint32_t packet_size)
{
    memset(c, 0, sizeof(*c));
    out_init(&c->out, packet_size, capture_send, c);
    out_begin(&c->out, TDS_PKT_REPLY);
}

/* Ends the message and checks the packets' shape: all but the last are full, only the last has EOM. */
static inline void capture_end(capture_t *c)
{
    assert_true(out_end(&c->out));
    for (size_t at = 0; at < c->len;) {
        const uint8_t *h = c->bytes + at;
        size_t len = get_be16(h + 2);
        bool last = at + len == c->len;
        assert_int_equal(h[0], TDS_PKT_REPLY);
        assert_int_equal(h[1], last ? TDS_ST_EOM : 0);
        assert_true(last ? len <= c->out.packet_size : len == c->out.packet_size);
        assert_int_equal(h[6], (uint8_t)++c->packets);
        memcpy(c->body + c->body_len, h + TDS_HEADER, len - TDS_HEADER);
        c->body_len += len - TDS_HEADER;
        at += len;
    }
    out_done(&c->out);
}

/* "FF 00 'text'": hex bytes, and 'x' is UTF-16LE text. @return length */
static inline size_t from_hex(const char *hex, uint8_t *ret_bytes)
{
    size_t n = 0;
    for (const char *p = hex; *p != '\0';) {
        unsigned byte;
        if (*p == ' ' || *p == '|') {
            p++;
        } else if (*p == '\'') {
            for (p++; *p != '\''; p++) {
                ret_bytes[n++] = (uint8_t)*p;
                ret_bytes[n++] = 0;
            }
            p++;
        } else {
            assert_int_equal(sscanf(p, "%2x", &byte), 1);
            ret_bytes[n++] = (uint8_t)byte;
            p += 2;
        }
    }
    return n;
}

static inline void expect_body(const capture_t *c, const char *hex)
{
    uint8_t expected[4096];
    size_t n = from_hex(hex, expected);
    if (n != c->body_len || memcmp(expected, c->body, n) != 0) {
        print_error("expected %s\n  actual", hex);
        for (size_t i = 0; i < c->body_len && i < 200; i++) print_error(" %02X", c->body[i]);
        print_error("\n");
    }
    assert_int_equal(c->body_len, n);
    assert_memory_equal(c->body, expected, n);
}

#endif
