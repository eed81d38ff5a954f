#include "plugins/providers/providers.h"

const cd_plugin_t *const cd_builtin_providers[] = {
    &file_provider_plugin, &directory_provider_plugin, &env_provider_plugin, &vault_provider_plugin, NULL,
};
