/* task/dead_letters.h: the dead letter queue of a sink task: failed records as they were consumed, with the context of
 * the failure in headers.
 *
 * Threads    the task's thread; opening and flushing block.
 * Ownership  records are only read during the call; their bytes are copied.
 * Errors     opening: the task must fail. A record that cannot be written is logged and counted, and makes the next
 *            flush fail, so that the offsets that cover it are not committed. */
#ifndef RUNTIME_TASK_DEAD_LETTERS_H
#define RUNTIME_TASK_DEAD_LETTERS_H

#include "runtime/plugin/ctx.h"

#include <librdkafka/rdkafka.h>

typedef struct dead_letters dead_letters_t;

/** The consumed message behind a record, or NULL when it is not known (then the record's raw parts are used). */
typedef const rd_kafka_message_t *dead_letters_origin_fn(void *arg, const cd_record_t *rec);

/** @param layers  settings of the producer, later ones win
 *  @param ret_letters  NULL when the connector has no queue */
CD_CHECK cd_err_t *dead_letters_open(cd_ctx_t *ctx, const char *connector, int32_t task, const cd_config_t *config,
                                     const cd_config_t *layers, uint32_t nlayers, dead_letters_origin_fn *origin,
                                     void *origin_arg, dead_letters_t **ret_letters);
void dead_letters_close(dead_letters_t *d);

/** Queue a record. Blocks while the producer's queue is full. */
void dead_letters_send(dead_letters_t *d, const cd_record_t *rec, const char *stage, const char *class_name,
                       const cd_err_t *err);
/** Wait until everything sent is acknowledged. @return FATAL when something was lost, STOPPED when a stop came first */
CD_CHECK cd_err_t *dead_letters_flush(dead_letters_t *d);

/** The context headers of a failure, as they are appended to a dead letter. Pure; for the queue and its test.
 *  @return headers owned by the caller */
rd_kafka_headers_t *dead_letters_context(rd_kafka_headers_t *headers, const char *connector, int32_t task,
                                         const cd_record_t *rec, const char *stage, const char *class_name,
                                         const cd_err_t *err);

#endif
