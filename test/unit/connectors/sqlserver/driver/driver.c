/* Runs the SQL Server source without a worker: settings and a stored offset from the command line, records as text on
 * standard output, or only their rate.
 *   driver [-q] [-v] [-t STOP_AFTER_SECONDS] [-n RECORDS] [-i IDLE_POLLS] [-o KEY=VALUE]… [-h HISTORY_FILE] [-validate] KEY=VALUE… */
#include "test/unit/connectors/sqlserver/host.h"

#include <signal.h>
#include <time.h>
#include <unistd.h>

static cd_ctx_t ctx;

static void on_alarm(int number)
{
    (void)number;
    atomic_store(&ctx.stopping, true);
}

static double now_s(void)
{
    struct timespec ts;
    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void print_value(const cd_schema_t *schema, const cd_value_t *v)
{
    strbuf_t b = {0};
    value_text(schema, v, &b);
    (void)fputs(strbuf_str(&b), stdout);
    strbuf_done(&b);
}

static void print_record(const cd_record_t *r)
{
    (void)printf("%s|%d|", r->topic, r->partition);
    print_value(r->key_schema, &r->key);
    (void)putchar('|');
    print_value(r->value_schema, &r->value);
    for (uint32_t i = 0; i < r->nheaders; i++) {
        (void)printf("|%s=", r->headers[i].key);
        print_value(r->headers[i].schema, &r->headers[i].value);
    }
    (void)putchar('|');
    print_value(NULL, r->source_offset);
    (void)putchar('\n');
}

static cd_value_t offset_cell(const char *text)
{
    char *end = NULL;
    if (strcmp(text, "true") == 0 || strcmp(text, "false") == 0) return cd_v_bool(text[0] == 't');
    long long n = strtoll(text, &end, 10);
    return *text != '\0' && *end == '\0' ? cd_v_int(CD_INT64, n) : cd_v_str(text);
}

typedef struct options {
    bool quiet, validate;
    uint64_t records;
    int64_t idle;
    const char *history;
} options_t;

static void report(cd_problems_t *p, const char *key, const char *message)
{
    (void)p;
    (void)printf("%s: %s\n", key, message);
}

static void add_task(cd_task_configs_t *out, const cd_config_t *config)
{
    (void)out;
    (void)printf("task %s: %s\n", cd_config_get(config, "task.id"), cd_config_get(config, "database.names"));
}

static void history_load(const char *path)
{
    FILE *f = fopen(path, "re");
    char *text = NULL;
    size_t cap = 0;
    while (f != NULL && ctx.nhistory < HOST_RECORDS_MAX && getdelim(&text, &cap, '\f', f) > 0) {
        text[strcspn(text, "\f")] = '\0';
        if (*text != '\0') ctx.history[ctx.nhistory++] = strdup(text);
    }
    free(text);
    if (f != NULL) (void)fclose(f);
}

static void history_save(const char *path)
{
    FILE *f = fopen(path, "we");
    for (uint32_t i = 0; f != NULL && i < ctx.nhistory; i++) (void)fprintf(f, "%s\f", ctx.history[i]);
    if (f != NULL) (void)fclose(f);
}

static int run(const cd_source_ops_t *ops, const options_t *o)
{
    void *task = NULL;
    cd_err_t *err = ops->task_start(&ctx, ctx.config, &task);
    cd_batch_t *batch = batch_new(ctx.pool);
    uint64_t n = 0;
    double begin = 0, end = 0;
    for (int64_t idle = 0; err == NULL && n < o->records && idle < o->idle && !atomic_load(&ctx.stopping);) {
        batch_reset(batch);
        err = ops->poll(task, batch, 1000);
        if (batch->count == 0) idle++;
        if (batch->count > 0) {
            idle = 0;
            if (begin == 0) begin = now_s();
            end = now_s();
        }
        for (uint32_t i = 0; i < batch->count && !o->quiet; i++) print_record(&batch->records[i]);
        n += batch->count;
    }
    if (o->quiet && end > begin)
        (void)printf("%llu records in %.3f s, %.0f/s\n", (unsigned long long)n, end - begin, (double)n / (end - begin));
    int rc = err != NULL;
    for (const cd_err_t *e = err; e != NULL; e = e->cause)
        (void)printf("%s%s: %s\n", e == err ? "failed " : "Caused by: ", e->jvm_class, e->message);
    cd_err_free(err);
    batch_unref(batch);
    if (task != NULL) ops->task_stop(task);
    return rc;
}

int main(int argc, char **argv)
{
    static cd_pair_t pairs[256];
    static cd_value_t offset[64];
    cd_config_t config = {.pairs = pairs};
    options_t o = {.records = UINT64_MAX, .idle = 3};
    ctx.offset = cd_v_items(CD_MAP, offset, 0);
    for (int i = 1; i < argc && config.n < 255; i++) {
        char *eq = strchr(argv[i], '=');
        if (strcmp(argv[i], "-q") == 0) {
            o.quiet = true;
        } else if (strcmp(argv[i], "-v") == 0) {
            ctx.verbose = true;
        } else if (strcmp(argv[i], "-validate") == 0) {
            o.validate = true;
        } else if (strcmp(argv[i], "-n") == 0 && i + 1 < argc) {
            o.records = strtoull(argv[++i], NULL, 10);
        } else if (strcmp(argv[i], "-t") == 0 && i + 1 < argc) {
            (void)signal(SIGALRM, on_alarm);
            (void)alarm((unsigned)strtoul(argv[++i], NULL, 10));
        } else if (strcmp(argv[i], "-i") == 0 && i + 1 < argc) {
            o.idle = strtoll(argv[++i], NULL, 10);
        } else if (strcmp(argv[i], "-h") == 0 && i + 1 < argc) {
            o.history = argv[++i];
        } else if (strcmp(argv[i], "-o") == 0 && i + 1 < argc && ctx.offset.len < 32) {
            char *at = argv[++i], *sep = strchr(at, '=');
            if (sep == NULL) return 2;
            *sep = '\0';
            offset[2 * ctx.offset.len] = cd_v_str(at);
            offset[2 * ctx.offset.len++ + 1] = offset_cell(sep + 1);
        } else if (eq != NULL) {
            *eq = '\0';
            pairs[config.n++] = (cd_pair_t){argv[i], eq + 1};
        } else {
            return 2;
        }
    }
    ctx.config = &config;
    ctx.pool = schema_pool_new();
    host_install();
    const cd_source_ops_t *ops = cd_module_entry()->plugins[0]->ops;
    int rc = 0;
    if (o.history != NULL) history_load(o.history);
    if (o.validate) {
        cd_problems_t problems = {.report = report};
        cd_task_configs_t tasks = {.add = add_task};
        void *connector = NULL;
        ops->connector.validate(&ctx, &config, &problems);
        cd_err_t *err = ops->connector.start(&ctx, &config, &connector);
        if (err == NULL) err = ops->connector.task_configs(connector, 8, &tasks);
        if (err != NULL) (void)printf("%s: %s\n", err->jvm_class, err->message);
        cd_err_free(err);
        if (connector != NULL) ops->connector.stop(connector);
    } else {
        rc = run(ops, &o);
    }
    if (o.history != NULL) history_save(o.history);
    host_done(&ctx);
    return rc;
}
