/* lsn.h: log sequence numbers: ten bytes, big-endian, ordered as unsigned bytes.
 * Threads    any; pure functions over values.
 * Ownership  none.   Errors  a text that is no LSN reads as null.   Limits  none. */
#ifndef SQLSERVER_LSN_H
#define SQLSERVER_LSN_H

#include "plugins/api/connectd_plugin.h"

#define LSN_BYTES 10
#define LSN_TEXT  22 /* 00000025:00000d98:00a2 */

typedef struct lsn {
    uint8_t b[LSN_BYTES];
    bool set; /* false: null, which is smaller than every value */
} lsn_t;

/** Where a change is: its transaction, then its place in it. */
typedef struct position {
    lsn_t commit, change;
} position_t;

static inline int lsn_cmp(const lsn_t *a, const lsn_t *b)
{
    if (!a->set || !b->set) return (int)a->set - (int)b->set;
    return memcmp(a->b, b->b, LSN_BYTES);
}

static inline bool lsn_equal(const lsn_t *a, const lsn_t *b)
{
    return lsn_cmp(a, b) == 0;
}

static inline int position_cmp(const position_t *a, const position_t *b)
{
    int c = lsn_cmp(&a->commit, &b->commit);
    return c != 0 ? c : lsn_cmp(&a->change, &b->change);
}

/** Null unless exactly ten bytes are given. */
lsn_t lsn_from_bytes(const void *bytes, size_t len);

/** Read the text form: either case, with or without colons; "NULL", a null pointer and anything else are null. */
lsn_t lsn_parse(const char *text, size_t len);

/** Write LSN_TEXT characters and a NUL, or "NULL". @return the length without the NUL. */
size_t lsn_format(const lsn_t *lsn, char out[LSN_TEXT + 1]);

/** Write 0x and twenty hex digits: the literal of an SQL batch. The LSN must be set. */
void lsn_literal(const lsn_t *lsn, char out[2 * LSN_BYTES + 3]);

/** A string cell with the text form in the arena, or a null cell. */
cd_value_t lsn_cell(const lsn_t *lsn, cd_arena_t *arena);

/** The next LSN; all ones stays all ones. */
lsn_t lsn_next(lsn_t lsn);

#endif
