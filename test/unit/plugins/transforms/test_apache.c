/* The Apache transforms: one record in, the text of the result (or of the error) out. */
#include "plugins/transforms/transforms.h"

#include "test/unit/plugins/fake_host.h"
#include "test/unit/plugins/schema_build.h"

typedef struct fixture {
    cd_ctx_t ctx;
    cd_schema_pool_t *pool;
    cd_batch_t *batch;
    strbuf_t text;
    cd_record_t record; /* what goes in, and what came out */
} fixture_t;

static int setup(void **state)
{
    fixture_t *f = calloc(1, sizeof(*f));
    f->pool = schema_pool_new();
    f->batch = batch_new(f->pool);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    fixture_t *f = *state;
    batch_unref(f->batch);
    schema_pool_free(f->pool);
    strbuf_done(&f->text);
    free(f);
    return 0;
}

static void put_part(fixture_t *f, const cd_schema_t *s, const cd_value_t *v)
{
    if (s == NULL) {
        strbuf_adds(&f->text, "- ");
    } else {
        strbuf_addf(&f->text, "%s%s%s%s ", schema_type_name(s->type), s->optional ? "?" : "",
                    s->name != NULL ? " " : "", s->name != NULL ? s->name : "");
    }
    value_text(s, v, &f->text);
}

/** Configure with up to four settings, apply to f->record, and tell what the value (or key) became. */
static const char *run(fixture_t *f, const cd_plugin_t *plugin, const cd_pair_t *pairs, uint32_t n, bool key)
{
    const cd_transform_ops_t *ops = plugin->ops;
    void *t = NULL;
    strbuf_clear(&f->text);
    cd_err_t *err = ops->configure(&f->ctx, &(cd_config_t){.n = n, .pairs = pairs}, &t);
    if (err == NULL) {
        cd_record_t *r = cd_batch_add(f->batch);
        uint32_t at = f->batch->count - 1;
        *r = f->record;
        if (r->topic == NULL) r->topic = "topic";
        uint32_t stop = ops->apply(t, f->batch, at, at + 1, &err);
        assert_int_equal(stop, err == NULL ? at + 1 : at);
        f->record = f->batch->records[at];
        ops->close(t);
    }
    if (err != NULL) {
        strbuf_adds(&f->text, err->message);
        cd_err_free(err);
    } else {
        put_part(f, key ? f->record.key_schema : f->record.value_schema, key ? &f->record.key : &f->record.value);
    }
    return strbuf_str(&f->text);
}

static void give(fixture_t *f, const cd_schema_t *schema, cd_value_t value)
{
    f->record = (cd_record_t){.value_schema = schema,
                              .value = value,
                              .timestamp = INT64_C(1700000000123),
                              .partition = 3,
                              .kafka_offset = 9,
                              .orig_topic = "topic"};
}

#define RUN(plugin, ...)                                                                                               \
    run(f, &plugin, (const cd_pair_t[]){__VA_ARGS__}, COUNT(((const cd_pair_t[]){__VA_ARGS__})), false)

static const cd_schema_t *prim(fixture_t *f, uint8_t type)
{
    return schema_primitive(f->pool, type, false);
}

static void test_cast(void **state)
{
    fixture_t *f = *state;
    static const struct {
        const char *spec;
        cd_value_t in;
        const char *want;
    } cases[] = {
        {"int8", {.type = CD_INT32, .i64 = 300}, "INT8 44"},
        {"int8", {.type = CD_FLOAT64, .f64 = 300.7}, "INT8 44"},
        {"INT32", {.type = CD_FLOAT64, .f64 = 1e20}, "INT32 2147483647"},
        {"string", {.type = CD_FLOAT64, .f64 = 1e20}, "STRING 1.0E20"},
        {"boolean", {.type = CD_INT32, .i64 = 2}, "BOOLEAN true"},
        {"int64", {.type = CD_BOOLEAN, .i64 = 1}, "INT64 1"},
        {"bytes",
         {.type = CD_INT32, .i64 = 1},
         "Cast transformation does not support casting to BYTES; supported types are [INT8, INT16, INT32, INT64, "
         "FLOAT32, "
         "FLOAT64, BOOLEAN, STRING]"},
        {"int32x",
         {.type = CD_INT32, .i64 = 1},
         "Invalid value java.lang.IllegalArgumentException: No enum constant "
         "org.apache.kafka.connect.data.Schema.Type.INT32X for configuration Invalid type found in casting spec: "
         "int32x"},
        {"int8,int16",
         {.type = CD_INT32, .i64 = 1},
         "Cast transformations that specify a type to cast the entire value to may only specify a single cast in their "
         "spec"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        give(f, prim(f, cases[i].in.type), cases[i].in);
        assert_string_equal(RUN(cast_value_plugin, {"spec", cases[i].spec}), cases[i].want);
    }
    give(f, prim(f, CD_STRING), cd_v_str("300"));
    assert_string_equal(RUN(cast_value_plugin, {"spec", "int8"}),
                        "Value (300) was out of range for requested data type");
    give(f, named_schema(f->pool, CD_INT32, CD_NAME_DATE, false), cd_v_int(CD_INT32, 18263));
    assert_string_equal(RUN(cast_value_plugin, {"spec", "string"}), "STRING 2020-01-02");
    cd_value_t seven = cd_v_int(CD_INT32, 7);
    const cd_schema_t *a = S(f->pool, .type = CD_INT32, .optional = true, .name = "n.A", .doc = "d", .dflt = &seven);
    cd_value_t cells[] = {cd_v_int(CD_INT32, 5), cd_v_str("x")};
    give(f, STRUCT_OF(f->pool, "ns.R", false, F("a", a), F("b", prim(f, CD_STRING))), cd_v_items(CD_STRUCT, cells, 2));
    assert_string_equal(RUN(cast_value_plugin, {"spec", "a:string,zz:int8"}), "STRUCT ns.R Struct{a=5,b=x}");
    const cd_schema_t *got = f->record.value_schema->fields[0].schema;
    assert_true(got->type == CD_STRING && got->optional && got->name == NULL && cd_v_is_str(got->dflt, "7"));
    give(f, a, CD_V_NULL);
    assert_string_equal(RUN(cast_value_plugin, {"spec", "int8"}), "INT32? n.A null");
}

static void test_extract_and_hoist(void **state)
{
    fixture_t *f = *state;
    cd_value_t inner[] = {cd_v_int(CD_INT32, 1)}, outer[] = {cd_v_items(CD_STRUCT, inner, 1)};
    const cd_schema_t *in = STRUCT_OF(f->pool, NULL, false, F("c", prim(f, CD_INT32)));
    const cd_schema_t *s = STRUCT_OF(f->pool, "ns.R", false, F("a.b", in));
    give(f, s, cd_v_items(CD_STRUCT, outer, 1));
    assert_string_equal(RUN(extract_field_value_plugin, {"field", "zz"}), "Unknown field: zz");
    give(f, s, cd_v_items(CD_STRUCT, outer, 1));
    assert_string_equal(RUN(extract_field_value_plugin, {"field", "`a.b`.c"}, {"field.syntax.version", "V2"}),
                        "INT32 1");
    assert_string_equal(RUN(hoist_field_value_plugin, {"field", "x"}), "STRUCT Struct{x=1}");
    give(f, s, CD_V_NULL);
    assert_string_equal(RUN(extract_field_value_plugin, {"field", "a.b"}), "STRUCT null");
    assert_string_equal(
        RUN(extract_field_value_plugin, {"field", "`a.b"}, {"field.syntax.version", "V2"}),
        "Incomplete backtick pair in path: [`a.b], consider adding a backslash before backtick at position "
        "0 to escape it");
    cd_value_t pair[] = {cd_v_str("a"), cd_v_int(CD_INT64, 1)};
    give(f, NULL, cd_v_items(CD_MAP, pair, 1));
    assert_string_equal(RUN(extract_field_value_plugin, {"field", "zz"}), "- null");
    assert_string_equal(RUN(hoist_field_value_plugin, {"field", "x"}), "- {x=null}");
}

static void test_flatten(void **state)
{
    fixture_t *f = *state;
    const cd_schema_t *in = STRUCT_OF(f->pool, "ns.I", true, F("b", prim(f, CD_INT32)));
    const cd_schema_t *s = STRUCT_OF(f->pool, "ns.R", false, F("a", in), F("z", prim(f, CD_STRING)));
    cd_value_t inner[] = {cd_v_int(CD_INT32, 1)}, outer[] = {cd_v_items(CD_STRUCT, inner, 1), cd_v_str("x")};
    give(f, s, cd_v_items(CD_STRUCT, outer, 2));
    assert_string_equal(RUN(flatten_value_plugin, {"delimiter", "_"}), "STRUCT ns.R Struct{a_b=1,z=x}");
    assert_true(f->record.value_schema->fields[0].schema->optional);
    outer[0] = CD_V_NULL;
    give(f, s, cd_v_items(CD_STRUCT, outer, 2));
    assert_string_equal(RUN(flatten_value_plugin, {"delimiter", "_"}), "STRUCT ns.R Struct{z=x}");
    const cd_schema_t *map =
        S(f->pool, .type = CD_MAP, .key_schema = prim(f, CD_STRING), .value_schema = prim(f, CD_INT32));
    give(f, STRUCT_OF(f->pool, NULL, false, F("m", map)), cd_v_items(CD_STRUCT, outer, 1));
    assert_string_equal(run(f, &flatten_value_plugin, NULL, 0, false),
                        "Flatten transformation does not support MAP for record with schemas (for field m).");
    cd_value_t deep[] = {cd_v_str("b"), cd_v_int(CD_INT64, 1)}, top[] = {cd_v_str("a"), cd_v_items(CD_MAP, deep, 1)};
    give(f, NULL, cd_v_items(CD_MAP, top, 1));
    assert_string_equal(run(f, &flatten_value_plugin, NULL, 0, false), "- {a.b=1}");
}

static void test_insert_field(void **state)
{
    fixture_t *f = *state;
    cd_value_t cells[] = {cd_v_int(CD_INT32, 1)};
    const cd_schema_t *s = STRUCT_OF(f->pool, "ns.R", true, F("a", prim(f, CD_INT32)));
    give(f, s, cd_v_items(CD_STRUCT, cells, 1));
    assert_string_equal(RUN(insert_field_value_plugin, {"static.field", "s"}, {"static.value", "v"},
                            {"topic.field", "t!"}, {"partition.field", "p"}, {"offset.field", "o?"},
                            {"timestamp.field", "ts"}),
                        "STRUCT ns.R Struct{a=1,t=topic,p=3,o=9,ts=1700000000123,s=v}");
    assert_false(f->record.value_schema->fields[1].schema->optional);
    assert_true(f->record.value_schema->fields[2].schema->optional);
    give(f, s, cd_v_items(CD_STRUCT, cells, 1));
    assert_string_equal(RUN(insert_field_value_plugin, {"topic.field", "a"}),
                        "Cannot create field because of field name duplication a");
    give(f, s, CD_V_NULL);
    assert_string_equal(RUN(insert_field_value_plugin, {"topic.field", "t"}), "STRUCT? ns.R null");
    give(f, s, cd_v_items(CD_STRUCT, cells, 1));
    f->record.orig_topic = NULL;
    assert_string_equal(RUN(insert_field_value_plugin, {"offset.field", "o"}),
                        "Only SinkRecord supported for [field insertion], found: "
                        "org.apache.kafka.connect.source.SourceRecord");
    assert_string_equal(run(f, &insert_field_value_plugin, NULL, 0, false), "No field insertion configured");
    give(f, prim(f, CD_STRING), cd_v_str("x"));
    assert_string_equal(RUN(insert_field_value_plugin, {"topic.field", "t"}),
                        "Only Struct objects supported for [field insertion], found: java.lang.String");
}

static void test_replace_field(void **state)
{
    fixture_t *f = *state;
    cd_value_t cells[] = {cd_v_int(CD_INT32, 1), cd_v_int(CD_INT32, 2), cd_v_int(CD_INT32, 3)};
    const cd_schema_t *i = prim(f, CD_INT32);
    const cd_schema_t *s = STRUCT_OF(f->pool, "ns.R", true, F("a", i), F("b", i), F("c", i));
    give(f, s, cd_v_items(CD_STRUCT, cells, 3));
    assert_string_equal(RUN(replace_field_value_plugin, {"exclude", "b"}, {"include", "a,b"}, {"renames", "a:x"}),
                        "STRUCT ns.R Struct{x=1}");
    give(f, s, cd_v_items(CD_STRUCT, cells, 3));
    assert_string_equal(RUN(replace_field_value_plugin, {"blacklist", "b"}), "STRUCT ns.R Struct{a=1,c=3}");
    give(f, s, cd_v_items(CD_STRUCT, cells, 3));
    assert_string_equal(RUN(replace_field_value_plugin, {"renames", "a:b"}),
                        "Cannot create field because of field name duplication b");
    assert_non_null(strstr(RUN(replace_field_value_plugin, {"renames", "a"}), "Invalid rename mapping: a"));
    cd_value_t pairs[] = {cd_v_str("a"), cd_v_int(CD_INT64, 1), cd_v_str("b"), cd_v_int(CD_INT64, 2)};
    give(f, NULL, cd_v_items(CD_MAP, pairs, 2));
    assert_string_equal(RUN(replace_field_value_plugin, {"exclude", "b"}, {"renames", "a:x"}), "- {x=1}");
}

static void test_mask_field(void **state)
{
    fixture_t *f = *state;
    static const uint8_t raw[] = {1, 2};
    cd_value_t cells[] = {cd_v_str("secret"), cd_v_int(CD_INT32, 5), cd_v_bytes(raw, 2)};
    const cd_schema_t *s = STRUCT_OF(f->pool, "ns.R", false, F("a", prim(f, CD_STRING)), F("b", prim(f, CD_INT32)),
                                     F("c", prim(f, CD_BYTES)));
    give(f, s, cd_v_items(CD_STRUCT, cells, 3));
    assert_string_equal(RUN(mask_field_value_plugin, {"fields", "a,b"}), "STRUCT ns.R Struct{a=,b=0,c=[2 bytes]}");
    give(f, s, cd_v_items(CD_STRUCT, cells, 3));
    assert_string_equal(RUN(mask_field_value_plugin, {"fields", "a,b"}, {"replacement", "12.9"}),
                        "STRUCT ns.R Struct{a=12.9,b=12,c=[2 bytes]}");
    give(f, s, cd_v_items(CD_STRUCT, cells, 3));
    assert_string_equal(RUN(mask_field_value_plugin, {"fields", "b"}, {"replacement", "***"}),
                        "Unable to convert *** (class java.lang.String) to a number");
    give(f, s, cd_v_items(CD_STRUCT, cells, 3));
    assert_string_equal(RUN(mask_field_value_plugin, {"fields", "c"}), "Cannot mask value of type: class [B");
    give(f, NULL, CD_V_NULL);
    assert_string_equal(RUN(mask_field_value_plugin, {"fields", "c"}),
                        "Only Map objects supported in absence of schema for [mask fields], found: null");
}

static void test_keys_and_metadata(void **state)
{
    fixture_t *f = *state;
    cd_value_t cells[] = {cd_v_int(CD_INT32, 1), cd_v_str("x")};
    const cd_schema_t *s = STRUCT_OF(f->pool, "ns.R", true, F("a", prim(f, CD_INT32)), F("b", prim(f, CD_STRING)));
    static const cd_pair_t fields[] = {{"fields", "b,a"}}, unknown[] = {{"fields", "zz"}};
    give(f, s, cd_v_items(CD_STRUCT, cells, 2));
    assert_string_equal(run(f, &value_to_key_plugin, fields, 1, true), "STRUCT Struct{b=x,a=1}");
    give(f, s, cd_v_items(CD_STRUCT, cells, 2));
    assert_string_equal(run(f, &value_to_key_plugin, unknown, 1, true), "Field does not exist: zz");
    give(f, s, cd_v_items(CD_STRUCT, cells, 2));
    assert_string_equal(RUN(set_schema_metadata_value_plugin, {"schema.name", "n.X"}, {"schema.version", "3"}),
                        "STRUCT? n.X Struct{a=1,b=x}");
    assert_int_equal(f->record.value_schema->version, 3);
    give(f, prim(f, CD_STRING), cd_v_str("x"));
    assert_string_equal(RUN(set_schema_metadata_value_plugin, {"schema.version", "3"}),
                        "Cannot list fields on non-struct type");
    assert_string_equal(run(f, &set_schema_metadata_value_plugin, NULL, 0, false),
                        "Neither schema name nor version configured");
    give(f, NULL, cd_v_str("x"));
    assert_string_equal(RUN(set_schema_metadata_value_plugin, {"schema.version", "3"}),
                        "Schema required for [updating schema metadata]");
}

static void test_headers(void **state)
{
    fixture_t *f = *state;
    cd_value_t cells[] = {cd_v_int(CD_INT32, 1), cd_v_str("x")};
    const cd_schema_t *s = STRUCT_OF(f->pool, "ns.R", true, F("a", prim(f, CD_INT32)), F("b", prim(f, CD_STRING)));
    give(f, s, cd_v_items(CD_STRUCT, cells, 2));
    assert_string_equal(RUN(header_from_value_plugin, {"fields", "b"}, {"headers", "h"}, {"operation", "move"}),
                        "STRUCT ns.R Struct{a=1}");
    (void)RUN(insert_header_plugin, {"header", "n"}, {"value.literal", "123"});
    assert_int_equal(f->record.nheaders, 2);
    assert_true(cd_v_is_str(&f->record.headers[0].value, "x"));
    assert_int_equal(f->record.headers[1].schema->type, CD_INT8);
    (void)RUN(drop_headers_plugin, {"headers", "h,zz"});
    assert_int_equal(f->record.nheaders, 1);
    assert_string_equal(f->record.headers[0].key, "n");
    assert_string_equal(RUN(header_from_value_plugin, {"fields", "a,b"}, {"headers", "h"}, {"operation", "copy"}),
                        "'fields' config must have the same number of elements as 'headers' config.");
    give(f, s, cd_v_items(CD_STRUCT, cells, 2));
    assert_string_equal(RUN(header_from_value_plugin, {"fields", "zz"}, {"headers", "h"}, {"operation", "copy"}),
                        "Unknown field: zz");
}

static void test_timestamps(void **state)
{
    fixture_t *f = *state;
    const cd_schema_t *stamp = named_schema(f->pool, CD_INT64, CD_NAME_TIMESTAMP, true);
    const cd_schema_t *s = STRUCT_OF(f->pool, "ns.R", true, F("t", stamp));
    cd_value_t cell = cd_v_int(CD_INT64, INT64_C(1700000000123));
    static const char *const wants[][3] = {
        {"string", "yyyy-MM-dd'T'HH:mm:ss.SSS'Z'", "STRUCT? ns.R Struct{t=2023-11-14T22:13:20.123Z}"},
        {"string", "EEE d MMMM yy, h:mm a", "STRUCT? ns.R Struct{t=Tue 14 November 23, 10:13 PM}"},
        {"Date", "", "STRUCT? ns.R Struct{t=19675}"},
        {"Time", "", "STRUCT? ns.R Struct{t=80000123}"},
        {"unix", "", "STRUCT? ns.R Struct{t=1700000000123}"},
    };
    for (size_t i = 0; i < COUNT(wants); i++) {
        give(f, s, cd_v_items(CD_STRUCT, &cell, 1));
        assert_string_equal(RUN(timestamp_converter_value_plugin, {"field", "t"}, {"target.type", wants[i][0]},
                                {"format", wants[i][1]}),
                            wants[i][2]);
        assert_true(f->record.value_schema->fields[0].schema->optional);
    }
    give(f, s, cd_v_items(CD_STRUCT, &cell, 1));
    assert_string_equal(
        RUN(timestamp_converter_value_plugin, {"field", "t"}, {"target.type", "unix"}, {"unix.precision", "seconds"}),
        "STRUCT? ns.R Struct{t=1700000000}");
    give(f, s, cd_v_items(CD_STRUCT, &cell, 1));
    assert_string_equal(RUN(timestamp_converter_value_plugin, {"field", "zz"}, {"target.type", "Date"}),
                        "STRUCT? ns.R Struct{t=1700000000123}");
    give(f, prim(f, CD_STRING), cd_v_str("2023-11-14 22:13 and more"));
    assert_string_equal(
        RUN(timestamp_converter_value_plugin, {"target.type", "Timestamp"}, {"format", "yyyy-MM-dd HH:mm"}),
        "INT64 org.apache.kafka.connect.data.Timestamp 1699999980000");
    give(f, prim(f, CD_STRING), cd_v_str("xx"));
    assert_string_equal(RUN(timestamp_converter_value_plugin, {"target.type", "Date"}, {"format", "yyyy-MM-dd"}),
                        "Could not parse timestamp: value (xx) does not match pattern (yyyy-MM-dd)");
    give(f, prim(f, CD_INT32), cd_v_int(CD_INT32, 1));
    assert_string_equal(RUN(timestamp_converter_value_plugin, {"target.type", "Date"}),
                        "Schema Schema{INT32} does not correspond to a known timestamp type format");
    assert_string_equal(RUN(timestamp_converter_value_plugin, {"target.type", "string"}),
                        "TimestampConverter requires format option to be specified when using string timestamps");
    assert_string_equal(
        RUN(timestamp_converter_value_plugin, {"target.type", "timestamp"}),
        "Invalid value timestamp for configuration target.type: String must be one of: string, unix, Date, "
        "Time, Timestamp");
    give(f, NULL, CD_V_NULL);
    (void)run(f, &timestamp_router_plugin, NULL, 0, false);
    assert_string_equal(f->record.topic, "topic-20231114");
    f->record.timestamp = CD_NO_TIMESTAMP;
    assert_non_null(strstr(run(f, &timestamp_router_plugin, NULL, 0, false), "Timestamp missing on record: "));
}

static void test_filter_and_tables(void **state)
{
    fixture_t *f = *state;
    give(f, NULL, cd_v_str("x"));
    (void)run(f, &filter_plugin, NULL, 0, false);
    assert_true((f->record.flags & CD_REC_DROPPED) != 0);
    for (const cd_plugin_t *const *p = cd_builtin_transforms; *p != NULL; p++) {
        assert_int_equal((*p)->kind, CD_KIND_TRANSFORM);
        for (const cd_key_t *k = (*p)->keys; k->name != NULL; k++) assert_true(k->doc != NULL && k->doc[0] != '\0');
    }
    for (const cd_plugin_t *const *p = cd_builtin_predicates; *p != NULL; p++)
        assert_int_equal((*p)->kind, CD_KIND_PREDICATE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_cast, setup, teardown),
        cmocka_unit_test_setup_teardown(test_extract_and_hoist, setup, teardown),
        cmocka_unit_test_setup_teardown(test_flatten, setup, teardown),
        cmocka_unit_test_setup_teardown(test_insert_field, setup, teardown),
        cmocka_unit_test_setup_teardown(test_replace_field, setup, teardown),
        cmocka_unit_test_setup_teardown(test_mask_field, setup, teardown),
        cmocka_unit_test_setup_teardown(test_keys_and_metadata, setup, teardown),
        cmocka_unit_test_setup_teardown(test_headers, setup, teardown),
        cmocka_unit_test_setup_teardown(test_timestamps, setup, teardown),
        cmocka_unit_test_setup_teardown(test_filter_and_tables, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
