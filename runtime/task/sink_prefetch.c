/* What librdkafka fetches ahead, and how it is kept going.
 *
 * A broker thread that finds the queue full sleeps until something happens on its connection, for a second at most
 * (librdkafka before 2.2, which has no fetch.queue.backoff.ms). A sink takes a small queue in far less, so the queue would
 * have to hold a second's worth of records: 60 MB and more for each task. Any request to the leaders wakes their threads
 * as well, so one is sent when a queue that was full is half empty: a few requests in a second, while there is a backlog. */
#include "runtime/task/sink_priv.h"

static int64_t setting(const rd_kafka_conf_t *conf, const char *name, int64_t dflt)
{
    char text[32];
    size_t n = sizeof(text);
    return rd_kafka_conf_get(conf, name, text, &n) == RD_KAFKA_CONF_OK ? strtoll(text, NULL, 10) : dflt;
}

void sink_prefetch_init(sink_t *s)
{
    const rd_kafka_conf_t *conf = rd_kafka_conf(s->rk);
    s->prefetch.records = setting(conf, "queued.min.messages", 100000);
    s->prefetch.bytes = setting(conf, "queued.max.messages.kbytes", 65536) * 1024;
}

static void wake_leaders(sink_t *s)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)s->offsets.n);
    for (uint32_t i = 0; i < s->offsets.n; i++)
        rd_kafka_topic_partition_list_add(list, s->offsets.parts[i].topic, s->offsets.parts[i].partition)->offset =
            RD_KAFKA_OFFSET_END;
    /* The answer is of no interest, and it comes behind that to the fetch: it is not waited for. */
    (void)rd_kafka_offsets_for_times(s->rk, list, 0);
    rd_kafka_topic_partition_list_destroy(list);
}

void sink_prefetch_taken(sink_t *s, uint32_t records, size_t bytes)
{
    if (records == 0) return;
    int64_t queued = (int64_t)rd_kafka_queue_length(s->queue), queued_bytes = queued * (int64_t)(bytes / records);
    bool full = queued + records >= s->prefetch.records || queued_bytes + (int64_t)bytes >= s->prefetch.bytes;
    s->prefetch.was_full |= full;
    if (!s->prefetch.was_full || queued > s->prefetch.records / 2 || queued_bytes > s->prefetch.bytes / 2) return;
    s->prefetch.was_full = false;
    wake_leaders(s);
}
