/* cdc_record.h: change records as they lie in the log (_sim_log.body of the data file), one behind the other.
 * Threads any; pure.   Ownership  decoded values point into the body or the arena.   Errors  false = not such a record.
 *
 *   kind(1: 1 delete, 2 insert, 4 update, 9 DDL)  object_id(4)  command_id(4)
 *   change: ncols(2), per column: column_id(4) type(8), cell [of the deleted row or before image] [cell after]
 *   DDL:    column_update(1) alter_column(4) length(4) text
 */
#ifndef SIM_CDC_RECORD_H
#define SIM_CDC_RECORD_H

#include "cdc/cdc.h"

enum { RECORD_DELETE = 1, RECORD_INSERT = 2, RECORD_UPDATE = 4, RECORD_DDL = 9 };
enum { LOG_SLOTS = 60000 }; /* change records in one block; the commit record has a slot of its own behind them */

typedef struct record_cell {
    int column_id;
    sim_typeinfo_t type;
    sim_value_t before, after; /* before: also of deletes; after: also of inserts */
    bool changed;
} record_cell_t;

typedef struct record {
    int kind, object_id, command_id;
    record_cell_t *cells;
    size_t ncells;
    bool column_update; /* DDL */
    int alter_column;
    const char *text;
    size_t text_len;
} record_t;

/** Reads the record at *pos and moves behind it. */
bool record_read(const char *body, size_t len, size_t *pos, arena_t *a, record_t *ret_record);

/** Position of change number n (from 0) of a transaction whose first block is given. */
lsn_t record_lsn(uint32_t vlf, uint32_t block, size_t n);
/** Position of the commit record of a transaction with n changes. */
lsn_t record_commit_lsn(uint32_t vlf, uint32_t block, size_t n);
lsn_t lsn_make(uint32_t vlf, uint32_t block, uint16_t slot);

#endif
