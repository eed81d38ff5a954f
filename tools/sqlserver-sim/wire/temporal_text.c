/* wire/temporal_text.c: see temporal_text.h */
#include "wire/temporal_text.h"

#include <stdio.h>

#define TICKS_PER_DAY INT64_C(864000000000)

typedef struct civil {
    int year, month, day;
} civil_t;

/* Proleptic Gregorian date of a day number counted from 0001-01-01, by whole 400-year eras that start in March. */
static civil_t civil_from_days(int64_t days)
{
    int64_t z = days + 306; /* days since 0000-03-01 */
    int64_t era = z / 146097, doe = z % 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    int64_t mp = (5 * doy + 2) / 153;
    int month = (int)(mp < 10 ? mp + 3 : mp - 9);
    return (civil_t){
        .year = (int)(yoe + era * 400 + (month <= 2)), .month = month, .day = (int)(doy - (153 * mp + 2) / 5 + 1)};
}

size_t temporal_text(char text[TEMPORAL_TEXT_MAX + 1], const sim_typeinfo_t *type, const sim_value_t *value)
{
    static const int64_t per_unit[8] = {10000000, 1000000, 100000, 10000, 1000, 100, 10, 1};
    int64_t days = value->u.t.days, ticks = value->u.t.ticks;
    int offset = value->u.t.offset;
    if (type->base == SIM_T_DATETIMEOFFSET) {
        ticks += offset * INT64_C(600000000);
        days += (ticks < 0 ? -1 : 0) + (ticks >= TICKS_PER_DAY ? 1 : 0);
        ticks = (ticks + TICKS_PER_DAY) % TICKS_PER_DAY;
    }
    char date[32] = "", clock[48] = "", zone[24] = "";
    if (type->base != SIM_T_TIME) {
        civil_t c = civil_from_days(days < 0 ? 0 : days);
        snprintf(date, sizeof(date), "%04d-%02d-%02d", c.year, c.month, c.day);
    }
    if (type->base != SIM_T_DATE) {
        int64_t seconds = ticks / 10000000;
        unsigned scale = type->scale & 7;
        int n = snprintf(clock, sizeof(clock), "%s%02d:%02d:%02d", date[0] != '\0' ? " " : "",
                         (int)(seconds / 3600 % 24), (int)(seconds / 60 % 60), (int)(seconds % 60));
        if (scale > 0)
            snprintf(clock + n, sizeof(clock) - (size_t)n, ".%0*d", (int)scale,
                     (int)(ticks % 10000000 / per_unit[scale]));
    }
    if (type->base == SIM_T_DATETIMEOFFSET)
        snprintf(zone, sizeof(zone), " %c%02d:%02d", offset < 0 ? '-' : '+', (offset < 0 ? -offset : offset) / 60 % 100,
                 (offset < 0 ? -offset : offset) % 60);
    int len = snprintf(text, TEMPORAL_TEXT_MAX + 1, "%s%s%s", date, clock, zone);
    return len < 0 ? 0 : len > TEMPORAL_TEXT_MAX ? TEMPORAL_TEXT_MAX : (size_t)len;
}
