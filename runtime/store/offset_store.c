#include "runtime/store/offset_store.h"

#include "runtime/base/json.h"
#include "runtime/base/mem.h"

struct offset_store {
    store_log_t *log;
    deferred_t *deferred;
    offset_map_t *map;
};

static void on_record(void *arg, const store_record_t *r)
{
    offset_store_t *s = arg;
    offset_map_apply(s->map, r->key, r->value, r->timestamp);
}

offset_store_t *offset_store_new(store_log_t *log, deferred_t *d)
{
    offset_store_t *s = mem_new0(offset_store_t);
    *s = (offset_store_t){.log = log, .deferred = d, .map = offset_map_new()};
    store_log_listen(log, on_record, s);
    return s;
}

void offset_store_start(offset_store_t *s, store_done_fn *done, void *arg)
{
    s->log->ops->start(s->log, done, arg);
}

void offset_store_close(offset_store_t *s)
{
    if (s == NULL) return;
    s->log->ops->close(s->log);
    offset_map_free(s->map);
    free(s);
}

const offset_map_t *offset_store_map(const offset_store_t *s)
{
    return s->map;
}

void offset_store_refresh(offset_store_t *s, store_done_fn *done, void *arg)
{
    s->log->ops->read_to_end(s->log, done, arg);
}

/* ---- Writing ---- */

typedef struct write {
    uint32_t unacked;
    cd_err_t *err;
    store_done_fn *done;
    void *arg;
} write_t;

static void write_answer(void *arg)
{
    write_t *w = arg;
    w->done(w->arg, w->err);
    free(w);
}

static void on_acked(void *arg, cd_err_t *err)
{
    write_t *w = arg;
    if (w->err == NULL)
        w->err = err;
    else
        cd_err_free(err);
    if (--w->unacked == 0) write_answer(w);
}

void offset_store_write(offset_store_t *s, const char *connector, const offset_entry_t *entries, uint32_t n,
                        store_done_fn *done, void *arg)
{
    write_t *w = mem_new0(write_t);
    strbuf_t *texts = mem_alloc0(2 * (size_t)n, sizeof(*texts));
    w->done = done;
    w->arg = arg;
    w->unacked = n;
    /* all are serialised before the first is sent: a bad one fails the flush as a whole */
    for (uint32_t i = 0; i < n && w->err == NULL; i++) {
        w->err = offset_key(connector, entries[i].partition, &texts[2 * i]);
        if (w->err == NULL && entries[i].offset->type != CD_NULL)
            w->err = offset_value(entries[i].offset, &texts[2 * i + 1]);
    }
    if (w->err != NULL || n == 0) {
        deferred_call(s->deferred, write_answer, w);
    } else {
        for (uint32_t i = 0; i < n; i++) {
            const strbuf_t *k = &texts[2 * i], *v = k + 1;
            const cd_bytes_t key = {.ptr = (const uint8_t *)k->data, .len = (uint32_t)k->len};
            const cd_bytes_t value = {.ptr = (const uint8_t *)v->data, .len = (uint32_t)v->len};
            s->log->ops->append(s->log, key, value, on_acked, w);
        }
    }
    for (uint32_t i = 0; i < 2 * n; i++) strbuf_done(&texts[i]);
    free(texts);
}

/* ---- Reading ---- */

typedef struct read {
    offset_store_t *s;
    char *connector;
    const cd_value_t *partition;
    offset_read_fn *done;
    void *arg;
} read_t;

static void on_read(void *arg, cd_err_t *err)
{
    read_t *r = arg;
    cd_value_t offset = CD_V_NULL;
    cd_arena_t arena = {0};
    if (err == NULL) {
        const char *text = offset_map_get(r->s->map, r->connector, r->partition);
        json_t *v = NULL;
        if (text != NULL) err = json_parse(text, strlen(text), &v);
        if (v != NULL) offset = json_to_value(v, &arena);
        json_decref(v);
    }
    r->done(r->arg, err, &offset);
    cd_arena_done(&arena);
    free(r->connector);
    free(r);
}

void offset_store_read(offset_store_t *s, const char *connector, const cd_value_t *partition, offset_read_fn *done,
                       void *arg)
{
    read_t *r = mem_new0(read_t);
    *r = (read_t){.s = s, .connector = mem_strdup(connector), .partition = partition, .done = done, .arg = arg};
    s->log->ops->read_to_end(s->log, on_read, r);
}
