/* providers/providers.h: the config providers that are part of the worker. */
#ifndef CONNECTD_PROVIDERS_PROVIDERS_H
#define CONNECTD_PROVIDERS_PROVIDERS_H

#include "plugins/api/connectd_plugin.h"

/** NULL-terminated. */
extern const cd_plugin_t *const cd_builtin_providers[];

extern const cd_plugin_t file_provider_plugin, directory_provider_plugin, env_provider_plugin, vault_provider_plugin;

#endif
