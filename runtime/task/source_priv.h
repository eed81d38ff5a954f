/* task/source_priv.h: the two halves of a source task: the loop (source_task.c) and its producer (source_producer.c).
 * All of it is used by the task's thread only. */
#ifndef RUNTIME_TASK_SOURCE_PRIV_H
#define RUNTIME_TASK_SOURCE_PRIV_H

#include "runtime/task/error_handler.h"
#include "runtime/task/offset_tracker.h"
#include "runtime/task/task_priv.h"
#include "runtime/task/topic_rules.h"

#include <librdkafka/rdkafka.h>

typedef struct source_producer source_producer_t;

/** @param tracker, errors  borrowed */
CD_CHECK cd_err_t *source_producer_new(task_t *t, offset_tracker_t *tracker, error_handler_t *errors,
                                       source_producer_t **ret_producer);
/** Gives up what is not acknowledged. */
void source_producer_free(source_producer_t *p);

/** Send records [*from, to) that are not dropped; *from moves on. Payloads stay in the batch, which the tracker holds.
 *  @param ret_full  the producer's queue is full: drain, then call again
 *  @return RETRIABLE: wait a moment, then call again; else the task must fail */
CD_CHECK cd_err_t *source_producer_send(source_producer_t *p, cd_batch_t *batch, uint32_t *from, uint32_t to,
                                        bool *ret_full);
/** Handle what was acknowledged since. @return the task must fail: a record was refused for good */
CD_CHECK cd_err_t *source_producer_drain(source_producer_t *p);
/** Readable when there is something to drain. */
int source_producer_fd(const source_producer_t *p);

#endif
