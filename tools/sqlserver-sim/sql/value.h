/* value.h: conversion between SQL Server types and between cells and SQLite storage.
 * Threads    any; pure functions.
 * Ownership  results may point into the arena or into the input value.
 * Errors     conversions fill a sql_error_t; its text lives in the arena.
 */
#ifndef SIM_VALUE_H
#define SIM_VALUE_H

#include <sqlite3.h>

#include "catalog/types.h"
#include "util/decimal.h"

typedef struct sql_error {
    int number, class, state;
    const char *text; /* NULL = no error */
} sql_error_t;

void sql_fail_set(arena_t *a, sql_error_t *err, int number, int class, int state, const char *fmt, ...)
    __attribute__((format(printf, 6, 7)));
static inline bool value_false(void)
{
    return false;
}
#define sql_fail(...) (sql_fail_set(__VA_ARGS__), value_false())

dec_t value_dec(const sim_value_t *v);
void value_set_dec(sim_value_t *v, dec_t d);
sim_value_t value_int(int64_t i);
sim_value_t value_null(void);
sim_value_t value_str(const char *s);
sim_value_t value_bytes(const void *p, size_t n);
/** Total order on two non-NULL values of one type (strings: case-insensitive, trailing blanks ignored). */
int value_cmp(const sim_typeinfo_t *t, const sim_value_t *a, const sim_value_t *b);
int text_cmp_ci(const char *a, size_t na, const char *b, size_t nb);

enum {
    CONVERT_IMPLICIT = 1, /* assignment: string truncation is the caller's business (2628), not silent */
};

/** CAST/CONVERT/implicit conversion. style 0 = default. */
bool value_convert(arena_t *a, const sim_typeinfo_t *from, const sim_value_t *v, const sim_typeinfo_t *to, int style,
                   unsigned flags, sim_value_t *ret_v, sql_error_t *err);
/** True when an assignment from..to needs no work beyond copying. */
bool value_same_storage(const sim_typeinfo_t *from, const sim_typeinfo_t *to);

/** Text of any value as SQL Server's default conversion to varchar shows it. */
void value_text(const sim_typeinfo_t *t, const sim_value_t *v, int style, buf_t *out);

/* SQLite storage (see docs: integers for exact types but decimals, packed blobs for decimals and offsets). */
void store_bind(sqlite3_stmt *stmt, int index, const sim_typeinfo_t *t, const sim_value_t *v);
void store_result(sqlite3_context *ctx, const sim_typeinfo_t *t, const sim_value_t *v);
void store_read(arena_t *a, sqlite3_value *sv, const sim_typeinfo_t *t, sim_value_t *ret_v);
void store_column(arena_t *a, sqlite3_stmt *stmt, int col, const sim_typeinfo_t *t, sim_value_t *ret_v);

/* Self-describing byte form used by the change log and by sql_variant storage. */
void cell_put(buf_t *out, const sim_typeinfo_t *t, const sim_value_t *v);
bool cell_get(const char *p, size_t len, size_t *pos, arena_t *a, const sim_typeinfo_t *t, sim_value_t *ret_v);

#endif
