/* task/sink_priv.h: the parts of a sink task: its consumer (sink_consumer.c), the bookkeeping of partitions and offsets
 * (sink_offsets.c) and the loop (sink_task.c). All of it is used by the task's thread only. */
#ifndef RUNTIME_TASK_SINK_PRIV_H
#define RUNTIME_TASK_SINK_PRIV_H

#include "runtime/task/chain.h"
#include "runtime/task/task_priv.h"

#include <librdkafka/rdkafka.h>

/* ---- Offsets: pure bookkeeping ---- */

#define NO_OFFSET (-1)

typedef struct sink_part {
    char *topic;
    int32_t partition;
    int64_t committed; /* what the group has; NO_OFFSET when it has none */
    int64_t first;     /* where reading began; NO_OFFSET before the first record */
    int64_t current;   /* next offset to commit: everything before it went through put */
    int64_t taken;     /* next offset after the newest record in the batch in hand; NO_OFFSET without one */
} sink_part_t;

typedef struct sink_offsets {
    sink_part_t *parts; /* sorted by topic, then partition */
    uint32_t n, cap;
    sink_part_t *last; /* the newest lookup: records come in runs */
} sink_offsets_t;

void sink_offsets_done(sink_offsets_t *o);
/** NULL when the partition is not ours. The pointer is valid until partitions are added or removed. */
sink_part_t *sink_offsets_find(sink_offsets_t *o, const char *topic, int32_t partition);
sink_part_t *sink_offsets_add(sink_offsets_t *o, const char *topic, int32_t partition, int64_t committed);
void sink_offsets_remove(sink_offsets_t *o, const char *topic, int32_t partition);
/** The batch in hand was put: what it took becomes committable. */
void sink_offsets_advance(sink_offsets_t *o);
/** What to hand to pre_commit: partitions with something committable, of `only` (NULL: all).
 *  @return array in the arena; topics are borrowed */
cd_topic_partition_t *sink_offsets_current(const sink_offsets_t *o, const rd_kafka_topic_partition_list_t *only,
                                           cd_arena_t *arena, uint32_t *ret_n);
/** Whether pre_commit's answer may be committed; `ret_why` names a reason to warn about, or NULL when there is just
 *  nothing to do. */
bool sink_offsets_acceptable(sink_offsets_t *o, const cd_topic_partition_t *given, const char **ret_why);
/** Mark the records of a batch that came from `parts` as dropped: they belong to somebody else now. The *original*
 *  topic and partition count, since transforms may have renamed the topic. */
void sink_batch_forget(cd_batch_t *batch, const rd_kafka_topic_partition_list_t *parts);

/* ---- The task ---- */

typedef struct sink {
    task_t *t;
    const cd_sink_ops_t *ops;
    void *task; /* the plugin's */
    bool started;
    task_flush_t flush;
    cd_arena_t arena;
    error_handler_t *errors;
    dead_letters_t *letters;
    chain_t *chain;

    /* consumer */
    rd_kafka_t *rk;
    rd_kafka_queue_t *queue, *commits; /* records and rebalances; answers of asynchronous commits */
    int fd;                            /* readable when either has something */
    uint32_t records_max;
    int64_t nap_max_ms;        /* the group must hear of us well within max.poll.interval.ms */
    struct topic_watch *watch; /* topics.regex */
    struct {
        int64_t records, bytes; /* what the queue holds when it is full */
        bool was_full;
    } prefetch;
    bool closing;
    cd_err_t *in_callback; /* what a rebalance callback ended with, for the loop */

    sink_offsets_t offsets;
    cd_batch_t *batches[2];
    cd_batch_t *batch;                  /* in hand: consumed, not yet put; one of batches, or NULL */
    const rd_kafka_message_t **origins; /* of the batch in hand, by record index; heap */
    uint32_t origins_cap;
    cd_topic_partition_t *seeks; /* wished by the plugin; heap, topics too */
    uint32_t nseeks;

    bool paused_all; /* for redelivery */
    bool paused_by_user;
    int64_t backoff_ms; /* wished by the plugin for the next delivery; -1: none */
    int64_t deliver_at; /* the batch in hand is not put before this time */
    bool commit_wanted, committing;
    int64_t commit_began, next_commit;
    uint64_t commit_seq;
    cd_err_t *reported; /* what report() refused: put() must not swallow it */
    cd_metric_t *read, *sent, *active, *commits_ok, *commits_failed, *partitions, *paused;
} sink_t;

CD_CHECK cd_err_t *sink_consumer_open(sink_t *s);
void sink_consumer_close(sink_t *s);
/** Take what is queued, as one batch, without waiting: sets s->batch when there is something. Serves rebalances. */
CD_CHECK cd_err_t *sink_consumer_take(sink_t *s);
void sink_consumer_pause(sink_t *s, bool pause);
/** Apply the plugin's wishes to read from elsewhere. */
CD_CHECK cd_err_t *sink_consumer_seek(sink_t *s);
/** Look again which topics match topics.regex, when it is time. @return ms until the next look */
int64_t sink_consumer_watch(sink_t *s);
/** Look how far the queue may fill. */
void sink_prefetch_init(sink_t *s);
/** So much was taken from the queue just now: see that fetching goes on. May take as long as a request. */
void sink_prefetch_taken(sink_t *s, uint32_t records, size_t bytes);
/** Layers for the client settings of the dead letter queue. */
CD_CHECK cd_err_t *sink_letters_open(sink_t *s);

/** Commit. @param only  NULL: all partitions  @param closing  synchronous, and close() is called for `only` */
void sink_commit(sink_t *s, const rd_kafka_topic_partition_list_t *only, bool closing);
/** Handle the answers of asynchronous commits. */
void sink_commit_answers(sink_t *s);
/** Set positions back to what is committed (after a commit that failed). */
void sink_rewind(sink_t *s);

#endif
