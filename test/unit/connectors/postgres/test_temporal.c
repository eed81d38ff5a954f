#include "connectors/postgres/civil.h"
#include "connectors/postgres/temporal.h"
#include "test/unit/support/cmocka_all.h"

static void test_civil_round_trip(void **state)
{
    (void)state;
    for (int64_t day = -800000; day < 3000000; day += 37) {
        civil_t c = civil_from_days(day);
        assert_int_equal(civil_days(c.year, c.month, c.day), day);
    }
    assert_int_equal(civil_days(2018, 7, 13), 17725);
    assert_int_equal(civil_days(1, 1, 1), -719162);
    assert_int_equal(civil_month_days(2000, 2), 29);
    assert_int_equal(civil_month_days(1900, 2), 28);
}

static void test_nanoseconds_round_half_up(void **state)
{
    (void)state;
    static const int64_t cases[][2] = {{0, 0},  {499, 0},  {500, 1},   {1499, 1},
                                       {-1, 0}, {-500, 0}, {-501, -1}, {-1000, -1}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_int_equal(temporal_ns_to_us(cases[i][0]), cases[i][1]);
}

static void test_iso_texts(void **state)
{
    (void)state;
    iso_text_t iso;
    assert_true(iso_text_parse("2018-07-13T12:23:45.456+11:00", 29, &iso));
    assert_int_equal(iso.days, 17725);
    assert_int_equal(iso.us, INT64_C(44625456000));
    assert_int_equal(iso.offset_s, 39600);
    assert_true(iso.has_date && iso.has_time && iso.has_offset);
    static const char *const good[] = {
        "2018-07-13Z", "11:23",    "11:23:45.123456789Z",      "-0001-01-01",      "+12018-07-13T00:00:00Z", "infinity",
        "-infinity",   "24:00:00", "2018-07-13 10:00:00-0330", "10:00:00+05:30:15"};
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        assert_true(iso_text_parse(good[i], strlen(good[i]), &iso));
    static const char *const bad[] = {"",          "x",        "2018-13-01", "2018-02-29", "2018-07-13T",
                                      "25:00",     "24:00:01", "10:00:00+",  "10:00:00.",  "2018-07-13T10:00:00Zx",
                                      "infinity ", "12:60"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(iso_text_parse(bad[i], strlen(bad[i]), &iso));
}

static void test_intervals(void **state)
{
    (void)state;
    int64_t us;
    int32_t days, months;
    assert_true(temporal_parse_interval("P1Y2M3DT4H5M6.78S", 17, &us, &days, &months));
    assert_int_equal(months, 14);
    assert_int_equal(days, 3);
    assert_int_equal(us, INT64_C(14706780000));
    assert_true(temporal_parse_interval("-P2W", 4, &us, &days, &months));
    assert_int_equal(days, -14);
    static const char *const bad[] = {"", "P", "PT", "1D", "P1", "P1S", "P1.5D", "PT1HT2M"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(temporal_parse_interval(bad[i], strlen(bad[i]), &us, &days, &months));
}

static void test_zones(void **state)
{
    (void)state;
    tz_t *utc = tz_open("UTC"), *berlin = tz_open("Europe/Berlin"), *pst = tz_open("PST");
    assert_non_null(utc);
    assert_non_null(berlin);
    assert_non_null(pst);
    assert_true(tz_is_utc(utc));
    assert_false(tz_is_utc(berlin));
    assert_int_equal(tz_offset_at(berlin, INT64_C(1700000000)), 3600);
    assert_int_equal(tz_offset_at(berlin, INT64_C(1690000000)), 7200);
    assert_int_equal(tz_offset_at(berlin, INT64_C(4102444800)), 3600); /* 2100, by the rule behind the table */
    assert_int_equal(tz_offset_at(berlin, INT64_C(4118083200)), 7200); /* July 2100 */
    assert_int_equal(tz_offset_at(pst, INT64_C(1700000000)), -28800);
    /* 2023-10-29 02:30 happened twice: the first, in summer time, is meant. 2023-03-26 02:30 never was. */
    int64_t twice = civil_days(2023, 10, 29) * 86400 + 9000, never = civil_days(2023, 3, 26) * 86400 + 9000;
    assert_int_equal(tz_offset_of_wall(berlin, twice), 7200);
    assert_int_equal(tz_offset_of_wall(berlin, never), 3600);
    assert_int_equal(tz_offset_of_wall(berlin, twice + 3600), 3600);
    static const char *const bad[] = {"",       "Mars/Base", "/etc/passwd", "../../etc/passwd",
                                      "Europe", "zone.tab",  "GMT+2"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) assert_null(tz_open(bad[i]));
    tz_free(utc);
    tz_free(berlin);
    tz_free(pst);
}

static void test_driver_text(void **state)
{
    (void)state;
    char text[TEMPORAL_TEXT_MAX];
    tz_t *tz = tz_open("America/New_York");
    temporal_t t = temporal_of_instant(INT64_C(1474661402123000), tz);
    (void)temporal_text(text, TEMPORAL_STYLE_TIMESTAMP, &t, true);
    assert_string_equal(text, "2016-09-23 16:10:02.123-04");
    (void)temporal_text(text, TEMPORAL_STYLE_DATE, &t, true);
    assert_string_equal(text, "2016-09-23 -04");
    (void)temporal_text(text, TEMPORAL_STYLE_TIME, &t, true);
    assert_string_equal(text, "16:10:02.123-04");
    t = (temporal_t){.wall_us = civil_days(-43, 3, 15) * WIRE_DAY_US};
    (void)temporal_text(text, TEMPORAL_STYLE_TIMESTAMP, &t, false);
    assert_string_equal(text, "0044-03-15 00:00:00 BC");
    tz_free(tz);
}

static void test_ranges(void **state)
{
    (void)state;
    wire_buf_t b = {0};
    conv_err_t err;
    temporal_t t = {.wall_us = WIRE_TS_MIN};
    assert_true(temporal_put(&b, TEMPORAL_TIMESTAMP, &t, &err));
    t.wall_us--;
    assert_false(temporal_put(&b, TEMPORAL_TIMESTAMP, &t, &err));
    assert_string_equal(err.sqlstate, "22008");
    assert_true(temporal_put_date(&b, WIRE_DATE_MAX, &err));
    assert_false(temporal_put_date(&b, WIRE_DATE_MAX + 1, &err));
    assert_false(temporal_put_date(&b, WIRE_DATE_MIN - 1, &err));
    assert_true(temporal_put_time(&b, TEMPORAL_TIME, WIRE_DAY_US, 0, &err));
    assert_false(temporal_put_time(&b, TEMPORAL_TIME, WIRE_DAY_US + 1, 0, &err));
    assert_false(temporal_put_time(&b, TEMPORAL_TIME, -1, 0, &err));
    assert_string_equal(err.text, "date/time field value out of range: \"-00:00:00.000001\"");
    wire_buf_done(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_civil_round_trip),
                                       cmocka_unit_test(test_nanoseconds_round_half_up),
                                       cmocka_unit_test(test_iso_texts),
                                       cmocka_unit_test(test_intervals),
                                       cmocka_unit_test(test_zones),
                                       cmocka_unit_test(test_driver_text),
                                       cmocka_unit_test(test_ranges)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
