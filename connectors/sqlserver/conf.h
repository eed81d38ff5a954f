/* conf.h: the connector's settings: the key table, the checks in Debezium's words, and the parsed form.
 * Threads    conf_load and conf_check on any thread; a conf_t is then read by its task only (match lists have scratch).
 * Ownership  conf_t owns its arena and match lists (conf_done). Texts of the instance's configuration are borrowed.
 * Errors     CONFIG; every problem is reported, not only the first. Passwords never appear in a text. */
#ifndef SQLSERVER_CONF_H
#define SQLSERVER_CONF_H

#include "plugins/api/connectd_plugin.h"

#include "connectors/sqlserver/digest.h"
#include "connectors/sqlserver/match.h"

#define CONF_LOGGER  "io.debezium.connector.sqlserver"
#define CONF_VERSION "2.4.2.Final"

/** Shape of the events: which Debezium line they look like (see README.md). */
typedef enum profile { PROFILE_A, PROFILE_B, PROFILE_B2, PROFILE_C, PROFILE_D, PROFILE_E } profile_t;

typedef enum snapshot_mode {
    SNAPSHOT_INITIAL,
    SNAPSHOT_INITIAL_ONLY,
    SNAPSHOT_NO_DATA,
    SNAPSHOT_ALWAYS,
    SNAPSHOT_WHEN_NEEDED,
    SNAPSHOT_WHEN_NEEDED_NO_DATA,
    SNAPSHOT_RECOVERY,
    SNAPSHOT_CONFIGURATION_BASED,
    SNAPSHOT_CUSTOM
} snapshot_mode_t;

typedef enum isolation {
    ISOLATION_READ_UNCOMMITTED,
    ISOLATION_READ_COMMITTED,
    ISOLATION_REPEATABLE_READ,
    ISOLATION_SNAPSHOT,
    ISOLATION_EXCLUSIVE
} isolation_t;

typedef enum decimal_mode { DECIMAL_PRECISE, DECIMAL_DOUBLE, DECIMAL_STRING } decimal_mode_t;
typedef enum binary_mode { BINARY_BYTES, BINARY_BASE64, BINARY_BASE64_URL, BINARY_HEX } binary_mode_t;
typedef enum time_mode {
    TIME_ADAPTIVE,
    TIME_ADAPTIVE_MICROS,
    TIME_CONNECT,
    TIME_ISO,
    TIME_MICROS,
    TIME_NANOS
} time_mode_t;
typedef enum name_adjust { ADJUST_NONE, ADJUST_AVRO, ADJUST_AVRO_UNICODE } name_adjust_t;
typedef enum failure_mode { FAILURE_FAIL, FAILURE_WARN, FAILURE_SKIP } failure_mode_t;
typedef enum query_mode { QUERY_DIRECT, QUERY_FUNCTION } query_mode_t;

/** A column mapper: truncate, mask or hash, for the columns its patterns name; the first that fits wins, in this order. */
typedef enum mapper_kind { MAPPER_TRUNCATE, MAPPER_MASK, MAPPER_HASH, MAPPER_HASH_V2 } mapper_kind_t;

typedef struct mapper {
    mapper_kind_t kind;
    int32_t n;        /* of characters */
    digest_t *digest; /* of hashes */
    match_list_t columns;
} mapper_t;

/** One entry of message.key.columns: a pattern for the table part, and column names. */
typedef struct key_rule {
    const char *table;
    uint32_t ncolumns;
    const char **columns;
} key_rule_t;

/** The settings as the key table parses them. */
typedef struct conf_keys {
    const char *topic_prefix, *database_names, *hostname, *user, *password, *instance;
    int32_t port, max_batch_size, max_queue_size, errors_max_retries, max_iteration_transactions;
    int32_t heartbeat_ms, query_fetch_size;
    int64_t poll_interval_ms, max_queue_bytes, snapshot_delay_ms, streaming_delay_ms, retry_wait_ms, lock_timeout_ms;
    int64_t query_timeout_ms;
    const char *snapshot_mode, *isolation_mode, *decimal_mode, *time_mode, *binary_mode, *schema_adjust, *field_adjust;
    const char *failure_mode, *query_mode, *locking_mode, *event_profile;
    const char *skipped_operations, *table_include, *table_exclude, *column_include, *column_exclude, *schema_include;
    const char *schema_exclude, *message_keys, *snapshot_include, *snapshot_overrides, *propagate_column;
    const char *propagate_type, *heartbeat_query, *initial_statements;
    const char *naming_strategy, *topic_delimiter, *topic_heartbeat_prefix, *topic_heartbeat_name, *topic_transaction;
    const char *history_class, *history_topic, *history_servers, *history_file, *history_name;
    const char *converters, *post_processors, *custom_snapshotter;
    int64_t history_query_ms, history_create_ms;
    int32_t history_poll_ms, history_attempts;
    bool tombstones, transactions, schema_changes, skip_unchanged, ignore_builtin, store_only_captured;
    bool extended_headers, position_check;
    bool based_data, based_schema, based_stream, based_on_schema_error, based_on_data_error;
} conf_keys_t;

typedef struct conf {
    conf_keys_t k;
    const cd_config_t *config; /* borrowed from the instance */
    cd_arena_t arena;
    profile_t profile;
    snapshot_mode_t mode;
    isolation_t isolation;
    bool lock_tables; /* TABLOCKX during the snapshot's schema phase */
    decimal_mode_t decimal;
    time_mode_t time;
    binary_mode_t binary;
    name_adjust_t schema_adjust, field_adjust;
    failure_mode_t on_failure;
    query_mode_t query;
    bool read_only; /* applicationIntent=ReadOnly */
    bool skip_create, skip_update, skip_delete;
    uint32_t ndatabases;
    const char **databases;
    match_list_t table_include, table_exclude, schema_include, schema_exclude, column_include, column_exclude;
    match_list_t snapshot_include, propagate_column, propagate_type;
    uint32_t nmappers, nkey_rules;
    mapper_t *mappers;
    key_rule_t *key_rules;
} conf_t;

extern const cd_key_t conf_keys[];

/** Check everything that needs no connection. `report` gets the bare problem; the value is never passed on.
 *  @return the number of problems */
uint32_t conf_check(const cd_config_t *config, void (*report)(void *arg, const cd_key_t *key, const char *problem),
                    void *arg);

/** Check and parse. On problems each is logged and the error is the one that fails the instance named `what`. */
CD_CHECK cd_err_t *conf_load(cd_ctx_t *ctx, const cd_config_t *config, const char *what, conf_t *ret_conf);

void conf_done(conf_t *conf);

/** A driver property: database.<name>, else driver.<name>, else NULL. */
const char *conf_driver(const cd_config_t *config, const char *name);

/** Split a list setting at commas, trimmed, empty items dropped; items live in the arena. */
uint32_t conf_split(const char *text, cd_arena_t *arena, const char ***ret_items);

#endif
