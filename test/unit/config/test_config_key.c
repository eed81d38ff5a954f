#include "runtime/config/config_key.h"
#include "test/unit/support/cmocka_all.h"

typedef struct conf {
    const char *name, *secret;
    int32_t tasks;
    int64_t wait_ms;
    double ratio;
    bool on;
    cd_list_t topics;
} conf_t;

static const char *const modes[] = {"none", "all", NULL};

static const char *check_even(const cd_key_t *key, const char *text, cd_arena_t *arena)
{
    (void)key;
    (void)arena;
    return strlen(text) % 2 == 0 ? NULL : "Length must be even";
}

static const cd_key_t keys[] = {
    {.name = "name", .type = CD_T_STRING, .flags = CD_K_REQUIRED, .at = offsetof(conf_t, name), .check = check_even},
    {.name = "tasks.max",
     .type = CD_T_INT,
     .dflt = "1",
     .flags = CD_K_RANGE_MIN,
     .min = 1,
     .at = offsetof(conf_t, tasks)},
    {.name = "wait.ms", .type = CD_T_LONG, .dflt = "-1", .at = offsetof(conf_t, wait_ms)},
    {.name = "ratio", .type = CD_T_DOUBLE, .dflt = "0.5", .at = offsetof(conf_t, ratio)},
    {.name = "on", .type = CD_T_BOOLEAN, .dflt = "true", .at = offsetof(conf_t, on)},
    {.name = "topics", .type = CD_T_LIST, .dflt = "", .at = offsetof(conf_t, topics)},
    {.name = "secret", .type = CD_T_PASSWORD, .at = offsetof(conf_t, secret)},
    {.name = "mode", .type = CD_T_STRING, .dflt = "none", .choices = modes, .at = CD_NO_FIELD},
    CD_KEY_END};

typedef struct seen {
    cd_problems_t problems;
    char text[2048];
} seen_t;

static void report(cd_problems_t *p, const char *key, const char *message)
{
    seen_t *s = p->arg;
    size_t n = strlen(s->text);
    (void)snprintf(s->text + n, sizeof(s->text) - n, "%s: %s\n", key, message);
}

static cd_err_t *parse(const cd_pair_t *pairs, uint32_t n, cd_arena_t *arena, conf_t *out, seen_t *seen)
{
    *seen = (seen_t){.problems = {.arg = seen, .report = report}};
    cd_config_t config = {.n = n, .pairs = pairs};
    return config_parse(keys, sizeof(cd_key_t), &config, arena, out, &seen->problems);
}

static void test_values_and_defaults(void **state)
{
    (void)state;
    cd_arena_t arena = {0};
    conf_t c = {0};
    seen_t seen;
    const cd_pair_t pairs[] = {{"name", " ab "},   {"tasks.max", "+3"}, {"on", "FALSE"},
                               {"topics", "a, b"}, {"secret", " s "},   {"unknown", "x"}};
    assert_null(parse(pairs, 6, &arena, &c, &seen));
    assert_string_equal(c.name, "ab");
    assert_int_equal(c.tasks, 3);
    assert_int_equal(c.wait_ms, -1);
    assert_true(c.ratio == 0.5);
    assert_false(c.on);
    assert_int_equal(c.topics.n, 2);
    assert_string_equal(c.topics.items[1], "b");
    assert_string_equal(c.secret, " s "); /* passwords are not trimmed */
    cd_arena_done(&arena);
}

static void test_all_problems_are_reported_in_kafkas_words(void **state)
{
    (void)state;
    cd_arena_t arena = {0};
    conf_t c = {0};
    seen_t seen;
    const cd_pair_t pairs[] = {
        {"tasks.max", "abc"}, {"wait.ms", "9223372036854775808"}, {"on", "yes"}, {"mode", "some"}, {"ratio", "0x1p3"}};
    cd_err_t *err = parse(pairs, 5, &arena, &c, &seen);
    assert_true(cd_err_is(err, CD_ERR_CONFIG));
    assert_string_equal(err->message, "Missing required configuration \"name\" which has no default value.");
    cd_err_free(err);
    assert_string_equal(
        seen.text, "name: Missing required configuration \"name\" which has no default value.\n"
                   "tasks.max: Invalid value abc for configuration tasks.max: Not a number of type INT\n"
                   "tasks.max: Invalid value null for configuration tasks.max: Value must be non-null\n"
                   "wait.ms: Invalid value 9223372036854775808 for configuration wait.ms: Not a number of type LONG\n"
                   "ratio: Invalid value 0x1p3 for configuration ratio: Not a number of type DOUBLE\n"
                   "on: Invalid value yes for configuration on: Expected value to be either true or false\n"
                   "mode: Invalid value some for configuration mode: String must be one of: none, all\n");
    cd_arena_done(&arena);
}

static void test_ranges_and_own_checks(void **state)
{
    (void)state;
    cd_arena_t arena = {0};
    conf_t c = {0};
    seen_t seen;
    const cd_pair_t pairs[] = {{"name", "odd"}, {"tasks.max", "0"}};
    cd_err_free(parse(pairs, 2, &arena, &c, &seen));
    assert_string_equal(seen.text,
                        "name: Invalid value odd for configuration name: Length must be even\n"
                        "tasks.max: Invalid value 0 for configuration tasks.max: Value must be at least 1\n");
    cd_arena_done(&arena);
}

/* A plugin built with a later header has longer rows; the host must step by the plugin's stride. */
static void test_rows_of_another_size(void **state)
{
    (void)state;
    struct {
        cd_key_t key;
        uint64_t more[2];
    } wide[] = {{.key = {.name = "tasks.max", .type = CD_T_INT, .dflt = "7", .at = offsetof(conf_t, tasks)}},
                {.key = {.name = "wait.ms", .type = CD_T_LONG, .dflt = "8", .at = offsetof(conf_t, wait_ms)}},
                {.key = CD_KEY_END}};
    cd_arena_t arena = {0};
    conf_t c = {0};
    cd_config_t none = {0};
    assert_null(config_parse(&wide[0].key, sizeof(wide[0]), &none, &arena, &c, NULL));
    assert_int_equal(c.tasks, 7);
    assert_int_equal(c.wait_ms, 8);
    cd_arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values_and_defaults),
        cmocka_unit_test(test_all_problems_are_reported_in_kafkas_words),
        cmocka_unit_test(test_ranges_and_own_checks),
        cmocka_unit_test(test_rows_of_another_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
