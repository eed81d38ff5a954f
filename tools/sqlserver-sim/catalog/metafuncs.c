/* metafuncs.c: helpers the catalog views call inside SQLite. */
#include <string.h>

#include "catalog/metafuncs.h"
#include "catalog/types.h"
#include "util/mem.h"

/* sf_meta_type(packed type, what): 0 system_type_id, 1 max_length, 2 precision, 3 scale */
static void meta_type(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
    (void)argc;
    sim_typeinfo_t t = type_unpack(sqlite3_value_int64(argv[0]));
    switch (sqlite3_value_int(argv[1])) {
    case 0:
        sqlite3_result_int(ctx, type_row(t.base)->system_type_id);
        return;
    case 1:
        sqlite3_result_int(ctx, type_max_length(&t));
        return;
    case 2:
        sqlite3_result_int(ctx, type_precision(&t));
        return;
    default:
        sqlite3_result_int(ctx, type_scale(&t));
        return;
    }
}

/* sf_meta_rows(object id, data file, change file, is in the change file): number of rows */
static void meta_rows(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
    (void)argc;
    sqlite3_stmt *st = NULL;
    char *sql =
        sqlite3_mprintf("SELECT count(*) FROM %s.o%d",
                        sqlite3_value_text(argv[sqlite3_value_int(argv[3]) != 0 ? 2 : 1]), sqlite3_value_int(argv[0]));
    int64_t n = 0;
    if (sqlite3_prepare_v2(sqlite3_context_db_handle(ctx), sql, -1, &st, NULL) == SQLITE_OK &&
        sqlite3_step(st) == SQLITE_ROW)
        n = sqlite3_column_int64(st, 0);
    sqlite3_finalize(st);
    sqlite3_free(sql);
    sqlite3_result_int64(ctx, n);
}

bool metafuncs_register(sqlite3 *sq)
{
    return sqlite3_create_function(sq, "sf_meta_type", 2, SQLITE_UTF8 | SQLITE_DETERMINISTIC, NULL, meta_type, NULL,
                                   NULL) == SQLITE_OK &&
           sqlite3_create_function(sq, "sf_meta_rows", 4, SQLITE_UTF8, NULL, meta_rows, NULL, NULL) == SQLITE_OK;
}
