/* emit.h: from row images to records of the batch in hand.
 * Threads    task thread.
 * Ownership  records and their cells live in the batch; shapes and names outlive it.
 * Errors     none: whatever gets here can be represented. */
#ifndef SQLSERVER_EMIT_H
#define SQLSERVER_EMIT_H

#include "connectors/sqlserver/offset.h"
#include "connectors/sqlserver/schema.h"

/** What the source block says of an event. */
typedef struct origin {
    int64_t ts_ns;        /* since the epoch; rounded towards the past for ts_ms */
    const char *snapshot; /* marker, NULL while streaming */
    cd_value_t commit, change;
    int64_t serial; /* < 0: null */
} origin_t;

typedef struct emitter {
    const conf_t *conf;
    const forms_t *forms;
    cd_batch_t *batch;
    const char *db;
    const cd_value_t *partition; /* in the batch, of db */
    const char *task_id;
} emitter_t;

/** A batch to fill. */
void emit_begin(emitter_t *e, cd_batch_t *batch);

/** Records that follow belong to this database. */
void emit_database(emitter_t *e, const char *db);

/** An offset cell in the batch. */
const cd_value_t *emit_offset(emitter_t *e, const offset_t *offset);

/** One row event. `before`, `after`: cells of the shape in the batch's arena, or NULL. `tx`: the transaction block's
 *  three cells, or NULL. `other_key`: with key changes, the header's name and key cells. @return the record */
cd_record_t *emit_row(emitter_t *e, const shape_t *s, char op, cd_value_t *before, cd_value_t *after,
                      const origin_t *origin, cd_value_t *tx, const cd_value_t *offset);

/** The tombstone after a delete: key only. */
cd_record_t *emit_tombstone(emitter_t *e, const shape_t *s, const cd_value_t *cells, const cd_value_t *offset);

/** Add the header of a key change to a record: `name` is __debezium.newkey or __debezium.oldkey. */
void emit_key_header(emitter_t *e, cd_record_t *r, const shape_t *s, const char *name, const cd_value_t *cells);

/** Change the snapshot marker of a record made by emit_row. */
void emit_marker(const emitter_t *e, cd_record_t *r, const char *marker);

/** Do the keys of two images differ? */
bool emit_key_differs(const shape_t *s, const cd_value_t *a, const cd_value_t *b);

void emit_tx_begin(emitter_t *e, const lsn_t *tx, int64_t ts_ms, const cd_value_t *offset);
void emit_tx_end(emitter_t *e, const offset_t *open, int64_t ts_ms, const cd_value_t *offset);
void emit_heartbeat(emitter_t *e, const cd_value_t *offset);

/** A schema-change event. `type` CREATE or ALTER. */
void emit_schema_change(emitter_t *e, const table_t *t, const char *type, const char *ddl, const origin_t *origin,
                        const cd_value_t *offset);

/** Wall clock in nanoseconds since the epoch, in steps of a few milliseconds. */
int64_t emit_clock_ns(void);

#endif
