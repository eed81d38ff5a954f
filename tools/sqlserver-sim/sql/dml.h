/* dml.h: shared by the files that change rows. Affected rows are read first and written afterwards, so a statement never
 * sees its own changes. Threads: the session's. Ownership: everything lives in the session's statement arena.
 */
#ifndef SIM_DML_H
#define SIM_DML_H

#include "sql/bind.h"
#include "sql/exec.h"

/** Copies of rows. */
typedef struct kept {
    size_t n;
    sim_value_t **rows;
    int64_t *rowids;
} kept_t;
void kept_add(arena_t *a, kept_t *k, int64_t rowid, sim_value_t *row);
/** Cells first .. first + n - 1 of a result row; `stride` is the distance of the types. */
sim_value_t *kept_read(arena_t *a, sqlite3_stmt *st, int first, const sim_typeinfo_t *types, size_t stride, size_t n);
void kept_copy(arena_t *a, const sim_typeinfo_t *t, const sim_value_t *v, sim_value_t *ret);

/* ---- dml_output.c: the OUTPUT clause ---- */
typedef struct output {
    sim_session_t *s;
    stmt_t *st;
    const cat_table_t *t;
    sim_column_t *cols;
    size_t n;
    sqlite3_stmt *eval; /* the expressions over one inserted and one deleted row */
    int base;           /* its first parameter of a row */
    kept_t rows;
} output_t;
bool output_open(output_t *o, sim_session_t *s, stmt_t *st, const cat_table_t *t);
/** NULL images are rows of NULLs; action is what $action shows. */
bool output_row(output_t *o, const sim_value_t *before, const sim_value_t *after, const char *action);
/** Sends the rows or, with INTO, inserts them; frees in any case. */
bool output_close(output_t *o, bool ok);

/* ---- exec_insert.c ---- */
typedef struct inserter {
    writer_t w;
    output_t *out; /* or NULL */
    size_t n;      /* target columns */
    int *at;       /* their indexes in the table */
    sim_value_t *cells;
    bool *given;
} inserter_t;
bool dml_target(sim_session_t *s, const name_t *n, sdb_t **ret_sdb, cat_table_t **ret_t); /* 208 when missing */
/** Checks the column list and opens the writer. cols NULL: all columns; width SIZE_MAX: any number of values. */
bool insert_target(inserter_t *in, sim_session_t *s, sdb_t *sdb, cat_table_t *t, const char **cols, size_t ncols,
                   size_t width, bool bulk);
bool insert_row(inserter_t *in, const sim_value_t *vals, const sim_typeinfo_t *types, const bool *is_default);
bool exec_insert(sim_session_t *s, stmt_t *st, uint64_t *rows);

/* ---- exec_change.c ---- */
typedef struct change { /* SET items bound to columns, and the rows they apply to */
    sdb_t *sdb;
    cat_table_t *t;
    size_t nsets;
    int *at; /* column indexes, -1 for a variable */
    const char **vars;
    sim_typeinfo_t *types;
    kept_t old, values;
} change_t;
/** Appends the bound values to the select list in q. */
bool change_bind(sim_session_t *s, binder_t *b, set_item_t *sets, size_t nsets, change_t *ch, buf_t *q);
/** Appends rowid and all columns of a source to the select list. */
void change_select(const scope_src_t *src, buf_t *q);
bool change_update(sim_session_t *s, change_t *ch, writer_t *w, output_t *out);
bool change_delete(sim_session_t *s, change_t *ch, writer_t *w, output_t *out);

/* ---- exec_merge.c ---- */
bool exec_merge(sim_session_t *s, stmt_t *st, uint64_t *rows);

#endif
