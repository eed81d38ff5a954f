/* ddl_columns.c: columns, indexes and constraints: from their definitions to metadata rows. */
#include <string.h>

#include "sql/bind.h"
#include "sql/ddl.h"
#include "sql/parser.h"

bool ddl_add_default(sim_session_t *s, sdb_t *sdb, int schema_id, const char *table, int table_id, const char *col,
                     const char *name, const expr_t *e, const char **ret_text, int *ret_id)
{
    buf_t t = {0};
    expr_render(e, &t);
    for (char *c = t.ptr; c != NULL && *c != '\0' && *c != '\''; c++) { /* function names are stored in lower case */
        if (*c == '[') {
            while (*c != ']' && *c != '\0') c++;
            continue;
        }
        if (strncmp(c, "CONVERT(", 8) == 0) c += 7;
        if (strncmp(c, "NULL", 4) == 0)
            c += 3;
        else if (*c >= 'A' && *c <= 'Z' && !(*c == 'N' && c[1] == '\''))
            *c = (char)(*c + 32);
    }
    *ret_text = arena_strdup(&s->arena, buf_text(&t));
    buf_done(&t);
    if (name == NULL)
        name = arena_printf(&s->arena, "DF__%.9s__%.5s__%08X", table, col,
                            (unsigned)table_id * 31u + (unsigned)strlen(col) * 7u + (unsigned char)col[0]);
    return ddl_add_object(s, sdb, schema_id, name, "D", table_id, false, ret_id);
}

bool ddl_column_storage(sim_session_t *s, const cat_column_t *c, buf_t *q)
{
    (void)s;
    buf_printf(q, "c%d%s", c->id, type_is_char(c->type.base) ? " COLLATE SQLCI" : "");
    return true;
}

bool ddl_store_column(sim_session_t *s, sdb_t *sdb, int table_id, const cat_column_t *c)
{
    return sq_exec(s, "INSERT OR REPLACE INTO %s._sim_columns VALUES(%d,%d,%Q,%lld,%d,%d,%lld,%lld,%Q,%d,%Q,%Q)",
                   sdb->db->attach, table_id, c->id, c->name, (long long)type_pack(&c->type), c->type.not_null,
                   c->identity, (long long)c->seed, (long long)c->incr, c->dflt, c->dflt_id, c->computed_text,
                   c->collation);
}

static bool computed_type(sim_session_t *s, sdb_t *sdb, const char *table, cat_column_t *cols, size_t n,
                          const expr_t *e, sim_typeinfo_t *ret)
{
    (void)sdb;
    binder_t b;
    bound_t v;
    scope_src_t src = {.alias = table, .tn = "t", .ncols = n};
    scope_t sc = {.srcs = &src, .nsrcs = 1};
    binder_init(&b, s);
    src.cols = arena_alloc(&s->arena, sizeof(scope_col_t) * (n + 1));
    for (size_t i = 0; i < n; i++)
        src.cols[i] =
            (scope_col_t){cols[i].name, arena_printf(&s->arena, "c%d", cols[i].id), cols[i].type, 0, &cols[i]};
    b.scope = &sc;
    if (!bind_expr(&b, e, &v)) return false;
    *ret = v.type;
    ret->not_null = false;
    return true;
}

/* Fills a catalog column from its definition; default constraints are created by the caller. */
bool ddl_column_from_def(sim_session_t *s, sdb_t *sdb, const column_def_t *d, int id, const char *table,
                         cat_column_t *all, size_t nall, cat_column_t *ret)
{
    memset(ret, 0, sizeof(*ret));
    ret->id = id;
    ret->name = d->name;
    if (d->computed != NULL) {
        buf_t t = {0};
        expr_render(d->computed, &t);
        ret->computed_text = arena_strdup(&s->arena, buf_text(&t));
        ret->computed = true;
        buf_done(&t);
        return computed_type(s, sdb, table, all, nall, d->computed, &ret->type);
    }
    ret->type = d->type->type;
    bool sys_not_null = ret->type.not_null;
    ret->type.not_null = d->null_spec == 2 || d->primary_key || (d->identity && d->null_spec != 1) ||
                         (sys_not_null && d->null_spec == 0) ||
                         (ret->type.base == SIM_T_TIMESTAMP && d->null_spec == 0);
    if (d->primary_key && d->null_spec == 1)
        return fail(s, 8111, 16, 1, "Cannot define PRIMARY KEY constraint on nullable column in table '%s'.", table);
    ret->identity = d->identity;
    ret->seed = d->seed;
    ret->incr = d->incr;
    if (d->identity && !type_is_integer(ret->type.base) && !(type_is_decimal(ret->type.base) && ret->type.scale == 0))
        return fail(s, 2749, 16, 2,
                    "Identity column '%s' must be of data type int, bigint, smallint, tinyint, or decimal or numeric "
                    "with a scale of 0, unencrypted, and constrained to be nonnullable.",
                    d->name);
    if (type_is_char(ret->type.base)) {
        ret->collation = d->collate != NULL ? d->collate : sdb->db->collation;
        if (!type_is_unicode(ret->type.base) && strstr(ret->collation, "UTF8") != NULL) ret->type.utf8 = true;
    }
    return true;
}

int ddl_find_column(const cat_column_t *cols, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (name_eq(cols[i].name, name)) return (int)i;
    return -1;
}

bool ddl_check_unique(sim_session_t *s, const cat_table_t *t, const char *index, const int *cols, size_t n)
{
    buf_t q = {0}, key = {0};
    if (t == NULL) return true; /* a table that is being created has no rows */
    for (size_t i = 0; i < n; i++) buf_printf(&q, "%sc%d", i > 0 ? "," : "", cols[i]);
    sqlite3_stmt *st = sq_prepare(s, "SELECT %s FROM %s GROUP BY %s HAVING count(*)>1 LIMIT 1", buf_text(&q),
                                  t->storage, buf_text(&q));
    buf_done(&q);
    if (st == NULL) return false;
    bool ok = sqlite3_step(st) != SQLITE_ROW;
    for (size_t i = 0; !ok && i < n; i++) {
        const sim_typeinfo_t *type = &table_column_id(t, cols[i])->type;
        sim_value_t v;
        store_column(&s->arena, st, (int)i, type, &v);
        if (i > 0) buf_adds(&key, ", ");
        if (v.is_null)
            buf_adds(&key, "<NULL>");
        else
            value_text(type, &v, 121, &key);
    }
    sqlite3_finalize(st);
    if (!ok)
        fail(s, 1505, 16, 1,
             "The CREATE UNIQUE INDEX statement terminated because a duplicate key was found for the object name "
             "'%s.%s' "
             "and the index name '%s'. The duplicate key value is (%s).",
             t->schema, t->name, index, buf_text(&key));
    buf_done(&key);
    return ok;
}

bool ddl_create_index(sim_session_t *s, sdb_t *sdb, const char *storage, int table_id, const char *name, int type,
                      bool unique, bool pk, bool uq, int constraint_id, const int *cols, const bool *desc, size_t n)
{
    int64_t index_id = 1;
    if (type != 1) {
        if (!sq_int(s, &index_id, "SELECT max(1,coalesce(max(index_id),1))+1 FROM %s._sim_indexes WHERE object_id=%d",
                    sdb->db->attach, table_id))
            return fail_sqlite(s);
    }
    if (!sq_exec(s, "INSERT INTO %s._sim_indexes VALUES(%d,%lld,%Q,%d,%d,%d,%d,%d)", sdb->db->attach, table_id,
                 (long long)index_id, name, type, unique, pk, uq, constraint_id))
        return false;
    const char *dot = strchr(storage, '.');
    buf_t q = {0};
    buf_printf(&q, "CREATE %sINDEX %.*s.i%d_%lld ON %s(", unique ? "UNIQUE " : "", (int)(dot - storage), storage,
               table_id, (long long)index_id, dot + 1);
    bool ok = true;
    for (size_t i = 0; ok && i < n; i++) {
        buf_printf(&q, "%sc%d%s", i > 0 ? "," : "", cols[i], desc != NULL && desc[i] ? " DESC" : "");
        ok = sq_exec(s, "INSERT INTO %s._sim_index_columns VALUES(%d,%lld,%d,%d,%d)", sdb->db->attach, table_id,
                     (long long)index_id, (int)i + 1, cols[i], desc != NULL && desc[i]);
    }
    buf_addc(&q, ')');
    if (ok && unique) ok = ddl_check_unique(s, catalog_table_id(sdb->cat, table_id), name, cols, n);
    if (ok && sqlite3_exec(s->sq, buf_text(&q), NULL, NULL, NULL) != SQLITE_OK) ok = fail_sqlite(s);
    buf_done(&q);
    return ok;
}

bool ddl_key_constraint(sim_session_t *s, sdb_t *sdb, int schema_id, const char *table, const char *storage,
                        int table_id, cat_column_t *cols, size_t ncols, const table_constraint_t *c, bool has_clustered)
{
    int *ids = arena_alloc(&s->arena, sizeof(int) * (c->ncols + 1)), id;
    for (size_t i = 0; i < c->ncols; i++) {
        int at = ddl_find_column(cols, ncols, c->cols[i]);
        if (at < 0)
            return fail(s, 1911, 16, 1, "Column name '%s' does not exist in the target table or view.", c->cols[i]);
        if (c->kind == 'P' && !cols[at].type.not_null)
            return fail(s, 8111, 16, 1, "Cannot define PRIMARY KEY constraint on nullable column in table '%s'.",
                        table);
        ids[i] = cols[at].id;
    }
    const char *name = c->name;
    if (name == NULL)
        name = arena_printf(&s->arena, "%s__%.9s__%016llX", c->kind == 'P' ? "PK" : "UQ", table,
                            (unsigned long long)table_id * 2654435761u * 40503u + c->ncols + (unsigned)ids[0]);
    if (!ddl_add_object(s, sdb, schema_id, name, c->kind == 'P' ? "PK" : "UQ", table_id, false, &id)) return false;
    bool clustered = c->clustered || (c->kind == 'P' && !c->nonclustered && !has_clustered);
    return ddl_create_index(s, sdb, storage, table_id, name, clustered ? 1 : 2, true, c->kind == 'P', c->kind == 'U',
                            id, ids, c->desc, c->ncols);
}

static bool foreign_key(sim_session_t *s, sdb_t *sdb, int schema_id, const char *table, int table_id,
                        cat_column_t *cols, size_t ncols, const table_constraint_t *c)
{
    sdb_t *rdb = sdb;
    cat_table_t *ref;
    const char *schema = c->ref.n >= 2 ? c->ref.part[c->ref.n - 2] : "dbo", *object = c->ref.part[c->ref.n - 1];
    int id, rid;
    cat_column_t *rcols = cols;
    size_t rn = ncols;
    const cat_index_t *pk = NULL;
    ref = catalog_table(rdb->cat, schema, object);
    if (ref != NULL) {
        rcols = ref->cols;
        rn = ref->ncols;
        rid = ref->id;
        pk = table_pk(ref);
    } else if (name_eq(object, table)) {
        rid = table_id;
    } else {
        return fail(s, 1767, 16, 0, "Foreign key '%s' references invalid table '%s'.", c->name != NULL ? c->name : "",
                    name_dotted(&s->arena, &c->ref));
    }
    const char *name = c->name;
    if (name == NULL)
        name = arena_printf(&s->arena, "FK__%.9s__%.5s__%08X", table, c->cols[0],
                            ((unsigned)table_id ^ (unsigned)rid * 131u) + (unsigned char)c->cols[0][0]);
    if (!ddl_add_object(s, sdb, schema_id, name, "F", table_id, false, &id)) return false;
    if (!sq_exec(s, "INSERT INTO %s._sim_fks VALUES(%d,%d,%d,%d,%d,0)", sdb->db->attach, id, table_id, rid,
                 c->on_delete, c->on_update))
        return false;
    for (size_t i = 0; i < c->ncols; i++) {
        int at = ddl_find_column(cols, ncols, c->cols[i]), rat = -1;
        if (at < 0)
            return fail(s, 1769, 16, 1, "Foreign key '%s' references invalid column '%s' in referencing table '%s'.",
                        name, c->cols[i], table);
        if (c->nref_cols > i) {
            rat = ddl_find_column(rcols, rn, c->ref_cols[i]);
            if (rat < 0)
                return fail(s, 1770, 16, 0, "Foreign key '%s' references invalid column '%s' in referenced table '%s'.",
                            name, c->ref_cols[i], object);
        } else if (pk != NULL && (int)i < pk->ncols) {
            for (size_t k = 0; k < rn; k++)
                if (rcols[k].id == pk->cols[i]) rat = (int)k;
        }
        if (rat < 0)
            return fail(s, 1773, 16, 0,
                        "Foreign key '%s' has implicit reference to object '%s' which does not have a primary key "
                        "defined on it.",
                        name, object);
        if (!sq_exec(s, "INSERT INTO %s._sim_fk_columns VALUES(%d,%d,%d,%d)", sdb->db->attach, id, (int)i + 1,
                     cols[at].id, rcols[rat].id))
            return false;
    }
    return true;
}

static bool check_constraint(sim_session_t *s, sdb_t *sdb, int schema_id, const char *table, int table_id,
                             const table_constraint_t *c)
{
    int id;
    int64_t next = 0;
    buf_t t = {0};
    if (!sq_int(s, &next, "SELECT v FROM %s._sim_meta WHERE k='next_id'", sdb->db->attach)) return fail_sqlite(s);
    expr_render(c->expr, &t);
    const char *name = c->name != NULL
                           ? c->name
                           : arena_printf(&s->arena, "CK__%.9s__%.5s%s%08X", table, c->ncols > 0 ? c->cols[0] : "",
                                          c->ncols > 0 ? "__" : "", (unsigned)next * 2654435761u);
    bool ok = ddl_add_object(s, sdb, schema_id, name, "C", table_id, false, &id) &&
              sq_exec(s, "INSERT INTO %s._sim_checks VALUES(%d,%d,%Q,0)", sdb->db->attach, id, table_id, buf_text(&t));
    buf_done(&t);
    return ok;
}

bool ddl_add_constraint(sim_session_t *s, sdb_t *sdb, int schema_id, const char *table, const char *storage,
                        int table_id, cat_column_t *cols, size_t ncols, const table_constraint_t *c, bool has_clustered)
{
    switch (c->kind) {
    case 'P':
    case 'U':
        return ddl_key_constraint(s, sdb, schema_id, table, storage, table_id, cols, ncols, c, has_clustered);
    case 'F':
        return foreign_key(s, sdb, schema_id, table, table_id, cols, ncols, c);
    case 'C':
        return check_constraint(s, sdb, schema_id, table, table_id, c);
    default: {
        int at = ddl_find_column(cols, ncols, c->cols[0]);
        if (at < 0)
            return fail(s, 1752, 16, 0, "Column '%s' in table '%s' is invalid for creating a default constraint.",
                        c->cols[0], table);
        if (cols[at].dflt_id != 0) return fail(s, 1781, 16, 1, "Column already has a DEFAULT bound to it.");
        return ddl_add_default(s, sdb, schema_id, table, table_id, c->cols[0], c->name, c->expr, &cols[at].dflt,
                               &cols[at].dflt_id) &&
               ddl_store_column(s, sdb, table_id, &cols[at]);
    }
    }
}
