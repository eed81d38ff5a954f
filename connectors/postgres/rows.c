#include "connectors/postgres/rows.h"

void row_set_reset(row_set_t *s)
{
    wire_buf_reset(&s->buf);
    s->n = s->ndeletes = s->ndead = 0;
    s->null_key = false;
}

void row_set_done(row_set_t *s)
{
    wire_buf_done(&s->buf);
    free(s->rows);
    free(s->slots);
    *s = (row_set_t){0};
}

bool row_set_add(row_set_t *s, const plan_t *plan, const cd_record_t *rec, uint32_t position, bool is_delete,
                 conv_err_t *err, uint32_t *ret_bad)
{
    if (s->n == s->cap) {
        uint32_t cap = s->cap == 0 ? 1024 : s->cap * 2;
        row_t *rows = realloc(s->rows, cap * sizeof(*rows));
        if (rows == NULL) abort();
        s->rows = rows;
        s->cap = cap;
    }
    row_t *row = &s->rows[s->n];
    *row = (row_t){.at = s->buf.len, .rec = position, .is_delete = is_delete};
    if (!plan_encode(plan, rec, is_delete, &s->buf, &row->key_len, &s->null_key, err, ret_bad)) return false;
    s->n++;
    s->ndeletes += is_delete ? 1 : 0;
    return true;
}

static inline uint64_t mix(uint64_t a, uint64_t b)
{
    unsigned __int128 m = (unsigned __int128)a * b;
    return (uint64_t)m ^ (uint64_t)(m >> 64);
}

static uint64_t hash(const uint8_t *p, uint32_t len)
{
    const uint64_t k0 = UINT64_C(0x9E3779B97F4A7C15), k1 = UINT64_C(0xD1B54A32D192ED03);
    uint64_t h = len * k1;
    while (len >= 8) {
        uint64_t word;
        memcpy(&word, p, 8);
        h = mix(h ^ word, k0);
        p += 8;
        len -= 8;
    }
    uint64_t tail = 0;
    memcpy(&tail, p, len);
    return mix(h ^ tail ^ k1, k0);
}

void row_set_fold(row_set_t *s)
{
    uint32_t want = 64;
    while (want < s->n * 2) want *= 2;
    if (s->nslots < want) {
        free(s->slots);
        s->slots = malloc(want * sizeof(*s->slots));
        if (s->slots == NULL) abort();
        s->nslots = want;
    }
    memset(s->slots, 0, want * sizeof(*s->slots)); /* a slot holds row + 1 */
    for (uint32_t i = 0; i < s->n; i++) {
        row_t *row = &s->rows[i];
        const uint8_t *key = s->buf.data + row->at + 2;
        uint32_t at = (uint32_t)hash(key, row->key_len) & (want - 1);
        while (s->slots[at] != 0) {
            row_t *old = &s->rows[s->slots[at] - 1];
            if (old->key_len == row->key_len && memcmp(s->buf.data + old->at + 2, key, row->key_len) == 0) {
                if (!old->is_delete) {
                    old->dead = true;
                    s->ndead++;
                }
                break;
            }
            at = (at + 1) & (want - 1);
        }
        s->slots[at] = i + 1;
    }
}
