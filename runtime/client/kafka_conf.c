#include "runtime/client/kafka_conf.h"

#include "runtime/base/log.h"
#include "runtime/base/str.h"
#include "runtime/base/strbuf.h"
#include "runtime/client/kafka_conf_priv.h"

#include <errno.h>

#define CLIENT_LOGGER "org.apache.kafka.clients"
#define ANY           (KAFKA_PRODUCER | KAFKA_CONSUMER | KAFKA_ADMIN)

/* What becomes of a Java key. Keys that are not listed go to librdkafka under their own name; it ignores those that it
 * does not know, as a Java client would. */
enum how {
    HOW_COPY,     /* to `native`, or to the same name */
    HOW_IGNORE,   /* no meaning here */
    HOW_KBYTES,   /* bytes to KiB, at least 1 */
    HOW_BUFFER,   /* -1 (system default) becomes 0 */
    HOW_LARGEST,  /* only ever raises librdkafka's own default (`fallback`) */
    HOW_REQUEST,  /* request.timeout.ms */
    HOW_ASSIGNOR, /* class names */
    HOW_SECURITY, /* read as a group by kafka_conf_security */
    HOW_NONEMPTY  /* "" means not set */
};

typedef struct row {
    const char *java, *native;
    uint8_t roles, how;
    int64_t fallback;
} row_t;

static const row_t rows[] = {
    {"fetch.max.wait.ms", "fetch.wait.max.ms", KAFKA_CONSUMER, HOW_COPY, 0},
    {"max.request.size", "message.max.bytes", KAFKA_PRODUCER, HOW_COPY, 0},
    {"buffer.memory", "queue.buffering.max.kbytes", KAFKA_PRODUCER, HOW_KBYTES, 0},
    {"receive.buffer.bytes", "socket.receive.buffer.bytes", ANY, HOW_BUFFER, 0},
    {"send.buffer.bytes", "socket.send.buffer.bytes", ANY, HOW_BUFFER, 0},
    /* librdkafka sends one batch per request where Java sends many, so Java's small batches would starve it. */
    {"batch.size", NULL, KAFKA_PRODUCER, HOW_LARGEST, 1000000},
    {"request.timeout.ms", NULL, ANY, HOW_REQUEST, 0},
    {"metadata.max.age.ms", "topic.metadata.refresh.interval.ms", ANY, HOW_COPY, 0},
    {"partition.assignment.strategy", NULL, KAFKA_CONSUMER, HOW_ASSIGNOR, 0},
    {"group.instance.id", NULL, KAFKA_CONSUMER, HOW_NONEMPTY, 0},
    {"client.id", NULL, ANY, HOW_NONEMPTY, 0},
    {"client.rack", NULL, KAFKA_CONSUMER, HOW_NONEMPTY, 0},

    /* one role's keys, which librdkafka would warn about in another: worker files hold all of them side by side */
    {"group.id", NULL, KAFKA_CONSUMER, HOW_COPY, 0},
    {"session.timeout.ms", NULL, KAFKA_CONSUMER, HOW_COPY, 0},
    {"heartbeat.interval.ms", NULL, KAFKA_CONSUMER, HOW_COPY, 0},
    {"max.poll.interval.ms", NULL, KAFKA_CONSUMER, HOW_COPY, 0},
    {"auto.offset.reset", NULL, KAFKA_CONSUMER, HOW_COPY, 0},
    {"isolation.level", NULL, KAFKA_CONSUMER, HOW_COPY, 0},
    {"fetch.min.bytes", NULL, KAFKA_CONSUMER, HOW_COPY, 0},
    {"fetch.max.bytes", NULL, KAFKA_CONSUMER, HOW_COPY, 0},
    {"max.partition.fetch.bytes", NULL, KAFKA_CONSUMER, HOW_COPY, 0},
    {"allow.auto.create.topics", NULL, KAFKA_CONSUMER, HOW_COPY, 0},
    {"check.crcs", NULL, KAFKA_CONSUMER, HOW_COPY, 0},
    {"acks", NULL, KAFKA_PRODUCER, HOW_COPY, 0},
    {"linger.ms", NULL, KAFKA_PRODUCER, HOW_COPY, 0},
    {"retries", NULL, KAFKA_PRODUCER, HOW_COPY, 0},
    {"compression.type", NULL, KAFKA_PRODUCER, HOW_COPY, 0},
    {"delivery.timeout.ms", NULL, KAFKA_PRODUCER, HOW_COPY, 0},
    {"enable.idempotence", NULL, KAFKA_PRODUCER, HOW_COPY, 0},
    {"transactional.id", NULL, KAFKA_PRODUCER, HOW_NONEMPTY, 0},
    {"transaction.timeout.ms", NULL, KAFKA_PRODUCER, HOW_COPY, 0},
    {"retry.backoff.ms", NULL, KAFKA_PRODUCER, HOW_COPY, 0},

    {"security.protocol", NULL, ANY, HOW_SECURITY, 0},
    {"sasl.jaas.config", NULL, ANY, HOW_SECURITY, 0},
    {"sasl.mechanism", NULL, ANY, HOW_SECURITY, 0},
    {"ssl.truststore.location", NULL, ANY, HOW_SECURITY, 0},
    {"ssl.truststore.password", NULL, ANY, HOW_SECURITY, 0},
    {"ssl.truststore.type", NULL, ANY, HOW_SECURITY, 0},
    {"ssl.truststore.certificates", NULL, ANY, HOW_SECURITY, 0},
    {"ssl.keystore.location", NULL, ANY, HOW_SECURITY, 0},
    {"ssl.keystore.password", NULL, ANY, HOW_SECURITY, 0},
    {"ssl.keystore.type", NULL, ANY, HOW_SECURITY, 0},
    {"ssl.keystore.certificate.chain", NULL, ANY, HOW_SECURITY, 0},
    {"ssl.keystore.key", NULL, ANY, HOW_SECURITY, 0},
    {"ssl.key.password", NULL, ANY, HOW_SECURITY, 0},
    {"ssl.endpoint.identification.algorithm", NULL, ANY, HOW_SECURITY, 0},

    {"enable.auto.commit", NULL, ANY, HOW_IGNORE, 0}, /* the worker commits */
    {"enable.auto.offset.store", NULL, ANY, HOW_IGNORE, 0},
    {"max.poll.records", NULL, ANY, HOW_IGNORE, 0}, /* read by the sink task */
    {"max.block.ms", NULL, ANY, HOW_IGNORE, 0},
    {"key.serializer", NULL, ANY, HOW_IGNORE, 0},
    {"value.serializer", NULL, ANY, HOW_IGNORE, 0},
    {"key.deserializer", NULL, ANY, HOW_IGNORE, 0},
    {"value.deserializer", NULL, ANY, HOW_IGNORE, 0},
    {"interceptor.classes", NULL, ANY, HOW_IGNORE, 0},
    {"metric.reporters", NULL, ANY, HOW_IGNORE, 0},
    {"partitioner.class", NULL, ANY, HOW_IGNORE, 0},
    {"client.dns.lookup", NULL, ANY, HOW_IGNORE, 0}, /* all addresses are always tried */
    {"metadata.recovery.strategy", NULL, ANY, HOW_IGNORE, 0},
    {"group.protocol", NULL, ANY, HOW_IGNORE, 0},
    {"ssl.cipher.suites", NULL, ANY, HOW_IGNORE, 0}, /* Java's names mean nothing to OpenSSL */
    {"listeners", NULL, ANY, HOW_IGNORE, 0},
    {"plugin.path", NULL, ANY, HOW_IGNORE, 0},

    /* would run commands or load code on behalf of whoever may write a connector's settings */
    {"plugin.library.paths", NULL, ANY, HOW_IGNORE, 0},
    {"ssl.engine.location", NULL, ANY, HOW_IGNORE, 0},
    {"sasl.kerberos.kinit.cmd", NULL, ANY, HOW_IGNORE, 0},
};

static const row_t *row_find(const char *key)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (strcmp(rows[i].java, key) == 0) return &rows[i];
    return NULL;
}

const char *kafka_conf_get(const cd_config_t *layers, uint32_t nlayers, const char *key)
{
    for (uint32_t l = nlayers; l-- > 0;)
        for (uint32_t i = 0; i < layers[l].n; i++)
            if (strcmp(layers[l].pairs[i].name, key) == 0 && layers[l].pairs[i].value != NULL)
                return layers[l].pairs[i].value;
    return NULL;
}

cd_err_t *kafka_conf_set(rd_kafka_conf_t *conf, const char *native, const char *value, const char *java)
{
    char why[512];
    rd_kafka_conf_res_t res = rd_kafka_conf_set(conf, native, value, why, sizeof(why));
    if (res == RD_KAFKA_CONF_OK) return NULL;
    if (res == RD_KAFKA_CONF_UNKNOWN) {
        log_write(CD_LOG_DEBUG, CLIENT_LOGGER, NULL, "Setting '%s' has no meaning for this client and is ignored",
                  java);
        return NULL;
    }
    /* librdkafka's sentence repeats the value, which may be a secret. */
    bool secret = strstr(java, "password") != NULL || strstr(java, "jaas") != NULL || strstr(java, "key") != NULL ||
                  strstr(java, "secret") != NULL;
    return cd_err_new(CD_ERR_CONFIG, CD_JVM_CONFIG, "Invalid value %s for configuration %s: %s",
                      secret ? "[hidden]" : value, java, secret ? "it is not accepted by the Kafka client" : why);
}

static cd_err_t *parse_i64(const char *java, const char *text, int64_t *ret)
{
    char *end;
    size_t n;
    char buf[32];
    const char *t = str_trim(text, &n);
    if (n == 0 || n >= sizeof(buf)) goto bad;
    memcpy(buf, t, n);
    buf[n] = '\0';
    errno = 0;
    *ret = strtoll(buf, &end, 10);
    if (errno == 0 && *end == '\0') return NULL;
bad:
    return cd_err_new(CD_ERR_CONFIG, CD_JVM_CONFIG, "Invalid value %s for configuration %s: Not a number of type LONG",
                      text, java);
}

static int64_t clamp(int64_t v, int64_t min, int64_t max)
{
    return v < min ? min : v > max ? max : v;
}

static cd_err_t *set_i64(rd_kafka_conf_t *conf, const char *native, int64_t v, const char *java)
{
    char text[32];
    (void)snprintf(text, sizeof(text), "%lld", (long long)v);
    return kafka_conf_set(conf, native, text, java);
}

static cd_err_t *set_assignors(rd_kafka_conf_t *conf, const char *java, const char *text)
{
    static const struct {
        const char *suffix, *native;
    } names[] = {{"CooperativeStickyAssignor", "cooperative-sticky"},
                 {"RangeAssignor", "range"},
                 {"RoundRobinAssignor", "roundrobin"},
                 {"StickyAssignor", "cooperative-sticky"}};
    cd_arena_t arena = {0};
    strbuf_t out = {0};
    cd_list_t list = str_split_list(text, &arena);
    bool eager = false;
    for (uint32_t i = 0; i < list.n; i++)
        eager = eager || str_ends(list.items[i], "RangeAssignor") || str_ends(list.items[i], "RoundRobinAssignor") ||
                str_eq(list.items[i], "range") || str_eq(list.items[i], "roundrobin");
    cd_err_t *err = NULL;
    for (uint32_t i = 0; i < list.n && err == NULL; i++) {
        const char *native = NULL;
        for (size_t k = 0; k < sizeof(names) / sizeof(names[0]) && native == NULL; k++)
            if (str_ends(list.items[i], names[k].suffix) || str_eq(list.items[i], names[k].native))
                native = names[k].native;
        if (native == NULL) {
            err = cd_err_new(CD_ERR_CONFIG, CD_JVM_CONFIG,
                             "Invalid value %s for configuration %s: only the range, roundrobin and cooperative-sticky "
                             "assignors are available",
                             list.items[i], java);
        } else if (!(eager && strcmp(native, "cooperative-sticky") == 0)) {
            /* Java's default list [Range, CooperativeSticky] mixes protocols, which librdkafka refuses: eager wins. */
            strbuf_addf(&out, "%s%s", out.len > 0 ? "," : "", native);
        }
    }
    if (err == NULL && out.len > 0) err = kafka_conf_set(conf, java, out.data, java);
    strbuf_done(&out);
    cd_arena_done(&arena);
    return err;
}

static cd_err_t *set_row(enum kafka_role role, rd_kafka_conf_t *conf, const row_t *row, const char *value)
{
    const char *native = row->native != NULL ? row->native : row->java;
    int64_t v = 0;
    cd_err_t *err = NULL;
    switch ((enum how)row->how) {
    case HOW_IGNORE:
    case HOW_SECURITY:
        return NULL;
    case HOW_COPY:
        return kafka_conf_set(conf, native, value, row->java);
    case HOW_NONEMPTY:
        return value[0] == '\0' ? NULL : kafka_conf_set(conf, native, value, row->java);
    case HOW_ASSIGNOR:
        return set_assignors(conf, row->java, value);
    case HOW_KBYTES:
        err = parse_i64(row->java, value, &v);
        return err != NULL ? err : set_i64(conf, native, clamp(v / 1024, 1, 2097151), row->java);
    case HOW_BUFFER:
        err = parse_i64(row->java, value, &v);
        return err != NULL ? err : set_i64(conf, native, clamp(v, 0, 100000000), row->java);
    case HOW_LARGEST:
        err = parse_i64(row->java, value, &v);
        return err != NULL || v <= row->fallback ? err : set_i64(conf, native, v, row->java);
    case HOW_REQUEST:
        err = parse_i64(row->java, value, &v);
        if (err != NULL) return err;
        if (role == KAFKA_PRODUCER) err = set_i64(conf, "request.timeout.ms", clamp(v, 1, 900000), row->java);
        return err != NULL ? err : set_i64(conf, "socket.timeout.ms", clamp(v, 1000, 300000), row->java);
    }
    return NULL;
}

static void on_log(const rd_kafka_t *rk, int level, const char *fac, const char *text)
{
    /* A broker that is away is a warning in Java's clients too; what matters reaches the task as an error. */
    uint32_t to = level <= 4 ? CD_LOG_WARN : level <= 6 ? CD_LOG_INFO : CD_LOG_DEBUG;
    log_write(to, CLIENT_LOGGER, NULL, "[%s] %s: %s", rk != NULL ? rd_kafka_name(rk) : "client", fac, text);
}

/* Java's visible defaults where librdkafka differs. Settings of the layers come later and win. */
static cd_err_t *set_defaults(enum kafka_role role, rd_kafka_conf_t *conf)
{
    static const struct {
        uint8_t roles;
        const char *key, *value;
    } dflts[] = {
        {KAFKA_PRODUCER, "partitioner", "murmur2_random"},
        {KAFKA_PRODUCER, "linger.ms", "0"},
        {KAFKA_PRODUCER, "message.max.bytes", "1048576"},
        {KAFKA_PRODUCER, "queue.buffering.max.kbytes", "32768"},
        {KAFKA_PRODUCER, "queue.buffering.max.messages", "1000000"},
        {KAFKA_CONSUMER, "enable.auto.commit", "false"},
        {KAFKA_CONSUMER, "enable.auto.offset.store", "false"},
        {KAFKA_CONSUMER, "isolation.level", "read_uncommitted"},
        {KAFKA_CONSUMER, "allow.auto.create.topics", "true"},
        {KAFKA_CONSUMER, "check.crcs", "true"},
        {KAFKA_CONSUMER, "partition.assignment.strategy", "range"},
        /* Enough for the next few puts; runtime/task/sink_prefetch.c sees to it that it is filled up in time. */
        {KAFKA_CONSUMER, "queued.max.messages.kbytes", "16384"},
        {KAFKA_CONSUMER, "queued.min.messages", "30000"},
        {KAFKA_CONSUMER, "fetch.error.backoff.ms", "50"}, /* Java: retry.backoff.ms */
        {ANY, "log.connection.close", "false"},
        {ANY, "broker.address.ttl", "30000"},
    };
    for (size_t i = 0; i < sizeof(dflts) / sizeof(dflts[0]); i++) {
        if ((dflts[i].roles & role) == 0) continue;
        cd_err_t *err = kafka_conf_set(conf, dflts[i].key, dflts[i].value, dflts[i].key);
        if (err != NULL) return err;
    }
    return NULL;
}

static bool overridden(const cd_config_t *layers, uint32_t nlayers, uint32_t layer, const char *key)
{
    for (uint32_t l = layer + 1; l < nlayers; l++)
        if (cd_config_get(&layers[l], key) != NULL) return true;
    return false;
}

cd_err_t *kafka_conf_new(enum kafka_role role, const cd_config_t *layers, uint32_t nlayers, rd_kafka_conf_t **ret_conf)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set_log_cb(conf, on_log);
    cd_err_t *err = set_defaults(role, conf);
    for (uint32_t l = 0; l < nlayers && err == NULL; l++) {
        for (uint32_t i = 0; i < layers[l].n && err == NULL; i++) {
            const cd_pair_t *p = &layers[l].pairs[i];
            if (p->value == NULL || overridden(layers, nlayers, l, p->name)) continue;
            const row_t *row = row_find(p->name);
            if (row == NULL)
                err = kafka_conf_set(conf, p->name, p->value, p->name);
            else if ((row->roles & role) != 0)
                err = set_row(role, conf, row, p->value);
        }
    }
    if (err == NULL) err = kafka_conf_security(layers, nlayers, conf);
    if (err == NULL)
        *ret_conf = conf;
    else
        rd_kafka_conf_destroy(conf);
    return err;
}

cd_err_t *kafka_conf_open(enum kafka_role role, rd_kafka_conf_t *conf, rd_kafka_t **ret_rk)
{
    char why[512];
    rd_kafka_t *rk =
        rd_kafka_new(role == KAFKA_CONSUMER ? RD_KAFKA_CONSUMER : RD_KAFKA_PRODUCER, conf, why, sizeof(why));
    if (rk == NULL) {
        rd_kafka_conf_destroy(conf);
        return cd_err_wrap(cd_err_new(CD_ERR_CONFIG, CD_JVM_CONFIG, "%s", why), CD_ERR_CONFIG,
                           "org.apache.kafka.common.KafkaException", "Failed to construct kafka %s",
                           role == KAFKA_CONSUMER   ? "consumer"
                           : role == KAFKA_PRODUCER ? "producer"
                                                    : "admin client");
    }
    *ret_rk = rk;
    return NULL;
}

/* ---- Override policies ---- */

enum policy { POLICY_ALL, POLICY_NONE, POLICY_PRINCIPAL, POLICY_UNKNOWN };

static enum policy policy_of(const char *text)
{
    static const char *const names[] = {"All", "None", "Principal"};
    if (str_empty(text)) return POLICY_ALL;
    for (int i = 0; i < 3; i++) {
        char simple[64], full[128];
        (void)snprintf(simple, sizeof(simple), "%sConnectorClientConfigOverridePolicy", names[i]);
        (void)snprintf(full, sizeof(full), "org.apache.kafka.connect.connector.policy.%s", simple);
        if (str_eq(text, names[i]) || str_eq(text, simple) || str_eq(text, full)) return (enum policy)i;
    }
    return POLICY_UNKNOWN;
}

cd_err_t *kafka_conf_policy_check(const char *policy)
{
    if (policy_of(policy) != POLICY_UNKNOWN) return NULL;
    return cd_err_new(CD_ERR_CONFIG, CD_JVM_CONFIG,
                      "Invalid value %s for configuration connector.client.config.override.policy: Class %s could not "
                      "be found. Use All, None or Principal.",
                      policy, policy);
}

const char *kafka_conf_policy_refusal(const char *policy, const char *key, cd_arena_t *arena)
{
    enum policy p = policy_of(policy);
    bool principal =
        str_eq(key, "sasl.jaas.config") || str_eq(key, "sasl.mechanism") || str_eq(key, "security.protocol");
    if (p == POLICY_ALL || (p == POLICY_PRINCIPAL && principal)) return NULL;
    return cd_arena_printf(arena,
                           "The '%s' policy does not allow '%s' to be overridden in the connector configuration.",
                           p == POLICY_PRINCIPAL ? "Principal" : "None", key);
}

/* ---- Errors ---- */

#define KAFKA_ERRORS "org.apache.kafka.common.errors."

const char *kafka_err_class(rd_kafka_resp_err_t code)
{
    switch (code) {
    case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
        return KAFKA_ERRORS "RecordTooLargeException";
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
        return KAFKA_ERRORS "TopicAuthorizationException";
    case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
        return KAFKA_ERRORS "GroupAuthorizationException";
    case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED:
        return KAFKA_ERRORS "ClusterAuthorizationException";
    case RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED:
        return KAFKA_ERRORS "TransactionalIdAuthorizationException";
    case RD_KAFKA_RESP_ERR__AUTHENTICATION:
    case RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED:
        return KAFKA_ERRORS "SaslAuthenticationException";
    case RD_KAFKA_RESP_ERR__SSL:
        return KAFKA_ERRORS "SslAuthenticationException";
    case RD_KAFKA_RESP_ERR_INVALID_MSG:
        return KAFKA_ERRORS "CorruptRecordException";
    case RD_KAFKA_RESP_ERR_INVALID_RECORD:
        return KAFKA_ERRORS "InvalidRecordException";
    case RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION:
        return KAFKA_ERRORS "InvalidTopicException";
    case RD_KAFKA_RESP_ERR_INVALID_REPLICATION_FACTOR:
        return KAFKA_ERRORS "InvalidReplicationFactorException";
    case RD_KAFKA_RESP_ERR_INVALID_PARTITIONS:
        return KAFKA_ERRORS "InvalidPartitionsException";
    case RD_KAFKA_RESP_ERR_INVALID_CONFIG:
        return KAFKA_ERRORS "InvalidConfigurationException";
    case RD_KAFKA_RESP_ERR_POLICY_VIOLATION:
        return KAFKA_ERRORS "PolicyViolationException";
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
    case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
        return KAFKA_ERRORS "UnknownTopicOrPartitionException";
    case RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS:
    case RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS_AFTER_APPEND:
        return KAFKA_ERRORS "NotEnoughReplicasException";
    case RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN:
    case RD_KAFKA_RESP_ERR__TRANSPORT:
    case RD_KAFKA_RESP_ERR__RESOLVE:
        return KAFKA_ERRORS "DisconnectException";
    case RD_KAFKA_RESP_ERR__TIMED_OUT:
    case RD_KAFKA_RESP_ERR__MSG_TIMED_OUT:
    case RD_KAFKA_RESP_ERR__TIMED_OUT_QUEUE:
    case RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT:
        return KAFKA_ERRORS "TimeoutException";
    case RD_KAFKA_RESP_ERR__FENCED:
    case RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH:
    case RD_KAFKA_RESP_ERR_PRODUCER_FENCED:
        return KAFKA_ERRORS "ProducerFencedException";
    default:
        return "org.apache.kafka.common.KafkaException";
    }
}

cd_err_t *kafka_err(rd_kafka_resp_err_t code, const char *what)
{
    bool retriable;
    switch (code) {
    case RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN:
    case RD_KAFKA_RESP_ERR__TRANSPORT:
    case RD_KAFKA_RESP_ERR__RESOLVE:
    case RD_KAFKA_RESP_ERR__TIMED_OUT:
    case RD_KAFKA_RESP_ERR__MSG_TIMED_OUT:
    case RD_KAFKA_RESP_ERR__TIMED_OUT_QUEUE:
    case RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT:
    case RD_KAFKA_RESP_ERR__QUEUE_FULL:
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
    case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
    case RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION:
    case RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS:
    case RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS_AFTER_APPEND:
    case RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS:
    case RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_NOT_COORDINATOR:
        retriable = true;
        break;
    default:
        retriable = false;
        break;
    }
    return cd_err_new(retriable ? CD_ERR_RETRIABLE : CD_ERR_FATAL, kafka_err_class(code), "%s: %s", what,
                      rd_kafka_err2str(code));
}
