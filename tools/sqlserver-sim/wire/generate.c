/* wire/generate.c: see generate.h */
#include "wire/generate.h"

#include <stdlib.h>

#include "wire/pool.h"
#include "wire/tds.h"

enum { PATCHES = 12, IMAGE_MAX = 4 << 20 };

typedef struct patch {
    size_t at;
    sim_patch_kind_t kind;
    uint8_t len, scale;
} patch_t;

static bool refuse(void *arg, const uint8_t *data, size_t len)
{
    (void)arg;
    (void)data;
    (void)len;
    return false;
}

/* Bytes between the start of a cell and its data. */
static size_t prefix_of(const wire_col_t *col)
{
    switch (col->enc) {
    case ENC_INT:
        return 0;
    case ENC_BYTES:
        return 2;
    default:
        return 1;
    }
}

/* The bytes that a patch may overwrite; 0 when the cell is of another shape and must stay as the template has it. */
static size_t patch_len(const sim_gen_plan_t *plan, const wire_col_t *col, size_t column, sim_patch_kind_t kind)
{
    const sim_value_t *cell = &plan->template_row[column];
    if (cell->is_null) return 0;
    switch (kind) {
    case SIM_PATCH_START_LSN:
    case SIM_PATCH_SEQVAL:
        return col->enc == ENC_BYTES && cell->u.s.len == 10 ? 10 : 0;
    case SIM_PATCH_MASK:
        return col->enc == ENC_BYTES && cell->u.s.len <= 16 ? cell->u.s.len : 0;
    case SIM_PATCH_OPERATION:
    case SIM_PATCH_KEY32:
        return (col->enc == ENC_INT || col->enc == ENC_INTN) && col->width == 4 ? 4 : 0;
    case SIM_PATCH_KEY64:
        return (col->enc == ENC_INT || col->enc == ENC_INTN) && col->width == 8 ? 8 : 0;
    case SIM_PATCH_COMMIT_TIME:
        return col->enc == ENC_DATETIMEOFFSET ? col->width + 3u : 0;
    }
    return 0;
}

static void apply(const patch_t *patch, uint8_t *image, const sim_gen_row_t *row)
{
    static const uint32_t per_unit[8] = {10000000, 1000000, 100000, 10000, 1000, 100, 10, 1};
    uint8_t *at = image + patch->at;
    switch (patch->kind) {
    case SIM_PATCH_START_LSN:
        memcpy(at, row->start_lsn, 10);
        break;
    case SIM_PATCH_SEQVAL:
        memcpy(at, row->seqval, 10);
        break;
    case SIM_PATCH_MASK:
        memcpy(at, row->mask, patch->len);
        break;
    case SIM_PATCH_OPERATION:
        put_le(at, (uint32_t)row->operation, 4);
        break;
    case SIM_PATCH_KEY32:
        put_le(at, (uint64_t)row->key, 4);
        break;
    case SIM_PATCH_KEY64:
        put_le(at, (uint64_t)row->key, 8);
        break;
    case SIM_PATCH_COMMIT_TIME:
        put_le(at, (uint64_t)row->ticks / per_unit[patch->scale & 7], patch->len - 3u);
        put_le(at + patch->len - 3, (uint64_t)row->days, 3);
        break;
    }
}

static size_t find_patches(const reply_t *reply, const sim_gen_plan_t *plan, const size_t *cell_at,
                           patch_t *ret_patches)
{
    size_t n = 0;
    for (size_t i = 0; i < plan->npatches && i < PATCHES; i++) {
        size_t column = plan->patches[i].column;
        if (column >= plan->ncolumns) continue;
        const wire_col_t *col = &reply->cols[column];
        size_t len = patch_len(plan, col, column, plan->patches[i].kind);
        if (len > 0)
            ret_patches[n++] = (patch_t){.at = cell_at[column] + prefix_of(col),
                                         .kind = plan->patches[i].kind,
                                         .len = (uint8_t)len,
                                         .scale = col->type.scale};
    }
    return n;
}

bool generate_rows(reply_t *reply, const sim_gen_plan_t *plan, uint64_t *ret_rows)
{
    /* The writer that the template goes through is one huge packet, so that its bytes lie in one piece. */
    out_t image;
    out_init(&image, IMAGE_MAX, refuse, NULL);
    out_begin(&image, TDS_PKT_REPLY);
    size_t *cell_at = wire_calloc(plan->ncolumns, sizeof(*cell_at));
    uint8_t *row_image = image.p;
    out_u8(&image, TDS_TOK_ROW);
    for (size_t i = 0; i < plan->ncolumns; i++) {
        cell_at[i] = (size_t)(image.p - row_image);
        wire_col_put(&reply->cols[i], &image, &plan->template_row[i], &reply->limits);
    }
    size_t len = (size_t)(image.p - row_image);
    patch_t patches[PATCHES];
    size_t npatches = find_patches(reply, plan, cell_at, patches);
    bool ok = out_ok(&image);
    for (uint64_t i = plan->first; ok && i < plan->end; i++) {
        if (reply->fault.rows && !wire_fault_row(&reply->fault, reply->net, &reply->out, *ret_rows)) {
            reply->gone = true;
            break;
        }
        if (!plan->replay) {
            sim_gen_row_t row;
            sim_gen_row(plan->gen, i, &row);
            for (size_t k = 0; k < npatches; k++) apply(&patches[k], row_image, &row);
        }
        out_bytes(&reply->out, row_image, len);
        ++*ret_rows;
        ok = out_ok(&reply->out) && !reply->attention && !reply->gone;
    }
    free(cell_at);
    out_done(&image);
    return ok && !reply->gone;
}
