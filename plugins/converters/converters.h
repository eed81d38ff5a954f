/* converters/converters.h: the converters that are part of the worker. */
#ifndef CONNECTD_CONVERTERS_CONVERTERS_H
#define CONNECTD_CONVERTERS_CONVERTERS_H

#include "plugins/api/connectd_plugin.h"

/** Key, value and header converters; NULL-terminated. */
extern const cd_plugin_t *const cd_builtin_converters[];

extern const cd_plugin_t avro_converter_plugin;
extern const cd_plugin_t json_converter_plugin, json_header_converter_plugin;
extern const cd_plugin_t string_converter_plugin, string_header_converter_plugin;
extern const cd_plugin_t bytes_converter_plugin, bytes_header_converter_plugin;
extern const cd_plugin_t short_converter_plugin, short_header_converter_plugin;
extern const cd_plugin_t integer_converter_plugin, integer_header_converter_plugin;
extern const cd_plugin_t long_converter_plugin, long_header_converter_plugin;
extern const cd_plugin_t float_converter_plugin, float_header_converter_plugin;
extern const cd_plugin_t double_converter_plugin, double_header_converter_plugin;
extern const cd_plugin_t boolean_converter_plugin, boolean_header_converter_plugin;
extern const cd_plugin_t simple_header_converter_plugin;

#endif
