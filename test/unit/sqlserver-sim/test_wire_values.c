/* Every type's documented bytes, written and read back; NULL forms; sql_variant; cut and impossible input. */
#include "test/unit/sqlserver-sim/wire_capture.h"
#include "wire/column.h"
#include "wire/decode.h"
#include "wire/temporal_text.h"

static capture_t cap;
static const wire_limits_t no_limits = {.textsize = SIZE_MAX};

#define TICKS(h, m, s, frac) ((((h)*INT64_C(60) + (m)) * 60 + (s)) * 10000000 + (frac))
#define STR(text)                                                                                                      \
    {                                                                                                                  \
        .u.s = {.ptr = (text), .len = sizeof(text) - 1 }                                                               \
    }

typedef struct sample {
    const char *what;
    sim_typeinfo_t type;
    sim_value_t value;
    const char *info, *bytes; /* TYPE_INFO and the value in a ROW */
} sample_t;

static const sim_typeinfo_t int_type = {.base = SIM_T_INT};
static const sim_value_t int_42 = {.u.i = 42};
static const sim_typeinfo_t hi_type = {.base = SIM_T_NVARCHAR, .len = 8000};
static const sim_value_t hi_value = STR("Hi");
static const sim_typeinfo_t num_type = {.base = SIM_T_NUMERIC, .prec = 10, .scale = 2};
static const sim_value_t num_value = {.u.dec = {.mag = 123456}};

static const sample_t samples[] = {
    {"bit", {.base = SIM_T_BIT}, {.u.i = 1}, "68 01", "01 01"},
    {"tinyint", {.base = SIM_T_TINYINT}, {.u.i = 255}, "26 01", "01 FF"},
    {"smallint", {.base = SIM_T_SMALLINT}, {.u.i = -2}, "26 02", "02 FE FF"},
    {"int", {.base = SIM_T_INT}, {.u.i = INT32_MIN}, "26 04", "04 00 00 00 80"},
    {"int not null", {.base = SIM_T_INT, .not_null = true}, {.u.i = 1}, "38", "01 00 00 00"},
    {"bigint", {.base = SIM_T_BIGINT}, {.u.i = INT64_MAX}, "26 08", "08 FF FF FF FF FF FF FF 7F"},
    {"real", {.base = SIM_T_REAL}, {.u.f = 1.5}, "6D 04", "04 00 00 C0 3F"},
    {"float", {.base = SIM_T_FLOAT}, {.u.f = -2.0}, "6D 08", "08 00 00 00 00 00 00 00 C0"},
    {"decimal",
     {.base = SIM_T_DECIMAL, .prec = 10, .scale = 2},
     {.u.dec = {.mag = 123456}},
     "6A 09 0A 02",
     "09 01 40 E2 01 00 00 00 00 00"},
    {"decimal < 0",
     {.base = SIM_T_DECIMAL, .prec = 5, .scale = 2},
     {.u.dec = {.neg = true, .mag = 5}},
     "6A 05 05 02",
     "05 00 05 00 00 00"},
    {"numeric(38)",
     {.base = SIM_T_NUMERIC, .prec = 38},
     {.u.dec = {.mag = (unsigned __int128)1 << 100}},
     "6C 11 26 00",
     "11 01 00000000 00000000 00000000 10000000"},
    {"money", {.base = SIM_T_MONEY}, {.u.i = -15000}, "6E 08", "08 FF FF FF FF 68 C5 FF FF"},
    {"smallmoney", {.base = SIM_T_SMALLMONEY}, {.u.i = 15000}, "6E 04", "04 98 3A 00 00"},
    {"datetime",
     {.base = SIM_T_DATETIME},
     {.u.t = {.days = 45364, .ticks = 14859037}},
     "6F 08",
     "08 34 B1 00 00 1D BB E2 00"},
    {"datetime 1753", {.base = SIM_T_DATETIME}, {.u.t = {.days = -53690}}, "6F 08", "08 46 2E FF FF 00 00 00 00"},
    {"smalldatetime",
     {.base = SIM_T_SMALLDATETIME},
     {.u.t = {.days = 45364, .ticks = 13 * 60 + 46}},
     "6F 04",
     "04 34 B1 3A 03"},
    {"date", {.base = SIM_T_DATE}, {.u.t = {.days = 738959}}, "28", "03 8F 46 0B"},
    {"time(7)",
     {.base = SIM_T_TIME, .scale = 7},
     {.u.t = {.ticks = TICKS(13, 45, 30, 1234567)}},
     "29 07",
     "05 87 0F 41 52 73"},
    {"time(0)", {.base = SIM_T_TIME}, {.u.t = {.ticks = TICKS(13, 45, 30, 0)}}, "29 00", "03 7A C1 00"},
    {"datetime2(7)",
     {.base = SIM_T_DATETIME2, .scale = 7},
     {.u.t = {.days = 738959, .ticks = TICKS(13, 45, 30, 1234567)}},
     "2A 07",
     "08 87 0F 41 52 73 8F 46 0B"},
    {"datetime2(3)",
     {.base = SIM_T_DATETIME2, .scale = 3},
     {.u.t = {.days = 738959, .ticks = TICKS(13, 45, 30, 1230000)}},
     "2A 03",
     "07 0B C5 F3 02 8F 46 0B"},
    {"datetimeoffset",
     {.base = SIM_T_DATETIMEOFFSET, .scale = 7},
     {.u.t = {.days = 738959, .ticks = TICKS(11, 45, 30, 1234567), .offset = 120}},
     "2B 07",
     "0A 87 3F B8 8E 62 8F 46 0B 78 00"},
    {"guid",
     {.base = SIM_T_UNIQUEIDENTIFIER},
     {.u.guid = {0xFF, 0x19, 0x96, 0x6F, 0x86, 0x8B, 0x11, 0xD0, 0xB4, 0x2D, 0x00, 0xC0, 0x4F, 0xC9, 0x64, 0xFF}},
     "24 10",
     "10 FF 19 96 6F 86 8B 11 D0 B4 2D 00 C0 4F C9 64 FF"},
    {"varchar", {.base = SIM_T_VARCHAR, .len = 20}, STR("\xE2\x82\xAC!"), "A7 14 00 09 04 D0 00 34", "02 00 80 21"},
    {"varchar utf8",
     {.base = SIM_T_VARCHAR, .len = 20, .utf8 = true},
     STR("\xE2\x82\xAC"),
     "A7 14 00 09 04 D0 24 00",
     "03 00 E2 82 AC"},
    {"char", {.base = SIM_T_CHAR, .len = 3}, STR("a  "), "AF 03 00 09 04 D0 00 34", "03 00 61 20 20"},
    {"nvarchar", {.base = SIM_T_NVARCHAR, .len = 200}, STR("AB"), "E7 C8 00 09 04 D0 00 34", "04 00 'AB'"},
    {"empty nvarchar", {.base = SIM_T_NVARCHAR, .len = 200}, STR(""), "E7 C8 00 09 04 D0 00 34", "00 00"},
    {"nchar", {.base = SIM_T_NCHAR, .len = 4}, STR("x "), "EF 04 00 09 04 D0 00 34", "04 00 'x '"},
    {"binary", {.base = SIM_T_BINARY, .len = 10}, STR("0123456789"), "AD 0A 00", "0A 00 30313233343536373839"},
    {"varbinary", {.base = SIM_T_VARBINARY, .len = 8000}, STR("\x01\x02"), "A5 40 1F", "02 00 01 02"},
    {"nvarchar(max)",
     {.base = SIM_T_NVARCHAR, .len = SIM_LEN_MAX},
     STR("AB"),
     "E7 FF FF 09 04 D0 00 34",
     "0400000000000000 04000000 'AB' 00000000"},
    {"varchar(max) empty",
     {.base = SIM_T_VARCHAR, .len = SIM_LEN_MAX},
     STR(""),
     "A7 FF FF 09 04 D0 00 34",
     "0000000000000000 00000000"},
    {"varbinary(max)",
     {.base = SIM_T_VARBINARY, .len = SIM_LEN_MAX},
     STR("z"),
     "A5 FF FF",
     "0100000000000000 01000000 7A 00000000"},
    {"xml", {.base = SIM_T_XML, .len = SIM_LEN_MAX}, STR("<a/>"), "F1 00", "0800000000000000 08000000 '<a/>' 00000000"},
    {"variant int",
     {.base = SIM_T_VARIANT},
     {.u.v = {&int_type, &int_42}},
     "62 49 1F 00 00",
     "06 00 00 00 38 00 2A 00 00 00"},
    {"variant nvarchar",
     {.base = SIM_T_VARIANT},
     {.u.v = {&hi_type, &hi_value}},
     "62 49 1F 00 00",
     "0D 00 00 00 E7 07 09 04 D0 00 34 40 1F 48 00 69 00"},
    {"variant numeric",
     {.base = SIM_T_VARIANT},
     {.u.v = {&num_type, &num_value}},
     "62 49 1F 00 00",
     "0D 00 00 00 6C 02 0A 02 01 40 E2 01 00 00 00 00 00"},
};
enum { NSAMPLES = sizeof(samples) / sizeof(samples[0]) };

static void write_sample(const sample_t *s, bool null, uint32_t packet_size)
{
    wire_col_t col;
    sim_value_t value = s->value;
    value.is_null = null;
    wire_col_init(&col, &s->type, TDS_V74);
    capture_begin(&cap, packet_size);
    wire_col_put_type(&col, &cap.out);
    wire_col_put(&col, &cap.out, &value, &no_limits);
    capture_end(&cap);
}

static void test_documented_bytes(void **state)
{
    (void)state;
    for (size_t i = 0; i < NSAMPLES; i++) {
        char hex[512];
        snprintf(hex, sizeof(hex), "%s %s", samples[i].info, samples[i].bytes);
        write_sample(&samples[i], false, 4096);
        print_message("%s\n", samples[i].what);
        expect_body(&cap, hex);
    }
}

static void test_same_bytes_in_tiny_packets(void **state)
{
    (void)state;
    for (size_t i = 0; i < NSAMPLES; i++) {
        char hex[512];
        snprintf(hex, sizeof(hex), "%s %s", samples[i].info, samples[i].bytes);
        write_sample(&samples[i], false, TDS_HEADER + 1);
        expect_body(&cap, hex);
    }
}

static bool same_bytes(const sim_value_t *a, const sim_value_t *b)
{
    return a->u.s.len == b->u.s.len && memcmp(a->u.s.ptr, b->u.s.ptr, a->u.s.len) == 0;
}

static void expect_same(const sim_typeinfo_t *type, const sim_value_t *a, const sim_value_t *b)
{
    switch (type->base) {
    case SIM_T_REAL:
    case SIM_T_FLOAT:
        assert_true(a->u.f <= b->u.f && a->u.f >= b->u.f);
        break;
    case SIM_T_DECIMAL:
    case SIM_T_NUMERIC:
        assert_true(a->u.dec.neg == b->u.dec.neg && a->u.dec.mag == b->u.dec.mag);
        break;
    case SIM_T_DATE:
    case SIM_T_TIME:
    case SIM_T_DATETIME:
    case SIM_T_SMALLDATETIME:
    case SIM_T_DATETIME2:
    case SIM_T_DATETIMEOFFSET:
        assert_int_equal(a->u.t.days, b->u.t.days);
        assert_int_equal(a->u.t.ticks, b->u.t.ticks);
        assert_int_equal(a->u.t.offset, b->u.t.offset);
        break;
    case SIM_T_UNIQUEIDENTIFIER:
        assert_memory_equal(a->u.guid, b->u.guid, 16);
        break;
    case SIM_T_VARIANT:
        assert_int_equal(a->u.v.type->base, b->u.v.type->base);
        expect_same(a->u.v.type, a->u.v.value, b->u.v.value);
        break;
    default:
        if (type->base >= SIM_T_CHAR && type->base <= SIM_T_XML)
            assert_true(same_bytes(a, b));
        else
            assert_int_equal(a->u.i, b->u.i);
        break;
    }
}

static void test_read_back(void **state)
{
    (void)state;
    for (size_t i = 0; i < NSAMPLES; i++) {
        pool_t pool = {0};
        wire_type_t type;
        sim_value_t value;
        write_sample(&samples[i], false, 4096);
        cur_t cur = cur_over(cap.body, cap.body_len);
        wire_type_read(&cur, &type);
        wire_value_read(&cur, &type, WIRE_IN_RPC, &pool, &value);
        assert_int_equal(cur.state, CUR_OK);
        assert_int_equal(cur_left(&cur), 0);
        assert_int_equal(type.type.base, samples[i].type.base);
        assert_int_equal(type.type.scale, samples[i].type.scale);
        assert_false(value.is_null);
        expect_same(&samples[i].type, &samples[i].value, &value);
        pool_done(&pool);
    }
}

static void test_null_of_each_type(void **state)
{
    (void)state;
    for (size_t i = 0; i < NSAMPLES; i++) {
        pool_t pool = {0};
        wire_type_t type;
        sim_value_t value;
        if (samples[i].type.not_null) continue;
        write_sample(&samples[i], true, 4096);
        cur_t cur = cur_over(cap.body, cap.body_len);
        wire_type_read(&cur, &type);
        wire_value_read(&cur, &type, WIRE_IN_RPC, &pool, &value);
        assert_int_equal(cur.state, CUR_OK);
        assert_int_equal(cur_left(&cur), 0);
        assert_true(value.is_null);
        pool_done(&pool);
    }
}

static void test_each_cut_is_short(void **state)
{
    (void)state;
    for (size_t i = 0; i < NSAMPLES; i++) {
        write_sample(&samples[i], false, 4096);
        for (size_t cut = 0; cut < cap.body_len; cut++) {
            pool_t pool = {0};
            wire_type_t type;
            sim_value_t value;
            uint8_t *exact = test_malloc(cut + 1);
            memcpy(exact, cap.body, cut);
            cur_t cur = cur_over(exact, cut);
            wire_type_read(&cur, &type);
            wire_value_read(&cur, &type, WIRE_IN_RPC, &pool, &value);
            assert_int_equal(cur.state, CUR_SHORT);
            test_free(exact);
            pool_done(&pool);
        }
    }
}

static void test_impossible_is_bad(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "26 03 00",                                                        /* a 3-byte integer */
        "26 04 03 01 02 03",                                               /* value of another width than its type */
        "6A 05 00 00 00",                                                  /* precision 0 */
        "6A 05 05 06 00",                                                  /* scale above precision */
        "6A 11 26 00 12 01 00000000 00000000 00000000 00000000 00",        /* 18 bytes */
        "29 08 00",                                                        /* scale 8 */
        "29 07 05 FF FF FF FF FF",                                         /* more than a day */
        "28 03 FF FF FF",                                                  /* behind year 9999 */
        "2B 00 08 00 00 00 00 00 00 FF 7F",                                /* offset of 546 hours */
        "24 10 0F 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00",           /* short guid */
        "E7 41 1F 09 04 D0 00 34 00 00",                                   /* 8001 bytes declared */
        "E7 FF FF 09 04 D0 00 34 0300000000000000 02000000 4100 00000000", /* total against chunks */
        "62 49 1F 00 00 04 00 00 00 26 00 04 00",                          /* a nullable id inside a variant */
        "62 49 1F 00 00 03 00 00 00 38 00 2A",                             /* a short int inside a variant */
        "62 49 1F 00 00 02 00 00 00 38 09",                                /* more properties than bytes */
        "F0 00",
        "F3 00",
        "00",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        uint8_t bytes[256];
        size_t n = from_hex(bad[i], bytes);
        pool_t pool = {0};
        wire_type_t type;
        sim_value_t value;
        cur_t cur = cur_over(bytes, n);
        wire_type_read(&cur, &type);
        wire_value_read(&cur, &type, WIRE_IN_RPC, &pool, &value);
        if (cur.state != CUR_BAD) print_error("accepted: %s\n", bad[i]);
        assert_int_equal(cur.state, CUR_BAD);
        pool_done(&pool);
    }
}

static void read_text(const char *hex, wire_place_t place, pool_t *pool, sim_value_t *ret_value)
{
    uint8_t bytes[256];
    wire_type_t type;
    cur_t cur = cur_over(bytes, from_hex(hex, bytes));
    wire_type_read(&cur, &type);
    wire_value_read(&cur, &type, place, pool, ret_value);
    assert_int_equal(cur.state, CUR_OK);
    assert_int_equal(cur_left(&cur), 0);
}

static void test_plp_in_pieces(void **state)
{
    (void)state;
    pool_t pool = {0};
    sim_value_t value;
    read_text("E7 FF FF 09 04 D0 00 34 FEFFFFFFFFFFFFFF 01000000 41 01000000 00 01000000 42 01000000 00 00000000",
              WIRE_IN_RPC, &pool, &value);
    assert_int_equal(value.u.s.len, 2);
    assert_memory_equal(value.u.s.ptr, "AB", 2);
    pool_done(&pool);
}

static void test_old_large_types(void **state)
{
    (void)state;
    pool_t pool = {0};
    sim_value_t value;
    read_text("63 FFFFFF7F 09 04 D0 00 34 04000000 'ab'", WIRE_IN_RPC, &pool, &value);
    assert_memory_equal(value.u.s.ptr, "ab", 3);
    read_text("63 FFFFFF7F 09 04 D0 00 34 FFFFFFFF", WIRE_IN_RPC, &pool, &value);
    assert_true(value.is_null);
    read_text("23 FFFFFF7F 09 04 D0 00 34 02 1111 2222222222222222 03000000 616263", WIRE_IN_BULK, &pool, &value);
    assert_memory_equal(value.u.s.ptr, "abc", 4);
    read_text("23 FFFFFF7F 09 04 D0 00 34 00", WIRE_IN_BULK, &pool, &value);
    assert_true(value.is_null);
    pool_done(&pool);
    wire_col_t col;
    sim_value_t abc = STR("abc");
    wire_col_init(&col, &(sim_typeinfo_t){.base = SIM_T_TEXT}, TDS_V74);
    capture_begin(&cap, 4096);
    wire_col_put(&col, &cap.out, &abc, &no_limits);
    capture_end(&cap);
    assert_int_equal(cap.body_len, 1 + 16 + 8 + 4 + 3);
    assert_int_equal(cap.body[0], 16);
    assert_memory_equal(cap.body + 25, "\x03\0\0\0abc", 7);
}

static void test_textsize_cuts_large_values_only(void **state)
{
    (void)state;
    static const wire_limits_t four = {.textsize = 4};
    sim_value_t value = STR("abcdef");
    wire_col_t col;
    wire_col_init(&col, &(sim_typeinfo_t){.base = SIM_T_NVARCHAR, .len = SIM_LEN_MAX}, TDS_V74);
    capture_begin(&cap, 4096);
    wire_col_put(&col, &cap.out, &value, &four);
    capture_end(&cap);
    expect_body(&cap, "0400000000000000 04000000 'ab' 00000000");
    wire_col_init(&col, &(sim_typeinfo_t){.base = SIM_T_VARCHAR, .len = 100}, TDS_V74);
    capture_begin(&cap, 4096);
    wire_col_put(&col, &cap.out, &value, &four);
    capture_end(&cap);
    expect_body(&cap, "06 00 616263646566");
}

static void test_too_long_text_is_cut_to_its_type(void **state)
{
    (void)state;
    sim_value_t value = STR("a\xC3\xA4\xC3\xB6\xC3\xBC");
    wire_col_t col;
    wire_col_init(&col, &(sim_typeinfo_t){.base = SIM_T_VARCHAR, .len = 2}, TDS_V74);
    capture_begin(&cap, 4096);
    wire_col_put(&col, &cap.out, &value, &no_limits);
    capture_end(&cap);
    expect_body(&cap, "02 00 61 E4");
    wire_col_init(&col, &(sim_typeinfo_t){.base = SIM_T_NVARCHAR, .len = 4}, TDS_V74);
    capture_begin(&cap, 4096);
    wire_col_put(&col, &cap.out, &value, &no_limits);
    capture_end(&cap);
    expect_body(&cap, "04 00 61 00 E4 00");
}

static void test_plp_chunks_of_one_byte(void **state)
{
    (void)state;
    static const wire_limits_t ones = {.textsize = SIZE_MAX, .plp_chunk = 1};
    sim_value_t value = STR("AB");
    wire_col_t col;
    wire_col_init(&col, &(sim_typeinfo_t){.base = SIM_T_NVARCHAR, .len = SIM_LEN_MAX}, TDS_V74);
    capture_begin(&cap, 4096);
    wire_col_put(&col, &cap.out, &value, &ones);
    capture_end(&cap);
    expect_body(&cap, "0400000000000000 01000000 41 01000000 00 01000000 42 01000000 00 00000000");
}

static void test_old_clients_get_text(void **state)
{
    (void)state;
    static const struct {
        sim_typeinfo_t type;
        sim_value_t value;
        const char *text;
    } rows[] = {
        {{.base = SIM_T_DATE}, {.u.t = {.days = 738959}}, "2024-03-15"},
        {{.base = SIM_T_DATE}, {.u.t = {.days = 0}}, "0001-01-01"},
        {{.base = SIM_T_DATE}, {.u.t = {.days = 3652058}}, "9999-12-31"},
        {{.base = SIM_T_DATE}, {.u.t = {.days = 693595}}, "1900-01-01"},
        {{.base = SIM_T_TIME, .scale = 3}, {.u.t = {.ticks = TICKS(1, 2, 3, 40000)}}, "01:02:03.004"},
        {{.base = SIM_T_DATETIME2}, {.u.t = {.days = 738944, .ticks = TICKS(23, 59, 59, 0)}}, "2024-02-29 23:59:59"},
        {{.base = SIM_T_DATETIMEOFFSET, .scale = 7},
         {.u.t = {.days = 738959, .ticks = TICKS(23, 45, 30, 1234567), .offset = 120}},
         "2024-03-16 01:45:30.1234567 +02:00"},
        {{.base = SIM_T_DATETIMEOFFSET},
         {.u.t = {.days = 738959, .ticks = 0, .offset = -90}},
         "2024-03-14 22:30:00 -01:30"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char text[TEMPORAL_TEXT_MAX + 1];
        assert_int_equal(temporal_text(text, &rows[i].type, &rows[i].value), strlen(rows[i].text));
        assert_string_equal(text, rows[i].text);
    }
    wire_col_t col;
    wire_col_init(&col, &rows[0].type, TDS_V72);
    assert_int_equal(col.id, TDS_T_NVARCHAR);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_documented_bytes),
        cmocka_unit_test(test_same_bytes_in_tiny_packets),
        cmocka_unit_test(test_read_back),
        cmocka_unit_test(test_null_of_each_type),
        cmocka_unit_test(test_each_cut_is_short),
        cmocka_unit_test(test_impossible_is_bad),
        cmocka_unit_test(test_plp_in_pieces),
        cmocka_unit_test(test_old_large_types),
        cmocka_unit_test(test_textsize_cuts_large_values_only),
        cmocka_unit_test(test_too_long_text_is_cut_to_its_type),
        cmocka_unit_test(test_plp_chunks_of_one_byte),
        cmocka_unit_test(test_old_clients_get_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
