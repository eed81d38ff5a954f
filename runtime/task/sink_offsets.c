#include "runtime/base/mem.h"
#include "runtime/task/sink_priv.h"

void sink_offsets_done(sink_offsets_t *o)
{
    for (uint32_t i = 0; i < o->n; i++) free(o->parts[i].topic);
    free(o->parts);
    *o = (sink_offsets_t){0};
}

static int part_cmp(const sink_part_t *p, const char *topic, int32_t partition)
{
    int d = strcmp(p->topic, topic);
    return d != 0 ? d : p->partition < partition ? -1 : p->partition > partition;
}

/** Index of the partition, or of where it belongs. */
static uint32_t position(const sink_offsets_t *o, const char *topic, int32_t partition, bool *ret_found)
{
    uint32_t lo = 0, hi = o->n;
    *ret_found = false;
    while (lo < hi) {
        uint32_t mid = (lo + hi) / 2;
        int d = part_cmp(&o->parts[mid], topic, partition);
        if (d == 0) {
            *ret_found = true;
            return mid;
        }
        if (d < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

sink_part_t *sink_offsets_find(sink_offsets_t *o, const char *topic, int32_t partition)
{
    bool found;
    if (o->last != NULL && part_cmp(o->last, topic, partition) == 0) return o->last;
    uint32_t at = position(o, topic, partition, &found);
    if (!found) return NULL;
    return o->last = &o->parts[at];
}

sink_part_t *sink_offsets_add(sink_offsets_t *o, const char *topic, int32_t partition, int64_t committed)
{
    bool found;
    uint32_t at = position(o, topic, partition, &found);
    if (!found) {
        mem_grow(o->parts, o->n, o->cap);
        memmove(&o->parts[at + 1], &o->parts[at], (o->n - at) * sizeof(*o->parts));
        o->n++;
        o->parts[at].topic = mem_strdup(topic);
        o->parts[at].partition = partition;
    }
    sink_part_t *p = &o->parts[at];
    p->committed = p->current = p->first = committed;
    p->taken = NO_OFFSET;
    o->last = NULL;
    return p;
}

void sink_offsets_remove(sink_offsets_t *o, const char *topic, int32_t partition)
{
    bool found;
    uint32_t at = position(o, topic, partition, &found);
    if (!found) return;
    free(o->parts[at].topic);
    memmove(&o->parts[at], &o->parts[at + 1], (o->n - at - 1) * sizeof(*o->parts));
    o->n--;
    o->last = NULL;
}

void sink_offsets_advance(sink_offsets_t *o)
{
    for (uint32_t i = 0; i < o->n; i++) {
        if (o->parts[i].taken != NO_OFFSET) o->parts[i].current = o->parts[i].taken;
        o->parts[i].taken = NO_OFFSET;
    }
}

static bool in_list(const rd_kafka_topic_partition_list_t *list, const char *topic, int32_t partition)
{
    for (int i = 0; i < list->cnt; i++)
        if (list->elems[i].partition == partition && strcmp(list->elems[i].topic, topic) == 0) return true;
    return false;
}

cd_topic_partition_t *sink_offsets_current(const sink_offsets_t *o, const rd_kafka_topic_partition_list_t *only,
                                           cd_arena_t *arena, uint32_t *ret_n)
{
    cd_topic_partition_t *out = cd_arena_array(arena, cd_topic_partition_t, o->n);
    uint32_t n = 0;
    for (uint32_t i = 0; i < o->n; i++) {
        const sink_part_t *p = &o->parts[i];
        if (p->current == NO_OFFSET || (only != NULL && !in_list(only, p->topic, p->partition))) continue;
        out[n++] = (cd_topic_partition_t){p->topic, p->partition, p->current};
    }
    *ret_n = n;
    return out;
}

bool sink_offsets_acceptable(sink_offsets_t *o, const cd_topic_partition_t *given, const char **ret_why)
{
    sink_part_t *p = sink_offsets_find(o, given->topic, given->partition);
    *ret_why = NULL;
    if (p == NULL)
        *ret_why = "the partition is not assigned to this task";
    else if (given->offset > p->current)
        *ret_why = "it is beyond what was delivered";
    else if (given->offset < 0)
        *ret_why = "it is negative";
    return *ret_why == NULL && given->offset != p->committed;
}

void sink_batch_forget(cd_batch_t *batch, const rd_kafka_topic_partition_list_t *parts)
{
    const char *topic = NULL; /* records come in runs of one partition */
    int32_t partition = -1;
    bool gone = false;
    for (uint32_t i = 0; i < batch->count; i++) {
        cd_record_t *rec = &batch->records[i];
        if (rec->orig_topic != topic || rec->orig_partition != partition) {
            topic = rec->orig_topic;
            partition = rec->orig_partition;
            gone = topic != NULL && in_list(parts, topic, partition);
        }
        if (gone) rec->flags |= CD_REC_DROPPED;
    }
}
