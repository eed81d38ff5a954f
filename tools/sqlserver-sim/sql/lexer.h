/* lexer.h: T-SQL tokens. Positions are byte offsets into the batch.
 * Threads any.  Ownership  token text of quoted tokens lives in the arena, the rest points into the source.
 */
#ifndef SIM_LEXER_H
#define SIM_LEXER_H

#include "sql/value.h"

typedef enum tok_kind {
    T_EOF,
    T_WORD,
    T_QUOTED,
    T_VAR,
    T_STRING,
    T_NSTRING,
    T_INT,
    T_DECIMAL,
    T_FLOAT,
    T_HEX,
    T_MONEY,
    T_OP
} tok_kind_t;

typedef struct token {
    tok_kind_t kind;
    int kw; /* T_WORD: keyword number or 0; T_OP: the character, two-character operators as 'l' 'g' '!' etc. */
    int line;
    size_t start, end; /* in the source */
    const char *text;  /* unquoted text, not NUL-terminated */
    size_t len;
} token_t;

/* Reserved words: an unquoted one is never a name or alias. Sorted; the enum follows the table. */
/* clang-format off */
#define SQL_KEYWORDS(X)                                                                                                \
    X(ADD)                                                                                                             \
    X(ALL)                                                                                                             \
    X(ALTER)                                                                                                           \
    X(AND)                                                                                                             \
    X(ANY)                                                                                                             \
    X(AS) X(ASC) X(AUTHORIZATION) X(BACKUP) X(BEGIN) X(BETWEEN) X(BREAK) X(BULK) X(BY) X(CASCADE) X(CASE) X(CHECK)     \
        X(CHECKPOINT) X(CLOSE) X(CLUSTERED) X(COALESCE) X(COLLATE) X(COLUMN) X(COMMIT) X(CONSTRAINT) X(CONTINUE)       \
            X(CONVERT) X(CREATE) X(CROSS) X(CURRENT_TIMESTAMP) X(CURRENT_USER) X(CURSOR) X(DATABASE) X(DBCC)           \
                X(DEALLOCATE) X(DECLARE) X(DEFAULT) X(DELETE) X(DENY) X(DESC) X(DISTINCT) X(DROP) X(ELSE) X(END)       \
                    X(ESCAPE) X(EXCEPT) X(EXEC) X(EXECUTE) X(EXISTS) X(FETCH) X(FOR) X(FOREIGN) X(FROM) X(FULL)        \
                        X(FUNCTION) X(GOTO) X(GRANT) X(GROUP) X(HAVING) X(IDENTITY) X(IDENTITY_INSERT) X(IF) X(IN)     \
                            X(INDEX) X(INNER) X(INSERT) X(INTERSECT) X(INTO) X(IS) X(JOIN) X(KEY) X(KILL) X(LEFT)      \
                                X(LIKE) X(MERGE) X(NOCHECK) X(NONCLUSTERED) X(NOT) X(NULL) X(NULLIF) X(OF) X(OFF)      \
                                    X(ON) X(OPEN) X(OPTION) X(OR) X(ORDER) X(OUTER) X(OVER) X(PERCENT) X(PRIMARY)      \
                                        X(PRINT) X(PROC) X(PROCEDURE) X(RAISERROR) X(RECONFIGURE) X(REFERENCES)        \
                                            X(RESTORE) X(RETURN) X(REVOKE) X(RIGHT) X(ROLLBACK) X(ROWGUIDCOL) X(SAVE)  \
                                                X(SCHEMA) X(SELECT) X(SESSION_USER) X(SET) X(SHUTDOWN) X(SYSTEM_USER)  \
                                                    X(TABLE) X(THEN) X(TO) X(TOP) X(TRAN) X(TRANSACTION) X(TRIGGER)    \
                                                        X(TRUNCATE) X(TRY_CONVERT) X(UNION) X(UNIQUE) X(UPDATE) X(USE) \
                                                            X(USER) X(VALUES) X(VIEW) X(WAITFOR) X(WHEN) X(WHERE)      \
                                                                X(WHILE) X(WITH)
/* clang-format on */
enum {
    KW_NONE,
#define X(w) KW_##w,
    SQL_KEYWORDS(X)
#undef X
        KW_COUNT
};

typedef struct lexer {
    arena_t *arena;
    const char *src;
    size_t len, pos;
    int line;
    bool quoted_identifier;
    sql_error_t *err;
} lexer_t;

void lexer_init(lexer_t *lx, arena_t *arena, const char *src, size_t len, sql_error_t *err);
/** @return false on an unclosed string (105) or comment (113) */
bool lexer_next(lexer_t *lx, token_t *ret_tok);
bool keyword_reserved(const char *word, size_t len);

#endif
