#include "plugins/converters/converters.h"

const cd_plugin_t *const cd_builtin_converters[] = {
    &avro_converter_plugin,
    &string_converter_plugin,
    NULL,
};
