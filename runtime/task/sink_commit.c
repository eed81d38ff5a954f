/* Offset commits of a sink task: asynchronous while it runs, synchronous when partitions are given up. */
#include "runtime/base/clock.h"
#include "runtime/base/log.h"
#include "runtime/base/mem.h"
#include "runtime/client/kafka_conf.h"
#include "runtime/task/sink_priv.h"

#define LOGGER "org.apache.kafka.connect.runtime.WorkerSinkTask"

static void failed(sink_t *s, const char *what, cd_err_t *err)
{
    cd_metric_add(s->commits_failed, 1);
    log_err(CD_LOG_ERROR, LOGGER, ctx_log_context(s->t->ctx), what, err);
    cd_err_free(err);
}

/** The broker has these offsets. */
static void committed(sink_t *s, const rd_kafka_topic_partition_list_t *list)
{
    for (int i = 0; i < list->cnt; i++) {
        const rd_kafka_topic_partition_t *tp = &list->elems[i];
        sink_part_t *p = sink_offsets_find(&s->offsets, tp->topic, tp->partition);
        if (p != NULL && tp->err == RD_KAFKA_RESP_ERR_NO_ERROR) p->committed = tp->offset;
    }
    cd_metric_add(s->commits_ok, 1);
}

static rd_kafka_topic_partition_list_t *acceptable(sink_t *s, const cd_topic_partition_t *given, uint32_t n)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)n);
    for (uint32_t i = 0; i < n; i++) {
        const char *why;
        if (sink_offsets_acceptable(&s->offsets, &given[i], &why))
            rd_kafka_topic_partition_list_add(list, given[i].topic, given[i].partition)->offset = given[i].offset;
        else if (why != NULL)
            log_write(CD_LOG_WARN, LOGGER, ctx_log_context(s->t->ctx),
                      "%s Ignoring invalid task provided offset %s-%d -> %lld: %s", s->t->id, given[i].topic,
                      given[i].partition, (long long)given[i].offset, why);
    }
    return list;
}

static void send_offsets(sink_t *s, rd_kafka_topic_partition_list_t *list, bool closing)
{
    if (closing) {
        rd_kafka_resp_err_t rc = rd_kafka_commit(s->rk, list, 0);
        if (rc == RD_KAFKA_RESP_ERR_NO_ERROR)
            committed(s, list);
        else if (rc != RD_KAFKA_RESP_ERR__NO_OFFSET)
            failed(s, "Failed to commit offsets while closing partitions", kafka_err(rc, "committing offsets"));
        return;
    }
    s->commit_seq++;
    rd_kafka_resp_err_t rc = rd_kafka_commit_queue(s->rk, list, s->commits, NULL, (void *)(uintptr_t)s->commit_seq);
    if (rc != RD_KAFKA_RESP_ERR_NO_ERROR) {
        failed(s, "Commit of offsets could not be sent", kafka_err(rc, "committing offsets"));
        return;
    }
    s->committing = true;
    s->commit_began = clock_mono_ms();
}

void sink_commit(sink_t *s, const rd_kafka_topic_partition_list_t *only, bool closing)
{
    cd_arena_t arena = {0};
    uint32_t n = 0, nclose = 0;
    rd_kafka_topic_partition_list_t *list = NULL;
    /* A record that is neither written nor in the dead letter queue must come again. */
    cd_err_t *err = dead_letters_flush(s->letters);
    cd_topic_partition_t *given = sink_offsets_current(&s->offsets, only, &arena, &n);
    if (err == NULL && n > 0 && s->ops->pre_commit != NULL) err = s->ops->pre_commit(s->task, given, n);
    if (err != NULL) {
        if (closing) {
            failed(s, "Offset commit failed while closing partitions", err);
        } else {
            failed(s, "Offset commit failed, rewinding to last committed offsets", err);
            sink_rewind(s);
        }
    } else if (n > 0) {
        list = acceptable(s, given, n);
    }
    if (closing && s->ops->close != NULL) {
        cd_topic_partition_t *all = cd_arena_array(&arena, cd_topic_partition_t, s->offsets.n);
        for (uint32_t i = 0; i < s->offsets.n; i++) {
            const sink_part_t *p = &s->offsets.parts[i];
            if (only == NULL || rd_kafka_topic_partition_list_find((rd_kafka_topic_partition_list_t *)(uintptr_t)only,
                                                                   p->topic, p->partition) != NULL)
                all[nclose++] = (cd_topic_partition_t){p->topic, p->partition, p->current};
        }
        if (nclose > 0) s->ops->close(s->task, all, nclose);
    }
    if (list != NULL && list->cnt > 0 && !task_cancelled(s->t)) send_offsets(s, list, closing);
    if (list != NULL) rd_kafka_topic_partition_list_destroy(list);
    cd_arena_done(&arena);
}

void sink_commit_answers(sink_t *s)
{
    for (rd_kafka_event_t *ev; (ev = rd_kafka_queue_poll(s->commits, 0)) != NULL; rd_kafka_event_destroy(ev)) {
        if (rd_kafka_event_type(ev) != RD_KAFKA_EVENT_OFFSET_COMMIT) continue;
        if ((uint64_t)(uintptr_t)rd_kafka_event_opaque(ev) != s->commit_seq) continue; /* overtaken or timed out */
        s->committing = false;
        rd_kafka_resp_err_t rc = rd_kafka_event_error(ev);
        if (rc == RD_KAFKA_RESP_ERR_NO_ERROR || rc == RD_KAFKA_RESP_ERR__NO_OFFSET)
            committed(s, rd_kafka_event_topic_partition_list(ev));
        else
            failed(s, "Commit of offsets failed", kafka_err(rc, "committing offsets"));
    }
}
