#include "runtime/task/offset_tracker.h"

#include "runtime/base/mem.h"
#include "runtime/data/batch.h"
#include "runtime/data/value.h"

typedef struct under_way {
    cd_batch_t *batch;
    const cd_value_t *offset;
    bool acked;
} under_way_t;

typedef struct offset_queue {
    struct offset_queue *next;
    uint64_t hash;
    cd_arena_t own; /* the partition */
    cd_value_t partition;
    under_way_t *ring;   /* seq & (cap - 1) */
    uint64_t head, tail; /* seqs: head is the oldest under way */
    uint32_t cap;
    bool touched;      /* in the tracker's list of queues to settle */
    bool fresh, taken; /* committable holds something new / what it held was taken and is being stored */
    cd_arena_t copy;   /* the committable offset */
    cd_value_t committable;
    struct offset_queue *next_touched;
} offset_queue_t;

#define BUCKETS 64u

struct offset_tracker {
    offset_queue_t *buckets[BUCKETS];
    offset_queue_t *touched;
    uint64_t pending;
    /* The last lookup: most records of a batch share one partition map. Valid for one batch only, since the memory of
     * the next one may hold another map at the same address. */
    cd_batch_t *last_batch;
    const cd_value_t *last_partition;
    offset_queue_t *last;
};

offset_tracker_t *offset_tracker_new(void)
{
    return mem_new0(offset_tracker_t);
}

static void queue_free(offset_queue_t *q)
{
    for (uint64_t s = q->head; s < q->tail; s++) batch_unref(q->ring[s & (q->cap - 1)].batch);
    cd_arena_done(&q->own);
    cd_arena_done(&q->copy);
    free(q->ring);
    free(q);
}

void offset_tracker_free(offset_tracker_t *tr)
{
    if (tr == NULL) return;
    for (uint32_t b = 0; b < BUCKETS; b++) {
        for (offset_queue_t *q = tr->buckets[b], *next; q != NULL; q = next) {
            next = q->next;
            queue_free(q);
        }
    }
    free(tr);
}

/** Order of members does not count, as for Java maps. */
static uint64_t value_hash(const cd_value_t *v)
{
    uint64_t h = v->type * UINT64_C(0x9E3779B97F4A7C15);
    if (v->type == CD_STRING || v->type == CD_BYTES) {
        for (uint32_t i = 0; i < v->len; i++) h = (h ^ v->bytes[i]) * UINT64_C(0x100000001B3);
    } else if (v->type == CD_MAP) {
        for (uint32_t i = 0; i < v->len; i++) h += value_hash(&v->items[2 * i]) * 31 ^ value_hash(&v->items[2 * i + 1]);
    } else if (v->type == CD_FLOAT32) {
        uint32_t bits;
        memcpy(&bits, &v->f32, sizeof(bits));
        h ^= bits;
    } else if (v->type != CD_NULL && v->type < CD_STRING) {
        h = (h ^ (v->type == CD_BOOLEAN ? (uint64_t)v->boolean : (uint64_t)v->i64)) * UINT64_C(0x100000001B3);
    }
    return h;
}

static offset_queue_t *queue_of(offset_tracker_t *tr, cd_batch_t *batch, const cd_value_t *partition)
{
    static const cd_value_t none = {.type = CD_NULL};
    if (partition == NULL) partition = &none;
    if (tr->last_batch == batch && tr->last_partition == partition) return tr->last;
    uint64_t hash = value_hash(partition);
    offset_queue_t **at = &tr->buckets[hash % BUCKETS];
    while (*at != NULL && !((*at)->hash == hash && value_equal(&(*at)->partition, partition))) at = &(*at)->next;
    if (*at == NULL) {
        offset_queue_t *q = mem_new0(offset_queue_t);
        q->hash = hash;
        q->partition = value_copy(partition, &q->own);
        *at = q;
    }
    tr->last_batch = batch;
    tr->last_partition = partition;
    tr->last = *at;
    return *at;
}

static void ring_grow(offset_queue_t *q)
{
    uint32_t cap = q->cap == 0 ? 256 : q->cap * 2;
    under_way_t *ring = mem_alloc0(cap, sizeof(*ring));
    for (uint64_t s = q->head; s < q->tail; s++) ring[s & (cap - 1)] = q->ring[s & (q->cap - 1)];
    free(q->ring);
    q->ring = ring;
    q->cap = cap;
}

offset_slot_t offset_tracker_submit(offset_tracker_t *tr, cd_batch_t *batch, const cd_record_t *rec)
{
    offset_queue_t *q = queue_of(tr, batch, rec->source_partition);
    if (q->tail - q->head == q->cap) ring_grow(q);
    q->ring[q->tail & (q->cap - 1)] = (under_way_t){.batch = batch, .offset = rec->source_offset};
    batch_ref(batch);
    tr->pending++;
    return (offset_slot_t){q, q->tail++};
}

void offset_tracker_retract(offset_tracker_t *tr, offset_slot_t slot)
{
    offset_queue_t *q = slot.queue;
    q->tail--; /* the newest one, by contract */
    tr->pending--;
    batch_unref(q->ring[q->tail & (q->cap - 1)].batch);
}

void offset_tracker_ack(offset_tracker_t *tr, offset_slot_t slot)
{
    offset_queue_t *q = slot.queue;
    under_way_t *u = &q->ring[slot.seq & (q->cap - 1)];
    if (u->acked) return;
    u->acked = true;
    tr->pending--;
    if (q->touched) return;
    q->touched = true;
    q->next_touched = tr->touched;
    tr->touched = q;
}

void offset_tracker_settle(offset_tracker_t *tr)
{
    offset_queue_t *q = tr->touched;
    tr->touched = NULL;
    /* The cached lookup may be the last user of a batch whose memory is reused. */
    tr->last_batch = NULL;
    for (; q != NULL; q = q->next_touched) {
        q->touched = false;
        uint64_t end = q->head;
        while (end < q->tail && q->ring[end & (q->cap - 1)].acked) end++;
        for (uint64_t s = end; s-- > q->head;) {
            const cd_value_t *offset = q->ring[s & (q->cap - 1)].offset;
            if (offset == NULL || q->partition.type != CD_MAP) continue; /* a record without a position of its own */
            cd_arena_reset(&q->copy);
            q->committable = value_copy(offset, &q->copy);
            q->fresh = true;
            break;
        }
        for (; q->head < end; q->head++) batch_unref(q->ring[q->head & (q->cap - 1)].batch);
    }
}

uint64_t offset_tracker_pending(const offset_tracker_t *tr)
{
    return tr->pending;
}

offset_entry_t *offset_tracker_take(offset_tracker_t *tr, cd_arena_t *arena, uint32_t *ret_n)
{
    uint32_t n = 0;
    for (uint32_t b = 0; b < BUCKETS; b++)
        for (offset_queue_t *q = tr->buckets[b]; q != NULL; q = q->next) n += q->fresh;
    offset_entry_t *out = cd_arena_array(arena, offset_entry_t, n);
    *ret_n = n;
    n = 0;
    for (uint32_t b = 0; b < BUCKETS; b++) {
        for (offset_queue_t *q = tr->buckets[b]; q != NULL; q = q->next) {
            if (!q->fresh) continue;
            out[n].partition = value_copy(&q->partition, arena);
            out[n++].offset = value_copy(&q->committable, arena);
            q->fresh = false;
            q->taken = true;
        }
    }
    return out;
}

static void close_taken(offset_tracker_t *tr, bool again)
{
    for (uint32_t b = 0; b < BUCKETS; b++) {
        for (offset_queue_t *q = tr->buckets[b]; q != NULL; q = q->next) {
            if (q->taken && again) q->fresh = true;
            q->taken = false;
        }
    }
}

void offset_tracker_restore(offset_tracker_t *tr)
{
    close_taken(tr, true);
}

void offset_tracker_stored(offset_tracker_t *tr)
{
    close_taken(tr, false);
}
