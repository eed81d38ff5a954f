/* datetime.h: proleptic Gregorian calendar, SQL Server text forms.
 * Units  days since 0001-01-01, ticks of 100 ns since midnight, offsets in minutes.
 */
#ifndef SIM_DATETIME_H
#define SIM_DATETIME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DT_DAY_TICKS INT64_C(864000000000)
#define DT_DAYS_1900 693595
#define DT_DAYS_1970 719162
#define DT_DAYS_MAX  3652058

typedef struct dt_parts {
    int year, month, day;
    int hour, minute, second;
    int64_t fraction; /* ticks below the second */
} dt_parts_t;

int32_t dt_days(int year, int month, int day);
void dt_civil(int32_t days, int *ret_year, int *ret_month, int *ret_day);
int dt_month_days(int year, int month);
void dt_split(int32_t days, int64_t ticks, dt_parts_t *ret_parts);

typedef struct dt_parsed {
    bool has_date, has_time, has_offset;
    bool impossible; /* well-formed, but no such day or time: set although dt_parse() fails */
    int32_t days;
    int64_t ticks; /* local */
    int offset;
    int frac_digits;
} dt_parsed_t;

/** Understands ISO 8601 with T or blank, yyyymmdd, m/d/yyyy, yyyy/mm/dd, yyyy.mm.dd, "Mon d yyyy", hh:mm[:ss[.f]]
 *  [AM|PM], and a trailing Z or +hh:mm. */
bool dt_parse(const char *s, size_t len, dt_parsed_t *ret_parsed);

size_t dt_format_date(int32_t days, char *out);
size_t dt_format_time(int64_t ticks, int scale, char *out);
size_t dt_format_offset(int offset, char *out);

/** Rounds ticks half up to the scale; may return DT_DAY_TICKS (next day). */
int64_t dt_round(int64_t ticks, int scale);

#endif
