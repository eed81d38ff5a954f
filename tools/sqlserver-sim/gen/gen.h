/* gen.h: generator tables: change rows computed from their index, never stored.
 *
 * EXEC sim.gen_create @table='dbo.gen', @template='customers|wide|lob', @rows_per_tx=100, @total=1000000,
 *                     @ops='i:70,u:25,d:5', @snapshot=0, @rate=0, @seed=0, @replay=0
 * makes an ordinary table and an ordinary capture instance (so every catalog shows them) and then answers reads of the
 * table, its change table and its change function by arithmetic. @total counts operations, @snapshot rows of the table.
 * An update is two row images, so there can be more images than operations. With a @rate (images per second) rows appear
 * as time goes by, in whole transactions, with the scans of the capture job. @replay leaves out all arithmetic.
 *
 * Threads    the list is guarded by the server lock; a definition is immutable once listed and lives as long as the server.
 * Errors     bool functions leave a pending error in the session on false.
 */
#ifndef SIM_GEN_H
#define SIM_GEN_H

#include "sql/bind.h"

/** The generator behind a name: its table, its change table or its change function. NULL = none. */
gen_table_t *gen_find(sim_server_t *srv, int db_id, const char *schema, const char *object);
/** Columns of the object as a query source. */
void gen_scope(binder_t *b, gen_table_t *g, const char *object, scope_src_t *ret_src);
/** Runs a query over a generator table; cols are the bound output columns. Conditions on the position columns become a
 *  start and an end index. */
bool gen_select(sim_session_t *s, gen_table_t *g, select_t *q, const sim_column_t *cols, size_t ncols,
                uint64_t *ret_rows);
/** sim.gen_create; names as in fault_procedure. */
bool gen_procedure(sim_session_t *s, const char *name, const sim_value_t *args, const sim_typeinfo_t *types,
                   const char *const *names, size_t n, bool *ret_found);
void gen_free_all(sim_server_t *srv);
/** Lets the time mapping of a database follow its generators with a rate. @thread the capture thread */
bool gen_advance(sim_server_t *srv, sqlite3 *sq, const sim_db_t *db);
/** Position of the newest generated row when the database has a generator table that is complete. */
bool gen_max_lsn(sim_server_t *srv, int db_id, uint8_t ret_lsn[10]);

#endif
