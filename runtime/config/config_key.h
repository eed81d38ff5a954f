/* config/config_key.h: settings against a key table, with the semantics and sentences of Kafka's ConfigDef.
 * One table (cd_key_t rows) parses a plugin's settings, answers `…/config/validate` and documents.
 * Pure; any thread. Results live in the arena given. */
#ifndef CONFIG_CONFIG_KEY_H
#define CONFIG_CONFIG_KEY_H

#include "plugins/api/connectd_plugin.h"

/** What one key's value turned out to be. */
typedef struct config_result {
    const cd_key_t *key;
    const char *text; /* the parsed value in text form; NULL for null; a password in clear */
    uint32_t nerrors, cap;
    const char **errors;            /* complete sentences */
    const char *const *recommended; /* NULL-terminated; NULL: none */
    bool visible;
    /* parsed forms, valid when nerrors is 0 and text is not NULL */
    int64_t number;
    double real;
    cd_list_t list;
} config_result_t;

/** Check one key against the settings, which hold unprefixed names.
 *  @param full_name  the name users gave, for "Missing required configuration"; the other sentences use key->name */
void config_check(const cd_key_t *key, const cd_config_t *config, const char *full_name, cd_arena_t *arena,
                  config_result_t *ret_result);
/** Add an error to a result. */
void config_result_add(config_result_t *r, cd_arena_t *arena, const char *message);
/** The row after `key` in a table whose rows are `stride` bytes apart. */
static inline const cd_key_t *config_key_next(const cd_key_t *key, uint32_t stride)
{
    return (const cd_key_t *)(const void *)((const char *)key + stride);
}
const cd_key_t *config_key_find(const cd_key_t *keys, uint32_t stride, const char *name);

/** cd_host->config_parse: see the plugin header. */
CD_CHECK cd_err_t *config_parse(const cd_key_t *keys, uint32_t stride, const cd_config_t *config, cd_arena_t *arena,
                                void *out, cd_problems_t *problems);

/** ConfigDef's names of types, importances and widths. */
const char *config_type_name(uint8_t type);
const char *config_importance_name(uint8_t importance);
const char *config_width_name(uint8_t width);

#endif
