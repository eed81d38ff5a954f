/* store/log.h: an ordered log of key-value records that a store writes to and reads back: a Kafka topic, or memory, or
 * the offset file of standalone mode. A store sees its own writes like everybody else's: as records that are read.
 *
 * Threads    loop thread only; nothing blocks.
 * Answers    each done callback runs once, on the loop, never before the call that asked for it has returned.
 * Ownership  keys and values passed in are copied; records handed out are borrowed during the callback. Errors handed
 *            to a callback belong to it.
 * Errors     RETRIABLE or FATAL from Kafka; STOPPED for what is outstanding when the log is closed. */
#ifndef RUNTIME_STORE_LOG_H
#define RUNTIME_STORE_LOG_H

#include "plugins/api/connectd_plugin.h"

typedef struct store_record {
    int64_t offset, timestamp; /* timestamp in wall ms, or CD_NO_TIMESTAMP */
    cd_bytes_t key, value;     /* ptr NULL: null */
} store_record_t;

typedef void store_record_fn(void *arg, const store_record_t *r);
typedef void store_done_fn(void *arg, cd_err_t *err);

typedef struct store_log store_log_t;

typedef struct store_log_ops {
    /** Deliver all records there are, answer, and deliver what comes later as it comes. */
    void (*start)(store_log_t *log, store_done_fn *done, void *arg);
    /** @param done  after the acknowledgement; may be NULL */
    void (*append)(store_log_t *log, cd_bytes_t key, cd_bytes_t value, store_done_fn *done, void *arg);
    /** Answer when everything that was acknowledged to this log, and whatever precedes it, has been delivered. */
    void (*read_back)(store_log_t *log, store_done_fn *done, void *arg);
    /** Answer when everything that anybody had written by now has been delivered. */
    void (*read_to_end)(store_log_t *log, store_done_fn *done, void *arg);
    /** Appends that are not acknowledged yet. */
    uint32_t (*pending)(const store_log_t *log);
    /** Outstanding callbacks get STOPPED errors, then the memory is gone; no callback comes after the return. */
    void (*close)(store_log_t *log);
} store_log_ops_t;

/** The head of every kind of log. */
struct store_log {
    const store_log_ops_t *ops;
    store_record_fn *on_record;
    void *arg;
};

/** Who receives the records; before start. */
static inline void store_log_listen(store_log_t *log, store_record_fn *on_record, void *arg)
{
    log->on_record = on_record;
    log->arg = arg;
}

#endif
