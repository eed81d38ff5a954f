/* validation/entries.h: the list of checked settings that a validation builds, and its JSON form (ConfigInfos).
 * Threads    one thread at a time.      Ownership  everything lives in the list's arena. */
#ifndef VALIDATION_ENTRIES_H
#define VALIDATION_ENTRIES_H

#include "runtime/base/strbuf.h"
#include "runtime/config/config_key.h"

#include <jansson.h>

typedef struct entry {
    const char *name;    /* with its prefix */
    const cd_key_t *key; /* NULL: no definition */
    const char *display, *group, *doc;
    int32_t order;
    config_result_t r;
    bool client; /* converter or client override: counts one error however many messages (Connect's habit) */
} entry_t;

typedef struct entries {
    cd_arena_t *arena;
    uint32_t n, cap;
    entry_t *items; /* heap */
    uint32_t ngroups;
    const char *groups[128];
} entries_t;

void entries_done(entries_t *e);
entry_t *entries_add(entries_t *e, const char *name, const cd_key_t *key);
entry_t *entries_find(entries_t *e, const char *name);
/** Add an error to a named setting; a setting without an entry gets one without a definition, at the front. */
void entries_report(entries_t *e, const char *name, const char *message);
/** Note a group in order of first use. */
void entries_group(entries_t *e, const char *group);
/** Add the rows of a plugin's table under a prefix. Rows of one group get orders 1, 2, 3…; a row whose name exists
 *  replaces that entry where it stands.
 *  @param config  unprefixed settings */
void entries_add_table(entries_t *e, const cd_key_t *keys, uint32_t stride, const char *prefix,
                       const cd_config_t *config, bool client);
uint32_t entries_error_count(const entries_t *e);

/** ConfigKeyInfo of one entry, NULL definition as JSON null. */
json_t *entry_definition_json(const entry_t *entry);
/** ConfigInfos. @param name  the class as the user gave it */
json_t *entries_json(const entries_t *e, const char *name);
/** The 400 message of create and update. */
char *entries_message(const entries_t *e, cd_arena_t *arena);

#endif
