/* catalog.c: schema of the metadata tables and the loader. Tables are stored as o<id> with columns c<column id>, so that
 * renames, dropped columns and type changes never touch SQLite's own schema names. */
#include "catalog/catalog.h"

#include <stdlib.h>
#include <string.h>

static const char *const data_tables[] = {
    "_sim_meta(k TEXT PRIMARY KEY, v)",
    "_sim_schemas(id INTEGER PRIMARY KEY, name TEXT COLLATE SQLCI)",
    "_sim_objects(id INTEGER PRIMARY KEY, schema_id INTEGER, name TEXT COLLATE SQLCI, type TEXT, parent_id INTEGER NOT "
    "NULL "
    "DEFAULT 0, created INTEGER, modified INTEGER, ms_shipped INTEGER NOT NULL DEFAULT 0, body TEXT)",
    "_sim_columns(object_id INTEGER, column_id INTEGER, name TEXT COLLATE SQLCI, tc INTEGER, not_null INTEGER, "
    "identity "
    "INTEGER, seed INTEGER, incr INTEGER, dflt TEXT, dflt_id INTEGER, computed TEXT, collation TEXT, PRIMARY "
    "KEY(object_id, "
    "column_id)) WITHOUT ROWID",
    "_sim_identity(object_id INTEGER PRIMARY KEY, last INTEGER)",
    "_sim_indexes(object_id INTEGER, index_id INTEGER, name TEXT COLLATE SQLCI, type INTEGER, is_unique INTEGER, is_pk "
    "INTEGER, is_uq INTEGER, constraint_id INTEGER, PRIMARY KEY(object_id, index_id)) WITHOUT ROWID",
    "_sim_index_columns(object_id INTEGER, index_id INTEGER, ordinal INTEGER, column_id INTEGER, is_desc INTEGER, "
    "PRIMARY "
    "KEY(object_id, index_id, ordinal)) WITHOUT ROWID",
    "_sim_fks(id INTEGER PRIMARY KEY, table_id INTEGER, ref_id INTEGER, on_delete INTEGER, on_update INTEGER, disabled "
    "INTEGER NOT NULL DEFAULT 0)",
    "_sim_fk_columns(fk_id INTEGER, ordinal INTEGER, column_id INTEGER, ref_column_id INTEGER, PRIMARY KEY(fk_id, "
    "ordinal)) "
    "WITHOUT ROWID",
    "_sim_principals(id INTEGER PRIMARY KEY, name TEXT UNIQUE COLLATE SQLCI, type TEXT, login TEXT)",
    "_sim_role_members(role_id INTEGER, member_id INTEGER, PRIMARY KEY(role_id, member_id)) WITHOUT ROWID",
    "_sim_permissions(grantee_id INTEGER, class INTEGER, major_id INTEGER, permission TEXT, state TEXT, PRIMARY "
    "KEY(grantee_id, class, major_id, permission)) WITHOUT ROWID",
    "_sim_checks(id INTEGER PRIMARY KEY, table_id INTEGER, body TEXT, disabled INTEGER NOT NULL DEFAULT 0)",
    "_sim_log(seq INTEGER PRIMARY KEY AUTOINCREMENT, start_lsn BLOB, begin_lsn BLOB, begin_time INTEGER, end_time "
    "INTEGER, "
    "tran_id INTEGER, body BLOB)",
    "_cdc_change_tables(object_id INTEGER PRIMARY KEY, version INTEGER, source_object_id INTEGER, capture_instance "
    "TEXT "
    "COLLATE SQLCI, start_lsn BLOB, end_lsn BLOB, supports_net_changes INTEGER, has_drop_pending INTEGER, role_name "
    "TEXT, "
    "index_name TEXT, filegroup_name TEXT, create_date INTEGER, partition_switch INTEGER)",
    "_cdc_captured_columns(object_id INTEGER, column_name TEXT COLLATE SQLCI, column_id INTEGER, column_type TEXT, "
    "column_ordinal INTEGER, is_computed INTEGER, tc INTEGER, PRIMARY KEY(object_id, column_ordinal)) WITHOUT ROWID",
    "_cdc_index_columns(object_id INTEGER, column_name TEXT COLLATE SQLCI, index_ordinal INTEGER, column_id INTEGER, "
    "PRIMARY "
    "KEY(object_id, index_ordinal)) WITHOUT ROWID",
    "_cdc_jobs(job_type TEXT PRIMARY KEY, job_id BLOB, maxtrans INTEGER, maxscans INTEGER, continuous INTEGER, "
    "pollinginterval INTEGER, retention INTEGER, threshold INTEGER)",
    NULL,
};

static const char *const cdc_tables[] = {
    "_sim_meta(k TEXT PRIMARY KEY, v)",
    "_cdc_ddl_history(source_object_id INTEGER, object_id INTEGER, required_column_update INTEGER, ddl_command TEXT, "
    "ddl_lsn "
    "BLOB, ddl_time INTEGER)",
    "_cdc_lsn_time_mapping(start_lsn BLOB PRIMARY KEY, tran_begin_time INTEGER, tran_end_time INTEGER, tran_id BLOB, "
    "tran_begin_lsn BLOB) WITHOUT ROWID",
    NULL,
};

static bool run(sqlite3 *sq, const char *head, const char *place, const char *what)
{
    char *sql = sim_asprintf("%s %s.%s", head, place, what);
    bool ok = sqlite3_exec(sq, sql, NULL, NULL, NULL) == SQLITE_OK;
    free(sql);
    return ok;
}

bool catalog_create(sqlite3 *sq, const char *d, const char *x)
{
    bool ok = true;
    for (size_t i = 0; ok && data_tables[i] != NULL; i++) ok = run(sq, "CREATE TABLE IF NOT EXISTS", d, data_tables[i]);
    for (size_t i = 0; ok && cdc_tables[i] != NULL; i++) ok = run(sq, "CREATE TABLE IF NOT EXISTS", x, cdc_tables[i]);
    ok = ok &&
         run(sq, "INSERT OR IGNORE INTO", d,
             "_sim_meta VALUES "
             "('catver',1),('next_id',1013578649),('cdc',0),('vlf',39),('block',1384),('tran',1000),('rowver',2000)");
    ok = ok && run(sq, "INSERT OR IGNORE INTO", d,
                   "_sim_schemas VALUES (1,'dbo'),(2,'guest'),(3,'INFORMATION_SCHEMA'),(4,'sys')");
    ok = ok &&
         run(sq, "INSERT OR IGNORE INTO", d,
             "_sim_principals VALUES (0,'public','R',NULL),(1,'dbo','S','sa'),(2,'guest','S',NULL),"
             "(3,'INFORMATION_SCHEMA','S',NULL),(4,'sys','S',NULL),(16384,'db_owner','R',NULL),"
             "(16385,'db_accessadmin','R',NULL),(16386,'db_securityadmin','R',NULL),(16387,'db_ddladmin','R',NULL),"
             "(16389,'db_backupoperator','R',NULL),(16390,'db_datareader','R',NULL),"
             "(16391,'db_datawriter','R',NULL),(16392,'db_denydatareader','R',NULL),"
             "(16393,'db_denydatawriter','R',NULL)");
    return ok && run(sq, "INSERT OR IGNORE INTO", x, "_sim_meta VALUES ('pos',0)");
}

int64_t catalog_version(sqlite3 *sq, const char *d)
{
    char sql[96];
    int64_t v = -1;
    sqlite3_stmt *st = NULL;
    sqlite3_snprintf(sizeof(sql), sql, "SELECT v FROM %s._sim_meta WHERE k='catver'", d);
    if (sqlite3_prepare_v2(sq, sql, -1, &st, NULL) == SQLITE_OK && sqlite3_step(st) == SQLITE_ROW)
        v = sqlite3_column_int64(st, 0);
    sqlite3_finalize(st);
    return v;
}

typedef struct loader {
    sqlite3 *sq;
    catalog_t *cat;
    const char *d, *x;
    sqlite3_stmt *st;
    bool ok;
} loader_t;

/* Each '@' of the text stands for the attached data file. */
static bool query(loader_t *l, const char *text)
{
    buf_t b = {0};
    for (const char *c = text; *c != '\0'; c++) {
        if (*c == '@')
            buf_adds(&b, l->d);
        else
            buf_addc(&b, *c);
    }
    l->st = NULL;
    l->ok = l->ok && sqlite3_prepare_v2(l->sq, buf_text(&b), -1, &l->st, NULL) == SQLITE_OK;
    buf_done(&b);
    return l->ok;
}

static bool step(loader_t *l)
{
    if (!l->ok) return false;
    int rc = sqlite3_step(l->st);
    if (rc == SQLITE_ROW) return true;
    l->ok = rc == SQLITE_DONE;
    sqlite3_finalize(l->st);
    l->st = NULL;
    return false;
}

static const char *text(loader_t *l, int col)
{
    const char *s = (const char *)sqlite3_column_text(l->st, col);
    return s == NULL ? NULL : arena_strdup(&l->cat->arena, s);
}

static int num(loader_t *l, int col)
{
    return sqlite3_column_int(l->st, col);
}

/* The loader counts rows by doubling arrays in the arena; catalogs are small. */
#define PUSH(l, arr, n, item)                                                                                          \
    do {                                                                                                               \
        if (((n) & ((n)-1)) == 0) {                                                                                    \
            void *grown_ = arena_alloc(&(l)->cat->arena, sizeof(*(arr)) * ((n) == 0 ? 1 : (n)*2));                     \
            if ((n) != 0) memcpy(grown_, (arr), sizeof(*(arr)) * (n));                                                 \
            (arr) = grown_;                                                                                            \
        }                                                                                                              \
        (arr)[(n)++] = (item);                                                                                         \
    } while (0)

static void load_columns(loader_t *l)
{
    catalog_t *cat = l->cat;
    cat_table_t *t = NULL;
    query(l, "SELECT object_id,column_id,name,tc,not_null,identity,seed,incr,dflt,dflt_id,computed,collation,"
             "(SELECT name FROM @._sim_objects o WHERE o.id=dflt_id) FROM @._sim_columns ORDER BY object_id,column_id");
    while (step(l)) {
        int id = num(l, 0);
        if (t == NULL || t->id != id) t = catalog_table_id(cat, id);
        if (t == NULL) continue;
        cat_column_t c = {.id = num(l, 1), .name = text(l, 2), .type = type_unpack(sqlite3_column_int64(l->st, 3))};
        c.type.not_null = num(l, 4) != 0;
        c.identity = num(l, 5) != 0;
        c.seed = sqlite3_column_int64(l->st, 6);
        c.incr = sqlite3_column_int64(l->st, 7);
        c.dflt = text(l, 8);
        c.dflt_id = num(l, 9);
        c.computed_text = text(l, 10);
        c.computed = c.computed_text != NULL;
        c.collation = text(l, 11);
        c.dflt_name = text(l, 12);
        if (c.id > t->max_column_id) t->max_column_id = c.id;
        PUSH(l, t->cols, t->ncols, c);
    }
}

static void load_indexes(loader_t *l)
{
    cat_table_t *t = NULL;
    query(l,
          "SELECT object_id,index_id,name,type,is_unique,is_pk,is_uq,constraint_id FROM @._sim_indexes ORDER BY 1,2");
    while (step(l)) {
        int id = num(l, 0);
        if (t == NULL || t->id != id) t = catalog_table_id(l->cat, id);
        if (t == NULL) continue;
        cat_index_t ix = {.id = num(l, 1),
                          .name = text(l, 2),
                          .type = num(l, 3),
                          .unique = num(l, 4) != 0,
                          .pk = num(l, 5) != 0,
                          .uq = num(l, 6) != 0,
                          .constraint_id = num(l, 7)};
        PUSH(l, t->indexes, t->nindexes, ix);
    }
    query(l, "SELECT object_id,index_id,column_id,is_desc FROM @._sim_index_columns ORDER BY 1,2,ordinal");
    while (step(l)) {
        t = catalog_table_id(l->cat, num(l, 0));
        for (size_t i = 0; t != NULL && i < t->nindexes; i++) {
            cat_index_t *ix = &t->indexes[i];
            if (ix->id != num(l, 1)) continue;
            int n = ix->ncols, c = num(l, 2);
            bool d = num(l, 3) != 0;
            PUSH(l, ix->cols, n, c);
            PUSH(l, ix->desc, ix->ncols, d);
        }
    }
}

static void load_constraints(loader_t *l)
{
    catalog_t *cat = l->cat;
    query(l, "SELECT f.id,table_id,ref_id,on_delete,on_update,disabled,o.name FROM @._sim_fks f JOIN @._sim_objects o "
             "ON o.id=f.id");
    while (step(l)) {
        cat_fk_t f = {.id = num(l, 0),
                      .table_id = num(l, 1),
                      .ref_id = num(l, 2),
                      .on_delete = num(l, 3),
                      .on_update = num(l, 4),
                      .disabled = num(l, 5) != 0,
                      .name = text(l, 6)};
        PUSH(l, cat->fks, cat->nfks, f);
    }
    query(l, "SELECT fk_id,column_id,ref_column_id FROM @._sim_fk_columns ORDER BY 1,ordinal");
    while (step(l)) {
        for (size_t i = 0; i < cat->nfks; i++) {
            cat_fk_t *f = &cat->fks[i];
            if (f->id != num(l, 0)) continue;
            int n = f->ncols, a = num(l, 1), b = num(l, 2);
            PUSH(l, f->cols, n, a);
            PUSH(l, f->ref_cols, f->ncols, b);
        }
    }
    query(l, "SELECT c.id,table_id,c.body,disabled,o.name FROM @._sim_checks c JOIN @._sim_objects o ON o.id=c.id");
    while (step(l)) {
        cat_table_t *t = catalog_table_id(cat, num(l, 1));
        cat_check_t c = {.id = num(l, 0), .text = text(l, 2), .disabled = num(l, 3) != 0, .name = text(l, 4)};
        if (t != NULL) PUSH(l, t->checks, t->nchecks, c);
    }
}

static void load_instances(loader_t *l)
{
    catalog_t *cat = l->cat;
    query(l, "SELECT object_id,source_object_id,capture_instance,start_lsn,supports_net_changes,role_name,index_name,"
             "filegroup_name,partition_switch FROM @._cdc_change_tables ORDER BY object_id");
    while (step(l)) {
        cat_instance_t in = {.ct_id = num(l, 0),
                             .source_id = num(l, 1),
                             .name = text(l, 2),
                             .net = num(l, 4) != 0,
                             .role = text(l, 5),
                             .index_name = text(l, 6),
                             .filegroup = text(l, 7),
                             .partition_switch = num(l, 8) != 0};
        const void *lsn = sqlite3_column_blob(l->st, 3);
        in.has_start = lsn != NULL && sqlite3_column_bytes(l->st, 3) == 10;
        if (in.has_start) memcpy(in.start_lsn, lsn, 10);
        cat_table_t *src = catalog_table_id(cat, in.source_id);
        if (src != NULL) src->tracked = true;
        PUSH(l, cat->instances, cat->ninstances, in);
    }
    query(l, "SELECT object_id,column_id,tc FROM @._cdc_captured_columns ORDER BY object_id,column_ordinal");
    while (step(l)) {
        for (size_t i = 0; i < cat->ninstances; i++) {
            cat_instance_t *in = &cat->instances[i];
            if (in->ct_id != num(l, 0)) continue;
            int c = num(l, 1);
            sim_typeinfo_t t = type_unpack(sqlite3_column_int64(l->st, 2));
            size_t n = in->ncols;
            PUSH(l, in->cols, n, c);
            PUSH(l, in->types, in->ncols, t);
        }
    }
    query(l, "SELECT object_id,column_id FROM @._cdc_index_columns ORDER BY object_id,index_ordinal");
    while (step(l)) {
        for (size_t i = 0; i < cat->ninstances; i++) {
            int c = num(l, 1);
            if (cat->instances[i].ct_id == num(l, 0)) PUSH(l, cat->instances[i].keys, cat->instances[i].nkeys, c);
        }
    }
}

catalog_t *catalog_load(sqlite3 *sq, const char *d, const char *x)
{
    catalog_t *cat = sim_alloc(sizeof(*cat));
    loader_t l = {.sq = sq, .cat = cat, .d = d, .x = x, .ok = true};
    cat->version = catalog_version(sq, d);
    query(&l, "SELECT v FROM @._sim_meta WHERE k='cdc'");
    while (step(&l)) cat->cdc = num(&l, 0) != 0;
    query(&l, "SELECT id,name FROM @._sim_schemas ORDER BY id");
    while (step(&l)) {
        cat_schema_t s = {num(&l, 0), text(&l, 1)};
        PUSH(&l, cat->schemas, cat->nschemas, s);
    }
    query(&l, "SELECT id,schema_id,name,type,created,modified,ms_shipped,body FROM @._sim_objects WHERE type IN "
              "('U','P','V') ORDER BY id");
    while (step(&l)) {
        const cat_schema_t *s = catalog_schema_id(cat, num(&l, 1));
        const char *type = text(&l, 3);
        if (type[0] != 'U') {
            cat_module_t m = {.id = num(&l, 0),
                              .schema_id = num(&l, 1),
                              .name = text(&l, 2),
                              .type = type[0],
                              .schema = s != NULL ? s->name : "dbo",
                              .body = text(&l, 7)};
            PUSH(&l, cat->modules, cat->nmodules, m);
            continue;
        }
        cat_table_t t = {.id = num(&l, 0),
                         .schema_id = num(&l, 1),
                         .name = text(&l, 2),
                         .schema = s != NULL ? s->name : "dbo",
                         .created = sqlite3_column_int64(l.st, 4),
                         .modified = sqlite3_column_int64(l.st, 5),
                         .ms_shipped = num(&l, 6) != 0};
        t.in_cdc = t.ms_shipped;
        t.storage = arena_printf(&cat->arena, "%s.o%d", t.in_cdc ? x : d, t.id);
        PUSH(&l, cat->tables, cat->ntables, t);
    }
    load_columns(&l);
    load_indexes(&l);
    load_constraints(&l);
    load_instances(&l);
    if (l.ok && cat->version >= 0) return cat;
    catalog_free(cat);
    return NULL;
}

void catalog_free(catalog_t *cat)
{
    if (cat == NULL) return;
    arena_done(&cat->arena);
    free(cat);
}

cat_table_t *catalog_table(const catalog_t *cat, const char *schema, const char *name)
{
    for (size_t i = 0; i < cat->ntables; i++)
        if (name_eq(cat->tables[i].name, name) && name_eq(cat->tables[i].schema, schema)) return &cat->tables[i];
    return NULL;
}

cat_table_t *catalog_table_id(const catalog_t *cat, int id)
{
    for (size_t i = 0; i < cat->ntables; i++)
        if (cat->tables[i].id == id) return &cat->tables[i];
    return NULL;
}

const cat_module_t *catalog_module(const catalog_t *cat, const char *schema, const char *name, char type)
{
    for (size_t i = 0; i < cat->nmodules; i++)
        if (cat->modules[i].type == type && name_eq(cat->modules[i].name, name) &&
            name_eq(cat->modules[i].schema, schema))
            return &cat->modules[i];
    return NULL;
}

const cat_schema_t *catalog_schema(const catalog_t *cat, const char *name)
{
    for (size_t i = 0; i < cat->nschemas; i++)
        if (name_eq(cat->schemas[i].name, name)) return &cat->schemas[i];
    return NULL;
}

const cat_schema_t *catalog_schema_id(const catalog_t *cat, int id)
{
    for (size_t i = 0; i < cat->nschemas; i++)
        if (cat->schemas[i].id == id) return &cat->schemas[i];
    return NULL;
}

const cat_instance_t *catalog_instance(const catalog_t *cat, const char *name)
{
    for (size_t i = 0; i < cat->ninstances; i++)
        if (name_eq(cat->instances[i].name, name)) return &cat->instances[i];
    return NULL;
}

cat_column_t *table_column(const cat_table_t *t, const char *name)
{
    for (size_t i = 0; i < t->ncols; i++)
        if (name_eq(t->cols[i].name, name)) return &t->cols[i];
    return NULL;
}

cat_column_t *table_column_id(const cat_table_t *t, int id)
{
    for (size_t i = 0; i < t->ncols; i++)
        if (t->cols[i].id == id) return &t->cols[i];
    return NULL;
}

const cat_index_t *table_pk(const cat_table_t *t)
{
    for (size_t i = 0; i < t->nindexes; i++)
        if (t->indexes[i].pk) return &t->indexes[i];
    return NULL;
}

bool index_has(const cat_index_t *ix, int col_id)
{
    for (int i = 0; i < ix->ncols; i++)
        if (ix->cols[i] == col_id) return true;
    return false;
}
