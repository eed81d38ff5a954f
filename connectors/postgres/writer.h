/* connectors/postgres/writer.h: gets runs of records into a table, by the cheapest way that is legal for them.
 *
 * Three ways: COPY into a staging (or the target) table for large runs, arrays through UNNEST for medium ones, and one
 * prepared statement per record, pipelined, for small and all other runs. The first two fold records of one key. When
 * one of them fails, its work is rolled back and the run goes record by record: only that outcome is reported, and it
 * names the record.
 *
 * Threads    task thread.       Ownership  buffers live until writer_done.
 * Errors     PG_FAILED leaves the transaction broken; conn->error and *ret_failure say what happened to which record. */
#ifndef POSTGRES_WRITER_H
#define POSTGRES_WRITER_H

#include "connectors/postgres/rows.h"

typedef struct writer {
    pg_conn_t *conn;
    row_set_t rows;
    wire_buf_t arrays, texts;
    const char **values;
    int *lengths;
    uint32_t nvalues;
    uint32_t transaction; /* counts transactions, to know what a staging table holds */
    uint32_t ncommands;   /* in the pipeline being built */
    bool sends_begin;
    struct {
        plan_statement_t *statement;
        uint32_t command;
    } preparing[4];
    uint32_t npreparing;
} writer_t;

typedef struct write_failure {
    bool has_record;       /* false: BEGIN, COMMIT or the like failed */
    uint32_t record;       /* index in the batch */
    uint32_t entry;        /* position among the statements of its kind, as the JDBC batch would count */
    const char *statement; /* in conn->scratch */
} write_failure_t;

void writer_init(writer_t *w, pg_conn_t *conn);
void writer_done(writer_t *w);

/** Make the staging table if a run of that many records would use one. Outside of a transaction only. */
void writer_prepare(writer_t *w, plan_t *plan, uint32_t records);

/** Write records batch->records[recs[0..n)] in a transaction that is begun if there is none.
 *  @param slow_left flushes for which this table must go record by record; counted down, set when a set-based way fails
 *                   without the records being at fault */
enum pg_status writer_write(writer_t *w, plan_t *plan, const cd_batch_t *batch, const uint32_t *recs, uint32_t n,
                            bool row_only, uint32_t *slow_left, write_failure_t *ret_failure);

#endif
