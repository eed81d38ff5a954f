/* parser.h: T-SQL text to AST.
 * Threads    any.   Ownership  everything lives in the arena; names may point into the source text.
 * Errors     102/156/105/... in the error, with the line in parser_t.err_line. Nothing is executed before a whole batch
 *            has parsed, as in SQL Server.
 */
#ifndef SIM_PARSER_H
#define SIM_PARSER_H

#include "sql/ast.h"
#include "sql/lexer.h"

typedef struct parser {
    arena_t *arena;
    lexer_t lx;
    token_t tok, ahead;
    bool has_ahead;
    size_t prev_start, prev_end; /* the last consumed token */
    int depth;                   /* nesting, bounded */
    unsigned links;              /* of the statement's chains, bounded */
    bool check_vars;             /* variables must be declared: batches and module bodies */
    const char **vars;
    size_t nvars;
    sql_error_t *err;
    int err_line;
} parser_t;

/** Parses a whole batch. *ret_first is NULL for an empty batch. `known` are the variables that exist already: use of any
 *  other one before its DECLARE is 137 or 1087, as is a second DECLARE of a name 134, before anything runs. */
bool parse_batch(arena_t *arena, const char *src, size_t len, bool quoted_identifier, const char *const *known,
                 size_t nknown, stmt_t **ret_first, sql_error_t *err, int *ret_line);
/** Parses a parameter list such as "@p1 int, @p2 nvarchar(10) output". */
bool parse_params(arena_t *arena, const char *src, size_t len, declare_item_t **ret_items, bool **ret_output,
                  size_t *ret_n, sql_error_t *err);
/** Parses one scalar expression or search condition (check and default texts of the catalog). */
bool parse_expression(arena_t *arena, const char *src, size_t len, bool condition, expr_t **ret_expr, sql_error_t *err);
/** Parses a possibly qualified, possibly quoted name. */
bool parse_name_text(arena_t *arena, const char *src, size_t len, name_t *ret_name);
typedef struct module_text {
    declare_item_t *params;
    bool *outputs;
    size_t nparams;
    const char **cols; /* view column names */
    size_t ncols;
    select_t *query; /* view */
    size_t body;     /* procedure: offset of the text behind AS */
} module_text_t;
/** Takes the text of CREATE|ALTER PROCEDURE or VIEW apart. */
bool parse_module(arena_t *arena, const char *src, size_t len, module_text_t *ret, sql_error_t *err);
/** Normalised text of an expression as catalog views show it, e.g. (getdate()), ((0)). */
void expr_render(const expr_t *e, buf_t *out);

/* ---- shared between the parser's files ---- */
#define PARSE_DEPTH_MAX  200
#define PARSE_LINKS_MAX  4000 /* of all chains of one statement */
#define PARSE_CHAIN_MAX  1000 /* a + b + ..., a AND b AND ... */
#define PARSE_TABLES_MAX 256  /* of one FROM list */

bool p_fail(parser_t *p); /* 102/156 at the current token */
const char *p_last(const parser_t *p, size_t *ret_len);
/* One more link of a chain: each makes the tree a level deeper, and trees are walked by recursion, in 16 MiB of stack. */
bool p_link(parser_t *p, unsigned *chain);
bool p_next(parser_t *p);
bool p_skip_two(parser_t *p);
bool p_peek(parser_t *p, token_t *ret_tok); /* the token after the current one */
bool p_is_op(const parser_t *p, int op);
bool p_is_kw(const parser_t *p, int kw);
bool p_is_word(const parser_t *p, const char *word); /* any unquoted word */
bool tok_is_word(const token_t *t, const char *word);
bool p_accept_op(parser_t *p, int op, bool *ret_hit);
bool p_expect_op(parser_t *p, int op);
bool p_accept_kw(parser_t *p, int kw, bool *ret_hit);
bool p_expect_kw(parser_t *p, int kw);
bool p_accept_word(parser_t *p, const char *word, bool *ret_hit);
bool p_expect_word(parser_t *p, const char *word);
bool p_ident(parser_t *p, const char **ret_name); /* unreserved word or quoted */
bool p_at_ident(const parser_t *p);
bool p_name(parser_t *p, name_t *ret_name);
bool p_type(parser_t *p, type_ref_t **ret_type);
bool p_int(parser_t *p, int64_t *ret_value); /* optional sign */
char *p_text(parser_t *p, const token_t *t);
bool p_expr(parser_t *p, expr_t **ret_expr);       /* scalar */
bool p_cond(parser_t *p, expr_t **ret_expr);       /* search condition */
bool p_select(parser_t *p, select_t **ret_select); /* WITH ... query ORDER BY ... OPTION */
bool p_query(parser_t *p, select_t **ret_select);  /* subquery: ORDER BY allowed */
bool p_source(parser_t *p, source_t **ret_source); /* FROM list */
bool p_order(parser_t *p, order_item_t **ret_items, size_t *ret_n);
bool p_declare(parser_t *p, const char *name);
typedef enum var_use { VAR_READ, VAR_WRITE, VAR_TABLE } var_use_t;
bool p_var(parser_t *p, var_use_t use, const char **ret_name);         /* at @x */
bool p_name_list(parser_t *p, const char ***ret_names, size_t *ret_n); /* ( a, b ) */
bool p_stmt(parser_t *p, stmt_t **ret_stmt);
/* at LOGIN, USER, ROLE, SERVER behind CREATE, ALTER or DROP (verb); *ret_hit false: something else stands there */
bool p_security_ddl(parser_t *p, stmt_t *s, int verb, bool *ret_hit);
bool p_grant(parser_t *p, stmt_t *s);          /* at GRANT, DENY, REVOKE */
bool p_cursor(parser_t *p, stmt_t *s);         /* at OPEN, FETCH, CLOSE, DEALLOCATE */
bool p_cursor_declare(parser_t *p, stmt_t *s); /* at the name behind DECLARE */
bool p_cursor_query(parser_t *p, stmt_t *s);   /* at CURSOR */
bool p_ddl(parser_t *p, stmt_t *s);            /* at CREATE, ALTER, DROP, TRUNCATE */
bool p_table_defs(parser_t *p, column_def_t **ret_defs, size_t *ret_n, table_constraint_t **ret_cons,
                  size_t *ret_ncons);
bool p_dml(parser_t *p, stmt_t *s);                /* at INSERT, UPDATE, DELETE */
bool p_exec(parser_t *p, stmt_t *s, bool implied); /* at the procedure name or EXEC */
bool p_select_items(parser_t *p, select_item_t **ret_items, size_t *ret_n);

/* growable arrays of parse results, arena-backed */
#define P_PUSH(p, arr, n, item)                                                                                        \
    do {                                                                                                               \
        if (((n) & ((n)-1)) == 0) {                                                                                    \
            void *grown_ = arena_alloc((p)->arena, sizeof(*(arr)) * ((n) == 0 ? 1 : (n)*2));                           \
            if ((n) != 0) memcpy(grown_, (arr), sizeof(*(arr)) * (n));                                                 \
            (arr) = grown_;                                                                                            \
        }                                                                                                              \
        (arr)[(n)++] = (item);                                                                                         \
    } while (0)

#endif
