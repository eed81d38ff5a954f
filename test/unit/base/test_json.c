#include "runtime/base/json.h"
#include "test/unit/support/cmocka_all.h"

static void expect_text(const json_t *v, const char *want)
{
    strbuf_t b = {0};
    json_write(v, &b);
    assert_string_equal(strbuf_str(&b), want);
    strbuf_done(&b);
}

static void test_strings_are_escaped_as_jackson_does(void **state)
{
    (void)state;
    json_t *v = json_string("a\"\\\b\t\n\f\r\x01/\x7f\xC3\xA9\xF0\x9F\x98\x80");
    expect_text(v, "\"a\\\"\\\\\\b\\t\\n\\f\\r\\u0001/\x7f\xC3\xA9\\uD83D\\uDE00\"");
    json_decref(v);
}

static void test_doubles_print_as_java(void **state)
{
    (void)state;
    static const struct {
        double v;
        const char *text;
    } cases[] = {{1, "1.0"},
                 {0.1, "0.1"},
                 {100, "100.0"},
                 {1e7, "1.0E7"},
                 {1234567, "1234567.0"},
                 {0.001, "0.001"},
                 {0.0001, "1.0E-4"},
                 {-2.5, "-2.5"},
                 {1e-300, "1.0E-300"},
                 {3.14159265358979, "3.14159265358979"},
                 {0, "0.0"},
                 {123456789.125, "1.23456789125E8"}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        strbuf_t b = {0};
        json_write_double(cases[i].v, &b);
        assert_string_equal(strbuf_str(&b), cases[i].text);
        strbuf_done(&b);
    }
}

static void test_members_keep_their_order(void **state)
{
    (void)state;
    json_t *v = NULL;
    const char *text = "{\"z\":1,\"a\":[true,null,1.5],\"m\":{}}";
    assert_null(json_parse(text, strlen(text), &v));
    expect_text(v, text);
    json_decref(v);
}

static void test_broken_json_is_a_data_error(void **state)
{
    (void)state;
    json_t *v = NULL;
    cd_err_t *err = json_parse("{\"a\":", 5, &v);
    assert_true(cd_err_is(err, CD_ERR_DATA));
    assert_null(v);
    cd_err_free(err);
}

static void test_config_takes_scalars_and_refuses_the_rest(void **state)
{
    (void)state;
    cd_arena_t arena = {0};
    cd_config_t config;
    json_t *v = NULL;
    const char *text = "{\"s\":\"x\",\"n\":1,\"b\":true,\"z\":null}";
    assert_null(json_parse(text, strlen(text), &v));
    assert_null(json_to_config(v, &arena, &config));
    assert_int_equal(config.n, 4);
    assert_string_equal(cd_config_get(&config, "n"), "1");
    assert_string_equal(cd_config_get(&config, "b"), "true");
    assert_null(cd_config_get(&config, "z"));
    json_decref(v);
    assert_null(json_parse("{\"o\":{}}", 8, &v));
    cd_err_t *err = json_to_config(v, &arena, &config);
    assert_non_null(err);
    assert_non_null(strstr(err->message, "'o'"));
    cd_err_free(err);
    json_decref(v);
    cd_arena_done(&arena);
}

/* The orders that chapter 02 §2.8 lists as checks. */
static void test_offset_maps_are_written_in_hash_order(void **state)
{
    (void)state;
    cd_value_t items[10];
    const char *keys[] = {"commit_lsn", "snapshot_completed", "change_lsn", "event_serial_no", "snapshot"};
    for (uint32_t i = 0; i < 5; i++) {
        items[2 * i] = cd_v_str(keys[i]);
        items[2 * i + 1] = cd_v_int(CD_INT64, i);
    }
    cd_value_t map = cd_v_items(CD_MAP, items, 5);
    json_t *v = json_from_value(&map);
    expect_text(v, "{\"event_serial_no\":3,\"commit_lsn\":0,\"change_lsn\":2,\"snapshot\":4,\"snapshot_completed\":1}");
    json_decref(v);

    char long_key[600];
    memset(long_key, 'k', sizeof(long_key));
    cd_value_t one[] = {cd_v_strn(long_key, sizeof(long_key)), cd_v_int(CD_INT64, 1)};
    map = cd_v_items(CD_MAP, one, 1);
    v = json_from_value(&map);
    assert_int_equal(json_object_size(v), 1);
    json_decref(v);

    cd_value_t many[28];
    char names[14][4];
    for (uint32_t i = 0; i < 14; i++) {
        (void)snprintf(names[i], sizeof(names[i]), "k%u", i);
        many[2 * i] = cd_v_str(names[i]);
        many[2 * i + 1] = CD_V_NULL;
    }
    map = cd_v_items(CD_MAP, many, 14);
    v = json_from_value(&map);
    expect_text(v, "{\"k0\":null,\"k1\":null,\"k2\":null,\"k3\":null,\"k4\":null,\"k5\":null,\"k11\":null,\"k6\":null,"
                   "\"k10\":null,\"k7\":null,\"k13\":null,\"k8\":null,\"k12\":null,\"k9\":null}");
    json_decref(v);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_strings_are_escaped_as_jackson_does),
        cmocka_unit_test(test_doubles_print_as_java),
        cmocka_unit_test(test_members_keep_their_order),
        cmocka_unit_test(test_broken_json_is_a_data_error),
        cmocka_unit_test(test_config_takes_scalars_and_refuses_the_rest),
        cmocka_unit_test(test_offset_maps_are_written_in_hash_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
