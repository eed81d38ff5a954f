#include "runtime/store/topic_admin.h"

#include "runtime/base/clock.h"
#include "runtime/base/log.h"
#include "runtime/base/mem.h"
#include "runtime/base/str.h"

#define LOGGER           "org.apache.kafka.connect.util.TopicAdmin"
#define RETRY_MS         100
#define REQUEST_MS       10000
#define METADATA_STEP_MS 1000
#define METADATA_MS      30000
#define TOPICS_MAX       8

typedef struct ensure {
    kafka_hub_admin_t admin; /* first: what librdkafka hands back */
    kafka_hub_t *hub;
    uint32_t n;
    topic_spec_t specs[TOPICS_MAX];
    bool settled[TOPICS_MAX]; /* created, exists, or assumed to */
    bool existed[TOPICS_MAX]; /* its policy must be checked */
    int32_t partitions[TOPICS_MAX];
    int64_t create_deadline, metadata_deadline, wait_ms;
    uv_timer_t timer;
    cd_err_t *err;
    topic_admin_fn *done;
    void *arg;
} ensure_t;

bool topic_admin_is_compact(const char *policy)
{
    cd_arena_t arena = {0};
    cd_list_t items = str_split_list(policy, &arena);
    bool compact = items.n > 0;
    for (uint32_t i = 0; i < items.n; i++) compact = compact && strcasecmp(items.items[i], "compact") == 0;
    cd_arena_done(&arena);
    return compact;
}

static void on_timer_closed(uv_handle_t *h)
{
    ensure_t *e = h->data;
    e->done(e->arg, e->err, e->err == NULL ? e->partitions : NULL);
    free(e);
}

static void finish(ensure_t *e, cd_err_t *err)
{
    e->err = err;
    uv_close((uv_handle_t *)&e->timer, on_timer_closed);
}

static rd_kafka_AdminOptions_t *options(ensure_t *e, rd_kafka_admin_op_t op)
{
    char text[256];
    rd_kafka_AdminOptions_t *o = rd_kafka_AdminOptions_new(kafka_hub_producer(e->hub), op);
    if (rd_kafka_AdminOptions_set_request_timeout(o, REQUEST_MS, text, sizeof(text)) != RD_KAFKA_RESP_ERR_NO_ERROR)
        log_write(CD_LOG_WARN, LOGGER, NULL, "%s", text);
    rd_kafka_AdminOptions_set_opaque(o, &e->admin);
    return o;
}

/* ---- 3. partitions ---- */

static bool read_partitions(ensure_t *e, uint32_t i)
{
    rd_kafka_t *rk = kafka_hub_consumer(e->hub);
    const struct rd_kafka_metadata *md = NULL;
    rd_kafka_topic_t *rkt = rd_kafka_topic_new(rk, e->specs[i].topic, NULL);
    if (rkt == NULL) return false;
    bool known = rd_kafka_metadata(rk, 0, rkt, &md, METADATA_STEP_MS) == RD_KAFKA_RESP_ERR_NO_ERROR &&
                 md->topic_cnt == 1 && md->topics[0].err == RD_KAFKA_RESP_ERR_NO_ERROR &&
                 md->topics[0].partition_cnt > 0;
    for (int p = 0; known && p < md->topics[0].partition_cnt; p++) known = md->topics[0].partitions[p].leader >= 0;
    if (known) e->partitions[i] = md->topics[0].partition_cnt;
    if (md != NULL) rd_kafka_metadata_destroy(md);
    rd_kafka_topic_destroy(rkt);
    return known;
}

static void partitions_run(void *arg)
{
    ensure_t *e = arg;
    for (uint32_t i = 0; i < e->n; i++)
        if (e->partitions[i] == 0 && !read_partitions(e, i)) return;
}

static void read_all_partitions(ensure_t *e);

static void on_metadata_timer(uv_timer_t *t)
{
    read_all_partitions(t->data);
}

static void partitions_done(void *arg)
{
    ensure_t *e = arg;
    for (uint32_t i = 0; i < e->n; i++) {
        if (e->partitions[i] > 0) continue;
        if (clock_mono_ms() < e->metadata_deadline) {
            if (uv_timer_start(&e->timer, on_metadata_timer, (uint64_t)e->wait_ms, 0) != 0) abort();
            e->wait_ms = e->wait_ms * 2 < 1000 ? e->wait_ms * 2 : 1000;
            return;
        }
        finish(e, cd_err_new(CD_ERR_FATAL, CD_JVM_CONNECT,
                             "Could not look up partition metadata for topic '%s' in the allotted period. This could "
                             "indicate a connectivity issue, unavailable topic partitions, or if this is your first "
                             "use of the topic it may have taken too long to create.",
                             e->specs[i].topic));
        return;
    }
    finish(e, NULL);
}

static void read_all_partitions(ensure_t *e)
{
    kafka_hub_run(e->hub, partitions_run, partitions_done, e);
}

static void start_partitions(ensure_t *e)
{
    e->metadata_deadline = clock_mono_ms() + METADATA_MS;
    e->wait_ms = 10; /* a topic that was just made is usually known at once */
    read_all_partitions(e);
}

/* ---- 2. cleanup policy ---- */

static cd_err_t *check_policy(const topic_spec_t *s, const rd_kafka_ConfigResource_t *r)
{
    size_t n;
    if (rd_kafka_ConfigResource_error(r) != RD_KAFKA_RESP_ERR_NO_ERROR) {
        log_write(CD_LOG_INFO, LOGGER, NULL, "Unable to check the cleanup.policy of topic '%s': %s", s->topic,
                  rd_kafka_err2str(rd_kafka_ConfigResource_error(r)));
        return NULL;
    }
    const rd_kafka_ConfigEntry_t **entries = rd_kafka_ConfigResource_configs(r, &n);
    for (size_t i = 0; i < n; i++) {
        const char *value = rd_kafka_ConfigEntry_value(entries[i]);
        if (strcmp(rd_kafka_ConfigEntry_name(entries[i]), "cleanup.policy") != 0) continue;
        if (str_empty(value) || topic_admin_is_compact(value)) return NULL;
        return cd_err_new(CD_ERR_FATAL, CD_JVM_CONFIG,
                          "Topic '%s' supplied via the '%s' property is required to have 'cleanup.policy=compact' to "
                          "guarantee consistency and durability of %s, but found the topic currently has "
                          "'cleanup.policy=%s'. Continuing would likely result in eventually losing %s and problems "
                          "restarting this Connect cluster in the future. Change the '%s' property in the Connect "
                          "worker configurations to use a topic with 'cleanup.policy=compact'.",
                          s->topic, s->property, s->purpose, value, s->purpose, s->property);
    }
    return NULL;
}

static void on_described(kafka_hub_admin_t *a, rd_kafka_event_t *ev)
{
    ensure_t *e = (ensure_t *)a;
    size_t n = 0;
    if (rd_kafka_event_error(ev) != RD_KAFKA_RESP_ERR_NO_ERROR) {
        log_write(CD_LOG_INFO, LOGGER, NULL, "Unable to check the cleanup.policy of the internal topics: %s",
                  rd_kafka_event_error_string(ev));
        start_partitions(e);
        return;
    }
    const rd_kafka_ConfigResource_t **rs =
        rd_kafka_DescribeConfigs_result_resources(rd_kafka_event_DescribeConfigs_result(ev), &n);
    for (size_t r = 0; r < n; r++) {
        for (uint32_t i = 0; i < e->n; i++) {
            if (strcmp(rd_kafka_ConfigResource_name(rs[r]), e->specs[i].topic) != 0) continue;
            cd_err_t *err = check_policy(&e->specs[i], rs[r]);
            if (err == NULL) continue;
            finish(e, err);
            return;
        }
    }
    start_partitions(e);
}

static void describe(ensure_t *e)
{
    rd_kafka_ConfigResource_t *rs[TOPICS_MAX];
    size_t n = 0;
    for (uint32_t i = 0; i < e->n; i++)
        if (e->existed[i]) rs[n++] = rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, e->specs[i].topic);
    if (n == 0) {
        start_partitions(e);
        return;
    }
    rd_kafka_AdminOptions_t *o = options(e, RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS);
    e->admin.fn = on_described;
    rd_kafka_DescribeConfigs(kafka_hub_producer(e->hub), rs, n, o, kafka_hub_admin_queue(e->hub));
    rd_kafka_AdminOptions_destroy(o);
    rd_kafka_ConfigResource_destroy_array(rs, n);
}

/* ---- 1. creation ---- */

static void create(ensure_t *e);

static void on_create_timer(uv_timer_t *t)
{
    create(t->data);
}

/* @return an error when it is final; *ret_retry when it should be tried again */
static cd_err_t *created(ensure_t *e, uint32_t i, rd_kafka_resp_err_t code, const char *text, bool *ret_retry)
{
    const topic_spec_t *s = &e->specs[i];
    switch (code) {
    case RD_KAFKA_RESP_ERR_NO_ERROR:
        log_write(CD_LOG_INFO, LOGGER, NULL, "Created topic '%s'", s->topic);
        e->settled[i] = true;
        return NULL;
    case RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS:
        e->settled[i] = e->existed[i] = true;
        return NULL;
    case RD_KAFKA_RESP_ERR_UNSUPPORTED_VERSION:
    case RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE:
    case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
        log_write(CD_LOG_DEBUG, LOGGER, NULL,
                  "Unable to create topic '%s' (%s), so it is assumed to exist or to be auto-created", s->topic,
                  rd_kafka_err2str(code));
        e->settled[i] = e->existed[i] = true;
        return NULL;
    case RD_KAFKA_RESP_ERR_INVALID_CONFIG:
    case RD_KAFKA_RESP_ERR_INVALID_PARTITIONS:
    case RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION:
    case RD_KAFKA_RESP_ERR_POLICY_VIOLATION:
        return cd_err_new(CD_ERR_FATAL, CD_JVM_CONNECT, "Unable to create topic(s) '%s': %s", s->topic,
                          text != NULL ? text : rd_kafka_err2str(code));
    default:
        if (clock_mono_ms() >= e->create_deadline)
            return cd_err_new(CD_ERR_FATAL, CD_JVM_CONNECT, "Unable to create topic(s) '%s': %s", s->topic,
                              text != NULL ? text : rd_kafka_err2str(code));
        *ret_retry = true;
        return NULL;
    }
}

static void on_created(kafka_hub_admin_t *a, rd_kafka_event_t *ev)
{
    ensure_t *e = (ensure_t *)a;
    cd_err_t *err = NULL;
    bool retry = false;
    size_t n = 0;
    rd_kafka_resp_err_t all = rd_kafka_event_error(ev);
    if (all != RD_KAFKA_RESP_ERR_NO_ERROR) {
        for (uint32_t i = 0; i < e->n && err == NULL; i++)
            if (!e->settled[i]) err = created(e, i, all, rd_kafka_event_error_string(ev), &retry);
    } else {
        const rd_kafka_topic_result_t **rs =
            rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(ev), &n);
        for (size_t r = 0; r < n; r++)
            for (uint32_t i = 0; i < e->n && err == NULL; i++)
                if (strcmp(rd_kafka_topic_result_name(rs[r]), e->specs[i].topic) == 0)
                    err = created(e, i, rd_kafka_topic_result_error(rs[r]), rd_kafka_topic_result_error_string(rs[r]),
                                  &retry);
    }
    if (err != NULL) {
        finish(e, err);
    } else if (retry) {
        if (uv_timer_start(&e->timer, on_create_timer, RETRY_MS, 0) != 0) abort(); /* never fails on a live handle */
    } else {
        describe(e);
    }
}

static cd_err_t *new_topic(const topic_spec_t *s, rd_kafka_NewTopic_t **ret_topic)
{
    char text[256];
    rd_kafka_NewTopic_t *t = rd_kafka_NewTopic_new(s->topic, s->partitions, s->replication, text, sizeof(text));
    if (t == NULL)
        return cd_err_new(CD_ERR_FATAL, CD_JVM_CONNECT, "Unable to create topic(s) '%s': %s", s->topic, text);
    rd_kafka_resp_err_t code = rd_kafka_NewTopic_set_config(t, "cleanup.policy", "compact");
    for (uint32_t i = 0; i < s->settings.n && code == RD_KAFKA_RESP_ERR_NO_ERROR; i++)
        code = rd_kafka_NewTopic_set_config(t, s->settings.pairs[i].name, s->settings.pairs[i].value);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) {
        *ret_topic = t;
        return NULL;
    }
    rd_kafka_NewTopic_destroy(t);
    return cd_err_new(CD_ERR_FATAL, CD_JVM_CONNECT, "Unable to create topic(s) '%s': %s", s->topic,
                      rd_kafka_err2str(code));
}

static void create(ensure_t *e)
{
    rd_kafka_NewTopic_t *topics[TOPICS_MAX];
    size_t n = 0;
    cd_err_t *err = NULL;
    for (uint32_t i = 0; i < e->n && err == NULL; i++)
        if (!e->settled[i]) err = new_topic(&e->specs[i], &topics[n++]);
    if (err != NULL) {
        rd_kafka_NewTopic_destroy_array(topics, n - 1);
        finish(e, err);
        return;
    }
    rd_kafka_AdminOptions_t *o = options(e, RD_KAFKA_ADMIN_OP_CREATETOPICS);
    e->admin.fn = on_created;
    rd_kafka_CreateTopics(kafka_hub_producer(e->hub), topics, n, o, kafka_hub_admin_queue(e->hub));
    rd_kafka_AdminOptions_destroy(o);
    rd_kafka_NewTopic_destroy_array(topics, n);
}

void topic_admin_ensure(kafka_hub_t *hub, const topic_spec_t *specs, uint32_t n, int64_t timeout_ms,
                        topic_admin_fn *done, void *arg)
{
    ensure_t *e = mem_new0(ensure_t);
    e->hub = hub;
    e->n = n < TOPICS_MAX ? n : TOPICS_MAX;
    memcpy(e->specs, specs, e->n * sizeof(*specs));
    e->create_deadline = clock_mono_ms() + timeout_ms;
    e->done = done;
    e->arg = arg;
    if (uv_timer_init(kafka_hub_loop(hub), &e->timer) != 0) abort(); /* fails only for a NULL loop */
    e->timer.data = e;
    create(e);
}
