#include "runtime/client/java_regex.h"

#include <setjmp.h>

#include <cmocka.h>

static bool whole(const char *pattern, const char *text)
{
    java_regex_t *re = NULL;
    cd_err_t *err = java_regex_new(pattern, 0, &re);
    if (err != NULL) print_error("%s\n", err->message);
    assert_null(err);
    bool match = false;
    assert_null(java_regex_matches(re, text, strlen(text), &match));
    java_regex_free(re);
    return match;
}

static void expect_replace(const char *pattern, const char *replacement, const char *text, bool all, const char *want)
{
    cd_arena_t arena = {0};
    java_regex_t *re = NULL;
    const char *got = NULL;
    assert_null(java_regex_new(pattern, 0, &re));
    cd_err_t *err = all ? java_regex_replace_all(re, text, strlen(text), replacement, &arena, &got)
                        : java_regex_replace_first(re, text, strlen(text), replacement, &arena, &got);
    assert_string_equal(err != NULL ? err->message : got, want);
    cd_err_free(err);
    java_regex_free(re);
    cd_arena_done(&arena);
}

static void expect_refused(const char *pattern, const char *start_of_message)
{
    java_regex_t *re = NULL;
    cd_err_t *err = java_regex_new(pattern, 0, &re);
    if (err == NULL) print_error("accepted: %s\n", pattern);
    assert_non_null(err);
    assert_int_equal(err->cls, CD_ERR_CONFIG);
    if (strncmp(err->message, start_of_message, strlen(start_of_message)) != 0)
        assert_string_equal(err->message, start_of_message);
    cd_err_free(err);
}

static void test_whole_text_matches(void **state)
{
    (void)state;
    assert_true(whole("sqlserver\\.warehouse_source\\.dbo\\.(.*)", "sqlserver.warehouse_source.dbo.customers"));
    assert_false(whole("sqlserver\\.warehouse_source\\.dbo\\.(.*)", "xsqlserver.warehouse_source.dbo.t"));
    assert_true(whole("a|ab", "ab"));
    assert_true(whole("\\Qa.b\\E", "a.b"));
    assert_false(whole("\\Qa.b\\E", "axb"));
    assert_true(whole("\\u0041\\x42\\x{43}\\0104", "ABCD"));
    assert_false(whole("\\w", "é"));
    assert_true(whole("(?U)\\w", "é"));
    assert_true(whole("\\p{Alpha}\\p{IsLatin}\\P{Digit}", "aéx"));
    assert_true(whole("(?i)ABC", "abc"));
    assert_true(whole("(?u)abc", "abc"));
    assert_true(whole("dbo\\.[^.]+", "dbo.t1"));
}

static void test_class_sets(void **state)
{
    (void)state;
    assert_true(whole("[a-z&&[^b]]", "a"));
    assert_false(whole("[a-z&&[^b]]", "b"));
    assert_true(whole("[a[bc]]+", "abc"));
    assert_true(whole("[]a]", "]"));
    assert_true(whole("[^a-c&&b]", "b") == false);
    assert_true(whole("[^[ab]]", "c"));
    assert_false(whole("[^[ab]]", "a"));
    assert_true(whole("[a-z&&[def]]{2}", "de"));
}

static void test_replacement(void **state)
{
    (void)state;
    expect_replace("sqlserver\\.warehouse_source\\.dbo\\.(.*)", "$1", "sqlserver.warehouse_source.dbo.customers", false,
                   "customers");
    expect_replace("a|ab", "X", "ab", false, "Xb");
    expect_replace("(a)", "$10", "a", false, "a0");
    expect_replace("(a)", "$2", "a", false, "No group 2");
    expect_replace("(?<n>a)(b)?", "[${n}$2]", "ac", false, "[a]c");
    expect_replace("(?<n>a)", "${m}", "a", false, "No group with name {m}");
    expect_replace("(?<n>a)", "${n", "a", false, "named capturing group is missing trailing '}'");
    expect_replace("a", "\\$1\\\\", "a", false, "$1\\");
    expect_replace("a", "x\\", "a", false, "character to be escaped is missing");
    expect_replace("a", "$", "a", false, "Illegal group reference: group index is missing");
    expect_replace("a", "$x", "a", false, "Illegal group reference");
    expect_replace("b*", "-", "abé", true, "-a--é-");
}

static void test_refused_patterns(void **state)
{
    (void)state;
    expect_refused("top(", "Unclosed group near index 4\ntop(");
    expect_refused("[", "Unclosed character class near index 0\n[\n^");
    expect_refused("*", "Dangling meta character '*' near index 0\n*\n^");
    expect_refused("a)", "Unmatched closing ')'");
    expect_refused("(?<a_b>x)", "named capturing group is missing trailing '>'");
    expect_refused("a{,3}", "Illegal repetition");
    expect_refused("a{1", "Unclosed counted closure");
    expect_refused("(*FAIL)", "Dangling meta character '*'");
    expect_refused("a\\K", "Illegal/unsupported escape sequence");
    expect_refused("(?R)", "Unknown inline modifier");
    expect_refused("(?|a)", "Unknown inline modifier");
    expect_refused("(?P<n>a)", "Unknown inline modifier");
    expect_refused("(?<n>a)(?<n>b)", "");
    expect_refused("\\p{InGreek}", "This character property");
}

static void test_backtracking_is_bounded(void **state)
{
    (void)state;
    char text[4001];
    memset(text, 'a', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    java_regex_t *re = NULL;
    assert_null(java_regex_new("(a+)+(a+)+b", 0, &re));
    bool match = true;
    cd_err_t *err = java_regex_matches(re, text, sizeof(text) - 1, &match);
    if (err != NULL) assert_int_equal(err->cls, CD_ERR_DATA);
    assert_false(match);
    cd_err_free(err);
    java_regex_free(re);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole_text_matches),
        cmocka_unit_test(test_class_sets),
        cmocka_unit_test(test_replacement),
        cmocka_unit_test(test_refused_patterns),
        cmocka_unit_test(test_backtracking_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
