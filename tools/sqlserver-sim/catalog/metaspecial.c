/* metaspecial.c: sp_special_columns: what identifies a row, or changes with it. */
#include <string.h>

#include "catalog/metaprocs.h"
#include "sql/bind.h"

static const cat_index_t *row_identifier(const cat_table_t *t)
{
    const cat_index_t *best = table_pk(t);
    for (size_t i = 0; i < t->nindexes && best == NULL; i++)
        if (t->indexes[i].unique) best = &t->indexes[i];
    return best;
}

static bool send_column(proc_call_t *c, const cat_column_t *col, const char *scope, bool version)
{
    odbc_t o = odbc_of(&col->type);
    sim_value_t v[8] = {value_null(),
                        value_str(col->name),
                        value_int(o.type),
                        value_str(type_name(col->type.base)),
                        value_int(o.prec),
                        value_int(o.len),
                        o.scale == ODBC_NONE ? value_null() : value_int(o.scale),
                        value_int(1)};
    if (!version) v[0] = value_int(name_eq(scope, "C") ? 0 : 1);
    if (col->identity) v[3] = value_str(arena_printf(&c->s->arena, "%s identity", type_name(col->type.base)));
    return send_row(c->s, v, 8);
}

bool sp_special_columns(proc_call_t *c)
{
    sim_session_t *s = c->s;
    const char *name = proc_text(s, c->args, c->n, 0, "@table_name"),
               *owner = proc_text(s, c->args, c->n, 1, "@table_owner"),
               *q = proc_text(s, c->args, c->n, 2, "@table_qualifier"),
               *kind = proc_text(s, c->args, c->n, 3, "@col_type"), *scope = proc_text(s, c->args, c->n, 4, "@scope");
    sim_typeinfo_t sm = type_simple(SIM_T_SMALLINT), in = type_simple(SIM_T_INT), n = type_sysname();
    sim_column_t cols[8] = {{"SCOPE", sm, 0},    {"COLUMN_NAME", n, 0},   {"DATA_TYPE", sm, 0},
                            {"TYPE_NAME", n, 0}, {"PRECISION", in, 0},    {"LENGTH", in, 0},
                            {"SCALE", sm, 0},    {"PSEUDO_COLUMN", sm, 0}};
    uint64_t rows = 0;
    if (name == NULL)
        return fail(s, 201, 16, 4, "Procedure or function '%s' expects parameter '%s', which was not supplied.",
                    c->name, "@table_name");
    if (q != NULL && q[0] != '\0' && (c->sdb = session_db(s, q)) == NULL)
        return fail(s, 15250, 16, 1,
                    "The database name component of the object qualifier must be the name of the current database.");
    if (!session_catalog(s, c->sdb) || !send_columns(s, cols, 8)) return false;
    const cat_table_t *t = catalog_table(c->sdb->cat, owner != NULL && owner[0] != '\0' ? owner : "dbo", name);
    bool version = kind != NULL && name_eq(kind, "V");
    const cat_index_t *key = t != NULL && !version ? row_identifier(t) : NULL;
    for (int i = 0; key != NULL && i < key->ncols; i++, rows++)
        if (!send_column(c, table_column_id(t, key->cols[i]), scope != NULL ? scope : "T", false)) return false;
    for (size_t i = 0; t != NULL && version && i < t->ncols; i++) {
        if (t->cols[i].type.base != SIM_T_TIMESTAMP) continue;
        if (!send_column(c, &t->cols[i], "", true)) return false;
        rows++;
    }
    s->rowcount = (int64_t)rows;
    return send_done(s, SIM_DONE_INPROC, !s->nocount, rows, false, 0xC1);
}
