#include "runtime/client/admin.h"

#include "runtime/base/clock.h"
#include "runtime/client/kafka_conf.h"

static int left_ms(int64_t deadline)
{
    int64_t left = deadline - clock_mono_ms();
    return left < 1 ? 1 : left > 60000 ? 60000 : (int)left;
}

cd_err_t *admin_topic_exists(rd_kafka_t *rk, const char *topic, int64_t timeout_ms, bool *ret_exists,
                             int32_t *ret_partitions)
{
    const struct rd_kafka_metadata *md = NULL;
    int64_t deadline = clock_mono_ms() + timeout_ms;
    *ret_exists = false;
    /* All topics are listed instead of asking for the one: a question by name may create it on the broker. */
    rd_kafka_resp_err_t rc = rd_kafka_metadata(rk, 1, NULL, &md, left_ms(deadline));
    if (rc != RD_KAFKA_RESP_ERR_NO_ERROR) return kafka_err(rc, "listing topics");
    for (int i = 0; i < md->topic_cnt; i++) {
        if (strcmp(md->topics[i].topic, topic) != 0) continue;
        if (md->topics[i].err == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART) continue;
        *ret_exists = true;
        if (ret_partitions != NULL) *ret_partitions = md->topics[i].partition_cnt;
    }
    rd_kafka_metadata_destroy(md);
    return NULL;
}

static cd_err_t *create_result(const char *topic, rd_kafka_event_t *ev, bool *ret_created)
{
    rd_kafka_resp_err_t rc = rd_kafka_event_error(ev);
    if (rc != RD_KAFKA_RESP_ERR_NO_ERROR) {
        cd_err_t *cause = kafka_err(rc, rd_kafka_event_error_string(ev));
        return cd_err_wrap(cause, cause->cls, CD_JVM_CONNECT, "Could not create topic '%s'", topic);
    }
    size_t n = 0;
    const rd_kafka_CreateTopics_result_t *res = rd_kafka_event_CreateTopics_result(ev);
    const rd_kafka_topic_result_t **topics = rd_kafka_CreateTopics_result_topics(res, &n);
    for (size_t i = 0; i < n; i++) {
        rc = rd_kafka_topic_result_error(topics[i]);
        if (rc == RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS) continue;
        if (rc == RD_KAFKA_RESP_ERR_NO_ERROR) {
            *ret_created = true;
            continue;
        }
        const char *text = rd_kafka_topic_result_error_string(topics[i]);
        cd_err_t *cause = kafka_err(rc, text != NULL ? text : "refused by the broker");
        return cd_err_wrap(cause, cause->cls, CD_JVM_CONNECT, "Error while attempting to create/find topic(s) '%s'",
                           topic);
    }
    return NULL;
}

cd_err_t *admin_topic_create(rd_kafka_t *rk, const char *topic, int32_t partitions, int32_t replication,
                             const cd_config_t *topic_config, int64_t timeout_ms, bool *ret_created)
{
    char why[512];
    cd_err_t *err = NULL;
    rd_kafka_queue_t *queue = NULL;
    rd_kafka_AdminOptions_t *options = NULL;
    rd_kafka_event_t *ev = NULL;
    *ret_created = false;
    rd_kafka_NewTopic_t *nt = rd_kafka_NewTopic_new(topic, partitions, replication, why, sizeof(why));
    if (nt == NULL) return cd_err_new(CD_ERR_CONFIG, CD_JVM_CONFIG, "Could not create topic '%s': %s", topic, why);
    for (uint32_t i = 0; topic_config != NULL && i < topic_config->n; i++) {
        rd_kafka_resp_err_t rc =
            rd_kafka_NewTopic_set_config(nt, topic_config->pairs[i].name, topic_config->pairs[i].value);
        if (rc != RD_KAFKA_RESP_ERR_NO_ERROR) {
            err = kafka_err(rc, topic_config->pairs[i].name);
            goto out;
        }
    }
    queue = rd_kafka_queue_new(rk);
    options = rd_kafka_AdminOptions_new(rk, RD_KAFKA_ADMIN_OP_CREATETOPICS);
    int ms = left_ms(clock_mono_ms() + timeout_ms);
    (void)rd_kafka_AdminOptions_set_request_timeout(options, ms, why, sizeof(why));
    (void)rd_kafka_AdminOptions_set_operation_timeout(options, ms, why, sizeof(why));
    rd_kafka_CreateTopics(rk, &nt, 1, options, queue);
    ev = rd_kafka_queue_poll(queue, ms + 1000);
    if (ev == NULL)
        err = kafka_err(RD_KAFKA_RESP_ERR__TIMED_OUT, "creating a topic");
    else
        err = create_result(topic, ev, ret_created);
out:
    if (ev != NULL) rd_kafka_event_destroy(ev);
    if (options != NULL) rd_kafka_AdminOptions_destroy(options);
    if (queue != NULL) rd_kafka_queue_destroy(queue);
    rd_kafka_NewTopic_destroy(nt);
    return err;
}
