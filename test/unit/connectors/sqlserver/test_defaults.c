/* Column defaults and date arithmetic. */
#include "test/unit/support/cmocka_all.h"

#include "connectors/sqlserver/defaults.h"
#include "test/unit/connectors/sqlserver/host.h"

static cd_arena_t arena;
static conf_t conf = {.profile = PROFILE_E};
static column_t column;
static field_t field;
static cd_value_t value;

/* @param system_type, precision, scale  as in sys.columns */
static default_result_t read_as(const char *type, int32_t system_type, int32_t precision, int32_t scale,
                                const char *expr)
{
    column =
        (column_t){.name = "c", .length = MODEL_UNSET, .scale = MODEL_UNSET, .has_default = true, .default_expr = expr};
    assert_true(column_set_type(&column, &arena, type, system_type, 100, precision, scale));
    field = (field_t){
        .column = &column, .mask = -1, .truncate = -1, .scale = column.scale == MODEL_UNSET ? 0 : column.scale};
    field.form = convert_form(&conf, &column, &field.type);
    value = CD_V_NULL;
    return default_read(&conf, &field, &arena, &value);
}

static void test_numbers(void **state)
{
    (void)state;
    assert_int_equal(read_as("int", 56, 10, 0, "((255))"), DEFAULT_VALUE);
    assert_int_equal(value.i64, 255);
    assert_int_equal(read_as("bigint", 127, 19, 0, "((3147483648.))"), DEFAULT_VALUE);
    assert_int_equal(value.i64, 3147483648);
    assert_int_equal(read_as("int", 56, 10, 0, "(CONVERT([int],(5)))"), DEFAULT_VALUE);
    assert_int_equal(value.i64, 5);
    assert_int_equal(read_as("int", 56, 10, 0, "(NULL)"), DEFAULT_NONE);
    assert_int_equal(read_as("int", 56, 10, 0, "(next value for s)"), DEFAULT_UNREADABLE);
    assert_int_equal(read_as("float", 62, 53, 0, "((1.2345000000000000e+003))"), DEFAULT_VALUE);
    assert_true(value.f64 == 1234.5);
    assert_int_equal(read_as("bit", 104, 1, 0, "((1))"), DEFAULT_VALUE);
    assert_true(value.boolean);
    assert_int_equal(read_as("bit", 104, 1, 0, "(NULL)"), DEFAULT_VALUE);
    assert_false(value.boolean);
}

static void test_decimals_take_the_scale_of_the_column(void **state)
{
    (void)state;
    static const uint8_t expected[] = {0x01, 0x31, 0x54, 0x10}; /* 200.10000 */
    assert_int_equal(read_as("numeric", 108, 10, 5, "((200.1))"), DEFAULT_VALUE);
    assert_int_equal(value.len, sizeof(expected));
    assert_memory_equal(value.bytes, expected, sizeof(expected));
    assert_int_equal(read_as("decimal", 106, 10, 2, "(NULL)"), DEFAULT_NONE);
    assert_int_equal(read_as("decimal", 106, 10, 2, "((1.005))"), DEFAULT_VALUE);
    assert_int_equal(value.len, 1);
    assert_int_equal(value.bytes[0], 101);
    conf.decimal = DECIMAL_STRING;
    assert_int_equal(read_as("numeric", 108, 10, 5, "((200.1))"), DEFAULT_VALUE);
    assert_true(cd_v_is_str(&value, "200.1"));
    conf.decimal = DECIMAL_PRECISE;
}

static void test_texts_of_both_lines(void **state)
{
    (void)state;
    static const char *const later[][2] = {
        {"('aaa')", "aaa"}, {"(N'x')", "x"}, {"('it''s')", "it''s"}, {"('a(b)c')", "b"}, {"(suser_sname())", ""}};
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(read_as("nvarchar", 231, 0, 0, later[i][0]), DEFAULT_VALUE);
        if (!cd_v_is_str(&value, later[i][1])) fail_msg("%s gave %.*s", later[i][0], (int)value.len, value.str);
    }
    assert_int_equal(read_as("varchar", 167, 0, 0, "((NULL))"), DEFAULT_NONE);
    conf.profile = PROFILE_A;
    assert_int_equal(read_as("varchar", 167, 0, 0, "('aaa')"), DEFAULT_VALUE);
    assert_true(cd_v_is_str(&value, "aaa"));
    assert_int_equal(read_as("varchar", 167, 0, 0, "(NULL)"), DEFAULT_VALUE);
    assert_true(cd_v_is_str(&value, "UL"));
    conf.profile = PROFILE_E;
}

static void test_binary_and_unknown_types(void **state)
{
    (void)state;
    assert_int_equal(read_as("varbinary", 165, 0, 0, "(0x0102)"), DEFAULT_VALUE);
    assert_int_equal(value.len, 2);
    assert_int_equal(value.bytes[1], 2);
    assert_int_equal(read_as("varbinary", 165, 0, 0, "(newid())"), DEFAULT_UNREADABLE);
    assert_int_equal(read_as("uniqueidentifier", 36, 0, 0, "(newid())"), DEFAULT_NONE);
    assert_int_equal(read_as("phone", 167, 0, 0, "('1')"), DEFAULT_NONE); /* an alias type has no reader */
}

static void test_times(void **state)
{
    (void)state;
    assert_int_equal(read_as("date", 40, 0, 0, "('2019-02-03')"), DEFAULT_VALUE);
    assert_int_equal(value.i64, 17930);
    assert_int_equal(read_as("datetime2", 42, 0, 7, "('2019-01-01 12:34:56.1234567')"), DEFAULT_VALUE);
    assert_true(value.i64 == INT64_C(1546346096123456700));
    assert_int_equal(read_as("datetime", 61, 0, 3, "('2019-01-01 12:34:56.789')"), DEFAULT_VALUE);
    assert_int_equal(value.i64 % 1000, 790);
    profile_t was = conf.profile;
    conf.profile = PROFILE_A; /* by way of java.sql.Time */
    assert_int_equal(read_as("time", 41, 0, 7, "('23:59:59.1236567')"), DEFAULT_VALUE);
    assert_true(value.i64 == INT64_C(86399124000000));
    assert_int_equal(read_as("time", 41, 0, 7, "('23:59:59.9999999')"), DEFAULT_VALUE);
    assert_true(value.i64 == 0);
    conf.profile = PROFILE_E;
    assert_int_equal(read_as("time", 41, 0, 7, "('23:59:59.1236567')"), DEFAULT_VALUE);
    assert_true(value.i64 == INT64_C(86399123656700));
    conf.profile = was;
    assert_int_equal(read_as("datetimeoffset", 43, 0, 7, "('2019-01-01 12:34:56.1234567 +04:00')"), DEFAULT_VALUE);
    assert_true(cd_v_is_str(&value, "2019-01-01T12:34:56.1234567+04:00"));
    assert_int_equal(read_as("datetime2", 42, 0, 7, "(getdate())"), DEFAULT_UNREADABLE);
    assert_int_equal(read_as("date", 40, 0, 0, "('2019-02-29')"), DEFAULT_UNREADABLE);
}

static void test_calendar_edges(void **state)
{
    (void)state;
    assert_int_equal(temporal_days(1, 1, 1), -719162);
    assert_int_equal(temporal_days(9999, 12, 31), 2932896);
    assert_int_equal(temporal_days(1970, 1, 1), 0);
    for (int64_t d = -719162; d <= 2932896; d += 997) {
        int64_t y;
        uint32_t m, day;
        temporal_civil(d, &y, &m, &day);
        assert_int_equal(temporal_days(y, m, day), d);
    }
    char text[TEMPORAL_TEXT];
    moment_t before = {.days = -1, .ticks = TICKS_PER_DAY - 5000000};
    (void)temporal_zoned_text(&before, text);
    assert_string_equal(text, "1969-12-31T23:59:59.5Z");
    assert_int_equal(temporal_millis(&before), -500);
    moment_t zoned = {.days = 17725, .ticks = INT64_C(54254560000), .offset = -330};
    (void)temporal_zoned_text(&zoned, text);
    assert_string_equal(text, "2018-07-12T20:00:25.456-05:30");
}

static int setup(void **state)
{
    (void)state;
    host_install();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    cd_arena_done(&arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_decimals_take_the_scale_of_the_column),
        cmocka_unit_test(test_texts_of_both_lines),
        cmocka_unit_test(test_binary_and_unknown_types),
        cmocka_unit_test(test_times),
        cmocka_unit_test(test_calendar_edges),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
