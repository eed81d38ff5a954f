/* Checks of settings in the words users know, lists, and parsed forms. */
#include "test/unit/support/cmocka_all.h"

#include "connectors/sqlserver/conf.h"
#include "connectors/sqlserver/conf_rules.h"
#include "test/unit/connectors/sqlserver/host.h"

typedef struct seen {
    uint32_t n;
    char key[16][80], text[16][400];
} seen_t;

static void note(void *arg, const cd_key_t *key, const char *problem)
{
    seen_t *s = arg;
    if (s->n == 16) return;
    (void)snprintf(s->key[s->n], sizeof(s->key[0]), "%s", key->name);
    (void)snprintf(s->text[s->n++], sizeof(s->text[0]), "%s", problem);
}

static seen_t check(const char *key, const char *value)
{
    cd_pair_t pairs[] = {{"topic.prefix", "s"}, {"database.names", "d"}, {"database.hostname", "h"}, {key, value}};
    cd_config_t config = {.n = key != NULL ? 4 : 3, .pairs = pairs};
    seen_t s = {0};
    (void)conf_check(&config, note, &s);
    return s;
}

static void assert_problem(const char *key, const char *value, const char *expected)
{
    seen_t s = check(key, value);
    if (s.n != 1) fail_msg("%s=%s: %u problems", key, value, s.n);
    assert_string_equal(s.key[0], key);
    assert_string_equal(s.text[0], expected);
}

static void test_nothing_given(void **state)
{
    (void)state;
    cd_config_t none = {.n = 0};
    seen_t s = {0};
    assert_int_equal(conf_check(&none, note, &s), 3);
    assert_string_equal(s.key[0], "topic.prefix");
    assert_string_equal(s.text[0], "A value is required");
    assert_string_equal(s.key[1], "database.names");
    assert_string_equal(s.text[1], "Cannot be empty");
    assert_string_equal(s.key[2], "database.hostname");
}

static void test_wrong_values(void **state)
{
    (void)state;
    assert_problem("max.batch.size", "abc", "An integer is expected");
    assert_problem("max.batch.size", "0", "A positive, non-zero integer value is expected");
    assert_problem("poll.interval.ms", "x", "A long value is expected");
    assert_problem("tombstones.on.delete", "yes", "Either 'true' or 'false' is expected");
    assert_problem("skipped.operations", "x", "Invalid operation");
    assert_problem("skipped.operations", "none,c", "'none' cannot be specified with other skipped operation types");
    assert_problem("max.queue.size", "2048", "Must be larger than the maximum batch size");
    assert_problem("message.key.columns", "", "Must not be empty");
    assert_problem("message.key.columns", "dbo.t1",
                   "dbo.t1 has an invalid format (expecting '^\\s*([^:]+):([^:,]+(,[^:,]+)*)\\s*$')");
    assert_problem("message.key.columns", "dbo.t1:a,,b",
                   "dbo.t1:a,,b has an invalid format (expecting '^\\s*([^:]+):([^:,]+(,[^:,]+)*)\\s*$')");
    assert_problem("decimal.handling.mode", "exact", "Value must be one of string, double, precise");
    assert_problem("snapshot.mode", "no_snapshot",
                   "Value must be one of always, initial_only, configuration_based, when_needed, initial, custom, "
                   "schema_only, no_data, recovery");
    assert_problem("topic.delimiter", " ",
                   "  has invalid format (only the underscore, hyphen, dot and alphanumeric characters are allowed)");
}

static void test_good_values(void **state)
{
    (void)state;
    static const char *const good[][2] = {{"snapshot.mode", "schema_only"},
                                          {"snapshot.mode", "SCHEMA_ONLY "},
                                          {"snapshot.mode", "when_needed_no_data"},
                                          {"snapshot.locking.mode", "minimal"},
                                          {"foo.bar", "1"},
                                          {"table.include.list", "a\\,b,dbo\\.o.*"},
                                          {"time.precision.mode", "Connect"},
                                          {"message.key.columns", "dbo.t1:k1,k2;"},
                                          {"skipped.operations", "c, u,d"}};
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        seen_t s = check(good[i][0], good[i][1]);
        if (s.n != 0) fail_msg("%s=%s: %s", good[i][0], good[i][1], s.text[0]);
    }
}

static void test_regex_and_both_lists(void **state)
{
    (void)state;
    seen_t s = check("table.include.list", "dbo.(");
    assert_int_equal(s.n, 1);
    assert_int_equal(strncmp(s.text[0], "A comma-separated list of valid regular expressions is expected, but ", 69),
                     0);
    cd_pair_t pairs[] = {{"topic.prefix", "s"},
                         {"database.names", "d"},
                         {"database.hostname", "h"},
                         {"table.include.list", "dbo.a"},
                         {"table.exclude.list", "b"}};
    cd_config_t config = {.n = 5, .pairs = pairs};
    s = (seen_t){0};
    assert_int_equal(conf_check(&config, note, &s), 1);
    assert_string_equal(s.key[0], "table.exclude.list");
    assert_string_equal(s.text[0], "\"table.include.list\" is already specified");
}

static void test_parsed_form(void **state)
{
    (void)state;
    cd_pair_t pairs[] = {{"topic.prefix", "s"},
                         {"database.names", " a , b"},
                         {"database.hostname", "h"},
                         {"snapshot.mode", "Schema_Only"},
                         {"snapshot.locking.mode", "none"},
                         {"database.applicationIntent", "ReadOnly"},
                         {"value.converter", "io.confluent.connect.avro.AvroConverter"},
                         {"column.mask.with.4.chars", "dbo.t.secret"},
                         {"message.key.columns", "dbo.(.*): a , b;dbo.x:c"},
                         {"skipped.operations", "u,d"}};
    cd_config_t config = {.n = 10, .pairs = pairs};
    cd_ctx_t ctx = {.config = &config};
    conf_t c;
    assert_null(conf_load(&ctx, &config, "T", &c));
    assert_int_equal(c.ndatabases, 2);
    assert_string_equal(c.databases[1], "b");
    assert_int_equal(c.mode, SNAPSHOT_NO_DATA);
    assert_false(c.lock_tables);
    assert_true(c.read_only);
    assert_int_equal(c.isolation, ISOLATION_SNAPSHOT);
    assert_int_equal(c.field_adjust, ADJUST_AVRO);
    assert_int_equal(c.schema_adjust, ADJUST_NONE);
    assert_int_equal(c.nmappers, 1);
    assert_int_equal(c.mappers[0].n, 4);
    assert_int_equal(c.nkey_rules, 2);
    assert_string_equal(c.key_rules[0].table, "dbo.(.*)");
    assert_string_equal(c.key_rules[0].columns[1], "b");
    assert_true(c.skip_update && c.skip_delete && !c.skip_create);
    assert_int_equal(c.k.max_batch_size, 2048);
    assert_int_equal(c.k.poll_interval_ms, 500);
    conf_done(&c);
}

static void test_what_needs_java_is_refused(void **state)
{
    (void)state;
    static const char *const keys[][2] = {{"converters", "isbn"},
                                          {"post.processors", "x"},
                                          {"column.mask.hash.SHA-7.with.salt.abc", "dbo.t.c"},
                                          {"column.mask.hash.SHA-256.with.no", "dbo.t.c"}};
    for (size_t i = 0; i < 4; i++) {
        cd_pair_t pairs[] = {
            {"topic.prefix", "s"}, {"database.names", "d"}, {"database.hostname", "h"}, {keys[i][0], keys[i][1]}};
        cd_config_t config = {.n = 4, .pairs = pairs};
        cd_ctx_t ctx = {.config = &config};
        conf_t c;
        cd_err_t *err = conf_load(&ctx, &config, "T", &c);
        assert_non_null(err);
        assert_non_null(strstr(err->message, i >= 2 ? "column.mask.hash" : keys[i][0]));
        assert_null(strstr(err->message, "abc")); /* the salt */
        cd_err_free(err);
    }
}

static void test_every_row_is_complete(void **state)
{
    (void)state;
    cd_arena_t arena = {0};
    for (const cd_key_t *k = conf_keys; k->name != NULL; k++) {
        if (k->doc == NULL || k->display == NULL || k->group == NULL) fail_msg("%s has no text", k->name);
        assert_true((k->flags & CD_K_SELF_CHECKED) != 0);
        if (k->dflt != NULL && k->check != NULL && k->check(k, k->dflt, &arena) != NULL)
            fail_msg("%s: the default is refused", k->name);
        for (const cd_key_t *o = conf_keys; o != k; o++) assert_string_not_equal(o->name, k->name);
    }
    cd_arena_done(&arena);
}

static void test_lists_match_whole_names_without_case(void **state)
{
    (void)state;
    match_list_t l;
    assert_null(match_list_init(&l, "dbo.orders , dbo\\.cust.*,,a\\,b"));
    assert_int_equal(l.n, 3);
    assert_int_equal(match_list_find(&l, "DBO.Orders"), 0);
    assert_int_equal(match_list_find(&l, "dboxorders"), 0); /* the dot is any character */
    assert_int_equal(match_list_find(&l, "warehouse.dbo.orders"), -1);
    assert_int_equal(match_list_find(&l, "dbo.customers"), 1);
    assert_int_equal(match_list_find(&l, "a,b"), 2);
    match_list_done(&l);
    assert_null(match_list_init(&l, NULL));
    assert_false(match_list_any(&l, "x"));
}

static int setup(void **state)
{
    (void)state;
    host_install();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_given),         cmocka_unit_test(test_wrong_values),
        cmocka_unit_test(test_good_values),           cmocka_unit_test(test_regex_and_both_lists),
        cmocka_unit_test(test_parsed_form),           cmocka_unit_test(test_what_needs_java_is_refused),
        cmocka_unit_test(test_every_row_is_complete), cmocka_unit_test(test_lists_match_whole_names_without_case),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
