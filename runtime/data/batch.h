/* data/batch.h: making and sharing batches.
 * Threads    one thread fills a batch; references may be dropped by any thread, the last one frees.
 * Ownership  batch_new returns one reference. What is not memory (a consumed message) is attached with a release
 *            callback, which runs when the batch is reset or freed, newest first. */
#ifndef DATA_BATCH_H
#define DATA_BATCH_H

#include "plugins/api/connectd_plugin.h"

cd_batch_t *batch_new(cd_schema_pool_t *schemas);
void batch_ref(cd_batch_t *batch);
void batch_unref(cd_batch_t *batch);
/** True when the caller holds the only reference, so that the batch may be reset and filled again. */
bool batch_is_own(const cd_batch_t *batch);
/** Forget all records and memory. Only with the sole reference. */
void batch_reset(cd_batch_t *batch);
/** Run release(arg) when the batch's memory goes. */
void batch_attach(cd_batch_t *batch, void (*release)(void *arg), void *arg);
/** Bytes this batch holds, for budgets: arena and record array. */
size_t batch_bytes(const cd_batch_t *batch);

#endif
