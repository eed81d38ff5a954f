/* store/memory_log.h: a log that nobody else writes and that is gone with the process: standalone mode, and tests. */
#ifndef RUNTIME_STORE_MEMORY_LOG_H
#define RUNTIME_STORE_MEMORY_LOG_H

#include "runtime/store/deferred.h"
#include "runtime/store/log.h"

/** @param d  borrowed; must outlive the log */
store_log_t *memory_log_new(deferred_t *d);

#endif
