/* gen_query.h: shared by the generator's files. Threads: the session's. */
#ifndef SIM_GEN_QUERY_H
#define SIM_GEN_QUERY_H

#include "gen/gen_table.h"

/** Columns of the table, the change table or the change function, with the value that every row has. @return count */
size_t gen_columns(const gen_table_t *g, gen_object_t what, gen_column_t ret_cols[GEN_COLUMNS_MAX]);

#endif
