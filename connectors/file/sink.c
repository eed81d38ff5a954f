/* FileStreamSink: each record's value becomes a line of a file.
 *
 * A put is written at once, as one block, and made durable before its offsets are committed. When the disk is full, what
 * was written of the block is cut off again and the put is RETRIABLE: the worker delivers the same records again, and no
 * line is lost or doubled however long the disk stays full. */
#include "connectors/file/file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define BACKOFF_MS 3000

typedef struct settings {
    const char *file;
} settings_t;

static const cd_key_t keys[] = {{.name = "file",
                                 .type = CD_T_STRING,
                                 .importance = CD_HIGH,
                                 .at = offsetof(settings_t, file),
                                 .doc = "Destination filename. If not specified, the standard output will be used"},
                                CD_KEY_END};

/* ---- Connector: as many tasks as asked for, all with the same settings ---- */

static cd_err_t *connector_start(cd_ctx_t *ctx, const cd_config_t *config, void **ret_connector)
{
    (void)config;
    *ret_connector = ctx; /* the context holds the settings: there is nothing else to keep */
    return NULL;
}

static cd_err_t *task_configs(void *connector, int32_t max_tasks, cd_task_configs_t *out)
{
    for (int32_t i = 0; i < max_tasks; i++) out->add(out, cd_host->config(connector));
    return NULL;
}

static void connector_stop(void *connector)
{
    (void)connector;
}

/* ---- Task ---- */

typedef struct task {
    cd_ctx_t *ctx;
    settings_t set;
    cd_arena_t arena;
    text_t text; /* the lines of one put */
    int fd;
    bool regular, unsynced;
} task_t;

static void task_stop(void *arg)
{
    task_t *t = arg;
    if (t->fd > STDERR_FILENO) (void)close(t->fd);
    free(t->text.data);
    cd_arena_done(&t->arena);
    free(t);
}

static cd_err_t *task_start(cd_ctx_t *ctx, const cd_config_t *config, void **ret_task)
{
    task_t *t = calloc(1, sizeof(*t));
    if (t == NULL) abort();
    t->ctx = ctx;
    t->fd = STDOUT_FILENO;
    cd_err_t *err = cd_host->config_parse(keys, sizeof(keys[0]), config, &t->arena, &t->set, NULL);
    if (err == NULL && t->set.file != NULL) {
        struct stat st;
        t->fd = open(t->set.file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
        if (t->fd < 0)
            err =
                cd_err_new(CD_ERR_FATAL, CD_JVM_CONNECT, "Couldn't find or create file '%s' for FileStreamSinkTask: %s",
                           t->set.file, strerrordesc_np(errno));
        else
            t->regular = fstat(t->fd, &st) == 0 && S_ISREG(st.st_mode);
    }
    if (err != NULL) {
        task_stop(t);
        return err;
    }
    *ret_task = t;
    return NULL;
}

static const char *name_of(const task_t *t)
{
    return t->set.file != NULL ? t->set.file : "standard output";
}

/** Write it all. @param ret_done  bytes written, also on error  @return errno, or 0 */
static int write_all(int fd, const char *data, size_t n, size_t *ret_done)
{
    *ret_done = 0;
    while (*ret_done < n) {
        ssize_t w = write(fd, data + *ret_done, n - *ret_done);
        if (w < 0 && errno == EINTR) continue;
        if (w < 0) return errno;
        *ret_done += (size_t)w;
    }
    return 0;
}

static cd_err_t *write_failed(task_t *t, int code, size_t done)
{
    bool full = code == ENOSPC || code == EDQUOT;
    if (full && t->regular) {
        struct stat st;
        if (done > 0 && (fstat(t->fd, &st) != 0 || ftruncate(t->fd, st.st_size - (off_t)done) != 0))
            return cd_err_new(CD_ERR_FATAL, CD_JVM_CONNECT, "Could not take back an incomplete write to file '%s': %s",
                              name_of(t), strerrordesc_np(errno));
        cd_host->sink_backoff(t->ctx, BACKOFF_MS);
        return cd_err_new(CD_ERR_RETRIABLE, CD_JVM_RETRIABLE,
                          "Could not write to file '%s': %s. Make room: the same records are written again in %d s.",
                          name_of(t), strerrordesc_np(code), BACKOFF_MS / 1000);
    }
    return cd_err_new(CD_ERR_FATAL, CD_JVM_CONNECT, "Could not write to file '%s': %s", name_of(t),
                      strerrordesc_np(code));
}

static cd_err_t *put(void *arg, cd_batch_t *batch)
{
    task_t *t = arg;
    size_t done;
    t->text.len = 0;
    for (uint32_t i = 0; i < batch->count; i++) {
        const cd_record_t *rec = &batch->records[i];
        if ((rec->flags & CD_REC_DROPPED) != 0) continue;
        text_add_value(&t->text, rec->value_schema, &rec->value);
        text_add(&t->text, "\n", 1);
    }
    if (t->text.len == 0) return NULL;
    int code = write_all(t->fd, t->text.data, t->text.len, &done);
    if (code != 0) return write_failed(t, code, done);
    t->unsynced = true;
    return NULL;
}

static cd_err_t *pre_commit(void *arg, cd_topic_partition_t *parts, uint32_t n)
{
    task_t *t = arg;
    (void)parts;
    (void)n;
    if (!t->unsynced) return NULL;
    if (t->regular && fdatasync(t->fd) != 0)
        return cd_err_new(CD_ERR_FATAL, CD_JVM_CONNECT, "Could not make file '%s' durable: %s", name_of(t),
                          strerrordesc_np(errno));
    t->unsynced = false;
    return NULL;
}

static const cd_sink_ops_t ops = {
    .size = sizeof(ops),
    .connector = {.size = sizeof(cd_connector_ops_t),
                  .start = connector_start,
                  .task_configs = task_configs,
                  .stop = connector_stop},
    .task_start = task_start,
    .put = put,
    .pre_commit = pre_commit,
    .task_stop = task_stop,
};

const cd_plugin_t file_sink_plugin = {
    CD_PLUGIN_HEAD,
    .kind = CD_KIND_SINK,
    .jvm_class = "org.apache.kafka.connect.file.FileStreamSinkConnector",
    .version = FILE_VERSION,
    .doc = "Appends each record's value to a file, as one line.",
    .keys = keys,
    .ops = &ops,
};
