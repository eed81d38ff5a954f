/* A plugin whose struct is shorter than the first release of the ABI had it. */
#include "test/plugins/misbehave.h"

static const cd_source_ops_t ops = {.size = sizeof(ops),
                                    .connector = NOTHING_CONNECTOR,
                                    .task_start = nothing_start,
                                    .poll = nothing_poll,
                                    .task_stop = nothing_stop};

static const cd_plugin_t plugin = {.magic = CD_PLUGIN_MAGIC,
                                   .size = 16,
                                   .kind = CD_KIND_SOURCE,
                                   .key_stride = sizeof(cd_key_t),
                                   .jvm_class = "test.ShortSizeConnector",
                                   .version = "1",
                                   .ops = &ops};

const cd_module_t *cd_module_entry(void)
{
    static const cd_plugin_t *const plugins[] = {&plugin, NULL};
    static const cd_module_t module = {CD_MODULE_HEAD, .name = "short_size", .init = keep_host, .plugins = plugins};
    return &module;
}
