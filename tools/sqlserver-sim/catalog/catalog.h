/* catalog.h: the objects of one database as a session sees them, read from the _sim_* tables of its SQLite file.
 * Threads    one session (or the capture thread) owns a catalog.
 * Ownership  everything lives in the catalog's arena until catalog_free().
 */
#ifndef SIM_CATALOG_H
#define SIM_CATALOG_H

#include <sqlite3.h>

#include "catalog/types.h"

typedef struct cat_column {
    int id;
    const char *name;
    sim_typeinfo_t type;
    bool identity, computed, hidden;
    int64_t seed, incr;
    const char *dflt, *dflt_name; /* normalised text; NULL = none */
    int dflt_id;
    const char *computed_text, *collation;
} cat_column_t;

typedef struct cat_index {
    int id, type; /* 1 clustered, 2 nonclustered */
    const char *name;
    bool unique, pk, uq;
    int constraint_id;
    int ncols;
    int *cols; /* column ids in key order */
    bool *desc;
} cat_index_t;

typedef struct cat_fk {
    int id, table_id, ref_id, ncols, on_delete, on_update;
    const char *name;
    int *cols, *ref_cols;
    bool disabled;
} cat_fk_t;

typedef struct cat_check {
    int id;
    const char *name, *text;
    bool disabled;
} cat_check_t;

typedef struct cat_table {
    int id, schema_id;
    const char *name, *schema;
    const char *storage; /* qualified SQLite name */
    bool ms_shipped, tracked, in_cdc, temp;
    int64_t created, modified; /* datetime keys as stored */
    size_t ncols, nindexes, nchecks;
    cat_column_t *cols;
    cat_index_t *indexes;
    cat_check_t *checks;
    int max_column_id;
} cat_table_t;

typedef struct cat_module {
    int id, schema_id;
    const char *name, *schema, *body;
    char type; /* 'P', 'V' */
} cat_module_t;

typedef struct cat_instance { /* a CDC capture instance */
    const char *name, *role, *index_name, *filegroup;
    int ct_id, source_id;
    uint8_t start_lsn[10];
    bool has_start, net, partition_switch;
    size_t ncols;
    int *cols; /* source column ids in captured order */
    sim_typeinfo_t *types;
    size_t nkeys;
    int *keys; /* source column ids */
} cat_instance_t;

typedef struct cat_schema {
    int id;
    const char *name;
} cat_schema_t;

typedef struct catalog {
    arena_t arena;
    int64_t version;
    bool cdc;
    cat_schema_t *schemas;
    size_t nschemas;
    cat_table_t *tables;
    size_t ntables;
    cat_fk_t *fks;
    size_t nfks;
    cat_module_t *modules;
    size_t nmodules;
    cat_instance_t *instances;
    size_t ninstances;
} catalog_t;

/** Creates the _sim_* tables of a new database in the attached files `d` (data) and `x` (change data). */
bool catalog_create(sqlite3 *sq, const char *d, const char *x);
/** Version of the stored catalog, -1 when it cannot be read. */
int64_t catalog_version(sqlite3 *sq, const char *d);
/** @return NULL when SQLite fails */
catalog_t *catalog_load(sqlite3 *sq, const char *d, const char *x);
void catalog_free(catalog_t *cat);

cat_table_t *catalog_table(const catalog_t *cat, const char *schema, const char *name);
cat_table_t *catalog_table_id(const catalog_t *cat, int id);
const cat_module_t *catalog_module(const catalog_t *cat, const char *schema, const char *name, char type);
const cat_schema_t *catalog_schema(const catalog_t *cat, const char *name);
const cat_schema_t *catalog_schema_id(const catalog_t *cat, int id);
const cat_instance_t *catalog_instance(const catalog_t *cat, const char *name);
cat_column_t *table_column(const cat_table_t *t, const char *name);
cat_column_t *table_column_id(const cat_table_t *t, int id);
const cat_index_t *table_pk(const cat_table_t *t);
bool index_has(const cat_index_t *ix, int col_id);

#define CATALOG_COLLATION "SQL_Latin1_General_CP1_CI_AS"

#endif
