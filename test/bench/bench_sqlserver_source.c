/* The SQL Server source without Kafka around it, beside a bare FreeTDS loop that reads the same rows and drops them.
 * usage: bench_sqlserver_source PLUGIN.so HOST PORT USER DATABASE TABLE ROWS KAFKA   (password in BENCH_PASSWORD)
 * TABLE is dbo.<name>, empty, with the capture instance dbo_<name>. The program prints "ready" once the connector streams;
 * the caller then inserts ROWS rows, waits until they are captured, and sends a line.
 * Prints lines of "name value unit"; ratios are of this run, so a slow machine does not matter. */
#include "runtime/base/clock.h"
#include "runtime/base/err_text.h"
#include "runtime/data/batch.h"
#include "runtime/data/schema.h"
#include "runtime/plugin/ctx.h"
#include "runtime/plugin/plugins.h"

#include <sybdb.h>
#include <sys/resource.h>

typedef struct bench {
    const char *host, *port, *user, *password, *database, *table, *kafka;
    uint64_t rows;
} bench_t;

static double cpu_seconds(void)
{
    struct rusage u;
    if (getrusage(RUSAGE_SELF, &u) != 0) return 0;
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) + (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

typedef struct timing {
    int64_t start_ns;
    double cpu;
} timing_t;

static timing_t timing_start(void)
{
    return (timing_t){.start_ns = clock_mono_ns(), .cpu = cpu_seconds()};
}

/* @return rows per second */
static double timing_print(const char *name, timing_t t, uint64_t rows)
{
    double secs = (double)(clock_mono_ns() - t.start_ns) / 1e9, cpu = cpu_seconds() - t.cpu;
    double rate = (double)rows / secs;
    printf("%s %.0f rows/s\n", name, rate);
    printf("%s_cpu %.3f s/million\n", name, cpu / (double)rows * 1e6);
    return rate;
}

static void die(const char *what, cd_err_t *err)
{
    strbuf_t b = {0};
    if (err != NULL) err_text_line(err, &b);
    fprintf(stderr, "bench_sqlserver_source: %s: %s\n", what, strbuf_str(&b));
    exit(1);
}

/* ---- the floor: db-lib alone ---------------------------------------------------------------------------------------- */

static DBPROCESS *bare_connect(const bench_t *b)
{
    char server[300];
    if (dbinit() == FAIL) die("dbinit failed", NULL);
    LOGINREC *login = dblogin();
    if (login == NULL) die("dblogin failed", NULL);
    (void)DBSETLUSER(login, b->user);
    (void)DBSETLPWD(login, b->password);
    (void)DBSETLVERSION(login, DBVERSION_74);
    (void)DBSETLDBNAME(login, b->database);
    (void)snprintf(server, sizeof(server), "%s:%s", b->host, b->port);
    DBPROCESS *db = dbopen(login, server);
    dbloginfree(login);
    if (db == NULL) die("cannot connect", NULL);
    return db;
}

/* Touch each value's first byte, so that nothing can be left out. */
static uint64_t bare_read(DBPROCESS *db, const char *sql, uint64_t *ret_sum)
{
    uint64_t rows = 0, sum = 0;
    if (dbcmd(db, sql) == FAIL || dbsqlexec(db) == FAIL) die(sql, NULL);
    while (dbresults(db) == SUCCEED) {
        int columns = dbnumcols(db);
        while (dbnextrow(db) != NO_MORE_ROWS) {
            for (int i = 1; i <= columns; i++)
                if (dbdatlen(db, i) > 0) sum += dbdata(db, i)[0];
            rows++;
        }
    }
    *ret_sum = sum;
    return rows;
}

static double bare(const bench_t *b, const char *name, const char *sql)
{
    uint64_t sum;
    DBPROCESS *db = bare_connect(b);
    timing_t t = timing_start();
    uint64_t rows = bare_read(db, sql, &sum);
    double rate = timing_print(name, t, rows);
    dbclose(db);
    if (rows < b->rows) die("the bare loop saw too few rows", NULL);
    return rate;
}

/* ---- the plugin ----------------------------------------------------------------------------------------------------- */

static cd_err_t *offset_read(void *arg, const cd_value_t *partition, cd_arena_t *arena, cd_value_t *ret_offset)
{
    (void)arg;
    (void)partition;
    (void)arena;
    *ret_offset = CD_V_NULL; /* a first start */
    return NULL;
}

/* Timing starts behind the first batch: what comes before it (schema history, plans) happens once per start.
 * @return rows behind the first batch; *ret_seen: all */
static uint64_t poll_rows(const cd_source_ops_t *ops, void *task, cd_ctx_t *ctx, uint64_t rows, timing_t *ret_start,
                          uint64_t *ret_seen)
{
    uint64_t seen = 0, first = 0;
    int64_t deadline = clock_mono_ms() + 120000;
    cd_batch_t *batch = batch_new(cd_host->schemas(ctx));
    while (seen < rows && clock_mono_ms() < deadline) {
        cd_err_t *err = ops->poll(task, batch, 100);
        if (err != NULL) die("poll", err);
        for (uint32_t i = 0; i < batch->count; i++) seen += batch->records[i].value_schema != NULL;
        batch_reset(batch);
        if (first == 0 && seen > 0) {
            first = seen;
            *ret_start = timing_start();
        }
    }
    batch_unref(batch);
    *ret_seen = seen;
    return seen - first;
}

typedef struct source {
    const cd_source_ops_t *ops;
    cd_ctx_t *ctx;
    void *task;
} source_t;

static void source_start(source_t *s, const bench_t *b, const cd_plugin_t *p, const char *mode)
{
    static const ctx_services_t services = {.offset_read = offset_read};
    char history[64];
    (void)snprintf(history, sizeof(history), "bench-history-%s-%lld", mode, (long long)clock_wall_ms());
    const cd_pair_t pairs[] = {{"connector.class", p->jvm_class},
                               {"database.hostname", b->host},
                               {"database.port", b->port},
                               {"database.user", b->user},
                               {"database.password", b->password},
                               {"database.names", b->database},
                               {"database.encrypt", "false"},
                               {"table.include.list", b->table},
                               {"topic.prefix", "bench"},
                               {"snapshot.mode", mode},
                               {"include.schema.changes", "false"},
                               {"schema.history.internal.kafka.bootstrap.servers", b->kafka},
                               {"schema.history.internal.kafka.topic", history},
                               {"poll.interval.ms", "10"},
                               {"task.id", "0"}};
    cd_config_t config = {.n = sizeof(pairs) / sizeof(pairs[0]), .pairs = pairs};
    s->ops = p->ops;
    cd_err_t *err = ctx_new("bench", 0, &config, NULL, &services, NULL, &s->ctx);
    if (err != NULL) die("context", err);
    err = s->ops->task_start(s->ctx, cd_host->config(s->ctx), &s->task);
    if (err != NULL) die("task_start", err);
}

static void source_stop(source_t *s)
{
    ctx_stop(s->ctx);
    s->ops->task_stop(s->task);
    ctx_free(s->ctx);
}

/* @return rows per second */
static double source_read(source_t *s, const bench_t *b, const char *name)
{
    timing_t t = timing_start();
    uint64_t seen, timed = poll_rows(s->ops, s->task, s->ctx, b->rows, &t, &seen);
    double rate = timing_print(name, t, timed);
    if (seen < b->rows) die("the plugin gave too few rows", NULL);
    return rate;
}

/* Streaming has begun when the empty table has been looked at and nothing came for a while. */
static void wait_streaming(source_t *s)
{
    cd_batch_t *batch = batch_new(cd_host->schemas(s->ctx));
    for (int quiet = 0; quiet < 10;) {
        cd_err_t *err = s->ops->poll(s->task, batch, 100);
        if (err != NULL) die("poll", err);
        quiet = batch->count == 0 ? quiet + 1 : 0;
        batch_reset(batch);
    }
    batch_unref(batch);
}

int main(int argc, char **argv)
{
    if (argc != 9 || getenv("BENCH_PASSWORD") == NULL) {
        fprintf(stderr, "usage: BENCH_PASSWORD=… %s PLUGIN.so HOST PORT USER DATABASE TABLE ROWS KAFKA\n", argv[0]);
        return 2;
    }
    bench_t b = {.host = argv[2],
                 .port = argv[3],
                 .user = argv[4],
                 .password = getenv("BENCH_PASSWORD"),
                 .database = argv[5],
                 .table = argv[6],
                 .rows = strtoull(argv[7], NULL, 10),
                 .kafka = argv[8]};
    plugins_t *plugins = plugins_new();
    cd_err_t *err = plugins_load(plugins, argv[1]);
    if (err != NULL) die("plugin", err);
    const cd_plugin_t *p = plugins_find_connector(plugins, "SqlServerConnector");
    if (p == NULL) die("the module has no SqlServerConnector", NULL);

    char sql[512], instance[256];
    (void)snprintf(instance, sizeof(instance), "%s", b.table);
    for (char *c = instance; *c != '\0'; c++)
        if (*c == '.') *c = '_';
    source_t s;
    source_start(&s, &b, p, "schema_only");
    wait_streaming(&s);
    printf("ready\n");
    (void)fflush(stdout);
    if (getchar() == EOF) die("no line came after ready", NULL);
    double rate = source_read(&s, &b, "stream_plugin");
    source_stop(&s);
    (void)snprintf(sql, sizeof(sql), "SELECT * FROM cdc.%s_CT ORDER BY [__$start_lsn], [__$seqval], [__$operation]",
                   instance);
    printf("stream_ratio %.2f of bare\n", rate / bare(&b, "stream_bare", sql));

    source_start(&s, &b, p, "initial");
    rate = source_read(&s, &b, "snapshot_plugin");
    source_stop(&s);
    (void)snprintf(sql, sizeof(sql), "SELECT * FROM %s", b.table);
    printf("snapshot_ratio %.2f of bare\n", rate / bare(&b, "snapshot_bare", sql));
    plugins_free(plugins);
    return 0;
}
