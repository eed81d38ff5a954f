#include "runtime/main/logging.h"

#include "runtime/base/log.h"
#include "runtime/base/str.h"

#define LOGGER_PREFIX "log4j.logger."

/* "DEBUG" or log4j's "DEBUG, appender". */
static void set_level(const char *logger, const char *text)
{
    cd_arena_t arena = {0};
    cd_list_t parts = str_split_list(text, &arena);
    uint32_t level;
    if (parts.n > 0 && log_level_parse(parts.items[0], &level))
        log_set_level(logger, level);
    else
        log_warn("Ignoring the unknown log level '%s' of logger '%s'", text, logger);
    cd_arena_done(&arena);
}

static void set_list(const char *text)
{
    cd_arena_t arena = {0};
    cd_list_t items = str_split_list(text, &arena);
    for (uint32_t i = 0; i < items.n; i++) {
        const char *equals = strchr(items.items[i], '=');
        if (equals == NULL) continue;
        set_level(cd_arena_strndup(&arena, items.items[i], (size_t)(equals - items.items[i])), equals + 1);
    }
    cd_arena_done(&arena);
}

void logging_apply(const cd_config_t *props)
{
    for (uint32_t i = 0; i < props->n; i++) {
        const char *name = props->pairs[i].name, *value = props->pairs[i].value;
        if (str_empty(value)) continue;
        if (strcasecmp(name, "log4j.rootLogger") == 0 || strcmp(name, "log4j.root.loglevel") == 0)
            set_level("root", value);
        else if (strcmp(name, "log4j.loggers") == 0)
            set_list(value);
        else if (str_starts(name, LOGGER_PREFIX))
            set_level(name + strlen(LOGGER_PREFIX), value);
    }
}
