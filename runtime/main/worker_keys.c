/* One row per setting of the worker. The rows of the two modes are kept apart where they differ; the common ones come
 * first in both. */
#include "runtime/main/worker_config.h"

#define AT(field) offsetof(worker_config_t, field)

static const char *check_non_blank(const cd_key_t *key, const char *text, cd_arena_t *arena)
{
    (void)key;
    (void)arena;
    return text[0] == '\0' ? "String must be non-empty" : NULL;
}

static const char *check_replication(const cd_key_t *key, const char *text, cd_arena_t *arena)
{
    long v = strtol(text, NULL, 10);
    (void)key;
    (void)arena;
    return v == -1 || v >= 1 ? NULL
                             : "Replication factor must be positive and not larger than the number of brokers in the "
                               "Kafka cluster, or -1 to use the broker's default";
}

static const char *check_partitions(const cd_key_t *key, const char *text, cd_arena_t *arena)
{
    long v = strtol(text, NULL, 10);
    (void)key;
    (void)arena;
    return v == -1 || v >= 1 ? NULL : "Number of partitions must be positive, or -1 to use the broker's default";
}

static const char *check_protocol(const cd_key_t *key, const char *text, cd_arena_t *arena)
{
    (void)key;
    (void)arena;
    return strcasecmp(text, "eager") == 0 || strcasecmp(text, "compatible") == 0 || strcasecmp(text, "sessioned") == 0
               ? NULL
               : "Invalid Connect protocol compatibility";
}

static const char *const discovery[] = {"only_scan", "hybrid_warn", "hybrid_fail", "service_load", NULL};
static const char *const recording[] = {"INFO", "DEBUG", NULL};
static const char *const client_auth[] = {"required", "requested", "none", NULL};
static const char *const eos[] = {"disabled", "preparing", "enabled", NULL};
static const char *const security[] = {"PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL", NULL};
static const char *const lookup[] = {"use_all_dns_ips", "resolve_canonical_bootstrap_servers_only", NULL};
static const char *const recovery[] = {"none", "rebootstrap", NULL};
static const char *const listener_kinds[] = {"http", "https", NULL};

#define ROW(n, t, d, field, imp, text, ...)                                                                            \
    {                                                                                                                  \
        .name = (n), .type = (t), .dflt = (d), .at = AT(field), .importance = (imp), .doc = (text), __VA_ARGS__        \
    }
#define MIN0     .flags = CD_K_RANGE_MIN, .min = 0
#define MIN1     .flags = CD_K_RANGE_MIN, .min = 1
#define REQUIRED .flags = CD_K_REQUIRED

#define COMMON_ROWS                                                                                                    \
    ROW("bootstrap.servers", CD_T_LIST, "localhost:9092", bootstrap_servers, CD_HIGH,                                  \
        "Brokers to find the Kafka cluster with, as host:port."),                                                      \
        ROW("client.dns.lookup", CD_T_STRING, "use_all_dns_ips", client_dns_lookup, CD_MEDIUM,                         \
            "How broker names are looked up.", .choices = lookup),                                                     \
        ROW("key.converter", CD_T_CLASS, NULL, key_converter, CD_HIGH,                                                 \
            "Converter of record keys, for connectors that name none. Settings of the converter carry the prefix "     \
            "key.converter.",                                                                                          \
            REQUIRED),                                                                                                 \
        ROW("value.converter", CD_T_CLASS, NULL, value_converter, CD_HIGH,                                             \
            "Converter of record values, for connectors that name none. Settings of the converter carry the prefix "   \
            "value.converter.",                                                                                        \
            REQUIRED),                                                                                                 \
        ROW("header.converter", CD_T_CLASS, "org.apache.kafka.connect.storage.SimpleHeaderConverter",                  \
            header_converter, CD_LOW, "Converter of record headers, for connectors that name none."),                  \
        ROW("connector.client.config.override.policy", CD_T_STRING, "All", client_override_policy, CD_LOW,             \
            "Which Kafka client settings connectors may override: All, None, Principal, or a full class name."),       \
        ROW("task.shutdown.graceful.timeout.ms", CD_T_LONG, "5000", task_shutdown_timeout_ms, CD_LOW,                  \
            "Time that stopping tasks have in all before they are abandoned."),                                        \
        ROW("offset.flush.interval.ms", CD_T_LONG, "60000", offset_flush_interval_ms, CD_LOW,                          \
            "How often the offsets of tasks are committed."),                                                          \
        ROW("offset.flush.timeout.ms", CD_T_LONG, "5000", offset_flush_timeout_ms, CD_LOW,                             \
            "How long one commit of offsets may take before it is tried again later."),                                \
        ROW("topic.creation.enable", CD_T_BOOLEAN, "true", topic_creation_enable, CD_LOW,                              \
            "Let source connectors with topic.creation settings create their topics."),                                \
        ROW("topic.tracking.enable", CD_T_BOOLEAN, "true", topic_tracking_enable, CD_LOW,                              \
            "Keep the set of topics that each connector uses."),                                                       \
        ROW("topic.tracking.allow.reset", CD_T_BOOLEAN, "true", topic_tracking_allow_reset, CD_LOW,                    \
            "Allow the set of active topics of a connector to be reset."),                                             \
        ROW("plugin.path", CD_T_LIST, NULL, plugin_path, CD_LOW,                                                       \
            "Folders with connector modules (.so), searched one folder deep."),                                        \
        ROW("plugin.discovery", CD_T_STRING, "hybrid_warn", plugin_discovery, CD_LOW,                                  \
            "Accepted for compatibility: modules say themselves what they hold.", .choices = discovery,                \
            .flags = CD_K_ANY_CASE | CD_K_ACCEPTED),                                                                   \
        ROW("config.providers", CD_T_LIST, "", config_providers, CD_LOW,                                               \
            "Names of the config providers; each has config.providers.<name>.class and .param.* settings."),           \
        ROW("listeners", CD_T_LIST, "http://:8083", listener_texts, CD_LOW,                                            \
            "Addresses of the REST API: http://host:port, comma separated; an empty host is every interface."),        \
        ROW("admin.listeners", CD_T_LIST, NULL, admin_listener_texts, CD_LOW,                                          \
            "Addresses of the admin resources; not set: the same as listeners; empty: none."),                         \
        ROW("rest.advertised.host.name", CD_T_STRING, NULL, advertised_host, CD_LOW,                                   \
            "Host name that other workers reach this one by; also the first half of the worker id."),                  \
        ROW("rest.advertised.port", CD_T_INT, NULL, advertised_port, CD_LOW,                                           \
            "Port that other workers reach this one by."),                                                             \
        ROW("rest.advertised.listener", CD_T_STRING, NULL, advertised_listener, CD_LOW,                                \
            "Which kind of listener other workers use: http or https.", .choices = listener_kinds,                     \
            .flags = CD_K_ANY_CASE),                                                                                   \
        ROW("rest.extension.classes", CD_T_LIST, "", rest_extensions, CD_LOW, "REST extensions, by class name."),      \
        ROW("access.control.allow.origin", CD_T_STRING, "", cors_origin, CD_LOW,                                       \
            "Origins that browsers may call the API from; empty: none."),                                              \
        ROW("access.control.allow.methods", CD_T_STRING, "", cors_methods, CD_LOW,                                     \
            "Methods that browsers may use from other origins; empty: GET, POST and HEAD."),                           \
        ROW("response.http.headers.config", CD_T_STRING, "", response_headers, CD_LOW,                                 \
            "Headers added to each REST answer: '[action] [name]:[value]', comma separated."),                         \
        ROW("ssl.client.auth", CD_T_STRING, "none", ssl_client_auth, CD_LOW,                                           \
            "Whether clients of https listeners must present a certificate.", .choices = client_auth),                 \
        ROW("metrics.sample.window.ms", CD_T_LONG, "30000", metrics_window_ms, CD_LOW,                                 \
            "Window over which rates are computed.", MIN0),                                                            \
        ROW("metrics.num.samples", CD_T_INT, "2", metrics_samples, CD_LOW, "Number of windows kept.", MIN1),           \
        ROW("metrics.recording.level", CD_T_STRING, "INFO", metrics_level, CD_LOW, "Level of detail of metrics.",      \
            .choices = recording),                                                                                     \
        ROW("metric.reporters", CD_T_LIST, "", metric_reporters, CD_LOW,                                               \
            "Accepted for compatibility: metrics are read from the metrics endpoint.", .flags = CD_K_ACCEPTED)

static const cd_key_t distributed[] = {
    COMMON_ROWS,
    ROW("group.id", CD_T_STRING, NULL, group_id, CD_HIGH, "Name of the Connect cluster this worker belongs to.",
        REQUIRED),
    ROW("config.storage.topic", CD_T_STRING, NULL, config_topic, CD_HIGH, "Topic that holds connector configurations.",
        REQUIRED, .check = check_non_blank),
    ROW("config.storage.replication.factor", CD_T_SHORT, "3", config_replication, CD_LOW,
        "Replication factor when the configuration topic is created.", .check = check_replication),
    ROW("offset.storage.topic", CD_T_STRING, NULL, offset_topic, CD_HIGH, "Topic that holds source offsets.", REQUIRED,
        .check = check_non_blank),
    ROW("offset.storage.partitions", CD_T_INT, "25", offset_partitions, CD_LOW,
        "Number of partitions when the offset topic is created.", .check = check_partitions),
    ROW("offset.storage.replication.factor", CD_T_SHORT, "3", offset_replication, CD_LOW,
        "Replication factor when the offset topic is created.", .check = check_replication),
    ROW("status.storage.topic", CD_T_STRING, NULL, status_topic, CD_HIGH,
        "Topic that holds the states of connectors and tasks.", REQUIRED, .check = check_non_blank),
    ROW("status.storage.partitions", CD_T_INT, "5", status_partitions, CD_LOW,
        "Number of partitions when the status topic is created.", .check = check_partitions),
    ROW("status.storage.replication.factor", CD_T_SHORT, "3", status_replication, CD_LOW,
        "Replication factor when the status topic is created.", .check = check_replication),
    ROW("session.timeout.ms", CD_T_INT, "10000", session_timeout_ms, CD_HIGH,
        "Time without heartbeats after which a worker counts as lost."),
    ROW("heartbeat.interval.ms", CD_T_INT, "3000", heartbeat_interval_ms, CD_HIGH,
        "Time between heartbeats; must be less than session.timeout.ms."),
    ROW("rebalance.timeout.ms", CD_T_INT, "60000", rebalance_timeout_ms, CD_HIGH,
        "Time that a worker has to join the group once a rebalance has begun."),
    ROW("worker.sync.timeout.ms", CD_T_INT, "3000", worker_sync_timeout_ms, CD_MEDIUM,
        "Time to read the configuration topic when this worker is behind the others."),
    ROW("worker.unsync.backoff.ms", CD_T_INT, "300000", worker_unsync_backoff_ms, CD_MEDIUM,
        "Time to stay out of the group when that reading did not succeed."),
    ROW("connect.protocol", CD_T_STRING, "sessioned", connect_protocol, CD_LOW,
        "Group protocol: eager, compatible or sessioned.", .check = check_protocol),
    ROW("scheduled.rebalance.max.delay.ms", CD_T_INT, "300000", rebalance_max_delay_ms, CD_LOW,
        "Longest time that the work of a lost worker waits for its return.", MIN0),
    ROW("inter.worker.key.ttl.ms", CD_T_INT, "3600000", inter_worker_key_ttl_ms, CD_LOW,
        "Life of the key that workers sign their requests to each other with.", MIN0),
    ROW("inter.worker.key.generation.algorithm", CD_T_STRING, "HmacSHA256", inter_worker_key_algorithm, CD_LOW,
        "Algorithm of that key."),
    ROW("inter.worker.key.size", CD_T_INT, NULL, inter_worker_key_bits, CD_LOW,
        "Size of that key in bits; not set: what the algorithm prefers."),
    ROW("inter.worker.signature.algorithm", CD_T_STRING, "HmacSHA256", inter_worker_signature_algorithm, CD_LOW,
        "Algorithm of the signatures."),
    ROW("inter.worker.verification.algorithms", CD_T_LIST, "HmacSHA256", inter_worker_verification_algorithms, CD_LOW,
        "Algorithms that are accepted in requests of other workers."),
    ROW("exactly.once.source.support", CD_T_STRING, "disabled", exactly_once, CD_HIGH,
        "Exactly-once delivery of source connectors: disabled, preparing or enabled.", .choices = eos,
        .flags = CD_K_ANY_CASE),
    ROW("client.id", CD_T_STRING, "", client_id, CD_LOW, "Name of this worker's own Kafka clients."),
    ROW("metadata.max.age.ms", CD_T_LONG, "300000", metadata_max_age_ms, CD_LOW,
        "Time after which cluster metadata is fetched again.", MIN0),
    ROW("request.timeout.ms", CD_T_INT, "40000", request_timeout_ms, CD_MEDIUM,
        "How long a request to a broker may take.", MIN0),
    ROW("connections.max.idle.ms", CD_T_LONG, "540000", connections_max_idle_ms, CD_MEDIUM,
        "Time after which idle connections are closed."),
    ROW("reconnect.backoff.ms", CD_T_LONG, "50", reconnect_backoff_ms, CD_LOW,
        "First pause before a broker is connected to again.", MIN0),
    ROW("reconnect.backoff.max.ms", CD_T_LONG, "1000", reconnect_backoff_max_ms, CD_LOW, "Longest such pause.", MIN0),
    ROW("retry.backoff.ms", CD_T_LONG, "100", retry_backoff_ms, CD_LOW,
        "First pause before a failed request is sent again.", MIN0),
    ROW("retry.backoff.max.ms", CD_T_LONG, "1000", retry_backoff_max_ms, CD_LOW, "Longest such pause.", MIN0),
    ROW("socket.connection.setup.timeout.ms", CD_T_LONG, "10000", connection_setup_timeout_ms, CD_LOW,
        "Time for a connection to be made."),
    ROW("socket.connection.setup.timeout.max.ms", CD_T_LONG, "30000", connection_setup_timeout_max_ms, CD_LOW,
        "The same after several failures."),
    ROW("send.buffer.bytes", CD_T_INT, "131072", send_buffer_bytes, CD_MEDIUM, "Socket send buffer; -1: the system's.",
        .flags = CD_K_RANGE_MIN, .min = -1),
    ROW("receive.buffer.bytes", CD_T_INT, "32768", receive_buffer_bytes, CD_MEDIUM,
        "Socket receive buffer; -1: the system's.", .flags = CD_K_RANGE_MIN, .min = -1),
    ROW("security.protocol", CD_T_STRING, "PLAINTEXT", security_protocol, CD_MEDIUM, "How the brokers are talked to.",
        .choices = security, .flags = CD_K_ANY_CASE),
    ROW("metadata.recovery.strategy", CD_T_STRING, "none", metadata_recovery_strategy, CD_LOW,
        "What to do when no known broker answers.", .choices = recovery, .flags = CD_K_ANY_CASE),
    CD_KEY_END,
};

static const cd_key_t standalone[] = {
    COMMON_ROWS,
    ROW("offset.storage.file.filename", CD_T_STRING, NULL, offset_file, CD_HIGH, "File that holds source offsets.",
        REQUIRED),
    CD_KEY_END,
};

const cd_key_t *worker_config_keys(bool is_distributed)
{
    return is_distributed ? distributed : standalone;
}
