#include "runtime/client/kafka_conf_priv.h"

#include "test/unit/support/cmocka_all.h"

#include <unistd.h>

/** The native value of a key after translating these pairs; "" when the key is not set. */
static void translated(enum kafka_role role, const cd_pair_t *pairs, uint32_t n, const char *native, char out[256])
{
    cd_config_t layer = {n, pairs};
    rd_kafka_conf_t *conf;
    size_t len = 256;
    cd_err_t *err = kafka_conf_new(role, &layer, 1, &conf);
    if (err != NULL) fail_msg("%s", err->message);
    if (rd_kafka_conf_get(conf, native, out, &len) != RD_KAFKA_CONF_OK) {
        len = 256;
        rd_kafka_topic_conf_t *tc = rd_kafka_conf_get_default_topic_conf(conf);
        if (tc == NULL || rd_kafka_topic_conf_get(tc, native, out, &len) != RD_KAFKA_CONF_OK) out[0] = '\0';
    }
    rd_kafka_conf_destroy(conf);
}

#define expect(role, java, value, native, expected)                                                                    \
    do {                                                                                                               \
        char out_[256];                                                                                                \
        cd_pair_t pair_ = {java, value};                                                                               \
        translated(role, &pair_, 1, native, out_);                                                                     \
        assert_string_equal(out_, expected);                                                                           \
    } while (0)

static cd_err_t *refusal(enum kafka_role role, const cd_pair_t *pairs, uint32_t n)
{
    cd_config_t layer = {n, pairs};
    rd_kafka_conf_t *conf;
    cd_err_t *err = kafka_conf_new(role, &layer, 1, &conf);
    if (err == NULL) rd_kafka_conf_destroy(conf);
    assert_non_null(err);
    assert_int_equal(err->cls, CD_ERR_CONFIG);
    return err;
}

static void test_java_names_and_units(void **state)
{
    (void)state;
    expect(KAFKA_CONSUMER, "fetch.max.wait.ms", "123", "fetch.wait.max.ms", "123");
    expect(KAFKA_PRODUCER, "max.request.size", "2000000", "message.max.bytes", "2000000");
    expect(KAFKA_PRODUCER, "buffer.memory", "1048576", "queue.buffering.max.kbytes", "1024");
    expect(KAFKA_PRODUCER, "buffer.memory", "10", "queue.buffering.max.kbytes", "1");
    expect(KAFKA_PRODUCER, "send.buffer.bytes", "-1", "socket.send.buffer.bytes", "0");
    expect(KAFKA_PRODUCER, "linger.ms", "7", "linger.ms", "7");
    expect(KAFKA_PRODUCER, "batch.size", "16384", "batch.size", "1000000");
    expect(KAFKA_PRODUCER, "batch.size", "4000000", "batch.size", "4000000");
    expect(KAFKA_PRODUCER, "compression.type", "zstd", "compression.codec", "zstd");
    expect(KAFKA_CONSUMER, "partition.assignment.strategy", "org.apache.kafka.clients.consumer.RoundRobinAssignor",
           "partition.assignment.strategy", "roundrobin");
    expect(
        KAFKA_CONSUMER, "partition.assignment.strategy",
        "org.apache.kafka.clients.consumer.RangeAssignor, org.apache.kafka.clients.consumer.CooperativeStickyAssignor",
        "partition.assignment.strategy", "range");
    expect(KAFKA_ADMIN, "request.timeout.ms", "40000", "socket.timeout.ms", "40000");
}

static void test_defaults_are_javas_where_they_show(void **state)
{
    (void)state;
    expect(KAFKA_PRODUCER, "x.unknown", "1", "partitioner", "murmur2_random");
    expect(KAFKA_PRODUCER, "x.unknown", "1", "linger.ms", "0");
    expect(KAFKA_CONSUMER, "x.unknown", "1", "isolation.level", "read_uncommitted");
    expect(KAFKA_CONSUMER, "x.unknown", "1", "allow.auto.create.topics", "true");
    expect(KAFKA_CONSUMER, "enable.auto.commit", "true", "enable.auto.commit", "false"); /* the worker commits */
}

static void test_what_could_run_code_is_not_passed_on(void **state)
{
    (void)state;
    expect(KAFKA_PRODUCER, "plugin.library.paths", "/tmp/evil.so", "plugin.library.paths", "");
    expect(
        KAFKA_PRODUCER, "sasl.kerberos.kinit.cmd", "touch /tmp/x", "sasl.kerberos.kinit.cmd",
        "kinit -R -t \"%{sasl.kerberos.keytab}\" -k %{sasl.kerberos.principal} || kinit -t \"%{sasl.kerberos.keytab}\" "
        "-k %{sasl.kerberos.principal}");
}

static void test_later_layers_win(void **state)
{
    (void)state;
    char out[64];
    size_t len = sizeof(out);
    cd_pair_t worker[] = {{"linger.ms", "nonsense"}}, connector[] = {{"linger.ms", "9"}};
    cd_config_t layers[] = {{1, worker}, {1, connector}};
    rd_kafka_conf_t *conf;
    assert_null(kafka_conf_new(KAFKA_PRODUCER, layers, 2, &conf)); /* what is overridden is not even looked at */
    assert_int_equal(rd_kafka_conf_get(conf, "linger.ms", out, &len), RD_KAFKA_CONF_OK);
    assert_string_equal(out, "9");
    rd_kafka_conf_destroy(conf);
}

static void test_sasl_from_jaas(void **state)
{
    (void)state;
    char out[256];
    cd_pair_t pairs[] = {{"security.protocol", "SASL_PLAINTEXT"},
                         {"sasl.mechanism", "SCRAM-SHA-512"},
                         {"sasl.jaas.config", "org.apache.kafka.common.security.scram.ScramLoginModule required\n"
                                              "  username=\"al\\\"ice\" password='p;w=1' ;"}};
    translated(KAFKA_PRODUCER, pairs, 3, "sasl.username", out);
    assert_string_equal(out, "al\"ice");
    translated(KAFKA_PRODUCER, pairs, 3, "sasl.password", out);
    assert_string_equal(out, "p;w=1");
    translated(KAFKA_PRODUCER, pairs, 3, "sasl.mechanism", out);
    assert_string_equal(out, "SCRAM-SHA-512");
}

static void test_broken_jaas_is_refused_without_its_text(void **state)
{
    (void)state;
    static const char *const broken[] = {"",
                                         "x.Module",
                                         "x.Module maybe a=b;",
                                         "x.Module required username=\"secret",
                                         "x.Module required username=\"secret\"",
                                         "x.Module required username secret;"};
    for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
        cd_arena_t arena = {0};
        const char *module;
        cd_config_t opts;
        cd_err_t *err = kafka_jaas_parse(broken[i], &arena, &module, &opts);
        assert_non_null(err);
        assert_null(strstr(err->message, "secret"));
        cd_err_free(err);
        cd_arena_done(&arena);
    }
}

static void write_file(char *path, const void *data, size_t n)
{
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, data, n), (ssize_t)n);
    (void)close(fd);
}

static void test_key_stores_are_taken_by_what_they_are(void **state)
{
    (void)state;
    char out[256], pem[] = "/tmp/kafka-conf-XXXXXX", jks[] = "/tmp/kafka-conf-XXXXXX";
    write_file(pem, "-----BEGIN CERTIFICATE-----\n", 28);
    write_file(jks, "\xFE\xED\xFE\xED\0\0\0\2", 8);
    cd_pair_t good[] = {{"security.protocol", "SSL"}, {"ssl.truststore.location", pem}, {"ssl.truststore.type", "PEM"}};
    translated(KAFKA_PRODUCER, good, 3, "ssl.ca.location", out);
    assert_string_equal(out, pem);
    translated(KAFKA_PRODUCER, good, 3, "ssl.endpoint.identification.algorithm", out);
    assert_string_equal(out, "https");
    cd_pair_t bad[] = {{"security.protocol", "SSL"}, {"ssl.truststore.location", jks}};
    cd_err_t *err = refusal(KAFKA_PRODUCER, bad, 2);
    assert_non_null(strstr(err->message, "keytool -importkeystore"));
    cd_err_free(err);
    bad[1].value = "/nonexistent/truststore.pem";
    err = refusal(KAFKA_PRODUCER, bad, 2);
    assert_non_null(strstr(err->message, "the file cannot be read"));
    cd_err_free(err);
    (void)unlink(pem);
    (void)unlink(jks);
}

static void test_wrong_values_name_their_key(void **state)
{
    (void)state;
    cd_pair_t number[] = {{"buffer.memory", "lots"}}, acks[] = {{"acks", "perhaps"}};
    cd_err_t *err = refusal(KAFKA_PRODUCER, number, 1);
    assert_string_equal(err->message, "Invalid value lots for configuration buffer.memory: Not a number of type LONG");
    cd_err_free(err);
    err = refusal(KAFKA_PRODUCER, acks, 1);
    assert_non_null(strstr(err->message, "for configuration acks"));
    cd_err_free(err);
}

static void test_override_policies(void **state)
{
    (void)state;
    cd_arena_t arena = {0};
    assert_null(kafka_conf_policy_refusal("All", "linger.ms", &arena));
    assert_null(kafka_conf_policy_refusal(NULL, "linger.ms", &arena));
    assert_null(kafka_conf_policy_refusal("Principal", "sasl.jaas.config", &arena));
    assert_string_equal(
        kafka_conf_policy_refusal(
            "org.apache.kafka.connect.connector.policy.PrincipalConnectorClientConfigOverridePolicy", "linger.ms",
            &arena),
        "The 'Principal' policy does not allow 'linger.ms' to be overridden in the connector configuration.");
    assert_string_equal(kafka_conf_policy_refusal("None", "sasl.jaas.config", &arena),
                        "The 'None' policy does not allow 'sasl.jaas.config' to be overridden in the connector "
                        "configuration.");
    cd_err_t *err = kafka_conf_policy_check("Maybe");
    assert_int_equal(err->cls, CD_ERR_CONFIG);
    cd_err_free(err);
    cd_arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_java_names_and_units),
        cmocka_unit_test(test_defaults_are_javas_where_they_show),
        cmocka_unit_test(test_what_could_run_code_is_not_passed_on),
        cmocka_unit_test(test_later_layers_win),
        cmocka_unit_test(test_sasl_from_jaas),
        cmocka_unit_test(test_broken_jaas_is_refused_without_its_text),
        cmocka_unit_test(test_key_stores_are_taken_by_what_they_are),
        cmocka_unit_test(test_wrong_values_name_their_key),
        cmocka_unit_test(test_override_policies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
