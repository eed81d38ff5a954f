/* transforms/transforms.h: the single message transforms and predicates that are part of the worker. */
#ifndef CONNECTD_TRANSFORMS_TRANSFORMS_H
#define CONNECTD_TRANSFORMS_TRANSFORMS_H

#include "plugins/api/connectd_plugin.h"

/** NULL-terminated. */
extern const cd_plugin_t *const cd_builtin_transforms[];
extern const cd_plugin_t *const cd_builtin_predicates[];

extern const cd_plugin_t unwrap_plugin;
extern const cd_plugin_t add_deleted_field_value_plugin, add_deleted_field_key_plugin;

/* org.apache.kafka.connect.transforms */
extern const cd_plugin_t cast_key_plugin, cast_value_plugin;
extern const cd_plugin_t drop_headers_plugin;
extern const cd_plugin_t extract_field_key_plugin, extract_field_value_plugin;
extern const cd_plugin_t filter_plugin;
extern const cd_plugin_t flatten_key_plugin, flatten_value_plugin;
extern const cd_plugin_t header_from_key_plugin, header_from_value_plugin;
extern const cd_plugin_t hoist_field_key_plugin, hoist_field_value_plugin;
extern const cd_plugin_t insert_field_key_plugin, insert_field_value_plugin;
extern const cd_plugin_t insert_header_plugin;
extern const cd_plugin_t mask_field_key_plugin, mask_field_value_plugin;
extern const cd_plugin_t regex_router_plugin;
extern const cd_plugin_t replace_field_key_plugin, replace_field_value_plugin;
extern const cd_plugin_t set_schema_metadata_key_plugin, set_schema_metadata_value_plugin;
extern const cd_plugin_t timestamp_converter_key_plugin, timestamp_converter_value_plugin;
extern const cd_plugin_t timestamp_router_plugin;
extern const cd_plugin_t value_to_key_plugin;

extern const cd_plugin_t topic_name_matches_plugin, has_header_key_plugin, record_is_tombstone_plugin;

#endif
