/* conf_rules.h: checks of single settings in Debezium's words, shaped as cd_key_t.check.
 * Threads    any; pure.   Ownership  messages live in the arena or are constant.
 * Errors     a message is the bare problem, without the sentence around it. `text` is NULL when nothing was given. */
#ifndef SQLSERVER_CONF_RULES_H
#define SQLSERVER_CONF_RULES_H

#include "plugins/api/connectd_plugin.h"

#define RULE(name) const char *name(const cd_key_t *key, const char *text, cd_arena_t *arena)

RULE(rule_topic_prefix);
RULE(rule_database_names);
RULE(rule_hostname);
RULE(rule_int);
RULE(rule_long);
RULE(rule_nonneg_int);
RULE(rule_positive_int);
RULE(rule_nonneg_long);
RULE(rule_positive_long);
RULE(rule_boolean);
RULE(rule_enum);
RULE(rule_snapshot_mode);
RULE(rule_regex_list);
RULE(rule_skipped);
RULE(rule_message_keys);
RULE(rule_topic_part);
RULE(rule_history_class);
RULE(rule_naming);
RULE(rule_map);

const char *const *rule_recommend(const cd_key_t *key, const cd_config_t *config, cd_arena_t *arena);

/** Trim blanks at both ends into the arena; NULL stays NULL. */
const char *rule_trim(const char *text, cd_arena_t *arena);

/** Parse message.key.columns' single entry `<table>:<col>,<col>` (whole item match). */
bool rule_key_entry(const char *item, size_t len, cd_arena_t *arena, const char **ret_table, uint32_t *ret_n,
                    const char ***ret_columns);

#endif
