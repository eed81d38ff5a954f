/* The worker's settings: defaults, exact errors, listeners and the advertised address. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "runtime/base/log.h"
#include "runtime/main/options.h"
#include "runtime/main/worker_config.h"

static props_t good(void)
{
    props_t p = {0};
    props_set(&p, "group.id", "g");
    props_set(&p, "config.storage.topic", "c");
    props_set(&p, "offset.storage.topic", "o");
    props_set(&p, "status.storage.topic", "s");
    props_set(&p, "key.converter", "K");
    props_set(&p, "value.converter", "V");
    return p;
}

static void test_defaults(void **state)
{
    props_t p = good();
    worker_config_t *c;
    (void)state;
    cd_err_t *err = worker_config_new(true, &p, &c);
    assert_null(err);
    assert_int_equal(c->offset_partitions, 25);
    assert_int_equal(c->config_replication, 3);
    assert_int_equal(c->task_shutdown_timeout_ms, 5000);
    assert_true(c->topic_tracking_enable);
    assert_string_equal(c->connect_protocol, "sessioned");
    assert_int_equal(c->eos, WORKER_EOS_DISABLED);
    assert_int_equal(c->listeners.n, 1);
    assert_int_equal(c->listeners.items[0].port, 8083);
    assert_string_equal(c->listeners.items[0].host, "");
    assert_false(c->has_admin_listeners);
    assert_string_equal(c->client_base, "g-");
    worker_config_free(c);
}

static void expect_error(const char *name, const char *value, const char *message)
{
    props_t p = good();
    worker_config_t *c;
    if (value == NULL)
        (void)props_remove(&p, name);
    else
        props_set(&p, name, value);
    cd_err_t *err = worker_config_new(true, &p, &c);
    assert_non_null(err);
    assert_string_equal(err->message, message);
    cd_err_free(err);
}

static void test_errors(void **state)
{
    (void)state;
    expect_error("group.id", NULL, "Missing required configuration \"group.id\" which has no default value.");
    expect_error(
        "offset.storage.partitions", "0",
        "Invalid value 0 for configuration offset.storage.partitions: Number of partitions must be positive, or "
        "-1 to use the broker's default");
    expect_error("config.storage.replication.factor", "0",
                 "Invalid value 0 for configuration config.storage.replication.factor: Replication factor must be "
                 "positive and not larger than the number of brokers in the Kafka cluster, or -1 to use the broker's "
                 "default");
    expect_error("heartbeat.interval.ms", "10000", "Heartbeat must be set lower than the session timeout");
    expect_error("connect.protocol", "foo",
                 "Invalid value foo for configuration connect.protocol: Invalid Connect protocol compatibility");
    expect_error("offset.flush.interval.ms", "soon",
                 "Invalid value soon for configuration offset.flush.interval.ms: Not a number of type LONG");
    expect_error(
        "topic.tracking.enable", "maybe",
        "Invalid value maybe for configuration topic.tracking.enable: Expected value to be either true or false");
    expect_error("inter.worker.verification.algorithms", "HmacSHA1",
                 "Signature algorithm must be present in inter.worker.verification.algorithms list");
    expect_error("listeners", "localhost:8083", "Listener doesn't have the right format (protocol://hostname:port).");
    expect_error("listeners", "ftp://localhost:8083", "Listener protocol must be either \"http\" or \"https\".");
    expect_error("listeners", "http://a:1,", "Empty URL found when parsing listeners list.");
    expect_error("listeners", "",
                 "Invalid value for listeners, at least one URL is expected, ex: "
                 "http://localhost:8080,https://localhost:8443.");
}

static void expect_advertised(const char *const *settings, uint16_t bound, const char *url, const char *id)
{
    props_t p = good();
    worker_config_t *c;
    cd_arena_t arena = {0};
    const char *got_url, *got_id;
    for (; *settings != NULL; settings += 2) props_set(&p, settings[0], settings[1]);
    cd_err_t *err = worker_config_new(true, &p, &c);
    assert_null(err);
    worker_config_advertised(c, bound, &arena, &got_url, &got_id);
    assert_string_equal(got_url, url);
    assert_string_equal(got_id, id);
    cd_arena_done(&arena);
    worker_config_free(c);
}

static void test_advertised_address(void **state)
{
    static const char *const container[] = {"rest.port", "8083", "rest.advertised.host.name", "kafka-connect", NULL};
    static const char *const any_port[] = {"listeners", "http://127.0.0.1:0", NULL};
    static const char *const both[] = {"listeners", "https://h:1,http://p:2", NULL};
    static const char *const secure[] = {"listeners", "https://h:1,http://p:2", "rest.advertised.listener", "HTTPS",
                                         NULL};
    static const char *const port[] = {"listeners", "http://h:1", "rest.advertised.port", "99", NULL};
    static const char *const six[] = {"listeners", "http://[::1]:1", NULL};
    (void)state;
    expect_advertised(container, 0, "http://kafka-connect:8083/", "kafka-connect:8083");
    expect_advertised(any_port, 4711, "http://127.0.0.1:4711/", "127.0.0.1:4711");
    expect_advertised(both, 0, "http://p:2/", "p:2");
    expect_advertised(secure, 0, "https://h:1/", "h:1");
    expect_advertised(port, 0, "http://h:99/", "h:99");
    expect_advertised(six, 0, "http://[::1]:1/", "[::1]:1");
}

static void test_every_row_of_both_tables(void **state)
{
    (void)state;
    for (int mode = 0; mode < 2; mode++) {
        for (const cd_key_t *k = worker_config_keys(mode == 1); k->name != NULL; k++) {
            assert_true(k->doc != NULL && k->doc[0] != '\0');
            assert_true(k->at < sizeof(worker_config_t));
            for (const cd_key_t *other = worker_config_keys(mode == 1); other != k; other++)
                assert_string_not_equal(other->name, k->name);
        }
    }
}

static options_t parse(const char *const *argv, bool environment)
{
    int argc = 0;
    while (argv[argc] != NULL) argc++;
    return options_parse(argc, (char *const *)(uintptr_t)argv, environment);
}

static void test_command_line(void **state)
{
    static const char *const distributed[] = {"/usr/bin/connectd", "distributed", "w.properties", "extra", NULL};
    static const char *const by_name[] = {"/opt/bin/connect-distributed", "-daemon", "w.properties", NULL};
    static const char *const standalone[] = {"connectd", "standalone", "w.properties", "a.json", "b.properties", NULL};
    static const char *const none[] = {"connectd", NULL}, *const no_file[] = {"connectd", "distributed", NULL};
    static const char *const help[] = {"connectd", "distributed", "w", "--help", NULL};
    static const char *const version[] = {"connectd", "--version", NULL};
    (void)state;
    options_t o = parse(distributed, false);
    assert_int_equal(o.mode, OPTIONS_DISTRIBUTED);
    assert_string_equal(o.properties, "w.properties");
    assert_int_equal(o.nfiles, 0);
    o = parse(by_name, false);
    assert_int_equal(o.mode, OPTIONS_DISTRIBUTED);
    assert_string_equal(o.properties, "w.properties");
    o = parse(standalone, false);
    assert_int_equal(o.mode, OPTIONS_STANDALONE);
    assert_int_equal(o.nfiles, 2);
    assert_string_equal(o.files[1], "b.properties");
    assert_int_equal(parse(none, true).mode, OPTIONS_USAGE);
    assert_int_equal(parse(no_file, false).mode, OPTIONS_USAGE);
    o = parse(no_file, true);
    assert_int_equal(o.mode, OPTIONS_DISTRIBUTED);
    assert_null(o.properties);
    assert_int_equal(parse(help, false).mode, OPTIONS_USAGE);
    assert_int_equal(parse(version, false).mode, OPTIONS_VERSION);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),           cmocka_unit_test(test_errors),
        cmocka_unit_test(test_advertised_address), cmocka_unit_test(test_every_row_of_both_tables),
        cmocka_unit_test(test_command_line),
    };
    log_set_level("root", LOG_OFF);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    log_done();
    return failed;
}
