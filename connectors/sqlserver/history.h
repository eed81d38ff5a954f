/* history.h: the schema history: which table definition was in force at which position. One JSON record per table and
 * change, in Debezium's layout, so that either connector can recover what the other wrote.
 * Threads    task thread; opening, recovering and writing block on Kafka.
 * Ownership  history_free closes the log. Recovered tables live in the arena of the call.
 * Errors     FATAL with the class and text users know; STOPPED while stopping.
 * Limits     records up to what Kafka takes. */
#ifndef SQLSERVER_HISTORY_H
#define SQLSERVER_HISTORY_H

#include "connectors/sqlserver/buf.h"
#include "connectors/sqlserver/conf.h"
#include "connectors/sqlserver/model.h"
#include "connectors/sqlserver/offset.h"

typedef struct history history_t;

/** Open the storage and create it when it is missing. */
CD_CHECK cd_err_t *history_open(cd_ctx_t *ctx, const conf_t *conf, history_t **ret_history);
void history_free(history_t *h);

/** Write one table definition. `ddl` is NULL in a snapshot. */
CD_CHECK cd_err_t *history_write(history_t *h, const table_t *table, const char *type, const char *ddl,
                                 const offset_t *offset);

/** Read everything and call `each` for every definition of database `db` at or before `stored`, in order; table NULL
 *  with an id means it was dropped. *ret_records counts what the storage holds for anyone: 0 means it is empty. */
CD_CHECK cd_err_t *history_recover(history_t *h, const char *db, const offset_t *stored, cd_arena_t *arena,
                                   void (*each)(void *arg, const char *id, table_t *table), void *arg,
                                   uint64_t *ret_records);

/** Where the last snapshot of database `db` stood according to the definitions it wrote, and when (ms since the epoch):
 *  ms 0 when there is none. For a start that was cut off before its first offset was stored. */
CD_CHECK cd_err_t *history_last_snapshot(history_t *h, const char *db, lsn_t *ret_commit, int64_t *ret_ts_ms);

/** The same of one record. @return false when it is no snapshot record of this source */
bool history_snapshot_position(const char *text, size_t len, const char *server, const char *db, lsn_t *ret_commit,
                               int64_t *ret_ts_ms);

/** The record's text, for tests and for the storage. */
void history_format(buf_t *out, bool pretty, const char *server, const table_t *table, const char *type,
                    const char *ddl, const offset_t *offset, int64_t ts_ms);

/** Read one record. @return false when it does not apply (not JSON, other source, later position); *ret_why then says
 *  what to log, or is NULL */
bool history_parse(const char *text, size_t len, const char *server, const char *db, const offset_t *stored,
                   cd_arena_t *arena, uint32_t *ret_n, table_t ***ret_tables, const char ***ret_ids,
                   const char **ret_why);

#endif
