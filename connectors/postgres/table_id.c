#include "connectors/postgres/table_id.h"

#define PLACEHOLDER "${topic}"
#define ILLEGAL     "java.lang.IllegalArgumentException"
#define PARTS_MAX   4 /* the first two count when there are four or more */

const char *identifier_sql(const char *name, bool quote, cd_arena_t *arena)
{
    if (!quote) return name;
    char *out = cd_arena_alloc(arena, strlen(name) * 2 + 3), *at = out;
    *at++ = '"';
    for (; *name != '\0'; name++) {
        if (*name == '"') *at++ = '"';
        *at++ = *name;
    }
    *at++ = '"';
    *at = '\0';
    return out;
}

static const char *fill_in(const char *format, const char *topic, cd_arena_t *arena)
{
    size_t len = strlen(format), topic_len = strlen(topic), count = 0;
    for (const char *p = format; (p = strstr(p, PLACEHOLDER)) != NULL; p += strlen(PLACEHOLDER)) count++;
    char *out = cd_arena_alloc(arena, len + count * topic_len + 1), *at = out;
    for (const char *p = format; *p != '\0';) {
        if (strncmp(p, PLACEHOLDER, strlen(PLACEHOLDER)) == 0) {
            memcpy(at, topic, topic_len);
            at += topic_len;
            p += strlen(PLACEHOLDER);
        } else {
            *at++ = *p++;
        }
    }
    *at = '\0';
    return out;
}

static const char *trimmed(const char *s, cd_arena_t *arena)
{
    while (*s == ' ' || *s == '\t' || *s == '\n') s++;
    size_t len = strlen(s);
    while (len > 0 && (s[len - 1] == ' ' || s[len - 1] == '\t' || s[len - 1] == '\n')) len--;
    return cd_arena_strndup(arena, s, len);
}

static cd_err_t *split(const char *name, cd_arena_t *arena, const char **parts, uint32_t *ret_n)
{
    uint32_t n = 0;
    for (const char *p = name; *p != '\0';) {
        const char *part;
        if (*p == '"') {
            const char *close = strchr(p + 1, '"');
            if (close == NULL)
                return cd_err_new(CD_ERR_FATAL, ILLEGAL,
                                  "Failure parsing fully qualified identifier; missing trailing quote in %s", name);
            part = cd_arena_strndup(arena, p + 1, (size_t)(close - p - 1));
            p = close + 1;
        } else {
            size_t len = strcspn(p, ".");
            part = cd_arena_strndup(arena, p, len);
            p += len;
        }
        if (n < PARTS_MAX) parts[n++] = part;
        if (*p == '.' && *++p == '\0')
            return cd_err_new(CD_ERR_FATAL, ILLEGAL, "Failure parsing fully qualified identifier; ends in delimiter %s",
                              name);
    }
    *ret_n = n;
    return NULL;
}

/** The server cuts at 63 bytes; cut a whole character earlier rather than inside one. */
static const char *cut(const char *name, cd_arena_t *arena)
{
    size_t len = strlen(name);
    if (len <= IDENTIFIER_MAX) return name;
    len = IDENTIFIER_MAX;
    while (len > 0 && ((unsigned char)name[len] & 0xC0) == 0x80) len--;
    return cd_arena_strndup(arena, name, len);
}

cd_err_t *table_id_parse(const char *format, const char *topic, bool quote, cd_arena_t *arena, table_id_t *ret_id)
{
    const char *name = fill_in(trimmed(format, arena), topic, arena);
    if (*name == '\0')
        return cd_err_new(CD_ERR_FATAL, CD_JVM_CONNECT,
                          "Destination table name for topic '%s' is empty using the format string '%s'", topic, format);
    const char *parts[PARTS_MAX] = {"", "", "", ""};
    uint32_t n = 0;
    cd_err_t *err = split(name, arena, parts, &n);
    if (err != NULL) return err;
    table_id_t id = {0};
    if (n == 1) {
        id.table = parts[0];
    } else if (n == 3) {
        id.database = parts[0];
        id.schema = parts[1];
        id.table = parts[2];
    } else {
        id.schema = parts[0];
        id.table = parts[1];
    }
    id.table = cut(id.table, arena);
    if (!quote) {
        char *lower = cd_arena_strdup(arena, id.table);
        for (char *p = lower; *p != '\0'; p++)
            if (*p >= 'A' && *p <= 'Z') *p = (char)(*p + 32);
        id.table = lower;
    }
    id.sql = identifier_sql(id.table, quote, arena);
    if (id.schema != NULL) id.sql = cd_arena_printf(arena, "%s.%s", identifier_sql(id.schema, quote, arena), id.sql);
    if (id.database != NULL)
        id.sql = cd_arena_printf(arena, "%s.%s", identifier_sql(id.database, quote, arena), id.sql);
    *ret_id = id;
    return NULL;
}
