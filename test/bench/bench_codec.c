/* The stages of the data path that touch every record, without Kafka: Avro and JSON both ways, and unwrap. A record is a
 * row of ten fields (integers, texts, a decimal, timestamps, nulls); unwrap takes Debezium envelopes around it.
 * usage: codec               prints "name value unit" lines, the best of five rounds each
 *        codec STAGE RECORDS runs one stage, for callgrind: two runs of different length give instructions per record */
#include "plugins/converters/avro_decode.h"
#include "plugins/converters/avro_encode.h"
#include "plugins/converters/converters.h"
#include "plugins/converters/plan_cache.h"
#include "plugins/transforms/transforms.h"
#include "runtime/base/clock.h"
#include "runtime/data/batch.h"
#include "runtime/data/schema.h"
#include "runtime/plugin/ctx.h"

#define BATCH 500u

typedef struct bench {
    cd_schema_pool_t *pool;
    cd_batch_t *batch;
    cd_arena_t arena; /* plans and inputs */
    cd_ctx_t *ctx;
    const cd_schema_t *row, *envelope;
    cd_value_t row_value, envelope_value;
    const avro_enc_t *enc;
    const avro_dec_t *dec;
    plan_cache_t plans;
    avro_out_t out;
    cd_bytes_t avro, json;
    void *unwrap, *json_converter;
} bench_t;

static void check(cd_err_t *err)
{
    if (err == NULL) return;
    (void)fprintf(stderr, "%s: %s\n", err->jvm_class, cd_err_root(err)->message);
    exit(1);
}

static void make_row(bench_t *b)
{
    static const uint8_t amount[] = {0x01, 0xE2, 0x40};
    cd_schema_pool_t *p = b->pool;
    cd_param_t scale[] = {{"scale", "2"}, {"connect.decimal.precision", "10"}};
    const cd_schema_t *i32 = schema_primitive(p, CD_INT32, false), *text = schema_primitive(p, CD_STRING, true);
    cd_schema_spec_t stamp = {.type = CD_INT64,
                              .optional = true,
                              .has_version = true,
                              .version = 1,
                              .name = "io.debezium.time.NanoTimestamp"};
    cd_schema_spec_t decimal = {.type = CD_BYTES,
                                .optional = true,
                                .has_version = true,
                                .version = 1,
                                .name = CD_NAME_DECIMAL,
                                .params = scale,
                                .nparams = 2};
    const cd_schema_t *nano = schema_intern(p, &stamp), *dec = schema_intern(p, &decimal);
    cd_field_t fields[] = {
        {.name = "id", .schema = i32},          {.name = "name", .schema = text},
        {.name = "email", .schema = text},      {.name = "city", .schema = text},
        {.name = "quantity", .schema = i32},    {.name = "amount", .schema = dec},
        {.name = "created_at", .schema = nano}, {.name = "updated_at", .schema = nano},
        {.name = "note", .schema = text},       {.name = "active", .schema = schema_primitive(p, CD_BOOLEAN, true)}};
    cd_schema_spec_t row = {
        .type = CD_STRUCT, .optional = true, .name = "s.db.dbo.t.Value", .fields = fields, .nfields = 10};
    b->row = schema_intern(p, &row);
    cd_value_t *c = cd_arena_array(&b->arena, cd_value_t, 10);
    c[0] = cd_v_int(CD_INT32, 123456);
    c[1] = cd_v_str("customer number 123456");
    c[2] = cd_v_str("c123456@example.org");
    c[3] = cd_v_str("Springfield");
    c[4] = cd_v_int(CD_INT32, 7);
    c[5] = cd_v_bytes(amount, sizeof(amount));
    c[6] = cd_v_int(CD_INT64, INT64_C(1764671400123456700));
    c[7] = c[8] = CD_V_NULL;
    c[9] = cd_v_bool(true);
    b->row_value = cd_v_items(CD_STRUCT, c, 10);
}

static void make_envelope(bench_t *b)
{
    cd_schema_pool_t *p = b->pool;
    const cd_schema_t *text = schema_primitive(p, CD_STRING, false), *i64 = schema_primitive(p, CD_INT64, true);
    cd_field_t source_fields[] = {{.name = "db", .schema = text}, {.name = "table", .schema = text}};
    cd_schema_spec_t source = {.type = CD_STRUCT, .name = "s.Source", .fields = source_fields, .nfields = 2};
    cd_field_t fields[] = {{.name = "before", .schema = b->row},
                           {.name = "after", .schema = b->row},
                           {.name = "source", .schema = schema_intern(p, &source)},
                           {.name = "op", .schema = text},
                           {.name = "ts_ms", .schema = i64}};
    cd_schema_spec_t envelope = {.type = CD_STRUCT, .name = "s.db.dbo.t.Envelope", .fields = fields, .nfields = 5};
    b->envelope = schema_intern(p, &envelope);
    cd_value_t *s = cd_arena_array(&b->arena, cd_value_t, 2), *e = cd_arena_array(&b->arena, cd_value_t, 5);
    s[0] = cd_v_str("db");
    s[1] = cd_v_str("t");
    e[0] = CD_V_NULL;
    e[1] = b->row_value;
    e[2] = cd_v_items(CD_STRUCT, s, 2);
    e[3] = cd_v_str("c");
    e[4] = cd_v_int(CD_INT64, INT64_C(1764671405012));
    b->envelope_value = cd_v_items(CD_STRUCT, e, 5);
}

static void encode_avro(bench_t *b, cd_arena_t *arena, cd_bytes_t *ret)
{
    /* what the converter does for each record, except asking the registry */
    const avro_enc_t *plan = (const avro_enc_t *)plan_cache_get(&b->plans, (uint64_t)(uintptr_t)b->row, "topic");
    b->out.cur = b->out.base;
    avro_out_grow(&b->out, 5);
    memset(b->out.cur, 0, 5);
    b->out.cur += 5;
    check(avro_encode(plan, &b->row_value, &b->out));
    size_t n = (size_t)(b->out.cur - b->out.base);
    uint8_t *bytes = (uint8_t *)cd_arena_alloc(arena, n);
    memcpy(bytes, b->out.base, n);
    *ret = (cd_bytes_t){.ptr = bytes, .len = (uint32_t)n};
}

static void setup(bench_t *b)
{
    static const avro_options_t options = {.meta_data = true};
    static const cd_pair_t rewrite[] = {{"delete.handling.mode", "rewrite"}, {"add.fields", "op,ts_ms"}};
    static const cd_pair_t no_schemas[] = {{"schemas.enable", "false"}};
    cd_config_t unwrap = {.n = 2, .pairs = rewrite}, json = {.n = 1, .pairs = no_schemas};
    strbuf_t text = {0};
    avro_schema_t *avro = NULL;
    b->pool = schema_pool_new();
    b->batch = batch_new(b->pool);
    make_row(b);
    make_envelope(b);
    check(ctx_new("bench", 0, &unwrap, NULL, NULL, NULL, &b->ctx));
    check(avro_text_write(b->row, &options, b->pool, &text));
    check(avro_schema_parse(strbuf_str(&text), NULL, 0, &avro));
    check(avro_enc_new(b->row, avro->root, &options, &b->arena, &b->enc));
    check(avro_dec_new(avro->root, avro->root, b->row, &options, NULL, &b->arena, &b->dec));
    plan_cache_put(&b->plans, (uint64_t)(uintptr_t)b->row, "topic", (void *)(uintptr_t)b->enc);
    encode_avro(b, &b->arena, &b->avro);
    avro_schema_free(avro);
    strbuf_done(&text);
    check(((const cd_transform_ops_t *)unwrap_plugin.ops)->configure(b->ctx, &unwrap, &b->unwrap));
    check(((const cd_converter_ops_t *)json_converter_plugin.ops)->configure(b->ctx, &json, false, &b->json_converter));
}

static void teardown(bench_t *b)
{
    ((const cd_transform_ops_t *)unwrap_plugin.ops)->close(b->unwrap);
    ((const cd_converter_ops_t *)json_converter_plugin.ops)->close(b->json_converter);
    plan_cache_clear(&b->plans);
    avro_out_done(&b->out);
    cd_arena_done(&b->arena);
    ctx_free(b->ctx);
    batch_unref(b->batch);
    schema_pool_free(b->pool);
}

static void fill(bench_t *b, uint32_t n, const cd_schema_t *schema, cd_value_t value)
{
    batch_reset(b->batch);
    for (uint32_t i = 0; i < n; i++) {
        cd_record_t *r = cd_batch_add(b->batch);
        r->topic = "topic";
        r->value_schema = schema;
        r->value = value;
    }
}

static void run_encode(bench_t *b, uint32_t n)
{
    fill(b, n, b->row, b->row_value);
    for (uint32_t i = 0; i < n; i++) encode_avro(b, &b->batch->arena, &b->batch->records[i].raw_value);
}

static void run_decode(bench_t *b, uint32_t n)
{
    fill(b, n, NULL, CD_V_NULL);
    for (uint32_t i = 0; i < n; i++) {
        cd_record_t *r = &b->batch->records[i];
        (void)plan_cache_get(&b->plans, (uint64_t)(uintptr_t)b->row, r->topic);
        check(avro_decode(b->dec, b->avro.ptr + 5, b->avro.len - 5, &b->batch->arena, &r->value));
    }
}

static void run_unwrap(bench_t *b, uint32_t n)
{
    cd_err_t *err = NULL;
    fill(b, n, b->envelope, b->envelope_value);
    (void)((const cd_transform_ops_t *)unwrap_plugin.ops)->apply(b->unwrap, b->batch, 0, n, &err);
    check(err);
}

static void run_json_encode(bench_t *b, uint32_t n)
{
    cd_err_t *err = NULL;
    fill(b, n, b->row, b->row_value);
    (void)((const cd_converter_ops_t *)json_converter_plugin.ops)->encode(b->json_converter, b->batch, 0, n, &err);
    check(err);
    b->json = b->batch->records[0].raw_value;
}

static void run_json_decode(bench_t *b, uint32_t n)
{
    cd_err_t *err = NULL;
    run_json_encode(b, 1);
    b->json.ptr = (const uint8_t *)cd_arena_strndup(&b->arena, b->json.ptr, b->json.len);
    fill(b, n, NULL, CD_V_NULL);
    for (uint32_t i = 0; i < n; i++) b->batch->records[i].raw_value = b->json;
    (void)((const cd_converter_ops_t *)json_converter_plugin.ops)
        ->decode(b->json_converter, b->batch, 0, n, NULL, &err);
    check(err);
}

static const struct {
    const char *name;
    void (*run)(bench_t *b, uint32_t n);
} stages[] = {{"avro_encode", run_encode},
              {"avro_decode", run_decode},
              {"unwrap", run_unwrap},
              {"json_encode", run_json_encode},
              {"json_decode", run_json_decode}};

#define STAGES (sizeof(stages) / sizeof(stages[0]))

static void run_stage(bench_t *b, size_t stage, uint32_t records)
{
    for (uint32_t done = 0; done < records; done += BATCH)
        stages[stage].run(b, records - done < BATCH ? records - done : BATCH);
}

int main(int argc, char **argv)
{
    bench_t b = {0};
    size_t one = STAGES;
    if (argc == 3)
        for (size_t i = 0; i < STAGES; i++)
            if (strcmp(argv[1], stages[i].name) == 0) one = i;
    if (argc != 1 && one == STAGES) {
        (void)fprintf(stderr, "usage: %s [avro_encode|avro_decode|unwrap|json_encode|json_decode RECORDS]\n", argv[0]);
        return 2;
    }
    setup(&b);
    if (argc == 3) run_stage(&b, one, (uint32_t)strtoul(argv[2], NULL, 10));
    for (size_t i = 0; argc == 1 && i < STAGES; i++) {
        int64_t best = INT64_MAX;
        for (int round = 0; round < 5; round++) {
            int64_t start = clock_mono_ns();
            run_stage(&b, i, 200000);
            int64_t took = clock_mono_ns() - start;
            if (took < best) best = took;
        }
        printf("%s_rate %.0f records/s\n", stages[i].name, 200000.0 * 1e9 / (double)best);
    }
    teardown(&b);
    return 0;
}
