/* plugin/module_check.h: may this module be used? Looks at what a module says about itself, in the order in which it
 * may be trusted: nothing behind a field that does not fit is read. Pure; any thread. */
#ifndef RUNTIME_PLUGIN_MODULE_CHECK_H
#define RUNTIME_PLUGIN_MODULE_CHECK_H

#include "plugins/api/connectd_plugin.h"

/** @param file  for the message  @return NULL, or an error that names file, field, both values and what to do */
CD_CHECK cd_err_t *module_check(const char *file, const cd_module_t *module);

#endif
