/* offset.h: the connector's place in one database, as it is kept in memory and in the offset topic.
 * Threads    task thread.
 * Ownership  offset_t owns its counters (offset_done); cells made here live in the given arena.
 * Errors     unreadable fields read as absent: a stored map is never refused.
 * Limits     65,536 tables counted in one transaction. */
#ifndef SQLSERVER_OFFSET_H
#define SQLSERVER_OFFSET_H

#include "connectors/sqlserver/lsn.h"

/** Events of the open transaction in one table, for transaction metadata. */
typedef struct tx_count {
    char *key;        /* transaction_data_collection_order_db.schema.table */
    const char *name; /* the last part of it: db.schema.table */
    int64_t n;
} tx_count_t;

typedef struct offset {
    bool present;            /* an offset was stored or set */
    bool snapshot;           /* the position belongs to a snapshot … */
    bool snapshot_completed; /* … that is complete */
    position_t pos;
    int64_t serial; /* event_serial_no at pos */
    lsn_t tx;       /* the open transaction; null without transaction metadata */
    int64_t tx_total;
    uint32_t ncounts, cap_counts;
    tx_count_t *counts;
} offset_t;

void offset_done(offset_t *o);

/** Read a stored map; a null cell, an empty map and a map without any position leave `present` false. */
void offset_load(offset_t *o, const cd_value_t *map);

/** The map that is stored: snapshot form while a snapshot is set, else streaming form. */
cd_value_t offset_value(const offset_t *o, cd_arena_t *arena);

/** The streaming form with the texts of the position given: per event they are made once for offset and source block. */
cd_value_t offset_stream_value(const offset_t *o, cd_value_t commit, cd_value_t change, cd_arena_t *arena);

/** {"server":…,"database":…}, in this order: the key's bytes matter. */
cd_value_t offset_partition(const char *server, const char *database, cd_arena_t *arena);

/** A change at `pos` that consumed `rows` change rows (1, or 2 for an update): moves the position, counts the serial. */
void offset_event(offset_t *o, const position_t *pos, int64_t rows);

/** Count an event of the open transaction in table `name`. @return its number within the table, from 1. */
int64_t offset_tx_count(offset_t *o, const char *name);

/** Begin counting another transaction; a null lsn ends the open one. */
void offset_tx_begin(offset_t *o, const lsn_t *tx);

#endif
