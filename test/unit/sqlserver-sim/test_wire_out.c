/* Packets of the writer: sizes, EOM, splits at every place, text conversion over packet edges. */
#include "test/unit/sqlserver-sim/wire_capture.h"
#include "wire/utf.h"

static capture_t cap;

static void test_exact_fill_is_one_packet(void **state)
{
    (void)state;
    uint8_t data[512 - TDS_HEADER];
    memset(data, 7, sizeof(data));
    capture_begin(&cap, 512);
    out_bytes(&cap.out, data, sizeof(data));
    capture_end(&cap);
    assert_int_equal(cap.packets, 1);
    assert_int_equal(cap.len, 512);
}

static void test_one_byte_more_is_two_packets(void **state)
{
    (void)state;
    uint8_t data[512 - TDS_HEADER + 1];
    memset(data, 7, sizeof(data));
    capture_begin(&cap, 512);
    out_bytes(&cap.out, data, sizeof(data));
    capture_end(&cap);
    assert_int_equal(cap.packets, 2);
    assert_int_equal(cap.len, 512 + TDS_HEADER + 1);
}

static void test_empty_message_has_eom(void **state)
{
    (void)state;
    capture_begin(&cap, 4096);
    capture_end(&cap);
    assert_int_equal(cap.len, TDS_HEADER);
}

static void test_megabyte_in_packets_of_32767(void **state)
{
    (void)state;
    capture_begin(&cap, 32767);
    for (uint32_t i = 0; i < 250000; i++) out_u32(&cap.out, i);
    capture_end(&cap);
    assert_int_equal(cap.body_len, 1000000);
    for (uint32_t i = 0; i < 250000; i++) assert_int_equal(get_le32(cap.body + 4 * (size_t)i), i);
}

/* Text of all widths, written at each offset before a packet's edge, comes out as if there were no edge. */
static void test_utf16_across_each_edge(void **state)
{
    (void)state;
    static const char text[] = "a\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80z";
    static const uint8_t utf16[] = {'a', 0, 0xE4, 0, 0xAC, 0x20, 0x3D, 0xD8, 0x00, 0xDE, 'z', 0};
    for (size_t pad = 512 - TDS_HEADER - 16; pad <= 512 - TDS_HEADER; pad++) {
        capture_begin(&cap, 512);
        for (size_t i = 0; i < pad; i++) out_u8(&cap.out, 0);
        out_utf16(&cap.out, text, sizeof(text) - 1);
        capture_end(&cap);
        assert_int_equal(cap.body_len, pad + sizeof(utf16));
        assert_memory_equal(cap.body + pad, utf16, sizeof(utf16));
    }
}

static void test_one_byte_payload_packets(void **state)
{
    (void)state;
    capture_begin(&cap, TDS_HEADER + 1);
    out_u32(&cap.out, 0x04030201);
    out_utf16(&cap.out, "xy", 2);
    capture_end(&cap);
    assert_int_equal(cap.packets, 8);
    expect_body(&cap, "01 02 03 04 'xy'");
}

static void test_b_varchar_is_cut_at_255(void **state)
{
    (void)state;
    char text[600];
    memset(text, 'n', sizeof(text));
    capture_begin(&cap, 4096);
    out_b_varchar(&cap.out, text, sizeof(text));
    capture_end(&cap);
    assert_int_equal(cap.body[0], 255);
    assert_int_equal(cap.body_len, 1 + 510);
}

static bool send_fails(void *arg, const uint8_t *data, size_t len)
{
    (void)data;
    (void)len;
    ++*(int *)arg;
    return false;
}

static void test_failed_send_is_sticky(void **state)
{
    (void)state;
    int calls = 0;
    out_t out;
    out_init(&out, 512, send_fails, &calls);
    out_begin(&out, TDS_PKT_REPLY);
    for (int i = 0; i < 200000; i++) out_u32(&out, 1);
    assert_false(out_ok(&out));
    assert_false(out_end(&out));
    assert_int_equal(calls, 1);
    out_done(&out);
}

static void test_bad_utf8_becomes_replacement(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "\x80", "\xC0", "\xC3", "\xE2\x82", "\xED\xA0\x80", "\xF5\x80\x80\x80", "\xF0\x8F\xBF\xBF"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        const char *src = bad[i];
        uint8_t buf[64];
        size_t len = strlen(src), size = utf16_size(src, len);
        size_t n = utf16_from_utf8(buf, sizeof(buf), &src, &len);
        assert_int_equal(n, size);
        assert_int_equal(get_le16(buf), 0xFFFD);
        assert_int_equal(len, 0);
    }
}

static void test_utf16_round_trip(void **state)
{
    (void)state;
    static const char text[] =
        "plain ascii that is longer than sixteen bytes, \xC3\xBC\xE4\xBD\xA0\xF0\x9F\x9A\x80 end";
    const char *src = text;
    uint8_t wide[256];
    char back[256 * 3];
    size_t len = sizeof(text) - 1, n = utf16_from_utf8(wide, sizeof(wide), &src, &len);
    assert_int_equal(n, utf16_size(text, sizeof(text) - 1));
    size_t m = utf8_from_utf16(back, wide, n);
    assert_int_equal(m, sizeof(text) - 1);
    assert_memory_equal(back, text, m);
    static const uint8_t lone[] = {0x3D, 0xD8, 'x', 0};
    assert_int_equal(utf8_from_utf16(back, lone, sizeof(lone)), 4);
    assert_memory_equal(back, "\xEF\xBF\xBDx", 4);
}

static void test_cp1252_round_trip(void **state)
{
    (void)state;
    static const char text[] = "\xE2\x82\xAC\xC3\x9F\xC5\xB8~";
    const char *src = text;
    uint8_t narrow[64];
    char back[200];
    size_t len = sizeof(text) - 1, n = cp1252_from_utf8(narrow, sizeof(narrow), &src, &len);
    assert_int_equal(n, 4);
    assert_int_equal(cp1252_size(text, sizeof(text) - 1), 4);
    assert_memory_equal(narrow, "\x80\xDF\x9F~", 4);
    assert_int_equal(utf8_from_cp1252(back, narrow, n), sizeof(text) - 1);
    assert_memory_equal(back, text, sizeof(text) - 1);
    src = "\xE4\xBD\xA0";
    len = 3;
    assert_int_equal(cp1252_from_utf8(narrow, sizeof(narrow), &src, &len), 1);
    assert_int_equal(narrow[0], '?');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exact_fill_is_one_packet),
        cmocka_unit_test(test_one_byte_more_is_two_packets),
        cmocka_unit_test(test_empty_message_has_eom),
        cmocka_unit_test(test_megabyte_in_packets_of_32767),
        cmocka_unit_test(test_utf16_across_each_edge),
        cmocka_unit_test(test_one_byte_payload_packets),
        cmocka_unit_test(test_b_varchar_is_cut_at_255),
        cmocka_unit_test(test_failed_send_is_sticky),
        cmocka_unit_test(test_bad_utf8_becomes_replacement),
        cmocka_unit_test(test_utf16_round_trip),
        cmocka_unit_test(test_cp1252_round_trip),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
