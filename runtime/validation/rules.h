/* validation/rules.h: the checks over connector settings that need more than one key or the plugin registry.
 * Each adds entries or errors to the list. Pure but for reading the registry; any thread. */
#ifndef VALIDATION_RULES_H
#define VALIDATION_RULES_H

#include "runtime/main/worker_config.h"
#include "runtime/plugin/plugins.h"
#include "runtime/validation/entries.h"

/** Converter classes, topics against topics.regex and the DLQ, consumer group clash, exactly-once support. */
void rules_common(entries_t *e, const plugins_t *plugins, const worker_config_t *worker, uint32_t kind,
                  const cd_config_t *config);
/** transforms.<alias>.* for each alias of `transforms`; predicates.<alias>.* for each of `predicates`. */
void rules_transforms(entries_t *e, const plugins_t *plugins, const cd_config_t *config);
void rules_predicates(entries_t *e, const plugins_t *plugins, const cd_config_t *config);
/** producer./consumer./admin.override.* against the worker's policy. */
void rules_client_overrides(entries_t *e, const char *policy, uint32_t kind, const cd_config_t *config);
/** key.converter.* and so on against the converter's own table, for converters set in the connector's settings. */
void rules_converters(entries_t *e, const plugins_t *plugins, const cd_config_t *config);

#endif
