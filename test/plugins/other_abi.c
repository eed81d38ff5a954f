/* A module of another ABI version. Everything behind the fields that say so is garbage that must not be read. */
#include "test/plugins/misbehave.h"

const cd_module_t *cd_module_entry(void)
{
    static const cd_module_t module = {.magic = CD_MODULE_MAGIC,
                                       .size = sizeof(cd_module_t),
                                       .abi_major = CD_ABI_MAJOR + 1,
                                       .name = (const char *)8,
                                       .init = keep_host,
                                       .plugins = (const cd_plugin_t *const *)8};
    return &module;
}
