/* connectors/postgres/sink_conf.h: the sink's settings: one table of keys, parsed once per task.
 *
 * Threads    the parsed settings are read-only after sink_conf_parse.
 * Ownership  everything lives in the arena given to sink_conf_parse; the zones are freed by sink_conf_done.
 * Errors     CONFIG for what a check of the table finds, FATAL for what the JVM connector finds at task start. */
#ifndef POSTGRES_SINK_CONF_H
#define POSTGRES_SINK_CONF_H

#include "connectors/postgres/jdbc_url.h"
#include "connectors/postgres/tz.h"

enum insert_mode { INSERT_MODE_INSERT, INSERT_MODE_UPSERT, INSERT_MODE_UPDATE };
enum pk_mode { PK_MODE_NONE, PK_MODE_KAFKA, PK_MODE_RECORD_KEY, PK_MODE_RECORD_VALUE };

enum table_kind { TABLE_KIND_TABLE = 1, TABLE_KIND_PARTITIONED = 2, TABLE_KIND_VIEW = 4 };

/** As the key table stores it (text). */
typedef struct sink_keys {
    const char *url, *user, *password, *credentials_provider, *dialect;
    int32_t attempts;
    int64_t backoff_ms;
    const char *insert_mode;
    int32_t batch_size;
    bool delete_enabled;
    cd_list_t table_types;
    bool replace_null;
    const char *table_format, *pk_mode;
    cd_list_t pk_fields, whitelist;
    const char *db_timezone, *date_timezone;
    cd_list_t timestamp_fields;
    const char *timestamp_precision;
    bool auto_create, auto_evolve;
    const char *quote;
    int32_t max_retries, retry_backoff_ms;
    bool trim_sensitive;
    const char *coercion, *write_path;
    bool type_ddl;
} sink_keys_t;

typedef struct sink_conf {
    sink_keys_t k;
    const char *name; /* of the connector */
    enum insert_mode insert_mode;
    enum pk_mode pk_mode;
    uint32_t table_kinds; /* enum table_kind */
    bool quote_always, coerce, row_path, timestamp_nanos;
    tz_t *zone, *date_zone; /* date_zone may be the same object */
    jdbc_url_t url;
    bool url_ok;               /* false: refused when connecting, as the driver does */
    const char *shown_url;     /* without passwords */
    const cd_config_t *config; /* for connection.* keys that go to the driver */
} sink_conf_t;

extern const cd_key_t sink_keys_table[];

/** True when a connection.* key is one of ours and not a driver property. */
bool sink_conf_is_own(const char *key);

/** A copy that lives in the arena: what callers pass may be gone after the call. */
cd_config_t sink_conf_copy(const cd_config_t *config, cd_arena_t *arena);

/** Parse and resolve. `config` must live as long as the result. */
CD_CHECK cd_err_t *sink_conf_parse(const cd_config_t *config, cd_arena_t *arena, sink_conf_t *ret_conf);
void sink_conf_done(sink_conf_t *conf);

/** Checks across keys, for the connector's validate. */
void sink_conf_validate(const cd_config_t *config, cd_problems_t *problems);

const char *pk_mode_name(enum pk_mode mode);
bool cd_list_has(const cd_list_t *list, const char *item);

#endif
