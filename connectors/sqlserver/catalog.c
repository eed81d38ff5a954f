#include "connectors/sqlserver/catalog.h"

#include <strings.h>

#include "connectors/sqlserver/buf.h"

cd_err_t *catalog_database(conn_t *c, const char *name, cd_arena_t *arena, const char **ret_name)
{
    buf_t sql = {0};
    uint32_t n = 0;
    bool row = true;
    buf_add(&sql, "SELECT name FROM sys.databases WHERE name = ");
    buf_literal(&sql, name);
    cd_err_t *err = conn_query(c, sql.p);
    while (err == NULL && row) {
        err = conn_row(c, &row);
        if (err == NULL && row && n++ == 0) *ret_name = conn_text(c, 1, arena);
    }
    buf_done(&sql);
    if (err == NULL && n != 1) {
        err =
            cd_err_new(CD_ERR_CONFIG, "java.lang.IllegalStateException",
                       "Could not retrieve exactly one database name for '%s'. The database may not exist or the name "
                       "matched more than one entry.",
                       name);
    }
    return err;
}

static void one_table(buf_t *sql, const char *schema, const char *table, const char *word)
{
    if (table == NULL) return;
    buf_printf(sql, " %s s.name = ", word);
    buf_literal(sql, schema);
    buf_add(sql, " AND t.name = ");
    buf_literal(sql, table);
}

typedef struct growing {
    uint32_t n, cap;
    table_t **tables;
} growing_t;

static table_t *last_table(growing_t *g, const char *db, const char *schema, const char *name, cd_arena_t *arena)
{
    table_t *t = g->n > 0 ? g->tables[g->n - 1] : NULL;
    if (t != NULL && strcmp(t->schema, schema) == 0 && strcmp(t->name, name) == 0) return t;
    if (g->n == g->cap) {
        g->cap = g->cap == 0 ? 64 : g->cap * 2;
        table_t **more = realloc(g->tables, g->cap * sizeof(*more));
        if (more == NULL) abort();
        g->tables = more;
    }
    t = table_new(arena, db, schema, name);
    g->tables[g->n++] = t;
    return t;
}

/* Arrays in an arena grow by doubling; the count tells when. */
static column_t *table_add_column(table_t *t, cd_arena_t *arena)
{
    uint32_t n = t->ncolumns;
    if ((n & (n - 1)) == 0) {
        column_t *more = cd_arena_array(arena, column_t, n == 0 ? 1 : 2 * (size_t)n);
        if (n > 0) memcpy(more, t->columns, n * sizeof(*more));
        t->columns = more;
    }
    column_t *c = &t->columns[t->ncolumns++];
    *c = (column_t){.length = MODEL_UNSET, .scale = MODEL_UNSET};
    return c;
}

static cd_err_t *read_columns(conn_t *c, cd_ctx_t *ctx, const char *db, growing_t *g, cd_arena_t *arena)
{
    cd_arena_t row_arena = {0};
    bool row = true;
    cd_err_t *err = NULL;
    while (err == NULL && row) {
        err = conn_row(c, &row);
        if (err != NULL || !row) break;
        cd_arena_reset(&row_arena);
        const char *schema = conn_text(c, 1, &row_arena), *name = conn_text(c, 2, &row_arena);
        const char *type = conn_text(c, 5, &row_arena);
        if (schema == NULL || name == NULL || type == NULL) continue;
        table_t *t = last_table(g, db, schema, name, arena);
        column_t *col = table_add_column(t, arena);
        col->name = conn_text(c, 3, arena);
        col->optional = conn_int(c, 10, 1) != 0;
        col->auto_incremented = conn_int(c, 11, 0) != 0;
        col->generated = conn_int(c, 12, 0) != 0;
        col->default_expr = conn_text(c, 13, arena);
        col->has_default = col->default_expr != NULL;
        if (!column_set_type(col, arena, type, (int32_t)conn_int(c, 6, 0), (int32_t)conn_int(c, 7, 0),
                             (int32_t)conn_int(c, 8, 0), (int32_t)conn_int(c, 9, 0))) {
            cd_log(ctx, CD_LOG_WARN, CONF_LOGGER,
                   "Column '%s' of %s has a type that is not known here (%s): it is left out", col->name, t->id, type);
            t->ncolumns--;
            continue;
        }
        col->position = (int32_t)t->ncolumns;
    }
    cd_arena_done(&row_arena);
    return err;
}

/* The first index of each table wins: the primary key, else clustered before other unique ones, then by name. */
static cd_err_t *read_keys(conn_t *c, growing_t *g, cd_arena_t *arena)
{
    cd_arena_t row_arena = {0};
    bool row = true;
    cd_err_t *err = NULL;
    table_t *t = NULL;
    char index[300] = "";
    uint32_t at = 0;
    while (err == NULL && row) {
        err = conn_row(c, &row);
        if (err != NULL || !row) break;
        cd_arena_reset(&row_arena);
        const char *schema = conn_text(c, 1, &row_arena), *name = conn_text(c, 2, &row_arena);
        const char *index_name = conn_text(c, 3, &row_arena);
        if (schema == NULL || name == NULL || index_name == NULL) continue;
        if (t == NULL || strcmp(t->schema, schema) != 0 || strcmp(t->name, name) != 0) {
            t = NULL;
            for (uint32_t i = 0; i < g->n && t == NULL; i++) {
                table_t *candidate = g->tables[(at + i) % g->n];
                if (strcmp(candidate->schema, schema) == 0 && strcmp(candidate->name, name) == 0) {
                    t = candidate;
                    at = (at + i) % g->n; /* both lists have the same order: the next search is short */
                }
            }
            if (t == NULL) continue;
            (void)snprintf(index, sizeof(index), "%s", index_name);
            t->key = cd_arena_array(arena, const char *, (size_t)t->ncolumns + 1);
            t->nkey = 0;
        }
        if (strcmp(index, index_name) != 0 || t->nkey >= t->ncolumns) continue;
        t->key[t->nkey++] = conn_text(c, 6, arena);
    }
    cd_arena_done(&row_arena);
    return err;
}

cd_err_t *catalog_tables(conn_t *c, cd_ctx_t *ctx, const char *db, const char *schema, const char *table,
                         cd_arena_t *arena, uint32_t *ret_n, table_t ***ret_tables)
{
    buf_t name = {0}, sql = {0};
    growing_t g = {0};
    buf_ident(&name, db);
    buf_printf(&sql,
               "SELECT s.name, t.name, c.name, c.column_id, ty.name, c.system_type_id, c.max_length, c.precision, "
               "c.scale, c.is_nullable, c.is_identity, c.is_computed, dc.definition FROM %s.sys.tables t INNER JOIN "
               "%s.sys.schemas s ON s.schema_id = t.schema_id INNER JOIN %s.sys.columns c ON c.object_id = t.object_id "
               "INNER JOIN %s.sys.types ty ON ty.user_type_id = c.user_type_id LEFT JOIN %s.sys.default_constraints dc "
               "ON dc.parent_object_id = c.object_id AND dc.parent_column_id = c.column_id",
               name.p, name.p, name.p, name.p, name.p);
    one_table(&sql, schema, table, "WHERE");
    buf_add(&sql, " ORDER BY s.name, t.name, c.column_id");
    cd_err_t *err = conn_query(c, sql.p);
    if (err == NULL) err = read_columns(c, ctx, db, &g, arena);
    if (err != NULL) goto out;
    buf_reset(&sql);
    buf_printf(
        &sql,
        "SELECT s.name, t.name, i.name, i.type, i.is_primary_key, c.name FROM %s.sys.indexes i INNER JOIN "
        "%s.sys.tables t ON t.object_id = i.object_id INNER JOIN %s.sys.schemas s ON s.schema_id = t.schema_id "
        "INNER JOIN %s.sys.index_columns ic ON ic.object_id = i.object_id AND ic.index_id = i.index_id INNER JOIN "
        "%s.sys.columns c ON c.object_id = ic.object_id AND c.column_id = ic.column_id WHERE i.is_unique = 1 AND "
        "ic.key_ordinal > 0",
        name.p, name.p, name.p, name.p, name.p);
    one_table(&sql, schema, table, "AND");
    buf_add(&sql, " ORDER BY s.name, t.name, i.is_primary_key DESC, i.type, i.name, ic.key_ordinal");
    err = conn_query(c, sql.p);
    if (err == NULL) err = read_keys(c, &g, arena);
    if (err != NULL) goto out;
    *ret_n = g.n;
    *ret_tables = cd_arena_array(arena, table_t *, (size_t)g.n + 1);
    if (g.n > 0) memcpy(*ret_tables, g.tables, g.n * sizeof(*g.tables));
out:
    free(g.tables);
    buf_done(&name);
    buf_done(&sql);
    return err;
}

typedef struct captured {
    int32_t object_id;
    const char *name;
} captured_t;

static cd_err_t *captured_columns(conn_t *c, const char *db, cd_arena_t *arena, captured_t **ret, uint32_t *ret_n)
{
    buf_t sql = {0};
    uint32_t n = 0, cap = 0;
    captured_t *list = NULL;
    bool row = true;
    buf_add(&sql, "SELECT object_id, column_name FROM ");
    buf_ident(&sql, db);
    buf_add(&sql, ".cdc.captured_columns ORDER BY object_id, column_id");
    cd_err_t *err = conn_query(c, sql.p);
    while (err == NULL && row) {
        err = conn_row(c, &row);
        if (err != NULL || !row) break;
        if (n == cap) {
            cap = cap == 0 ? 256 : cap * 2;
            captured_t *more = realloc(list, cap * sizeof(*more));
            if (more == NULL) abort();
            list = more;
        }
        list[n++] = (captured_t){.object_id = (int32_t)conn_int(c, 1, 0), .name = conn_text(c, 2, arena)};
    }
    buf_done(&sql);
    *ret = list;
    *ret_n = n;
    return err;
}

static int instance_order(const void *a, const void *b)
{
    const instance_t *x = a, *y = b;
    int c = strcmp(x->schema, y->schema);
    if (c == 0) c = strcmp(x->table, y->table);
    return c != 0 ? c : lsn_cmp(&x->start, &y->start);
}

cd_err_t *catalog_cdc_error(cd_err_t *err, const char *db)
{
    if (err == NULL || err->code != 208) return err;
    return cd_err_wrap(err, CD_ERR_RETRIABLE, "io.debezium.DebeziumException",
                       "Change data capture is not enabled for database '%s'; run sys.sp_cdc_enable_db in it", db);
}

cd_err_t *catalog_max_lsn(conn_t *c, const char *db, lsn_t *ret_max)
{
    buf_t sql = {0};
    buf_add(&sql, "SELECT ");
    buf_ident(&sql, db);
    buf_add(&sql, ".sys.fn_cdc_get_max_lsn()");
    cd_err_t *err = catalog_cdc_error(conn_query_lsn(c, sql.p, ret_max), db);
    buf_done(&sql);
    return err;
}

cd_err_t *catalog_instances(conn_t *c, const char *db, const lsn_t *to, cd_arena_t *arena, instances_t *ret)
{
    captured_t *columns = NULL;
    uint32_t ncolumns = 0, cap = 0;
    buf_t sql = {0}, name = {0};
    bool row = true;
    *ret = (instances_t){0};
    instance_t *items = NULL;
    cd_err_t *err = captured_columns(c, db, arena, &columns, &ncolumns);
    if (err != NULL) goto out;
    buf_ident(&name, db);
    buf_printf(
        &sql,
        "WITH ordered_change_tables AS (SELECT ROW_NUMBER() OVER (PARTITION BY ct.source_object_id, ct.start_lsn "
        "ORDER BY ct.create_date DESC) AS ct_sequence, ct.* FROM %s.cdc.change_tables AS ct",
        name.p);
    if (to != NULL && to->set) {
        char literal[2 * LSN_BYTES + 3];
        lsn_literal(to, literal);
        buf_printf(&sql, " WHERE ct.start_lsn <= %s", literal);
    }
    buf_add(&sql, ") SELECT OBJECT_SCHEMA_NAME(source_object_id, DB_ID(");
    buf_literal(&sql, db);
    buf_add(&sql, ")), OBJECT_NAME(source_object_id, DB_ID(");
    buf_literal(&sql, db);
    buf_add(&sql, ")), capture_instance, object_id, start_lsn FROM ordered_change_tables WHERE ct_sequence = 1");
    err = conn_query(c, sql.p);
    while (err == NULL && row) {
        err = conn_row(c, &row);
        if (err != NULL || !row) break;
        instance_t i = {
            .schema = conn_text(c, 1, arena), .table = conn_text(c, 2, arena), .name = conn_text(c, 3, arena)};
        i.object_id = (int32_t)conn_int(c, 4, 0);
        i.start = conn_lsn(c, 5);
        if (i.schema == NULL || i.table == NULL || i.name == NULL) continue; /* dropped between two reads */
        if (ret->n == cap) {
            cap = cap == 0 ? 64 : cap * 2;
            instance_t *more = realloc(items, cap * sizeof(*more));
            if (more == NULL) abort();
            items = more;
        }
        items[ret->n++] = i;
    }
    if (err != NULL) goto out;
    ret->items = cd_arena_array(arena, instance_t, (size_t)ret->n + 1);
    if (items != NULL) {
        memcpy(ret->items, items, ret->n * sizeof(*items));
        qsort(ret->items, ret->n, sizeof(*ret->items), instance_order);
    }
    for (uint32_t i = 0; i < ret->n; i++) {
        instance_t *it = &ret->items[i], *next = i + 1 < ret->n ? it + 1 : NULL;
        if (next != NULL && strcmp(it->schema, next->schema) == 0 && strcmp(it->table, next->table) == 0)
            it->stop = next->start;
        uint32_t first = 0;
        while (first < ncolumns && columns[first].object_id != it->object_id) first++;
        uint32_t end = first;
        while (end < ncolumns && columns[end].object_id == it->object_id) end++;
        it->columns = cd_arena_array(arena, const char *, (size_t)(end - first) + 1);
        for (uint32_t k = first; k < end; k++) it->columns[it->ncolumns++] = columns[k].name;
    }
out:
    err = catalog_cdc_error(err, db);
    free(items);
    free(columns);
    buf_done(&sql);
    buf_done(&name);
    return err;
}

cd_err_t *catalog_cdc_visible(conn_t *c, const char *db, bool *ret_visible)
{
    buf_t sql = {0};
    *ret_visible = false;
    buf_add(&sql, "EXEC ");
    buf_ident(&sql, db);
    buf_add(&sql, ".sys.sp_cdc_help_change_data_capture");
    cd_err_t *err = conn_query(c, sql.p);
    if (err == NULL) err = conn_row(c, ret_visible);
    conn_cancel(c);
    if ((err != NULL && err->code != 0) || (err == NULL && !*ret_visible)) {
        /* Enabled, but no table is captured yet; or the login may read the tables but not call the procedure. */
        cd_err_free(err);
        buf_reset(&sql);
        buf_add(&sql, "SELECT COUNT(*) FROM ");
        buf_ident(&sql, db);
        buf_add(&sql, ".cdc.change_tables");
        err = conn_query(c, sql.p);
        if (err == NULL) err = conn_row(c, ret_visible);
        conn_cancel(c);
        if (err != NULL && err->code != 0) {
            cd_err_free(err);
            err = NULL;
            *ret_visible = false;
        }
    }
    buf_done(&sql);
    return err;
}

const instance_t *catalog_newest(const instances_t *all, const char *schema, const char *table)
{
    const instance_t *newest = NULL;
    for (uint32_t i = 0; i < all->n; i++) {
        const instance_t *it = &all->items[i];
        if (strcmp(it->schema, schema) == 0 && strcmp(it->table, table) == 0) newest = it;
    }
    return newest;
}

static bool captures(const instance_t *i, const char *column)
{
    for (uint32_t k = 0; k < i->ncolumns; k++) {
        if (i->columns[k] != NULL && strcasecmp(i->columns[k], column) == 0) return true;
    }
    return false;
}

table_t *catalog_restrict(const table_t *t, const instance_t *i, cd_arena_t *arena)
{
    table_t *r = cd_arena_new(arena, table_t);
    *r = *t;
    r->columns = cd_arena_array(arena, column_t, (size_t)t->ncolumns + 1);
    r->key = cd_arena_array(arena, const char *, (size_t)t->nkey + 1);
    r->ncolumns = r->nkey = 0;
    for (uint32_t c = 0; c < t->ncolumns; c++) {
        if (!captures(i, t->columns[c].name)) continue;
        r->columns[r->ncolumns] = t->columns[c];
        r->columns[r->ncolumns].position = (int32_t)r->ncolumns + 1;
        r->ncolumns++;
    }
    for (uint32_t k = 0; k < t->nkey; k++) {
        if (captures(i, t->key[k])) r->key[r->nkey++] = t->key[k];
    }
    return r;
}

bool catalog_wanted(const conf_t *conf, const char *schema, const char *table)
{
    if (conf->k.ignore_builtin &&
        (strcasecmp(schema, "cdc") == 0 || strcasecmp(schema, "sys") == 0 || strcasecmp(table, "systranschemas") == 0))
        return false;
    if (conf->schema_include.n > 0 && !match_list_any(&conf->schema_include, schema)) return false;
    if (match_list_any(&conf->schema_exclude, schema)) return false;
    if (conf->table_include.n == 0 && conf->table_exclude.n == 0) return true;
    size_t n = strlen(schema) + strlen(table) + 2;
    char *name = malloc(n);
    if (name == NULL) abort();
    (void)snprintf(name, n, "%s.%s", schema, table);
    bool wanted = conf->table_include.n > 0 ? match_list_any(&conf->table_include, name)
                                            : !match_list_any(&conf->table_exclude, name);
    free(name);
    return wanted;
}
