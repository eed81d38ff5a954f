#include "runtime/data/batch.h"

#include "runtime/base/mem.h"

typedef struct attachment {
    struct attachment *next;
    void (*release)(void *arg);
    void *arg;
} attachment_t;

/* The public struct is what plugins see; the host keeps its own part behind it. */
typedef struct batch_own {
    cd_batch_t batch;
    attachment_t *attached; /* nodes live in the batch's arena */
} batch_own_t;

#define BATCH_KEEP_RECORDS 16384u /* a larger record array is given back on reset */

cd_batch_t *batch_new(cd_schema_pool_t *schemas)
{
    batch_own_t *own = mem_new0(batch_own_t);
    own->batch.size = sizeof(cd_batch_t);
    own->batch.schemas = schemas;
    own->batch.refs = 1;
    return &own->batch;
}

static void release_attached(cd_batch_t *batch)
{
    batch_own_t *own = (batch_own_t *)batch;
    for (attachment_t *a = own->attached; a != NULL; a = a->next) a->release(a->arg);
    own->attached = NULL;
}

void batch_ref(cd_batch_t *batch)
{
    (void)__atomic_fetch_add(&batch->refs, 1, __ATOMIC_RELAXED);
}

void batch_unref(cd_batch_t *batch)
{
    /* Release/acquire: what other holders wrote must be seen by the one that frees. */
    if (batch == NULL || __atomic_sub_fetch(&batch->refs, 1, __ATOMIC_ACQ_REL) > 0) return;
    release_attached(batch);
    cd_arena_done(&batch->arena);
    free(batch->records);
    free(batch);
}

bool batch_is_own(const cd_batch_t *batch)
{
    return __atomic_load_n(&batch->refs, __ATOMIC_ACQUIRE) == 1;
}

void batch_reset(cd_batch_t *batch)
{
    release_attached(batch);
    cd_arena_reset(&batch->arena);
    batch->count = 0;
    if (batch->cap > BATCH_KEEP_RECORDS) {
        free(batch->records);
        batch->records = NULL;
        batch->cap = 0;
    }
}

void batch_attach(cd_batch_t *batch, void (*release)(void *arg), void *arg)
{
    batch_own_t *own = (batch_own_t *)batch;
    attachment_t *a = cd_arena_new(&batch->arena, attachment_t);
    *a = (attachment_t){.next = own->attached, .release = release, .arg = arg};
    own->attached = a;
}

size_t batch_bytes(const cd_batch_t *batch)
{
    return batch->arena.used + (size_t)batch->cap * sizeof(cd_record_t);
}
