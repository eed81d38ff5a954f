#include "runtime/task/topic_rules.h"

#include "test/unit/support/cmocka_all.h"

static void test_first_group_that_includes_and_does_not_exclude_wins(void **state)
{
    (void)state;
    topic_rules_t *r;
    topic_plan_t p;
    cd_pair_t pairs[] = {
        {"topic.creation.groups", "logs, big"},          {"topic.creation.default.replication.factor", "1"},
        {"topic.creation.default.partitions", "3"},      {"topic.creation.default.cleanup.policy", "compact"},
        {"topic.creation.logs.include", "log-.*,audit"}, {"topic.creation.logs.exclude", "log-private.*"},
        {"topic.creation.logs.retention.ms", "1000"},    {"topic.creation.big.include", ".*private.*"},
        {"topic.creation.big.partitions", "12"}};
    cd_config_t config = {sizeof(pairs) / sizeof(pairs[0]), pairs};
    assert_null(topic_rules_new(true, &config, &r));
    assert_null(topic_rules_plan(r, "log-a", &p));
    assert_string_equal(p.group, "logs");
    assert_int_equal(p.partitions, 3);
    assert_string_equal(cd_config_get(&p.config, "retention.ms"), "1000");
    assert_null(cd_config_get(&p.config, "cleanup.policy")); /* the default group's settings are its own */
    assert_null(topic_rules_plan(r, "log-private-1", &p));
    assert_string_equal(p.group, "big");
    assert_int_equal(p.partitions, 12);
    assert_int_equal(p.replication, 1);
    assert_null(topic_rules_plan(r, "my-log-a", &p)); /* the whole name must match */
    assert_string_equal(p.group, "default");
    assert_string_equal(cd_config_get(&p.config, "cleanup.policy"), "compact");
    topic_rules_free(r);
}

static void test_inactive_without_keys_or_when_the_worker_says_so(void **state)
{
    (void)state;
    topic_rules_t *r;
    cd_pair_t pairs[] = {{"topic.creation.default.replication.factor", "1"},
                         {"topic.creation.default.partitions", "3"}};
    assert_null(topic_rules_new(true, &(cd_config_t){0, NULL}, &r));
    assert_null(r);
    assert_null(topic_rules_new(false, &(cd_config_t){2, pairs}, &r));
    assert_null(r);
}

static void test_settings_that_cannot_be_are_refused(void **state)
{
    (void)state;
    topic_rules_t *r;
    cd_pair_t missing[] = {{"topic.creation.default.partitions", "3"}};
    cd_pair_t twice[] = {{"topic.creation.default.partitions", "3"},
                         {"topic.creation.default.replication.factor", "1"},
                         {"topic.creation.groups", "a,a"}};
    cd_err_t *err = topic_rules_new(true, &(cd_config_t){1, missing}, &r);
    assert_int_equal(err->cls, CD_ERR_CONFIG);
    cd_err_free(err);
    err = topic_rules_new(true, &(cd_config_t){3, twice}, &r);
    assert_non_null(strstr(err->message, "Duplicate alias provided."));
    cd_err_free(err);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_first_group_that_includes_and_does_not_exclude_wins),
        cmocka_unit_test(test_inactive_without_keys_or_when_the_worker_says_so),
        cmocka_unit_test(test_settings_that_cannot_be_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
