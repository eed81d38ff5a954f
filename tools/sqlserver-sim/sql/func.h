/* func.h: one row per built-in scalar function. Threads: rows are constant; implementations run on the session's thread. */
#ifndef SIM_FUNC_H
#define SIM_FUNC_H

#include "sql/bind.h"

/* sig: one letter per argument, the last repeats: s string, i int, l bigint, f float, a any, p date part, t date or time,
 *      b varbinary, n numeric (anything else becomes float)
 * ret: i int, l bigint, t smallint, n nvarchar(128), d datetime, 2 datetime2(7), o datetimeoffset(7), 0 as argument 1,
 *      2nd letter rules in func_table.c; S string of argument 1's family (max 8000), f float, g uniqueidentifier,
 *      v sql_variant, b varbinary(8000), B binary(10), N nvarchar(4000) */
typedef struct func_row {
    const char *name;
    int min, max;
    const char *sig;
    char ret;
    fn_impl_t impl;
    bool null_in_null_out; /* any NULL argument gives NULL without a call */
    bool volatile_;        /* not constant within a statement */
} func_row_t;

extern const func_row_t func_text_rows[], func_date_rows[], func_meta_rows[]; /* end with name NULL */

enum {
    DP_YEAR,
    DP_QUARTER,
    DP_MONTH,
    DP_DAYOFYEAR,
    DP_DAY,
    DP_WEEK,
    DP_WEEKDAY,
    DP_HOUR,
    DP_MINUTE,
    DP_SECOND,
    DP_MS,
    DP_US,
    DP_NS,
    DP_TZ,
    DP_ISOWEEK,
    DP_COUNT
};
int date_part(const char *word); /* -1 = unknown */

#endif
