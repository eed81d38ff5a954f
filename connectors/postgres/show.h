/* connectors/postgres/show.h: values and statements as text, for error messages only.
 *
 * Ownership  results live in the arena given. */
#ifndef POSTGRES_SHOW_H
#define POSTGRES_SHOW_H

#include "connectors/postgres/pg_type.h"

/** A binary value as a literal; "?" for types without a short text. Long strings are cut. */
const char *show_value(uint32_t oid, const uint8_t *data, uint32_t len, cd_arena_t *arena);

/** `sql` with its placeholders $1, $2, ... replaced. */
const char *show_statement(const char *sql, const char *const *values, uint32_t n, cd_arena_t *arena);

#endif
