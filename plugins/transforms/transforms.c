#include "plugins/transforms/transforms.h"

#define BOTH(name) &name##_key_plugin, &name##_value_plugin

const cd_plugin_t *const cd_builtin_transforms[] = {
    &unwrap_plugin,
    BOTH(add_deleted_field),
    BOTH(cast),
    &drop_headers_plugin,
    BOTH(extract_field),
    &filter_plugin,
    BOTH(flatten),
    BOTH(header_from),
    BOTH(hoist_field),
    BOTH(insert_field),
    &insert_header_plugin,
    BOTH(mask_field),
    &regex_router_plugin,
    BOTH(replace_field),
    BOTH(set_schema_metadata),
    BOTH(timestamp_converter),
    &timestamp_router_plugin,
    &value_to_key_plugin,
    NULL,
};

const cd_plugin_t *const cd_builtin_predicates[] = {
    &topic_name_matches_plugin,
    &has_header_key_plugin,
    &record_is_tombstone_plugin,
    NULL,
};
