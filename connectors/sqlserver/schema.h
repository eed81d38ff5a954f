/* schema.h: topics and Connect schemas of tables, and the fixed schemas of the other records.
 * Threads    task thread (schemas are interned in the task's pool).
 * Ownership  a shape_t lives in the arena it was made in, which outlives every batch it was used for.
 * Errors     none: names are adjusted, not refused. */
#ifndef SQLSERVER_SCHEMA_H
#define SQLSERVER_SCHEMA_H

#include "connectors/sqlserver/conf.h"
#include "connectors/sqlserver/convert.h"
#include "connectors/sqlserver/model.h"

#define SOURCE_FIELDS_MAX 14

/** What records of one table look like: its topic, schemas and the fields to read. */
typedef struct shape {
    const table_t *table;
    const char *topic;
    const cd_schema_t *key, *row, *envelope;
    /* Cells of a row image: first the fields of the row schema, then key columns that are not among them as they are
     * (left out of the value, or masked there). */
    uint32_t ncells, nrow, nkey;
    const field_t **fields;
    uint32_t *key_cells;                  /* key field -> cell */
    cd_value_t source[SOURCE_FIELDS_MAX]; /* the source block with its constant cells filled in */
} shape_t;

/** The record forms of one connector configuration. */
typedef struct forms {
    const conf_t *conf;
    cd_schema_pool_t *pool;
    bool has_micros; /* ts_us and ts_ns exist */
    uint32_t nsource, nenvelope;
    struct {
        uint32_t ts_ms, snapshot, db, ts_us, ts_ns, schema, table, change, commit, serial;
    } source;
    struct {
        uint32_t before, after, source, op, ts_ms, ts_us, ts_ns, tx;
    } envelope;
    const cd_schema_t *source_schema, *tx_block, *tx_key, *tx_value, *tx_collection;
    const cd_schema_t *heartbeat_key, *heartbeat_value;
    const cd_schema_t *change_key, *change_value, *change, *change_table, *change_column, *strings, *optional_strings;
    const cd_schema_t *string, *optional_string;
    const char *topic_changes, *topic_tx, *topic_heartbeat;
} forms_t;

/** Names live in `arena`. */
void forms_init(forms_t *f, const conf_t *conf, cd_schema_pool_t *pool, cd_arena_t *arena);

/** Make the shape of a table (and note the envelope's field numbers, which are the same for all). Columns without a converter and unreadable defaults are logged under `ctx`. */
shape_t *shape_new(forms_t *f, cd_ctx_t *ctx, const table_t *table, cd_arena_t *arena);

/** Replace what a topic name may not hold. */
char *schema_topic_sanitize(const char *name, cd_arena_t *arena);

/** Adjust a schema name (dots allowed) or a field name. */
const char *schema_adjust(name_adjust_t mode, bool is_field, const char *name, cd_arena_t *arena);

/** Data topic of a table. */
char *schema_topic(const conf_t *conf, const table_t *t, cd_arena_t *arena);

#endif
