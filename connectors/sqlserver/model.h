/* model.h: a table as Debezium models it: what the schema history stores and Connect schemas are made from.
 * Threads    task thread.
 * Ownership  everything lives in the arena the table was made in; tables are immutable once they are published.
 * Units      positions count from 1. */
#ifndef SQLSERVER_MODEL_H
#define SQLSERVER_MODEL_H

#include "plugins/api/connectd_plugin.h"

/** java.sql.Types, as the Microsoft driver reports them. */
enum jdbc_type {
    JDBC_BIT = -7,
    JDBC_TINYINT = -6,
    JDBC_BIGINT = -5,
    JDBC_LONGVARBINARY = -4,
    JDBC_VARBINARY = -3,
    JDBC_BINARY = -2,
    JDBC_LONGVARCHAR = -1,
    JDBC_CHAR = 1,
    JDBC_NUMERIC = 2,
    JDBC_DECIMAL = 3,
    JDBC_INTEGER = 4,
    JDBC_SMALLINT = 5,
    JDBC_FLOAT = 6,
    JDBC_REAL = 7,
    JDBC_DOUBLE = 8,
    JDBC_VARCHAR = 12,
    JDBC_DATE = 91,
    JDBC_TIME = 92,
    JDBC_TIMESTAMP = 93,
    JDBC_NCHAR = -15,
    JDBC_NVARCHAR = -9,
    JDBC_LONGNVARCHAR = -16,
    JDBC_DATETIMEOFFSET = -155,
    JDBC_SQL_VARIANT = -150
};

#define MODEL_UNSET INT32_MIN

typedef struct column {
    const char *name, *type_name;
    int32_t jdbc_type;
    int32_t length, scale; /* MODEL_UNSET without one */
    int32_t position;
    bool optional, auto_incremented, generated;
    bool has_default;
    const char *default_expr; /* as the server stores it; NULL without one */
} column_t;

typedef struct table {
    const char *db, *schema, *name;
    const char *id;     /* db.schema.table */
    const char *quoted; /* "db"."schema"."table" */
    uint32_t ncolumns, nkey;
    column_t *columns;
    const char **key; /* column names of the primary key or its substitute */
} table_t;

/** A table without columns; the names are copied. */
table_t *table_new(cd_arena_t *arena, const char *db, const char *schema, const char *name);

/** Same columns (in all that is stored of them) and same key. */
bool table_equal(const table_t *a, const table_t *b);

/** Index of a column, or -1. */
int32_t table_column(const table_t *t, const char *name);

/** Fill type, length, scale from the catalogue's numbers (sys.columns); `type_name` is the type's name without the
 *  identity suffix. @return false for a system type that is not known: the column is ignored with a warning */
bool column_set_type(column_t *c, cd_arena_t *arena, const char *type_name, int32_t system_type, int32_t max_length,
                     int32_t precision, int32_t scale);

/** Text that a user may filter and mask. */
bool column_is_text(const column_t *c);

#endif
