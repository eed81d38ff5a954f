/* The PostgreSQL sink without Kafka around it, beside a bare libpq loop that copies the same rows to a staging table and
 * upserts them from there.
 * usage: bench_postgres_sink PLUGIN.so DSN [ROWS]   (DSN: host=… port=… user=… dbname=…; password in PGPASSWORD)
 * The stream is 78 % inserts, 20 % updates and 2 % soft deletes of a twelve-column table, in batches of 500, 3000 and
 * 10000 records; both sides leave the same table behind, which is checked.
 * Prints lines of "name value unit"; ratios are of this run, so a slow machine does not matter. */
#include "runtime/base/clock.h"
#include "runtime/base/err_text.h"
#include "runtime/data/batch.h"
#include "runtime/data/schema.h"
#include "runtime/plugin/ctx.h"
#include "runtime/plugin/plugins.h"

#include <libpq-fe.h>
#include <sys/resource.h>

#define COLUMNS 12

typedef struct bench {
    const char *dsn;
    uint32_t rows;
    PGconn *pg;
} bench_t;

typedef struct event {
    int32_t id;
    uint32_t version;
    char op;
} event_t;

static const char create_sql[] =
    "DROP TABLE IF EXISTS %s; CREATE TABLE %s (id int PRIMARY KEY, name text NOT NULL, email text, phone varchar(40),"
    " city text, qty int, total numeric(12,2), created_at timestamp, updated_at timestamp, is_active boolean,"
    " __op text, __deleted varchar(10))";

_Noreturn static void die(const char *what, cd_err_t *err, const char *detail)
{
    strbuf_t b = {0};
    if (err != NULL) err_text_line(err, &b);
    fprintf(stderr, "bench_postgres_sink: %s: %s\n", what, err != NULL ? strbuf_str(&b) : detail);
    exit(1);
}

static double cpu_seconds(void)
{
    struct rusage u;
    if (getrusage(RUSAGE_SELF, &u) != 0) return 0;
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) + (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

/* ---- the stream ------------------------------------------------------------------------------------------------------ */

static event_t *make_events(uint32_t n)
{
    event_t *events = calloc(n, sizeof(*events));
    if (events == NULL) abort();
    uint64_t seed = 42;
    int32_t next_id = 1;
    for (uint32_t i = 0; i < n; i++) {
        seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        uint32_t dice = (uint32_t)(seed >> 33) % 100;
        bool insert = dice < 78 || next_id < 100;
        events[i] = (event_t){.id = insert ? next_id++ : 1 + (int32_t)((seed >> 20) % (uint64_t)(next_id - 1)),
                              .version = i,
                              .op = insert      ? 'c'
                                    : dice < 98 ? 'u'
                                                : 'd'};
    }
    return events;
}

typedef struct texts {
    char name[40], email[48], phone[24];
} texts_t;

static void event_texts(const event_t *e, texts_t *t)
{
    (void)snprintf(t->name, sizeof(t->name), "customer number %d v%u", e->id, e->version % 100);
    (void)snprintf(t->email, sizeof(t->email), "customer.%d@mail.example.org", e->id);
    (void)snprintf(t->phone, sizeof(t->phone), "+49 30 %07u", (uint32_t)e->id % 10000000);
}

static int64_t event_ns(const event_t *e)
{
    return INT64_C(1700000000000000000) + (int64_t)e->version * 1000000;
}

/* ---- the floor: libpq alone ------------------------------------------------------------------------------------------- */

typedef struct copy_buf {
    uint8_t *data;
    size_t len;
} copy_buf_t;

static void put_be(copy_buf_t *b, uint64_t v, int bytes)
{
    for (int i = bytes - 1; i >= 0; i--) b->data[b->len++] = (uint8_t)(v >> (8 * i));
}

static void put_field(copy_buf_t *b, const char *s)
{
    size_t n = strlen(s);
    put_be(b, n, 4);
    memcpy(b->data + b->len, s, n);
    b->len += n;
}

static void put_number(copy_buf_t *b, uint64_t v, int bytes)
{
    put_be(b, (uint64_t)bytes, 4);
    put_be(b, v, bytes);
}

static void put_row(copy_buf_t *b, const event_t *e)
{
    texts_t t;
    event_texts(e, &t);
    put_be(b, COLUMNS, 2);
    put_number(b, (uint32_t)e->id, 4);
    put_field(b, t.name);
    put_field(b, t.email);
    put_field(b, t.phone);
    put_field(b, "Berlin");
    put_number(b, e->version % 1000, 4);
    uint32_t cents = e->version % 1000000; /* numeric: up to four base-10000 digits around the point */
    put_be(b, 12 + 2, 4);
    put_be(b, 3, 2);
    put_be(b, 1, 2);
    put_be(b, 0, 2);
    put_be(b, 2, 2);
    put_be(b, cents / 1000000, 2);
    put_be(b, cents / 100 % 10000, 2);
    put_be(b, cents % 100 * 100, 2);
    put_number(b, (uint64_t)(event_ns(e) / 1000 - INT64_C(946684800000000)), 8);
    put_be(b, UINT32_MAX, 4);
    put_number(b, 1, 1);
    put_field(b, (char[]){e->op, '\0'});
    put_field(b, e->op == 'd' ? "true" : "false");
}

/* The rows of one batch, last per key, as one COPY stream. */
static copy_buf_t make_copy(const event_t *events, uint32_t n, uint32_t *last, uint32_t base)
{
    static const uint8_t head[19] = "PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0";
    copy_buf_t b = {.data = malloc((size_t)n * 256 + 64)};
    if (b.data == NULL) abort();
    memcpy(b.data, head, sizeof(head));
    b.len = sizeof(head);
    for (uint32_t i = 0; i < n; i++) last[events[i].id] = base + i;
    for (uint32_t i = 0; i < n; i++)
        if (last[events[i].id] == base + i) put_row(&b, &events[i]);
    put_be(&b, 0xffff, 2);
    return b;
}

static void sql(PGconn *pg, const char *text)
{
    PGresult *res = PQexec(pg, text);
    ExecStatusType st = PQresultStatus(res);
    if (st != PGRES_COMMAND_OK && st != PGRES_TUPLES_OK && st != PGRES_COPY_IN) die(text, NULL, PQerrorMessage(pg));
    PQclear(res);
}

static void bare_batch(PGconn *pg, const copy_buf_t *b)
{
    sql(pg, "BEGIN");
    sql(pg, "COPY bare_stage FROM STDIN (FORMAT binary)");
    if (PQputCopyData(pg, (const char *)b->data, (int)b->len) != 1 || PQputCopyEnd(pg, NULL) != 1)
        die("COPY", NULL, PQerrorMessage(pg));
    for (PGresult *res; (res = PQgetResult(pg)) != NULL; PQclear(res))
        if (PQresultStatus(res) != PGRES_COMMAND_OK) die("COPY", NULL, PQerrorMessage(pg));
    sql(pg, "INSERT INTO bench_bare SELECT * FROM bare_stage ON CONFLICT (id) DO UPDATE SET name=EXCLUDED.name,"
            "email=EXCLUDED.email,phone=EXCLUDED.phone,city=EXCLUDED.city,qty=EXCLUDED.qty,total=EXCLUDED.total,"
            "created_at=EXCLUDED.created_at,updated_at=EXCLUDED.updated_at,is_active=EXCLUDED.is_active,"
            "__op=EXCLUDED.__op,__deleted=EXCLUDED.__deleted");
    sql(pg, "COMMIT");
}

/* @return rows per second; building the COPY streams is not timed */
static double bare(const bench_t *b, const event_t *events, uint32_t batch)
{
    char text[1024];
    (void)snprintf(text, sizeof(text), create_sql, "bench_bare", "bench_bare");
    sql(b->pg, text);
    sql(b->pg, "DROP TABLE IF EXISTS bare_stage; CREATE TEMP TABLE bare_stage (LIKE bench_bare) ON COMMIT DELETE ROWS");
    sql(b->pg, "CHECKPOINT");
    uint32_t *last = calloc((size_t)b->rows + 2, sizeof(*last));
    if (last == NULL) abort();
    int64_t ns = 0;
    double cpu = 0;
    for (uint32_t at = 0; at < b->rows; at += batch) {
        uint32_t n = b->rows - at < batch ? b->rows - at : batch;
        copy_buf_t buf = make_copy(events + at, n, last, at);
        int64_t start = clock_mono_ns();
        double cpu_start = cpu_seconds();
        bare_batch(b->pg, &buf);
        ns += clock_mono_ns() - start;
        cpu += cpu_seconds() - cpu_start;
        free(buf.data);
    }
    free(last);
    double rate = (double)b->rows / ((double)ns / 1e9);
    printf("bare_%u %.0f rows/s\nbare_%u_cpu %.3f s/million\n", batch, rate, batch, cpu / b->rows * 1e6);
    return rate;
}

/* ---- the plugin ------------------------------------------------------------------------------------------------------- */

static const cd_schema_t *make_schema(cd_schema_pool_t *pool)
{
    const cd_param_t scale = {"scale", "2"};
    const cd_schema_t *i32 = schema_primitive(pool, CD_INT32, false), *text = schema_primitive(pool, CD_STRING, true);
    cd_schema_spec_t total = {
        .type = CD_BYTES, .optional = true, .name = CD_NAME_DECIMAL, .params = &scale, .nparams = 1};
    cd_schema_spec_t nano = {.type = CD_INT64, .optional = true, .name = "io.debezium.time.NanoTimestamp"};
    const cd_schema_t *ns = schema_intern(pool, &nano), *opt32 = schema_primitive(pool, CD_INT32, true);
    cd_field_t fields[COLUMNS] = {{"id", i32, 0, 0},
                                  {"name", schema_primitive(pool, CD_STRING, false), 0, 0},
                                  {"email", text, 0, 0},
                                  {"phone", text, 0, 0},
                                  {"city", text, 0, 0},
                                  {"qty", opt32, 0, 0},
                                  {"total", schema_intern(pool, &total), 0, 0},
                                  {"created_at", ns, 0, 0},
                                  {"updated_at", ns, 0, 0},
                                  {"is_active", schema_primitive(pool, CD_BOOLEAN, true), 0, 0},
                                  {"__op", text, 0, 0},
                                  {"__deleted", text, 0, 0}};
    cd_schema_spec_t row = {.type = CD_STRUCT, .name = "bench.Value", .nfields = COLUMNS, .fields = fields};
    return schema_intern(pool, &row);
}

static cd_value_t arena_text(cd_arena_t *arena, const char *s)
{
    size_t n = strlen(s);
    return cd_v_strn(cd_arena_strndup(arena, s, n), n);
}

static void add_record(cd_batch_t *batch, const cd_schema_t *schema, const event_t *e)
{
    texts_t t;
    event_texts(e, &t);
    uint32_t cents = e->version % 1000000;
    uint8_t *unscaled = cd_arena_alloc(&batch->arena, 4);
    for (int i = 0; i < 4; i++) unscaled[i] = (uint8_t)(cents >> (8 * (3 - i)));
    cd_value_t *v = cd_arena_array(&batch->arena, cd_value_t, COLUMNS);
    v[0] = cd_v_int(CD_INT32, e->id);
    v[1] = arena_text(&batch->arena, t.name);
    v[2] = arena_text(&batch->arena, t.email);
    v[3] = arena_text(&batch->arena, t.phone);
    v[4] = cd_v_str("Berlin");
    v[5] = cd_v_int(CD_INT32, e->version % 1000);
    v[6] = cd_v_bytes(unscaled, 4);
    v[7] = cd_v_int(CD_INT64, event_ns(e));
    v[8] = CD_V_NULL;
    v[9] = cd_v_bool(true);
    v[10] = cd_v_strn(e->op == 'c' ? "c" : e->op == 'u' ? "u" : "d", 1);
    v[11] = cd_v_str(e->op == 'd' ? "true" : "false");
    cd_record_t *rec = cd_batch_add(batch);
    rec->topic = rec->orig_topic = "bench_sink";
    rec->partition = rec->orig_partition = 0;
    rec->kafka_offset = e->version;
    rec->value_schema = schema;
    rec->value = cd_v_items(CD_STRUCT, v, COLUMNS);
}

typedef struct sink {
    const cd_sink_ops_t *ops;
    cd_ctx_t *ctx;
    void *task;
} sink_t;

typedef struct dsn_part {
    char text[128];
} dsn_part_t;

static dsn_part_t conninfo(const char *dsn, const char *key)
{
    dsn_part_t part = {""};
    PQconninfoOption *all = PQconninfoParse(dsn, NULL);
    for (PQconninfoOption *o = all; o != NULL && o->keyword != NULL; o++)
        if (strcmp(o->keyword, key) == 0 && o->val != NULL) (void)snprintf(part.text, sizeof(part.text), "%s", o->val);
    PQconninfoFree(all);
    return part;
}

static void sink_start(sink_t *s, const bench_t *b, const cd_plugin_t *p)
{
    char url[512];
    const char *password = getenv("PGPASSWORD");
    (void)snprintf(url, sizeof(url), "jdbc:postgresql://%s:%s/%s", conninfo(b->dsn, "host").text,
                   conninfo(b->dsn, "port").text, conninfo(b->dsn, "dbname").text);
    dsn_part_t user = conninfo(b->dsn, "user");
    const cd_pair_t pairs[] = {{"name", "bench"},
                               {"connector.class", p->jvm_class},
                               {"connection.url", url},
                               {"connection.user", user.text},
                               {"connection.password", password != NULL ? password : ""},
                               {"insert.mode", "upsert"},
                               {"pk.mode", "record_value"},
                               {"pk.fields", "id"},
                               {"auto.evolve", "true"},
                               {"max.retries", "0"}};
    cd_config_t config = {.n = sizeof(pairs) / sizeof(pairs[0]), .pairs = pairs};
    s->ops = p->ops;
    static const ctx_services_t services = {0};
    cd_err_t *err = ctx_new("bench", 0, &config, NULL, &services, NULL, &s->ctx);
    if (err == NULL) err = s->ops->task_start(s->ctx, cd_host->config(s->ctx), &s->task);
    if (err != NULL) die("task_start", err, "");
}

/* @return rows per second; building the batches is not timed, as decoding is not the sink's work */
static double plugin(const bench_t *b, const cd_plugin_t *p, const event_t *events, uint32_t batch_size)
{
    char text[1024];
    (void)snprintf(text, sizeof(text), create_sql, "bench_sink", "bench_sink");
    sql(b->pg, text);
    sql(b->pg, "CHECKPOINT");
    sink_t s;
    sink_start(&s, b, p);
    cd_schema_pool_t *pool = cd_host->schemas(s.ctx);
    const cd_schema_t *schema = make_schema(pool);
    cd_batch_t *batch = batch_new(pool);
    int64_t ns = 0;
    double cpu = 0;
    for (uint32_t at = 0; at < b->rows; at += batch_size) {
        batch_reset(batch);
        uint32_t n = b->rows - at < batch_size ? b->rows - at : batch_size;
        for (uint32_t i = 0; i < n; i++) add_record(batch, schema, &events[at + i]);
        int64_t start = clock_mono_ns();
        double cpu_start = cpu_seconds();
        cd_err_t *err = s.ops->put(s.task, batch);
        if (err != NULL) die("put", err, "");
        ns += clock_mono_ns() - start;
        cpu += cpu_seconds() - cpu_start;
    }
    batch_unref(batch);
    ctx_stop(s.ctx);
    s.ops->task_stop(s.task);
    ctx_free(s.ctx);
    double rate = (double)b->rows / ((double)ns / 1e9);
    printf("sink_%u %.0f rows/s\nsink_%u_cpu %.3f s/million\n", batch_size, rate, batch_size, cpu / b->rows * 1e6);
    return rate;
}

static void check_equal(PGconn *pg)
{
    PGresult *res = PQexec(pg, "SELECT (SELECT count(*) FROM bench_bare), (SELECT count(*) FROM bench_sink),"
                               " (SELECT count(*) FROM (TABLE bench_bare EXCEPT TABLE bench_sink) d)");
    if (PQresultStatus(res) != PGRES_TUPLES_OK) die("compare", NULL, PQerrorMessage(pg));
    if (strcmp(PQgetvalue(res, 0, 0), PQgetvalue(res, 0, 1)) != 0 || strcmp(PQgetvalue(res, 0, 2), "0") != 0)
        die("compare", NULL, "the tables differ");
    PQclear(res);
}

int main(int argc, char **argv)
{
    if (argc < 3 || argc > 4) {
        fprintf(stderr, "usage: PGPASSWORD=… %s PLUGIN.so DSN [ROWS]\n", argv[0]);
        return 2;
    }
    bench_t b = {.dsn = argv[2], .rows = argc == 4 ? (uint32_t)strtoul(argv[3], NULL, 10) : 300000};
    b.pg = PQconnectdb(b.dsn);
    if (b.pg == NULL || PQstatus(b.pg) != CONNECTION_OK) die("connect", NULL, PQerrorMessage(b.pg));
    plugins_t *plugins = plugins_new();
    cd_err_t *err = plugins_load(plugins, argv[1]);
    if (err != NULL) die("plugin", err, "");
    const cd_plugin_t *p = plugins_find_connector(plugins, "io.confluent.connect.jdbc.JdbcSinkConnector");
    if (p == NULL) die("plugin", NULL, "the module has no JdbcSinkConnector");
    event_t *events = make_events(b.rows);
    static const uint32_t batches[] = {500, 3000, 10000};
    for (size_t i = 0; i < sizeof(batches) / sizeof(batches[0]); i++) {
        double floor = bare(&b, events, batches[i]);
        double rate = plugin(&b, p, events, batches[i]);
        printf("sink_%u_ratio %.2f of bare\n", batches[i], rate / floor);
        (void)fflush(stdout);
        check_equal(b.pg);
    }
    sql(b.pg, "DROP TABLE bench_bare, bench_sink");
    PQfinish(b.pg);
    free(events);
    plugins_free(plugins);
    return 0;
}
