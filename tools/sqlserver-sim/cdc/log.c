/* log.c: the change log. Records collect in memory with the transaction and are written as one row of _sim_log in the very
 * SQLite transaction they describe, so a crash loses neither a committed change nor invents one. */
#include <string.h>

#include "cdc/cdc.h"
#include "cdc/logfmt.h"

static void put32(buf_t *b, uint32_t v)
{
    for (int i = 3; i >= 0; i--) buf_addc(b, (char)(v >> (8 * i)));
}

static void put64(buf_t *b, uint64_t v)
{
    put32(b, (uint32_t)(v >> 32));
    put32(b, (uint32_t)v);
}

void log_change(sim_session_t *s, sdb_t *sdb, const cat_table_t *t, int op, const sim_value_t *before,
                const sim_value_t *after)
{
    buf_t *b = &sdb->pending;
    (void)s;
    buf_addc(b, LOG_CHANGE);
    put32(b, (uint32_t)t->id);
    buf_addc(b, (char)op);
    put32(b, (uint32_t)++sdb->command_id);
    put32(b, (uint32_t)t->ncols);
    for (size_t i = 0; i < t->ncols; i++) {
        static const sim_value_t null = {.is_null = true};
        const cat_column_t *c = &t->cols[i];
        put32(b, (uint32_t)c->id);
        put64(b, (uint64_t)type_pack(&c->type));
        if (before != NULL) cell_put(b, &c->type, c->computed ? &null : &before[i]);
        if (after != NULL) cell_put(b, &c->type, c->computed ? &null : &after[i]);
    }
    sdb->npending++;
}

bool log_ddl(sim_session_t *s, sdb_t *sdb, int object_id, bool column_update, const char *text, int alter_column)
{
    buf_t *b = &sdb->pending;
    int64_t from = 0, to = 0;
    if (alter_column > 0) { /* the session's catalog still has the column as it was, the file as it is now */
        const cat_table_t *t = catalog_table_id(sdb->cat, object_id);
        const cat_column_t *c = t != NULL ? table_column_id(t, alter_column) : NULL;
        if (c == NULL || !sq_int(s, &to, "SELECT tc FROM %s._sim_columns WHERE object_id=%d AND column_id=%d",
                                 sdb->db->attach, object_id, alter_column))
            return fail_sqlite(s);
        from = type_pack(&c->type);
    }
    buf_addc(b, LOG_DDL);
    put32(b, (uint32_t)object_id);
    buf_addc(b, column_update);
    put32(b, alter_column > 0 ? (uint32_t)alter_column : 0);
    put64(b, (uint64_t)from);
    put64(b, (uint64_t)to);
    put32(b, (uint32_t)strlen(text));
    buf_adds(b, text);
    sdb->npending++;
    return true;
}

void log_discard(sdb_t *sdb)
{
    buf_truncate(&sdb->pending, 0);
    if (sdb->pending.cap > (8u << 20)) buf_done(&sdb->pending);
    sdb->npending = 0;
    sdb->command_id = 0;
}

bool log_pending(const sdb_t *sdb)
{
    return sdb->npending > 0;
}

lsn_t lsn_make(uint32_t vlf, uint32_t block, uint32_t slot)
{
    lsn_t l;
    for (int i = 0; i < 4; i++) {
        l.b[i] = (uint8_t)(vlf >> (24 - 8 * i));
        l.b[4 + i] = (uint8_t)(block >> (24 - 8 * i));
    }
    l.b[8] = (uint8_t)(slot >> 8);
    l.b[9] = (uint8_t)slot;
    return l;
}

#define SLOTS_PER_BLOCK 60000u
#define BLOCKS_PER_VLF  0x10000000u

/* Reserves positions for `records` change records and the commit record. */
static bool reserve(sim_session_t *s, sdb_t *sdb, size_t bytes, size_t records, uint32_t *ret_vlf, uint32_t *ret_block,
                    lsn_t *ret_commit)
{
    int64_t vlf = 39, block = 0;
    const char *d = sdb->db->attach;
    if (!sq_int(s, &vlf, "SELECT v FROM %s._sim_meta WHERE k='vlf'", d) ||
        !sq_int(s, &block, "SELECT v FROM %s._sim_meta WHERE k='block'", d))
        return fail_sqlite(s);
    uint32_t extra = (uint32_t)(records / SLOTS_PER_BLOCK) * 8, size = (uint32_t)((bytes + 511) / 512) * 8;
    if (size < 8) size = 8;
    block += 8;
    if (block + extra + size > BLOCKS_PER_VLF) {
        vlf++;
        block = 16;
    }
    int64_t after = block + extra + size;
    *ret_vlf = (uint32_t)vlf;
    *ret_block = (uint32_t)block;
    *ret_commit = lsn_make((uint32_t)vlf, (uint32_t)block + extra, (uint32_t)(records % SLOTS_PER_BLOCK) + 1);
    return sq_exec(s, "UPDATE %s._sim_meta SET v=%lld WHERE k='vlf'", d, (long long)vlf) &&
           sq_exec(s, "UPDATE %s._sim_meta SET v=%lld WHERE k='block'", d, (long long)after);
}

lsn_t log_seqval(const lsn_t *begin, size_t record)
{
    uint32_t vlf = 0, block = 0;
    for (int i = 0; i < 4; i++) {
        vlf = vlf << 8 | begin->b[i];
        block = block << 8 | begin->b[4 + i];
    }
    return lsn_make(vlf, block + (uint32_t)(record / SLOTS_PER_BLOCK) * 8, (uint32_t)(record % SLOTS_PER_BLOCK) + 1);
}

static bool append(sim_session_t *s, sdb_t *sdb, const lsn_t *commit, const lsn_t *begin, uint64_t tran,
                   const char *body, size_t len)
{
    sqlite3_stmt *st = sq_prepare(
        s, "INSERT INTO %s._sim_log(start_lsn,begin_lsn,begin_time,end_time,tran_id,body) VALUES(?1,?2,?3,?4,?5,?6)",
        sdb->db->attach);
    if (st == NULL) return false;
    sqlite3_bind_blob(st, 1, commit->b, 10, SQLITE_STATIC);
    sqlite3_bind_blob(st, 2, begin->b, 10, SQLITE_STATIC);
    sqlite3_bind_int64(st, 3, datetime_key(sdb->begin_time != 0 ? sdb->begin_time : server_local(s->server)));
    sqlite3_bind_int64(st, 4, datetime_key(server_local(s->server)));
    sqlite3_bind_int64(st, 5, (int64_t)tran);
    sqlite3_bind_blob64(st, 6, body, len, SQLITE_STATIC);
    bool ok = sqlite3_step(st) == SQLITE_DONE ? true : fail_sqlite(s);
    sqlite3_finalize(st);
    return ok;
}

bool log_commit(sim_session_t *s, sdb_t *sdb)
{
    uint32_t vlf, block;
    lsn_t commit;
    uint64_t tran = s->tran_id;
    if (tran == 0) {
        pthread_mutex_lock(&s->server->lock);
        tran = s->server->next_tran++;
        pthread_mutex_unlock(&s->server->lock);
    }
    if (!reserve(s, sdb, sdb->pending.len, sdb->npending, &vlf, &block, &commit)) return false;
    lsn_t begin = lsn_make(vlf, block, 1);
    int64_t done = __atomic_load_n(&sdb->db->captured_pos, __ATOMIC_RELAXED);
    if (!sq_exec(s, "DELETE FROM %s._sim_log WHERE seq<=%lld", sdb->db->attach, (long long)done)) return false;
    return append(s, sdb, &commit, &begin, tran, buf_text(&sdb->pending), sdb->pending.len);
}

bool log_take_lsn(sim_session_t *s, sdb_t *sdb, lsn_t *ret_lsn)
{
    uint32_t vlf, block;
    lsn_t begin;
    if (!reserve(s, sdb, 0, 0, &vlf, &block, ret_lsn)) return false;
    begin = lsn_make(vlf, block, 1);
    /* an entry without records becomes a dummy mapping row: the maximum LSN reaches the instance's start */
    return append(s, sdb, ret_lsn, &begin, 0, "", 0);
}
