/* task/chain.h: a task's converters, transforms and predicates, run over whole batches under the error handler.
 *
 * Threads    the task's thread.
 * Ownership  the chain owns its instances; batches are the caller's.
 * Errors     making: CONFIG with Connect's sentences. Running: what the task must fail with; STOPPED when a stop came. */
#ifndef RUNTIME_TASK_CHAIN_H
#define RUNTIME_TASK_CHAIN_H

#include "runtime/plugin/plugins.h"
#include "runtime/task/error_handler.h"

typedef struct chain chain_t;

/** @param worker_config     converters that the connector does not name
 *  @param connector_config  key.converter…, transforms…, predicates… */
CD_CHECK cd_err_t *chain_new(cd_ctx_t *ctx, const plugins_t *plugins, const cd_config_t *worker_config,
                             const cd_config_t *connector_config, error_handler_t *errors, chain_t **ret_chain);
void chain_free(chain_t *c);

/** Sink: bytes to data, then the transforms, for the whole batch. On error nothing of the batch may be delivered. */
CD_CHECK cd_err_t *chain_decode(chain_t *c, cd_batch_t *batch);

/** Source: the transforms, then data to bytes.
 *  @param ret_done  records [0, *ret_done) are ready to be sent, also with an error, which belongs to the next one */
CD_CHECK cd_err_t *chain_encode(chain_t *c, cd_batch_t *batch, uint32_t *ret_done);

#endif
