/* connectors/postgres/civil.h: the proleptic Gregorian calendar as day numbers (0 is 1970-01-01). Pure and total: any
 * int64 day number below about 10^15 works. */
#ifndef POSTGRES_CIVIL_H
#define POSTGRES_CIVIL_H

#include <stdint.h>

typedef struct civil {
    int64_t year; /* astronomical: 0 is 1 BC */
    int month, day;
} civil_t;

static inline int64_t civil_floor_div(int64_t a, int64_t b)
{
    int64_t q = a / b;
    return a % b < 0 ? q - 1 : q;
}

static inline int64_t civil_floor_mod(int64_t a, int64_t b)
{
    int64_t r = a % b;
    return r < 0 ? r + b : r;
}

/** Day number of a date; a 400 year era has 146097 days, and years begin in March so that the leap day comes last. */
static inline int64_t civil_days(int64_t year, int month, int day)
{
    if (month <= 2) year--;
    int64_t era = civil_floor_div(year, 400);
    int64_t year_of_era = year - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

static inline civil_t civil_from_days(int64_t days)
{
    days += 719468;
    int64_t era = civil_floor_div(days, 146097);
    int64_t day_of_era = days - era * 146097;
    int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int shifted = (int)((5 * day_of_year + 2) / 153);
    civil_t c = {.year = year_of_era + era * 400,
                 .month = shifted + (shifted < 10 ? 3 : -9),
                 .day = (int)(day_of_year - (153 * shifted + 2) / 5) + 1};
    if (c.month <= 2) c.year++;
    return c;
}

static inline int civil_month_days(int64_t year, int month)
{
    return (int)((month == 12 ? civil_days(year + 1, 1, 1) : civil_days(year, month + 1, 1)) -
                 civil_days(year, month, 1));
}

#endif
