/* Reply tokens against the documented bytes. */
#include "test/unit/sqlserver-sim/wire_capture.h"
#include "wire/token.h"

static capture_t cap;

static void test_select_1(void **state)
{
    (void)state;
    static const sim_column_t column = {
        .name = "", .type = {.base = SIM_T_INT, .not_null = true}, .flags = SIM_COL_EXPRESSION};
    static const sim_value_t one = {.u.i = 1};
    static const wire_limits_t limits = {.textsize = SIZE_MAX};
    wire_col_t col;
    wire_col_init(&col, &column.type, TDS_V74);
    capture_begin(&cap, 4096);
    cap.out.spid = 51;
    token_colmetadata(&cap.out, TDS_V74, &column, &col, 1);
    out_u8(&cap.out, TDS_TOK_ROW);
    wire_col_put(&col, &cap.out, &one, &limits);
    token_done(&cap.out, TDS_V74, TDS_TOK_DONE, TDS_DONE_COUNT, 0xC1, 1);
    capture_end(&cap);
    expect_body(&cap, "81 01 00 00 00 00 00 00 00 38 00 | D1 01 00 00 00 | FD 10 00 C1 00 01 00 00 00 00 00 00 00");
    assert_memory_equal(cap.bytes, "\x04\x01\x00\x25\x00\x33\x01\x00", 8);
}

static void test_column_flags(void **state)
{
    (void)state;
    static const sim_column_t columns[] = {
        {.name = "name", .type = {.base = SIM_T_NVARCHAR, .len = 200}},
        {.name = "id", .type = {.base = SIM_T_INT, .not_null = true}, .flags = SIM_COL_IDENTITY},
        {.name = "n", .type = {.base = SIM_T_TEXT}, .flags = SIM_COL_EXPRESSION},
        {.name = "v", .type = {.base = SIM_T_TIMESTAMP, .not_null = true}},
    };
    wire_col_t cols[4];
    for (size_t i = 0; i < 4; i++) wire_col_init(&cols[i], &columns[i].type, TDS_V74);
    capture_begin(&cap, 4096);
    token_colmetadata(&cap.out, TDS_V74, columns, cols, 4);
    capture_end(&cap);
    expect_body(&cap,
                "81 04 00 | 00 00 00 00 09 00 E7 C8 00 09 04 D0 00 34 04 'name' | 00 00 00 00 10 00 38 02 'id' |"
                "00 00 00 00 01 00 23 FF FF FF 7F 09 04 D0 00 34 01 00 00 01 'n' | 50 00 00 00 08 00 AD 08 00 01 'v'");
}

static void test_error(void **state)
{
    (void)state;
    static const sim_message_t message = {
        .number = 208, .state = 1, .class = 16, .text = "Invalid object name 'x'.", .proc = "", .line = 1};
    capture_begin(&cap, 4096);
    token_message(&cap.out, TDS_V74, &message, "SIM");
    capture_end(&cap);
    assert_int_equal(cap.body_len, 3 + 0x44);
    assert_memory_equal(cap.body, "\xAA\x44\x00\xD0\x00\x00\x00\x01\x10\x18\x00I\0n\0", 15);
    assert_memory_equal(cap.body + cap.body_len - 12, "\x03S\0I\0M\0\x00\x01\0\0\0", 12);
}

static void test_info_by_class(void **state)
{
    (void)state;
    static const sim_message_t message = {.number = 0, .class = 10, .text = "x", .proc = "p", .line = 3};
    capture_begin(&cap, 4096);
    token_message(&cap.out, TDS_V71, &message, "S");
    capture_end(&cap);
    expect_body(&cap, "AB 12 00 00 00 00 00 00 0A 01 00 'x' 01 'S' 01 'p' 03 00");
}

static void test_long_message_keeps_its_length(void **state)
{
    (void)state;
    static char text[9000], name[700];
    memset(text, 't', sizeof(text) - 1);
    memset(name, 'n', sizeof(name) - 1);
    sim_message_t message = {.number = 1, .class = 16, .text = text, .proc = name, .line = 1};
    capture_begin(&cap, 512);
    token_message(&cap.out, TDS_V74, &message, name);
    capture_end(&cap);
    assert_int_equal(get_le16(cap.body + 1), cap.body_len - 3);
}

static void test_envchange_and_loginack(void **state)
{
    (void)state;
    capture_begin(&cap, 4096);
    token_env_text(&cap.out, TDS_ENV_DATABASE, "testDB", "master");
    token_env_bytes(&cap.out, TDS_ENV_COLLATION, tds_collation_cp1, 5, "", 0);
    token_env_text(&cap.out, TDS_ENV_PACKET_SIZE, "4096", "4096");
    token_env_bytes(&cap.out, TDS_ENV_RESET, "", 0, "", 0);
    token_loginack(&cap.out, TDS_V74, 15);
    token_featureextack_utf8(&cap.out);
    capture_end(&cap);
    expect_body(&cap, "E3 1B 00 01 06 'testDB' 06 'master' | E3 08 00 07 05 09 04 D0 00 34 00 |"
                      "E3 13 00 04 04 '4096' 04 '4096' | E3 03 00 12 00 00 |"
                      "AD 32 00 01 74 00 00 04 14 'Microsoft SQL Server' 0F 00 10 00 | AE 0A 01 00 00 00 01 FF");
}

static void test_returnvalue_order_status(void **state)
{
    (void)state;
    static const sim_typeinfo_t type = {.base = SIM_T_INT, .not_null = true};
    static const sim_value_t one = {.u.i = 1};
    static const uint16_t ordinals[] = {1, 2};
    capture_begin(&cap, 4096);
    token_returnvalue(&cap.out, TDS_V74, 0, "", &type, &one);
    token_order(&cap.out, ordinals, 2);
    token_returnstatus(&cap.out, -6);
    token_done(&cap.out, TDS_V71, TDS_TOK_DONEPROC, TDS_DONE_MORE, 0xE0, 7);
    capture_end(&cap);
    expect_body(&cap, "AC 00 00 00 01 00 00 00 00 00 00 26 04 04 01 00 00 00 | A9 04 00 01 00 02 00 | 79 FA FF FF FF |"
                      "FE 01 00 E0 00 07 00 00 00");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_select_1),
        cmocka_unit_test(test_column_flags),
        cmocka_unit_test(test_error),
        cmocka_unit_test(test_info_by_class),
        cmocka_unit_test(test_long_message_keeps_its_length),
        cmocka_unit_test(test_envchange_and_loginack),
        cmocka_unit_test(test_returnvalue_order_status),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
