#include <ctype.h>
#include <errno.h>
#include <strings.h>

#include "connectors/sqlserver/conf.h"
#include "connectors/sqlserver/conf_rules.h"

const char *rule_trim(const char *text, cd_arena_t *arena)
{
    if (text == NULL) return NULL;
    size_t n = strlen(text);
    while (n > 0 && isspace((unsigned char)text[n - 1])) n--;
    while (n > 0 && isspace((unsigned char)*text)) {
        text++;
        n--;
    }
    return cd_arena_strndup(arena, text, n);
}

static bool blank(const char *text)
{
    for (; text != NULL && *text != '\0'; text++) {
        if (!isspace((unsigned char)*text)) return false;
    }
    return true;
}

static bool whole(const char *text, cd_arena_t *arena, int64_t min, int64_t max, int64_t *ret)
{
    const char *t = rule_trim(text, arena);
    char *end = NULL;
    errno = 0;
    long long v = strtoll(t, &end, 10);
    if (*t == '\0' || *end != '\0' || errno != 0 || v < min || v > max) return false;
    *ret = v;
    return true;
}

static const char *number(const char *text, cd_arena_t *arena, bool is_long, int64_t least, const char *wrong_sign)
{
    int64_t v;
    if (text == NULL) return NULL;
    if (!whole(text, arena, is_long ? INT64_MIN : INT32_MIN, is_long ? INT64_MAX : INT32_MAX, &v))
        return is_long ? "A long value is expected" : "An integer is expected";
    return v < least ? wrong_sign : NULL;
}

RULE(rule_int)
{
    (void)key;
    return number(text, arena, false, INT64_MIN, NULL);
}

RULE(rule_long)
{
    (void)key;
    return number(text, arena, true, INT64_MIN, NULL);
}

RULE(rule_nonneg_int)
{
    (void)key;
    return number(text, arena, false, 0, "An non-negative integer is expected");
}

RULE(rule_positive_int)
{
    (void)key;
    return number(text, arena, false, 1, "A positive, non-zero integer value is expected");
}

RULE(rule_nonneg_long)
{
    (void)key;
    return number(text, arena, true, 0, "A non-negative long value is expected");
}

RULE(rule_positive_long)
{
    (void)key;
    return number(text, arena, true, 1, "A positive, non-zero long value is expected");
}

RULE(rule_boolean)
{
    (void)key;
    if (text == NULL) return NULL;
    const char *t = rule_trim(text, arena);
    return strcasecmp(t, "true") == 0 || strcasecmp(t, "false") == 0 ? NULL : "Either 'true' or 'false' is expected";
}

static const char *one_of(const cd_key_t *key, const char *text, cd_arena_t *arena, const char *const *more)
{
    if (text == NULL) return NULL;
    const char *t = rule_trim(text, arena);
    for (const char *const *c = key->choices; *c != NULL; c++) {
        if (strcasecmp(*c, t) == 0) return NULL;
    }
    for (const char *const *c = more; c != NULL && *c != NULL; c++) {
        if (strcasecmp(*c, t) == 0) return NULL;
    }
    const char *list = "";
    for (const char *const *c = key->choices; *c != NULL; c++)
        list = cd_arena_printf(arena, "%s%s%s", list, c == key->choices ? "" : ", ", *c);
    return cd_arena_printf(arena, "Value must be one of %s", list);
}

RULE(rule_enum)
{
    return one_of(key, text, arena, NULL);
}

RULE(rule_snapshot_mode)
{
    static const char *const later[] = {"when_needed_no_data", NULL};
    return one_of(key, text, arena, later);
}

const char *const *rule_recommend(const cd_key_t *key, const cd_config_t *config, cd_arena_t *arena)
{
    (void)config;
    (void)arena;
    return key->choices;
}

static const char *allowed_chars(const char *text, cd_arena_t *arena)
{
    const char *t = text;
    for (; *t != '\0'; t++) {
        if (!isalnum((unsigned char)*t) && strchr("-_.", *t) == NULL) break;
    }
    if (*t == '\0' && t != text) return NULL;
    return cd_arena_printf(
        arena, "%s has invalid format (only the underscore, hyphen, dot and alphanumeric characters are allowed)",
        text);
}

RULE(rule_topic_prefix)
{
    (void)key;
    return blank(text) ? "A value is required" : allowed_chars(text, arena);
}

RULE(rule_hostname)
{
    return rule_topic_prefix(key, text, arena);
}

RULE(rule_topic_part)
{
    (void)key;
    return text == NULL ? NULL : allowed_chars(text, arena);
}

RULE(rule_database_names)
{
    (void)key;
    (void)arena;
    return blank(text) ? "Cannot be empty" : NULL;
}

RULE(rule_regex_list)
{
    (void)key;
    match_list_t list;
    cd_err_t *err = match_list_init(&list, text);
    if (err == NULL) {
        match_list_done(&list);
        return NULL;
    }
    const char *message =
        cd_arena_printf(arena, "A comma-separated list of valid regular expressions is expected, but %s", err->message);
    cd_err_free(err);
    return message;
}

RULE(rule_skipped)
{
    (void)key;
    if (text == NULL) return NULL;
    const char **items;
    uint32_t n = conf_split(text, arena, &items);
    bool none = false;
    for (uint32_t i = 0; i < n; i++) {
        if (strcasecmp(items[i], "none") == 0) {
            none = true;
        } else if (strlen(items[i]) != 1 || strchr("cudtr", tolower((unsigned char)items[i][0])) == NULL) {
            return "Invalid operation";
        }
    }
    return none && n > 1 ? "'none' cannot be specified with other skipped operation types" : NULL;
}

bool rule_key_entry(const char *item, size_t len, cd_arena_t *arena, const char **ret_table, uint32_t *ret_n,
                    const char ***ret_columns)
{
    char *copy = cd_arena_strndup(arena, item, len);
    char *colon = strchr(copy, ':');
    if (colon == NULL || colon == copy || strchr(colon + 1, ':') != NULL) return false;
    *colon = '\0';
    for (const char *p = colon + 1;; p++) {
        /* No empty column: not at the ends, not between two commas. */
        if ((*p == ',' || *p == '\0') && (p == colon + 1 || p[-1] == ',')) return false;
        if (*p == '\0') break;
    }
    *ret_table = rule_trim(copy, arena);
    *ret_n = conf_split(colon + 1, arena, ret_columns);
    return *ret_n > 0;
}

RULE(rule_message_keys)
{
    (void)key;
    if (text == NULL) return NULL;
    if (blank(text)) return "Must not be empty";
    for (const char *at = text; *at != '\0';) {
        size_t n = strcspn(at, ";");
        const char *table, **columns;
        uint32_t ncolumns;
        if (n > 0 && !blank(cd_arena_strndup(arena, at, n)) &&
            !rule_key_entry(at, n, arena, &table, &ncolumns, &columns))
            return cd_arena_printf(
                arena, "%.*s has an invalid format (expecting '^\\s*([^:]+):([^:,]+(,[^:,]+)*)\\s*$')", (int)n, at);
        at += n;
        if (*at == ';') at++;
    }
    return NULL;
}

RULE(rule_map)
{
    (void)key;
    if (text == NULL) return NULL;
    const char **items;
    uint32_t n = conf_split(text, arena, &items);
    for (uint32_t i = 0; i < n; i++) {
        const char *eq = strchr(items[i], '=');
        if (eq == NULL || eq == items[i])
            return "A equivalent-separated map of valid key/value pairs is expected, for example: k1=v1,k2=v2";
    }
    return NULL;
}

static const char *known_class(const char *text, cd_arena_t *arena, const char *const *known, const char *remedy)
{
    if (text == NULL) return NULL;
    const char *t = rule_trim(text, arena);
    for (; *known != NULL; known++) {
        if (strcmp(*known, t) == 0) return NULL;
    }
    for (const char *p = t; *p != '\0'; p++) {
        if (!isalnum((unsigned char)*p) && strchr("._$", *p) == NULL) return "A Java class name is expected";
    }
    return *t == '\0' ? "A Java class name is expected" : remedy;
}

RULE(rule_history_class)
{
    (void)key;
    static const char *const known[] = {"io.debezium.storage.kafka.history.KafkaSchemaHistory",
                                        "io.debezium.storage.file.history.FileSchemaHistory",
                                        "io.debezium.relational.history.MemorySchemaHistory", NULL};
    return known_class(text, arena, known,
                       "Only KafkaSchemaHistory, FileSchemaHistory and MemorySchemaHistory can be used");
}

RULE(rule_naming)
{
    (void)key;
    static const char *const known[] = {"io.debezium.schema.SchemaTopicNamingStrategy",
                                        "io.debezium.schema.DefaultTopicNamingStrategy", NULL};
    return known_class(text, arena, known, "Only SchemaTopicNamingStrategy and DefaultTopicNamingStrategy can be used");
}
