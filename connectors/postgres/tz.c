#include "connectors/postgres/tz.h"

#include "connectors/postgres/civil.h"

#define ZONE_DIR      "/usr/share/zoneinfo/"
#define ZONE_FILE_MAX 65536
#define ZONE_HEAD     44

/** One end of daylight saving time in the rule behind the last stored transition. */
typedef struct tz_rule {
    char kind; /* 'M' month.week.day, 'J' day 1-365 without 29 February, 'D' day 0-365 */
    int month, week, day;
    int32_t at_s;
} tz_rule_t;

struct tz {
    uint32_t n;
    int64_t *at;     /* n transitions, ascending */
    int32_t *offset; /* n + 1: offset[i] holds before at[i] */
    bool has_dst;
    bool has_tail;
    int32_t std_s, dst_s;
    tz_rule_t start, end;
};

static const struct {
    const char *id, *zone;
} short_ids[] = {{"ACT", "Australia/Darwin"},
                 {"AET", "Australia/Sydney"},
                 {"AGT", "America/Argentina/Buenos_Aires"},
                 {"ART", "Africa/Cairo"},
                 {"AST", "America/Anchorage"},
                 {"BET", "America/Sao_Paulo"},
                 {"BST", "Asia/Dhaka"},
                 {"CAT", "Africa/Harare"},
                 {"CNT", "America/St_Johns"},
                 {"CST", "America/Chicago"},
                 {"CTT", "Asia/Shanghai"},
                 {"EAT", "Africa/Addis_Ababa"},
                 {"ECT", "Europe/Paris"},
                 {"IET", "America/Indiana/Indianapolis"},
                 {"IST", "Asia/Kolkata"},
                 {"JST", "Asia/Tokyo"},
                 {"MIT", "Pacific/Apia"},
                 {"NET", "Asia/Yerevan"},
                 {"NST", "Pacific/Auckland"},
                 {"PLT", "Asia/Karachi"},
                 {"PNT", "America/Phoenix"},
                 {"PRT", "America/Puerto_Rico"},
                 {"PST", "America/Los_Angeles"},
                 {"SST", "Pacific/Guadalcanal"},
                 {"VST", "Asia/Ho_Chi_Minh"}};

static const char *const utc_ids[] = {"UTC",  "GMT",           "Z",         "Etc/UTC",      "Etc/GMT",
                                      "UCT",  "Etc/UCT",       "Universal", "Zulu",         "Greenwich",
                                      "GMT0", "Etc/Universal", "Etc/Zulu",  "Etc/Greenwich"};

static uint32_t get32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static int64_t get64(const uint8_t *p)
{
    return (int64_t)((uint64_t)get32(p) << 32 | get32(p + 4));
}

/* ---- the rule for all later years: "CET-1CEST,M3.5.0,M10.5.0/3" ------------------------------------------------ */

static bool rule_name(const char **p)
{
    const char *s = *p;
    if (*s == '<') {
        while (*s != '\0' && *s != '>') s++;
        if (*s != '>') return false;
        *p = s + 1;
        return true;
    }
    while ((*s >= 'A' && *s <= 'Z') || (*s >= 'a' && *s <= 'z')) s++;
    bool any = s > *p;
    *p = s;
    return any;
}

static int rule_number(const char **p)
{
    int v = 0;
    while (**p >= '0' && **p <= '9' && v < 100000) v = v * 10 + *(*p)++ - '0';
    return v;
}

static int32_t rule_time(const char **p)
{
    int sign = 1;
    if (**p == '-' || **p == '+') sign = *(*p)++ == '-' ? -1 : 1;
    int32_t s = rule_number(p) * 3600;
    if (**p == ':') {
        (*p)++;
        s += rule_number(p) * 60;
        if (**p == ':') {
            (*p)++;
            s += rule_number(p);
        }
    }
    return sign * s;
}

static bool rule_date(const char **p, tz_rule_t *ret_rule)
{
    if (**p != ',') return false;
    (*p)++;
    *ret_rule = (tz_rule_t){.kind = 'D', .at_s = 7200};
    if (**p == 'M') {
        (*p)++;
        ret_rule->kind = 'M';
        ret_rule->month = rule_number(p);
        if (*(*p)++ != '.') return false;
        ret_rule->week = rule_number(p);
        if (*(*p)++ != '.') return false;
    } else if (**p == 'J') {
        (*p)++;
        ret_rule->kind = 'J';
    }
    ret_rule->day = rule_number(p);
    if (**p == '/') {
        (*p)++;
        ret_rule->at_s = rule_time(p);
    }
    return ret_rule->kind != 'M' || (ret_rule->month >= 1 && ret_rule->month <= 12 && ret_rule->week >= 1 &&
                                     ret_rule->week <= 5 && ret_rule->day <= 6);
}

static void tail_parse(tz_t *tz, const char *p)
{
    if (!rule_name(&p)) return;
    tz->std_s = -rule_time(&p);
    tz->has_tail = true;
    if (*p == '\0' || !rule_name(&p)) return;
    tz->dst_s = *p == ',' ? tz->std_s + 3600 : -rule_time(&p);
    tz->has_dst = rule_date(&p, &tz->start) && rule_date(&p, &tz->end);
}

/** Wall clock second (of the offset in force before) at which the rule strikes in a year. */
static int64_t rule_strikes(const tz_rule_t *rule, int64_t year)
{
    int64_t day = civil_days(year, 1, 1);
    bool leap = civil_days(year + 1, 1, 1) - day == 366;
    if (rule->kind == 'D') {
        day += rule->day;
    } else if (rule->kind == 'J') {
        day += rule->day - 1 + (leap && rule->day > 59 ? 1 : 0);
    } else {
        int64_t first = civil_days(year, rule->month, 1);
        int64_t next = rule->month == 12 ? civil_days(year + 1, 1, 1) : civil_days(year, rule->month + 1, 1);
        int weekday = (int)(((first + 4) % 7 + 7) % 7); /* 1970-01-01 was a Thursday */
        day = first + (rule->day - weekday + 7) % 7 + (rule->week - 1) * 7;
        if (day >= next) day -= 7;
    }
    return day * 86400 + rule->at_s;
}

static int32_t tail_offset(const tz_t *tz, int64_t utc_s)
{
    if (!tz->has_dst) return tz->std_s;
    civil_t c = civil_from_days(civil_floor_div(utc_s + tz->std_s, 86400));
    int64_t on = rule_strikes(&tz->start, c.year) - tz->std_s;
    int64_t off = rule_strikes(&tz->end, c.year) - tz->dst_s;
    bool dst = on < off ? utc_s >= on && utc_s < off : utc_s >= on || utc_s < off;
    return dst ? tz->dst_s : tz->std_s;
}

/* ---- the zone file --------------------------------------------------------------------------------------------- */

typedef struct zone_counts {
    uint32_t isut, isstd, leap, time, type, chars;
} zone_counts_t;

static bool zone_head(const uint8_t *p, size_t len, zone_counts_t *ret_counts)
{
    if (len < ZONE_HEAD || memcmp(p, "TZif", 4) != 0 || p[4] < '2') return false;
    *ret_counts =
        (zone_counts_t){get32(p + 20), get32(p + 24), get32(p + 28), get32(p + 32), get32(p + 36), get32(p + 40)};
    return ret_counts->isut <= 256 && ret_counts->isstd <= 256 && ret_counts->leap <= 1024 &&
           ret_counts->time <= 8192 && ret_counts->type <= 256 && ret_counts->chars <= 4096;
}

static size_t zone_body(const zone_counts_t *c, size_t width)
{
    return c->time * width + c->time + c->type * 6 + c->chars + c->leap * (width + 4) + c->isstd + c->isut;
}

static bool zone_parse(tz_t *tz, const uint8_t *data, size_t len)
{
    zone_counts_t c;
    if (!zone_head(data, len, &c)) return false;
    size_t skip = ZONE_HEAD + zone_body(&c, 4);
    if (skip > len || !zone_head(data + skip, len - skip, &c)) return false;
    data += skip + ZONE_HEAD;
    len -= skip + ZONE_HEAD;
    size_t body = zone_body(&c, 8);
    if (body > len || c.type == 0) return false;
    const uint8_t *times = data, *types = data + (size_t)c.time * 8, *infos = types + c.time;
    tz->n = c.time;
    tz->at = calloc((size_t)c.time + 1, sizeof(*tz->at));
    tz->offset = calloc((size_t)c.time + 1, sizeof(*tz->offset));
    if (tz->at == NULL || tz->offset == NULL) abort();
    tz->offset[0] = (int32_t)get32(infos);
    for (uint32_t i = 0; i < c.time; i++) {
        if (types[i] >= c.type) return false;
        tz->at[i] = get64(times + (size_t)i * 8);
        tz->offset[i + 1] = (int32_t)get32(infos + (size_t)types[i] * 6);
    }
    /* The footer: a newline, the rule, a newline. The caller has put a NUL behind the file. */
    const char *tail = (const char *)data + body;
    if (len - body > 2 && tail[0] == '\n') {
        char rule[128] = "";
        const char *stop = memchr(tail + 1, '\n', len - body - 1);
        size_t n = stop != NULL ? (size_t)(stop - tail - 1) : 0;
        if (n > 0 && n < sizeof(rule)) {
            memcpy(rule, tail + 1, n);
            tail_parse(tz, rule);
        }
    }
    return true;
}

static bool id_is_clean(const char *id)
{
    if (*id == '\0' || *id == '/' || strlen(id) > 64 || strstr(id, "..") != NULL) return false;
    for (const char *p = id; *p != '\0'; p++) {
        bool ok = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || (*p >= '0' && *p <= '9') ||
                  strchr("_+-/", *p) != NULL;
        if (!ok) return false;
    }
    return true;
}

tz_t *tz_open(const char *id)
{
    tz_t *tz = calloc(1, sizeof(*tz));
    uint8_t *data = NULL;
    FILE *f = NULL;
    bool ok = false;
    if (tz == NULL) abort();
    for (size_t i = 0; i < sizeof(utc_ids) / sizeof(*utc_ids); i++) {
        if (strcmp(id, utc_ids[i]) != 0) continue;
        tz->has_tail = true;
        return tz;
    }
    for (size_t i = 0; i < sizeof(short_ids) / sizeof(*short_ids); i++)
        if (strcmp(id, short_ids[i].id) == 0) id = short_ids[i].zone;
    if (!id_is_clean(id)) goto out;
    char path[128];
    (void)snprintf(path, sizeof(path), ZONE_DIR "%s", id);
    f = fopen(path, "rbe");
    data = malloc(ZONE_FILE_MAX);
    if (data == NULL) abort();
    if (f == NULL) goto out;
    size_t len = fread(data, 1, ZONE_FILE_MAX, f);
    ok = zone_parse(tz, data, len);
out:
    if (f != NULL) (void)fclose(f);
    free(data);
    if (ok) return tz;
    tz_free(tz);
    return NULL;
}

void tz_free(tz_t *tz)
{
    if (tz == NULL) return;
    free(tz->at);
    free(tz->offset);
    free(tz);
}

bool tz_is_utc(const tz_t *tz)
{
    return tz->n == 0 && tz->has_tail && !tz->has_dst && tz->std_s == 0;
}

int32_t tz_offset_at(const tz_t *tz, int64_t utc_s)
{
    if (tz->n == 0 || utc_s >= tz->at[tz->n - 1]) {
        if (tz->has_tail) return tail_offset(tz, utc_s);
        return tz->offset[tz->n];
    }
    uint32_t low = 0, high = tz->n - 1;
    while (low < high) { /* first transition after the instant */
        uint32_t mid = (low + high) / 2;
        if (tz->at[mid] > utc_s)
            high = mid;
        else
            low = mid + 1;
    }
    return tz->offset[low];
}

int32_t tz_offset_of_wall(const tz_t *tz, int64_t wall_s)
{
    int32_t before = tz_offset_at(tz, wall_s - 86400), after = tz_offset_at(tz, wall_s + 86400);
    if (before == after || tz_offset_at(tz, wall_s - before) == before) return before;
    return tz_offset_at(tz, wall_s - after) == after ? after : before;
}
