#include "plugins/converters/converters.h"

#define BOTH(name) &name##_converter_plugin, &name##_header_converter_plugin

const cd_plugin_t *const cd_builtin_converters[] = {
    &avro_converter_plugin,
    &simple_header_converter_plugin,
    BOTH(json),
    BOTH(string),
    BOTH(bytes),
    BOTH(short),
    BOTH(integer),
    BOTH(long),
    BOTH(float),
    BOTH(double),
    BOTH(boolean),
    NULL,
};
