/* LSN text, order and arithmetic. */
#include "test/unit/support/cmocka_all.h"

#include "connectors/sqlserver/lsn.h"

static lsn_t lsn(const char *text)
{
    lsn_t l = lsn_parse(text, strlen(text));
    assert_true(l.set);
    return l;
}

static void assert_text(const lsn_t *l, const char *expected)
{
    char text[LSN_TEXT + 1];
    assert_int_equal(lsn_format(l, text), strlen(expected));
    assert_string_equal(text, expected);
}

static void test_text_is_three_groups_of_lower_case_hex(void **state)
{
    (void)state;
    static const uint8_t bytes[] = {0, 0, 0, 0x27, 0, 0, 0x07, 0x58, 0, 5};
    lsn_t l = lsn_from_bytes(bytes, sizeof(bytes));
    assert_text(&l, "00000027:00000758:0005");
    lsn_t upper = lsn("00000025:00000D98:00A2"), plain = lsn("0000002500000d9800a2");
    assert_text(&upper, "00000025:00000d98:00a2");
    assert_true(lsn_equal(&upper, &plain));
    char literal[2 * LSN_BYTES + 3];
    lsn_literal(&upper, literal);
    assert_string_equal(literal, "0x0000002500000d9800a2");
}

static void test_other_text_is_null(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "", "NULL", "00000027:00000758:000", "00000027:00000758:00055", "x", "00000027-00000758-0005"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) assert_false(lsn_parse(bad[i], strlen(bad[i])).set);
    assert_false(lsn_from_bytes("123456789", 9).set);
    assert_false(lsn_from_bytes(NULL, 10).set);
    lsn_t null = {.set = false};
    assert_text(&null, "NULL");
}

static void test_order_is_unsigned_and_null_is_smallest(void **state)
{
    (void)state;
    lsn_t null = {.set = false}, a = lsn("0000007f:00000000:0000"), b = lsn("00000080:00000000:0000");
    assert_true(lsn_cmp(&a, &b) < 0);
    assert_true(lsn_cmp(&null, &a) < 0);
    assert_true(lsn_equal(&null, &null));
    position_t p = {a, b}, q = {b, null}, r = {a, null};
    assert_true(position_cmp(&p, &q) < 0);
    assert_true(position_cmp(&r, &p) < 0);
    assert_int_equal(position_cmp(&p, &p), 0);
}

static void test_next_carries_and_stops_at_the_end(void **state)
{
    (void)state;
    lsn_t l = lsn_next(lsn("00000025:00000d98:ffff"));
    assert_text(&l, "00000025:00000d99:0000");
    l = lsn_next(lsn("ffffffff:ffffffff:ffff"));
    assert_text(&l, "ffffffff:ffffffff:ffff");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text_is_three_groups_of_lower_case_hex),
        cmocka_unit_test(test_other_text_is_null),
        cmocka_unit_test(test_order_is_unsigned_and_null_is_smallest),
        cmocka_unit_test(test_next_carries_and_stops_at_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
