/* main/worker_config.h: the worker's settings, typed, and the raw properties that clients and plugins take theirs from.
 *
 * Threads    immutable once made; any thread may read.
 * Ownership  all texts live in the config and die with it.
 * Errors     CONFIG with the JVM worker's sentences.
 * Units      in the names: _ms, _bytes. */
#ifndef CONNECTD_MAIN_WORKER_CONFIG_H
#define CONNECTD_MAIN_WORKER_CONFIG_H

#include "plugins/api/connectd_plugin.h"
#include "runtime/base/properties.h"

enum worker_eos { WORKER_EOS_DISABLED = 0, WORKER_EOS_PREPARING, WORKER_EOS_ENABLED };

typedef struct worker_listener {
    bool https;
    const char *host; /* empty: all interfaces */
    uint16_t port;    /* 0: any free port */
} worker_listener_t;

typedef struct worker_listeners {
    uint32_t n;
    const worker_listener_t *items;
} worker_listeners_t;

typedef struct worker_config {
    bool distributed;
    cd_config_t props; /* everything given, config providers already applied: may hold secrets in clear */

    /* Kafka and conversion */
    cd_list_t bootstrap_servers;
    const char *client_dns_lookup;
    const char *key_converter, *value_converter, *header_converter; /* class names; their keys are in props */
    const char *client_override_policy;

    /* tasks and offsets */
    int64_t task_shutdown_timeout_ms, offset_flush_interval_ms, offset_flush_timeout_ms;
    bool topic_creation_enable, topic_tracking_enable, topic_tracking_allow_reset;

    /* plugins */
    cd_list_t plugin_path, config_providers;
    const char *plugin_discovery;

    /* REST */
    cd_list_t listener_texts, admin_listener_texts, rest_extensions;
    worker_listeners_t listeners;
    worker_listeners_t admin_listeners; /* with has_admin_listeners: n == 0 disables the admin resources */
    bool has_admin_listeners;           /* false: admin resources live on `listeners` */
    const char *advertised_host, *advertised_listener; /* NULL when not set */
    int32_t advertised_port;                           /* 0 when not set */
    const char *cors_origin, *cors_methods, *response_headers, *ssl_client_auth;

    /* metrics */
    int64_t metrics_window_ms;
    int32_t metrics_samples;
    const char *metrics_level;
    cd_list_t metric_reporters;

    /* distributed */
    const char *group_id, *client_id;
    const char *config_topic, *offset_topic, *status_topic;
    int32_t config_replication, offset_replication, status_replication;
    int32_t offset_partitions, status_partitions;
    int32_t session_timeout_ms, heartbeat_interval_ms, rebalance_timeout_ms;
    int32_t worker_sync_timeout_ms, worker_unsync_backoff_ms;
    const char *connect_protocol; /* lower case */
    int32_t rebalance_max_delay_ms;
    int32_t inter_worker_key_ttl_ms, inter_worker_key_bits; /* bits 0: the algorithm's own size */
    const char *inter_worker_key_algorithm, *inter_worker_signature_algorithm;
    cd_list_t inter_worker_verification_algorithms;
    const char *exactly_once; /* lower case */
    enum worker_eos eos;
    int64_t metadata_max_age_ms, connections_max_idle_ms;
    int32_t request_timeout_ms;
    int64_t reconnect_backoff_ms, reconnect_backoff_max_ms, retry_backoff_ms, retry_backoff_max_ms;
    int64_t connection_setup_timeout_ms, connection_setup_timeout_max_ms;
    int32_t send_buffer_bytes, receive_buffer_bytes;
    const char *security_protocol, *metadata_recovery_strategy;

    /* standalone */
    const char *offset_file;

    /* derived */
    const char *client_base; /* "<group.id>-" or "<group.id>-<client.id>-"; "connect-" in standalone mode */

    cd_arena_t arena;
    props_t raw;
} worker_config_t;

/** Parse and check all settings.
 *  @param props  taken over (emptied), also on error */
CD_CHECK cd_err_t *worker_config_new(bool distributed, props_t *props, worker_config_t **ret_config);
void worker_config_free(worker_config_t *c);

/** The rows of the worker's own settings, for the reference and for tests. */
const cd_key_t *worker_config_keys(bool distributed);

/** Where others reach this worker. Call when the listeners are bound.
 *  @param bound_port  port of the first listener of the advertised scheme, for listeners with port 0
 *  @param ret_url     "http://host:port/", in arena
 *  @param ret_id      "host:port", in arena */
void worker_config_advertised(const worker_config_t *c, uint16_t bound_port, cd_arena_t *arena, const char **ret_url,
                              const char **ret_id);

#endif
