/* cdc_log.c: what a transaction has changed, kept in memory until its commit writes it as one row of _sim_log, inside the
 * same SQLite transaction as the data: a crash loses both or none. */
#include <stdlib.h>
#include <string.h>

#include "cdc/cdc_record.h"

enum { LOG_BLOCK_STEP = 8, LOG_BLOCK_BYTES = 512, LOG_BLOCKS_PER_FILE = 1 << 20 };

static void put(buf_t *b, uint64_t v, int n)
{
    char bytes[8];
    for (int i = 0; i < n; i++) bytes[i] = (char)(v >> (8 * i));
    buf_add(b, bytes, (size_t)n);
}

static bool get(const char *p, size_t len, size_t *pos, int n, uint64_t *ret)
{
    *ret = 0;
    if (len - *pos < (size_t)n) return false;
    for (int i = 0; i < n; i++) *ret |= (uint64_t)(uint8_t)p[*pos + (size_t)i] << (8 * i);
    *pos += (size_t)n;
    return true;
}

lsn_t lsn_make(uint32_t vlf, uint32_t block, uint16_t slot)
{
    lsn_t lsn;
    for (int i = 0; i < 4; i++) {
        lsn.b[i] = (uint8_t)(vlf >> (24 - 8 * i));
        lsn.b[4 + i] = (uint8_t)(block >> (24 - 8 * i));
    }
    lsn.b[8] = (uint8_t)(slot >> 8);
    lsn.b[9] = (uint8_t)slot;
    return lsn;
}

lsn_t record_lsn(uint32_t vlf, uint32_t block, size_t n)
{
    return lsn_make(vlf, block + (uint32_t)(n / LOG_SLOTS) * LOG_BLOCK_STEP, (uint16_t)(n % LOG_SLOTS + 1));
}

lsn_t record_commit_lsn(uint32_t vlf, uint32_t block, size_t n)
{
    size_t last = n == 0 ? 0 : n - 1;
    return lsn_make(vlf, block + (uint32_t)(last / LOG_SLOTS) * LOG_BLOCK_STEP, (uint16_t)(last % LOG_SLOTS + 2));
}

/* ---- writing ------------------------------------------------------------------------------------------------ */

static void put_head(buf_t *b, int kind, int object_id, int command_id)
{
    put(b, (uint64_t)kind, 1);
    put(b, (uint32_t)object_id, 4);
    put(b, (uint32_t)command_id, 4);
}

void log_change(sim_session_t *s, sdb_t *sdb, const cat_table_t *t, int op, const sim_value_t *before,
                const sim_value_t *after)
{
    buf_t *b = &sdb->pending;
    size_t start = b->len;
    bool differs = op != RECORD_UPDATE;
    (void)s;
    put_head(b, op, t->id, sdb->command_id + 1);
    put(b, t->ncols, 2);
    for (size_t i = 0; i < t->ncols; i++) {
        const sim_typeinfo_t *type = &t->cols[i].type;
        put(b, (uint32_t)t->cols[i].id, 4);
        put(b, (uint64_t)type_pack(type), 8);
        size_t at = b->len;
        if (before != NULL) cell_put(b, type, &before[i]);
        size_t middle = b->len;
        if (after != NULL) cell_put(b, type, &after[i]);
        differs = differs || b->len - middle != middle - at || memcmp(b->ptr + at, b->ptr + middle, middle - at) != 0;
    }
    if (!differs) { /* assigning what is there already leaves no trace */
        buf_truncate(b, start);
        return;
    }
    sdb->command_id++;
    sdb->npending++;
}

bool log_ddl(sim_session_t *s, sdb_t *sdb, int object_id, bool column_update, const char *text, int alter_column)
{
    if (!tran_write(s, sdb, false)) return false;
    size_t len = strlen(text);
    put_head(&sdb->pending, RECORD_DDL, object_id, ++sdb->command_id);
    put(&sdb->pending, column_update, 1);
    put(&sdb->pending, (uint32_t)alter_column, 4);
    put(&sdb->pending, len, 4);
    buf_add(&sdb->pending, text, len);
    sdb->npending++;
    return true;
}

bool log_pending(const sdb_t *sdb)
{
    return sdb->npending > 0;
}

void log_discard(sdb_t *sdb)
{
    enum { KEEP = 1 << 20 };
    if (sdb->pending.cap > KEEP)
        buf_done(&sdb->pending);
    else
        buf_truncate(&sdb->pending, 0);
    sdb->npending = 0;
    sdb->command_id = 0;
}

/* Takes `blocks` blocks from the log's end. */
static bool take_blocks(sim_session_t *s, sdb_t *sdb, uint32_t blocks, uint32_t *ret_vlf, uint32_t *ret_block)
{
    const char *d = sdb->db->attach;
    int64_t vlf, block;
    if (!sq_int(s, &vlf, "SELECT v FROM %s._sim_meta WHERE k='vlf'", d) ||
        !sq_int(s, &block, "SELECT v FROM %s._sim_meta WHERE k='block'", d))
        return false;
    block += LOG_BLOCK_STEP;
    if (block > LOG_BLOCKS_PER_FILE) { /* the next virtual log file starts from a low block again */
        vlf++;
        block = LOG_BLOCK_STEP;
    }
    *ret_vlf = (uint32_t)vlf;
    *ret_block = (uint32_t)block;
    return sq_exec(s, "UPDATE %s._sim_meta SET v=CASE k WHEN 'vlf' THEN %lld ELSE %lld END WHERE k IN ('vlf','block')",
                   d, (long long)vlf, (long long)(block + blocks - LOG_BLOCK_STEP));
}

bool log_commit(sim_session_t *s, sdb_t *sdb)
{
    size_t spill = (sdb->npending + LOG_SLOTS - 1) / LOG_SLOTS,
           bytes = (sdb->pending.len + LOG_BLOCK_BYTES - 1) / LOG_BLOCK_BYTES;
    uint32_t vlf, block, blocks = (uint32_t)(bytes > spill ? bytes : spill) * LOG_BLOCK_STEP;
    int64_t tran;
    if (!take_blocks(s, sdb, blocks, &vlf, &block)) return false;
    if (!sq_exec(s, "UPDATE %s._sim_meta SET v=v+1 WHERE k='tran'", sdb->db->attach) ||
        !sq_int(s, &tran, "SELECT v FROM %s._sim_meta WHERE k='tran'", sdb->db->attach))
        return false;
    lsn_t begin = record_lsn(vlf, block, 0), commit = record_commit_lsn(vlf, block, sdb->npending);
    sqlite3_stmt *st = sq_prepare(
        s, "INSERT INTO %s._sim_log(start_lsn,begin_lsn,begin_time,end_time,tran_id,body) VALUES(?,?,?,?,?,?)",
        sdb->db->attach);
    if (st == NULL) return false;
    sqlite3_bind_blob(st, 1, commit.b, 10, SQLITE_STATIC);
    sqlite3_bind_blob(st, 2, begin.b, 10, SQLITE_STATIC);
    sqlite3_bind_int64(st, 3, datetime_key(sdb->begin_time));
    sqlite3_bind_int64(st, 4, datetime_key(server_local(s->server)));
    sqlite3_bind_int64(st, 5, tran);
    sqlite3_bind_blob64(st, 6, sdb->pending.ptr, sdb->pending.len, SQLITE_STATIC);
    bool ok = sqlite3_step(st) == SQLITE_DONE;
    if (!ok) fail_sqlite(s);
    sqlite3_finalize(st);
    return ok;
}

bool log_take_lsn(sim_session_t *s, sdb_t *sdb, lsn_t *ret_lsn)
{
    uint32_t vlf, block;
    if (!tran_write(s, sdb, false) || !take_blocks(s, sdb, LOG_BLOCK_STEP, &vlf, &block)) return false;
    *ret_lsn = lsn_make(vlf, block, 1);
    return true;
}

/* ---- reading ------------------------------------------------------------------------------------------------ */

static bool read_cells(const char *body, size_t len, size_t *pos, arena_t *a, record_t *r)
{
    uint64_t n, id, code;
    if (!get(body, len, pos, 2, &n)) return false;
    r->cells = arena_alloc(a, sizeof(*r->cells) * (n + 1));
    r->ncells = n;
    for (size_t i = 0; i < n; i++) {
        record_cell_t *c = &r->cells[i];
        if (!get(body, len, pos, 4, &id) || !get(body, len, pos, 8, &code)) return false;
        c->column_id = (int)id;
        c->type = type_unpack((int64_t)code);
        size_t at = *pos;
        if (r->kind != RECORD_INSERT && !cell_get(body, len, pos, a, &c->type, &c->before)) return false;
        size_t middle = *pos;
        if (r->kind != RECORD_DELETE && !cell_get(body, len, pos, a, &c->type, &c->after)) return false;
        c->changed = *pos - middle != middle - at || memcmp(body + at, body + middle, middle - at) != 0;
    }
    return true;
}

bool record_read(const char *body, size_t len, size_t *pos, arena_t *a, record_t *ret_record)
{
    record_t *r = ret_record;
    uint64_t kind, object, command, flag, column, text;
    memset(r, 0, sizeof(*r));
    if (!get(body, len, pos, 1, &kind) || !get(body, len, pos, 4, &object) || !get(body, len, pos, 4, &command))
        return false;
    r->kind = (int)kind;
    r->object_id = (int)object;
    r->command_id = (int)command;
    if (kind != RECORD_DDL)
        return (kind == RECORD_DELETE || kind == RECORD_INSERT || kind == RECORD_UPDATE) &&
               read_cells(body, len, pos, a, r);
    if (!get(body, len, pos, 1, &flag) || !get(body, len, pos, 4, &column) || !get(body, len, pos, 4, &text) ||
        len - *pos < text)
        return false;
    r->column_update = flag != 0;
    r->alter_column = (int)column;
    r->text = body + *pos;
    r->text_len = text;
    *pos += text;
    return true;
}
