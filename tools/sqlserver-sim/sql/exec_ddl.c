/* exec_ddl.c: tables, indexes, schemas. Everything but databases is transactional: the metadata tables change
 * in the same SQLite transaction as the objects. */
#include <stdlib.h>
#include <string.h>

#include "cdc/cdc.h"
#include "sql/bind.h"
#include "sql/ddl.h"
#include "sql/exec.h"
#include "sql/parser.h"
#include "sql/security.h"

bool ddl_touch(sim_session_t *s, sdb_t *sdb)
{
    pthread_mutex_lock(&s->server->lock);
    uint64_t v = ++s->server->catalog_version;
    pthread_mutex_unlock(&s->server->lock);
    return sq_exec(s, "UPDATE %s._sim_meta SET v=%lld WHERE k='catver'", sdb->db->attach, (long long)v);
}

bool ddl_next_id(sim_session_t *s, sdb_t *sdb, int *ret_id)
{
    int64_t v = 0;
    if (!sq_exec(s, "UPDATE %s._sim_meta SET v=v+16 WHERE k='next_id'", sdb->db->attach) ||
        !sq_int(s, &v, "SELECT v FROM %s._sim_meta WHERE k='next_id'", sdb->db->attach))
        return fail_sqlite(s);
    *ret_id = (int)v;
    return true;
}

bool ddl_add_object(sim_session_t *s, sdb_t *sdb, int schema_id, const char *name, const char *type, int parent,
                    bool shipped, int *ret_id)
{
    int64_t hit = 0, now = datetime_key(server_local(s->server));
    if (!sq_int(s, &hit, "SELECT count(*) FROM %s._sim_objects WHERE schema_id=%d AND name=%Q", sdb->db->attach,
                schema_id, name))
        return fail_sqlite(s);
    if (hit != 0)
        return fail(s, 2714, 16, parent != 0 ? 5 : 6, "There is already an object named '%s' in the database.", name);
    return ddl_next_id(s, sdb, ret_id) &&
           sq_exec(s,
                   "INSERT INTO %s._sim_objects(id,schema_id,name,type,parent_id,created,modified,ms_shipped) "
                   "VALUES(%d,%d,%Q,%Q,%d,%lld,%lld,%d)",
                   sdb->db->attach, *ret_id, schema_id, name, type, parent, (long long)now, (long long)now, shipped);
}

bool ddl_create_storage(sim_session_t *s, const char *storage, cat_column_t *cols, size_t n)
{
    buf_t q = {0};
    bool first = true;
    buf_printf(&q, "CREATE TABLE %s(", storage);
    for (size_t i = 0; i < n; i++) {
        if (cols[i].computed) continue;
        if (!first) buf_addc(&q, ',');
        first = false;
        ddl_column_storage(s, &cols[i], &q);
    }
    if (first) buf_adds(&q, "x");
    buf_addc(&q, ')');
    bool ok = sqlite3_exec(s->sq, buf_text(&q), NULL, NULL, NULL) == SQLITE_OK ? true : fail_sqlite(s);
    buf_done(&q);
    return ok;
}

bool ddl_create_table(sim_session_t *s, const name_t *name, const column_def_t *defs, size_t ndefs,
                      const table_constraint_t *cons, size_t ncons)
{
    sdb_t *sdb;
    const char *schema, *table;
    int id;
    if (name->part[name->n - 1][0] == '#') return ddl_add_temp(s, name->part[name->n - 1], defs, ndefs, cons, ncons);
    if (!resolve_db(s, name, &sdb, &schema, &table) || !tran_write(s, sdb, false) || !session_catalog(s, sdb))
        return false;
    const cat_schema_t *sc = catalog_schema(sdb->cat, schema);
    if (sc == NULL || name_eq(schema, "sys"))
        return fail(s, 2760, 16, 1,
                    "The specified schema name \"%s\" either does not exist or you do not have permission to use it.",
                    schema);
    if (!ddl_add_object(s, sdb, sc->id, table, "U", 0, false, &id)) return false;
    const char *storage = arena_printf(&s->arena, "%s.o%d", sdb->db->attach, id);
    cat_column_t *cols = arena_alloc(&s->arena, sizeof(*cols) * (ndefs + 1));
    bool clustered = false, identity = false;
    for (size_t i = 0; i < ncons; i++) clustered = clustered || cons[i].clustered;
    for (size_t i = 0; i < ndefs; i++) {
        if (ddl_find_column(cols, i, defs[i].name) >= 0)
            return fail(s, 2705, 16, 3,
                        "Column names in each table must be unique. Column name '%s' in table '%s' is specified more "
                        "than once.",
                        defs[i].name, table);
        if (!ddl_column_from_def(s, sdb, &defs[i], (int)i + 1, table, cols, i, &cols[i])) return false;
        if (cols[i].identity && identity)
            return fail(
                s, 2744, 16, 2,
                "Multiple identity columns specified for table '%s'. Only one identity column per table is allowed.",
                table);
        identity = identity || cols[i].identity;
        clustered = clustered || defs[i].clustered;
        if (cols[i].identity && !sq_exec(s, "INSERT OR REPLACE INTO %s._sim_identity VALUES(%d,%lld)", sdb->db->attach,
                                         id, (long long)(cols[i].seed - cols[i].incr)))
            return false;
    }
    for (size_t i = 0; i < ncons; i++) /* table-level primary keys make their columns NOT NULL */
        for (size_t k = 0; cons[i].kind == 'P' && k < cons[i].ncols; k++) {
            int at = ddl_find_column(cols, ndefs, cons[i].cols[k]);
            if (at >= 0 && defs[at].null_spec != 1) cols[at].type.not_null = true;
        }
    for (size_t i = 0; i < ndefs; i++) {
        if (defs[i].dflt != NULL && !ddl_add_default(s, sdb, sc->id, table, id, defs[i].name, defs[i].dflt_name,
                                                     defs[i].dflt, &cols[i].dflt, &cols[i].dflt_id))
            return false;
        if (!ddl_store_column(s, sdb, id, &cols[i])) return false;
    }
    if (!ddl_create_storage(s, storage, cols, ndefs)) return false;
    for (size_t i = 0; i < ndefs; i++) {
        if (!defs[i].primary_key && !defs[i].unique) continue;
        const char *one[1] = {defs[i].name};
        bool asc[1] = {false};
        table_constraint_t c = {.kind = defs[i].primary_key ? 'P' : 'U',
                                .name = defs[i].key_name,
                                .cols = one,
                                .desc = asc,
                                .ncols = 1,
                                .clustered = defs[i].clustered,
                                .nonclustered = defs[i].nonclustered};
        if (!ddl_add_constraint(s, sdb, sc->id, table, storage, id, cols, ndefs, &c, clustered)) return false;
    }
    for (size_t i = 0; i < ncons; i++)
        if (!ddl_add_constraint(s, sdb, sc->id, table, storage, id, cols, ndefs, &cons[i], clustered)) return false;
    return ddl_touch(s, sdb);
}

bool ddl_select_into(sim_session_t *s, const name_t *into, const sim_column_t *cols, size_t n, cat_table_t **ret_table,
                     sdb_t **ret_sdb)
{
    column_def_t *defs = arena_alloc(&s->arena, sizeof(*defs) * (n + 1));
    for (size_t i = 0; i < n; i++) {
        if (cols[i].name[0] == '\0')
            return fail(s, 1038, 15, 5,
                        "An object or column name is missing or empty. For SELECT INTO statements, verify each column "
                        "has a name. For other statements, look for empty alias names. Aliases defined as \"\" or [] "
                        "are not allowed. Change the alias to a valid name.");
        defs[i].name = cols[i].name;
        defs[i].type = arena_alloc(&s->arena, sizeof(type_ref_t));
        defs[i].type->type = cols[i].type;
        defs[i].null_spec = cols[i].type.not_null ? 2 : 1;
        if (cols[i].flags & SIM_COL_IDENTITY) {
            defs[i].identity = true;
            defs[i].seed = defs[i].incr = 1;
        }
    }
    return ddl_create_table(s, into, defs, n, NULL, 0) && resolve_table(s, into, ret_sdb, ret_table) &&
           *ret_table != NULL;
}

bool ddl_find_table(sim_session_t *s, const name_t *n, sdb_t **ret_sdb, cat_table_t **ret_t)
{
    const char *schema, *object;
    if (!resolve_db(s, n, ret_sdb, &schema, &object) || !tran_write(s, *ret_sdb, false) ||
        !session_catalog(s, *ret_sdb))
        return false;
    *ret_t = catalog_table((*ret_sdb)->cat, schema, object);
    return true;
}

/* ---- ALTER TABLE ---- */

static bool add_column(sim_session_t *s, sdb_t *sdb, cat_table_t *t, const column_def_t *d, bool with_values)
{
    cat_column_t c;
    int64_t rows = 0, max = t->max_column_id;
    if (table_column(t, d->name) != NULL)
        return fail(
            s, 2705, 16, 4,
            "Column names in each table must be unique. Column name '%s' in table '%s' is specified more than once.",
            d->name, t->name);
    sq_int(s, &max, "SELECT max(%d, coalesce((SELECT max(v) FROM %s._sim_meta WHERE k='maxcol%d'),0))",
           t->max_column_id, sdb->db->attach, t->id);
    if (!ddl_column_from_def(s, sdb, d, (int)max + 1, t->name, t->cols, t->ncols, &c)) return false;
    if (!sq_exec(s, "INSERT OR REPLACE INTO %s._sim_meta VALUES('maxcol%d',%d)", sdb->db->attach, t->id, c.id))
        return false;
    if (!c.computed) {
        if (!sq_int(s, &rows, "SELECT count(*) FROM (SELECT 1 FROM %s LIMIT 1)", t->storage)) return fail_sqlite(s);
        if (rows > 0 && c.type.not_null && d->dflt == NULL && !c.identity)
            return fail(
                s, 4901, 16, 1,
                "ALTER TABLE only allows columns to be added that can contain nulls, or have a DEFAULT definition "
                "specified, or the column being added is an identity or timestamp column, or alternatively if none of "
                "the previous conditions are satisfied the table must be empty to allow addition of this column. "
                "Column '%s' cannot be added to non-empty table '%s' because it does not satisfy these conditions.",
                c.name, t->name);
        if (!sq_exec(s, "ALTER TABLE %s ADD COLUMN c%d%s", t->storage, c.id,
                     type_is_char(c.type.base) ? " COLLATE SQLCI" : ""))
            return false;
    }
    if (d->dflt != NULL &&
        !ddl_add_default(s, sdb, t->schema_id, t->name, t->id, c.name, d->dflt_name, d->dflt, &c.dflt, &c.dflt_id))
        return false;
    if (!ddl_store_column(s, sdb, t->id, &c)) return false;
    if (c.identity && !sq_exec(s, "INSERT OR REPLACE INTO %s._sim_identity VALUES(%d,%lld)", sdb->db->attach, t->id,
                               (long long)(c.seed - c.incr)))
        return false;
    if (rows > 0 && d->dflt != NULL && (c.type.not_null || with_values)) {
        sim_value_t v;
        if (!eval_scalar(s, d->dflt, &c.type, &v, NULL)) return false;
        sqlite3_stmt *st = sq_prepare(s, "UPDATE %s SET c%d=?1", t->storage, c.id);
        if (st == NULL) return false;
        store_bind(st, 1, &c.type, &v);
        bool ok = sqlite3_step(st) == SQLITE_DONE ? true : fail_sqlite(s);
        sqlite3_finalize(st);
        if (!ok) return false;
    }
    if (d->primary_key || d->unique) {
        cat_column_t *cols = arena_alloc(&s->arena, sizeof(*cols) * (t->ncols + 1));
        memcpy(cols, t->cols, sizeof(*cols) * t->ncols);
        cols[t->ncols] = c;
        const char *one[1] = {d->name};
        bool asc[1] = {false};
        table_constraint_t k = {
            .kind = d->primary_key ? 'P' : 'U', .name = d->key_name, .cols = one, .desc = asc, .ncols = 1};
        return ddl_key_constraint(s, sdb, t->schema_id, t->name, t->storage, t->id, cols, t->ncols + 1, &k, false);
    }
    return true;
}

static bool captured_key(const sdb_t *sdb, const cat_table_t *t, int col)
{
    for (size_t i = 0; i < sdb->cat->ninstances; i++)
        for (size_t k = 0; sdb->cat->instances[i].source_id == t->id && k < sdb->cat->instances[i].nkeys; k++)
            if (sdb->cat->instances[i].keys[k] == col) return true;
    return false;
}

static bool drop_column(sim_session_t *s, sdb_t *sdb, cat_table_t *t, const char *name, bool if_exists)
{
    cat_column_t *c = table_column(t, name);
    if (c == NULL)
        return if_exists ? true
                         : fail(s, 4924, 16, 1,
                                "ALTER TABLE DROP COLUMN failed because column '%s' does not exist in table '%s'.",
                                name, t->name);
    if (captured_key(sdb, t, c->id))
        return fail(s, 22979, 16, 1,
                    "The unique index on source table '[%s].[%s]' is used by Change Data Capture. To alter or drop the "
                    "column '%s', first disable Change Data Capture on the table.",
                    t->schema, t->name, name);
    for (size_t i = 0; i < t->nindexes; i++)
        if (index_has(&t->indexes[i], c->id))
            return fail(s, 5074, 16, 1, "The object '%s' is dependent on column '%s'.", t->indexes[i].name, name);
    if (c->dflt_id != 0)
        return fail(s, 5074, 16, 1, "The object '%s' is dependent on column '%s'.",
                    c->dflt_name != NULL ? c->dflt_name : "", name);
    for (size_t i = 0; i < sdb->cat->nfks; i++)
        for (int k = 0; k < sdb->cat->fks[i].ncols; k++)
            if (sdb->cat->fks[i].table_id == t->id && sdb->cat->fks[i].cols[k] == c->id)
                return fail(s, 5074, 16, 1, "The object '%s' is dependent on column '%s'.", sdb->cat->fks[i].name,
                            name);
    if (!c->computed && !sq_exec(s, "ALTER TABLE %s DROP COLUMN c%d", t->storage, c->id)) return false;
    return sq_exec(s, "DELETE FROM %s._sim_columns WHERE object_id=%d AND column_id=%d", sdb->db->attach, t->id, c->id);
}

static bool rewrite_column(sim_session_t *s, sdb_t *sdb, cat_table_t *t, const cat_column_t *from,
                           const cat_column_t *to)
{
    sqlite3_stmt *rd = sq_prepare(s, "SELECT rowid, c%d FROM %s", from->id, t->storage),
                 *wr = sq_prepare(s, "UPDATE %s SET c%d=?2 WHERE rowid=?1", t->storage, from->id);
    bool ok = rd != NULL && wr != NULL;
    arena_t a = {0};
    while (ok && sqlite3_step(rd) == SQLITE_ROW) {
        sim_value_t v, out;
        sql_error_t err = {0};
        arena_reset(&a);
        store_column(&a, rd, 1, &from->type, &v);
        if (v.is_null && to->type.not_null) {
            ok = fail(s, 515, 16, 2,
                      "Cannot insert the value NULL into column '%s', table '%s.%s.%s'; column does not allow nulls. "
                      "UPDATE fails.",
                      to->name, sdb->db->name, t->schema, t->name);
            break;
        }
        if (!value_convert(&a, &from->type, &v, &to->type, 0, CONVERT_IMPLICIT, &out, &err)) {
            if (err.number == 8152)
                ok = fail(
                    s, 2628, 16, 1,
                    "String or binary data would be truncated in table '%s.%s.%s', column '%s'. Truncated value: ''.",
                    sdb->db->name, t->schema, t->name, to->name);
            else
                ok = fail_err(s, &err);
            break;
        }
        sqlite3_bind_int64(wr, 1, sqlite3_column_int64(rd, 0));
        store_bind(wr, 2, &to->type, &out);
        ok = sqlite3_step(wr) == SQLITE_DONE ? true : fail_sqlite(s);
        sqlite3_reset(wr);
    }
    sqlite3_finalize(rd);
    sqlite3_finalize(wr);
    arena_done(&a);
    return ok;
}

static bool alter_column(sim_session_t *s, sdb_t *sdb, cat_table_t *t, const column_def_t *d)
{
    cat_column_t *old = table_column(t, d->name), c;
    if (old == NULL)
        return fail(s, 4924, 16, 1, "ALTER TABLE ALTER COLUMN failed because column '%s' does not exist in table '%s'.",
                    d->name, t->name);
    if (old->computed || old->type.base == SIM_T_TIMESTAMP)
        return fail(s, 4928, 16, 1, "Cannot alter column '%s' because it is '%s'.", d->name,
                    old->computed ? "COMPUTED" : "timestamp");
    if (!ddl_column_from_def(s, sdb, d, old->id, t->name, t->cols, t->ncols, &c)) return false;
    c.name = old->name;
    c.identity = old->identity;
    c.seed = old->seed;
    c.incr = old->incr;
    c.dflt = old->dflt;
    c.dflt_id = old->dflt_id;
    if (old->identity && d->null_spec != 1) c.type.not_null = true;
    for (size_t i = 0; i < t->nindexes; i++)
        if (t->indexes[i].pk && index_has(&t->indexes[i], old->id)) {
            if (d->null_spec == 1)
                return fail(s, 5074, 16, 1, "The object '%s' is dependent on column '%s'.", t->indexes[i].name,
                            d->name);
            if (c.type.base != old->type.base)
                return fail(s, 5074, 16, 1, "The object '%s' is dependent on column '%s'.", t->indexes[i].name,
                            d->name);
            c.type.not_null = true;
        }
    bool rewrite = !value_same_storage(&old->type, &c.type) || (c.type.not_null && !old->type.not_null);
    if (rewrite && !rewrite_column(s, sdb, t, old, &c)) return false;
    return ddl_store_column(s, sdb, t->id, &c);
}

bool ddl_drop_index(sim_session_t *s, sdb_t *sdb, const cat_table_t *t, const cat_index_t *ix)
{
    const char *dot = strchr(t->storage, '.');
    return sq_exec(s, "DROP INDEX %.*s.i%d_%d", (int)(dot - t->storage), t->storage, t->id, ix->id) &&
           sq_exec(s, "DELETE FROM %s._sim_indexes WHERE object_id=%d AND index_id=%d", sdb->db->attach, t->id,
                   ix->id) &&
           sq_exec(s, "DELETE FROM %s._sim_index_columns WHERE object_id=%d AND index_id=%d", sdb->db->attach, t->id,
                   ix->id) &&
           (ix->constraint_id == 0 ||
            sq_exec(s, "DELETE FROM %s._sim_objects WHERE id=%d", sdb->db->attach, ix->constraint_id));
}

static bool index_captured(sim_session_t *s, const sdb_t *sdb, const cat_table_t *t, const cat_index_t *ix)
{
    for (size_t i = 0; i < sdb->cat->ninstances; i++) {
        const cat_instance_t *in = &sdb->cat->instances[i];
        if (in->source_id == t->id && in->index_name != NULL && name_eq(in->index_name, ix->name)) {
            const char *table = arena_printf(&s->arena, "[%s].[%s]", t->schema, t->name);
            if (ix->constraint_id != 0)
                fail(s, 22979, 16, 1,
                     "The unique index '%s' on table '%s' is used by Change Data Capture. The constraint using this "
                     "index cannot be dropped or disabled.",
                     ix->name, table);
            else
                fail(s, 22983, 16, 1,
                     "The unique index '%s' on source table '%s' is used by Change Data Capture. To alter or drop the "
                     "index, you must first disable Change Data Capture on the table.",
                     ix->name, table);
            return true;
        }
    }
    return false;
}

static bool drop_constraint(sim_session_t *s, sdb_t *sdb, cat_table_t *t, const char *name, bool if_exists)
{
    for (size_t i = 0; i < t->nindexes; i++) {
        const cat_index_t *ix = &t->indexes[i];
        if ((!ix->pk && !ix->uq) || !name_eq(ix->name, name)) continue;
        if (index_captured(s, sdb, t, ix)) return false;
        for (size_t k = 0; k < sdb->cat->nfks; k++)
            if (sdb->cat->fks[k].ref_id == t->id)
                return fail(s, 3725, 16, 0,
                            "The constraint '%s' is being referenced by table '%s', foreign key constraint '%s'.", name,
                            t->name, sdb->cat->fks[k].name);
        return ddl_drop_index(s, sdb, t, ix);
    }
    for (size_t i = 0; i < sdb->cat->nfks; i++) {
        const cat_fk_t *f = &sdb->cat->fks[i];
        if (f->table_id != t->id || !name_eq(f->name, name)) continue;
        return sq_exec(s, "DELETE FROM %s._sim_fks WHERE id=%d", sdb->db->attach, f->id) &&
               sq_exec(s, "DELETE FROM %s._sim_fk_columns WHERE fk_id=%d", sdb->db->attach, f->id) &&
               sq_exec(s, "DELETE FROM %s._sim_objects WHERE id=%d", sdb->db->attach, f->id);
    }
    for (size_t i = 0; i < t->nchecks; i++)
        if (name_eq(t->checks[i].name, name))
            return sq_exec(s, "DELETE FROM %s._sim_checks WHERE id=%d", sdb->db->attach, t->checks[i].id) &&
                   sq_exec(s, "DELETE FROM %s._sim_objects WHERE id=%d", sdb->db->attach, t->checks[i].id);
    for (size_t i = 0; i < t->ncols; i++)
        if (t->cols[i].dflt_name != NULL && name_eq(t->cols[i].dflt_name, name))
            return sq_exec(s, "UPDATE %s._sim_columns SET dflt=NULL, dflt_id=0 WHERE object_id=%d AND column_id=%d",
                           sdb->db->attach, t->id, t->cols[i].id) &&
                   sq_exec(s, "DELETE FROM %s._sim_objects WHERE id=%d", sdb->db->attach, t->cols[i].dflt_id);
    return if_exists ? true : fail(s, 3728, 16, 1, "'%s' is not a constraint.", name);
}

static bool alter_table(sim_session_t *s, stmt_t *st)
{
    sdb_t *sdb;
    cat_table_t *t;
    if (!ddl_find_table(s, &st->name, &sdb, &t)) return false;
    if (t == NULL)
        return fail(s, 4902, 16, 1,
                    "Cannot find the object \"%s\" because it does not exist or you do not have permissions.",
                    name_dotted(&s->arena, &st->name));
    bool ok = true, clustered = false;
    for (size_t i = 0; i < t->nindexes; i++) clustered = clustered || t->indexes[i].type == 1;
    int altered = -1;
    switch (st->action) {
    case 'a':
        for (size_t i = 0; ok && i < st->ndefs; i++) {
            ok = add_column(s, sdb, t, &st->defs[i], st->flag2);
            if (ok && st->ndefs + st->nconstraints > 1) {
                ok = ddl_touch(s, sdb) && session_catalog(s, sdb);
                if (ok) t = catalog_table_id(sdb->cat, t->id);
            }
        }
        for (size_t i = 0; ok && i < st->nconstraints; i++)
            ok = ddl_add_constraint(s, sdb, t->schema_id, t->name, t->storage, t->id, t->cols, t->ncols,
                                    &st->constraints[i], clustered);
        break;
    case 'd':
        for (size_t i = 0; ok && i < st->ncols; i++) ok = drop_column(s, sdb, t, st->cols[i], st->flag);
        break;
    case 'D':
        for (size_t i = 0; ok && i < st->ncols; i++) ok = drop_constraint(s, sdb, t, st->cols[i], st->flag);
        break;
    case 'c':
        ok = alter_column(s, sdb, t, &st->defs[0]);
        if (ok) altered = table_column(t, st->defs[0].name)->id;
        break;
    default: { /* CHECK / NOCHECK CONSTRAINT */
        int off = st->action == 'n';
        if (st->ncols == 0) {
            ok = sq_exec(s, "UPDATE %s._sim_fks SET disabled=%d WHERE table_id=%d", sdb->db->attach, off, t->id) &&
                 sq_exec(s, "UPDATE %s._sim_checks SET disabled=%d WHERE table_id=%d", sdb->db->attach, off, t->id);
        }
        for (size_t i = 0; ok && i < st->ncols; i++)
            ok = sq_exec(s,
                         "UPDATE %s._sim_fks SET disabled=%d WHERE table_id=%d AND id IN (SELECT id FROM "
                         "%s._sim_objects WHERE name=%Q)",
                         sdb->db->attach, off, t->id, sdb->db->attach, st->cols[i]) &&
                 sq_exec(s,
                         "UPDATE %s._sim_checks SET disabled=%d WHERE table_id=%d AND id IN (SELECT id FROM "
                         "%s._sim_objects WHERE name=%Q)",
                         sdb->db->attach, off, t->id, sdb->db->attach, st->cols[i]);
    }
    }
    if (ok && t->tracked && (st->action == 'a' || st->action == 'd' || st->action == 'c') && st->nconstraints == 0) {
        const char *text = s->frame != NULL && s->frame->src != NULL
                               ? arena_strndup(&s->arena, s->frame->src + st->start, st->end - st->start)
                               : "";
        ok = log_ddl(s, sdb, t->id, st->action == 'c', text, altered);
    }
    ok = ok && sq_exec(s, "UPDATE %s._sim_objects SET modified=%lld WHERE id=%d", sdb->db->attach,
                       (long long)datetime_key(server_local(s->server)), t->id);
    return ok && ddl_touch(s, sdb);
}

bool ddl_drop_table(sim_session_t *s, sdb_t *sdb, cat_table_t *t)
{
    const char *d = sdb->db->attach;
    int id = t->id;
    server_identity_forget(sdb->db, id);
    return sq_exec(s, "DROP TABLE IF EXISTS %s", t->storage) &&
           sq_exec(s, "DELETE FROM %s._sim_objects WHERE id=%d OR parent_id=%d", d, id, id) &&
           sq_exec(s, "DELETE FROM %s._sim_columns WHERE object_id=%d", d, id) &&
           sq_exec(s, "DELETE FROM %s._sim_identity WHERE object_id=%d", d, id) &&
           sq_exec(s, "DELETE FROM %s._sim_indexes WHERE object_id=%d", d, id) &&
           sq_exec(s, "DELETE FROM %s._sim_index_columns WHERE object_id=%d", d, id) &&
           sq_exec(s, "DELETE FROM %s._sim_fk_columns WHERE fk_id IN (SELECT id FROM %s._sim_fks WHERE table_id=%d)", d,
                   d, id) &&
           sq_exec(s, "DELETE FROM %s._sim_fks WHERE table_id=%d", d, id) &&
           sq_exec(s, "DELETE FROM %s._sim_checks WHERE table_id=%d", d, id);
}

static bool drop_tables(sim_session_t *s, stmt_t *st)
{
    for (size_t i = 0; i < st->nnames; i++) {
        const name_t *n = &st->names[i];
        const char *object = n->part[n->n - 1];
        if (object[0] == '#') {
            size_t k = 0;
            while (k < s->ntemps && !name_eq(s->temps[k]->name, object)) k++;
            if (k == s->ntemps && !st->flag)
                return fail(s, 3701, 11, 5,
                            "Cannot drop the table '%s', because it does not exist or you do not have permission.",
                            object);
            if (k == s->ntemps) continue;
            if (!sq_exec(s, "DROP TABLE IF EXISTS %s", s->temps[k]->storage)) return false;
            ddl_temp_free(s->temps[k]);
            s->temps[k] = s->temps[--s->ntemps];
            continue;
        }
        sdb_t *sdb;
        cat_table_t *t;
        if (!ddl_find_table(s, n, &sdb, &t)) return false;
        if (t == NULL) {
            if (st->flag) continue;
            return fail(s, 3701, 11, 5,
                        "Cannot drop the table '%s', because it does not exist or you do not have permission.",
                        name_dotted(&s->arena, n));
        }
        for (size_t k = 0; k < sdb->cat->nfks; k++)
            if (sdb->cat->fks[k].ref_id == t->id && sdb->cat->fks[k].table_id != t->id)
                return fail(s, 3726, 16, 1,
                            "Could not drop object '%s' because it is referenced by a FOREIGN KEY constraint.",
                            name_dotted(&s->arena, n));
        if (t->tracked && !cdc_drop_instances(s, sdb, t->id, NULL)) return false;
        if (!ddl_drop_table(s, sdb, t) || !ddl_touch(s, sdb)) return false;
    }
    return true;
}

static bool create_index(sim_session_t *s, stmt_t *st)
{
    sdb_t *sdb;
    cat_table_t *t;
    if (st->name.part[st->name.n - 1][0] == '#')
        t = session_temp(s, st->name.part[st->name.n - 1]);
    else if (!ddl_find_table(s, &st->name, &sdb, &t))
        return false;
    if (t == NULL)
        return fail(s, 1088, 16, 12,
                    "Cannot find the object \"%s\" because it does not exist or you do not have permissions.",
                    name_dotted(&s->arena, &st->name));
    for (size_t i = 0; i < t->nindexes; i++) {
        if (name_eq(t->indexes[i].name, st->word))
            return fail(
                s, 1913, 16, 1,
                "The operation failed because an index or statistics with name '%s' already exists on table '%s'.",
                st->word, t->name);
        if (st->flag2 && t->indexes[i].type == 1)
            return fail(s, 1902, 16, 3,
                        "Cannot create more than one clustered index on table '%s'. Drop the existing clustered index "
                        "'%s' before creating another.",
                        t->name, t->indexes[i].name);
    }
    int *ids = arena_alloc(&s->arena, sizeof(int) * (st->ncols + 1));
    for (size_t i = 0; i < st->ncols; i++) {
        cat_column_t *c = table_column(t, st->cols[i]);
        if (c == NULL || c->computed)
            return fail(s, 1911, 16, 1, "Column name '%s' does not exist in the target table or view.", st->cols[i]);
        ids[i] = c->id;
    }
    if (t->temp) return ddl_temp_index(s, t, st->word, st->flag, st->flag2, false, false, ids, st->ncols);
    return ddl_create_index(s, sdb, t->storage, t->id, st->word, st->flag2 ? 1 : 2, st->flag, false, false, 0, ids,
                            st->desc, st->ncols) &&
           ddl_touch(s, sdb);
}

static bool drop_index(sim_session_t *s, stmt_t *st)
{
    sdb_t *sdb;
    cat_table_t *t;
    if (!ddl_find_table(s, &st->name, &sdb, &t)) return false;
    for (size_t i = 0; t != NULL && i < t->nindexes; i++) {
        if (!name_eq(t->indexes[i].name, st->word)) continue;
        if (t->indexes[i].constraint_id != 0)
            return fail(s, 3723, 16, 4,
                        "An explicit DROP INDEX is not allowed on index '%s.%s'. It is being used for %s constraint "
                        "enforcement.",
                        t->name, st->word, t->indexes[i].pk ? "PRIMARY KEY" : "UNIQUE KEY");
        if (index_captured(s, sdb, t, &t->indexes[i])) return false;
        return ddl_drop_index(s, sdb, t, &t->indexes[i]) && ddl_touch(s, sdb);
    }
    return st->flag ? true
                    : fail(s, 3701, 11, 7,
                           "Cannot drop the index '%s.%s', because it does not exist or you do not have permission.",
                           name_dotted(&s->arena, &st->name), st->word);
}

static bool create_schema(sim_session_t *s, stmt_t *st)
{
    if (!tran_write(s, s->cur, false) || !session_catalog(s, s->cur)) return false;
    if (catalog_schema(s->cur->cat, st->word) != NULL)
        return fail(s, 2714, 16, 6, "There is already an object named '%s' in the database.", st->word);
    return sq_exec(s, "INSERT INTO %s._sim_schemas(id,name) SELECT max(id)+1,%Q FROM %s._sim_schemas",
                   s->cur->db->attach, st->word, s->cur->db->attach) &&
           ddl_touch(s, s->cur);
}

static bool drop_schema(sim_session_t *s, stmt_t *st)
{
    if (!tran_write(s, s->cur, false) || !session_catalog(s, s->cur)) return false;
    const cat_schema_t *sc = catalog_schema(s->cur->cat, st->word);
    if (sc == NULL)
        return st->flag ? true
                        : fail(s, 15151, 16, 1,
                               "Cannot drop the schema '%s', because it does not exist or you do not have permission.",
                               st->word);
    for (size_t i = 0; i < s->cur->cat->ntables; i++)
        if (s->cur->cat->tables[i].schema_id == sc->id)
            return fail(s, 3729, 16, 1, "Cannot drop schema '%s' because it is being referenced by object '%s'.",
                        st->word, s->cur->cat->tables[i].name);
    return sq_exec(s, "DELETE FROM %s._sim_schemas WHERE id=%d", s->cur->db->attach, sc->id) && ddl_touch(s, s->cur);
}

bool exec_ddl(sim_session_t *s, stmt_t *st)
{
    if (!security_ddl(s, st)) return false;
    switch (st->kind) {
    case ST_CREATE_TABLE:
        return ddl_create_table(s, &st->name, st->defs, st->ndefs, st->constraints, st->nconstraints);
    case ST_ALTER_TABLE:
        return alter_table(s, st);
    case ST_DROP_TABLE:
        return drop_tables(s, st);
    case ST_CREATE_INDEX:
        return create_index(s, st);
    case ST_DROP_INDEX:
        return drop_index(s, st);
    case ST_CREATE_SCHEMA:
        return create_schema(s, st);
    case ST_DROP_SCHEMA:
        return drop_schema(s, st);
    default:
        return exec_database_ddl(s, st);
    }
}
