/* store/status_store.h: the status topic: states of connectors and tasks, and the topics that they use.
 * Loop thread only; nothing blocks. Writes are not waited for; they are seen when they are read back. Borrowed reads
 * are valid until the loop's next turn. */
#ifndef RUNTIME_STORE_STATUS_STORE_H
#define RUNTIME_STORE_STATUS_STORE_H

#include "runtime/store/log.h"
#include "runtime/store/status_map.h"

typedef struct status_store status_store_t;

/** @param log  taken */
status_store_t *status_store_new(store_log_t *log, const char *worker_id);
void status_store_start(status_store_t *s, store_done_fn *done, void *arg);
void status_store_close(status_store_t *s);

const status_map_t *status_store_map(const status_store_t *s);

enum status_mode { STATUS_PUT, STATUS_PUT_SAFE };

/** @param task  -1 for the connector itself. @param trace  may be NULL */
void status_store_put(status_store_t *s, enum status_mode mode, const char *connector, int32_t task, const char *state,
                      const char *trace, int64_t generation);
/** Tombstones for all tasks that are known and then the connector. */
void status_store_forget(status_store_t *s, const char *connector);
void status_store_forget_task(status_store_t *s, const char *connector, int32_t task);
void status_store_add_topic(status_store_t *s, const char *connector, const char *topic, int32_t task);
void status_store_forget_topics(status_store_t *s, const char *connector);
/** Writes that are not acknowledged yet. */
uint32_t status_store_pending(const status_store_t *s);

#endif
