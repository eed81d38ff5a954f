/* ast.h: parsed T-SQL. Nodes live in the arena given to the parser and are never changed after parsing.
 * Names keep the user's spelling without quotes; n counts the parts, the object itself is part[n-1].
 */
#ifndef SIM_AST_H
#define SIM_AST_H

#include "engine.h"
#include "util/mem.h"

typedef struct expr expr_t;
typedef struct select select_t;
typedef struct source source_t;
typedef struct stmt stmt_t;

typedef struct name {
    const char *part[4];
    int n;
} name_t;

typedef enum expr_kind {
    E_LIT,
    E_VAR, /* @x, @@x */
    E_COL,
    E_STAR, /* * or t.* */
    E_FUNC,
    E_UNARY, /* op: '-', '~', '+' */
    E_BIN,   /* op: + - * / % & | ^ */
    E_CMP,   /* op: '=', '<', '>', 'l' <=, 'g' >=, '!' <> */
    E_AND,
    E_OR,
    E_NOT,
    E_CASE, /* args: [operand or NULL], when, then, ..., else or NULL */
    E_CAST,
    E_SUB,
    E_EXISTS,
    E_IN,
    E_BETWEEN,
    E_LIKE,
    E_ISNULL,
    E_COLLATE,
    E_DEFAULT
} expr_kind_t;

typedef struct order_item {
    expr_t *expr;
    bool desc;
} order_item_t;

typedef struct type_ref {
    const char *name; /* as written */
    sim_typeinfo_t type;
    bool is_table, cursor;
} type_ref_t;

typedef struct over {
    expr_t **partition;
    size_t npartition;
    order_item_t *order;
    size_t norder;
    const char *frame; /* ROWS ... text or NULL */
} over_t;

struct expr {
    expr_kind_t kind;
    char op;
    bool negated; /* NOT IN, NOT LIKE, IS NOT NULL, NOT BETWEEN */
    bool distinct, star;
    bool try_cast, is_parse;
    int line;
    name_t name; /* E_COL, E_STAR (qualifier), E_FUNC, E_VAR (part[0]), E_COLLATE */
    expr_t **args;
    size_t nargs;
    order_item_t *within; /* STRING_AGG ... WITHIN GROUP (ORDER BY ...) */
    size_t nwithin;
    union {
        struct {
            sim_typeinfo_t type;
            sim_value_t value;
        } lit;
        struct {
            type_ref_t *to;
        } cast;        /* args: value [, style] */
        select_t *sub; /* E_SUB, E_EXISTS, E_IN with a query */
        over_t *over;  /* E_FUNC */
    } u;
};

typedef struct select_item {
    expr_t *expr;
    const char *alias; /* NULL = none */
    const char *var;   /* SELECT @v = expr */
    char assign_op;    /* '=', '+', '-', ... for compound assignment */
} select_item_t;

typedef enum source_kind { S_TABLE, S_SUBQUERY, S_TVF, S_JOIN, S_VALUES } source_kind_t;
typedef enum join_kind { J_INNER, J_LEFT, J_RIGHT, J_FULL, J_CROSS, J_CROSS_APPLY, J_OUTER_APPLY } join_kind_t;

struct source {
    source_kind_t kind;
    int line;
    name_t name; /* table, table variable (@x), TVF */
    const char *alias;
    const char **cols; /* alias (c1, c2) */
    size_t ncols;
    bool tablockx, nolock;
    select_t *sub;
    expr_t **args; /* TVF; S_VALUES: nrows * width */
    size_t nargs, width;
    join_kind_t join;
    source_t *left, *right;
    expr_t *on;
};

typedef enum set_op { SET_NONE, SET_UNION, SET_UNION_ALL, SET_EXCEPT, SET_INTERSECT } set_op_t;

typedef struct cte {
    const char *name;
    const char **cols;
    size_t ncols;
    select_t *query;
} cte_t;

struct select {
    int line;
    cte_t *ctes;
    size_t nctes;
    set_op_t op; /* != SET_NONE: left op right, everything below but order/offset unused */
    select_t *left, *right;
    bool distinct, top_percent, top_ties;
    expr_t *top;
    select_item_t *items;
    size_t nitems;
    name_t *into;
    source_t *from; /* NULL = none */
    expr_t *where;
    expr_t **group;
    size_t ngroup;
    expr_t *having;
    order_item_t *order;
    size_t norder;
    expr_t *offset, *fetch;
    bool has_maxrec;
    int64_t maxrec; /* OPTION (MAXRECURSION n) */
};

typedef enum stmt_kind {
    ST_SELECT,
    ST_INSERT,
    ST_UPDATE,
    ST_DELETE,
    ST_TRUNCATE,
    ST_MERGE,
    ST_CREATE_TABLE,
    ST_ALTER_TABLE,
    ST_DROP_TABLE,
    ST_CREATE_INDEX,
    ST_DROP_INDEX,
    ST_CREATE_SCHEMA,
    ST_DROP_SCHEMA,
    ST_CREATE_DATABASE,
    ST_ALTER_DATABASE,
    ST_DROP_DATABASE,
    ST_CREATE_MODULE,
    ST_DROP_MODULE,
    ST_EXEC,
    ST_EXEC_STRING,
    ST_DECLARE,
    ST_SET_VAR,
    ST_SET_OPTION,
    ST_IF,
    ST_WHILE,
    ST_BREAK,
    ST_CONTINUE,
    ST_BLOCK,
    ST_TRY,
    ST_PRINT,
    ST_RAISERROR,
    ST_THROW,
    ST_BEGIN_TRAN,
    ST_COMMIT,
    ST_ROLLBACK,
    ST_SAVE,
    ST_USE,
    ST_WAITFOR,
    ST_INSERT_BULK,
    ST_RETURN,
    ST_BACKUP,
    ST_RESTORE,
    ST_DBCC,
    ST_CHECKPOINT,
    ST_CURSOR_DECLARE, /* word: name, flag: SCROLL, flag2: LOCAL, text_from/to: the query */
    ST_CURSOR_OPEN,
    ST_CURSOR_FETCH, /* action: f n p l a r, expr: row, cols: INTO variables */
    ST_CURSOR_CLOSE,
    ST_CURSOR_FREE,
    ST_SECURITY /* action: see parse_security.c; word, var, cols, name, names */
} stmt_kind_t;

typedef struct column_def {
    const char *name;
    type_ref_t *type; /* NULL for computed */
    int null_spec;    /* 0 unspecified, 1 NULL, 2 NOT NULL */
    bool identity, primary_key, unique, clustered, nonclustered, sparse, persisted;
    int64_t seed, incr;
    expr_t *dflt;
    const char *dflt_name;
    const char *key_name;
    const char *collate;
    expr_t *computed;
} column_def_t;

typedef struct table_constraint {
    char kind; /* 'P', 'U', 'F', 'C', 'D' */
    const char *name;
    bool clustered, nonclustered;
    const char **cols;
    bool *desc;
    size_t ncols;
    name_t ref;
    const char **ref_cols;
    size_t nref_cols;
    int on_delete, on_update; /* 0 no action, 1 cascade, 2 set null, 3 set default */
    expr_t *expr;             /* check, default */
} table_constraint_t;

typedef struct exec_arg {
    const char *name; /* @x or NULL */
    expr_t *value;    /* NULL for DEFAULT */
    bool output;
} exec_arg_t;

typedef struct declare_item {
    const char *name;
    type_ref_t *type;
    expr_t *init;
    column_def_t *cols; /* TABLE (...) */
    size_t ncols;
    table_constraint_t *constraints;
    size_t nconstraints;
} declare_item_t;

typedef struct set_item {
    name_t col; /* n == 0 when only a variable is set */
    const char *var;
    expr_t *value;
} set_item_t;

typedef struct merge_when {
    char kind;   /* 'm' matched, 't' not matched by target, 's' not matched by source */
    char action; /* 'u', 'd', 'i' */
    expr_t *cond;
    set_item_t *sets;
    size_t nsets;
    const char **cols;
    size_t ncols;
    expr_t **values;
    size_t nvalues;
    bool defaults; /* DEFAULT VALUES */
} merge_when_t;

struct stmt {
    stmt_kind_t kind;
    int line;
    size_t start, end; /* source range */
    size_t text_from, text_to;
    stmt_t *next;     /* block order */
    name_t name;      /* table, object, procedure, database, savepoint (part[0]) */
    const char *word; /* option name, module kind, ... */
    const char *var;  /* EXEC @r = ..., SET @v, RETURN ... */
    bool flag, flag2; /* by kind, commented where set */
    expr_t *expr, *expr2;
    select_t *select;
    /* insert, update, delete */
    const char **cols;
    size_t ncols;
    expr_t **values; /* nvalues = rows * width */
    size_t nvalues, width;
    stmt_t *exec; /* INSERT ... EXEC */
    set_item_t *sets;
    size_t nsets;
    source_t *from;
    merge_when_t *whens; /* MERGE: name and word are the target and its alias, from the source, expr the condition */
    size_t nwhens;
    expr_t *top;
    select_item_t *output;
    size_t noutput;
    name_t output_into;
    const char **output_cols;
    size_t noutput_cols;
    /* create / alter */
    column_def_t *defs;
    size_t ndefs;
    table_constraint_t *constraints;
    size_t nconstraints;
    char
        action; /* ALTER TABLE: 'a' add, 'd' drop column, 'D' drop constraint, 'c' alter column, 'n'/'y' no/check; see parser */
    name_t *names;
    size_t nnames;
    bool *desc;
    /* exec */
    exec_arg_t *args;
    size_t nargs;
    declare_item_t *decls;
    size_t ndecls;
    /* control */
    stmt_t *body, *other; /* IF, WHILE, TRY/CATCH, BLOCK */
};

#endif
