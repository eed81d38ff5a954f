/* transforms/transforms.h: the single message transforms and predicates that are part of the worker. */
#ifndef CONNECTD_TRANSFORMS_TRANSFORMS_H
#define CONNECTD_TRANSFORMS_TRANSFORMS_H

#include "plugins/api/connectd_plugin.h"

/** NULL-terminated. */
extern const cd_plugin_t *const cd_builtin_transforms[];
extern const cd_plugin_t *const cd_builtin_predicates[];

extern const cd_plugin_t unwrap_plugin, regex_router_plugin;
extern const cd_plugin_t add_deleted_field_value_plugin, add_deleted_field_key_plugin;
extern const cd_plugin_t filter_plugin;
extern const cd_plugin_t topic_name_matches_plugin, has_header_key_plugin, record_is_tombstone_plugin;

#endif
