/* plugin/metrics.h: all metrics of the worker's connectors and tasks, for readers that print them.
 *
 * Threads    any; creation and listing take a lock, counting does not (cd_metric_add, cd_metric_set).
 * Ownership  a metric lives as long as its group; a group is made and freed by its instance. */
#ifndef RUNTIME_PLUGIN_METRICS_H
#define RUNTIME_PLUGIN_METRICS_H

#include "plugins/api/connectd_plugin.h"

typedef struct metrics metrics_t;
typedef struct metrics_group metrics_group_t;

metrics_t *metrics_new(void);
void metrics_free(metrics_t *m); /* groups that still exist keep working and are freed by their instances */

/** @param task  task number, or -1 for the connector instance itself */
metrics_group_t *metrics_group_new(metrics_t *m, const char *connector, int32_t task);
void metrics_group_free(metrics_group_t *g);
/** The metric of that name, made on first use with value 0. */
cd_metric_t *metrics_get(metrics_group_t *g, const char *name, uint32_t kind, const char *help);

typedef struct metrics_sample {
    const char *connector; /* borrowed during the call */
    int32_t task;
    const char *name, *help;
    uint32_t kind;
    int64_t value;
} metrics_sample_t;

/** Call `each` for every metric, grouped by instance, under the lock: it must be short and not call back. */
void metrics_each(metrics_t *m, void (*each)(void *arg, const metrics_sample_t *s), void *arg);

#endif
