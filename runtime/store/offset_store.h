/* store/offset_store.h: source offsets, in the offset topic or in the offset file.
 *
 * Threads    loop thread only; nothing blocks.
 * Answers    each callback runs once, on the loop, never before the call has returned.
 * Ownership  what is passed in is copied; results are borrowed during the callback; errors belong to the callback.
 * Errors     DATA for maps that an offset cannot be; what the log reports otherwise. */
#ifndef RUNTIME_STORE_OFFSET_STORE_H
#define RUNTIME_STORE_OFFSET_STORE_H

#include "runtime/store/deferred.h"
#include "runtime/store/log.h"
#include "runtime/store/offset_map.h"

typedef struct offset_store offset_store_t;

/** @param log  taken. @param d  borrowed; must outlive the store */
offset_store_t *offset_store_new(store_log_t *log, deferred_t *d);
void offset_store_start(offset_store_t *s, store_done_fn *done, void *arg);
/** Outstanding calls are answered with STOPPED errors. */
void offset_store_close(offset_store_t *s);

typedef struct offset_entry {
    const cd_value_t *partition; /* map */
    const cd_value_t *offset;    /* map, or CD_NULL: forget the partition */
} offset_entry_t;

/** Answers when all entries are acknowledged, or with the first error. */
void offset_store_write(offset_store_t *s, const char *connector, const offset_entry_t *entries, uint32_t n,
                        store_done_fn *done, void *arg);

/** @param offset  a map, or CD_NULL; lives during the call */
typedef void offset_read_fn(void *arg, cd_err_t *err, const cd_value_t *offset);
/** Read what others have written by now, then answer. @param partition  must live until the answer */
void offset_store_read(offset_store_t *s, const char *connector, const cd_value_t *partition, offset_read_fn *done,
                       void *arg);
/** Read what others have written by now; offset_store_map then shows it. */
void offset_store_refresh(offset_store_t *s, store_done_fn *done, void *arg);
const offset_map_t *offset_store_map(const offset_store_t *s);

#endif
