/* herder/providers.h: the config providers that the worker's settings name, made ready for lookups.
 * Called by main before any other thread exists; providers may block (a login) while they are configured. */
#ifndef RUNTIME_HERDER_PROVIDERS_H
#define RUNTIME_HERDER_PROVIDERS_H

#include "runtime/base/properties.h"
#include "runtime/herder/transformer.h"
#include "runtime/plugin/plugins.h"

/** Configure the providers of config.providers and resolve the worker's own settings with them.
 *  The parameters of the providers are first taken as they are, then, resolved, for the providers that connectors use.
 *  @param props      the worker's settings; replaced by the resolved ones
 *  @return CONFIG for an unknown class; what a provider raised otherwise */
CD_CHECK cd_err_t *providers_open(const plugins_t *plugins, props_t *props, transformer_t **ret_transformer);

#endif
