#include "runtime/main/worker.h"

#include "rest/rest.h"
#include "runtime/base/clock.h"
#include "runtime/base/log.h"
#include "runtime/base/mem.h"
#include "runtime/base/str.h"
#include "runtime/base/version.h"
#include "runtime/herder/lifecycle.h"
#include "runtime/main/connector_file.h"
#include "runtime/store/file_log.h"
#include "runtime/store/kafka_log.h"
#include "runtime/store/memory_log.h"
#include "runtime/store/topic_admin.h"

#include <signal.h>
#include <unistd.h>

#define LOGGER            "org.apache.kafka.connect.cli.ConnectDistributed"
#define DESCRIBE_MS       60000
#define TOPICS_MS         60000
#define FLUSH_MS          5000
#define ANSWERS_MS        1000  /* for REST answers that are still going out */
#define SHUTDOWN_EXTRA_MS 15000 /* beyond the graceful times of the group and the tasks, as Connect allows */

typedef struct worker worker_t;

/** One step of the start. A step that is not done when `run` returns calls worker_continue later; so does an undo. */
typedef struct stage {
    const char *name;
    enum worker_exit exit; /* when it fails */
    cd_err_t *(*run)(worker_t *w, bool *ret_later);
    void (*undo)(worker_t *w, bool *ret_later); /* NULL: nothing to undo */
} stage_t;

struct worker {
    worker_env_t env;
    const worker_config_t *config;
    uv_loop_t loop;
    uv_signal_t term, interrupt;
    uv_timer_t deadline, answers;
    deferred_t *deferred;
    cd_arena_t arena;
    metrics_t *metrics;
    kafka_hub_t *hub;
    rest_t *rest;
    validation_env_t validation;
    char *cluster_id;
    herder_t *herder;
    store_log_t *logs[3]; /* config, status, offsets: until the herder takes them */
    uint32_t next_file;
    connector_file_t file;
    uint32_t stage; /* the next to run, or, while ending, one more than the next to undo */
    bool pending;   /* a step of the start is under way */
    bool ending;
    int exit;
    int64_t started_ms;
};

static void run_stages(worker_t *w);
static void undo_stages(worker_t *w);

static void end(worker_t *w, enum worker_exit code)
{
    if (w->ending) return;
    w->ending = true;
    w->exit = code;
    if (!w->pending) undo_stages(w); /* else when that step comes back */
}

/* A step that came back later. Takes err. */
static void worker_continue(worker_t *w, cd_err_t *err);

/* ---- Loop and signals ---- */

static void on_deadline(uv_timer_t *t)
{
    (void)t;
    log_write(CD_LOG_ERROR, LOGGER, NULL, "The shutdown has taken too long and is cut off");
    _exit(WORKER_EXIT_HERDER);
}

static void on_signal(uv_signal_t *s, int number)
{
    worker_t *w = s->data;
    if (w->ending) {
        log_write(CD_LOG_WARN, LOGGER, NULL, "Second signal: ending at once");
        _exit(128 + number);
    }
    log_write(CD_LOG_INFO, LOGGER, NULL, "Received signal %d, shutting down", number);
    if (w->pending && w->herder == NULL) _exit(WORKER_EXIT_OK); /* nothing runs yet that could be lost */
    int64_t limit = w->config->task_shutdown_timeout_ms + w->config->worker_sync_timeout_ms + SHUTDOWN_EXTRA_MS;
    if (uv_timer_start(&w->deadline, on_deadline, (uint64_t)limit, 0) != 0) abort(); /* never fails on a live handle */
    end(w, WORKER_EXIT_OK);
}

static cd_err_t *loop_run(worker_t *w, bool *ret_later)
{
    *ret_later = false;
    w->term.data = w->interrupt.data = w->deadline.data = w->answers.data = w;
    if (uv_signal_init(&w->loop, &w->term) != 0 || uv_signal_init(&w->loop, &w->interrupt) != 0 ||
        uv_timer_init(&w->loop, &w->deadline) != 0 || uv_timer_init(&w->loop, &w->answers) != 0 ||
        uv_signal_start(&w->term, on_signal, SIGTERM) != 0 || uv_signal_start(&w->interrupt, on_signal, SIGINT) != 0)
        return cd_err_new(CD_ERR_FATAL, CD_JVM_CONNECT, "Cannot watch signals");
    w->deferred = deferred_new(&w->loop);
    w->metrics = metrics_new();
    return NULL;
}

static void loop_undo(worker_t *w, bool *ret_later)
{
    *ret_later = false;
    if (w->deferred == NULL) return;
    deferred_close(w->deferred);
    uv_close((uv_handle_t *)&w->term, NULL);
    uv_close((uv_handle_t *)&w->interrupt, NULL);
    uv_close((uv_handle_t *)&w->deadline, NULL);
    uv_close((uv_handle_t *)&w->answers, NULL);
}

/* ---- Kafka ---- */

/* What the worker's own clients are made from: all unprefixed settings, but those that mean the worker itself. */
static cd_config_t client_settings(worker_t *w)
{
    static const char *const own[] = {
        "group.id", "client.id", "session.timeout.ms", "heartbeat.interval.ms", "rebalance.timeout.ms", NULL};
    const cd_config_t *props = &w->config->props;
    cd_pair_t *pairs = cd_arena_array(&w->arena, cd_pair_t, props->n + 1);
    uint32_t n = 0;
    for (uint32_t i = 0; i < props->n; i++) {
        bool skip = false;
        for (const char *const *k = own; *k != NULL; k++) skip = skip || strcmp(*k, props->pairs[i].name) == 0;
        if (!skip) pairs[n++] = props->pairs[i];
    }
    pairs[n++] = (cd_pair_t){"client.id", cd_arena_printf(&w->arena, "%sinternal", w->config->client_base)};
    return (cd_config_t){.n = n, .pairs = pairs};
}

static cd_err_t *kafka_run(worker_t *w, bool *ret_later)
{
    cd_config_t settings = client_settings(w);
    *ret_later = false;
    return kafka_hub_new(&w->loop, &settings, &w->hub);
}

static void on_hub_closed(void *arg)
{
    worker_continue(arg, NULL);
}

static void on_flushed(void *arg, uint32_t lost)
{
    worker_t *w = arg;
    if (lost > 0)
        log_write(CD_LOG_WARN, LOGGER, NULL, "%u record(s) of the internal topics could not be written in time", lost);
    herder_free(w->herder);
    w->herder = NULL;
    for (size_t i = 0; i < sizeof(w->logs) / sizeof(*w->logs); i++)
        if (w->logs[i] != NULL) w->logs[i]->ops->close(w->logs[i]);
    kafka_hub_close(w->hub, on_hub_closed, w);
}

static void kafka_undo(worker_t *w, bool *ret_later)
{
    if (w->hub == NULL) return;
    *ret_later = true;
    kafka_hub_flush(w->hub, clock_mono_ms() + FLUSH_MS, on_flushed, w);
}

/* ---- REST ---- */

static cd_err_t *bind_run(worker_t *w, bool *ret_later)
{
    *ret_later = false;
    return rest_bind(&w->loop, w->config, &w->rest);
}

static void on_answers(uv_timer_t *t)
{
    worker_continue(t->data, NULL);
}

static void bind_undo(worker_t *w, bool *ret_later)
{
    if (w->rest == NULL) return;
    rest_shutdown(w->rest);
    if (rest_in_flight(w->rest) == 0) return;
    *ret_later = true;
    if (uv_timer_start(&w->answers, on_answers, ANSWERS_MS, 0) != 0) abort(); /* never fails on a live handle */
}

static cd_err_t *serve_run(worker_t *w, bool *ret_later)
{
    *ret_later = false;
    w->validation = (validation_env_t){.loop = &w->loop,
                                       .plugins = w->env.plugins,
                                       .hub = herder_hub(w->herder),
                                       .transformer = w->env.transformer,
                                       .worker = w->config};
    cd_err_t *err = rest_serve(w->rest, &w->validation, w->herder);
    if (err == NULL)
        log_write(CD_LOG_INFO, LOGGER, NULL, "REST resources initialized at %s; started in %lld ms",
                  herder_identity(w->herder)->url, (long long)(clock_mono_ms() - w->started_ms));
    return err;
}

/* ---- Cluster and topics ---- */

static void on_described(void *arg, cd_err_t *err, const char *cluster_id)
{
    worker_t *w = arg;
    w->cluster_id = mem_strdup(cluster_id);
    worker_continue(w, err);
}

/* The Java admin client's own setting, which an impatient operator may have lowered. */
static int64_t api_timeout_ms(const worker_t *w)
{
    const char *text = cd_config_get(&w->config->props, "default.api.timeout.ms");
    long long ms = text != NULL ? strtoll(text, NULL, 10) : 0;
    return ms > 0 ? ms : DESCRIBE_MS;
}

static cd_err_t *describe_run(worker_t *w, bool *ret_later)
{
    *ret_later = true;
    kafka_hub_describe(w->hub, api_timeout_ms(w), on_described, w);
    return NULL;
}

static cd_config_t topic_settings(worker_t *w, const char *prefix)
{
    static const char *const own[] = {"topic",          "partitions",    "replication.factor",
                                      "cleanup.policy", "file.filename", NULL};
    cd_config_t all = config_with_prefix(&w->config->props, prefix, &w->arena);
    cd_pair_t *pairs = cd_arena_array(&w->arena, cd_pair_t, all.n);
    uint32_t n = 0;
    for (uint32_t i = 0; i < all.n; i++) {
        bool skip = all.pairs[i].value == NULL;
        for (const char *const *k = own; *k != NULL; k++) skip = skip || strcmp(*k, all.pairs[i].name) == 0;
        if (!skip) pairs[n++] = all.pairs[i];
    }
    return (cd_config_t){.n = n, .pairs = pairs};
}

static cd_err_t *open_logs(worker_t *w, const int32_t *partitions)
{
    const worker_config_t *c = w->config;
    const char *const topics[] = {c->config_topic, c->status_topic, c->offset_topic};
    if (partitions[0] != 1)
        return cd_err_new(CD_ERR_FATAL, CD_JVM_CONFIG,
                          "Topic '%s' supplied via the 'config.storage.topic' property is required to have a single "
                          "partition in order to guarantee consistency of connector configurations, but found %d "
                          "partitions.",
                          c->config_topic, partitions[0]);
    cd_err_t *err = NULL;
    for (size_t i = 0; i < 3 && err == NULL; i++) err = kafka_log_new(w->hub, topics[i], partitions[i], &w->logs[i]);
    return err;
}

static void on_topics(void *arg, cd_err_t *err, const int32_t *partitions)
{
    worker_t *w = arg;
    if (err == NULL && !w->ending) err = open_logs(w, partitions);
    worker_continue(w, err);
}

static cd_err_t *topics_run(worker_t *w, bool *ret_later)
{
    const worker_config_t *c = w->config;
    if (!c->distributed) {
        w->logs[0] = memory_log_new(w->deferred);
        w->logs[1] = memory_log_new(w->deferred);
        return file_log_new(&w->loop, w->deferred, c->offset_file, &w->logs[2]);
    }
    const topic_spec_t specs[] = {{.topic = c->config_topic,
                                   .property = "config.storage.topic",
                                   .purpose = "connector configurations",
                                   .partitions = 1,
                                   .replication = c->config_replication,
                                   .settings = topic_settings(w, "config.storage.")},
                                  {.topic = c->status_topic,
                                   .property = "status.storage.topic",
                                   .purpose = "connector and task statuses",
                                   .partitions = c->status_partitions,
                                   .replication = c->status_replication,
                                   .settings = topic_settings(w, "status.storage.")},
                                  {.topic = c->offset_topic,
                                   .property = "offset.storage.topic",
                                   .purpose = "source connector offsets",
                                   .partitions = c->offset_partitions,
                                   .replication = c->offset_replication,
                                   .settings = topic_settings(w, "offset.storage.")}};
    *ret_later = true;
    topic_admin_ensure(w->hub, specs, sizeof(specs) / sizeof(*specs), TOPICS_MS, on_topics, w);
    return NULL;
}

/* ---- Herder ---- */

static void on_herder_failed(void *arg, cd_err_t *err)
{
    worker_t *w = arg;
    log_err(CD_LOG_ERROR, LOGGER, NULL, "Uncaught exception in herder work thread, exiting", err);
    cd_err_free(err);
    end(w, WORKER_EXIT_HERDER);
}

static void on_done(void *arg, cd_err_t *err)
{
    worker_continue(arg, err);
}

static cd_err_t *herder_run(worker_t *w, bool *ret_later)
{
    herder_env_t env = {
        .loop = &w->loop,
        .worker = w->config,
        .plugins = w->env.plugins,
        .metrics = w->metrics,
        .transformer = w->env.transformer,
        .deferred = w->deferred,
        .hub = w->hub,
        .identity = {.version = CONNECT_VERSION, .commit = CONNECT_COMMIT, .kafka_cluster_id = w->cluster_id},
        .failed = on_herder_failed,
        .failed_arg = w};
    worker_config_advertised(w->config, rest_port(w->rest), &w->arena, &env.identity.url, &env.identity.worker_id);
    w->herder = herder_new(&env);
    *ret_later = true;
    herder_start(w->herder, w->logs[0], w->logs[1], w->logs[2], on_done, w);
    memset(w->logs, 0, sizeof(w->logs));
    return NULL;
}

static void herder_undo(worker_t *w, bool *ret_later)
{
    if (w->herder == NULL) return;
    *ret_later = true;
    herder_stop(w->herder, on_done, w);
}

/* ---- Connector files ---- */

static cd_err_t *next_file(worker_t *w, bool *ret_later);

static void on_created(void *arg, cd_err_t *err, const herder_info_t *info, bool created)
{
    worker_t *w = arg;
    bool later = false;
    (void)created;
    if (err == NULL) log_write(CD_LOG_INFO, LOGGER, NULL, "Created connector %s", info->name);
    connector_file_done(&w->file);
    if (err == NULL && !w->ending) err = next_file(w, &later);
    if (!later) worker_continue(w, err);
}

static void on_validated(void *arg, cd_err_t *err, const entries_t *result)
{
    worker_t *w = arg;
    if (err == NULL && entries_error_count(result) > 0)
        err = cd_err_new(CD_ERR_CONFIG, CD_JVM_CONFIG, "%s", entries_message(result, &w->arena));
    if (err != NULL) {
        connector_file_done(&w->file);
        worker_continue(w, err);
        return;
    }
    cd_config_t config = props_view(&w->file.config);
    herder_create(w->herder, props_get(&w->file.config, "name"), &config, w->file.initial, on_created, w);
}

static cd_err_t *next_file(worker_t *w, bool *ret_later)
{
    if (w->next_file == w->env.nfiles) return NULL;
    cd_err_t *err = connector_file_read(w->env.files[w->next_file++], &w->file);
    if (err != NULL) return err;
    cd_config_t config = props_view(&w->file.config);
    *ret_later = true;
    validation_start(&w->validation, &config, on_validated, w);
    return NULL;
}

/* ---- The order ---- */

static const stage_t stages[] = {
    {"event loop", WORKER_EXIT_START, loop_run, loop_undo},
    {"Kafka clients", WORKER_EXIT_START, kafka_run, kafka_undo},
    {"Kafka cluster", WORKER_EXIT_START, describe_run, NULL},
    {"REST listeners", WORKER_EXIT_START, bind_run, bind_undo},
    {"internal topics", WORKER_EXIT_HERDER, topics_run, NULL},
    {"herder", WORKER_EXIT_HERDER, herder_run, herder_undo},
    {"REST resources", WORKER_EXIT_START, serve_run, NULL},
    {"connector files", WORKER_EXIT_FILES, next_file, NULL},
};

#define NSTAGES ((uint32_t)(sizeof(stages) / sizeof(*stages)))

static void stage_failed(worker_t *w, cd_err_t *err)
{
    strbuf_t what = {0};
    strbuf_addf(&what, "Stopping due to error (%s)", stages[w->stage].name);
    log_err(CD_LOG_ERROR, LOGGER, NULL, strbuf_str(&what), err);
    strbuf_done(&what);
    cd_err_free(err);
    w->stage++; /* what a failed step has made is undone too */
    end(w, stages[w->stage - 1].exit);
}

static void run_stages(worker_t *w)
{
    while (w->stage < NSTAGES && !w->ending) {
        bool later = false;
        log_write(CD_LOG_DEBUG, LOGGER, NULL, "Starting: %s", stages[w->stage].name);
        cd_err_t *err = stages[w->stage].run(w, &later);
        if (err != NULL) {
            stage_failed(w, err);
            return;
        }
        if (later) {
            w->pending = true;
            return;
        }
        w->stage++;
    }
}

static void undo_stages(worker_t *w)
{
    while (w->stage > 0) {
        bool later = false;
        w->stage--;
        log_write(CD_LOG_DEBUG, LOGGER, NULL, "Stopping: %s", stages[w->stage].name);
        if (stages[w->stage].undo != NULL) stages[w->stage].undo(w, &later);
        if (later) return;
    }
    uv_stop(&w->loop);
}

static void worker_continue(worker_t *w, cd_err_t *err)
{
    if (w->ending) {
        if (w->pending) w->stage++; /* the step that was under way when the end came is undone as well */
        w->pending = false;
        cd_err_free(err);
        undo_stages(w);
        return;
    }
    w->pending = false;
    if (err != NULL) {
        stage_failed(w, err);
    } else {
        w->stage++;
        run_stages(w);
    }
}

int worker_run(const worker_env_t *env)
{
    worker_t *w = mem_new0(worker_t);
    w->env = *env;
    w->config = env->config;
    w->started_ms = clock_mono_ms();
    if (uv_loop_init(&w->loop) != 0) {
        log_write(CD_LOG_ERROR, LOGGER, NULL, "Cannot make an event loop");
        free(w);
        return WORKER_EXIT_START;
    }
    run_stages(w);
    int left = uv_run(&w->loop, UV_RUN_DEFAULT);
    /* one more turn for the handles that were closed last */
    if (left != 0) left = uv_run(&w->loop, UV_RUN_NOWAIT);
    int code = w->exit;
    if (w->rest != NULL) rest_free(w->rest);
    metrics_free(w->metrics);
    free(w->cluster_id);
    cd_arena_done(&w->arena);
    log_write(CD_LOG_INFO, LOGGER, NULL, "Kafka Connect stopped");
    if (left == 0 && uv_loop_close(&w->loop) == 0) free(w);
    return code;
}
