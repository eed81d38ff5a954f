/* func_date.c: date and time functions. "Now" is the statement's time, read once from the server's clock. */
#include <stdlib.h>
#include <string.h>

#include "sql/func.h"
#include "util/datetime.h"

static const struct {
    const char *word;
    int part;
} parts[] = {
    {"year", DP_YEAR},       {"yy", DP_YEAR},
    {"yyyy", DP_YEAR},       {"quarter", DP_QUARTER},
    {"qq", DP_QUARTER},      {"q", DP_QUARTER},
    {"month", DP_MONTH},     {"mm", DP_MONTH},
    {"m", DP_MONTH},         {"dayofyear", DP_DAYOFYEAR},
    {"dy", DP_DAYOFYEAR},    {"y", DP_DAYOFYEAR},
    {"day", DP_DAY},         {"dd", DP_DAY},
    {"d", DP_DAY},           {"week", DP_WEEK},
    {"wk", DP_WEEK},         {"ww", DP_WEEK},
    {"weekday", DP_WEEKDAY}, {"dw", DP_WEEKDAY},
    {"w", DP_WEEKDAY},       {"hour", DP_HOUR},
    {"hh", DP_HOUR},         {"minute", DP_MINUTE},
    {"mi", DP_MINUTE},       {"n", DP_MINUTE},
    {"second", DP_SECOND},   {"ss", DP_SECOND},
    {"s", DP_SECOND},        {"millisecond", DP_MS},
    {"ms", DP_MS},           {"microsecond", DP_US},
    {"mcs", DP_US},          {"nanosecond", DP_NS},
    {"ns", DP_NS},           {"tzoffset", DP_TZ},
    {"tz", DP_TZ},           {"iso_week", DP_ISOWEEK},
    {"isowk", DP_ISOWEEK},   {"isoww", DP_ISOWEEK},
};

int date_part(const char *word)
{
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
        if (name_eq(parts[i].word, word)) return parts[i].part;
    return -1;
}

static bool now(fn_call_t *c, int offset)
{
    sim_typeinfo_t t = type_simple(SIM_T_DATETIMEOFFSET);
    int64_t utc = c->s->stmt_time;
    sim_value_t v = {0};
    v.u.t.days = (int32_t)(utc / DT_DAY_TICKS);
    v.u.t.ticks = utc % DT_DAY_TICKS;
    v.u.t.offset = (int16_t)offset;
    return value_convert(c->a, &t, &v, &c->ret_type, 0, 0, &c->ret, c->err);
}

static bool fn_now(fn_call_t *c)
{
    return now(c, c->s->server->utc_offset_min);
}
static bool fn_utcnow(fn_call_t *c)
{
    return now(c, 0);
}

/* Any date or time as local days and ticks plus offset. */
static bool split(fn_call_t *c, int arg, int64_t *ret_days, int64_t *ret_ticks, int *ret_offset)
{
    sim_typeinfo_t t = type_simple(SIM_T_DATETIMEOFFSET);
    sim_value_t v;
    if (!value_convert(c->a, &c->types[arg], &c->args[arg], &t, 0, 0, &v, c->err)) return false;
    int64_t all = (int64_t)v.u.t.days * DT_DAY_TICKS + v.u.t.ticks + (int64_t)v.u.t.offset * 600000000;
    *ret_days = all / DT_DAY_TICKS;
    *ret_ticks = all % DT_DAY_TICKS;
    *ret_offset = v.u.t.offset;
    return true;
}

static int week_of(fn_call_t *c, int64_t days, int year)
{
    int jan1 = dt_days(year, 1, 1), first = c->s->datefirst;
    int dow = (int)((jan1 + 1 - first + 14) % 7); /* 0001-01-01 is a Monday */
    if (dow < 0) dow += 7;
    return (int)((days - jan1 + dow) / 7) + 1;
}

static int iso_week(int64_t days)
{
    int64_t thursday = days - days % 7 + 3;
    int y, m, d;
    dt_civil((int32_t)thursday, &y, &m, &d);
    return (int)((thursday - dt_days(y, 1, 1)) / 7) + 1;
}

static bool part_value(fn_call_t *c, int part, int arg, int64_t *ret)
{
    int64_t days, ticks;
    int off;
    dt_parts_t p;
    if (!split(c, arg, &days, &ticks, &off)) return false;
    dt_split((int32_t)days, ticks, &p);
    switch (part) {
    case DP_YEAR:
        *ret = p.year;
        break;
    case DP_QUARTER:
        *ret = (p.month + 2) / 3;
        break;
    case DP_MONTH:
        *ret = p.month;
        break;
    case DP_DAYOFYEAR:
        *ret = days - dt_days(p.year, 1, 1) + 1;
        break;
    case DP_DAY:
        *ret = p.day;
        break;
    case DP_WEEK:
        *ret = week_of(c, days, p.year);
        break;
    case DP_WEEKDAY:
        *ret = (days + 1 - c->s->datefirst + 14) % 7 + 1;
        break;
    case DP_HOUR:
        *ret = p.hour;
        break;
    case DP_MINUTE:
        *ret = p.minute;
        break;
    case DP_SECOND:
        *ret = p.second;
        break;
    case DP_MS:
        *ret = c->types[arg].base == SIM_T_DATETIME ? (c->args[arg].u.t.ticks % 300 * 10 + 1) / 3 : p.fraction / 10000;
        break;
    case DP_US:
        *ret = p.fraction / 10;
        break;
    case DP_NS:
        *ret = p.fraction * 100;
        break;
    case DP_TZ:
        *ret = off;
        break;
    default:
        *ret = iso_week(days);
        break;
    }
    return true;
}

static bool fn_datepart(fn_call_t *c)
{
    int64_t v;
    if (!part_value(c, (int)c->args[0].u.i, 1, &v)) return false;
    c->ret = value_int(v);
    return true;
}

static bool one_part(fn_call_t *c, int part)
{
    int64_t v;
    if (!part_value(c, part, 0, &v)) return false;
    c->ret = value_int(v);
    return true;
}

static bool fn_year(fn_call_t *c)
{
    return one_part(c, DP_YEAR);
}
static bool fn_month(fn_call_t *c)
{
    return one_part(c, DP_MONTH);
}
static bool fn_day(fn_call_t *c)
{
    return one_part(c, DP_DAY);
}

static bool fn_datename(fn_call_t *c)
{
    static const char *const months[] = {"January", "February", "March",     "April",   "May",      "June",
                                         "July",    "August",   "September", "October", "November", "December"};
    static const char *const dows[] = {"Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"};
    int64_t v, days, ticks;
    int off, part = (int)c->args[0].u.i;
    if (!part_value(c, part, 1, &v) || !split(c, 1, &days, &ticks, &off)) return false;
    if (part == DP_MONTH)
        c->ret = value_str(months[v - 1]);
    else if (part == DP_WEEKDAY)
        c->ret = value_str(dows[days % 7]);
    else
        c->ret = value_str(arena_printf(c->a, "%lld", (long long)v));
    return true;
}

static bool out_of_range(fn_call_t *c)
{
    return sql_fail(c->a, c->err, 517, 16, 1, "Adding a value to a '%s' column caused an overflow.",
                    type_name(c->ret_type.base));
}

static bool fn_dateadd(fn_call_t *c)
{
    static const int64_t unit[DP_COUNT] = {
        [DP_HOUR] = 36000000000, [DP_MINUTE] = 600000000, [DP_SECOND] = 10000000, [DP_MS] = 10000, [DP_US] = 10};
    int part = (int)c->args[0].u.i;
    int64_t n = c->args[1].u.i, days, ticks;
    int off;
    if (!split(c, 2, &days, &ticks, &off)) return false;
    int y, m, d;
    switch (part) {
    case DP_YEAR:
    case DP_QUARTER:
    case DP_MONTH: {
        dt_civil((int32_t)days, &y, &m, &d);
        int64_t total = (int64_t)y * 12 + m - 1 + n * (part == DP_YEAR ? 12 : part == DP_QUARTER ? 3 : 1);
        y = (int)(total / 12);
        m = (int)(total % 12) + 1;
        if (total < 12 || y < 1 || y > 9999) return out_of_range(c);
        if (d > dt_month_days(y, m)) d = dt_month_days(y, m);
        days = dt_days(y, m, d);
        break;
    }
    case DP_DAY:
    case DP_DAYOFYEAR:
    case DP_WEEKDAY:
        days += n;
        break;
    case DP_WEEK:
        days += n * 7;
        break;
    case DP_NS:
        ticks += n / 100;
        break;
    default: {
        int64_t per_day = DT_DAY_TICKS / unit[part];
        days += n / per_day;
        ticks += n % per_day * unit[part];
    }
    }
    int64_t extra = ticks >= 0 ? ticks / DT_DAY_TICKS : -((-ticks + DT_DAY_TICKS - 1) / DT_DAY_TICKS);
    days += extra;
    ticks -= extra * DT_DAY_TICKS;
    if (days < 0 || days > DT_DAYS_MAX) return out_of_range(c);
    sim_typeinfo_t t = type_simple(SIM_T_DATETIMEOFFSET);
    int64_t utc = days * DT_DAY_TICKS + ticks - (int64_t)off * 600000000;
    sim_value_t v = {0};
    v.u.t.days = (int32_t)(utc / DT_DAY_TICKS);
    v.u.t.ticks = utc % DT_DAY_TICKS;
    v.u.t.offset = (int16_t)off;
    return value_convert(c->a, &t, &v, &c->ret_type, 0, 0, &c->ret, c->err);
}

static bool date_diff(fn_call_t *c, int64_t *ret)
{
    int part = (int)c->args[0].u.i, off;
    int64_t d1, t1, d2, t2;
    if (!split(c, 1, &d1, &t1, &off) || !split(c, 2, &d2, &t2, &off)) return false;
    int y1, m1, y2, m2, d;
    dt_civil((int32_t)d1, &y1, &m1, &d);
    dt_civil((int32_t)d2, &y2, &m2, &d);
    switch (part) {
    case DP_YEAR:
        *ret = y2 - y1;
        return true;
    case DP_QUARTER:
        *ret = (y2 * 4 + (m2 - 1) / 3) - (y1 * 4 + (m1 - 1) / 3);
        return true;
    case DP_MONTH:
        *ret = (y2 * 12 + m2) - (y1 * 12 + m1);
        return true;
    case DP_WEEK:
        *ret = (d2 + 1) / 7 - (d1 + 1) / 7;
        return true;
    case DP_DAY:
    case DP_DAYOFYEAR:
    case DP_WEEKDAY:
        *ret = d2 - d1;
        return true;
    default:
        break;
    }
    int64_t unit = part == DP_HOUR     ? 36000000000
                   : part == DP_MINUTE ? 600000000
                   : part == DP_SECOND ? 10000000
                   : part == DP_MS     ? 10000
                   : part == DP_US     ? 10
                                       : 1;
    int64_t a = (d1 * (DT_DAY_TICKS / unit)) + t1 / unit, b = (d2 * (DT_DAY_TICKS / unit)) + t2 / unit;
    *ret = (b - a) * (part == DP_NS ? 100 : 1);
    return true;
}

static bool fn_datediff(fn_call_t *c)
{
    int64_t v;
    if (!date_diff(c, &v)) return false;
    if (v > INT32_MAX || v < INT32_MIN)
        return sql_fail(c->a, c->err, 535, 16, 0,
                        "The datediff function resulted in an overflow. The number of dateparts separating two "
                        "date/time instances is too large. Try to use datediff with a less precise datepart.");
    c->ret = value_int(v);
    return true;
}

static bool fn_datediff_big(fn_call_t *c)
{
    int64_t v;
    if (!date_diff(c, &v)) return false;
    c->ret = value_int(v);
    return true;
}

/* The offset argument is minutes or '+hh:mm'. */
static bool offset_arg(fn_call_t *c, int arg, int *ret)
{
    if (type_is_char(c->types[arg].base)) {
        const char *s = c->args[arg].u.s.ptr;
        size_t n = c->args[arg].u.s.len;
        if (n == 6 && (s[0] == '+' || s[0] == '-') && s[3] == ':') {
            int m = ((s[1] - '0') * 10 + s[2] - '0') * 60 + (s[4] - '0') * 10 + s[5] - '0';
            *ret = s[0] == '-' ? -m : m;
        } else {
            return sql_fail(c->a, c->err, 9812, 16, 0,
                            "The timezone provided to builtin function todatetimeoffset is invalid.");
        }
    } else {
        *ret = (int)c->args[arg].u.i;
    }
    if (*ret < -840 || *ret > 840)
        return sql_fail(c->a, c->err, 9812, 16, 0,
                        "The timezone provided to builtin function todatetimeoffset is invalid.");
    return true;
}

static bool fn_todatetimeoffset(fn_call_t *c)
{
    int64_t days, ticks;
    int off, zone;
    if (!split(c, 0, &days, &ticks, &off) || !offset_arg(c, 1, &zone)) return false;
    ticks = dt_round(ticks, c->ret_type.scale); /* days and ticks are local, the value is kept in UTC */
    int64_t utc = days * DT_DAY_TICKS + ticks - (int64_t)zone * 600000000;
    if (utc < 0) return out_of_range(c);
    c->ret = (sim_value_t){0};
    c->ret.u.t.days = (int32_t)(utc / DT_DAY_TICKS);
    c->ret.u.t.ticks = utc % DT_DAY_TICKS;
    c->ret.u.t.offset = (int16_t)zone;
    return true;
}

static bool fn_switchoffset(fn_call_t *c)
{
    sim_typeinfo_t t = type_simple(SIM_T_DATETIMEOFFSET);
    int zone;
    if (!offset_arg(c, 1, &zone) || !value_convert(c->a, &c->types[0], &c->args[0], &t, 0, 0, &c->ret, c->err))
        return false;
    c->ret.u.t.offset = (int16_t)zone;
    return true;
}

static bool fn_eomonth(fn_call_t *c)
{
    int64_t days, ticks;
    int off, y, m, d;
    if (!split(c, 0, &days, &ticks, &off)) return false;
    dt_civil((int32_t)days, &y, &m, &d);
    int64_t total = (int64_t)y * 12 + m - 1 + (c->n > 1 ? c->args[1].u.i : 0);
    y = (int)(total / 12);
    m = (int)(total % 12) + 1;
    if (y < 1 || y > 9999) return out_of_range(c);
    c->ret = (sim_value_t){0};
    c->ret.u.t.days = dt_days(y, m, dt_month_days(y, m));
    return true;
}

static bool fn_datefromparts(fn_call_t *c)
{
    int64_t y = c->args[0].u.i, m = c->args[1].u.i, d = c->args[2].u.i;
    if (y < 1 || y > 9999 || m < 1 || m > 12 || d < 1 || d > dt_month_days((int)y, (int)m))
        return sql_fail(c->a, c->err, 289, 16, 1,
                        "Cannot construct data type date, some of the arguments have values which are not valid.");
    c->ret = (sim_value_t){0};
    c->ret.u.t.days = dt_days((int)y, (int)m, (int)d);
    return true;
}

const func_row_t func_date_rows[] = {
    {"getdate", 0, 0, "", 'd', fn_now, false, false},
    {"current_timestamp", 0, 0, "", 'd', fn_now, false, false},
    {"getutcdate", 0, 0, "", 'd', fn_utcnow, false, false},
    {"sysdatetime", 0, 0, "", '2', fn_now, false, false},
    {"sysutcdatetime", 0, 0, "", '2', fn_utcnow, false, false},
    {"sysdatetimeoffset", 0, 0, "", 'o', fn_now, false, false},
    {"datepart", 2, 2, "pt", 'i', fn_datepart, true, false},
    {"datename", 2, 2, "pt", 'n', fn_datename, true, false},
    {"year", 1, 1, "t", 'i', fn_year, true, false},
    {"month", 1, 1, "t", 'i', fn_month, true, false},
    {"day", 1, 1, "t", 'i', fn_day, true, false},
    {"dateadd", 3, 3, "plt", '3', fn_dateadd, true, false},
    {"datediff", 3, 3, "pt", 'i', fn_datediff, true, false},
    {"datediff_big", 3, 3, "pt", 'l', fn_datediff_big, true, false},
    {"todatetimeoffset", 2, 2, "ta", 'O', fn_todatetimeoffset, true, false},
    {"switchoffset", 2, 2, "ta", 'O', fn_switchoffset, true, false},
    {"eomonth", 1, 2, "ti", 'e', fn_eomonth, true, false},
    {"datefromparts", 3, 3, "i", 'e', fn_datefromparts, true, false},
    {NULL, 0, 0, NULL, 0, NULL, false, false},
};
