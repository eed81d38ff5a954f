#include "connectors/postgres/sink_conf.h"
#include "connectors/postgres/words.h"

#include <strings.h>

bool sink_conf_is_own(const char *key)
{
    for (const cd_key_t *k = sink_keys_table; k->name != NULL; k++)
        if (strcmp(k->name, key) == 0) return true;
    return false;
}

bool cd_list_has(const cd_list_t *list, const char *item)
{
    for (uint32_t i = 0; i < list->n; i++)
        if (strcmp(list->items[i], item) == 0) return true;
    return false;
}

const char *pk_mode_name(enum pk_mode mode)
{
    return pk_mode_words[mode];
}

static uint32_t word_index(const char *text, const char *const *words)
{
    for (uint32_t i = 0; words[i] != NULL; i++)
        if (is_word(text, words[i])) return i;
    return 0;
}

cd_config_t sink_conf_copy(const cd_config_t *config, cd_arena_t *arena)
{
    cd_pair_t *pairs = cd_arena_array(arena, cd_pair_t, config->n + 1);
    for (uint32_t i = 0; i < config->n; i++) {
        const char *value = config->pairs[i].value;
        pairs[i] = (cd_pair_t){cd_arena_strdup(arena, config->pairs[i].name),
                               value != NULL ? cd_arena_strdup(arena, value) : NULL};
    }
    return (cd_config_t){config->n, pairs};
}

cd_err_t *sink_conf_parse(const cd_config_t *config, cd_arena_t *arena, sink_conf_t *ret_conf)
{
    sink_conf_t c = {.config = config};
    cd_err_t *err = cd_host->config_parse(sink_keys_table, sizeof(cd_key_t), config, arena, &c.k, NULL);
    if (err != NULL) return err;
    const char *name = cd_config_get(config, "name");
    c.name = name != NULL ? name : "";
    c.insert_mode = (enum insert_mode)word_index(c.k.insert_mode, insert_mode_words);
    c.pk_mode = (enum pk_mode)word_index(c.k.pk_mode, pk_mode_words);
    for (uint32_t i = 0; i < c.k.table_types.n; i++)
        c.table_kinds |= 1u << word_index(c.k.table_types.items[i], table_kind_words);
    c.coerce = strcmp(c.k.coercion, "auto") == 0;
    c.row_path = strcmp(c.k.write_path, "row") == 0;
    c.timestamp_nanos = is_word(c.k.timestamp_precision, "nanoseconds");
    c.quote_always = strcasecmp(c.k.quote, "always") == 0;
    c.shown_url = jdbc_url_mask(c.k.url, arena);
    if (c.k.table_types.n == 0)
        return cd_err_new(CD_ERR_FATAL, "java.lang.IllegalArgumentException",
                          "table.types must name at least one kind");
    if (!c.quote_always && strcasecmp(c.k.quote, "never") != 0)
        return cd_err_new(CD_ERR_FATAL, "java.lang.IllegalArgumentException", "No matching QuoteMethod found for '%s'",
                          c.k.quote);
    if (c.k.delete_enabled && c.pk_mode != PK_MODE_RECORD_KEY)
        return cd_err_new(CD_ERR_CONFIG, CD_JVM_CONFIG,
                          "Primary key mode must be 'record_key' when delete support is enabled");
    switch (jdbc_url_parse(c.k.url, arena, &c.url)) {
    case JDBC_URL_NOT_JDBC:
        return cd_err_new(CD_ERR_FATAL, CD_JVM_CONNECT, "Not a valid JDBC URL: %s", c.shown_url);
    case JDBC_URL_NOT_POSTGRESQL:
        return cd_err_new(CD_ERR_FATAL, CD_JVM_CONNECT,
                          "This sink writes PostgreSQL only and cannot open %s; use a URL that begins with "
                          "jdbc:postgresql:",
                          c.shown_url);
    case JDBC_URL_UNPARSABLE: /* the driver complains when it connects; so do we */
        break;
    case JDBC_URL_OK:
        c.url_ok = true;
        break;
    }
    c.zone = tz_open(c.k.db_timezone);
    c.date_zone = is_word(c.k.date_timezone, "utc") ? tz_open("UTC") : c.zone;
    if (c.zone == NULL || c.date_zone == NULL) {
        sink_conf_done(&c);
        return cd_err_new(CD_ERR_CONFIG, CD_JVM_CONFIG,
                          "Invalid value %s for configuration db.timezone: Invalid time "
                          "zone identifier",
                          c.k.db_timezone);
    }
    *ret_conf = c;
    return NULL;
}

void sink_conf_done(sink_conf_t *conf)
{
    if (conf->date_zone != conf->zone) tz_free(conf->date_zone);
    tz_free(conf->zone);
    conf->zone = conf->date_zone = NULL;
}

void sink_conf_validate(const cd_config_t *config, cd_problems_t *problems)
{
    const char *deletes = cd_config_get(config, "delete.enabled");
    const char *mode = cd_config_get(config, "pk.mode");
    if (mode == NULL) mode = "none";
    if (deletes == NULL || strcasecmp(deletes, "true") != 0) return;
    if (!is_one_of(mode, pk_mode_words) || is_word(mode, "record_key")) return;
    static const char message[] = "Deletes are only supported for pk.mode record_key";
    problems->report(problems, "pk.mode", message);
    problems->report(problems, "delete.enabled", message);
}
