#include "runtime/base/str.h"
#include "runtime/validation/connector_keys.h"
#include "runtime/validation/rules.h"
#include "test/unit/support/cmocka_all.h"

static const cd_key_t router_keys[] = {
    {.name = "regex", .type = CD_T_STRING, .importance = CD_HIGH, .flags = CD_K_REQUIRED, .at = CD_NO_FIELD},
    {.name = "replacement", .type = CD_T_STRING, .importance = CD_HIGH, .flags = CD_K_REQUIRED, .at = CD_NO_FIELD},
    CD_KEY_END};
static const cd_plugin_t router = {CD_PLUGIN_HEAD, .kind = CD_KIND_TRANSFORM,
                                   .jvm_class = "org.apache.kafka.connect.transforms.RegexRouter", .version = "1",
                                   .keys = router_keys};
static const cd_plugin_t converter = {CD_PLUGIN_HEAD, .kind = CD_KIND_CONVERTER,
                                      .jvm_class = "org.apache.kafka.connect.json.JsonConverter", .version = "1"};
static const cd_plugin_t *const builtin[] = {&router, &converter, NULL};

typedef struct fixture {
    cd_arena_t arena;
    plugins_t *plugins;
    worker_config_t worker;
    entries_t entries;
} fixture_t;

static void setup(fixture_t *f)
{
    *f = (fixture_t){.worker = {.distributed = true, .group_id = "connect-s", .client_override_policy = "All"}};
    f->plugins = plugins_new();
    plugins_add_builtin(f->plugins, builtin);
    f->entries.arena = &f->arena;
}

static void teardown(fixture_t *f)
{
    entries_done(&f->entries);
    plugins_free(f->plugins);
    cd_arena_done(&f->arena);
}

static void check(fixture_t *f, uint32_t kind, const cd_pair_t *pairs, uint32_t n)
{
    cd_config_t config = {.n = n, .pairs = pairs};
    for (const connector_key_t *row = connector_keys(kind); row->key.name != NULL; row++) {
        entry_t *e = entries_add(&f->entries, row->key.name, &row->key);
        config_check(&row->key, &config, row->key.name, &f->arena, &e->r);
    }
    rules_common(&f->entries, f->plugins, &f->worker, kind, &config);
    rules_transforms(&f->entries, f->plugins, &config);
    rules_predicates(&f->entries, f->plugins, &config);
    rules_client_overrides(&f->entries, f->worker.client_override_policy, kind, &config);
    rules_converters(&f->entries, f->plugins, &config);
}

static void expect_errors(fixture_t *f, const char *name, const char *joined)
{
    entry_t *e = entries_find(&f->entries, name);
    assert_non_null(e);
    char *text = cd_arena_strdup(&f->arena, "");
    for (uint32_t i = 0; i < e->r.nerrors; i++)
        text = cd_arena_printf(&f->arena, "%s%s%s", text, i > 0 ? "|" : "", e->r.errors[i]);
    assert_string_equal(text, joined);
}

static void test_a_sink_needs_topics(void **state)
{
    (void)state;
    fixture_t f;
    setup(&f);
    const cd_pair_t pairs[] = {{"name", "n"}, {"connector.class", "x"}};
    check(&f, CD_KIND_SINK, pairs, 2);
    expect_errors(&f, "topics", "Must configure one of topics or topics.regex");
    expect_errors(&f, "topics.regex", "Must configure one of topics or topics.regex");
    assert_int_equal(entries_error_count(&f.entries), 2);
    teardown(&f);
}

static void test_dlq_may_not_be_consumed(void **state)
{
    (void)state;
    fixture_t f;
    setup(&f);
    const cd_pair_t pairs[] = {
        {"name", "n"}, {"connector.class", "x"}, {"topics.regex", "d.*"}, {"errors.deadletterqueue.topic.name", "dlq"}};
    check(&f, CD_KIND_SINK, pairs, 4);
    expect_errors(
        &f, "topics.regex",
        "The DLQ topic 'dlq' may not be matched by the regex for the topics ('topics.regex=d.*') consumed by the "
        "connector");
    teardown(&f);
}

static void test_the_workers_group_is_taken(void **state)
{
    (void)state;
    fixture_t f;
    setup(&f);
    const cd_pair_t pairs[] = {{"name", "s"}, {"connector.class", "x"}, {"topics", "t"}};
    check(&f, CD_KIND_SINK, pairs, 3);
    expect_errors(&f, "name",
                  "Consumer group for sink connector named s conflicts with Connect worker group connect-s");
    teardown(&f);
}

static void test_transform_rows_come_in_connects_order(void **state)
{
    (void)state;
    fixture_t f;
    setup(&f);
    const cd_pair_t pairs[] = {{"name", "n"},
                               {"connector.class", "x"},
                               {"transforms", "r,q"},
                               {"transforms.r.type", "RegexRouter"},
                               {"transforms.r.regex", "a"},
                               {"transforms.r.negate", "true"},
                               {"transforms.q.type", "org.apache.kafka.connect.json.JsonConverter"}};
    check(&f, CD_KIND_SOURCE, pairs, 7);
    static const char *const order[] = {"type", "regex", "replacement", "negate", "predicate"};
    for (int i = 0; i < 5; i++)
        assert_int_equal(entries_find(&f.entries, cd_arena_printf(&f.arena, "transforms.r.%s", order[i]))->order, i);
    assert_string_equal(entries_find(&f.entries, "transforms.r.type")->r.text,
                        "org.apache.kafka.connect.transforms.RegexRouter");
    expect_errors(&f, "transforms.r.replacement",
                  "Missing required configuration \"transforms.r.replacement\" which has no default value.");
    expect_errors(
        &f, "transforms.r.type",
        "Config 'transforms.r.negate' was provided but there is no config 'transforms.r.predicate' defining a "
        "predicate to be negated.");
    expect_errors(&f, "transforms.q.type",
                  "Class class org.apache.kafka.connect.json.JsonConverter does not implement the Transformation "
                  "interface");
    teardown(&f);
}

static void test_override_policies(void **state)
{
    (void)state;
    fixture_t f;
    setup(&f);
    f.worker.client_override_policy = "Principal";
    const cd_pair_t pairs[] = {{"name", "n"},
                               {"connector.class", "x"},
                               {"producer.override.acks", "1"},
                               {"producer.override.sasl.jaas.config", "secret"}};
    check(&f, CD_KIND_SOURCE, pairs, 4);
    expect_errors(&f, "producer.override.acks",
                  "The 'Principal' policy does not allow 'acks' to be overridden in the connector configuration.");
    expect_errors(&f, "producer.override.sasl.jaas.config", "");
    assert_string_equal(entries_find(&f.entries, "producer.override.sasl.jaas.config")->r.text, "[hidden]");
    teardown(&f);
}

static void test_unknown_classes_and_passwords_in_json(void **state)
{
    (void)state;
    fixture_t f;
    setup(&f);
    const cd_pair_t pairs[] = {
        {"name", "n"}, {"connector.class", "x"}, {"value.converter", "no.Such"}, {"key.converter", "JsonConverter"}};
    check(&f, CD_KIND_SOURCE, pairs, 4);
    expect_errors(&f, "value.converter",
                  "Invalid value no.Such for configuration value.converter: Class no.Such could not be found.");
    static const cd_key_t secret[] = {{.name = "password", .type = CD_T_PASSWORD, .at = CD_NO_FIELD}, CD_KEY_END};
    const cd_pair_t given[] = {{"password", "hunter2"}};
    entries_add_table(&f.entries, secret, sizeof(cd_key_t), "", &(cd_config_t){.n = 1, .pairs = given}, false);
    json_t *all = entries_json(&f.entries, "x");
    char *text = json_dumps(all, 0);
    assert_null(strstr(text, "hunter2"));
    assert_non_null(strstr(text, "[hidden]"));
    free(text);
    json_decref(all);
    teardown(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_sink_needs_topics),        cmocka_unit_test(test_dlq_may_not_be_consumed),
        cmocka_unit_test(test_the_workers_group_is_taken), cmocka_unit_test(test_transform_rows_come_in_connects_order),
        cmocka_unit_test(test_override_policies),          cmocka_unit_test(test_unknown_classes_and_passwords_in_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
