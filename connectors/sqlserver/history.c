#include "connectors/sqlserver/history.h"

#include <errno.h>
#include <time.h>
#include <unistd.h>

#define PREFIX           "schema.history.internal."
#define WRITE_TIMEOUT_MS 60000
#define READ_TIMEOUT_MS  120000

typedef enum storage { STORAGE_KAFKA, STORAGE_FILE, STORAGE_MEMORY } storage_t;

struct history {
    cd_ctx_t *ctx;
    const conf_t *conf;
    storage_t storage;
    cd_topic_log_t *log;
};

/* Settings for the history's own clients: what is given with the producer. and consumer. prefixes. A key given with
 * both is taken from the producer: there is one security set-up, and the rest concerns one side only. */
static cd_config_t client_config(const conf_t *conf, cd_arena_t *arena)
{
    static const char *const prefixes[] = {PREFIX "producer.", PREFIX "consumer."};
    cd_pair_t *pairs = cd_arena_array(arena, cd_pair_t, conf->config->n + 2);
    cd_config_t c = {.n = 0, .pairs = pairs};
    pairs[c.n++] = (cd_pair_t){"bootstrap.servers", conf->k.history_servers};
    const char *name = conf->k.history_name;
    if (name == NULL) name = cd_arena_printf(arena, "%s-schemahistory", conf->k.topic_prefix);
    pairs[c.n++] = (cd_pair_t){"client.id", name};
    for (size_t p = 0; p < 2; p++) {
        size_t len = strlen(prefixes[p]);
        for (uint32_t i = 0; i < conf->config->n; i++) {
            const cd_pair_t *pair = &conf->config->pairs[i];
            if (strncmp(pair->name, prefixes[p], len) != 0 || pair->value == NULL) continue;
            if (cd_config_get(&c, pair->name + len) != NULL) continue;
            pairs[c.n++] = (cd_pair_t){pair->name + len, pair->value};
        }
    }
    return c;
}

static cd_err_t *missing(cd_ctx_t *ctx, const char *key, const char *what)
{
    cd_log(ctx, CD_LOG_ERROR, CONF_LOGGER, "The '%s' value is invalid: A value is required", key);
    return cd_err_new(CD_ERR_FATAL, CD_JVM_CONNECT, "Error configuring an instance of %s; check the logs for details",
                      what);
}

static cd_err_t *open_kafka(history_t *h)
{
    const conf_keys_t *k = &h->conf->k;
    if (k->history_topic == NULL || *k->history_topic == '\0')
        return missing(h->ctx, PREFIX "kafka.topic", "KafkaSchemaHistory");
    if (k->history_servers == NULL || *k->history_servers == '\0')
        return missing(h->ctx, PREFIX "kafka.bootstrap.servers", "KafkaSchemaHistory");
    cd_arena_t arena = {0};
    cd_config_t client = client_config(h->conf, &arena);
    static const cd_pair_t topic_pairs[] = {
        {"cleanup.policy", "delete"}, {"retention.ms", "9223372036854775807"}, {"retention.bytes", "-1"}};
    cd_config_t topic = {.n = 3, .pairs = topic_pairs};
    bool exists = false;
    cd_err_t *err = cd_host->topic_log_open(h->ctx, k->history_topic, &client, &h->log);
    if (err == NULL) {
        err = cd_host->topic_log_ensure(h->log, true, -1, &topic, k->history_create_ms, &exists);
        if (err != NULL && err->cls != CD_ERR_STOPPED) {
            err =
                cd_err_wrap(err, CD_ERR_FATAL, "io.debezium.DebeziumException",
                            "Creation of database schema history topic failed, please create the topic manually: '%s'",
                            k->history_topic);
        }
    }
    cd_arena_done(&arena);
    return err;
}

cd_err_t *history_open(cd_ctx_t *ctx, const conf_t *conf, history_t **ret_history)
{
    history_t *h = calloc(1, sizeof(*h));
    if (h == NULL) abort();
    *h = (history_t){.ctx = ctx, .conf = conf, .storage = STORAGE_KAFKA};
    const char *cls = conf->k.history_class;
    if (strstr(cls, "MemorySchemaHistory") != NULL) h->storage = STORAGE_MEMORY;
    if (strstr(cls, "FileSchemaHistory") != NULL) h->storage = STORAGE_FILE;
    cd_err_t *err = NULL;
    if (h->storage == STORAGE_KAFKA) {
        err = open_kafka(h);
    } else if (h->storage == STORAGE_FILE && (conf->k.history_file == NULL || *conf->k.history_file == '\0')) {
        err = missing(ctx, PREFIX "file.filename", "FileSchemaHistory");
    }
    if (err != NULL) {
        history_free(h);
        return err;
    }
    *ret_history = h;
    return NULL;
}

void history_free(history_t *h)
{
    if (h == NULL) return;
    if (h->log != NULL) cd_host->topic_log_close(h->log);
    free(h);
}

static cd_err_t *append_file(const history_t *h, buf_t *text)
{
    buf_add(text, "\n");
    FILE *f = fopen(h->conf->k.history_file, "ae");
    bool ok = f != NULL && fwrite(text->p, 1, text->len, f) == text->len && fflush(f) == 0 && fsync(fileno(f)) == 0;
    int why = errno;
    if (f != NULL && fclose(f) != 0) ok = false;
    if (ok) return NULL;
    return cd_err_new(CD_ERR_FATAL, "io.debezium.relational.history.SchemaHistoryException",
                      "Unable to write to history file '%s': %s", h->conf->k.history_file, strerror(why));
}

cd_err_t *history_write(history_t *h, const table_t *table, const char *type, const char *ddl, const offset_t *offset)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    buf_t text = {0};
    history_format(&text, h->storage == STORAGE_KAFKA, h->conf->k.topic_prefix, table, type, ddl, offset,
                   (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000);
    cd_err_t *err = NULL;
    if (h->storage == STORAGE_KAFKA) {
        cd_bytes_t none = {0}, value = {.ptr = (const uint8_t *)text.p, .len = (uint32_t)text.len};
        err = cd_host->topic_log_append(h->log, none, value, WRITE_TIMEOUT_MS);
        if (err != NULL && err->cls != CD_ERR_STOPPED) {
            err = cd_err_wrap(err, CD_ERR_RETRIABLE, "io.debezium.relational.history.SchemaHistoryException",
                              "The definition of %s could not be written to the schema history topic '%s'", table->id,
                              h->conf->k.history_topic);
        }
    } else if (h->storage == STORAGE_FILE) {
        err = append_file(h, &text);
    }
    buf_done(&text);
    return err;
}

typedef struct recovery {
    history_t *h;
    const char *db;
    const offset_t *stored;
    cd_arena_t *arena;
    void (*each)(void *arg, const char *id, table_t *table);
    void *arg;
    uint64_t records;
} recovery_t;

static cd_err_t *recover_record(void *arg, cd_bytes_t key, cd_bytes_t value)
{
    (void)key;
    recovery_t *r = arg;
    cd_ctx_t *ctx = r->h->ctx;
    r->records++;
    if (value.ptr == NULL) {
        cd_log(ctx, CD_LOG_WARN, CONF_LOGGER,
               "Skipping null database schema history record. This is often not an issue, "
               "but if it happens repeatedly please check the schema history topic.");
        return NULL;
    }
    uint32_t n;
    table_t **tables;
    const char **ids, *why;
    if (!history_parse((const char *)value.ptr, value.len, r->h->conf->k.topic_prefix, r->db, r->stored, r->arena, &n,
                       &tables, &ids, &why)) {
        if (why != NULL) cd_log(ctx, CD_LOG_WARN, CONF_LOGGER, "%s", why);
        return NULL;
    }
    for (uint32_t i = 0; i < n; i++) r->each(r->arg, ids[i], tables[i]);
    return NULL;
}

/* Hand every record of the storage to `each`. */
static cd_err_t *read_all(history_t *h, cd_err_t *(*each)(void *arg, cd_bytes_t key, cd_bytes_t value), void *arg)
{
    if (h->storage == STORAGE_KAFKA) {
        int64_t patience = (int64_t)h->conf->k.history_poll_ms * h->conf->k.history_attempts;
        cd_err_t *err =
            cd_host->topic_log_read(h->log, patience > READ_TIMEOUT_MS ? patience : READ_TIMEOUT_MS, each, arg);
        if (err == NULL || err->cls == CD_ERR_STOPPED) return err;
        return cd_err_wrap(err, CD_ERR_FATAL, "java.lang.IllegalStateException",
                           "The database schema history couldn't be recovered. Consider to increase the value for "
                           "schema.history.internal.kafka.recovery.poll.interval.ms");
    }
    FILE *f = h->storage == STORAGE_FILE ? fopen(h->conf->k.history_file, "re") : NULL;
    if (f == NULL) {
        if (h->storage == STORAGE_MEMORY || errno == ENOENT) return NULL;
        return cd_err_new(CD_ERR_FATAL, "io.debezium.relational.history.SchemaHistoryException",
                          "Unable to read history file '%s': %s", h->conf->k.history_file, strerror(errno));
    }
    char *line = NULL;
    size_t cap = 0;
    ssize_t n;
    cd_err_t *err = NULL;
    while (err == NULL && (n = getline(&line, &cap, f)) > 0) {
        cd_bytes_t value = {.ptr = (const uint8_t *)line, .len = (uint32_t)n};
        err = each(arg, (cd_bytes_t){0}, value);
    }
    free(line);
    (void)fclose(f);
    return err;
}

cd_err_t *history_recover(history_t *h, const char *db, const offset_t *stored, cd_arena_t *arena,
                          void (*each)(void *arg, const char *id, table_t *table), void *arg, uint64_t *ret_records)
{
    recovery_t r = {.h = h, .db = db, .stored = stored, .arena = arena, .each = each, .arg = arg};
    cd_err_t *err = read_all(h, recover_record, &r);
    *ret_records = r.records;
    return err;
}

typedef struct last {
    const history_t *h;
    const char *db;
    lsn_t commit;
    int64_t ts_ms;
} last_t;

static cd_err_t *note_snapshot(void *arg, cd_bytes_t key, cd_bytes_t value)
{
    (void)key;
    last_t *l = arg;
    if (value.ptr != NULL)
        (void)history_snapshot_position((const char *)value.ptr, value.len, l->h->conf->k.topic_prefix, l->db,
                                        &l->commit, &l->ts_ms);
    return NULL;
}

cd_err_t *history_last_snapshot(history_t *h, const char *db, lsn_t *ret_commit, int64_t *ret_ts_ms)
{
    last_t l = {.h = h, .db = db};
    cd_err_t *err = read_all(h, note_snapshot, &l);
    *ret_commit = l.commit;
    *ret_ts_ms = l.ts_ms;
    return err;
}
