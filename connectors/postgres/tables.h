/* connectors/postgres/tables.h: the target tables a task has met: what they look like, their plans, and the records of
 * the put in hand that go there.
 *
 * Threads    task thread.
 * Ownership  all cached knowledge lives until tables_drop, which follows every failed write.
 * Errors     FATAL for what no retry can mend ("class D"); DATA with JVM_TABLE_EXCEPTION ("class A") or
 *            JVM_SQL_EXCEPTION ("class B"); STOPPED. */
#ifndef POSTGRES_TABLES_H
#define POSTGRES_TABLES_H

#include "connectors/postgres/pg_conn.h"
#include "connectors/postgres/plan.h"

/** A run of records with one plan. */
typedef struct segment {
    plan_t *plan;
    uint32_t from, to; /* in table->recs */
} segment_t;

typedef struct sink_table {
    struct sink_table *next; /* in order of first appearance */
    table_id_t id;
    table_def_t def;
    bool known; /* def was loaded */
    plan_t *plans, *current;
    uint32_t slow_left;
    uint32_t *recs;
    uint32_t nrecs, rec_cap;
    segment_t *segments;
    uint32_t nsegments, segment_cap;
} sink_table_t;

/** Several topics may mean one table. */
typedef struct topic_ref {
    struct topic_ref *next;
    const char *topic;
    sink_table_t *table;
} topic_ref_t;

typedef struct tables {
    pg_conn_t *conn;
    const sink_conf_t *conf;
    bind_env_t env;
    cd_arena_t arena;
    sink_table_t *first, **last;
    topic_ref_t *topics;
    const char *last_topic; /* pointer of the record before: most records repeat it */
    sink_table_t *last_table;
    uint32_t serial;
} tables_t;

void tables_init(tables_t *t, pg_conn_t *conn, const sink_conf_t *conf);
void tables_drop(tables_t *t);

/** Forget the records of the last put. */
void tables_clear(tables_t *t);

/** Sort record `index` of the batch to its table and plan; creates or amends the table when its schema is new. Must not
 *  be called inside a transaction: DDL commits. */
CD_CHECK cd_err_t *tables_add(tables_t *t, const cd_batch_t *batch, uint32_t index);

#endif
