#include "runtime/base/err_text.h"
#include "runtime/base/log.h"
#include "runtime/base/str.h"
#include "test/unit/support/cmocka_all.h"

static void test_lists_split_as_kafka_does(void **state)
{
    (void)state;
    cd_arena_t arena = {0};
    cd_list_t l = str_split_list(" a , b,,c ", &arena);
    assert_int_equal(l.n, 4);
    assert_string_equal(l.items[0], "a");
    assert_string_equal(l.items[1], "b");
    assert_string_equal(l.items[2], "");
    assert_string_equal(l.items[3], "c");
    assert_int_equal(str_split_list("  ", &arena).n, 0);
    assert_int_equal(str_split_list(" , ", &arena).n, 2);
    cd_arena_done(&arena);
}

static void test_java_hash(void **state)
{
    (void)state;
    assert_int_equal(str_java_hash(""), 0);
    assert_int_equal(str_java_hash("server"), -905826493);
    assert_int_equal(str_java_hash("\xF0\x9F\x98\x80"), 1772899); /* "😀".hashCode() */
}

static void test_utf8_rejects_what_is_not_utf8(void **state)
{
    (void)state;
    assert_true(str_utf8_valid("h\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80", 10));
    assert_true(str_utf8_valid("\xEF\xBF\xBD", 3));  /* U+FFFD itself */
    assert_false(str_utf8_valid("\xC0\x80", 2));     /* overlong */
    assert_false(str_utf8_valid("\xED\xA0\x80", 3)); /* surrogate */
    assert_false(str_utf8_valid("\xE2\x82", 2));     /* cut */
    assert_false(str_utf8_valid("\xFF", 1));
}

static void test_trace_has_the_shape_of_java(void **state)
{
    (void)state;
    cd_err_t *err = cd_err_wrap(cd_err_new(CD_ERR_DATA, CD_JVM_DATA, "bad %d", 7), CD_ERR_FATAL, CD_JVM_CONNECT,
                                "Tolerance exceeded in error handler");
    strbuf_t b = {0};
    err_text_trace(err, &b);
    assert_true(str_starts(strbuf_str(&b),
                           "org.apache.kafka.connect.errors.ConnectException: Tolerance exceeded in error "
                           "handler\n\tat "));
    assert_non_null(strstr(b.data, "\nCaused by: org.apache.kafka.connect.errors.DataException: bad 7\n\tat "));
    assert_string_equal(cd_err_root(err)->message, "bad 7");
    strbuf_done(&b);
    cd_err_free(err);
}

static void test_levels_are_inherited(void **state)
{
    (void)state;
    uint32_t level;
    assert_true(log_level_parse("debug", &level));
    assert_int_equal(level, CD_LOG_DEBUG);
    assert_false(log_level_parse("loud", &level));
    log_set_level("org.apache.kafka", CD_LOG_ERROR);
    log_set_level("org.apache.kafka.connect", CD_LOG_DEBUG);
    assert_int_equal(log_get_level("org.apache.kafka.connect.runtime"), CD_LOG_DEBUG);
    assert_int_equal(log_get_level("org.apache.kafka.clients"), CD_LOG_ERROR);
    assert_int_equal(log_get_level("org.apache.kafkax"), CD_LOG_INFO);
    assert_true(log_on(CD_LOG_DEBUG, "org.apache.kafka.connect"));
    assert_false(log_on(CD_LOG_WARN, "org.apache.kafka.clients"));
    log_set_level("root", LOG_OFF);
    assert_false(log_on(CD_LOG_ERROR, "other"));
    log_done();
}

static void test_arena_reset_keeps_little(void **state)
{
    (void)state;
    cd_arena_t a = {0};
    char *s = cd_arena_printf(&a, "%s-%d", "x", 1);
    assert_string_equal(s, "x-1");
    (void)cd_arena_alloc(&a, 4 * CD_ARENA_KEEP);
    cd_arena_reset(&a);
    assert_true(a.used <= CD_ARENA_KEEP);
    assert_true(((uintptr_t)cd_arena_alloc(&a, 1) & 7) == 0);
    cd_arena_done(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lists_split_as_kafka_does),     cmocka_unit_test(test_java_hash),
        cmocka_unit_test(test_utf8_rejects_what_is_not_utf8), cmocka_unit_test(test_trace_has_the_shape_of_java),
        cmocka_unit_test(test_levels_are_inherited),          cmocka_unit_test(test_arena_reset_keeps_little),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
