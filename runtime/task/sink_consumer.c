/* The consumer of a sink task: a member of the group connect-<connector>.
 *
 * Records, rebalances and answers to commits ring one descriptor, on which the task sleeps together with its inbox and
 * its stop signal; nothing here waits in librdkafka except for the answers a rebalance needs. */
#include "runtime/base/clock.h"
#include "runtime/base/log.h"
#include "runtime/base/mem.h"
#include "runtime/base/str.h"
#include "runtime/client/java_regex.h"
#include "runtime/client/kafka_conf.h"
#include "runtime/data/batch.h"
#include "runtime/task/sink_priv.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define LOGGER           "org.apache.kafka.connect.runtime.WorkerSinkTask"
#define TAKE_RECORDS     10000u
#define TAKE_BYTES       ((size_t)16 * 1024 * 1024)
#define TAKE_CHUNK       1000u
#define COMMITTED_MS     10000
#define SEEK_MS          5000
#define WATCH_MS         300000 /* Java's metadata.max.age.ms */
#define WATCH_EMPTY_MS   5000
#define POLL_INTERVAL_MS 300000 /* the default of max.poll.interval.ms */
#define METADATA_MS      10000

/** topics.regex: Java's expressions are richer than what librdkafka matches, so matching is done here. */
typedef struct topic_watch {
    java_regex_t *re;
    int64_t age_ms, next;
    char **topics; /* subscribed, sorted */
    uint32_t n;
} topic_watch_t;

/* ---- Rebalance ---- */

static void keep_error(sink_t *s, cd_err_t *err)
{
    if (s->in_callback == NULL)
        s->in_callback = err;
    else
        cd_err_free(err);
}

static cd_topic_partition_t *plain_list(const rd_kafka_topic_partition_list_t *parts, cd_arena_t *arena)
{
    cd_topic_partition_t *out = cd_arena_array(arena, cd_topic_partition_t, parts->cnt);
    for (int i = 0; i < parts->cnt; i++)
        out[i] = (cd_topic_partition_t){parts->elems[i].topic, parts->elems[i].partition, parts->elems[i].offset};
    return out;
}

static void on_assigned(sink_t *s, rd_kafka_topic_partition_list_t *parts, bool incremental)
{
    cd_arena_t arena = {0};
    rd_kafka_resp_err_t rc = rd_kafka_committed(s->rk, parts, COMMITTED_MS);
    for (int i = 0; i < parts->cnt; i++) {
        rd_kafka_topic_partition_t *p = &parts->elems[i];
        /* Without an answer the consumer asks again by itself; what it then delivers sets the position. */
        bool known = rc == RD_KAFKA_RESP_ERR_NO_ERROR && p->err == RD_KAFKA_RESP_ERR_NO_ERROR && p->offset >= 0;
        if (!known) p->offset = RD_KAFKA_OFFSET_INVALID;
        (void)sink_offsets_add(&s->offsets, p->topic, p->partition, known ? p->offset : NO_OFFSET);
    }
    cd_metric_set(s->partitions, s->offsets.n);
    if (incremental) {
        rd_kafka_error_t *bad = rd_kafka_incremental_assign(s->rk, parts);
        if (bad != NULL) {
            keep_error(s, kafka_err(rd_kafka_error_code(bad), "assigning partitions"));
            rd_kafka_error_destroy(bad);
        }
    } else {
        rc = rd_kafka_assign(s->rk, parts);
        if (rc != RD_KAFKA_RESP_ERR_NO_ERROR) keep_error(s, kafka_err(rc, "assigning partitions"));
    }
    if (s->paused_all || s->paused_by_user) (void)rd_kafka_pause_partitions(s->rk, parts);
    if (parts->cnt > 0 && s->started && s->ops->open != NULL) {
        cd_err_t *err = s->ops->open(s->task, plain_list(parts, &arena), (uint32_t)parts->cnt);
        if (err != NULL) keep_error(s, err);
    }
    cd_arena_done(&arena);
}

static void on_revoked(sink_t *s, rd_kafka_topic_partition_list_t *parts, bool incremental)
{
    bool lost = rd_kafka_assignment_lost(s->rk) != 0;
    if (parts->cnt > 0 && s->started && !s->closing) {
        if (!lost) {
            sink_commit(s, parts, true);
        } else if (s->ops->close != NULL) {
            cd_arena_t arena = {0};
            s->ops->close(s->task, plain_list(parts, &arena), (uint32_t)parts->cnt);
            cd_arena_done(&arena);
        }
    }
    if (s->batch != NULL) sink_batch_forget(s->batch, parts);
    for (int i = 0; i < parts->cnt; i++)
        sink_offsets_remove(&s->offsets, parts->elems[i].topic, parts->elems[i].partition);
    cd_metric_set(s->partitions, s->offsets.n);
    if (incremental) {
        rd_kafka_error_t *bad = rd_kafka_incremental_unassign(s->rk, parts);
        if (bad != NULL) rd_kafka_error_destroy(bad); /* they are gone already */
    } else {
        (void)rd_kafka_assign(s->rk, NULL);
    }
}

static void on_rebalance(rd_kafka_t *rk, rd_kafka_resp_err_t what, rd_kafka_topic_partition_list_t *parts, void *opaque)
{
    sink_t *s = opaque;
    const char *protocol = rd_kafka_rebalance_protocol(rk);
    bool incremental = str_eq(protocol, "COOPERATIVE");
    log_write(CD_LOG_INFO, LOGGER, ctx_log_context(s->t->ctx), "%s %s %d partition(s)", s->t->id,
              what == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS ? "was assigned" : "gives up", parts->cnt);
    if (what == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS)
        on_assigned(s, parts, incremental);
    else
        on_revoked(s, parts, incremental);
}

/* ---- Opening ---- */

static cd_err_t *topics_listed(sink_t *s, const char *text)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(8);
    cd_list_t names = str_split_list(text, &s->arena);
    for (uint32_t i = 0; i < names.n; i++)
        if (names.items[i][0] != '\0' &&
            rd_kafka_topic_partition_list_find(list, names.items[i], RD_KAFKA_PARTITION_UA) == NULL)
            rd_kafka_topic_partition_list_add(list, names.items[i], RD_KAFKA_PARTITION_UA);
    rd_kafka_resp_err_t rc = rd_kafka_subscribe(s->rk, list);
    rd_kafka_topic_partition_list_destroy(list);
    return rc == RD_KAFKA_RESP_ERR_NO_ERROR ? NULL : kafka_err(rc, "subscribing");
}

static cd_err_t *subscribe(sink_t *s)
{
    const cd_config_t *c = &s->t->connector_config;
    const char *topics = cd_config_get(c, "topics"), *regex = cd_config_get(c, "topics.regex");
    if (!str_empty(topics) && !str_empty(regex))
        return cd_err_new(CD_ERR_CONFIG, CD_JVM_CONFIG,
                          "topics and topics.regex are mutually exclusive options, but both are set.");
    if (!str_empty(topics)) return topics_listed(s, topics);
    if (str_empty(regex))
        return cd_err_new(CD_ERR_CONFIG, CD_JVM_CONFIG, "Must configure one of topics or topics.regex");
    s->watch = mem_new0(topic_watch_t);
    const char *age = cd_config_get(c, "consumer.override.metadata.max.age.ms");
    s->watch->age_ms = age != NULL ? strtoll(age, NULL, 10) : WATCH_MS;
    if (s->watch->age_ms < WATCH_EMPTY_MS) s->watch->age_ms = WATCH_EMPTY_MS;
    return java_regex_new(regex, 0, &s->watch->re);
}

/** The settings that are read here besides being passed on. */
static cd_err_t *poll_settings(sink_t *s, const cd_config_t *layers)
{
    const char *interval = kafka_conf_get(layers, TASK_LAYERS, "max.poll.interval.ms");
    const char *text = kafka_conf_get(layers, TASK_LAYERS, "max.poll.records");
    s->nap_max_ms = (interval != NULL ? strtoll(interval, NULL, 10) : POLL_INTERVAL_MS) / 3;
    s->records_max = TAKE_RECORDS;
    if (text == NULL) return NULL;
    char *end;
    long long n = strtoll(text, &end, 10);
    if (end == text || n < 1 || n > INT32_MAX)
        return cd_err_new(CD_ERR_CONFIG, CD_JVM_CONFIG,
                          "Invalid value %s for configuration max.poll.records: Value must be at least 1", text);
    s->records_max = (uint32_t)n;
    return NULL;
}

cd_err_t *sink_consumer_open(sink_t *s)
{
    task_t *t = s->t;
    cd_arena_t arena = {0};
    cd_config_t layers[TASK_LAYERS];
    const cd_pair_t base[] = {
        {"group.id", cd_arena_printf(&arena, "connect-%s", t->connector)},
        {"client.id", cd_arena_printf(&arena, "connector-consumer-%s-%d", t->connector, t->number)},
        {"auto.offset.reset", "earliest"},
        /* Topics that appear later are noticed in time for people who try things out; Java looks every 5 minutes. */
        {"topic.metadata.refresh.interval.ms", "10000"},
    };
    rd_kafka_conf_t *conf;
    task_client_layers(t, &arena, base, sizeof(base) / sizeof(base[0]), "consumer.", "consumer.override.", layers);
    cd_err_t *err = poll_settings(s, layers);
    if (err == NULL) err = kafka_conf_new(KAFKA_CONSUMER, layers, TASK_LAYERS, &conf);
    if (err == NULL) {
        rd_kafka_conf_set_opaque(conf, s);
        rd_kafka_conf_set_rebalance_cb(conf, on_rebalance);
        err = kafka_conf_open(KAFKA_CONSUMER, conf, &s->rk);
    }
    cd_arena_done(&arena);
    if (err != NULL) return err;
    s->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (s->fd < 0)
        return cd_err_new(CD_ERR_FATAL, CD_JVM_CONNECT, "could not create a descriptor: %s", strerrordesc_np(errno));
    (void)rd_kafka_poll_set_consumer(s->rk);
    s->queue = rd_kafka_queue_get_consumer(s->rk);
    s->commits = rd_kafka_queue_new(s->rk);
    sink_prefetch_init(s);
    rd_kafka_queue_io_event_enable(s->queue, s->fd, &(uint64_t){1}, sizeof(uint64_t));
    rd_kafka_queue_io_event_enable(s->commits, s->fd, &(uint64_t){1}, sizeof(uint64_t));
    return subscribe(s);
}

static void watch_clear(topic_watch_t *w)
{
    for (uint32_t i = 0; i < w->n; i++) free(w->topics[i]);
    free(w->topics);
    w->topics = NULL;
    w->n = 0;
}

void sink_consumer_close(sink_t *s)
{
    s->closing = true;
    if (s->watch != NULL) {
        watch_clear(s->watch);
        java_regex_free(s->watch->re);
        free(s->watch);
    }
    if (s->rk == NULL) return;
    if (s->queue != NULL) rd_kafka_queue_io_event_enable(s->queue, -1, NULL, 0);
    if (s->commits != NULL) {
        rd_kafka_queue_io_event_enable(s->commits, -1, NULL, 0);
        rd_kafka_queue_destroy(s->commits);
    }
    (void)rd_kafka_consumer_close(s->rk); /* leaves the group; there is nobody left to tell about a failure */
    if (s->queue != NULL) rd_kafka_queue_destroy(s->queue);
    rd_kafka_destroy(s->rk);
    if (s->fd >= 0) (void)close(s->fd);
}

static const rd_kafka_message_t *origin_of(void *arg, const cd_record_t *rec)
{
    const sink_t *s = arg;
    const cd_batch_t *b = s->batch;
    /* Compared as numbers: the record may be one that the plugin made itself. */
    uintptr_t at = (uintptr_t)rec, first = b != NULL ? (uintptr_t)b->records : 0;
    if (b == NULL || at < first || at >= first + b->count * sizeof(*rec)) return NULL;
    return s->origins[(at - first) / sizeof(*rec)];
}

cd_err_t *sink_letters_open(sink_t *s)
{
    task_t *t = s->t;
    cd_arena_t arena = {0};
    cd_config_t layers[TASK_LAYERS];
    task_producer_layers(t, &arena, "connector-dlq-producer", layers);
    cd_err_t *err = dead_letters_open(t->ctx, t->connector, t->number, &t->connector_config, layers, TASK_LAYERS,
                                      origin_of, s, &s->letters);
    cd_arena_done(&arena);
    return err;
}

/* ---- topics.regex ---- */

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool watched(sink_t *s, const char *topic)
{
    bool match = false;
    if (strcmp(topic, "__consumer_offsets") == 0 || strcmp(topic, "__transaction_state") == 0) return false;
    cd_err_t *err = java_regex_matches(s->watch->re, topic, strlen(topic), &match);
    if (err != NULL) log_err(CD_LOG_WARN, LOGGER, ctx_log_context(s->t->ctx), "A topic name could not be matched", err);
    cd_err_free(err);
    return match;
}

static void resubscribe(sink_t *s, const struct rd_kafka_metadata *md)
{
    topic_watch_t *w = s->watch;
    char **topics = mem_alloc0((size_t)md->topic_cnt + 1, sizeof(*topics));
    uint32_t n = 0;
    for (int i = 0; i < md->topic_cnt; i++)
        if (md->topics[i].partition_cnt > 0 && watched(s, md->topics[i].topic))
            topics[n++] = mem_strdup(md->topics[i].topic);
    qsort(topics, n, sizeof(*topics), by_text);
    bool same = n == w->n;
    for (uint32_t i = 0; i < n && same; i++) same = strcmp(topics[i], w->topics[i]) == 0;
    watch_clear(w);
    w->topics = topics;
    w->n = n;
    if (same) return;
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)n);
    for (uint32_t i = 0; i < n; i++) rd_kafka_topic_partition_list_add(list, topics[i], RD_KAFKA_PARTITION_UA);
    rd_kafka_resp_err_t rc = n > 0 ? rd_kafka_subscribe(s->rk, list) : rd_kafka_unsubscribe(s->rk);
    if (rc != RD_KAFKA_RESP_ERR_NO_ERROR) keep_error(s, kafka_err(rc, "subscribing"));
    rd_kafka_topic_partition_list_destroy(list);
}

int64_t sink_consumer_watch(sink_t *s)
{
    topic_watch_t *w = s->watch;
    if (w == NULL) return INT64_MAX;
    int64_t now = clock_mono_ms();
    if (now >= w->next) {
        const struct rd_kafka_metadata *md = NULL;
        rd_kafka_resp_err_t rc = rd_kafka_metadata(s->rk, 1, NULL, &md, METADATA_MS);
        if (rc == RD_KAFKA_RESP_ERR_NO_ERROR) {
            resubscribe(s, md);
            rd_kafka_metadata_destroy(md);
        }
        now = clock_mono_ms();
        w->next = now + (rc != RD_KAFKA_RESP_ERR_NO_ERROR || w->n == 0 ? WATCH_EMPTY_MS : w->age_ms);
    }
    return w->next - now;
}

/* ---- Records ---- */

typedef struct messages {
    size_t n;
    rd_kafka_message_t *items[];
} messages_t;

static void messages_release(void *arg)
{
    messages_t *m = arg;
    for (size_t i = 0; i < m->n; i++) rd_kafka_message_destroy(m->items[i]);
    free(m);
}

static void add_headers(cd_batch_t *batch, cd_record_t *rec, const rd_kafka_message_t *m)
{
    rd_kafka_headers_t *from = NULL;
    if (rd_kafka_message_headers(m, &from) != RD_KAFKA_RESP_ERR_NO_ERROR || from == NULL) return;
    size_t n = rd_kafka_header_cnt(from);
    rec->headers = (cd_header_t *)cd_arena_alloc0(&batch->arena, n * sizeof(cd_header_t));
    for (size_t i = 0; i < n; i++) {
        const char *name;
        const void *value;
        size_t len;
        if (rd_kafka_header_get_all(from, i, &name, &value, &len) != RD_KAFKA_RESP_ERR_NO_ERROR) break;
        cd_header_t *h = &rec->headers[rec->nheaders++];
        h->key = name; /* lives with the message, which lives with the batch */
        h->raw = (cd_bytes_t){value, (uint32_t)len};
        h->raw_valid = true;
    }
}

static void add_record(sink_t *s, cd_batch_t *batch, const rd_kafka_message_t *m)
{
    rd_kafka_timestamp_type_t type;
    cd_record_t *rec = cd_batch_add(batch);
    if (batch->count > s->origins_cap) {
        s->origins_cap = batch->cap;
        s->origins = mem_realloc_array(s->origins, s->origins_cap, sizeof(*s->origins));
    }
    s->origins[batch->count - 1] = m;
    rec->topic = rec->orig_topic = rd_kafka_topic_name(m->rkt);
    rec->partition = rec->orig_partition = m->partition;
    rec->kafka_offset = m->offset;
    rec->raw_key = (cd_bytes_t){m->key, (uint32_t)m->key_len};
    rec->raw_value = (cd_bytes_t){m->payload, (uint32_t)m->len};
    int64_t timestamp = rd_kafka_message_timestamp(m, &type);
    if (type != RD_KAFKA_TIMESTAMP_NOT_AVAILABLE) {
        rec->timestamp = timestamp;
        rec->timestamp_type = type == RD_KAFKA_TIMESTAMP_CREATE_TIME ? CD_TS_CREATE : CD_TS_LOG_APPEND;
    }
    add_headers(batch, rec, m);
    sink_part_t *p = sink_offsets_find(&s->offsets, rec->orig_topic, rec->orig_partition);
    if (p == NULL) {
        rec->flags |= CD_REC_DROPPED; /* taken away by a rebalance within this very take */
        return;
    }
    if (p->first == NO_OFFSET) p->first = m->offset;
    if (m->offset + 1 > p->taken) p->taken = m->offset + 1;
    task_topic_used(s->t, rec->orig_topic);
}

/** An error event in place of a record. */
static void consumer_error(sink_t *s, const rd_kafka_message_t *m)
{
    cd_err_t *err;
    switch (m->err) {
    case RD_KAFKA_RESP_ERR__PARTITION_EOF:
        return;
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED:
    case RD_KAFKA_RESP_ERR__AUTHENTICATION:
    case RD_KAFKA_RESP_ERR__FATAL:
        err = kafka_err(m->err, "consuming");
        keep_error(s, err);
        return;
    case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET:
        keep_error(s, cd_err_new(CD_ERR_FATAL, "org.apache.kafka.clients.consumer.NoOffsetForPartitionException",
                                 "Undefined offset with no reset policy for partition: %s-%d",
                                 rd_kafka_topic_name(m->rkt), m->partition));
        return;
    default:
        log_write(CD_LOG_WARN, LOGGER, ctx_log_context(s->t->ctx), "Consumer: %s", rd_kafka_message_errstr(m));
        return;
    }
}

static cd_batch_t *batch_free_one(sink_t *s)
{
    for (size_t i = 0; i < sizeof(s->batches) / sizeof(s->batches[0]); i++) {
        if (s->batches[i] == NULL) s->batches[i] = batch_new(ctx_schemas(s->t->ctx));
        if (!batch_is_own(s->batches[i])) continue;
        batch_reset(s->batches[i]);
        return s->batches[i];
    }
    /* The plugin holds both: give up our share of one, it frees it when it is done. */
    batch_unref(s->batches[0]);
    return s->batches[0] = batch_new(ctx_schemas(s->t->ctx));
}

/** One chunk of the queue into the batch. @return how many messages and events came */
static size_t take_chunk(sink_t *s, cd_batch_t *batch, size_t max, size_t *bytes)
{
    messages_t *chunk = mem_alloc(sizeof(*chunk) + max * sizeof(chunk->items[0]));
    ssize_t got = rd_kafka_consume_batch_queue(s->queue, 0, chunk->items, max);
    size_t n = got < 0 ? 0 : (size_t)got;
    chunk->n = 0;
    for (size_t i = 0; i < n; i++) {
        rd_kafka_message_t *m = chunk->items[i];
        if (m->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
            consumer_error(s, m);
            rd_kafka_message_destroy(m);
            continue;
        }
        chunk->items[chunk->n++] = m;
        *bytes += m->len + m->key_len;
        add_record(s, batch, m);
    }
    if (chunk->n > 0)
        batch_attach(batch, messages_release, chunk);
    else
        free(chunk);
    return n;
}

cd_err_t *sink_consumer_take(sink_t *s)
{
    uint64_t bell;
    /* Before the queue is emptied, so that what comes during it rings again. */
    ssize_t r = read(s->fd, &bell, sizeof(bell));
    (void)r;
    size_t bytes = 0;
    if (s->batch == NULL) {
        /* In hand from the start: a rebalance in the middle must find what it takes away. */
        cd_batch_t *batch = s->batch = batch_free_one(s);
        while (batch->count < s->records_max && bytes < TAKE_BYTES && s->in_callback == NULL) {
            size_t max = s->records_max - batch->count;
            if (take_chunk(s, batch, max < TAKE_CHUNK ? max : TAKE_CHUNK, &bytes) == 0) break;
        }
        if (batch->count == 0) {
            s->batch = NULL;
        } else {
            sink_prefetch_taken(s, batch->count, bytes);
            /* There may be more than we took: come again without waiting for a bell. */
            ssize_t w = write(s->fd, &(uint64_t){1}, sizeof(uint64_t));
            (void)w;
        }
    } else {
        /* A batch waits for its redelivery: everything is paused, so only rebalances and errors can come. Records that
         * were on their way when the pause began are fetched again after it. */
        rd_kafka_message_t *m[16];
        ssize_t n = rd_kafka_consume_batch_queue(s->queue, 0, m, sizeof(m) / sizeof(m[0]));
        for (ssize_t i = 0; i < n; i++) {
            if (m[i]->err != RD_KAFKA_RESP_ERR_NO_ERROR) consumer_error(s, m[i]);
            rd_kafka_message_destroy(m[i]);
        }
    }
    cd_err_t *err = s->in_callback;
    s->in_callback = NULL;
    return err;
}

void sink_consumer_pause(sink_t *s, bool pause)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)s->offsets.n);
    for (uint32_t i = 0; i < s->offsets.n; i++)
        rd_kafka_topic_partition_list_add(list, s->offsets.parts[i].topic, s->offsets.parts[i].partition);
    if (pause)
        (void)rd_kafka_pause_partitions(s->rk, list); /* per-partition errors: the partition is gone */
    else
        (void)rd_kafka_resume_partitions(s->rk, list);
    rd_kafka_topic_partition_list_destroy(list);
}

static cd_err_t *seek_list(sink_t *s, rd_kafka_topic_partition_list_t *list)
{
    if (list->cnt == 0) return NULL;
    rd_kafka_error_t *bad = rd_kafka_seek_partitions(s->rk, list, SEEK_MS);
    if (bad == NULL) return NULL;
    cd_err_t *err = kafka_err(rd_kafka_error_code(bad), "seeking");
    rd_kafka_error_destroy(bad);
    return err;
}

cd_err_t *sink_consumer_seek(sink_t *s)
{
    if (s->nseeks == 0) return NULL;
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)s->nseeks);
    for (uint32_t i = 0; i < s->nseeks; i++) {
        cd_topic_partition_t *w = &s->seeks[i];
        sink_part_t *p = sink_offsets_find(&s->offsets, w->topic, w->partition);
        if (p != NULL) {
            rd_kafka_topic_partition_list_add(list, w->topic, w->partition)->offset = w->offset;
            p->committed = p->current = w->offset;
            p->taken = NO_OFFSET;
        }
        free((char *)(uintptr_t)w->topic);
    }
    s->nseeks = 0;
    cd_err_t *err = seek_list(s, list);
    rd_kafka_topic_partition_list_destroy(list);
    return err;
}

void sink_rewind(sink_t *s)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)s->offsets.n);
    for (uint32_t i = 0; i < s->offsets.n; i++) {
        sink_part_t *p = &s->offsets.parts[i];
        p->current = p->committed;
        p->taken = NO_OFFSET;
        int64_t to = p->committed != NO_OFFSET ? p->committed : p->first;
        if (to != NO_OFFSET) rd_kafka_topic_partition_list_add(list, p->topic, p->partition)->offset = to;
    }
    cd_err_t *err = seek_list(s, list);
    if (err != NULL) keep_error(s, err);
    rd_kafka_topic_partition_list_destroy(list);
}
