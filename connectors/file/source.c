/* FileStreamSource: each line of a file becomes a record; the offset is the position after the line.
 *
 * The connector plans exactly one task. The task follows the file as it grows; a file that does not exist yet is waited
 * for. Changes are noticed through inotify, so that a new line is on its way within a millisecond; where inotify is not
 * available (network file systems), the worker's poll interval notices them. */
#include "connectors/file/file.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define LOGGER     "org.apache.kafka.connect.file.FileStreamSourceTask"
#define READ_BYTES ((size_t)64 * 1024)

typedef struct settings {
    const char *file, *topic;
    int32_t batch_size;
} settings_t;

static const char *check_topic(const cd_key_t *key, const char *text, cd_arena_t *arena)
{
    (void)key;
    (void)arena;
    return text != NULL && text[0] == '\0' ? "String must be non-empty" : NULL;
}

static const cd_key_t keys[] = {
    {.name = "file",
     .type = CD_T_STRING,
     .importance = CD_HIGH,
     .at = offsetof(settings_t, file),
     .doc = "Source filename. If not specified, the standard input will be used"},
    {.name = "topic",
     .type = CD_T_STRING,
     .importance = CD_HIGH,
     .flags = CD_K_REQUIRED,
     .check = check_topic,
     .at = offsetof(settings_t, topic),
     .doc = "The topic to publish data to"},
    {.name = "batch.size",
     .type = CD_T_INT,
     .importance = CD_LOW,
     .dflt = "2000",
     .flags = CD_K_RANGE_MIN,
     .min = 1,
     .at = offsetof(settings_t, batch_size),
     .doc = "The maximum number of records the source task can read from the file each time it is polled"},
    CD_KEY_END};

/* ---- Connector: one task with all the settings ---- */

typedef struct connector {
    const cd_config_t *config;
} connector_t;

static cd_err_t *connector_start(cd_ctx_t *ctx, const cd_config_t *config, void **ret_connector)
{
    settings_t set;
    cd_arena_t arena = {0};
    (void)config;
    cd_err_t *err = cd_host->config_parse(keys, sizeof(keys[0]), cd_host->config(ctx), &arena, &set, NULL);
    cd_arena_done(&arena);
    if (err != NULL) return err;
    connector_t *c = calloc(1, sizeof(*c));
    if (c == NULL) abort();
    c->config = cd_host->config(ctx); /* lives as long as the instance */
    *ret_connector = c;
    return NULL;
}

static cd_err_t *task_configs(void *connector, int32_t max_tasks, cd_task_configs_t *out)
{
    (void)max_tasks; /* one file, one reader */
    out->add(out, ((connector_t *)connector)->config);
    return NULL;
}

static void connector_stop(void *connector)
{
    free(connector);
}

/* ---- Task ---- */

typedef struct task {
    cd_ctx_t *ctx;
    settings_t set;
    cd_arena_t arena;
    lines_t lines;
    int64_t position; /* after the last line that was handed out */
    int fd, notify;   /* -1: not open / not available */
    bool told_missing;
    const cd_schema_t *value_schema;
} task_t;

static void task_stop(void *arg)
{
    task_t *t = arg;
    if (t->fd > STDIN_FILENO) (void)close(t->fd);
    if (t->notify >= 0) (void)close(t->notify);
    lines_done(&t->lines);
    cd_arena_done(&t->arena);
    free(t);
}

/** Watch the file's folder: the file may be created, replaced or extended. */
static void watch(task_t *t)
{
    t->notify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (t->notify < 0 || t->set.file == NULL) return;
    const char *slash = strrchr(t->set.file, '/');
    char *folder = slash == NULL          ? cd_arena_strdup(&t->arena, ".")
                   : slash == t->set.file ? cd_arena_strdup(&t->arena, "/")
                                          : cd_arena_strndup(&t->arena, t->set.file, (size_t)(slash - t->set.file));
    if (inotify_add_watch(t->notify, folder, IN_CREATE | IN_MOVED_TO | IN_MODIFY) >= 0) return;
    (void)close(t->notify);
    t->notify = -1;
}

static cd_err_t *read_offset(task_t *t)
{
    cd_value_t pair[2] = {cd_v_str("filename"), cd_v_str(t->set.file)};
    cd_value_t partition = cd_v_items(CD_MAP, pair, 1), offset;
    cd_err_t *err = cd_host->offset_read(t->ctx, &partition, &t->arena, &offset);
    if (err != NULL) return err;
    const cd_value_t *position = cd_map_get(&offset, "position");
    if (position == NULL || position->type == CD_NULL) return NULL;
    if (position->type < CD_INT8 || position->type > CD_INT64 || position->i64 < 0)
        return cd_err_new(CD_ERR_FATAL, CD_JVM_CONNECT,
                          "The stored offset of file '%s' is not a position. Reset the connector's offsets.",
                          t->set.file);
    t->position = position->i64;
    return NULL;
}

static cd_err_t *task_start(cd_ctx_t *ctx, const cd_config_t *config, void **ret_task)
{
    task_t *t = calloc(1, sizeof(*t));
    if (t == NULL) abort();
    t->ctx = ctx;
    t->fd = t->notify = -1;
    cd_err_t *err = cd_host->config_parse(keys, sizeof(keys[0]), config, &t->arena, &t->set, NULL);
    if (err != NULL) goto out;
    cd_schema_spec_t spec = {.type = CD_STRING};
    t->value_schema = cd_host->schema_intern(cd_host->schemas(ctx), &spec);
    if (t->set.file == NULL) {
        t->fd = STDIN_FILENO;
    } else {
        watch(t);
        err = read_offset(t);
        if (err != NULL) goto out;
    }
    *ret_task = t;
    t = NULL;
out:
    if (t != NULL) task_stop(t);
    return err;
}

/** Open the file at the position. Leaves fd at -1 while the file does not exist. */
static cd_err_t *open_file(task_t *t)
{
    t->fd = open(t->set.file, O_RDONLY | O_CLOEXEC);
    if (t->fd < 0 && errno == ENOENT) {
        if (!t->told_missing)
            cd_log(t->ctx, CD_LOG_WARN, LOGGER,
                   "Couldn't find file %s for FileStreamSourceTask, waiting for it to be created", t->set.file);
        t->told_missing = true;
        return NULL;
    }
    if (t->fd < 0)
        return cd_err_new(CD_ERR_FATAL, CD_JVM_CONNECT, "Error while trying to open file '%s': %s", t->set.file,
                          strerrordesc_np(errno));
    if (t->position > 0 && lseek(t->fd, t->position, SEEK_SET) < 0)
        return cd_err_new(CD_ERR_FATAL, CD_JVM_CONNECT,
                          "Error while trying to seek to previous offset %lld in file '%s': %s", (long long)t->position,
                          t->set.file, strerrordesc_np(errno));
    cd_log(t->ctx, CD_LOG_INFO, LOGGER, "Opened %s for reading at position %lld", t->set.file, (long long)t->position);
    return NULL;
}

/** Read once. @param ret_more  false at the present end of the file */
static cd_err_t *fill(task_t *t, bool *ret_more)
{
    *ret_more = false;
    char *at = lines_reserve(&t->lines, READ_BYTES);
    if (at == NULL)
        return cd_err_new(CD_ERR_FATAL, CD_JVM_CONNECT, "A line of file '%s' is longer than %zu bytes",
                          t->set.file != NULL ? t->set.file : "standard input", LINE_MAX_BYTES);
    ssize_t n = read(t->fd, at, READ_BYTES);
    if (n < 0 && errno != EINTR && errno != EAGAIN)
        return cd_err_new(CD_ERR_FATAL, CD_JVM_CONNECT, "Error while reading file '%s': %s",
                          t->set.file != NULL ? t->set.file : "standard input", strerrordesc_np(errno));
    if (n > 0) t->lines.end += (size_t)n;
    *ret_more = n > 0;
    return NULL;
}

static int64_t now_ms(void)
{
    struct timespec ts;
    return clock_gettime(CLOCK_REALTIME, &ts) != 0 ? 0 : (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void add_line(task_t *t, cd_batch_t *batch, const char *line, size_t len, int64_t now,
                     const cd_value_t *partition)
{
    cd_arena_t *a = &batch->arena;
    cd_record_t *rec = cd_batch_add(batch);
    rec->topic = t->set.topic;
    rec->timestamp = now;
    rec->value_schema = t->value_schema;
    rec->value = cd_v_strn(cd_arena_strndup(a, line, len), len);
    if (partition == NULL) return; /* standard input has no position to come back to */
    cd_value_t *pair = cd_arena_array(a, cd_value_t, 3);
    pair[0] = cd_v_str("position");
    pair[1] = cd_v_int(CD_INT64, t->position);
    pair[2] = cd_v_items(CD_MAP, pair, 1);
    rec->source_partition = partition;
    rec->source_offset = &pair[2];
}

/** Sleep until the file changes, a stop is asked for, or the time is over. */
static void wait_for_change(task_t *t, int64_t timeout_ms)
{
    char events[4096];
    struct pollfd p[2] = {{.fd = cd_host->stop_fd(t->ctx), .events = POLLIN},
                          {.fd = t->set.file == NULL ? t->fd : t->notify, .events = POLLIN}};
    if (poll(p, 2, (int)timeout_ms) > 0 && t->notify >= 0 && (p[1].revents & POLLIN) != 0)
        while (read(t->notify, events, sizeof(events)) > 0) continue; /* only that something happened counts */
}

static cd_err_t *take_lines(task_t *t, cd_batch_t *batch)
{
    cd_value_t *partition = NULL;
    int64_t now = now_ms();
    bool more = true;
    while (more && batch->count < (uint32_t)t->set.batch_size) {
        const char *line;
        size_t len, used;
        while (batch->count < (uint32_t)t->set.batch_size && lines_next(&t->lines, &line, &len, &used)) {
            if (partition == NULL && t->set.file != NULL) {
                partition = cd_arena_array(&batch->arena, cd_value_t, 3);
                partition[1] = cd_v_str("filename");
                partition[2] = cd_v_str(t->set.file);
                partition[0] = cd_v_items(CD_MAP, &partition[1], 1);
            }
            t->position += (int64_t)used;
            add_line(t, batch, line, len, now, partition);
        }
        if (batch->count >= (uint32_t)t->set.batch_size) break;
        cd_err_t *err = fill(t, &more);
        if (err != NULL) return err;
    }
    return NULL;
}

static cd_err_t *poll_lines(void *arg, cd_batch_t *batch, int64_t timeout_ms)
{
    task_t *t = arg;
    for (int round = 0; round < 2; round++) {
        cd_err_t *err = t->fd < 0 ? open_file(t) : NULL;
        if (err == NULL && t->fd >= 0 && t->set.file != NULL) err = take_lines(t, batch);
        if (err != NULL || batch->count > 0) return err;
        if (round == 1 || timeout_ms <= 0) break;
        wait_for_change(t, timeout_ms);
        if (t->set.file == NULL) {
            /* Standard input blocks, so it is only read when there is something: one read, then its lines. */
            bool more;
            struct pollfd p = {.fd = t->fd, .events = POLLIN};
            if (poll(&p, 1, 0) > 0) {
                err = fill(t, &more);
                if (err != NULL) return err;
            }
            const char *line;
            size_t len, used;
            while (lines_next(&t->lines, &line, &len, &used)) add_line(t, batch, line, len, now_ms(), NULL);
            return NULL;
        }
    }
    return NULL;
}

static const cd_source_ops_t ops = {
    .size = sizeof(ops),
    .connector = {.size = sizeof(cd_connector_ops_t),
                  .start = connector_start,
                  .task_configs = task_configs,
                  .stop = connector_stop},
    .task_start = task_start,
    .poll = poll_lines,
    .task_stop = task_stop,
};

const cd_plugin_t file_source_plugin = {
    CD_PLUGIN_HEAD,
    .kind = CD_KIND_SOURCE,
    .jvm_class = "org.apache.kafka.connect.file.FileStreamSourceConnector",
    .version = FILE_VERSION,
    .doc = "Reads the lines of a file, and keeps following it.",
    .keys = keys,
    .ops = &ops,
};
