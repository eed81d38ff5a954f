#include "connectors/file/file.h"

#include "test/unit/support/cmocka_all.h"

static void feed(lines_t *l, const char *text)
{
    size_t n = strlen(text);
    char *at = lines_reserve(l, n);
    assert_non_null(at);
    memcpy(at, text, n);
    l->end += n;
}

static void expect_line(lines_t *l, const char *text, size_t used)
{
    const char *line;
    size_t len, took;
    assert_true(lines_next(l, &line, &len, &took));
    assert_int_equal(len, strlen(text));
    assert_memory_equal(line, text, len);
    assert_int_equal(took, used);
}

static void expect_none(lines_t *l)
{
    const char *line;
    size_t len, took;
    assert_false(lines_next(l, &line, &len, &took));
}

static void test_all_three_line_ends(void **state)
{
    (void)state;
    lines_t l = {0};
    feed(&l, "a\nbb\r\nccc\rd\n\n");
    expect_line(&l, "a", 2);
    expect_line(&l, "bb", 4);
    expect_line(&l, "ccc", 4);
    expect_line(&l, "d", 2);
    expect_line(&l, "", 1);
    expect_none(&l);
    lines_done(&l);
}

static void test_a_line_waits_for_its_end_and_a_cr_for_what_follows(void **state)
{
    (void)state;
    lines_t l = {0};
    feed(&l, "par");
    expect_none(&l);
    feed(&l, "tial\r");
    expect_none(&l);
    feed(&l, "\nnext\r");
    expect_line(&l, "partial", 9);
    expect_none(&l);
    feed(&l, "x");
    expect_line(&l, "next", 5);
    expect_none(&l);
    lines_done(&l);
}

static void test_values_print_as_java_prints_them(void **state)
{
    (void)state;
    text_t t = {0};
    cd_value_t pair[] = {cd_v_str("k"), cd_v_int(CD_INT32, -7)};
    cd_value_t items[] = {cd_v_bool(true), CD_V_NULL, cd_v_f64(1.5), cd_v_items(CD_MAP, pair, 1), cd_v_f64(3)};
    cd_value_t all = cd_v_items(CD_ARRAY, items, 5);
    text_add_value(&t, NULL, &all);
    assert_int_equal(t.len, strlen("[true, null, 1.5, {k=-7}, 3.0]"));
    assert_memory_equal(t.data, "[true, null, 1.5, {k=-7}, 3.0]", t.len);
    free(t.data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_three_line_ends),
        cmocka_unit_test(test_a_line_waits_for_its_end_and_a_cr_for_what_follows),
        cmocka_unit_test(test_values_print_as_java_prints_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
