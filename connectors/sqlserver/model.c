#include "connectors/sqlserver/model.h"

#define SIZE_MAX_TYPE 2147483647

table_t *table_new(cd_arena_t *arena, const char *db, const char *schema, const char *name)
{
    table_t *t = cd_arena_new(arena, table_t);
    t->db = cd_arena_strdup(arena, db);
    t->schema = cd_arena_strdup(arena, schema);
    t->name = cd_arena_strdup(arena, name);
    t->id = cd_arena_printf(arena, "%s.%s.%s", db, schema, name);
    t->quoted = cd_arena_printf(arena, "\"%s\".\"%s\".\"%s\"", db, schema, name);
    return t;
}

static bool text_equal(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

bool table_equal(const table_t *a, const table_t *b)
{
    if (a->ncolumns != b->ncolumns || a->nkey != b->nkey || strcmp(a->id, b->id) != 0) return false;
    for (uint32_t i = 0; i < a->nkey; i++) {
        if (strcmp(a->key[i], b->key[i]) != 0) return false;
    }
    for (uint32_t i = 0; i < a->ncolumns; i++) {
        const column_t *x = &a->columns[i], *y = &b->columns[i];
        if (strcmp(x->name, y->name) != 0 || !text_equal(x->type_name, y->type_name) || x->jdbc_type != y->jdbc_type ||
            x->length != y->length || x->scale != y->scale || x->position != y->position ||
            x->optional != y->optional || x->auto_incremented != y->auto_incremented || x->generated != y->generated ||
            x->has_default != y->has_default || !text_equal(x->default_expr, y->default_expr))
            return false;
    }
    return true;
}

int32_t table_column(const table_t *t, const char *name)
{
    for (uint32_t i = 0; i < t->ncolumns; i++) {
        if (strcmp(t->columns[i].name, name) == 0) return (int32_t)i;
    }
    return -1;
}

typedef enum size_rule {
    SIZE_FIXED,     /* length as in the row below */
    SIZE_PRECISION, /* length = precision, scale = scale */
    SIZE_BYTES,     /* length = max_length, -1 means max */
    SIZE_CHARS,     /* as SIZE_BYTES in two-byte units */
    SIZE_TIME       /* text width plus 1 + scale when there is a fraction; scale = scale */
} size_rule_t;

typedef struct type_row {
    int32_t system_type, jdbc_type;
    size_rule_t rule;
    int32_t length, scale;
} type_row_t;

/* system_type_id of sys.columns -> what sp_columns and the Microsoft driver make of it. */
static const type_row_t type_rows[] = {
    {34, JDBC_LONGVARBINARY, SIZE_FIXED, SIZE_MAX_TYPE, MODEL_UNSET}, /* image */
    {35, JDBC_LONGVARCHAR, SIZE_FIXED, SIZE_MAX_TYPE, MODEL_UNSET},   /* text */
    {36, JDBC_CHAR, SIZE_FIXED, 36, MODEL_UNSET},                     /* uniqueidentifier */
    {40, JDBC_DATE, SIZE_FIXED, 10, 0},
    {41, JDBC_TIME, SIZE_TIME, 8, 0},
    {42, JDBC_TIMESTAMP, SIZE_TIME, 19, 0},      /* datetime2 */
    {43, JDBC_DATETIMEOFFSET, SIZE_TIME, 26, 0}, /* datetimeoffset */
    {48, JDBC_TINYINT, SIZE_FIXED, 3, 0},
    {52, JDBC_SMALLINT, SIZE_FIXED, 5, 0},
    {56, JDBC_INTEGER, SIZE_FIXED, 10, 0},
    {58, JDBC_TIMESTAMP, SIZE_FIXED, 16, 0}, /* smalldatetime */
    {59, JDBC_REAL, SIZE_FIXED, 24, MODEL_UNSET},
    {60, JDBC_DECIMAL, SIZE_FIXED, 19, 4},   /* money */
    {61, JDBC_TIMESTAMP, SIZE_FIXED, 23, 3}, /* datetime */
    {62, JDBC_DOUBLE, SIZE_FIXED, 53, MODEL_UNSET},
    {98, JDBC_SQL_VARIANT, SIZE_FIXED, SIZE_MAX_TYPE, MODEL_UNSET},
    {99, JDBC_LONGNVARCHAR, SIZE_FIXED, 1073741823, MODEL_UNSET}, /* ntext */
    {104, JDBC_BIT, SIZE_FIXED, 1, MODEL_UNSET},
    {106, JDBC_DECIMAL, SIZE_PRECISION, 0, 0},
    {108, JDBC_NUMERIC, SIZE_PRECISION, 0, 0},
    {122, JDBC_DECIMAL, SIZE_FIXED, 10, 4}, /* smallmoney */
    {127, JDBC_BIGINT, SIZE_FIXED, 19, 0},
    {165, JDBC_VARBINARY, SIZE_BYTES, 0, MODEL_UNSET},
    {167, JDBC_VARCHAR, SIZE_BYTES, 0, MODEL_UNSET},
    {173, JDBC_BINARY, SIZE_BYTES, 0, MODEL_UNSET},
    {175, JDBC_CHAR, SIZE_BYTES, 0, MODEL_UNSET},
    {189, JDBC_BINARY, SIZE_FIXED, 8, MODEL_UNSET}, /* rowversion */
    {231, JDBC_NVARCHAR, SIZE_CHARS, 0, MODEL_UNSET},
    {239, JDBC_NCHAR, SIZE_CHARS, 0, MODEL_UNSET},
    {240, JDBC_VARBINARY, SIZE_BYTES, 0, MODEL_UNSET},                /* CLR types */
    {241, JDBC_LONGNVARCHAR, SIZE_FIXED, SIZE_MAX_TYPE, MODEL_UNSET}, /* xml */
};

bool column_set_type(column_t *c, cd_arena_t *arena, const char *type_name, int32_t system_type, int32_t max_length,
                     int32_t precision, int32_t scale)
{
    const type_row_t *row = NULL;
    for (size_t i = 0; i < sizeof(type_rows) / sizeof(type_rows[0]); i++) {
        if (type_rows[i].system_type == system_type) row = &type_rows[i];
    }
    if (row == NULL) return false;
    c->jdbc_type = row->jdbc_type;
    c->length = row->length;
    c->scale = row->scale;
    switch (row->rule) {
    case SIZE_FIXED:
        break;
    case SIZE_PRECISION:
        c->length = precision;
        c->scale = scale;
        break;
    case SIZE_BYTES:
    case SIZE_CHARS:
        c->length = max_length <= 0 ? SIZE_MAX_TYPE : row->rule == SIZE_CHARS ? max_length / 2 : max_length;
        break;
    case SIZE_TIME:
        c->length = scale > 0 ? row->length + 1 + scale : row->length;
        c->scale = scale;
        break;
    }
    /* sp_columns shows identity columns with a suffix, and Debezium keeps it. */
    bool parens = system_type == 106 || system_type == 108;
    c->type_name = c->auto_incremented ? cd_arena_printf(arena, "%s%s identity", type_name, parens ? "()" : "")
                                       : cd_arena_strdup(arena, type_name);
    return true;
}

bool column_is_text(const column_t *c)
{
    switch (c->jdbc_type) {
    case JDBC_CHAR:
    case JDBC_VARCHAR:
    case JDBC_LONGVARCHAR:
    case JDBC_NCHAR:
    case JDBC_NVARCHAR:
    case JDBC_LONGNVARCHAR:
        return true;
    default:
        return false;
    }
}
