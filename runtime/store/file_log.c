#include "runtime/store/file_log.h"

#include "runtime/base/clock.h"
#include "runtime/base/log.h"
#include "runtime/base/mem.h"
#include "runtime/store/java_map.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define LOGGER   "org.apache.kafka.connect.storage.FileOffsetBackingStore"
#define FILE_MAX ((size_t)1024 * 1024 * 1024)

/** Somebody who waits for a write to be on disk, or just for the next turn. */
typedef struct waiter {
    struct waiter *next;
    store_done_fn *done;
    void *arg;
} waiter_t;

typedef struct file_log file_log_t;

/** One rewrite of the file, on the pool. It outlives a log that is closed meanwhile. */
typedef struct rewrite {
    uv_work_t work;
    file_log_t *log; /* NULL once the log is closed */
    char *path;
    strbuf_t data;
    int error;
    waiter_t *waiters;
} rewrite_t;

struct file_log {
    store_log_t base;
    uv_loop_t *loop;
    deferred_t *deferred;
    char *path;
    uint32_t n, cap;
    java_entry_t *entries; /* each key and value is a heap block */
    int64_t next_offset;
    bool dirty, closed, scheduled;
    rewrite_t *running;
    waiter_t *unwritten; /* appends since the last rewrite began */
    waiter_t *turn;      /* to be answered on the next turn */
    uint32_t pending;
};

static cd_bytes_t dup_bytes(cd_bytes_t b)
{
    if (b.ptr == NULL) return (cd_bytes_t){0};
    return (cd_bytes_t){.ptr = (uint8_t *)mem_strndup((const char *)b.ptr, b.len), .len = b.len};
}

static void free_bytes(cd_bytes_t b)
{
    free((void *)(uintptr_t)b.ptr);
}

static void put(file_log_t *log, cd_bytes_t key, cd_bytes_t value)
{
    for (uint32_t i = 0; i < log->n; i++) {
        java_entry_t *e = &log->entries[i];
        if (e->key.len != key.len || (key.len > 0 && memcmp(e->key.ptr, key.ptr, key.len) != 0)) continue;
        free_bytes(e->value);
        e->value = dup_bytes(value);
        return;
    }
    mem_grow(log->entries, log->n, log->cap);
    log->entries[log->n++] = (java_entry_t){.key = dup_bytes(key), .value = dup_bytes(value)};
}

static void deliver(file_log_t *log, cd_bytes_t key, cd_bytes_t value)
{
    const store_record_t r = {.offset = log->next_offset++, .timestamp = clock_wall_ms(), .key = key, .value = value};
    log->base.on_record(log->base.arg, &r);
}

/* ---- Waiting ---- */

static void push(waiter_t **list, store_done_fn *done, void *arg)
{
    waiter_t *w = mem_new0(waiter_t);
    w->done = done;
    w->arg = arg;
    while (*list != NULL) list = &(*list)->next;
    *list = w;
}

static void answer_all(waiter_t **list, uint32_t cls, const char *text)
{
    waiter_t *w = *list;
    *list = NULL;
    while (w != NULL) {
        waiter_t *next = w->next;
        if (w->done != NULL) w->done(w->arg, text == NULL ? NULL : cd_err_new(cls, CD_JVM_CONNECT, "%s", text));
        free(w);
        w = next;
    }
}

static void free_log(file_log_t *log)
{
    for (uint32_t i = 0; i < log->n; i++) {
        free_bytes(log->entries[i].key);
        free_bytes(log->entries[i].value);
    }
    free(log->entries);
    free(log->path);
    free(log);
}

static void write_if_dirty(file_log_t *log);

static void on_turn(void *arg)
{
    file_log_t *log = arg;
    log->scheduled = false;
    if (log->closed) {
        free_log(log);
        return;
    }
    write_if_dirty(log);
    answer_all(&log->turn, 0, NULL);
}

static void schedule(file_log_t *log)
{
    if (log->scheduled) return;
    log->scheduled = true;
    deferred_call(log->deferred, on_turn, log);
}

/* ---- The file ---- */

/* A new file beside the old one, which then takes its name: a crash leaves one or the other, whole. */
static int rewrite_file(const char *path, const strbuf_t *data)
{
    cd_arena_t arena = {0};
    const char *tmp = cd_arena_printf(&arena, "%s.tmp", path);
    int error = 0;
    int fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0) {
        error = errno;
        goto out;
    }
    for (size_t at = 0; at < data->len && error == 0;) {
        ssize_t n = write(fd, data->data + at, data->len - at);
        if (n < 0 && errno != EINTR) error = errno;
        if (n > 0) at += (size_t)n;
    }
    if (error == 0 && fsync(fd) != 0) error = errno;
    if (close(fd) != 0 && error == 0) error = errno;
    if (error == 0 && rename(tmp, path) != 0) error = errno;
out:
    cd_arena_done(&arena);
    return error;
}

static void on_write(uv_work_t *work)
{
    rewrite_t *w = work->data;
    w->error = rewrite_file(w->path, &w->data);
}

static void on_written(uv_work_t *work, int status)
{
    rewrite_t *w = work->data;
    file_log_t *log = w->log;
    char text[300];
    (void)status; /* never cancelled */
    (void)snprintf(text, sizeof(text), "Failed to write the offset file: %s", strerror(w->error));
    if (log != NULL) {
        for (const waiter_t *x = w->waiters; x != NULL; x = x->next) log->pending--;
        log->running = NULL;
        answer_all(&w->waiters, CD_ERR_RETRIABLE, w->error == 0 ? NULL : text);
        if (!log->closed) write_if_dirty(log);
    } else {
        if (w->error != 0) log_write(CD_LOG_ERROR, LOGGER, NULL, "%s", text);
        answer_all(&w->waiters, CD_ERR_STOPPED, "Worker is shutting down");
    }
    strbuf_done(&w->data);
    free(w->path);
    free(w);
}

static void write_if_dirty(file_log_t *log)
{
    if (!log->dirty || log->running != NULL) return;
    rewrite_t *w = mem_new0(rewrite_t);
    w->log = log;
    w->path = mem_strdup(log->path);
    w->waiters = log->unwritten;
    w->work.data = w;
    java_map_write(log->entries, log->n, &w->data);
    log->unwritten = NULL;
    log->dirty = false;
    log->running = w;
    if (uv_queue_work(log->loop, &w->work, on_write, on_written) != 0) abort(); /* fails only without a callback */
}

static cd_err_t *read_file(const char *path, strbuf_t *out)
{
    FILE *f = fopen(path, "re");
    cd_err_t *err = NULL;
    char chunk[16384];
    size_t n;
    if (f == NULL && errno == ENOENT) return NULL;
    if (f == NULL) return cd_err_new(CD_ERR_FATAL, CD_JVM_CONNECT, "%s: %s", path, strerror(errno));
    while (err == NULL && (n = fread(chunk, 1, sizeof(chunk), f)) > 0) {
        strbuf_add(out, chunk, n);
        if (out->len > FILE_MAX) err = cd_err_new(CD_ERR_FATAL, CD_JVM_CONNECT, "%s: larger than 1 GiB", path);
    }
    if (err == NULL && ferror(f)) err = cd_err_new(CD_ERR_FATAL, CD_JVM_CONNECT, "%s: %s", path, strerror(errno));
    if (fclose(f) != 0) log_write(CD_LOG_WARN, LOGGER, NULL, "%s: %s", path, strerror(errno));
    return err;
}

/* ---- The log ---- */

static void start(store_log_t *base, store_done_fn *done, void *arg)
{
    file_log_t *log = (file_log_t *)base;
    for (uint32_t i = 0; i < log->n; i++) deliver(log, log->entries[i].key, log->entries[i].value);
    push(&log->turn, done, arg);
    schedule(log);
}

static void append(store_log_t *base, cd_bytes_t key, cd_bytes_t value, store_done_fn *done, void *arg)
{
    file_log_t *log = (file_log_t *)base;
    put(log, key, value);
    deliver(log, key, value);
    log->dirty = true;
    log->pending++;
    push(&log->unwritten, done, arg);
    schedule(log); /* one rewrite for all that is appended in this turn */
}

static void answer_next_turn(store_log_t *base, store_done_fn *done, void *arg)
{
    file_log_t *log = (file_log_t *)base;
    push(&log->turn, done, arg);
    schedule(log);
}

static uint32_t pending(const store_log_t *base)
{
    return ((const file_log_t *)base)->pending;
}

static void close_log(store_log_t *base)
{
    file_log_t *log = (file_log_t *)base;
    log->closed = true;
    if (log->running != NULL) log->running->log = NULL;
    if (log->dirty) {
        strbuf_t data = {0};
        java_map_write(log->entries, log->n, &data);
        /* the last offsets of the tasks: the loop has nothing else to do any more */
        int error = rewrite_file(log->path, &data);
        if (error != 0) log_write(CD_LOG_ERROR, LOGGER, NULL, "Failed to write the offset file: %s", strerror(error));
        strbuf_done(&data);
    }
    answer_all(&log->unwritten, CD_ERR_STOPPED, "Worker is shutting down");
    answer_all(&log->turn, CD_ERR_STOPPED, "Worker is shutting down");
    if (!log->scheduled) free_log(log); /* else the scheduled turn finds it closed */
}

static const store_log_ops_t ops = {
    .start = start,
    .append = append,
    .read_back = answer_next_turn,
    .read_to_end = answer_next_turn,
    .pending = pending,
    .close = close_log,
};

cd_err_t *file_log_new(uv_loop_t *loop, deferred_t *d, const char *path, store_log_t **ret_log)
{
    strbuf_t data = {0};
    cd_arena_t arena = {0};
    java_entry_t *entries = NULL;
    uint32_t n = 0;
    file_log_t *log = mem_new0(file_log_t);
    log->base.ops = &ops;
    log->loop = loop;
    log->deferred = d;
    log->path = mem_strdup(path);
    cd_err_t *err = read_file(path, &data);
    const cd_bytes_t bytes = {.ptr = (const uint8_t *)data.data, .len = (uint32_t)data.len};
    if (err == NULL && data.len > 0) err = java_map_read(bytes, &arena, &entries, &n);
    for (uint32_t i = 0; err == NULL && i < n; i++)
        if (entries[i].key.ptr != NULL) put(log, entries[i].key, entries[i].value);
    if (err == NULL) {
        *ret_log = &log->base;
        log = NULL;
    } else {
        err = cd_err_wrap(err, CD_ERR_FATAL, CD_JVM_CONNECT, "Cannot read the offset file '%s'", path);
        free_log(log);
    }
    cd_arena_done(&arena);
    strbuf_done(&data);
    return err;
}
