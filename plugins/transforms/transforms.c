#include "plugins/transforms/transforms.h"

const cd_plugin_t *const cd_builtin_transforms[] = {
    &unwrap_plugin,
    &regex_router_plugin,
    &add_deleted_field_value_plugin,
    &add_deleted_field_key_plugin,
    &filter_plugin,
    NULL,
};

const cd_plugin_t *const cd_builtin_predicates[] = {
    &topic_name_matches_plugin,
    &has_header_key_plugin,
    &record_is_tombstone_plugin,
    NULL,
};
