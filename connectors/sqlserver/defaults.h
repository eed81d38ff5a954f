/* defaults.h: column defaults from the expressions SQL Server stores, in the way Debezium reads them.
 * Threads    any; pure.   Ownership  the value lives in the arena.
 * Errors     an expression that is no literal has no default; the caller may log it. */
#ifndef SQLSERVER_DEFAULTS_H
#define SQLSERVER_DEFAULTS_H

#include "connectors/sqlserver/convert.h"

typedef enum default_result {
    DEFAULT_VALUE,     /* *ret_value is set */
    DEFAULT_NONE,      /* NULL, or a type without a reader */
    DEFAULT_UNREADABLE /* an expression, such as getdate() */
} default_result_t;

/** Read c->default_expr as a value of field f. */
default_result_t default_read(const conf_t *conf, const field_t *f, cd_arena_t *arena, cd_value_t *ret_value);

#endif
