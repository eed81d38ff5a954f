/* A source whose tasks ignore the stop signal for as long as its setting `ignore.stop.ms` says: what a worker does about
 * tasks that overrun the graceful time can be watched with it. */
#include "test/plugins/misbehave.h"

#include <poll.h>

typedef struct settings {
    int64_t ignore_ms;
} settings_t;

static const cd_key_t keys[] = {{.name = "ignore.stop.ms",
                                 .type = CD_T_LONG,
                                 .dflt = "10000",
                                 .at = offsetof(settings_t, ignore_ms),
                                 .doc = "How long a task goes on after it was asked to stop"},
                                CD_KEY_END};

static cd_err_t *stubborn_poll(void *task, cd_batch_t *batch, int64_t timeout_ms)
{
    settings_t set;
    cd_arena_t arena = {0};
    (void)batch;
    if (!cd_host->wait(task, timeout_ms)) return NULL;
    cd_err_t *err = cd_host->config_parse(keys, sizeof(keys[0]), cd_host->config(task), &arena, &set, NULL);
    cd_arena_done(&arena);
    if (err == NULL) (void)poll(NULL, 0, (int)set.ignore_ms);
    return err;
}

static const cd_source_ops_t ops = {.size = sizeof(ops),
                                    .connector = NOTHING_CONNECTOR,
                                    .task_start = nothing_start,
                                    .poll = stubborn_poll,
                                    .task_stop = nothing_stop};

static const cd_plugin_t plugin = {
    CD_PLUGIN_HEAD, .kind = CD_KIND_SOURCE,           .jvm_class = "test.SlowStopConnector",
    .version = "1", .doc = "Stops late, on purpose.", .keys = keys,
    .ops = &ops};

const cd_module_t *cd_module_entry(void)
{
    static const cd_plugin_t *const plugins[] = {&plugin, NULL};
    static const cd_module_t module = {CD_MODULE_HEAD, .name = "slow_stop", .init = keep_host, .plugins = plugins};
    return &module;
}
