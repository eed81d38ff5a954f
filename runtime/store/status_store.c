#include "runtime/store/status_store.h"

#include "runtime/base/clock.h"
#include "runtime/base/log.h"
#include "runtime/base/mem.h"

#define LOGGER "org.apache.kafka.connect.storage.KafkaStatusBackingStore"

struct status_store {
    store_log_t *log;
    status_map_t *map;
    char *worker_id;
    strbuf_t key, value; /* reused */
};

static void on_record(void *arg, const store_record_t *r)
{
    status_store_t *s = arg;
    status_map_apply(s->map, r->key, r->value);
}

status_store_t *status_store_new(store_log_t *log, const char *worker_id)
{
    status_store_t *s = mem_new0(status_store_t);
    s->log = log;
    s->map = status_map_new();
    s->worker_id = mem_strdup(worker_id);
    store_log_listen(log, on_record, s);
    return s;
}

void status_store_start(status_store_t *s, store_done_fn *done, void *arg)
{
    s->log->ops->start(s->log, done, arg);
}

void status_store_close(status_store_t *s)
{
    if (s == NULL) return;
    s->log->ops->close(s->log);
    status_map_free(s->map);
    strbuf_done(&s->key);
    strbuf_done(&s->value);
    free(s->worker_id);
    free(s);
}

const status_map_t *status_store_map(const status_store_t *s)
{
    return s->map;
}

static void on_written(void *arg, cd_err_t *err)
{
    (void)arg;
    if (err != NULL && err->cls != CD_ERR_STOPPED) log_err(CD_LOG_ERROR, LOGGER, NULL, "Failed to write a status", err);
    cd_err_free(err);
}

/* Writes s->key with s->value, or a tombstone. librdkafka resends by itself and keeps the order, so a record that is
 * overtaken by a newer one can never win over it. */
static void write_record(status_store_t *s, bool tombstone)
{
    const cd_bytes_t key = {.ptr = (const uint8_t *)strbuf_str(&s->key), .len = (uint32_t)s->key.len};
    cd_bytes_t value = {0};
    if (!tombstone) value = (cd_bytes_t){.ptr = (const uint8_t *)strbuf_str(&s->value), .len = (uint32_t)s->value.len};
    s->log->ops->append(s->log, key, value, on_written, s);
}

void status_store_put(status_store_t *s, enum status_mode mode, const char *connector, int32_t task, const char *state,
                      const char *trace, int64_t generation)
{
    if (mode == STATUS_PUT_SAFE &&
        !status_may_replace(status_map_get(s->map, connector, task), s->worker_id, generation))
        return;
    strbuf_clear(&s->key);
    strbuf_clear(&s->value);
    status_key(connector, task, &s->key);
    status_value(state, trace, s->worker_id, generation, &s->value);
    write_record(s, false);
}

void status_store_forget_task(status_store_t *s, const char *connector, int32_t task)
{
    strbuf_clear(&s->key);
    status_key(connector, task, &s->key);
    write_record(s, true);
}

void status_store_forget(status_store_t *s, const char *connector)
{
    const status_connector_t *c = status_map_find(s->map, connector);
    if (c == NULL) return;
    for (uint32_t i = 0; i < c->ntasks; i++) status_store_forget_task(s, connector, c->tasks[i].id);
    status_store_forget_task(s, connector, -1);
}

void status_store_add_topic(status_store_t *s, const char *connector, const char *topic, int32_t task)
{
    if (status_map_has_topic(s->map, connector, topic)) return;
    strbuf_clear(&s->key);
    strbuf_clear(&s->value);
    status_topic_key(connector, topic, &s->key);
    status_topic_value(connector, topic, task, clock_wall_ms(), &s->value);
    write_record(s, false);
}

void status_store_forget_topics(status_store_t *s, const char *connector)
{
    const status_connector_t *c = status_map_find(s->map, connector);
    for (uint32_t i = 0; c != NULL && i < c->ntopics; i++) {
        strbuf_clear(&s->key);
        status_topic_key(connector, c->topics[i], &s->key);
        write_record(s, true);
    }
}

uint32_t status_store_pending(const status_store_t *s)
{
    return s->log->ops->pending(s->log);
}
