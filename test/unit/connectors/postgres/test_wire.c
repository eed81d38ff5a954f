#include "connectors/postgres/wire.h"
#include "test/unit/support/cmocka_all.h"

static void expect_bytes(wire_buf_t *b, const char *hex)
{
    char got[512] = "";
    for (size_t i = 0; i < b->len && i < 250; i++) (void)snprintf(got + 2 * i, 3, "%02x", b->data[i]);
    assert_string_equal(got, hex);
    b->len = 0;
}

static void test_numeric_small(void **state)
{
    (void)state;
    wire_buf_t b = {0};
    static const struct {
        uint8_t bytes[8];
        uint32_t len;
        int32_t scale;
        const char *want;
    } cases[] = {
        {{0x04, 0xD2},
         2,
         2,
         "0000000c"
         "0002"
         "0000"
         "0000"
         "0002"
         "000c"
         "0d48"}, /* 12.34, half a group wasted */
        {{0x04, 0xD2},
         2,
         0,
         "0000000a"
         "0001"
         "0000"
         "0000"
         "0000"
         "04d2"}, /* 1234 */
        {{0xFF},
         1,
         0,
         "0000000a"
         "0001"
         "0000"
         "4000"
         "0000"
         "0001"}, /* -1 */
        {{0x00},
         1,
         2,
         "00000008"
         "0000"
         "0000"
         "0000"
         "0002"}, /* 0.00 keeps its scale */
        {{0},
         0,
         0,
         "00000008"
         "0000"
         "0000"
         "0000"
         "0000"},
        {{0x01},
         1,
         8,
         "0000000a"
         "0001"
         "fffe"
         "0000"
         "0008"
         "0001"}, /* 0.00000001 */
        {{0x00, 0x98, 0x96, 0x80},
         4,
         0,
         "0000000a"
         "0001"
         "0001"
         "0000"
         "0000"
         "03e8"}, /* 10^7: zeros are not sent */
        {{0x80, 0, 0, 0, 0, 0, 0, 0},
         8,
         0,
         "00000012"
         "0005"
         "0004"
         "4000"
         "0000"
         "039a"
         "0d2c"
         "0170"
         "1565"
         "16b0"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_true(wire_field_numeric(&b, cases[i].bytes, cases[i].len, cases[i].scale));
        expect_bytes(&b, cases[i].want);
    }
    wire_buf_done(&b);
}

static void test_numeric_large(void **state)
{
    (void)state;
    wire_buf_t b = {0};
    /* 2^64 = 1844 6744 0737 0955 1616, once in nine and once in twelve bytes */
    const uint8_t wide[12] = {0, 0, 0, 1}, nine[9] = {1};
    const char *want = "00000012"
                       "0005"
                       "0004"
                       "0000"
                       "0000"
                       "0734"
                       "1a58"
                       "02e1"
                       "03bb"
                       "0650";
    assert_true(wire_field_numeric(&b, wide, 12, 0));
    expect_bytes(&b, want);
    assert_true(wire_field_numeric(&b, nine, 9, 0));
    expect_bytes(&b, want);
    const uint8_t minus[9] = {0xFF}; /* -2^64 */
    assert_true(wire_field_numeric(&b, minus, 9, 0));
    expect_bytes(&b, "00000012"
                     "0005"
                     "0004"
                     "4000"
                     "0000"
                     "0734"
                     "1a58"
                     "02e1"
                     "03bb"
                     "0650");
    const uint8_t one = 1;
    assert_true(wire_field_numeric(&b, &one, 1, -5)); /* 100000 */
    expect_bytes(&b, "0000000a"
                     "0001"
                     "0001"
                     "0000"
                     "0000"
                     "000a");
    assert_false(wire_field_numeric(&b, &one, 1, 20000));
    assert_false(wire_field_numeric(&b, &one, 1, -200000));
    assert_int_equal(b.len, 0);
    wire_buf_done(&b);
}

static void test_uuid(void **state)
{
    (void)state;
    wire_buf_t b = {0};
    static const char *const good[] = {"6F9619FF-8B86-D011-B42D-00C04FC964FF", "{6f9619ff-8b86-d011-b42d-00c04fc964ff}",
                                       "6f9619ff8b86d011b42d00c04fc964ff", "6f96-19ff-8b86-d011-b42d-00c0-4fc9-64ff"};
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        assert_true(wire_field_uuid(&b, good[i], (uint32_t)strlen(good[i])));
        expect_bytes(&b, "00000010"
                         "6f9619ff8b86d011b42d00c04fc964ff");
    }
    static const char *const bad[] = {"",
                                      "{",
                                      "{}",
                                      "6f9619ff8b86d011b42d00c04fc964f",
                                      "6f9619ff8b86d011b42d00c04fc964ff0",
                                      "6f9619ff8b86d011b42d00c04fc964fg",
                                      "{6f9619ff8b86d011b42d00c04fc964ff",
                                      "6f9619ff8b86d011b42d00c04fc964ff-"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_false(wire_field_uuid(&b, bad[i], (uint32_t)strlen(bad[i])));
        assert_int_equal(b.len, 0);
    }
    wire_buf_done(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_numeric_small), cmocka_unit_test(test_numeric_large),
                                       cmocka_unit_test(test_uuid)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
