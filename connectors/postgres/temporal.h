/* connectors/postgres/temporal.h: points in time between Connect's forms (numbers and ISO texts) and PostgreSQL's.
 *
 * Threads    pure functions.
 * Errors     a value out of the target's range gives a conv_err_t with PostgreSQL's SQLSTATE and wording.
 * Units      microseconds and seconds since 1970 unless named otherwise; offsets are seconds east of UTC. */
#ifndef POSTGRES_TEMPORAL_H
#define POSTGRES_TEMPORAL_H

#include "connectors/postgres/tz.h"
#include "connectors/postgres/wire.h"

/** Why a value cannot be stored: worded as the server words it, so that retry and dead letter logic is the same. */
typedef struct conv_err {
    char sqlstate[6];
    char text[250];
} conv_err_t;

CD_PRINTF(3, 4) bool conv_fail(conv_err_t *err, const char *sqlstate, const char *fmt, ...); /* always false */

/** A moment, or for pure times a duration since midnight in wall_us. */
typedef struct temporal {
    int64_t wall_us;    /* what a clock on the wall showed */
    int64_t instant_us; /* the same moment in UTC */
    int32_t offset_s;   /* for timetz */
    int8_t infinity;    /* -1, 0 or 1; when not 0 the rest is void */
} temporal_t;

enum temporal_target { TEMPORAL_DATE, TEMPORAL_TIME, TEMPORAL_TIMETZ, TEMPORAL_TIMESTAMP, TEMPORAL_TIMESTAMPTZ };

/** What an ISO-8601 text holds. */
typedef struct iso_text {
    bool has_date, has_time, has_offset;
    int8_t infinity;
    int64_t days, us; /* of the epoch, of the day (may be one whole day after rounding) */
    int32_t offset_s;
} iso_text_t;

/** Read [date][T][time][offset]: years with sign or more digits, up to nine fraction digits (rounded half up to
 *  microseconds), offsets Z, +hh, +hh:mm, +hhmm, +hh:mm:ss. @return false when it is none of this */
bool iso_text_parse(const char *s, size_t len, iso_text_t *ret_iso);

/** Nanoseconds to microseconds: half up on the floor, so -1 ns is 0 and -501 ns is -1. */
static inline int64_t temporal_ns_to_us(int64_t ns)
{
    int64_t us = ns / 1000, rest = ns % 1000;
    if (rest < 0) {
        rest += 1000;
        us--;
    }
    return rest >= 500 ? us + 1 : us;
}

/** A wall clock without a zone, to be read in zone `tz` where an instant is asked for. */
temporal_t temporal_of_wall(int64_t wall_us, const tz_t *tz);
/** An instant, shown on the wall clock of zone `tz`. */
temporal_t temporal_of_instant(int64_t instant_us, const tz_t *tz);

/** Append `t` as a field of the target type. A TIME target takes the time of day of wall_us. */
bool temporal_put(wire_buf_t *b, enum temporal_target target, const temporal_t *t, conv_err_t *err);
/** Append a time of day that is not part of a date: 0 to 24:00 inclusive, for TIME and TIMETZ. */
bool temporal_put_time(wire_buf_t *b, enum temporal_target target, int64_t us, int32_t offset_s, conv_err_t *err);
/** Append a date field. */
bool temporal_put_date(wire_buf_t *b, int64_t days, conv_err_t *err);
/** Append an interval field. */
void temporal_put_interval(wire_buf_t *b, int64_t us, int32_t days, int32_t months);

enum temporal_style { TEMPORAL_STYLE_DATE, TEMPORAL_STYLE_TIME, TEMPORAL_STYLE_TIMESTAMP };

#define TEMPORAL_TEXT_MAX 64

/** The text the JDBC driver sends: wall clock, fraction without trailing zeros, offset, " BC". @return its length */
size_t temporal_text(char out[TEMPORAL_TEXT_MAX], enum temporal_style style, const temporal_t *t, bool with_offset);

/** Interval from "P1Y2M3DT4H5M6.78S"; weeks and signs too. */
bool temporal_parse_interval(const char *s, size_t len, int64_t *ret_us, int32_t *ret_days, int32_t *ret_months);

#endif
