/* The sink's keys: one row per setting, with its checks and recommendations. */
#include "connectors/postgres/sink_conf.h"
#include "connectors/postgres/words.h"

#include <strings.h>

#define INVALID_ENUM     "Invalid enumerator"
#define DEFAULT_PROVIDER "io.confluent.connect.jdbc.util.DefaultJdbcCredentialsProvider"

const char *const insert_mode_words[] = {"insert", "upsert", "update", NULL};
const char *const pk_mode_words[] = {"none", "kafka", "record_key", "record_value", NULL};
const char *const table_kind_words[] = {"table", "partitioned table", "view", NULL};
static const char *const dialects[] = {"",
                                       "Db2DatabaseDialect",
                                       "DerbyDatabaseDialect",
                                       "GenericDatabaseDialect",
                                       "MySqlDatabaseDialect",
                                       "OracleDatabaseDialect",
                                       "PostgreSqlDatabaseDialect",
                                       "SapHanaDatabaseDialect",
                                       "SqlServerDatabaseDialect",
                                       "SqliteDatabaseDialect",
                                       "SybaseDatabaseDialect",
                                       "VerticaDatabaseDialect",
                                       NULL};
static const char *const date_zones[] = {"db_timezone", "utc", NULL};
static const char *const precisions[] = {"microseconds", "nanoseconds", NULL};
static const char *const calendars[] = {"LEGACY", "PROLEPTIC_GREGORIAN", NULL};
static const char *const quote_words[] = {"always", "never", NULL};
static const char *const coercions[] = {"auto", "off", NULL};
static const char *const booleans[] = {"true", "false", NULL};
static const char *const only_false[] = {"false", NULL};
static const char *const only_record_key[] = {"record_key", NULL};
static const char *const write_paths[] = {"auto", "row", NULL};
static const char *const pk_mode_dependents[] = {"pk.mode", NULL};

/* ---- checks ---------------------------------------------------------------------------------------------------- */

static const char *check_insert_mode(const cd_key_t *key, const char *text, cd_arena_t *arena)
{
    (void)key;
    (void)arena;
    return is_one_of(text, insert_mode_words) ? NULL : INVALID_ENUM;
}

static const char *check_pk_mode(const cd_key_t *key, const char *text, cd_arena_t *arena)
{
    (void)key;
    (void)arena;
    return is_one_of(text, pk_mode_words) ? NULL : INVALID_ENUM;
}

static const char *check_date_zone(const cd_key_t *key, const char *text, cd_arena_t *arena)
{
    (void)key;
    (void)arena;
    return is_one_of(text, date_zones) ? NULL : INVALID_ENUM;
}

static const char *check_precision(const cd_key_t *key, const char *text, cd_arena_t *arena)
{
    (void)key;
    (void)arena;
    return is_one_of(text, precisions) ? NULL : INVALID_ENUM;
}

static const char *check_dialect(const cd_key_t *key, const char *text, cd_arena_t *arena)
{
    (void)key;
    (void)arena;
    for (const char *const *d = dialects; *d != NULL; d++)
        if (strcmp(*d, text) == 0) return NULL;
    return INVALID_ENUM;
}

static const char *check_provider(const cd_key_t *key, const char *text, cd_arena_t *arena)
{
    (void)key;
    (void)arena;
    return strcmp(text, DEFAULT_PROVIDER) == 0 ? NULL : "only the default credentials provider is available";
}

static const char *check_not_empty(const cd_key_t *key, const char *text, cd_arena_t *arena)
{
    (void)key;
    (void)arena;
    return *text != '\0' ? NULL : "String must be non-empty";
}

static const char *check_zone(const cd_key_t *key, const char *text, cd_arena_t *arena)
{
    (void)key;
    (void)arena;
    tz_t *tz = tz_open(text);
    bool known = tz != NULL;
    tz_free(tz);
    return known ? NULL : "Invalid time zone identifier";
}

static const char *check_table_types(const cd_key_t *key, const char *text, cd_arena_t *arena)
{
    for (const char *p = text; *p != '\0';) {
        size_t len = strcspn(p, ",");
        const char *from = p, *to = p + len;
        while (from < to && (*from == ' ' || *from == '\t')) from++;
        while (to > from && (to[-1] == ' ' || to[-1] == '\t')) to--;
        const char *item = cd_arena_strndup(arena, from, (size_t)(to - from));
        if (!is_one_of(item, table_kind_words))
            return cd_arena_printf(arena, "=Invalid value %s for configuration %s: " INVALID_ENUM, item, key->name);
        p += len;
        if (*p == ',') p++;
    }
    return NULL;
}

/* ---- recommendations ------------------------------------------------------------------------------------------- */

static bool has_record_key(const cd_config_t *config)
{
    const char *mode = cd_config_get(config, "pk.mode");
    return mode != NULL && is_word(mode, "record_key");
}

static const char *const *recommend_delete(const cd_key_t *key, const cd_config_t *config, cd_arena_t *arena)
{
    (void)key;
    (void)arena;
    return has_record_key(config) ? booleans : only_false;
}

static bool visible_delete(const cd_key_t *key, const cd_config_t *config)
{
    (void)key;
    return has_record_key(config);
}

static const char *const *recommend_pk_mode(const cd_key_t *key, const cd_config_t *config, cd_arena_t *arena)
{
    (void)key;
    (void)arena;
    const char *deletes = cd_config_get(config, "delete.enabled");
    return deletes != NULL && strcasecmp(deletes, "true") == 0 ? only_record_key : pk_mode_words;
}

static const char *const *recommend_insert_mode(const cd_key_t *key, const cd_config_t *config, cd_arena_t *arena)
{
    (void)key;
    (void)config;
    (void)arena;
    return insert_mode_words;
}

static const char *const *recommend_table_types(const cd_key_t *key, const cd_config_t *config, cd_arena_t *arena)
{
    (void)key;
    (void)config;
    (void)arena;
    return table_kind_words;
}

static const char *const *recommend_quote(const cd_key_t *key, const cd_config_t *config, cd_arena_t *arena)
{
    (void)key;
    (void)config;
    (void)arena;
    return quote_words;
}

static const char *const *recommend_dialect(const cd_key_t *key, const cd_config_t *config, cd_arena_t *arena)
{
    (void)key;
    (void)config;
    (void)arena;
    return dialects;
}

/* ---- the table ------------------------------------------------------------------------------------------------- */

#define AT(field) .at = offsetof(sink_keys_t, field)

const cd_key_t sink_keys_table[] = {
    {.name = "connection.url",
     .type = CD_T_STRING,
     .importance = CD_HIGH,
     .width = CD_W_LONG,
     .flags = CD_K_REQUIRED,
     AT(url),
     .group = "Connection",
     .display = "JDBC URL",
     .doc = "Where the database is: jdbc:postgresql://host[:port][,host2...]/database[?parameter=value&...]."},
    {.name = "connection.user",
     .type = CD_T_STRING,
     .importance = CD_HIGH,
     .width = CD_W_MEDIUM,
     AT(user),
     .group = "Connection",
     .display = "JDBC User",
     .doc = "The database role to log in as."},
    {.name = "connection.password",
     .type = CD_T_PASSWORD,
     .importance = CD_HIGH,
     .width = CD_W_MEDIUM,
     AT(password),
     .group = "Connection",
     .display = "JDBC Password",
     .doc = "The password of that role."},
    {.name = "jdbc.credentials.provider.class",
     .type = CD_T_CLASS,
     .importance = CD_LOW,
     .width = CD_W_LONG,
     .flags = CD_K_ACCEPTED,
     .dflt = DEFAULT_PROVIDER,
     AT(credentials_provider),
     .group = "Connection",
     .display = "JDBC Credentials Provider Class",
     .check = check_provider,
     .doc = "Where user and password come from. Only the default is available: connection.user and "
            "connection.password. Use a config provider for secrets kept elsewhere."},
    {.name = "dialect.name",
     .type = CD_T_STRING,
     .importance = CD_LOW,
     .width = CD_W_LONG,
     .flags = CD_K_ACCEPTED,
     .dflt = "",
     AT(dialect),
     .group = "Connection",
     .display = "Database Dialect",
     .check = check_dialect,
     .recommend = recommend_dialect,
     .doc = "Accepted for old configurations; this sink always writes the PostgreSQL dialect."},
    {.name = "connection.attempts",
     .type = CD_T_INT,
     .importance = CD_LOW,
     .width = CD_W_SHORT,
     .flags = CD_K_RANGE_MIN,
     .dflt = "3",
     .min = 1,
     AT(attempts),
     .group = "Connection",
     .display = "JDBC connection attempts",
     .doc = "How often to try to reach the database before the task fails."},
    {.name = "connection.backoff.ms",
     .type = CD_T_LONG,
     .importance = CD_LOW,
     .width = CD_W_SHORT,
     .dflt = "10000",
     AT(backoff_ms),
     .group = "Connection",
     .display = "JDBC connection backoff in milliseconds",
     .doc = "How long to wait between two attempts to connect."},

    {.name = "insert.mode",
     .type = CD_T_STRING,
     .importance = CD_HIGH,
     .width = CD_W_MEDIUM,
     .dflt = "insert",
     AT(insert_mode),
     .group = "Writes",
     .display = "Insert Mode",
     .check = check_insert_mode,
     .recommend = recommend_insert_mode,
     .doc = "How rows are written: insert (plain INSERT), upsert (INSERT ... ON CONFLICT DO UPDATE on the primary key "
            "fields; safe to repeat) or update (UPDATE of existing rows only)."},
    {.name = "batch.size",
     .type = CD_T_INT,
     .importance = CD_MEDIUM,
     .width = CD_W_SHORT,
     .flags = CD_K_RANGE_MIN,
     .dflt = "3000",
     .min = 0,
     AT(batch_size),
     .group = "Writes",
     .display = "Batch Size",
     .doc =
         "How many records form one batch of statements. Error messages count entries within such a batch; set-based "
         "writes may take more rows at once, always within one transaction."},
    {.name = "delete.enabled",
     .type = CD_T_BOOLEAN,
     .importance = CD_MEDIUM,
     .width = CD_W_SHORT,
     .dflt = "false",
     AT(delete_enabled),
     .group = "Writes",
     .display = "Enable deletes",
     .dependents = pk_mode_dependents,
     .recommend = recommend_delete,
     .visible = visible_delete,
     .doc = "Whether a record with a null value deletes the row of its key. Needs pk.mode=record_key."},
    {.name = "table.types",
     .type = CD_T_LIST,
     .importance = CD_LOW,
     .width = CD_W_MEDIUM,
     .dflt = "TABLE",
     AT(table_types),
     .group = "Writes",
     .display = "Table Types",
     .check = check_table_types,
     .recommend = recommend_table_types,
     .doc = "Which kinds of relations count as a target: table, partitioned table, view."},
    {.name = "replace.null.with.default",
     .type = CD_T_BOOLEAN,
     .importance = CD_LOW,
     .width = CD_W_SHORT,
     .dflt = "true",
     AT(replace_null),
     .group = "Writes",
     .display = "Replace null value with default value",
     .doc = "Whether a null in a field whose schema has a default is written as that default. Key fields always take "
            "their default."},

    {.name = "table.name.format",
     .type = CD_T_STRING,
     .importance = CD_MEDIUM,
     .width = CD_W_LONG,
     .dflt = "${topic}",
     AT(table_format),
     .group = "Data Mapping",
     .display = "Table Name Format",
     .check = check_not_empty,
     .doc = "The target table, [[database.]schema.]table; ${topic} stands for the topic after all transforms."},
    {.name = "pk.mode",
     .type = CD_T_STRING,
     .importance = CD_HIGH,
     .width = CD_W_LONG,
     .dflt = "none",
     AT(pk_mode),
     .group = "Data Mapping",
     .display = "Primary Key Mode",
     .check = check_pk_mode,
     .recommend = recommend_pk_mode,
     .doc = "Where the primary key comes from: none, kafka (topic, partition and offset), record_key or record_value."},
    {.name = "pk.fields",
     .type = CD_T_LIST,
     .importance = CD_MEDIUM,
     .width = CD_W_LONG,
     .dflt = "",
     AT(pk_fields),
     .group = "Data Mapping",
     .display = "Primary Key Fields",
     .doc = "Names of the primary key columns. kafka: three names or none; record_key: one name for a primitive key, "
            "else some fields of the key, empty for all; record_value: some fields of the value, empty for all."},
    {.name = "fields.whitelist",
     .type = CD_T_LIST,
     .importance = CD_MEDIUM,
     .width = CD_W_LONG,
     .dflt = "",
     AT(whitelist),
     .group = "Data Mapping",
     .display = "Fields Whitelist",
     .doc = "Value fields to write; empty for all. Primary key fields are always written."},
    {.name = "db.timezone",
     .type = CD_T_STRING,
     .importance = CD_MEDIUM,
     .width = CD_W_MEDIUM,
     .dflt = "UTC",
     AT(db_timezone),
     .group = "Data Mapping",
     .display = "DB Time Zone",
     .check = check_zone,
     .doc = "The zone whose wall clock is stored for Connect's Date, Time and Timestamp values, and in which wall "
            "clocks are read when the column holds instants."},
    {.name = "date.timezone",
     .type = CD_T_STRING,
     .importance = CD_LOW,
     .width = CD_W_MEDIUM,
     .dflt = "DB_TIMEZONE",
     AT(date_timezone),
     .group = "Data Mapping",
     .display = "Time Zone used for Date",
     .check = check_date_zone,
     .doc = "The zone for Connect's Date values: DB_TIMEZONE (as db.timezone says) or UTC."},
    {.name = "timestamp.fields.list",
     .type = CD_T_LIST,
     .importance = CD_MEDIUM,
     .width = CD_W_LONG,
     .dflt = "",
     AT(timestamp_fields),
     .group = "Data Mapping",
     .display = "Timestamp Fields Whitelist",
     .doc = "INT64 or STRING fields that hold an epoch time and are written as timestamps."},
    {.name = "timestamp.precision.mode",
     .type = CD_T_STRING,
     .importance = CD_LOW,
     .width = CD_W_MEDIUM,
     .dflt = "MICROSECONDS",
     AT(timestamp_precision),
     .group = "Data Mapping",
     .display = "Sink Timestamp Precision mode",
     .check = check_precision,
     .doc = "Unit of the fields in timestamp.fields.list: MICROSECONDS or NANOSECONDS."},
    {.name = "date.calendar.system",
     .type = CD_T_STRING,
     .importance = CD_LOW,
     .width = CD_W_MEDIUM,
     .flags = CD_K_ACCEPTED,
     .dflt = "LEGACY",
     .choices = calendars,
     .at = CD_NO_FIELD,
     .group = "Data Mapping",
     .display = "Date Calendar System",
     .doc = "Calendar for dates before 1582-10-15. Accepted; dates are always written as ISO (proleptic Gregorian) "
            "dates, which both values agree on from that day on."},
    {.name = "string.output.value.column.name",
     .type = CD_T_STRING,
     .importance = CD_LOW,
     .width = CD_W_MEDIUM,
     .flags = CD_K_ACCEPTED,
     .dflt = "record_value",
     .at = CD_NO_FIELD,
     .group = "Data Mapping",
     .display = "String Value Column Name",
     .check = check_not_empty,
     .doc = "Column for record values that are plain strings. Accepted; such values are refused, as version 10.7.4 "
            "does."},

    {.name = "auto.create",
     .type = CD_T_BOOLEAN,
     .importance = CD_MEDIUM,
     .width = CD_W_SHORT,
     .dflt = "false",
     AT(auto_create),
     .group = "DDL Support",
     .display = "Auto-Create",
     .doc = "Whether to create a missing target table from the record's schema."},
    {.name = "auto.evolve",
     .type = CD_T_BOOLEAN,
     .importance = CD_MEDIUM,
     .width = CD_W_SHORT,
     .dflt = "false",
     AT(auto_evolve),
     .group = "DDL Support",
     .display = "Auto-Evolve",
     .doc = "Whether to add missing columns to the target table. Columns are never dropped or changed."},
    {.name = "quote.sql.identifiers",
     .type = CD_T_STRING,
     .importance = CD_MEDIUM,
     .width = CD_W_MEDIUM,
     .dflt = "ALWAYS",
     AT(quote),
     .group = "DDL Support",
     .display = "Quote Identifiers",
     .recommend = recommend_quote,
     .doc = "Whether names are quoted in statements: always, or never (the server then folds them to lower case)."},

    {.name = "mssql.use.merge.holdlock",
     .type = CD_T_BOOLEAN,
     .importance = CD_LOW,
     .width = CD_W_SHORT,
     .flags = CD_K_ACCEPTED,
     .dflt = "true",
     .at = CD_NO_FIELD,
     .group = "DML Support",
     .display = "SQL Server - Use HOLDLOCK in MERGE",
     .doc = "Accepted; it concerns another database and has no effect here."},

    {.name = "max.retries",
     .type = CD_T_INT,
     .importance = CD_MEDIUM,
     .width = CD_W_SHORT,
     .flags = CD_K_RANGE_MIN,
     .dflt = "10",
     .min = 0,
     AT(max_retries),
     .group = "Retries",
     .display = "Maximum Retries",
     .doc = "How often a failed write is repeated before its bad records are reported or the task fails."},
    {.name = "retry.backoff.ms",
     .type = CD_T_INT,
     .importance = CD_MEDIUM,
     .width = CD_W_SHORT,
     .flags = CD_K_RANGE_MIN,
     .dflt = "3000",
     .min = 0,
     AT(retry_backoff_ms),
     .group = "Retries",
     .display = "Retry Backoff (millis)",
     .doc = "How long to wait before a failed write is repeated."},

    {.name = "trim.sensitive.log",
     .type = CD_T_BOOLEAN,
     .importance = CD_LOW,
     .width = CD_W_SHORT,
     .flags = CD_K_INTERNAL,
     .dflt = "false",
     AT(trim_sensitive),
     .group = "Writes",
     .display = "Trim sensitive logs",
     .doc = "Whether error texts leave out everything that may hold values of rows."},
    {.name = "debezium.type.coercion",
     .type = CD_T_STRING,
     .importance = CD_LOW,
     .width = CD_W_SHORT,
     .dflt = "auto",
     .choices = coercions,
     AT(coercion),
     .group = "Data Mapping",
     .display = "Debezium type conversion",
     .doc = "Whether values are converted to the type of their column where PostgreSQL would refuse them (auto), or "
            "sent as they are (off): for example io.debezium.time.NanoTimestamp into a TIMESTAMP column."},
    {.name = "debezium.type.ddl",
     .type = CD_T_BOOLEAN,
     .importance = CD_LOW,
     .width = CD_W_SHORT,
     .dflt = "false",
     AT(type_ddl),
     .group = "DDL Support",
     .display = "Debezium types in DDL",
     .doc = "Whether created columns get the type that Debezium's schema names mean (TIMESTAMP, UUID, ...) and not "
            "that of the bare value (BIGINT, TEXT, ...)."},
    {.name = "native.write.path",
     .type = CD_T_STRING,
     .importance = CD_LOW,
     .width = CD_W_SHORT,
     .dflt = "auto",
     .choices = write_paths,
     AT(write_path),
     .group = "Writes",
     .display = "Write path",
     .doc = "auto picks COPY, arrays or single statements by batch size; row always runs one statement per record, "
            "so that row triggers see superseded versions too."},
    CD_KEY_END};
