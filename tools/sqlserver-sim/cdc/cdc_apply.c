/* cdc_apply.c: see cdc_apply.h */
#include "cdc/cdc_apply.h"

#include <stdlib.h>
#include <string.h>

enum { FIXED_COLUMNS = 5, MASK_MAX = 128 };

typedef struct ct_insert {
    const cat_instance_t *in;
    sqlite3_stmt *st;
} ct_insert_t;

void applier_init(applier_t *ap, sim_server_t *srv, sqlite3 *sq, sim_db_t *db, const catalog_t *cat)
{
    memset(ap, 0, sizeof(*ap));
    ap->srv = srv;
    ap->sq = sq;
    ap->db = db;
    ap->cat = cat;
}

void applier_done(applier_t *ap)
{
    for (size_t i = 0; i < ap->ninserts; i++) sqlite3_finalize(ap->inserts[i].st);
    free(ap->inserts);
    buf_done(&ap->alters);
    memset(ap, 0, sizeof(*ap));
}

/* INSERT into the change table; parameter k is the table's k-th column. */
static sqlite3_stmt *insert_of(applier_t *ap, const cat_instance_t *in)
{
    for (size_t i = 0; i < ap->ninserts; i++)
        if (ap->inserts[i].in == in) return ap->inserts[i].st;
    const cat_table_t *ct = catalog_table_id(ap->cat, in->ct_id);
    if (ct == NULL || ct->ncols != FIXED_COLUMNS + in->ncols + 1) return NULL;
    buf_t q = {0};
    buf_printf(&q, "INSERT OR REPLACE INTO %s(", ct->storage);
    for (size_t i = 0; i < ct->ncols; i++) buf_printf(&q, "%sc%d", i > 0 ? "," : "", ct->cols[i].id);
    buf_adds(&q, ") VALUES(?");
    for (size_t i = 1; i < ct->ncols; i++) buf_adds(&q, ",?");
    buf_adds(&q, ")");
    sqlite3_stmt *st = NULL;
    if (sqlite3_prepare_v3(ap->sq, buf_text(&q), -1, SQLITE_PREPARE_PERSISTENT, &st, NULL) != SQLITE_OK) st = NULL;
    buf_done(&q);
    if (st == NULL) return NULL;
    ap->inserts = sim_realloc(ap->inserts, (ap->ninserts + 1) * sizeof(*ap->inserts));
    ap->inserts[ap->ninserts++] = (ct_insert_t){in, st};
    return st;
}

static record_cell_t *cell_of(const record_t *r, int column_id)
{
    for (size_t i = 0; i < r->ncells; i++)
        if (r->cells[i].column_id == column_id) return &r->cells[i];
    return NULL;
}

/* The last byte holds columns 1 to 8. Inserts and deletes name every column. */
static size_t make_mask(const cat_instance_t *in, const record_t *r, uint8_t mask[MASK_MAX])
{
    size_t len = (in->ncols + 7) / 8;
    if (len > MASK_MAX) len = MASK_MAX;
    memset(mask, 0, len);
    for (size_t i = 0; i < in->ncols && i / 8 < len; i++) {
        const record_cell_t *c = cell_of(r, in->cols[i]);
        if (r->kind != RECORD_UPDATE || (c != NULL && c->changed)) mask[len - 1 - i / 8] |= (uint8_t)(1u << i % 8);
    }
    return len;
}

/* Large values are only logged where they changed; the old types never have a before image. */
static bool left_out(const record_cell_t *c, int operation)
{
    bool old_lob = c->type.base == SIM_T_TEXT || c->type.base == SIM_T_NTEXT || c->type.base == SIM_T_IMAGE;
    if (old_lob) return operation == 1 || operation == 3;
    return operation == 3 && !c->changed && type_is_lob(&c->type);
}

static void bind_cell(sqlite3_stmt *st, int index, const sim_typeinfo_t *want, const record_cell_t *c, int operation,
                      arena_t *a)
{
    const sim_value_t *v = operation == 2 || operation == 4 ? &c->after : &c->before;
    sim_value_t converted;
    sql_error_t err = {0};
    if (v->is_null || left_out(c, operation)) {
        sqlite3_bind_null(st, index);
    } else if (value_same_storage(&c->type, want) || type_is_binary(c->type.base)) {
        store_bind(st, index, want, v);
    } else if (value_convert(a, &c->type, v, want, 0, 0, &converted, &err)) {
        store_bind(st, index, want, &converted); /* the column's type has changed since */
    } else {
        sqlite3_bind_null(st, index);
    }
}

static bool put_row(applier_t *ap, const cat_instance_t *in, const record_t *r, int operation, const log_entry_t *e,
                    const lsn_t *seqval, const uint8_t *mask, size_t mask_len, arena_t *a)
{
    sqlite3_stmt *st = insert_of(ap, in);
    if (st == NULL) return false;
    sqlite3_bind_blob(st, 1, e->start.b, 10, SQLITE_STATIC);
    sqlite3_bind_null(st, 2);
    sqlite3_bind_blob(st, 3, seqval->b, 10, SQLITE_STATIC);
    sqlite3_bind_int(st, 4, operation);
    sqlite3_bind_blob(st, 5, mask, (int)mask_len, SQLITE_STATIC);
    for (size_t i = 0; i < in->ncols; i++) {
        const record_cell_t *c = cell_of(r, in->cols[i]);
        if (c == NULL) /* dropped from the table: NULL from then on */
            sqlite3_bind_null(st, (int)(FIXED_COLUMNS + i + 1));
        else
            bind_cell(st, (int)(FIXED_COLUMNS + i + 1), &in->types[i], c, operation, a);
    }
    sqlite3_bind_int(st, (int)(FIXED_COLUMNS + in->ncols + 1), r->command_id);
    bool ok = sqlite3_step(st) == SQLITE_DONE;
    sqlite3_reset(st);
    ap->commands++;
    return ok;
}

static bool apply_change(applier_t *ap, const cat_instance_t *in, const record_t *r, const log_entry_t *e,
                         const lsn_t *seqval, arena_t *a)
{
    uint8_t mask[MASK_MAX];
    size_t len = make_mask(in, r, mask);
    if (r->kind != RECORD_UPDATE) return put_row(ap, in, r, r->kind, e, seqval, mask, len, a);
    return put_row(ap, in, r, 3, e, seqval, mask, len, a) && put_row(ap, in, r, 4, e, seqval, mask, len, a);
}

static bool run(sqlite3 *sq, char *sql)
{
    bool ok = sql != NULL && sqlite3_exec(sq, sql, NULL, NULL, NULL) == SQLITE_OK;
    sqlite3_free(sql);
    return ok;
}

static bool apply_ddl(applier_t *ap, const cat_instance_t *in, const record_t *r, const log_entry_t *e, const lsn_t *at)
{
    sqlite3_stmt *st;
    char *sql = sqlite3_mprintf("INSERT INTO %s._cdc_ddl_history VALUES(?,?,?,?,?,?)", ap->db->xattach);
    bool ok = sqlite3_prepare_v2(ap->sq, sql, -1, &st, NULL) == SQLITE_OK;
    sqlite3_free(sql);
    if (!ok) return false;
    sqlite3_bind_int(st, 1, in->source_id);
    sqlite3_bind_int(st, 2, in->ct_id);
    sqlite3_bind_int(st, 3, r->column_update);
    sqlite3_bind_text(st, 4, r->text, (int)r->text_len, SQLITE_STATIC);
    sqlite3_bind_blob(st, 5, at->b, 10, SQLITE_STATIC);
    sqlite3_bind_int64(st, 6, e->end_time);
    ok = sqlite3_step(st) == SQLITE_DONE;
    sqlite3_finalize(st);
    ap->schema_changes++;
    return ok;
}

static bool put_mapping(applier_t *ap, const log_entry_t *e)
{
    sqlite3_stmt *st;
    uint8_t id[6];
    for (int i = 0; i < 6; i++) id[i] = (uint8_t)((uint64_t)e->tran_id >> (40 - 8 * i));
    char *sql = sqlite3_mprintf("INSERT OR REPLACE INTO %s._cdc_lsn_time_mapping VALUES(?,?,?,?,?)", ap->db->xattach);
    bool ok = sqlite3_prepare_v2(ap->sq, sql, -1, &st, NULL) == SQLITE_OK;
    sqlite3_free(sql);
    if (!ok) return false;
    sqlite3_bind_blob(st, 1, e->start.b, 10, SQLITE_STATIC);
    sqlite3_bind_int64(st, 2, e->begin_time);
    sqlite3_bind_int64(st, 3, e->end_time);
    sqlite3_bind_blob(st, 4, e->tran_id == 0 ? "" : (const char *)id, e->tran_id == 0 ? 1 : 6, SQLITE_STATIC);
    sqlite3_bind_blob(st, 5, e->begin.b, 10, SQLITE_STATIC);
    ok = sqlite3_step(st) == SQLITE_DONE;
    sqlite3_finalize(st);
    return ok;
}

static uint32_t be32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

bool apply_entry(applier_t *ap, const log_entry_t *entry)
{
    arena_t arena = {0};
    size_t pos = 0, n = 0;
    bool ok = true;
    while (ok && pos < entry->len) {
        record_t r;
        arena_reset(&arena);
        ok = record_read(entry->body, entry->len, &pos, &arena, &r);
        lsn_t at = record_lsn(be32(entry->begin.b), be32(entry->begin.b + 4), n++);
        bool alter = ok && r.kind == RECORD_DDL && r.column_update && r.alter_column > 0;
        for (size_t i = 0; ok && i < ap->cat->ninstances; i++) {
            const cat_instance_t *in = &ap->cat->instances[i];
            if (in->source_id != r.object_id || !in->has_start || memcmp(in->start_lsn, entry->start.b, 10) > 0)
                continue;
            ok =
                r.kind == RECORD_DDL ? apply_ddl(ap, in, &r, entry, &at) : apply_change(ap, in, &r, entry, &at, &arena);
        }
        if (alter) {
            int pair[2] = {r.object_id, r.alter_column};
            buf_add(&ap->alters, pair, sizeof(pair));
            ap->altered = true;
        }
    }
    arena_done(&arena);
    return ok && put_mapping(ap, entry);
}

bool apply_alters(applier_t *ap)
{
    const char *d = ap->db->attach;
    if (!ap->altered) return true;
    if (sqlite3_exec(ap->sq, "BEGIN IMMEDIATE", NULL, NULL, NULL) != SQLITE_OK) return false;
    bool ok = true;
    for (size_t at = 0; ok && at + 8 <= ap->alters.len; at += 8) {
        int pair[2];
        memcpy(pair, ap->alters.ptr + at, sizeof(pair));
        for (size_t i = 0; ok && i < ap->cat->ninstances; i++) {
            const cat_instance_t *in = &ap->cat->instances[i];
            const cat_table_t *ct = catalog_table_id(ap->cat, in->ct_id);
            for (size_t k = 0; ok && ct != NULL && in->source_id == pair[0] && k < in->ncols; k++) {
                if (in->cols[k] != pair[1] || FIXED_COLUMNS + k >= ct->ncols) continue;
                ok = run(ap->sq, sqlite3_mprintf("UPDATE %s._cdc_captured_columns SET tc=(SELECT tc FROM "
                                                 "%s._sim_columns WHERE object_id=%d AND "
                                                 "column_id=%d) WHERE object_id=%d AND column_id=%d",
                                                 d, d, pair[0], pair[1], in->ct_id, pair[1])) &&
                     run(ap->sq,
                         sqlite3_mprintf(
                             "UPDATE %s._sim_columns SET tc=(SELECT tc FROM %s._sim_columns WHERE object_id=%d AND "
                             "column_id=%d) WHERE object_id=%d AND column_id=%d",
                             d, d, pair[0], pair[1], in->ct_id, ct->cols[FIXED_COLUMNS + k].id));
            }
        }
    }
    pthread_mutex_lock(&ap->srv->lock);
    uint64_t version = ++ap->srv->catalog_version; /* one counter for all, so that no version ever means two states */
    pthread_mutex_unlock(&ap->srv->lock);
    ok = ok && run(ap->sq, sqlite3_mprintf("UPDATE %s._sim_meta SET v=%lld WHERE k='catver'", d, (long long)version));
    if (!ok || sqlite3_exec(ap->sq, "COMMIT", NULL, NULL, NULL) != SQLITE_OK) {
        sqlite3_exec(ap->sq, "ROLLBACK", NULL, NULL, NULL);
        return false;
    }
    return true;
}
