/* store/file_log.h: standalone mode's offset file as a log: a HashMap<byte[], byte[]> in Java's serialised form, as the
 * JVM worker reads and writes it, written whole (to a new file that then takes the name) after each change.
 * Loop thread only; writes run on libuv's pool. */
#ifndef RUNTIME_STORE_FILE_LOG_H
#define RUNTIME_STORE_FILE_LOG_H

#include "runtime/store/deferred.h"
#include "runtime/store/log.h"

/** Reads the file (missing or empty: no offsets). @return FATAL for a file that is something else
 *  @param d  borrowed; must outlive the log */
CD_CHECK cd_err_t *file_log_new(uv_loop_t *loop, deferred_t *d, const char *path, store_log_t **ret_log);

#endif
