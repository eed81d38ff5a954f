/* exec.h: shared by the executor's files. Threads: the session's. */
#ifndef SIM_EXEC_H
#define SIM_EXEC_H

#include "sql/session.h"

typedef enum flow { FLOW_NEXT, FLOW_BREAK, FLOW_CONTINUE, FLOW_RETURN, FLOW_STOP, FLOW_ERROR } flow_t;

/** Parses and runs a text in its own frame; FLOW_ERROR leaves the error pending for an outer TRY. */
flow_t exec_body(sim_session_t *s, const char *text, size_t len, frame_t *f);
/** EXEC statement, complete with RETURNSTATUS and DONEPROC. */
bool run_exec(sim_session_t *s, stmt_t *st, flow_t *ret_flow);
bool bulk_prepare(sim_session_t *s, stmt_t *st);
bool ddl_table_variable(sim_session_t *s, declare_item_t *d);
bool ddl_select_into(sim_session_t *s, const name_t *into, const sim_column_t *cols, size_t n, cat_table_t **ret_table,
                     sdb_t **ret_sdb);
void caught_pop(sim_session_t *s);

/* ---- writer.c: rows into tables, with every check and the change log ---- */
typedef struct writer {
    sim_session_t *s;
    sdb_t *sdb;
    cat_table_t *t;
    const char *verb; /* INSERT, UPDATE, DELETE: for messages */
    sqlite3_stmt *insert, *update, *del;
    bool logged, checks;
    bool parked;   /* rows were taken out by writer_park(): writer_update() puts them back changed */
    int64_t rowid; /* of the row being changed, 0 = a new one */
    arena_t arena; /* reset per row */
    uint64_t rows;
    int identity_at; /* column index or -1 */
    bool identity_given;
    int64_t max_identity;
    bool wrote_identity;
    sim_value_t *defaults; /* evaluated once per statement unless the default is random */
    bool *has_default;
} writer_t;

bool writer_open(writer_t *w, sim_session_t *s, sdb_t *sdb, cat_table_t *t, const char *verb);
/** Cells are in table column order, already of the column types; is_default marks columns to fill by default. */
bool writer_insert(writer_t *w, sim_value_t *cells, const bool *given);
bool writer_update(writer_t *w, int64_t rowid, const sim_value_t *before, sim_value_t *after, const bool *changed);
bool writer_delete(writer_t *w, int64_t rowid, const sim_value_t *before);
/** Takes a row out without any check or log entry; writer_update() with `parked` set brings it back. */
bool writer_park(writer_t *w, int64_t rowid);
/** After the rows of an UPDATE are written: foreign keys that pointed to a changed key follow or object. */
bool writer_keys_moved(writer_t *w, const sim_value_t *before, const sim_value_t *after, const bool *changed);
/* between writer.c and writer_keys.c */
int writer_column(const cat_table_t *t, int id); /* index of a column id, or -1 */
bool writer_default(writer_t *w, size_t i, sim_value_t *cell);
bool writer_parents(writer_t *w, const sim_value_t *cells, const bool *changed);
bool writer_keys_left(writer_t *w, const sim_value_t *before);
/** Ends the statement: deferred checks, identity bookkeeping. */
bool writer_close(writer_t *w, bool ok);
/** Converts a source value to a column's type with the errors of an assignment. */
bool writer_convert(writer_t *w, const cat_column_t *c, const sim_typeinfo_t *from, const sim_value_t *v,
                    sim_value_t *ret);

#endif
