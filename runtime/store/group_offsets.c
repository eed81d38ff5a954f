#include "runtime/store/group_offsets.h"

#include "runtime/base/mem.h"
#include "runtime/client/kafka_conf.h"

#define REQUEST_MS 30000

typedef struct question {
    kafka_hub_admin_t admin; /* first: what librdkafka hands back */
    group_offsets_fn *done;
    void *arg;
} question_t;

static void answer(const question_t *q, const rd_kafka_topic_partition_list_t *list)
{
    cd_arena_t arena = {0};
    cd_topic_partition_t *parts = cd_arena_array(&arena, cd_topic_partition_t, list->cnt);
    uint32_t n = 0;
    for (int i = 0; i < list->cnt; i++) {
        const rd_kafka_topic_partition_t *p = &list->elems[i];
        if (p->err == RD_KAFKA_RESP_ERR_NO_ERROR && p->offset >= 0)
            parts[n++] = (cd_topic_partition_t){.topic = p->topic, .partition = p->partition, .offset = p->offset};
    }
    q->done(q->arg, NULL, parts, n);
    cd_arena_done(&arena);
}

static void on_listed(kafka_hub_admin_t *a, rd_kafka_event_t *ev)
{
    question_t *q = (question_t *)a;
    size_t n = 0;
    const rd_kafka_group_result_t **groups = NULL;
    rd_kafka_resp_err_t code = rd_kafka_event_error(ev);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
        groups =
            rd_kafka_ListConsumerGroupOffsets_result_groups(rd_kafka_event_ListConsumerGroupOffsets_result(ev), &n);
    if (n == 1 && rd_kafka_group_result_error(groups[0]) != NULL)
        code = rd_kafka_error_code(rd_kafka_group_result_error(groups[0]));
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR || n != 1)
        q->done(q->arg, kafka_err(code, "Failed to list the offsets of a consumer group"), NULL, 0);
    else
        answer(q, rd_kafka_group_result_partitions(groups[0]));
    free(q);
}

void group_offsets_list(kafka_hub_t *hub, const char *group, group_offsets_fn *done, void *arg)
{
    char text[256];
    question_t *q = mem_new0(question_t);
    *q = (question_t){.admin = {.fn = on_listed}, .done = done, .arg = arg};
    rd_kafka_t *rk = kafka_hub_producer(hub);
    rd_kafka_ListConsumerGroupOffsets_t *request = rd_kafka_ListConsumerGroupOffsets_new(group, NULL);
    rd_kafka_AdminOptions_t *o = rd_kafka_AdminOptions_new(rk, RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPOFFSETS);
    /* fails only for a value out of range */
    if (rd_kafka_AdminOptions_set_request_timeout(o, REQUEST_MS, text, sizeof(text)) != RD_KAFKA_RESP_ERR_NO_ERROR)
        abort();
    rd_kafka_AdminOptions_set_opaque(o, &q->admin);
    rd_kafka_ListConsumerGroupOffsets(rk, &request, 1, o, kafka_hub_admin_queue(hub));
    rd_kafka_AdminOptions_destroy(o);
    rd_kafka_ListConsumerGroupOffsets_destroy(request);
}
