/* converters/converters.h: the converters that are part of the worker. */
#ifndef CONNECTD_CONVERTERS_CONVERTERS_H
#define CONNECTD_CONVERTERS_CONVERTERS_H

#include "plugins/api/connectd_plugin.h"

/** Key, value and header converters; NULL-terminated. */
extern const cd_plugin_t *const cd_builtin_converters[];

extern const cd_plugin_t avro_converter_plugin, string_converter_plugin;

#endif
