/* task/error_handler.h: what becomes of a record whose conversion or transformation failed: tried again, skipped and
 * reported, or the task's end (errors.*). The same object counts, logs and feeds the dead letter queue.
 *
 * Threads    the task's thread.
 * Ownership  settings are copied; errors handed in are taken; errors returned belong to the caller.
 * Units      milliseconds. */
#ifndef RUNTIME_TASK_ERROR_HANDLER_H
#define RUNTIME_TASK_ERROR_HANDLER_H

#include "runtime/plugin/ctx.h"
#include "runtime/task/dead_letters.h"

enum error_stage {
    STAGE_TRANSFORMATION = 0,
    STAGE_KEY_CONVERTER,
    STAGE_VALUE_CONVERTER,
    STAGE_HEADER_CONVERTER,
    STAGE_KAFKA_PRODUCE,
    STAGE_TASK_PUT
};

/** KEY_CONVERTER and so on. */
const char *error_stage_name(enum error_stage stage);

typedef struct error_handler error_handler_t;

/** Time, for tests: NULL members use the real ones. */
typedef struct error_clock {
    void *arg;
    int64_t (*now_ms)(void *arg);
    bool (*wait)(void *arg, int64_t timeout_ms); /* true: a stop was asked for */
    int64_t (*random)(void *arg, int64_t below);
} error_clock_t;

/** @param config   the connector's settings (errors.*)
 *  @param letters  the dead letter queue, borrowed, or NULL */
CD_CHECK cd_err_t *error_handler_new(cd_ctx_t *ctx, const char *connector, int32_t task, bool sink,
                                     const cd_config_t *config, dead_letters_t *letters, const error_clock_t *clock,
                                     error_handler_t **ret_handler);
void error_handler_free(error_handler_t *h);

/** Where one operation on one record stands. Zero-initialise for each new record and operation. */
typedef struct error_attempts {
    uint32_t n;
    int64_t deadline;
} error_attempts_t;

enum error_verdict { ERROR_RETRY, ERROR_SKIP, ERROR_FAIL };

/** An operation failed on `rec`. Waits out the back-off before ERROR_RETRY.
 *  @param started   when this operation was first tried (error_handler_now)
 *  @param err       taken
 *  @param ret_err   with ERROR_FAIL: what the task must fail with; STOPPED when a stop came during the back-off */
enum error_verdict error_handler_failed(error_handler_t *h, error_attempts_t *attempts, enum error_stage stage,
                                        const char *class_name, const cd_record_t *rec, cd_err_t *err,
                                        cd_err_t **ret_err);

/** A source record that Kafka refused for good. @return NULL when tolerated (and reported), else err wrapped */
cd_err_t *error_handler_produce_failed(error_handler_t *h, const cd_record_t *rec, cd_err_t *err);

/** A record that the sink could not write: reported. @return NULL when tolerated, else what put() must return */
cd_err_t *error_handler_report(error_handler_t *h, const cd_record_t *rec, cd_err_t *err);
/** Whether sinks may report at all: a dead letter queue or error logging is set. */
bool error_handler_can_report(const error_handler_t *h);

/** Whether errors.tolerance is all. */
bool error_handler_tolerates(const error_handler_t *h);

#endif
