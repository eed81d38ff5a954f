#include "plugins/converters/converters.h"

#include "test/unit/plugins/fake_host.h"
#include "test/unit/plugins/schema_build.h"

typedef struct fixture {
    cd_ctx_t ctx;
    cd_schema_pool_t *pool;
    cd_batch_t *batch;
    const cd_converter_ops_t *ops;
    void *converter;
    char text[4000];
} fixture_t;

static void start(fixture_t *f, const cd_plugin_t *plugin, const cd_pair_t *pairs, uint32_t n)
{
    *f = (fixture_t){.pool = schema_pool_new(), .ops = plugin->ops};
    f->batch = batch_new(f->pool);
    cd_config_t config = {.n = n, .pairs = pairs};
    assert_null(f->ops->configure(&f->ctx, &config, false, &f->converter));
}

static void stop(fixture_t *f)
{
    f->ops->close(f->converter);
    batch_unref(f->batch);
    schema_pool_free(f->pool);
}

/** The written text, "(null)", or the root error's message. */
static const char *write(fixture_t *f, const cd_schema_t *schema, cd_value_t value)
{
    cd_record_t *r = cd_batch_add(f->batch);
    r->topic = "t";
    r->value_schema = schema;
    r->value = value;
    cd_err_t *err = NULL;
    uint32_t i = f->batch->count - 1;
    (void)f->ops->encode(f->converter, f->batch, i, i + 1, &err);
    r = &f->batch->records[i];
    if (err != NULL) {
        (void)snprintf(f->text, sizeof(f->text), "%s", cd_err_root(err)->message);
        cd_err_free(err);
    } else if (r->raw_value.ptr == NULL) {
        return "(null)";
    } else {
        (void)snprintf(f->text, sizeof(f->text), "%.*s", (int)r->raw_value.len, (const char *)r->raw_value.ptr);
    }
    return f->text;
}

/** Read text; the value as Java would print it with its type in front, or the first error's message. */
static const char *read_text(fixture_t *f, const char *text)
{
    cd_record_t *r = cd_batch_add(f->batch);
    r->topic = "t";
    if (text != NULL) r->raw_value = (cd_bytes_t){(const uint8_t *)text, (uint32_t)strlen(text)};
    cd_err_t *err = NULL;
    uint32_t i = f->batch->count - 1;
    strbuf_t b = {0};
    (void)f->ops->decode(f->converter, f->batch, i, i + 1, NULL, &err);
    r = &f->batch->records[i];
    if (err != NULL) {
        strbuf_adds(&b, err->message);
        cd_err_free(err);
    } else {
        strbuf_addf(&b, "%s ", r->value_schema != NULL ? schema_type_name(r->value_schema->type) : "-");
        value_text(r->value_schema, &r->value, &b);
    }
    (void)snprintf(f->text, sizeof(f->text), "%s", strbuf_str(&b));
    strbuf_done(&b);
    return f->text;
}

static const cd_schema_t *example_schema(cd_schema_pool_t *p)
{
    cd_value_t seven = cd_v_int(CD_INT32, 7);
    const cd_schema_t *map =
        S(p, .type = CD_MAP, .key_schema = S(p, .type = CD_INT32), .value_schema = S(p, .type = CD_STRING));
    cd_field_t fields[] = {F("i8", S(p, .type = CD_INT8)),
                           F("def", S(p, .type = CD_INT32, .optional = true, .dflt = &seven)),
                           F("dec", decimal_schema(p, "2", NULL, true)), F("m2", map)};
    return S(p, .type = CD_STRUCT, .name = "ns.R", .has_version = true, .version = 2, .doc = "dd", .fields = fields,
             .nfields = 4);
}

#define SCHEMA                                                                                                         \
    "{\"type\":\"struct\",\"fields\":[{\"type\":\"int8\",\"optional\":false,\"field\":\"i8\"},{\"type\":\"int32\","    \
    "\"optional\":true,\"default\":7,\"field\":\"def\"},{\"type\":\"bytes\",\"optional\":true,\"name\":"               \
    "\"org.apache.kafka.connect.data.Decimal\",\"version\":1,\"parameters\":{\"scale\":\"2\"},\"field\":\"dec\"},"     \
    "{\"type\":\"map\",\"keys\":{\"type\":\"int32\",\"optional\":false},\"values\":{\"type\":\"string\",\"optional\":" \
    "false},\"optional\":false,\"field\":\"m2\"}],\"optional\":false,\"name\":\"ns.R\",\"version\":2,\"doc\":\"dd\"}"
#define PAYLOAD "{\"i8\":-1,\"def\":7,\"dec\":\"+zI=\",\"m2\":[[5,\"v\"]]}"

static void test_envelope_text(void **state)
{
    (void)state;
    fixture_t f;
    start(&f, &json_converter_plugin, NULL, 0);
    static const uint8_t dec[] = {0xFB, 0x32};
    cd_value_t pair[] = {cd_v_int(CD_INT32, 5), cd_v_str("v")};
    cd_value_t cells[] = {cd_v_int(CD_INT8, -1), CD_V_NULL, cd_v_bytes(dec, 2), cd_v_items(CD_MAP, pair, 1)};
    const cd_schema_t *s = example_schema(f.pool);
    static const char want[] = "{\"schema\":" SCHEMA ",\"payload\":" PAYLOAD "}";
    assert_string_equal(write(&f, s, cd_v_items(CD_STRUCT, cells, 4)), want);
    assert_string_equal(write(&f, s, cd_v_items(CD_STRUCT, cells, 4)), want); /* from the cache */
    assert_string_equal(write(&f, NULL, CD_V_NULL), "(null)");
    assert_string_equal(write(&f, S(f.pool, .type = CD_INT32, .optional = true), CD_V_NULL),
                        "{\"schema\":{\"type\":\"int32\",\"optional\":true},\"payload\":null}");
    assert_string_equal(write(&f, NULL, cd_v_bool(true)), "{\"schema\":null,\"payload\":true}");
    /* and back: the schema is the very same object */
    assert_string_equal(read_text(&f, want), "STRUCT Struct{i8=-1,def=7,dec=[2 bytes],m2={5=v}}");
    assert_ptr_equal(f.batch->records[f.batch->count - 1].value_schema, s);
    assert_string_equal(read_text(&f, want), "STRUCT Struct{i8=-1,def=7,dec=[2 bytes],m2={5=v}}");
    stop(&f);
}

static void test_debezium_envelope(void **state)
{
    (void)state;
    static const cd_pair_t pairs[] = {{"schemas.enable", "false"}};
    fixture_t f;
    start(&f, &json_converter_plugin, pairs, 1);
    cd_arena_t *a = &f.batch->arena;
    cd_value_t v = sample_envelope(a, "c", CD_V_NULL, sample_row(a));
    assert_string_equal(
        write(&f, envelope_schema(f.pool), v),
        "{\"before\":null,\"after\":{\"id\":1,\"name\":\"Alice\",\"email\":\"alice@example.com\",\"created_at\":"
        "1764671400123456700,\"updated_at\":null,\"amount\":\"AeJA\",\"is_active\":true},\"source\":{\"version\":"
        "\"2.4.2.Final\",\"connector\":\"sqlserver\",\"name\":\"sqlserver\",\"ts_ms\":1764671400127,\"snapshot\":"
        "\"false\","
        "\"db\":\"warehouse_source\",\"sequence\":null,\"schema\":\"dbo\",\"table\":\"customers\",\"change_lsn\":"
        "\"00000027:00000758:0003\",\"commit_lsn\":\"00000027:00000758:0005\",\"event_serial_no\":1},\"op\":\"c\",\"ts_"
        "ms\":"
        "1764671405012,\"transaction\":{\"id\":\"00000027:00000758:0005\",\"total_order\":1,\"data_collection_order\":"
        "1}}");
    stop(&f);
}

static void test_scalars_out(void **state)
{
    (void)state;
    static const cd_pair_t pairs[] = {
        {"schemas.enable", "false"}, {"decimal.format", "numeric"}, {"replace.null.with.default", "false"}};
    fixture_t f;
    start(&f, &json_converter_plugin, pairs, 3);
    static const uint8_t n150[] = {0, 0x96}, one[] = {1};
    cd_value_t seven = cd_v_int(CD_INT32, 7), none = CD_V_NULL;
    assert_string_equal(write(&f, decimal_schema(f.pool, "2", NULL, false), cd_v_bytes(n150, 2)), "1.50");
    assert_string_equal(write(&f, decimal_schema(f.pool, "7", NULL, false), cd_v_bytes(one, 1)), "1E-7");
    assert_string_equal(write(&f, decimal_schema(f.pool, "-3", NULL, false), cd_v_bytes(one, 1)), "1E+3");
    assert_string_equal(write(&f, NULL, cd_v_f64(1e20)), "1.0E20");
    assert_string_equal(write(&f, NULL, cd_v_f64(1e-4)), "1.0E-4");
    assert_string_equal(write(&f, NULL, cd_v_f64(1000000)), "1000000.0");
    assert_string_equal(write(&f, NULL, cd_v_f64(4.9e-324)), "4.9E-324");
    assert_string_equal(write(&f, NULL, cd_v_f32(16777216)), "1.6777216E7");
    assert_string_equal(write(&f, NULL, cd_v_f64(0.1)), "0.1");
    assert_string_equal(write(&f, NULL, cd_v_f64(__builtin_nan(""))), "\"NaN\"");
    assert_string_equal(write(&f, NULL, cd_v_int(CD_INT64, INT64_MIN)), "-9223372036854775808");
    assert_string_equal(write(&f, NULL, cd_v_str("a/\"\\\x01\xF0\x9F\x98\x80")), "\"a/\\\"\\\\\\u0001\\uD83D\\uDE00\"");
    const cd_schema_t *field = S(f.pool, .type = CD_INT32, .optional = true, .dflt = &seven);
    assert_string_equal(write(&f, STRUCT_OF(f.pool, NULL, false, F("a", field)), cd_v_items(CD_STRUCT, &none, 1)),
                        "{\"a\":null}");
    assert_string_equal(write(&f, S(f.pool, .type = CD_INT32), cd_v_str("x")),
                        "Invalid type for INT32: class java.lang.String");
    assert_string_equal(write(&f, S(f.pool, .type = CD_INT32), CD_V_NULL),
                        "Conversion error: null value for field that is required and has no default value");
    assert_string_equal(write(&f, S(f.pool, .type = CD_INT32, .optional = true), CD_V_NULL), "null");
    cd_value_t mixed[] = {cd_v_int(CD_INT32, 1), cd_v_str("x")};
    assert_string_equal(write(&f, NULL, cd_v_items(CD_MAP, mixed, 1)), "[[1,\"x\"]]");
    stop(&f);
}

static void test_schemaless_in(void **state)
{
    (void)state;
    static const cd_pair_t pairs[] = {{"schemas.enable", "false"}};
    static const char *const cases[][2] = {
        {"{\"a\":1,\"b\":[1.5,null,true],\"a\":2}", "- {a=2, b=[1.5, null, true]}"},
        {"007", "- 7"},
        {"18446744073709551617", "- 1"},
        {"1 trailing", "- 1"},
        {"", "- null"},
        {" \"\\u00e9\\uD83D\\uDE00\\n\" ", "- \xC3\xA9\xF0\x9F\x98\x80\n"},
        {"{\"a\":", "Converting byte[] to Kafka Connect data failed due to serialization error: "},
        {"[1,]", "Converting byte[] to Kafka Connect data failed due to serialization error: "},
        {"nul", "Converting byte[] to Kafka Connect data failed due to serialization error: "},
        {"\"\x01\"", "Converting byte[] to Kafka Connect data failed due to serialization error: "},
    };
    fixture_t f;
    start(&f, &json_converter_plugin, pairs, 1);
    for (size_t i = 0; i < COUNT(cases); i++) assert_string_equal(read_text(&f, cases[i][0]), cases[i][1]);
    assert_string_equal(read_text(&f, NULL), "- null");
    char deep[1201];
    memset(deep, '[', 1200);
    deep[1200] = '\0';
    assert_string_equal(read_text(&f, deep),
                        "Converting byte[] to Kafka Connect data failed due to serialization error: ");
    stop(&f);
}

#define ENVELOPE(schema, payload) "{\"schema\":" schema ",\"payload\":" payload "}"

static void test_values_with_schema_in(void **state)
{
    (void)state;
    static const char wrong[] =
        "JsonConverter with schemas.enable requires \"schema\" and \"payload\" fields and may not "
        "contain additional fields. If you are trying to deserialize plain JSON data, set "
        "schemas.enable=false in your converter configuration.";
    static const char *const cases[][2] = {
        {ENVELOPE("{\"type\":\"int8\"}", "300"), "INT8 44"},
        {ENVELOPE("{\"type\":\"int32\"}", "\"abc\""), "INT32 0"},
        {ENVELOPE("{\"type\":\"int32\"}", "1.9"), "INT32 1"},
        {ENVELOPE("{\"type\":\"boolean\"}", "1"), "BOOLEAN false"},
        {ENVELOPE("{\"type\":\"string\"}", "1"), "STRING null"},
        {ENVELOPE("{\"type\":\"int32\"}", "null"), "Invalid null value for required INT32 field"},
        {ENVELOPE("{\"type\":\"int32\",\"default\":9}", "null"), "INT32 9"},
        {ENVELOPE("{\"type\":\"bytes\"}", "\"a\""), "Invalid bytes field"},
        {ENVELOPE("{\"type\":\"int128\"}", "1"), "Unknown schema type: int128"},
        {ENVELOPE("{}", "1"), "Schema must contain 'type' field"},
        {ENVELOPE("{\"type\":\"array\"}", "[]"), "Array schema did not specify the element type"},
        {ENVELOPE("{\"type\":\"struct\",\"fields\":1}", "{}"), "Struct schema's \"fields\" argument is not an array."},
        {ENVELOPE("{\"type\":\"struct\",\"fields\":[{\"type\":\"int32\"}]}", "{}"),
         "Struct schema's field name not specified properly"},
        {ENVELOPE("{\"type\":\"struct\",\"fields\":[]}", "[]"),
         "Structs should be encoded as JSON objects, but found ARRAY"},
        {ENVELOPE("{\"type\":\"int32\",\"name\":\"org.apache.kafka.connect.data.Date\"}", "\"x\""),
         "Invalid type for Date, underlying representation should be integer but was STRING"},
        {ENVELOPE(
             "{\"type\":\"struct\",\"fields\":[{\"type\":\"int32\",\"field\":\"a\"},{\"type\":\"string\",\"optional\":"
             "true,\"field\":\"b\"}]}",
             "{\"x\":1,\"b\":\"y\",\"a\":3}"),
         "STRUCT Struct{a=3,b=y}"},
        {ENVELOPE("null", "{\"a\":1}"), "- {a=1}"},
        {"{\"a\":1}", wrong},
        {"{\"schema\":null,\"payload\":1,\"more\":2}", wrong},
        {"{\"payload\":1}", wrong},
        {"[]", wrong},
        {"{\"schema\":null,\"payload\":1",
         "Converting byte[] to Kafka Connect data failed due to serialization error: "},
    };
    fixture_t f;
    start(&f, &json_converter_plugin, NULL, 0);
    for (size_t i = 0; i < COUNT(cases); i++) assert_string_equal(read_text(&f, cases[i][0]), cases[i][1]);
        /* a number for a Decimal takes the schema's scale */
#define DECIMAL                                                                                                        \
    "{\"type\":\"bytes\",\"name\":\"org.apache.kafka.connect.data.Decimal\",\"parameters\":{\"scale\":\"2\"}}"
    assert_string_equal(read_text(&f, ENVELOPE(DECIMAL, "1.5")), "BYTES [2 bytes]");
    const cd_value_t *v = &f.batch->records[f.batch->count - 1].value;
    assert_true(v->bytes[0] == 0 && v->bytes[1] == 150);
    assert_string_equal(read_text(&f, ENVELOPE(DECIMAL, "1.555")),
                        "The number 1.555 does not fit a Decimal with scale 2");
    assert_string_equal(
        read_text(&f, ENVELOPE(DECIMAL, "true")),
        "Invalid type for Decimal, underlying representation should be numeric or bytes but was BOOLEAN");
    stop(&f);
}

static void test_plain_converters(void **state)
{
    (void)state;
    fixture_t f;
    start(&f, &string_converter_plugin, NULL, 0);
    cd_value_t cells[] = {cd_v_int(CD_INT32, 1), cd_v_str("x")};
    const cd_schema_t *s =
        STRUCT_OF(f.pool, NULL, false, F("a", S(f.pool, .type = CD_INT32)), F("b", S(f.pool, .type = CD_STRING)));
    assert_string_equal(write(&f, NULL, cd_v_str("hi")), "hi");
    assert_string_equal(write(&f, NULL, cd_v_f64(1.5)), "1.5");
    assert_string_equal(write(&f, s, cd_v_items(CD_STRUCT, cells, 2)), "Struct{a=1,b=x}");
    assert_string_equal(
        write(&f, named_schema(f.pool, CD_INT64, CD_NAME_TIMESTAMP, false), cd_v_int(CD_INT64, INT64_C(1700000000123))),
        "Tue Nov 14 22:13:20 UTC 2023");
    assert_string_equal(write(&f, NULL, CD_V_NULL), "(null)");
    assert_string_equal(read_text(&f, "a\xFF"), "STRING a\xEF\xBF\xBD");
    stop(&f);

    start(&f, &bytes_converter_plugin, NULL, 0);
    assert_string_equal(write(&f, S(f.pool, .type = CD_STRING), cd_v_str("x")),
                        "Invalid schema type for ByteArrayConverter: STRING");
    assert_string_equal(write(&f, NULL, cd_v_str("x")),
                        "ByteArrayConverter is not compatible with objects of type class java.lang.String");
    stop(&f);

    start(&f, &integer_converter_plugin, NULL, 0);
    assert_string_equal(read_text(&f, "\x01\x01\x01\x01"), "INT32 16843009");
    assert_string_equal(read_text(&f, "abc"), "Failed to deserialize integer: ");
    assert_string_equal(write(&f, NULL, cd_v_int(CD_INT32, 0x41424344)), "ABCD");
    stop(&f);

    start(&f, &double_converter_plugin, NULL, 0);
    assert_string_equal(write(&f, NULL, cd_v_str("x")), "class java.lang.String cannot be written as double");
    (void)write(&f, NULL, cd_v_f64(1.5));
    cd_bytes_t raw = f.batch->records[f.batch->count - 1].raw_value;
    assert_int_equal(raw.len, 8);
    assert_true(raw.ptr[0] == 0x3F && raw.ptr[1] == 0xF8);
    stop(&f);
}

static void test_simple_headers(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"", "STRING "},
        {"null", "- null"},
        {" true ", "BOOLEAN true"},
        {"True", "STRING True"},
        {"128", "INT16 128"},
        {"1.0", "INT8 1"},
        {"1e3", "INT16 1000"},
        {"+5", "INT8 5"},
        {"00012", "INT8 12"},
        {"1.5", "FLOAT32 1.5"},
        {"1e300", "FLOAT64 1.0E300"},
        {"18446744073709551616", "BYTES [9 bytes]"},
        {"2020-01-02", "INT32 18263"},
        {"2020-13-45", "INT32 18672"},
        {"12:00:00.000Z", "INT32 43200000"},
        {"2023-11-14T22:13:20.123Z", "INT64 1700000000123"},
        {"[1,300,1.5]", "ARRAY [1.0, 300.0, 1.5]"},
        {"[1,\"x\"]", "ARRAY [1, x]"},
        {"[]", "ARRAY []"},
        {"{\"a\":1}", "MAP {a=1}"},
        {"{a:1}", "STRING {a:1}"},
        {"[1", "STRING [1"},
        {"NaN", "STRING NaN"},
        {"0x10", "STRING 0x10"},
        {"3 apples", "STRING 3 apples"},
        {"1,2", "INT8 1"},
    };
    cd_schema_pool_t *pool = schema_pool_new();
    cd_batch_t *batch = batch_new(pool);
    const cd_header_converter_ops_t *ops = simple_header_converter_plugin.ops;
    cd_ctx_t ctx = {0};
    void *c = NULL;
    cd_err_t *err = NULL;
    assert_null(ops->configure(&ctx, &(cd_config_t){0}, &c));
    for (size_t i = 0; i < COUNT(cases); i++) {
        strbuf_t b = {0};
        cd_header_t h = {.key = "h", .raw = {(const uint8_t *)cases[i][0], (uint32_t)strlen(cases[i][0])}};
        cd_record_t *r = cd_batch_add(batch);
        r->headers = &h;
        r->nheaders = 1;
        uint32_t at = batch->count - 1;
        assert_int_equal(ops->decode(c, batch, at, at + 1, &err), at + 1);
        strbuf_addf(&b, "%s ", h.schema != NULL ? schema_type_name(h.schema->type) : "-");
        value_text(h.schema, &h.value, &b);
        assert_string_equal(strbuf_str(&b), cases[i][1]);
        strbuf_done(&b);
        r->nheaders = 0;
    }
    cd_value_t pair[] = {cd_v_str("k\""), cd_v_int(CD_INT32, 1)};
    const cd_schema_t *date = named_schema(pool, CD_INT32, CD_NAME_DATE, false);
    cd_header_t out[] = {{.key = "a", .value = cd_v_items(CD_MAP, pair, 1)},
                         {.key = "b", .schema = date, .value = cd_v_int(CD_INT32, 18263)},
                         {.key = "c", .value = CD_V_NULL},
                         {.key = "d", .raw_valid = true, .raw = {(const uint8_t *)"kept", 4}}};
    cd_record_t *r = cd_batch_add(batch);
    r->headers = out;
    r->nheaders = 4;
    assert_int_equal(ops->encode(c, batch, batch->count - 1, batch->count, &err), batch->count);
    assert_memory_equal(out[0].raw.ptr, "{\"k\\\"\":1}", out[0].raw.len);
    assert_memory_equal(out[1].raw.ptr, "2020-01-02", out[1].raw.len);
    assert_null(out[2].raw.ptr);
    assert_memory_equal(out[3].raw.ptr, "kept", 4);
    ops->close(c);
    batch_unref(batch);
    schema_pool_free(pool);
}

static void test_plugin_tables(void **state)
{
    (void)state;
    for (const cd_plugin_t *const *p = cd_builtin_converters; *p != NULL; p++) {
        assert_int_equal((*p)->magic, CD_PLUGIN_MAGIC);
        for (const cd_key_t *k = (*p)->keys; k->name != NULL; k++) assert_true(k->doc != NULL && k->doc[0] != '\0');
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_envelope_text),         cmocka_unit_test(test_debezium_envelope),
        cmocka_unit_test(test_scalars_out),           cmocka_unit_test(test_schemaless_in),
        cmocka_unit_test(test_values_with_schema_in), cmocka_unit_test(test_plain_converters),
        cmocka_unit_test(test_simple_headers),        cmocka_unit_test(test_plugin_tables),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
