/* Java properties syntax, read as java.util.Properties reads it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "runtime/base/properties.h"

static props_t parse_as(const char *text, enum props_charset charset)
{
    props_t p = {0};
    cd_err_t *err = props_parse(&p, text, strlen(text), charset);
    assert_null(err);
    return p;
}

static void expect_one(const char *text, const char *name, const char *value)
{
    props_t p = parse_as(text, PROPS_LATIN1);
    assert_int_equal(p.n, 1);
    assert_string_equal(p.pairs[0].name, name);
    assert_string_equal(p.pairs[0].value, value);
    props_done(&p);
}

static void test_separators(void **state)
{
    (void)state;
    expect_one("key=value", "key", "value");
    expect_one("key : value", "key", "value");
    expect_one("key value", "key", "value");
    expect_one("  key\t=\t value", "key", "value");
    expect_one("key==value", "key", "=value");
    expect_one("key = : value", "key", ": value");
    expect_one("key", "key", "");
    expect_one("=value", "", "value");
    expect_one("a\\=b=c", "a=b", "c");
    expect_one("a\\ b c", "a b", "c");
    expect_one("a\\:b:c=d", "a:b", "c=d");
}

static void test_trailing_blanks_of_values_stay(void **state)
{
    (void)state;
    expect_one("key=value  \n", "key", "value  ");
}

static void test_comments_and_blank_lines(void **state)
{
    (void)state;
    expect_one("# one\n! two\n\n   \n  # three\\\nkey=v#alue\r\n", "key", "v#alue");
    expect_one("# comment does not go on \\\nkey=value", "key", "value");
}

static void test_continuation(void **state)
{
    (void)state;
    expect_one("key=one,\\\n   two,\\\r\n\tthree", "key", "one,two,three");
    expect_one("ke\\\n   y=value", "key", "value");
    expect_one("key=back\\\\\n", "key", "back\\");
    expect_one("key=one\\\n#two", "key", "one#two");
    expect_one("key=one\\", "key", "one");
    props_t p = parse_as("key=one\\\n\nother=2", PROPS_LATIN1);
    assert_string_equal(props_get(&p, "key"), "one");
    assert_string_equal(props_get(&p, "other"), "2");
    props_done(&p);
}

static void test_escapes(void **state)
{
    (void)state;
    expect_one("key=\\t\\n\\r\\f\\x\\\"", "key", "\t\n\r\fx\"");
    expect_one("key=\\u00e9\\u20AC", "key", "\xc3\xa9\xe2\x82\xac");
    expect_one("key=\\uD83D\\uDE00", "key", "\xf0\x9f\x98\x80");
    expect_one("key=\\uD83Dx", "key", "?x");
    props_t p = {0};
    cd_err_t *err = props_parse(&p, "key=\\u00g1", 10, PROPS_LATIN1);
    assert_non_null(err);
    assert_string_equal(err->message, "Malformed \\uxxxx encoding.");
    cd_err_free(err);
    err = props_parse(&p, "key=\\u0000", 10, PROPS_LATIN1);
    assert_non_null(err);
    cd_err_free(err);
    props_done(&p);
}

static void test_charsets(void **state)
{
    (void)state;
    props_t p = parse_as("k=\xe9", PROPS_LATIN1);
    assert_string_equal(props_get(&p, "k"), "\xc3\xa9");
    props_done(&p);
    p = parse_as("k=\xc3\xa9", PROPS_UTF8);
    assert_string_equal(props_get(&p, "k"), "\xc3\xa9");
    props_done(&p);
    p = parse_as("k=a\xe9z", PROPS_UTF8);
    assert_string_equal(props_get(&p, "k"), "a\xef\xbf\xbdz");
    props_done(&p);
}

static void test_last_duplicate_wins_in_the_first_place(void **state)
{
    (void)state;
    props_t p = parse_as("a=1\nb=2\na=3", PROPS_LATIN1);
    assert_int_equal(p.n, 2);
    assert_string_equal(p.pairs[0].name, "a");
    assert_string_equal(p.pairs[0].value, "3");
    props_done(&p);
}

static void test_map_operations(void **state)
{
    (void)state;
    props_t p = {0}, q = {0};
    props_set(&p, "a", "1");
    props_set(&p, "b", NULL);
    props_set(&q, "b", NULL);
    props_set(&q, "a", "1");
    cd_config_t x = props_view(&p), y = props_view(&q);
    assert_true(props_equal(&x, &y));
    props_set(&q, "b", "");
    y = props_view(&q);
    assert_false(props_equal(&x, &y));
    assert_true(props_has(&p, "b"));
    assert_null(props_get(&p, "b"));
    assert_true(props_remove(&p, "a"));
    assert_false(props_remove(&p, "a"));
    assert_int_equal(p.n, 1);
    props_done(&p);
    props_done(&q);
}

static void test_missing_file(void **state)
{
    (void)state;
    props_t p = {0};
    cd_err_t *err = props_load(&p, "/nonexistent/worker.properties", PROPS_LATIN1);
    assert_true(cd_err_is(err, CD_ERR_NOT_FOUND));
    cd_err_free(err);
    props_done(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_separators),
        cmocka_unit_test(test_trailing_blanks_of_values_stay),
        cmocka_unit_test(test_comments_and_blank_lines),
        cmocka_unit_test(test_continuation),
        cmocka_unit_test(test_escapes),
        cmocka_unit_test(test_charsets),
        cmocka_unit_test(test_last_duplicate_wins_in_the_first_place),
        cmocka_unit_test(test_map_operations),
        cmocka_unit_test(test_missing_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
