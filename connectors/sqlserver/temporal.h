/* temporal.h: calendar arithmetic and ISO texts for SQL Server's time types.
 * Threads    any; pure.   Ownership  texts go into the caller's buffer of TEMPORAL_TEXT bytes.
 * Units      days since 1970-01-01 (proleptic Gregorian), ticks of 100 ns since midnight, offsets in minutes. */
#ifndef SQLSERVER_TEMPORAL_H
#define SQLSERVER_TEMPORAL_H

#include "plugins/api/connectd_plugin.h"

#define TEMPORAL_TEXT    48
#define TICKS_PER_SECOND INT64_C(10000000)
#define TICKS_PER_DAY    (INT64_C(86400) * TICKS_PER_SECOND)
#define DAYS_1900        25567 /* 1900-01-01 is this many days before the epoch */

/** A wall-clock moment. For datetimeoffset days and ticks are UTC and offset says where the clock stood. */
typedef struct moment {
    int64_t days, ticks;
    int32_t offset;
} moment_t;

int64_t temporal_days(int64_t year, uint32_t month, uint32_t day);
void temporal_civil(int64_t days, int64_t *year, uint32_t *month, uint32_t *day);

/** `2018-07-13` / `13:23:45.78`: seconds always, fraction without trailing zeros. @return length */
size_t temporal_date_text(int64_t days, char *out);
size_t temporal_time_text(int64_t ticks, char *out);

/** ISO offset date-time of a moment with offset: `2018-07-13T12:23:45.456+11:00`, `Z` for zero. */
size_t temporal_zoned_text(const moment_t *m, char *out);

/** Milliseconds since the epoch, rounded towards the past. */
int64_t temporal_millis(const moment_t *m);

/** Read what a date or time default holds: [date][space or T][time][ offset]. Parts that are missing are 1900-01-01 and
 *  midnight. @return false when it is no such literal */
bool temporal_parse(const char *text, size_t len, moment_t *ret);

#endif
