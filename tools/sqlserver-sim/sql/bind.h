/* bind.h: names and types of a query, and its SQLite text.
 * Threads    the session's.   Ownership  results live in the session's statement arena.
 * Errors     pending error in the session.
 */
#ifndef SIM_BIND_H
#define SIM_BIND_H

#include "sql/session.h"

typedef struct bound {
    const char *sql;
    sim_typeinfo_t type;
    const cat_column_t *col; /* plain column */
    const char *name;        /* natural output name, "" = none */
    bool agg;
    const char *chain; /* a concatenation without its parentheses, for the next one */
} bound_t;

typedef struct scope_col {
    const char *name, *sql; /* sql: the column inside the source, e.g. c3 or k1 */
    sim_typeinfo_t type;
    uint32_t flags;
    const cat_column_t *col;
} scope_col_t;

typedef struct scope_src {
    const char *alias;       /* user's name: alias or table name */
    const char *schema, *db; /* for qualified references; NULL when aliased */
    const char *tn;          /* SQLite alias */
    scope_col_t *cols;
    size_t ncols;
    cat_table_t *table; /* base table or NULL */
    sdb_t *sdb;
    bool outer_joined;
} scope_src_t;

typedef struct scope_cte {
    cte_t *cte;
    struct scope_cte *next; /* visible ones before it */
} scope_cte_t;

typedef struct scope {
    struct scope *outer;
    scope_src_t *srcs;
    size_t nsrcs;
} scope_t;

typedef struct bind_param {
    sim_typeinfo_t type;
    sim_value_t value;
} bind_param_t;

typedef struct recursion { /* inside the recursive part of a common table expression */
    const cte_t *cte;
    const char *table; /* its SQLite name */
    const sim_column_t *cols;
    size_t ncols;
    const char *alias; /* of the one reference, NULL until it is seen */
    struct recursion *outer;
} recursion_t;

typedef struct binder {
    sim_session_t *s;
    arena_t *a;
    bind_param_t *params;
    size_t nparams;
    scope_t *scope;
    scope_cte_t *ctes;
    int next_alias;
    bool saw_agg, in_agg;
    bool no_agg;      /* inside a WHERE or ON clause */
    bool reads_table; /* touches stored data: starts an implicit transaction */
    bool select_starts_tran;
    sdb_t *default_db;     /* for check and default texts of another database */
    const char *row_alias; /* inserted/deleted in OUTPUT */
    int depth;
    struct recursion *rec; /* the recursive queries around, innermost first */
    int64_t maxrec;
    gen_table_t *gen; /* the query reads a generator table */
} binder_t;

typedef struct bound_query {
    const char *sql;
    sim_column_t *cols;
    size_t ncols;
    const char **vars; /* assigned variables or NULL */
    char *assign_ops;
    uint16_t order[32];
    size_t norder;
} bound_query_t;

void binder_init(binder_t *b, sim_session_t *s);
bool bind_expr(binder_t *b, const expr_t *e, bound_t *ret);
bool bind_cond(binder_t *b, const expr_t *e, const char **ret_sql);
/** Adds the conversion from one type to another around `sql`. */
const char *bind_convert(binder_t *b, const char *sql, const sim_typeinfo_t *from, const sim_typeinfo_t *to);
const char *bind_param(binder_t *b, const sim_typeinfo_t *t, const sim_value_t *v);
bool bind_query(binder_t *b, select_t *q, bool top_level, bound_query_t *ret);
bool bind_source(binder_t *b, source_t *src, scope_t *sc, buf_t *out);
bool bind_function(binder_t *b, const expr_t *e, bound_t *ret); /* func_table.c */
bool expr_is_aggregate(const expr_t *e);
/** Name of a one-argument SUM or AVG for these types: SQLite takes DISTINCT only there. NULL with an error. */
const char *sum_distinct_function(binder_t *b, bool avg, const sim_typeinfo_t *from, const sim_typeinfo_t *to);
sqlite3_stmt *bind_prepare(binder_t *b, const char *sql); /* prepares and binds the collected parameters */
const char *collate_for(const sim_typeinfo_t *t);         /* " COLLATE SQLCI" or "" */
const char *comparable(binder_t *b, const char *sql, const sim_typeinfo_t *t);

/** Resolves a table name. *ret_table NULL and no error: not a stored table (view or unknown). */
bool resolve_table(sim_session_t *s, const name_t *n, sdb_t **ret_sdb, cat_table_t **ret_table);
/** Splits a name into database, schema, object; attaches the database. NULL sdb with 911-style error on failure. */
bool resolve_db(sim_session_t *s, const name_t *n, sdb_t **ret_sdb, const char **ret_schema, const char **ret_object);
const char *name_dotted(arena_t *a, const name_t *n);

/* ---- system views (catalog/sysviews.c): SQL text over the metadata tables ---- */
typedef struct sysview_col {
    const char *name;
    sim_base_t base;
    int len; /* characters, bytes, or SIM_LEN_MAX */
} sysview_col_t;
bool sysview_find(binder_t *b, sdb_t *sdb, const char *schema, const char *name, const char **ret_sql,
                  scope_col_t **ret_cols, size_t *ret_n, bool *ret_found);

/* ---- functions registered with SQLite (func_*.c) ---- */
typedef struct fn_call {
    sim_session_t *s;
    arena_t *a;
    int n;
    const sim_value_t *args;
    const sim_typeinfo_t *types;
    sim_typeinfo_t ret_type;
    sim_value_t ret;
    sql_error_t *err;
} fn_call_t;
typedef bool (*fn_impl_t)(fn_call_t *c);
bool functions_register(sim_session_t *s, sqlite3 *sq);
/** Emits name(arg, type, ..., return type). */
const char *bind_call(binder_t *b, const char *fn, const bound_t *args, size_t n, const sim_typeinfo_t *ret_type);

/* ---- CDC functions inside queries (cdc/cdc_query.c) ---- */
bool cdc_register(sqlite3 *sq); /* SQLite functions they need */
bool cdc_bind_function(binder_t *b, const expr_t *e, bound_t *ret, bool *ret_found);
bool cdc_bind_tvf(binder_t *b, source_t *src, sdb_t *sdb, const char *schema, const char *fn, scope_src_t *ret_src,
                  const char **ret_sql, bool *ret_found);
#endif
