/* apply.c: see apply.h. */
#include "cdc/apply.h"

#include <stdlib.h>
#include <string.h>

typedef struct ct_insert { /* prepared insert of one instance */
    cat_instance_t *in;
    cat_table_t *ct;
    sqlite3_stmt *st;
} ct_insert_t;

sqlite3_stmt *apply_prepare(sqlite3 *sq, const char *fmt, ...)
{
    va_list ap;
    sqlite3_stmt *st = NULL;
    va_start(ap, fmt);
    char *sql = sqlite3_vmprintf(fmt, ap);
    va_end(ap);
    sqlite3_prepare_v2(sq, sql, -1, &st, NULL);
    sqlite3_free(sql);
    return st;
}

static bool run(sqlite3 *sq, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    char *sql = sqlite3_vmprintf(fmt, ap);
    va_end(ap);
    bool ok = sqlite3_exec(sq, sql, NULL, NULL, NULL) == SQLITE_OK;
    sqlite3_free(sql);
    return ok;
}

typedef struct image {
    size_t n;
    int *ids;
    sim_typeinfo_t *types;
    sim_value_t *before, *after;
} image_t;

static bool get32(const char *p, size_t len, size_t *pos, uint32_t *ret)
{
    if (len - *pos < 4) return false;
    const unsigned char *u = (const unsigned char *)p + *pos;
    *ret = (uint32_t)u[0] << 24 | (uint32_t)u[1] << 16 | (uint32_t)u[2] << 8 | u[3];
    *pos += 4;
    return true;
}

static bool read_image(arena_t *a, const char *p, size_t len, size_t *pos, int op, image_t *img)
{
    uint32_t n, id, hi, lo;
    if (!get32(p, len, pos, &n) || n > 4096) return false;
    img->n = n;
    img->ids = arena_alloc(a, sizeof(int) * (n + 1));
    img->types = arena_alloc(a, sizeof(sim_typeinfo_t) * (n + 1));
    img->before = arena_alloc(a, sizeof(sim_value_t) * (n + 1));
    img->after = arena_alloc(a, sizeof(sim_value_t) * (n + 1));
    for (uint32_t i = 0; i < n; i++) {
        if (!get32(p, len, pos, &id) || !get32(p, len, pos, &hi) || !get32(p, len, pos, &lo)) return false;
        img->ids[i] = (int)id;
        img->types[i] = type_unpack((int64_t)((uint64_t)hi << 32 | lo));
        if (op != 2 && !cell_get(p, len, pos, a, &img->types[i], &img->before[i])) return false;
        if (op != 1 && !cell_get(p, len, pos, a, &img->types[i], &img->after[i])) return false;
    }
    return true;
}

static bool same_cell(const sim_typeinfo_t *t, const sim_value_t *x, const sim_value_t *y)
{
    buf_t a = {0}, b = {0};
    cell_put(&a, t, x);
    cell_put(&b, t, y);
    bool same = a.len == b.len && memcmp(buf_text(&a), buf_text(&b), a.len) == 0;
    buf_done(&a);
    buf_done(&b);
    return same;
}

static bool put_ct_row(applier_t *ap, ct_insert_t *ci, arena_t *a, const image_t *img, int op, int row_op,
                       uint32_t command, const lsn_t *commit, const lsn_t *seq)
{
    const cat_instance_t *in = ci->in;
    size_t mask_len = (in->ncols + 7) / 8;
    uint8_t mask[128] = {0};
    if (ci->st == NULL) {
        buf_t q = {0};
        buf_printf(&q, "INSERT OR REPLACE INTO %s(c1,c3,c4,c5,c%zu", ci->ct->storage, in->ncols + 6);
        for (size_t i = 0; i < in->ncols; i++) buf_printf(&q, ",c%zu", i + 6);
        buf_adds(&q, ") VALUES(?1,?2,?3,?4,?5");
        for (size_t i = 0; i < in->ncols; i++) buf_printf(&q, ",?%zu", i + 6);
        buf_addc(&q, ')');
        sqlite3_prepare_v2(ap->sq, buf_text(&q), -1, &ci->st, NULL);
        buf_done(&q);
        if (ci->st == NULL) return false;
    }
    sqlite3_bind_blob(ci->st, 1, commit->b, 10, SQLITE_TRANSIENT);
    sqlite3_bind_blob(ci->st, 2, seq->b, 10, SQLITE_TRANSIENT);
    sqlite3_bind_int(ci->st, 3, row_op);
    sqlite3_bind_int64(ci->st, 5, command);
    for (size_t i = 0; i < in->ncols; i++) {
        size_t k = 0;
        while (k < img->n && img->ids[k] != in->cols[i]) k++;
        const cat_column_t *cc = table_column_id(ci->ct, (int)i + 6);
        bool changed = op != 4 || (k < img->n && !same_cell(&img->types[k], &img->before[k], &img->after[k]));
        if (changed && mask_len <= 128) mask[mask_len - 1 - i / 8] |= (uint8_t)(1u << (i % 8));
        sim_value_t v = value_null(), out = value_null();
        sql_error_t err = {0};
        sim_base_t b = k < img->n ? img->types[k].base : SIM_T_NULL;
        if (k < img->n) v = row_op == 1 || row_op == 3 ? img->before[k] : img->after[k];
        if (k < img->n && row_op == 3 && !changed && type_is_lob(&img->types[k])) v = value_null();
        if ((b == SIM_T_TEXT || b == SIM_T_NTEXT || b == SIM_T_IMAGE) && (row_op == 1 || row_op == 3)) v = value_null();
        if (cc != NULL && k < img->n && !value_convert(a, &img->types[k], &v, &cc->type, 0, 0, &out, &err))
            out = value_null();
        store_bind(ci->st, (int)i + 6, cc != NULL ? &cc->type : &in->types[i], &out);
    }
    sqlite3_bind_blob(ci->st, 4, mask, (int)mask_len, SQLITE_TRANSIENT);
    bool ok = sqlite3_step(ci->st) == SQLITE_DONE;
    sqlite3_reset(ci->st);
    return ok;
}

/* Does the instance take what was committed at this position? */
static bool takes(const cat_instance_t *in, uint32_t table, const lsn_t *commit)
{
    return in->source_id == (int)table && in->has_start && memcmp(in->start_lsn, commit->b, 10) <= 0;
}

typedef struct cursor {
    applier_t *ap;
    ct_insert_t *cts;
    size_t ncts;
    const log_entry_t *e;
    size_t pos;
    arena_t arena; /* of one record */
} cursor_t;

static bool get_number(cursor_t *c, uint32_t *ret)
{
    return get32(c->e->body, c->e->len, &c->pos, ret);
}

static bool get_type(cursor_t *c, sim_typeinfo_t *ret)
{
    uint32_t hi, lo;
    if (!get_number(c, &hi) || !get_number(c, &lo)) return false;
    *ret = type_unpack((int64_t)((uint64_t)hi << 32 | lo));
    ret->not_null = false;
    return true;
}

static bool apply_change(cursor_t *c, size_t record)
{
    const log_entry_t *e = c->e;
    uint32_t table, command;
    image_t img;
    if (!get_number(c, &table) || c->pos >= e->len) return false;
    int op = (unsigned char)e->body[c->pos++];
    if (!get_number(c, &command) || !read_image(&c->arena, e->body, e->len, &c->pos, op, &img)) return false;
    lsn_t seq = log_seqval(&e->begin, record);
    for (size_t i = 0; i < c->ncts; i++) {
        ct_insert_t *ct = &c->cts[i];
        if (!takes(ct->in, table, &e->commit)) continue;
        if (op == 4 && !put_ct_row(c->ap, ct, &c->arena, &img, op, 3, command, &e->commit, &seq)) return false;
        if (!put_ct_row(c->ap, ct, &c->arena, &img, op, op, command, &e->commit, &seq)) return false;
    }
    return true;
}

static bool add_history(applier_t *ap, const cat_instance_t *in, const log_entry_t *e, int update, const char *text,
                        size_t len)
{
    sqlite3_stmt *st = apply_prepare(ap->sq, "INSERT INTO %s._cdc_ddl_history VALUES(%d,%d,%d,?1,?2,?3)",
                                     ap->db->xattach, in->source_id, in->ct_id, update);
    if (st == NULL) return false;
    sqlite3_bind_text(st, 1, text, (int)len, SQLITE_TRANSIENT);
    sqlite3_bind_blob(st, 2, e->commit.b, 10, SQLITE_TRANSIENT);
    sqlite3_bind_int64(st, 3, e->end_time);
    bool ok = sqlite3_step(st) == SQLITE_DONE;
    sqlite3_finalize(st);
    return ok;
}

/* The types come from the log and not from the catalog: after a crash between the two files the data file may have the
 * new type already while the rows still have the old one. */
static bool follow_alter(applier_t *ap, ct_insert_t *ct, int column, const sim_typeinfo_t *from,
                         const sim_typeinfo_t *to)
{
    const char *d = ap->db->attach;
    for (size_t k = 0; k < ct->in->ncols; k++) {
        int at = (int)k + 6;
        cat_column_t *cc = table_column_id(ct->ct, at);
        if (ct->in->cols[k] != column || cc == NULL) continue;
        if (!value_same_storage(from, to) &&
            !run(ap->sq, "UPDATE %s SET c%d=sv_conv(c%d,%lld,%lld,0,1)", ct->ct->storage, at, at,
                 (long long)type_pack(from), (long long)type_pack(to)))
            return false;
        if (!run(ap->sq, "UPDATE %s._sim_columns SET tc=%lld WHERE object_id=%d AND column_id=%d", d,
                 (long long)type_pack(to), ct->in->ct_id, at) ||
            !run(ap->sq,
                 "UPDATE %s._cdc_captured_columns SET tc=%lld,column_type=%Q WHERE object_id=%d AND column_id=%d", d,
                 (long long)type_pack(to), type_name(to->base), ct->in->ct_id, column))
            return false;
        cc->type = ct->in->types[k] = *to;
    }
    uint64_t version = __atomic_add_fetch(&ap->srv->catalog_version, 1, __ATOMIC_RELAXED);
    return run(ap->sq, "UPDATE %s._sim_meta SET v=%lld WHERE k='catver'", d, (long long)version);
}

static bool apply_ddl(cursor_t *c)
{
    const log_entry_t *e = c->e;
    uint32_t table, column, len;
    sim_typeinfo_t from, to;
    if (!get_number(c, &table) || c->pos >= e->len) return false;
    int update = (unsigned char)e->body[c->pos++];
    if (!get_number(c, &column) || !get_type(c, &from) || !get_type(c, &to) || !get_number(c, &len) ||
        e->len - c->pos < len)
        return false;
    for (size_t i = 0; i < c->ncts; i++) {
        ct_insert_t *ct = &c->cts[i];
        if (!takes(ct->in, table, &e->commit)) continue;
        if (column != 0 && !c->ap->data_file) {
            c->ap->needs_data = true;
            return true;
        }
        if (column != 0 && !follow_alter(c->ap, ct, (int)column, &from, &to)) return false;
        if (!add_history(c->ap, ct->in, e, update, e->body + c->pos, len)) return false;
    }
    c->pos += len;
    return true;
}

bool apply_mapping(sqlite3 *sq, const sim_db_t *db, const lsn_t *lsn, int64_t begin, int64_t end, int64_t tran,
                   const lsn_t *begin_lsn)
{
    sqlite3_stmt *st =
        apply_prepare(sq, "INSERT OR REPLACE INTO %s._cdc_lsn_time_mapping VALUES(?1,?2,?3,?4,?5)", db->xattach);
    uint8_t id[6] = {0};
    if (st == NULL) return false;
    for (int i = 0; i < 6; i++) id[5 - i] = (uint8_t)((uint64_t)tran >> (8 * i));
    sqlite3_bind_blob(st, 1, lsn->b, 10, SQLITE_TRANSIENT);
    sqlite3_bind_int64(st, 2, begin);
    sqlite3_bind_int64(st, 3, end);
    sqlite3_bind_blob(st, 4, id, tran == 0 ? 1 : 6, SQLITE_TRANSIENT);
    sqlite3_bind_blob(st, 5, begin_lsn->b, 10, SQLITE_TRANSIENT);
    bool ok = sqlite3_step(st) == SQLITE_DONE;
    sqlite3_finalize(st);
    return ok;
}

static bool apply_entry(cursor_t *c)
{
    const log_entry_t *e = c->e;
    size_t record = 0;
    c->pos = 0;
    while (c->pos < e->len) {
        int kind = (unsigned char)e->body[c->pos++];
        arena_reset(&c->arena);
        if (kind == LOG_CHANGE ? !apply_change(c, record++) : kind != LOG_DDL || !apply_ddl(c)) return false;
        if (c->ap->needs_data) return true;
    }
    c->ap->records += record;
    return apply_mapping(c->ap->sq, c->ap->db, &e->commit, e->begin_time, e->end_time, e->tran, &e->begin);
}

bool apply_entries(applier_t *a, const log_entry_t *entries, size_t n, size_t *ret_done)
{
    cursor_t c = {.ap = a};
    bool ok = true;
    a->needs_data = false;
    a->records = 0;
    *ret_done = 0;
    c.cts = sim_alloc(sizeof(*c.cts) * (a->cat->ninstances + 1));
    for (size_t i = 0; i < a->cat->ninstances; i++) {
        cat_table_t *ct = catalog_table_id(a->cat, a->cat->instances[i].ct_id);
        if (ct != NULL) c.cts[c.ncts++] = (ct_insert_t){&a->cat->instances[i], ct, NULL};
    }
    for (size_t i = 0; ok && i < n && !a->needs_data; i++) {
        c.e = &entries[i];
        ok = apply_entry(&c);
        if (ok && !a->needs_data) *ret_done = i + 1;
    }
    for (size_t i = 0; i < c.ncts; i++) sqlite3_finalize(c.cts[i].st);
    free(c.cts);
    arena_done(&c.arena);
    return ok;
}
