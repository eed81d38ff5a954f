/* connectors/postgres/rows.h: a run of encoded records, in the form that COPY, arrays and single statements all read.
 *
 * Threads    task thread.       Ownership  buffers are reused from flush to flush; row_set_done frees them. */
#ifndef POSTGRES_ROWS_H
#define POSTGRES_ROWS_H

#include "connectors/postgres/plan.h"

typedef struct row {
    uint64_t at;      /* offset of the row in the buffer: int16 field count, fields */
    uint32_t key_len; /* bytes of the key fields, which come first */
    uint32_t rec;     /* position of the record in the run */
    bool is_delete;   /* key fields only */
    bool dead;        /* a later row of the same key makes it pointless */
} row_t;

typedef struct row_set {
    wire_buf_t buf;
    uint32_t n, cap, ndeletes, ndead;
    row_t *rows;
    bool null_key; /* some key field is NULL: such rows are never equal, so nothing may be folded */
    uint32_t *slots;
    uint32_t nslots;
} row_set_t;

void row_set_reset(row_set_t *s);
void row_set_done(row_set_t *s);

/** Encode one record. @return false with err and the failing bind's index; the set is unchanged then */
bool row_set_add(row_set_t *s, const plan_t *plan, const cd_record_t *rec, uint32_t position, bool is_delete,
                 conv_err_t *err, uint32_t *ret_bad);

/** Mark rows that a later row of the same key supersedes; what stays gives the same table when all deletes run before
 *  all upserts. */
void row_set_fold(row_set_t *s);

static inline size_t row_end(const row_set_t *s, uint32_t i)
{
    return i + 1 < s->n ? s->rows[i + 1].at : s->buf.len;
}

#endif
