#include "connectors/postgres/table_def.h"

#include <strings.h>

static const char find_sql[] =
    "SELECT c.oid, c.relkind, c.relhasrules OR c.relrowsecurity, $2::text IS NULL OR $2 = current_database()"
    " FROM pg_catalog.pg_class c WHERE c.oid = pg_catalog.to_regclass($1)";

/* Attributes that younger servers added are read through jsonb, so that one text serves all versions. Arrays: the
 * element's row is joined; a domain is followed down to its base. */
static const char columns_sql[] =
    "WITH RECURSIVE cols AS ("
    " SELECT a.attnum, a.attname, a.atttypid AS declared, a.atttypmod, a.atttypid AS base,"
    "  coalesce(to_jsonb(a) ->> 'attidentity', '') || coalesce(to_jsonb(a) ->> 'attgenerated', '') AS special,"
    "  coalesce((SELECT (to_jsonb(n) ->> 'collisdeterministic')::bool FROM pg_catalog.pg_collation n"
    "   WHERE n.oid = a.attcollation), true) AS deterministic"
    " FROM pg_catalog.pg_attribute a WHERE a.attrelid = $1::oid AND a.attnum > 0 AND NOT a.attisdropped"
    " UNION ALL"
    " SELECT c.attnum, c.attname, c.declared, CASE WHEN c.atttypmod >= 0 THEN c.atttypmod ELSE t.typtypmod END,"
    "  t.typbasetype, c.special, c.deterministic"
    " FROM cols c JOIN pg_catalog.pg_type t ON t.oid = c.base WHERE t.typtype = 'd')"
    " SELECT c.attname, d.typname, b.oid, b.typname, b.typarray, c.atttypmod, b.oid <> d.oid, c.special,"
    "  c.deterministic, pg_catalog.format_type(b.oid, -1), e.oid, e.typname, e.typarray,"
    "  pg_catalog.format_type(e.oid, -1)"
    " FROM cols c JOIN pg_catalog.pg_type d ON d.oid = c.declared"
    " JOIN pg_catalog.pg_type b ON b.oid = c.base AND b.typtype <> 'd'"
    " LEFT JOIN pg_catalog.pg_type e ON e.oid = b.typelem AND b.typlen = -1 AND e.typarray = b.oid"
    " ORDER BY c.attnum";

enum {
    COL_NAME,
    COL_TYPE,
    COL_OID,
    COL_BASE_NAME,
    COL_ARRAY,
    COL_TYPMOD,
    COL_DOMAIN,
    COL_SPECIAL,
    COL_DETERMINISTIC,
    COL_SQL_NAME,
    COL_ELEMENT,
    COL_ELEMENT_NAME,
    COL_ELEMENT_ARRAY,
    COL_ELEMENT_SQL
};

static uint32_t get_oid(const PGresult *res, int row, int col)
{
    return (uint32_t)strtoul(PQgetvalue(res, row, col), NULL, 10);
}

static bool get_bool(const PGresult *res, int row, int col)
{
    return PQgetvalue(res, row, col)[0] == 't';
}

static pg_type_t read_type(const PGresult *res, int row, cd_arena_t *arena)
{
    bool is_array = !PQgetisnull(res, row, COL_ELEMENT);
    pg_type_t type = {.oid = get_oid(res, row, COL_OID),
                      .array_oid = get_oid(res, row, COL_ARRAY),
                      .is_domain = get_bool(res, row, COL_DOMAIN),
                      .deterministic = get_bool(res, row, COL_DETERMINISTIC),
                      .typmod = (int32_t)strtol(PQgetvalue(res, row, COL_TYPMOD), NULL, 10),
                      .name = cd_arena_strdup(arena, PQgetvalue(res, row, COL_TYPE)),
                      .sql_name = cd_arena_strdup(arena, PQgetvalue(res, row, COL_SQL_NAME))};
    type.family = (uint8_t)pg_type_family(type.oid, PQgetvalue(res, row, COL_BASE_NAME), is_array);
    if (!is_array) return type;
    pg_type_t *element = cd_arena_new(arena, pg_type_t);
    *element = (pg_type_t){.oid = get_oid(res, row, COL_ELEMENT),
                           .array_oid = get_oid(res, row, COL_ELEMENT_ARRAY),
                           .deterministic = true,
                           .typmod = -1,
                           .name = cd_arena_strdup(arena, PQgetvalue(res, row, COL_ELEMENT_NAME)),
                           .sql_name = cd_arena_strdup(arena, PQgetvalue(res, row, COL_ELEMENT_SQL))};
    element->family = (uint8_t)pg_type_family(element->oid, element->name, false);
    type.element = element;
    return type;
}

static uint8_t kind_of(char relkind)
{
    return relkind == 'r'   ? TABLE_KIND_TABLE
           : relkind == 'p' ? TABLE_KIND_PARTITIONED
           : relkind == 'v' ? TABLE_KIND_VIEW
                            : 0;
}

static enum pg_status load_columns(pg_conn_t *c, const char *oid, cd_arena_t *arena, table_def_t *def)
{
    PGresult *res;
    const char *params[] = {oid};
    enum pg_status st = pg_query(c, columns_sql, 1, params, &res);
    if (st != PG_OK) return st;
    int n = PQntuples(res);
    def->columns = cd_arena_array(arena, column_t, n + 1);
    def->ncolumns = (uint32_t)n;
    for (int i = 0; i < n; i++) {
        def->columns[i] = (column_t){cd_arena_strdup(arena, PQgetvalue(res, i, COL_NAME)), read_type(res, i, arena)};
        if (PQgetvalue(res, i, COL_SPECIAL)[0] != '\0') def->plain = false;
    }
    PQclear(res);
    return PG_OK;
}

enum pg_status table_def_load(pg_conn_t *c, const table_id_t *id, uint32_t kinds, bool quote, cd_arena_t *arena,
                              table_def_t *ret_def)
{
    *ret_def = (table_def_t){0};
    const char *name = identifier_sql(id->table, quote, arena);
    if (id->schema != NULL) name = cd_arena_printf(arena, "%s.%s", identifier_sql(id->schema, quote, arena), name);
    const char *params[] = {name, id->database};
    PGresult *res;
    enum pg_status st = pg_query(c, find_sql, 2, params, &res);
    if (st != PG_OK) return st;
    uint8_t kind = PQntuples(res) == 1 && get_bool(res, 0, 3) ? kind_of(PQgetvalue(res, 0, 1)[0]) : 0;
    if ((kind & kinds) == 0) {
        PQclear(res);
        return PG_OK;
    }
    table_def_t def = {.kind = kind, .plain = kind != TABLE_KIND_VIEW && !get_bool(res, 0, 2)};
    st = load_columns(c, PQgetvalue(res, 0, 0), arena, &def);
    PQclear(res);
    if (st == PG_OK) *ret_def = def;
    return st;
}

const column_t *table_def_column(const table_def_t *def, const char *name)
{
    const column_t *only = NULL;
    uint32_t similar = 0;
    for (uint32_t i = 0; i < def->ncolumns; i++) {
        if (strcmp(def->columns[i].name, name) == 0) return &def->columns[i];
        if (strcasecmp(def->columns[i].name, name) != 0) continue;
        only = &def->columns[i];
        similar++;
    }
    return similar == 1 ? only : NULL;
}

bool table_def_has(const table_def_t *def, const char *name)
{
    for (uint32_t i = 0; i < def->ncolumns; i++)
        if (strcasecmp(def->columns[i].name, name) == 0) return true;
    return false;
}
