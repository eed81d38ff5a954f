/* metaprocs.c: metadata procedures of ODBC, JDBC and the command line. */
#include "catalog/metaprocs.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "sql/bind.h"
#include "sql/parser.h"

bool proc_query(sim_session_t *s, const char *text)
{
    arena_t ast = {0};
    stmt_t *first;
    sql_error_t err = {0};
    int line;
    uint64_t rows = 0;
    bool ok = parse_batch(&ast, text, strlen(text), true, NULL, 0, &first, &err, &line) ? true : fail_err(s, &err);
    s->trusted++;
    ok = ok && first != NULL && exec_select(s, first, first->select, &rows);
    s->trusted--;
    if (ok) {
        s->rowcount = (int64_t)rows;
        ok = send_done(s, SIM_DONE_INPROC, !s->nocount, rows, false, 0xC1);
    }
    arena_done(&ast);
    return ok;
}

/* ---- patterns: LIKE of the metadata procedures, NULL matches everything ---- */

static bool match(const char *pattern, const char *text)
{
    if (pattern == NULL) return true;
    for (; *pattern != '\0'; pattern++) {
        if (*pattern == '%') {
            for (const char *t = text;; t++) {
                if (match(pattern + 1, t)) return true;
                if (*t == '\0') return false;
            }
        }
        if (*text == '\0') return false;
        if (*pattern == '_') {
            text++;
            continue;
        }
        char want = *pattern;
        if (*pattern == '[' && pattern[1] != '\0' && pattern[2] == ']') { /* [_] and [%] escape themselves */
            want = pattern[1];
            pattern += 2;
        } else if (*pattern == '\\' && pattern[1] != '\0') {
            want = *++pattern;
        }
        if (fold_char((unsigned char)want) != fold_char((unsigned char)*text)) return false;
        text++;
    }
    return *text == '\0';
}

static sim_value_t text_or_null(const char *s)
{
    return s != NULL ? value_str(s) : value_null();
}

static const char *arg(proc_call_t *c, size_t pos, const char *name)
{
    return proc_text(c->s, c->args, c->n, pos, name);
}

/* ---- per-type metadata (chapter 2.5) ---- */

#define NA ODBC_NONE

odbc_t odbc_of(const sim_typeinfo_t *t)
{
    int n = type_chars(t) < 0 ? 0 : type_chars(t), b = t->len < 0 ? 0 : t->len;
    switch (t->base) {
    case SIM_T_BIT:
        return (odbc_t){-7, 1, 1, NA, NA, -7, NA, NA, 50};
    case SIM_T_TINYINT:
        return (odbc_t){-6, 3, 1, 0, 10, -6, NA, NA, 38};
    case SIM_T_SMALLINT:
        return (odbc_t){5, 5, 2, 0, 10, 5, NA, NA, 38};
    case SIM_T_INT:
        return (odbc_t){4, 10, 4, 0, 10, 4, NA, NA, 38};
    case SIM_T_BIGINT:
        return (odbc_t){-5, 19, 8, 0, 10, -5, NA, NA, 108};
    case SIM_T_REAL:
        return (odbc_t){7, 24, 4, NA, 2, 7, NA, NA, 109};
    case SIM_T_FLOAT:
        return (odbc_t){6, 53, 8, NA, 2, 6, NA, NA, 109};
    case SIM_T_DECIMAL:
        return (odbc_t){3, t->prec, t->prec + 2, t->scale, 10, 3, NA, NA, 106};
    case SIM_T_NUMERIC:
        return (odbc_t){2, t->prec, t->prec + 2, t->scale, 10, 2, NA, NA, 108};
    case SIM_T_MONEY:
        return (odbc_t){3, 19, 21, 4, 10, 3, NA, NA, 110};
    case SIM_T_SMALLMONEY:
        return (odbc_t){3, 10, 12, 4, 10, 3, NA, NA, 110};
    case SIM_T_DATE:
        return (odbc_t){91, 10, 6, 0, NA, 9, 1, NA, 0};
    case SIM_T_TIME:
        return (odbc_t){-154, t->scale > 0 ? 9 + t->scale : 8, 12, t->scale, NA, -154, 0, NA, 0};
    case SIM_T_DATETIME2:
        return (odbc_t){93, t->scale > 0 ? 20 + t->scale : 19, 16, t->scale, NA, 9, 3, NA, 0};
    case SIM_T_DATETIMEOFFSET:
        return (odbc_t){-155, t->scale > 0 ? 27 + t->scale : 26, 20, t->scale, NA, -155, 0, NA, 0};
    case SIM_T_DATETIME:
        return (odbc_t){93, 23, 16, 3, NA, 9, 3, NA, 111};
    case SIM_T_SMALLDATETIME:
        return (odbc_t){93, 16, 16, 0, NA, 9, 3, NA, 111};
    case SIM_T_CHAR:
        return (odbc_t){1, n, n, NA, NA, 1, NA, n, 39};
    case SIM_T_VARCHAR:
        return (odbc_t){12, n, n, NA, NA, 12, NA, n, 39};
    case SIM_T_NCHAR:
        return (odbc_t){-8, n, b, NA, NA, -8, NA, b, 39};
    case SIM_T_NVARCHAR:
        return (odbc_t){-9, n, b, NA, NA, -9, NA, b, 39};
    case SIM_T_BINARY:
        return (odbc_t){-2, n, n, NA, NA, -2, NA, n, 37};
    case SIM_T_VARBINARY:
        return (odbc_t){-3, n, n, NA, NA, -3, NA, n, 37};
    case SIM_T_TEXT:
        return (odbc_t){-1, 2147483647, 2147483647, NA, NA, -1, NA, 2147483647, 35};
    case SIM_T_NTEXT:
        return (odbc_t){-10, 1073741823, 2147483646, NA, NA, -10, NA, 2147483646, 35};
    case SIM_T_IMAGE:
        return (odbc_t){-4, 2147483647, 2147483647, NA, NA, -4, NA, 2147483647, 34};
    case SIM_T_UNIQUEIDENTIFIER:
        return (odbc_t){-11, 36, 16, NA, NA, -11, NA, NA, 37};
    case SIM_T_TIMESTAMP:
        return (odbc_t){-2, 8, 8, NA, NA, -2, NA, NA, 45};
    case SIM_T_XML:
        return (odbc_t){-152, 0, 0, NA, NA, -152, NA, 0, 0};
    default:
        return (odbc_t){-150, 0, 8000, NA, 10, -150, NA, 8000, 39};
    }
}

static sim_value_t num_or_null(int v)
{
    return v == NA ? value_null() : value_int(v);
}

static bool finish(proc_call_t *c, uint64_t rows)
{
    c->s->rowcount = (int64_t)rows;
    return send_done(c->s, SIM_DONE_INPROC, !c->s->nocount, rows, false, 0xC1);
}

static sim_column_t col(const char *name, sim_typeinfo_t t)
{
    return (sim_column_t){name, t, 0};
}

/* The qualifier argument selects the database; another name than an existing one gives no rows. */
static bool qualifier(proc_call_t *c, const char *q)
{
    if (q == NULL || q[0] == '\0' || strcmp(q, "%") == 0) return session_catalog(c->s, c->sdb);
    sdb_t *sdb = session_db(c->s, q);
    if (sdb == NULL)
        return fail(c->s, 15250, 16, 1,
                    "The database name component of the object qualifier must be the name of the current database.");
    c->sdb = sdb;
    return session_catalog(c->s, sdb);
}

static int by_name(const void *a, const void *b)
{
    const cat_table_t *x = *(cat_table_t *const *)a, *y = *(cat_table_t *const *)b;
    int o = name_cmp(x->schema, y->schema);
    return o != 0 ? o : name_cmp(x->name, y->name);
}

static cat_table_t **tables_sorted(proc_call_t *c)
{
    const catalog_t *cat = c->sdb->cat;
    cat_table_t **t = arena_alloc(&c->s->arena, sizeof(*t) * (cat->ntables + 1));
    for (size_t i = 0; i < cat->ntables; i++) t[i] = &cat->tables[i];
    qsort(t, cat->ntables, sizeof(*t), by_name);
    return t;
}

static bool sp_tables(proc_call_t *c)
{
    const char *name = arg(c, 0, "@table_name"), *owner = arg(c, 1, "@table_owner"), *q = arg(c, 2, "@table_qualifier"),
               *types = arg(c, 3, "@table_type");
    sim_typeinfo_t n = type_sysname();
    sim_column_t cols[5] = {col("TABLE_QUALIFIER", n), col("TABLE_OWNER", n), col("TABLE_NAME", n),
                            col("TABLE_TYPE", type_varchar(32)), col("REMARKS", type_varchar(254))};
    uint64_t rows = 0;
    if (name != NULL && owner != NULL && q != NULL && name[0] == '\0' && owner[0] == '\0' &&
        strcmp(q, "%") == 0) { /* list of databases */
        if (!send_columns(c->s, cols, 5)) return false;
        for (size_t i = 0; i < c->s->server->ndbs; i++) {
            if (c->s->server->dbs[i]->dropped) continue;
            sim_value_t v[5] = {value_str(c->s->server->dbs[i]->name), value_null(), value_null(), value_null(),
                                value_null()};
            if (!send_row(c->s, v, 5)) return false;
            rows++;
        }
        return finish(c, rows);
    }
    if (!qualifier(c, q) || !send_columns(c->s, cols, 5)) return false;
    cat_table_t **t = tables_sorted(c);
    for (int pass = 0; pass < 2; pass++) { /* SYSTEM TABLE sorts before TABLE */
        const char *kind = pass == 0 ? "SYSTEM TABLE" : "TABLE", *quoted = pass == 0 ? "'SYSTEM TABLE'" : "'TABLE'";
        if (types != NULL && types[0] != '\0' && strstr(types, quoted) == NULL && strcmp(types, "%") != 0) continue;
        for (size_t i = 0; i < c->sdb->cat->ntables; i++) {
            if (t[i]->ms_shipped != (pass == 0) || !match(name, t[i]->name) || !match(owner, t[i]->schema)) continue;
            sim_value_t v[5] = {value_str(c->sdb->db->name), value_str(t[i]->schema), value_str(t[i]->name),
                                value_str(kind), value_null()};
            if (!send_row(c->s, v, 5)) return false;
            rows++;
        }
    }
    return finish(c, rows);
}

static bool sp_columns(proc_call_t *c, bool full)
{
    const char *name = arg(c, 0, "@table_name"), *owner = arg(c, 1, "@table_owner"), *q = arg(c, 2, "@table_qualifier"),
               *cn = arg(c, 3, "@column_name");
    sim_typeinfo_t n = type_sysname(), sm = type_simple(SIM_T_SMALLINT), in = type_simple(SIM_T_INT),
                   nv = type_nvarchar(128);
    int64_t ver = 2;
    if (!proc_int(c->s, c->args, c->n, full ? 5 : 4, "@ODBCVer", &ver)) ver = full ? 3 : 2;
    sim_column_t cols[29] = {col("TABLE_QUALIFIER", n),
                             col("TABLE_OWNER", n),
                             col("TABLE_NAME", n),
                             col("COLUMN_NAME", n),
                             col("DATA_TYPE", sm),
                             col("TYPE_NAME", n),
                             col("PRECISION", in),
                             col("LENGTH", in),
                             col("SCALE", sm),
                             col("RADIX", sm),
                             col("NULLABLE", sm),
                             col("REMARKS", type_varchar(254)),
                             col("COLUMN_DEF", type_nvarchar(4000)),
                             col("SQL_DATA_TYPE", sm),
                             col("SQL_DATETIME_SUB", sm),
                             col("CHAR_OCTET_LENGTH", in),
                             col("ORDINAL_POSITION", in),
                             col("IS_NULLABLE", type_varchar(254))};
    static const char *const ss[] = {"SS_IS_SPARSE", "SS_IS_COLUMN_SET", "SS_IS_COMPUTED", "SS_IS_IDENTITY"};
    static const char *const udt[] = {"SS_UDT_CATALOG_NAME",
                                      "SS_UDT_SCHEMA_NAME",
                                      "SS_UDT_ASSEMBLY_TYPE_NAME",
                                      "SS_XML_SCHEMACOLLECTION_CATALOG_NAME",
                                      "SS_XML_SCHEMACOLLECTION_SCHEMA_NAME",
                                      "SS_XML_SCHEMACOLLECTION_NAME"};
    size_t ncols = 18;
    if (full) {
        for (int i = 0; i < 4; i++) cols[ncols++] = col(ss[i], sm);
        for (int i = 0; i < 6; i++) cols[ncols++] = col(udt[i], i == 2 ? type_nvarchar(SIM_LEN_MAX) : nv);
    }
    cols[ncols++] = col("SS_DATA_TYPE", type_simple(SIM_T_TINYINT));
    if (!qualifier(c, q) || !send_columns(c->s, cols, ncols)) return false;
    cat_table_t **t = tables_sorted(c);
    uint64_t rows = 0;
    for (size_t i = 0; i < c->sdb->cat->ntables; i++) {
        if (!match(name, t[i]->name) || !match(owner, t[i]->schema)) continue;
        for (size_t k = 0; k < t[i]->ncols; k++) {
            const cat_column_t *x = &t[i]->cols[k];
            if (!match(cn, x->name)) continue;
            odbc_t o = odbc_of(&x->type);
            if (ver < 3 && (o.type == 91 || o.type == -154 || o.type == -155 || x->type.base == SIM_T_DATETIME2))
                o.type = -9; /* ODBC 2 sees them as text */
            if (ver < 3 && o.type == 93) o.type = 11;
            sim_value_t v[29];
            for (size_t z = 0; z < 29; z++) v[z] = value_null();
            const char *tn = type_name(x->type.base);
            if (x->identity)
                tn = arena_printf(&c->s->arena, "%s%s identity", tn, type_is_decimal(x->type.base) ? "()" : "");
            v[0] = value_str(c->sdb->db->name);
            v[1] = value_str(t[i]->schema);
            v[2] = value_str(t[i]->name);
            v[3] = value_str(x->name);
            v[4] = value_int(o.type);
            v[5] = value_str(tn);
            v[6] = value_int(o.prec);
            v[7] = value_int(o.len);
            v[8] = num_or_null(o.scale);
            v[9] = num_or_null(o.radix);
            v[10] = value_int(!x->type.not_null);
            v[12] = text_or_null(x->dflt);
            v[13] = value_int(o.sql_type);
            v[14] = num_or_null(o.sub);
            v[15] = num_or_null(o.octet);
            v[16] = value_int((int64_t)k + 1);
            v[17] = value_str(x->type.not_null ? "NO" : "YES");
            size_t at = 18;
            if (full) {
                v[18] = value_int(0);
                v[19] = value_int(0);
                v[20] = value_int(x->computed);
                v[21] = value_int(x->identity);
                at = 28;
            }
            v[at] = value_int(o.ss);
            if (!send_row(c->s, v, ncols)) return false;
            rows++;
        }
    }
    return finish(c, rows);
}

static bool sp_pkeys(proc_call_t *c)
{
    const char *name = arg(c, 0, "@table_name"), *owner = arg(c, 1, "@table_owner"), *q = arg(c, 2, "@table_qualifier");
    sim_typeinfo_t n = type_sysname();
    sim_column_t cols[6] = {col("TABLE_QUALIFIER", n),
                            col("TABLE_OWNER", n),
                            col("TABLE_NAME", n),
                            col("COLUMN_NAME", n),
                            col("KEY_SEQ", type_simple(SIM_T_SMALLINT)),
                            col("PK_NAME", n)};
    uint64_t rows = 0;
    if (name == NULL)
        return fail(c->s, 201, 16, 4, "Procedure or function '%s' expects parameter '%s', which was not supplied.",
                    "sp_pkeys", "@table_name");
    if (!qualifier(c, q) || !send_columns(c->s, cols, 6)) return false;
    for (size_t i = 0; i < c->sdb->cat->ntables; i++) {
        const cat_table_t *t = &c->sdb->cat->tables[i];
        const cat_index_t *pk = table_pk(t);
        if (pk == NULL || !name_eq(name, t->name) || (owner != NULL && !match(owner, t->schema))) continue;
        for (int k = 0; k < pk->ncols; k++) {
            const cat_column_t *x = table_column_id(t, pk->cols[k]);
            sim_value_t v[6] = {value_str(c->sdb->db->name), value_str(t->schema), value_str(t->name),
                                value_str(x->name),          value_int(k + 1),     value_str(pk->name)};
            if (!send_row(c->s, v, 6)) return false;
            rows++;
        }
    }
    return finish(c, rows);
}

/* Unique before others, clustered before nonclustered, then by name. */
static int index_order(const void *a, const void *b)
{
    const cat_index_t *x = *(const cat_index_t *const *)a, *y = *(const cat_index_t *const *)b;
    if (x->unique != y->unique) return x->unique ? -1 : 1;
    if ((x->type == 1) != (y->type == 1)) return x->type == 1 ? -1 : 1;
    return strcasecmp(x->name, y->name);
}

static bool sp_statistics(proc_call_t *c)
{
    const char *name = arg(c, 0, "@table_name"), *owner = arg(c, 1, "@table_owner"), *q = arg(c, 2, "@table_qualifier"),
               *unique = arg(c, 4, "@is_unique");
    sim_typeinfo_t n = type_sysname(), sm = type_simple(SIM_T_SMALLINT), in = type_simple(SIM_T_INT),
                   ch = {.base = SIM_T_CHAR, .len = 1};
    sim_column_t cols[13] = {col("TABLE_QUALIFIER", n),
                             col("TABLE_OWNER", n),
                             col("TABLE_NAME", n),
                             col("NON_UNIQUE", sm),
                             col("INDEX_QUALIFIER", n),
                             col("INDEX_NAME", n),
                             col("TYPE", sm),
                             col("SEQ_IN_INDEX", sm),
                             col("COLUMN_NAME", n),
                             col("COLLATION", ch),
                             col("CARDINALITY", in),
                             col("PAGES", in),
                             col("FILTER_CONDITION", type_varchar(128))};
    uint64_t rows = 0;
    if (!qualifier(c, q) || !send_columns(c->s, cols, 13)) return false;
    for (size_t i = 0; i < c->sdb->cat->ntables; i++) {
        const cat_table_t *t = &c->sdb->cat->tables[i];
        if (name == NULL || !match(name, t->name) || (owner != NULL && !match(owner, t->schema))) continue;
        int64_t n_rows = 0;
        sq_int(c->s, &n_rows, "SELECT count(*) FROM %s", t->storage);
        sim_value_t v[13];
        for (int z = 0; z < 13; z++) v[z] = value_null();
        v[0] = value_str(c->sdb->db->name);
        v[1] = value_str(t->schema);
        v[2] = value_str(t->name);
        v[6] = value_int(0);
        v[10] = value_int(n_rows);
        v[11] = value_int(1);
        if (!send_row(c->s, v, 13)) return false;
        rows++;
        const cat_index_t **sorted = arena_alloc(&c->s->arena, (t->nindexes + 1) * sizeof(const cat_index_t *));
        for (size_t k = 0; k < t->nindexes; k++) sorted[k] = &t->indexes[k];
        qsort(sorted, t->nindexes, sizeof(const cat_index_t *), index_order);
        for (size_t k = 0; k < t->nindexes; k++) {
            const cat_index_t *ix = sorted[k];
            if (unique != NULL && name_eq(unique, "Y") && !ix->unique) continue;
            for (int z = 0; z < ix->ncols; z++) {
                v[3] = value_int(!ix->unique);
                v[4] = value_str(t->name);
                v[5] = value_str(ix->name);
                v[6] = value_int(ix->type == 1 ? 1 : 3);
                v[7] = value_int(z + 1);
                v[8] = value_str(table_column_id(t, ix->cols[z])->name);
                v[9] = value_str(ix->desc[z] ? "D" : "A");
                v[10] = value_int(n_rows);
                if (!send_row(c->s, v, 13)) return false;
                rows++;
            }
        }
    }
    return finish(c, rows);
}

static bool sp_fkeys(proc_call_t *c)
{
    const char *pt = arg(c, 0, "@pktable_name"), *po = arg(c, 1, "@pktable_owner"), *ft = arg(c, 3, "@fktable_name"),
               *fo = arg(c, 4, "@fktable_owner");
    sim_typeinfo_t n = type_sysname(), sm = type_simple(SIM_T_SMALLINT);
    sim_column_t cols[14] = {col("PKTABLE_QUALIFIER", n), col("PKTABLE_OWNER", n),     col("PKTABLE_NAME", n),
                             col("PKCOLUMN_NAME", n),     col("FKTABLE_QUALIFIER", n), col("FKTABLE_OWNER", n),
                             col("FKTABLE_NAME", n),      col("FKCOLUMN_NAME", n),     col("KEY_SEQ", sm),
                             col("UPDATE_RULE", sm),      col("DELETE_RULE", sm),      col("FK_NAME", n),
                             col("PK_NAME", n),           col("DEFERRABILITY", sm)};
    static const int rule[] = {1, 0, 2, 3};
    uint64_t rows = 0;
    const char *q = arg(c, 2, "@pktable_qualifier");
    if (q == NULL) q = arg(c, 5, "@fktable_qualifier");
    if (!qualifier(c, q) || !send_columns(c->s, cols, 14)) return false;
    for (size_t i = 0; i < c->sdb->cat->nfks; i++) {
        const cat_fk_t *f = &c->sdb->cat->fks[i];
        const cat_table_t *child = catalog_table_id(c->sdb->cat, f->table_id),
                          *parent = catalog_table_id(c->sdb->cat, f->ref_id);
        if (child == NULL || parent == NULL || (pt != NULL && !name_eq(pt, parent->name)) ||
            (ft != NULL && !name_eq(ft, child->name)) || (po != NULL && !match(po, parent->schema)) ||
            (fo != NULL && !match(fo, child->schema)))
            continue;
        const cat_index_t *pk = table_pk(parent);
        for (int k = 0; k < f->ncols; k++) {
            sim_value_t d = value_str(c->sdb->db->name);
            sim_value_t v[14] = {d,
                                 value_str(parent->schema),
                                 value_str(parent->name),
                                 value_str(table_column_id(parent, f->ref_cols[k])->name),
                                 d,
                                 value_str(child->schema),
                                 value_str(child->name),
                                 value_str(table_column_id(child, f->cols[k])->name),
                                 value_int(k + 1),
                                 value_int(rule[f->on_update & 3]),
                                 value_int(rule[f->on_delete & 3]),
                                 value_str(f->name),
                                 text_or_null(pk != NULL ? pk->name : NULL),
                                 value_int(7)};
            if (!send_row(c->s, v, 14)) return false;
            rows++;
        }
    }
    return finish(c, rows);
}

static bool sp_datatype_info(proc_call_t *c)
{
    /* the order matters: pyodbc reads the first row of a type */
    static const sim_base_t order[] = {SIM_T_VARIANT,
                                       SIM_T_UNIQUEIDENTIFIER,
                                       SIM_T_NTEXT,
                                       SIM_T_XML,
                                       SIM_T_NVARCHAR,
                                       SIM_T_NCHAR,
                                       SIM_T_BIT,
                                       SIM_T_TINYINT,
                                       SIM_T_BIGINT,
                                       SIM_T_IMAGE,
                                       SIM_T_VARBINARY,
                                       SIM_T_BINARY,
                                       SIM_T_TIMESTAMP,
                                       SIM_T_TEXT,
                                       SIM_T_CHAR,
                                       SIM_T_NUMERIC,
                                       SIM_T_DECIMAL,
                                       SIM_T_MONEY,
                                       SIM_T_SMALLMONEY,
                                       SIM_T_INT,
                                       SIM_T_SMALLINT,
                                       SIM_T_FLOAT,
                                       SIM_T_REAL,
                                       SIM_T_DATETIME2,
                                       SIM_T_DATETIME,
                                       SIM_T_SMALLDATETIME,
                                       SIM_T_DATE,
                                       SIM_T_TIME,
                                       SIM_T_DATETIMEOFFSET,
                                       SIM_T_VARCHAR};
    static const char *const names[] = {
        "TYPE_NAME",     "DATA_TYPE",        "PRECISION",       "LITERAL_PREFIX",     "LITERAL_SUFFIX",
        "CREATE_PARAMS", "NULLABLE",         "CASE_SENSITIVE",  "SEARCHABLE",         "UNSIGNED_ATTRIBUTE",
        "MONEY",         "AUTO_INCREMENT",   "LOCAL_TYPE_NAME", "MINIMUM_SCALE",      "MAXIMUM_SCALE",
        "SQL_DATA_TYPE", "SQL_DATETIME_SUB", "NUM_PREC_RADIX",  "INTERVAL_PRECISION", "USERTYPE"};
    sim_column_t cols[20];
    int64_t want = 0;
    uint64_t rows = 0;
    proc_int(c->s, c->args, c->n, 0, "@data_type", &want);
    for (int i = 0; i < 20; i++) {
        sim_typeinfo_t t = i == 0 || i == 12   ? type_sysname()
                           : i == 2 || i == 17 ? type_simple(SIM_T_INT)
                           : i >= 3 && i <= 5  ? type_varchar(32)
                                               : type_simple(SIM_T_SMALLINT);
        cols[i] = col(names[i], t);
    }
    if (!send_columns(c->s, cols, 20)) return false;
    for (size_t k = 0; k < sizeof(order) / sizeof(order[0]); k++) {
        sim_typeinfo_t t = type_simple(order[k]);
        if (type_is_decimal(t.base)) t.prec = 38;
        if (type_is_char(t.base) && t.len < 10) t.len = 8000;
        if (t.base == SIM_T_BINARY || t.base == SIM_T_VARBINARY) t.len = 8000;
        odbc_t o = odbc_of(&t);
        if (want != 0 && o.type != want) continue;
        bool text = type_is_char(t.base) || type_is_datetime(t.base) || t.base == SIM_T_UNIQUEIDENTIFIER,
             num = type_is_number(t.base) && t.base != SIM_T_BIT;
        sim_value_t v[20];
        for (int i = 0; i < 20; i++) v[i] = value_null();
        v[0] = v[12] = value_str(type_name(t.base));
        v[1] = value_int(o.type);
        v[2] = value_int(o.prec);
        if (text) v[3] = value_str(type_is_unicode(t.base) ? "N'" : "'"), v[4] = value_str("'");
        if (type_is_binary(t.base)) v[3] = value_str("0x");
        if (type_is_decimal(t.base))
            v[5] = value_str("precision,scale");
        else if (t.len == 8000)
            v[5] = value_str(t.base == SIM_T_CHAR || t.base == SIM_T_NCHAR || t.base == SIM_T_BINARY ? "length"
                                                                                                     : "max length");
        v[6] = value_int(t.base != SIM_T_TIMESTAMP);
        v[7] = value_int(0);
        v[8] = value_int(type_is_lob(&t) ? 1 : type_is_char(t.base) ? 3 : 2);
        if (num) v[9] = value_int(t.base == SIM_T_TINYINT);
        v[10] = value_int(type_is_money(t.base));
        if (num) v[11] = value_int(0);
        if (type_is_exact(t.base))
            v[13] = value_int(o.scale == NA           ? 0
                              : type_is_money(t.base) ? 4
                                                      : 0),
            v[14] = value_int(type_is_decimal(t.base) ? 38
                              : type_is_money(t.base) ? 4
                                                      : 0);
        v[15] = value_int(o.sql_type);
        v[16] = num_or_null(o.sub);
        v[17] = num_or_null(o.radix);
        v[19] = value_int(0);
        if (!send_row(c->s, v, 20)) return false;
        rows++;
    }
    return finish(c, rows);
}

/* sp_MSforeachtable: each user table's quoted name replaces the question mark. */
static bool for_each_table(proc_call_t *c)
{
    sim_session_t *s = c->s;
    const char *cmd = arg(c, 0, "@command1");
    if (cmd == NULL)
        return fail(s, 201, 16, 4, "Procedure or function '%s' expects parameter '%s', which was not supplied.",
                    c->name, "@command1");
    buf_t all = {0};
    for (size_t i = 0; i < c->sdb->cat->ntables; i++) {
        const cat_table_t *t = &c->sdb->cat->tables[i];
        if (t->ms_shipped) continue;
        for (const char *p = cmd; *p != '\0'; p++) {
            if (*p == '?')
                buf_printf(&all, "%s.%s", quote_name(&s->arena, t->schema), quote_name(&s->arena, t->name));
            else
                buf_addc(&all, *p);
        }
        buf_adds(&all, "\n");
    }
    stmt_end(s, true);
    frame_t f = {.in_proc = true};
    flow_t flow = all.len > 0 ? exec_body(s, all.ptr, all.len, &f) : FLOW_NEXT;
    buf_done(&all);
    stmt_begin(s, false);
    return flow != FLOW_ERROR;
}

static bool sp_rename(proc_call_t *c)
{
    sim_session_t *s = c->s;
    const char *old = arg(c, 0, "@objname"), *to = arg(c, 1, "@newname"), *type = arg(c, 2, "@objtype");
    name_t n;
    if (old == NULL || to == NULL)
        return fail(s, 201, 16, 4, "Procedure or function '%s' expects parameter '%s', which was not supplied.",
                    "sp_rename", "@objname");
    if (!parse_name_text(&s->arena, old, strlen(old), &n) || !tran_write(s, c->sdb, false) ||
        !session_catalog(s, c->sdb))
        return fail(s, 15225, 11, 1,
                    "No item by the name of '%s' could be found in the current database '%s', given that @itemtype was "
                    "input as '(null)'.",
                    old, c->sdb->db->name);
    const char *d = c->sdb->db->attach;
    bool column = type != NULL && name_eq(type, "COLUMN");
    const char *table = column ? (n.n >= 2 ? n.part[n.n - 2] : "") : n.part[n.n - 1], *schema = "dbo";
    if (n.n >= (column ? 3 : 2) && n.part[n.n - (column ? 3 : 2)][0] != '\0') schema = n.part[n.n - (column ? 3 : 2)];
    cat_table_t *t = catalog_table(c->sdb->cat, schema, table);
    if (t == NULL)
        return fail(s, 15225, 11, 1,
                    "No item by the name of '%s' could be found in the current database '%s', given that @itemtype was "
                    "input as '(null)'.",
                    old, c->sdb->db->name);
    bool ok;
    if (column) {
        cat_column_t *x = table_column(t, n.part[n.n - 1]);
        if (x == NULL)
            return fail(s, 15248, 11, 1,
                        "Either the parameter @objname is ambiguous or the claimed @objtype (COLUMN) is wrong.");
        if (t->tracked) return fail(s, 4928, 16, 1, "Cannot alter column '%s' because it is 'REPLICATED'.", x->name);
        if (table_column(t, to) != NULL)
            return fail(s, 15335, 11, 1,
                        "Error: The new name '%s' is already in use as a COLUMN name and would cause a duplicate that "
                        "is not permitted.",
                        to);
        ok = sq_exec(s, "UPDATE %s._sim_columns SET name=%Q WHERE object_id=%d AND column_id=%d", d, to, t->id, x->id);
    } else {
        if (catalog_table(c->sdb->cat, schema, to) != NULL)
            return fail(s, 15335, 11, 1,
                        "Error: The new name '%s' is already in use as a OBJECT name and would cause a duplicate that "
                        "is not permitted.",
                        to);
        ok = sq_exec(s, "UPDATE %s._sim_objects SET name=%Q WHERE id=%d", d, to, t->id);
    }
    ok = ok && sq_exec(s, "UPDATE %s._sim_meta SET v=%lld WHERE k='catver'", d,
                       (long long)__atomic_add_fetch(&s->server->catalog_version, 1, __ATOMIC_RELAXED));
    return ok &&
           send_message(s, 15477, 0, 1,
                        "Caution: Changing any part of an object name could break scripts and stored procedures.", 1);
}

bool meta_procedures(proc_call_t *c, bool *ret_found)
{
    const char *n = c->name;
    *ret_found = true;
    if (name_eq(n, "sp_tables") || name_eq(n, "sp_tableswc")) return sp_tables(c);
    if (name_eq(n, "sp_columns")) return sp_columns(c, false);
    if (name_eq(n, "sp_columns_100") || name_eq(n, "sp_columns_90")) return sp_columns(c, true);
    if (name_eq(n, "sp_pkeys")) return sp_pkeys(c);
    if (name_eq(n, "sp_special_columns") || name_eq(n, "sp_special_columns_100")) return sp_special_columns(c);
    if (name_eq(n, "sp_statistics") || name_eq(n, "sp_statistics_100")) return sp_statistics(c);
    if (name_eq(n, "sp_fkeys")) return sp_fkeys(c);
    if (name_eq(n, "sp_datatype_info") || name_eq(n, "sp_datatype_info_100") || name_eq(n, "sp_datatype_info_90"))
        return sp_datatype_info(c);
    if (name_eq(n, "sp_MSforeachtable")) return for_each_table(c);
    if (name_eq(n, "sp_rename")) return sp_rename(c);
    if (name_eq(n, "sp_databases"))
        return proc_query(c->s, "SELECT name AS DATABASE_NAME, CAST(8192 AS int) AS DATABASE_SIZE, CAST(NULL AS "
                                "varchar(254)) AS REMARKS FROM sys.databases ORDER BY name");
    if (name_eq(n, "sp_reset_connection")) {
        sim_sink_t *sink = c->s->sink;
        sim_session_reset(c->s, false);
        c->s->sink = sink;
        return true;
    }
    *ret_found = false;
    return true;
}
