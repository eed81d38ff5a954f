/* What the worker finds when it loads this module: its two plugins, and nothing else of it. */
#include "connectors/file/file.h"

CD_DEFINE_HOST;

static cd_err_t *init(const cd_host_t *host)
{
    cd_host = host;
    return NULL;
}

const cd_module_t *cd_module_entry(void)
{
    static const cd_plugin_t *const plugins[] = {&file_source_plugin, &file_sink_plugin, NULL};
    static const cd_module_t module = {CD_MODULE_HEAD, .name = "file", .init = init, .plugins = plugins};
    return &module;
}
