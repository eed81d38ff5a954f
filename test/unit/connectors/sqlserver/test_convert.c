/* Values: decimals, binary texts, times in every precision mode, and the SQL of change queries. */
#include "test/unit/support/cmocka_all.h"

#include "connectors/sqlserver/convert.h"
#include "connectors/sqlserver/cursor.h"
#include "test/unit/connectors/sqlserver/host.h"

static cd_arena_t arena;

static void assert_decimal(int64_t v, const char *hex)
{
    field_t f = {.form = FORM_DECIMAL, .type = CD_BYTES};
    unsigned __int128 m = v < 0 ? -(unsigned __int128)v : (unsigned __int128)v;
    cd_value_t cell = convert_decimal(&f, v < 0, m, &arena);
    char text[40] = "";
    for (uint32_t i = 0; i < cell.len; i++) (void)snprintf(text + 2 * i, 3, "%02X", cell.bytes[i]);
    assert_string_equal(text, hex);
}

static void test_decimals_are_the_shortest_twos_complement(void **state)
{
    (void)state;
    static const struct {
        int64_t v;
        const char *hex;
    } rows[] = {{0, "00"},
                {127, "7F"},
                {128, "0080"},
                {255, "00FF"},
                {-1, "FF"},
                {-128, "80"},
                {-129, "FF7F"},
                {-123456, "FE1DC0"},
                {53230, "00CFEE"},
                {123456, "01E240"},
                {INT64_MAX, "7FFFFFFFFFFFFFFF"},
                {INT64_MIN + 1, "8000000000000001"}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) assert_decimal(rows[i].v, rows[i].hex);
    field_t f = {.form = FORM_DECIMAL, .type = CD_BYTES};
    unsigned __int128 m = 1;
    for (int i = 0; i < 37; i++) m *= 10;
    static const uint8_t big[] = {0x07, 0x85, 0xEE, 0x10, 0xD5, 0xDA, 0x46, 0xD9, 0x00, 0xF4, 0x36, 0xA0, 0, 0, 0, 0};
    cd_value_t cell = convert_decimal(&f, false, m, &arena);
    assert_int_equal(cell.len, sizeof(big));
    assert_memory_equal(cell.bytes, big, sizeof(big));
    cell = convert_decimal(&f, true, m, &arena);
    assert_int_equal(cell.len, 16);
    assert_int_equal(cell.bytes[0], 0xF8);
}

static void test_decimals_as_text_and_double(void **state)
{
    (void)state;
    field_t text = {.form = FORM_DECIMAL_STRING, .scale = 4}, number = {.form = FORM_DECIMAL_DOUBLE, .scale = 4};
    static const struct {
        int64_t v;
        const char *expected;
    } rows[] = {{53230, "5.3230"}, {-5, "-0.0005"}, {0, "0.0000"}, {1111111, "111.1111"}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        bool minus = rows[i].v < 0;
        unsigned __int128 m = (unsigned __int128)(minus ? -rows[i].v : rows[i].v);
        cd_value_t t = convert_decimal(&text, minus, m, &arena), d = convert_decimal(&number, minus, m, &arena);
        if (!cd_v_is_str(&t, rows[i].expected)) fail_msg("%s: %.*s", rows[i].expected, (int)t.len, t.str);
        assert_true(d.f64 == strtod(rows[i].expected, NULL));
    }
    text.scale = 0;
    cd_value_t whole = convert_decimal(&text, false, 7, &arena);
    assert_true(cd_v_is_str(&whole, "7"));
}

static void test_binary_texts(void **state)
{
    (void)state;
    static const uint8_t bytes[] = {1, 2, 3}, high[] = {0xFB, 0xFF};
    static const struct {
        form_t form;
        const char *three, *two;
    } rows[] = {{FORM_BASE64, "AQID", "+/8="}, {FORM_BASE64_URL, "AQID", "-_8="}, {FORM_HEX, "010203", "fbff"}};
    for (size_t i = 0; i < 3; i++) {
        field_t f = {.form = rows[i].form};
        cd_value_t three = convert_bytes(&f, bytes, 3, &arena), two = convert_bytes(&f, high, 2, &arena);
        assert_true(cd_v_is_str(&three, rows[i].three));
        assert_true(cd_v_is_str(&two, rows[i].two));
        cd_value_t none = convert_bytes(&f, bytes, 0, &arena);
        assert_true(cd_v_is_str(&none, ""));
    }
}

static int64_t as(form_t form, const moment_t *m)
{
    field_t f = {.form = form};
    bool ok;
    cd_value_t v = convert_moment(&f, m, &arena, &ok);
    assert_true(ok);
    return v.i64;
}

static void assert_text(form_t form, const moment_t *m, const char *expected)
{
    field_t f = {.form = form};
    bool ok;
    cd_value_t v = convert_moment(&f, m, &arena, &ok);
    assert_true(ok);
    if (!cd_v_is_str(&v, expected)) fail_msg("%s: %.*s", expected, (int)v.len, v.str);
}

static void test_times_are_cut_towards_the_past(void **state)
{
    (void)state;
    moment_t t = {.ticks = INT64_C(374256789012)};
    assert_int_equal(as(FORM_TIME_MS, &t), 37425678);
    assert_int_equal(as(FORM_TIME_US, &t), INT64_C(37425678901));
    assert_int_equal(as(FORM_TIME_NS, &t), INT64_C(37425678901200));
    assert_text(FORM_TIME_ISO, &t, "10:23:45.6789012Z");
    moment_t s = {.days = 17725, .ticks = INT64_C(410253400000)};
    assert_int_equal(as(FORM_STAMP_MS, &s), INT64_C(1531481025340));
    assert_int_equal(as(FORM_STAMP_US, &s), INT64_C(1531481025340000));
    assert_int_equal(as(FORM_STAMP_NS, &s), INT64_C(1531481025340000000));
    assert_text(FORM_STAMP_ISO, &s, "2018-07-13T11:23:45.34Z");
    assert_text(FORM_DATE_ISO, &s, "2018-07-13Z");
    moment_t old = {.days = -1, .ticks = 1};
    assert_int_equal(as(FORM_STAMP_MS, &old), -86400000);
}

static void test_nanoseconds_end_in_2262(void **state)
{
    (void)state;
    moment_t last = {.days = 2932896, .ticks = TICKS_PER_DAY - 1}, first = {.days = -719162};
    field_t strict = {.form = FORM_STAMP_NS}, wrap = {.form = FORM_STAMP_NS, .wrap_nanos = true};
    bool ok;
    (void)convert_moment(&strict, &last, &arena, &ok);
    assert_false(ok);
    assert_true(convert_moment(&wrap, &last, &arena, &ok).i64 == INT64_C(-4852116231933722724));
    assert_true(convert_moment(&wrap, &first, &arena, &ok).i64 == INT64_C(-6795364578871345152));
    assert_true(ok);
}

static void test_wire_forms_of_old_types(void **state)
{
    (void)state;
    DBDATETIME dt = {.dtdays = 17725 + DAYS_1900, .dttime = 48225 * 300 + 234};
    DBDATETIME4 small = {.days = 17725 + DAYS_1900, .minutes = 14 * 60 + 24};
    moment_t m;
    assert_true(convert_wire_moment(SYBDATETIME, (const uint8_t *)&dt, &m));
    assert_int_equal(as(FORM_STAMP_MS, &m), INT64_C(1531488225780));
    dt.dttime = 1;
    assert_true(convert_wire_moment(SYBDATETIME, (const uint8_t *)&dt, &m));
    assert_int_equal(m.ticks, 30000); /* .003 */
    assert_true(convert_wire_moment(SYBDATETIME4, (const uint8_t *)&small, &m));
    assert_int_equal(as(FORM_STAMP_MS, &m), INT64_C(1531491840000));
    assert_false(convert_wire_moment(SYBINT4, (const uint8_t *)&small, &m));
}

static void test_change_queries(void **state)
{
    (void)state;
    static const char *columns[] = {"id", "tran_id", "odd]name"};
    instance_t i = {
        .name = "dbo_a", .ncolumns = 3, .columns = columns, .start = lsn_parse("00000001:00000000:0001", 22)};
    lsn_t from = lsn_parse("00000002:00000000:0001", 22), to = lsn_parse("00000003:00000000:0001", 22);
    conf_t conf = {.query = QUERY_DIRECT, .skip_update = true, .skip_delete = true};
    buf_t sql = {0};
    cursor_statement(&sql, &conf, "w", &i, NULL, &from, &to);
    assert_string_equal(
        sql.p,
        "SELECT cdc_data.[__$start_lsn], cdc_data.[__$seqval], cdc_data.[__$operation], cdc_data.[id], "
        "cdc_data.[tran_id], "
        "cdc_data.[odd]]name], TODATETIMEOFFSET(ltm.tran_end_time, DATEPART(TZOFFSET, SYSDATETIMEOFFSET())) FROM "
        "[w].cdc.[dbo_a_CT] AS cdc_data LEFT JOIN [w].cdc.lsn_time_mapping ltm ON ltm.start_lsn = "
        "cdc_data.[__$start_lsn] WHERE [cdc_data].[__$start_lsn] >= 0x00000002000000000001 AND "
        "[cdc_data].[__$start_lsn] <= 0x00000003000000000001 AND [cdc_data].[__$operation] NOT IN (3,4,1) ORDER BY "
        "cdc_data.[__$start_lsn] ASC, cdc_data.[__$command_id] ASC, cdc_data.[__$seqval] ASC, "
        "cdc_data.[__$operation] ASC");
    buf_reset(&sql);
    conf = (conf_t){.query = QUERY_FUNCTION};
    i.start = to; /* a younger instance is read from its own beginning */
    cursor_statement(&sql, &conf, "w", &i, NULL, &from, &to);
    assert_string_equal(
        sql.p,
        "SELECT [__$start_lsn], [__$seqval], [__$operation], [id], [tran_id], [odd]]name], "
        "TODATETIMEOFFSET([w].sys.fn_cdc_map_lsn_to_time([__$start_lsn]), DATEPART(TZOFFSET, SYSDATETIMEOFFSET())) "
        "FROM [w].cdc.[fn_cdc_get_all_changes_dbo_a](0x00000003000000000001, 0x00000003000000000001, N'all update "
        "old') ORDER BY [__$start_lsn] ASC, [__$seqval] ASC, [__$operation] ASC");
    buf_done(&sql);
}

static int clean(void **state)
{
    (void)state;
    cd_arena_done(&arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_decimals_are_the_shortest_twos_complement),
        cmocka_unit_test(test_decimals_as_text_and_double),
        cmocka_unit_test(test_binary_texts),
        cmocka_unit_test(test_times_are_cut_towards_the_past),
        cmocka_unit_test(test_nanoseconds_end_in_2262),
        cmocka_unit_test(test_wire_forms_of_old_types),
        cmocka_unit_test(test_change_queries),
    };
    return cmocka_run_group_tests(tests, NULL, clean);
}
