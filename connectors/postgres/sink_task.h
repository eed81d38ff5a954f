/* connectors/postgres/sink_task.h: one sink task: writes batches, repeats what failed, reports what cannot be written.
 *
 * One put is one transaction. A failed write is rolled back and the worker delivers the same batch again, up to
 * max.retries times; then, if the worker takes reports, the batch is written piece by piece around its bad records.
 *
 * Threads    task thread.       Errors  as connectd_plugin.h says for put. */
#ifndef POSTGRES_SINK_TASK_H
#define POSTGRES_SINK_TASK_H

#include "plugins/api/connectd_plugin.h"

CD_CHECK cd_err_t *sink_task_start(cd_ctx_t *ctx, const cd_config_t *config, void **ret_task);
CD_CHECK cd_err_t *sink_task_put(void *task, cd_batch_t *batch);
void sink_task_stop(void *task);

#endif
