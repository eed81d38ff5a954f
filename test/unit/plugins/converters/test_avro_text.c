#include "plugins/converters/avro_text.h"

#include "test/unit/plugins/fake_host.h"
#include "test/unit/plugins/schema_build.h"

static const avro_options_t plain = {.meta_data = true, .flatten_singletons = true};

static void expect_text_with(cd_schema_pool_t *pool, const avro_options_t *o, const cd_schema_t *s, const char *want)
{
    strbuf_t out = {0};
    cd_err_t *err = avro_text_write(s, o, pool, &out);
    avro_schema_t *parsed = NULL;
    /* what the writer lets through, the parser may still refuse, as in the converter */
    if (err == NULL) err = avro_schema_parse(strbuf_str(&out), NULL, 0, &parsed);
    assert_string_equal(err != NULL ? err->message : strbuf_str(&out), want);
    avro_schema_free(parsed);
    cd_err_free(err);
    strbuf_done(&out);
}

static void expect_text(cd_schema_pool_t *pool, const cd_schema_t *s, const char *want)
{
    expect_text_with(pool, &plain, s, want);
}

#define RECORD(fields)                                                                                                 \
    "{\"type\":\"record\",\"name\":\"R\",\"namespace\":\"ns\",\"fields\":[" fields "],\"connect.name\":\"ns.R\"}"

static void expect_field(cd_schema_pool_t *pool, const cd_schema_t *f, const char *want)
{
    char text[1000];
    assert_true(snprintf(text, sizeof(text), RECORD("%s"), want) < (int)sizeof(text));
    expect_text(pool, STRUCT_OF(pool, "ns.R", false, F("f", f)), text);
}

static void test_primitives(void **state)
{
    cd_schema_pool_t *p = *state;
    expect_text(p, S(p, .type = CD_INT8), "{\"type\":\"int\",\"connect.type\":\"int8\"}");
    expect_text(p, S(p, .type = CD_INT8, .optional = true), "[\"null\",{\"type\":\"int\",\"connect.type\":\"int8\"}]");
    expect_text(p, S(p, .type = CD_INT32), "\"int\"");
    expect_text(p, named_schema(p, CD_INT64, CD_NAME_TIMESTAMP, false),
                "{\"type\":\"long\",\"connect.version\":1,\"connect.name\":\"org.apache.kafka.connect.data.Timestamp\","
                "\"logicalType\":\"timestamp-millis\"}");
    expect_text(p, named_schema(p, CD_INT64, "io.debezium.time.MicroTimestamp", false),
                "{\"type\":\"long\",\"connect.version\":1,\"connect.name\":\"io.debezium.time.MicroTimestamp\"}");
}

static void test_fields_and_defaults(void **state)
{
    cd_schema_pool_t *p = *state;
    cd_value_t five = cd_v_int(CD_INT32, 5), seven = cd_v_int(CD_INT16, 7), f = cd_v_f32(1.1f);
    static const uint8_t raw[] = {0xFF, 0x00, 0x41};
    cd_value_t bytes = cd_v_bytes(raw, 3);
    cd_param_t pq[] = {{"p", "q"}};
    expect_field(p, S(p, .type = CD_INT32, .optional = true),
                 "{\"name\":\"f\",\"type\":[\"null\",\"int\"],\"default\":null}");
    expect_field(p, S(p, .type = CD_INT32, .optional = true, .dflt = &five),
                 "{\"name\":\"f\",\"type\":[{\"type\":\"int\",\"connect.default\":5},\"null\"],\"default\":5}");
    expect_field(p, S(p, .type = CD_INT32, .dflt = &five),
                 "{\"name\":\"f\",\"type\":{\"type\":\"int\",\"connect.default\":5},\"default\":5}");
    expect_field(p,
                 S(p, .type = CD_INT16, .doc = "d", .has_version = true, .version = 3, .name = "n.x", .params = pq,
                   .nparams = 1, .dflt = &seven),
                 "{\"name\":\"f\",\"type\":{\"type\":\"int\",\"connect.doc\":\"d\",\"connect.version\":3,"
                 "\"connect.parameters\":{\"p\":\"q\"},\"connect.default\":7,\"connect.name\":\"n.x\","
                 "\"connect.type\":\"int16\"},\"default\":7}");
    expect_field(
        p, S(p, .type = CD_BYTES, .dflt = &bytes),
        "{\"name\":\"f\",\"type\":{\"type\":\"bytes\",\"connect.default\":\"ÿ\\u0000A\"},\"default\":\"ÿ\\u0000A\"}");
    expect_field(
        p, S(p, .type = CD_FLOAT32, .dflt = &f),
        "{\"name\":\"f\",\"type\":{\"type\":\"float\",\"connect.default\":1.1},\"default\":1.100000023841858}");
    expect_field(p, decimal_schema(p, "2", "10", true),
                 "{\"name\":\"f\",\"type\":[\"null\",{\"type\":\"bytes\",\"scale\":2,\"precision\":10,"
                 "\"connect.version\":1,\"connect.parameters\":{\"scale\":\"2\",\"connect.decimal.precision\":\"10\"},"
                 "\"connect.name\":\"org.apache.kafka.connect.data.Decimal\",\"logicalType\":\"decimal\"}],"
                 "\"default\":null}");
    expect_text(p, decimal_schema(p, "2", NULL, false),
                "{\"type\":\"bytes\",\"scale\":2,\"precision\":64,\"connect.version\":1,\"connect.parameters\":"
                "{\"scale\":\"2\"},\"connect.name\":\"org.apache.kafka.connect.data.Decimal\","
                "\"logicalType\":\"decimal\"}");
}

static void test_maps(void **state)
{
    cd_schema_pool_t *p = *state;
    const cd_schema_t *i = S(p, .type = CD_INT32), *s = S(p, .type = CD_STRING);
    const cd_schema_t *os = S(p, .type = CD_STRING, .optional = true);
    expect_text(p, S(p, .type = CD_MAP, .optional = true, .key_schema = i, .value_schema = s),
                "[\"null\",{\"type\":\"array\",\"items\":{\"type\":\"record\",\"name\":\"MapEntry\",\"namespace\":"
                "\"io.confluent.connect.avro\",\"fields\":[{\"name\":\"key\",\"type\":\"int\"},{\"name\":\"value\","
                "\"type\":\"string\"}]}}]");
    expect_text(p, S(p, .type = CD_MAP, .name = "x.y.Foo", .key_schema = i, .value_schema = s),
                "{\"type\":\"array\",\"items\":{\"type\":\"record\",\"name\":\"Foo\",\"namespace\":\"x.y\",\"fields\":"
                "[{\"name\":\"key\",\"type\":\"int\"},{\"name\":\"value\",\"type\":\"string\"}],"
                "\"connect.internal.type\":\"MapEntry\"},\"connect.name\":\"x.y.Foo\"}");
    expect_text(p, S(p, .type = CD_MAP, .key_schema = s, .value_schema = i), "{\"type\":\"map\",\"values\":\"int\"}");
    avro_options_t keys = plain;
    keys.optional_map_keys = true;
    expect_text_with(p, &keys, S(p, .type = CD_MAP, .key_schema = os, .value_schema = i),
                     "{\"type\":\"map\",\"values\":\"int\"}");
}

static void test_names(void **state)
{
    cd_schema_pool_t *p = *state;
    const cd_schema_t *i = S(p, .type = CD_INT32);
    const cd_schema_t *inner = STRUCT_OF(p, NULL, false, F("b", i));
    const cd_schema_t *other = STRUCT_OF(p, NULL, false, F("c", i));
    expect_text(p, STRUCT_OF(p, NULL, false, F("a", inner), F("d", other)),
                "{\"type\":\"record\",\"name\":\"ConnectDefault\",\"namespace\":\"io.confluent.connect.avro\","
                "\"fields\":[{\"name\":\"a\",\"type\":{\"type\":\"record\",\"name\":\"ConnectDefault2\",\"fields\":"
                "[{\"name\":\"b\",\"type\":\"int\"}]}},{\"name\":\"d\",\"type\":{\"type\":\"record\",\"name\":"
                "\"ConnectDefault3\",\"fields\":[{\"name\":\"c\",\"type\":\"int\"}]}}]}");
    const cd_schema_t *one = STRUCT_OF(p, "ns.Inner", false, F("b", i));
    const cd_schema_t *two = STRUCT_OF(p, "ns.Inner", false, F("c", i));
    expect_text(p, STRUCT_OF(p, "ns.O", false, F("a", one), F("d", two)), "Can't redefine: ns.Inner");
    const cd_schema_t *word = STRUCT_OF(p, "ns.string", false, F("b", i));
    expect_text(p, STRUCT_OF(p, "ns.O", false, F("a", word), F("d", word)),
                "{\"type\":\"record\",\"name\":\"O\",\"namespace\":\"ns\",\"fields\":[{\"name\":\"a\",\"type\":"
                "{\"type\":\"record\",\"name\":\"string\",\"fields\":[{\"name\":\"b\",\"type\":\"int\"}],"
                "\"connect.name\":\"ns.string\"}},{\"name\":\"d\",\"type\":\"ns.string\"}],\"connect.name\":\"ns.O\"}");
    expect_text(p, STRUCT_OF(p, "ns.R", false, F("a-b", i)), "Illegal character in: a-b");
    expect_text(p, STRUCT_OF(p, "ns.R", false, F("1c", i)), "Illegal initial character: 1c");
    expect_text(
        p, STRUCT_OF(p, "my-ns.O", false, F("a", i)),
        "{\"type\":\"record\",\"name\":\"O\",\"namespace\":\"my-ns\",\"fields\":[{\"name\":\"a\",\"type\":\"int\"}],"
        "\"connect.name\":\"my-ns.O\"}");
    avro_options_t scrub = plain;
    scrub.scrub = true;
    expect_text_with(p, &scrub, STRUCT_OF(p, "ns.Value x", false, F("a-b", i), F("1c", i), F("é", i)),
                     "{\"type\":\"record\",\"name\":\"Value_x\",\"namespace\":\"ns\",\"fields\":[{\"name\":\"a_b\","
                     "\"type\":\"int\"},{\"name\":\"x1c\",\"type\":\"int\"},{\"name\":\"_C3_A9\",\"type\":\"int\"}],"
                     "\"connect.name\":\"ns.Value x\"}");
}

static void test_options(void **state)
{
    cd_schema_pool_t *p = *state;
    avro_options_t bare = {.meta_data = false};
    expect_text_with(p, &bare, named_schema(p, CD_INT64, CD_NAME_TIMESTAMP, true),
                     "[\"null\",{\"type\":\"long\",\"logicalType\":\"timestamp-millis\"}]");
    expect_text_with(p, &bare, S(p, .type = CD_INT16), "\"int\"");
    cd_param_t params[] = {{AVRO_PARAM_ENUM, "ns.E"}, {AVRO_PARAM_ENUM ".A", "A"}, {AVRO_PARAM_ENUM ".B", "B"}};
    const cd_schema_t *e = S(p, .type = CD_STRING, .name = "ns.E", .params = params, .nparams = 3);
    avro_options_t enhanced = plain;
    enhanced.enhanced = true;
    expect_text_with(p, &enhanced, e,
                     "{\"type\":\"enum\",\"name\":\"E\",\"namespace\":\"ns\",\"symbols\":[\"A\",\"B\"],"
                     "\"connect.parameters\":{\"io.confluent.connect.avro.Enum\":\"ns.E\","
                     "\"io.confluent.connect.avro.Enum.A\":\"A\",\"io.confluent.connect.avro.Enum.B\":\"B\"},"
                     "\"connect.name\":\"ns.E\"}");
}

static void test_optional_struct_with_metadata(void **state)
{
    cd_schema_pool_t *p = *state;
    cd_param_t params[] = {{"p", "1"}};
    cd_field_t fields[] = {F("a", S(p, .type = CD_INT32))};
    expect_text(
        p,
        S(p, .type = CD_STRUCT, .optional = true, .name = "ns.R", .has_version = true, .version = 2, .doc = "D",
          .params = params, .nparams = 1, .fields = fields, .nfields = 1),
        "[\"null\",{\"type\":\"record\",\"name\":\"R\",\"namespace\":\"ns\",\"fields\":[{\"name\":\"a\",\"type\":"
        "\"int\"}],\"connect.doc\":\"D\",\"connect.version\":2,\"connect.parameters\":{\"p\":\"1\"},"
        "\"connect.name\":\"ns.R\"}]");
}

static void test_debezium_envelope(void **state)
{
    static const char want[] =
        "{\"type\":\"record\",\"name\":\"Envelope\",\"namespace\":\"sqlserver.warehouse_source.dbo.customers\","
        "\"fields\":["
        "{\"name\":\"before\",\"type\":[\"null\",{\"type\":\"record\",\"name\":\"Value\",\"fields\":[{\"name\":\"id\","
        "\"type\":\"int\"},{\"name\":\"name\",\"type\":\"string\"},{\"name\":\"email\",\"type\":[\"null\",\"string\"],"
        "\"default\":null},{\"name\":\"created_at\",\"type\":[\"null\",{\"type\":\"long\",\"connect.version\":1,"
        "\"connect.name\":\"io.debezium.time.NanoTimestamp\"}],\"default\":null},{\"name\":\"updated_at\",\"type\":["
        "\"null\","
        "{\"type\":\"long\",\"connect.version\":1,\"connect.name\":\"io.debezium.time.NanoTimestamp\"}],\"default\":"
        "null},"
        "{\"name\":\"amount\",\"type\":[\"null\",{\"type\":\"bytes\",\"scale\":2,\"precision\":10,\"connect.version\":"
        "1,"
        "\"connect.parameters\":{\"scale\":\"2\",\"connect.decimal.precision\":\"10\"},\"connect.name\":"
        "\"org.apache.kafka.connect.data.Decimal\",\"logicalType\":\"decimal\"}],\"default\":null},{\"name\":\"is_"
        "active\","
        "\"type\":[\"null\",\"boolean\"],\"default\":null}],\"connect.name\":"
        "\"sqlserver.warehouse_source.dbo.customers.Value\"}],\"default\":null},{\"name\":\"after\",\"type\":[\"null\","
        "\"Value\"],\"default\":null},{\"name\":\"source\",\"type\":{\"type\":\"record\",\"name\":\"Source\","
        "\"namespace\":"
        "\"io.debezium.connector.sqlserver\",\"fields\":[{\"name\":\"version\",\"type\":\"string\"},{\"name\":"
        "\"connector\","
        "\"type\":\"string\"},{\"name\":\"name\",\"type\":\"string\"},{\"name\":\"ts_ms\",\"type\":\"long\"},{\"name\":"
        "\"snapshot\",\"type\":[{\"type\":\"string\",\"connect.version\":1,\"connect.parameters\":{\"allowed\":"
        "\"true,last,false,incremental\"},\"connect.default\":\"false\",\"connect.name\":\"io.debezium.data.Enum\"},"
        "\"null\"],"
        "\"default\":\"false\"},{\"name\":\"db\",\"type\":\"string\"},{\"name\":\"sequence\",\"type\":[\"null\","
        "\"string\"],"
        "\"default\":null},{\"name\":\"schema\",\"type\":\"string\"},{\"name\":\"table\",\"type\":\"string\"},{"
        "\"name\":"
        "\"change_lsn\",\"type\":[\"null\",\"string\"],\"default\":null},{\"name\":\"commit_lsn\",\"type\":[\"null\","
        "\"string\"],\"default\":null},{\"name\":\"event_serial_no\",\"type\":[\"null\",\"long\"],\"default\":null}],"
        "\"connect.name\":\"io.debezium.connector.sqlserver.Source\"}},{\"name\":\"op\",\"type\":\"string\"},{\"name\":"
        "\"ts_ms\",\"type\":[\"null\",\"long\"],\"default\":null},{\"name\":\"transaction\",\"type\":[\"null\",{"
        "\"type\":"
        "\"record\",\"name\":\"block\",\"namespace\":\"event\",\"fields\":[{\"name\":\"id\",\"type\":\"string\"},{"
        "\"name\":"
        "\"total_order\",\"type\":\"long\"},{\"name\":\"data_collection_order\",\"type\":\"long\"}],\"connect."
        "version\":1,"
        "\"connect.name\":\"event.block\"}],\"default\":null}],\"connect.version\":1,\"connect.name\":"
        "\"sqlserver.warehouse_source.dbo.customers.Envelope\"}";
    expect_text(*state, envelope_schema(*state), want);
}

static int setup(void **state)
{
    *state = schema_pool_new();
    return 0;
}

static int teardown(void **state)
{
    schema_pool_free(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_primitives),
        cmocka_unit_test(test_fields_and_defaults),
        cmocka_unit_test(test_maps),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_options),
        cmocka_unit_test(test_optional_struct_with_metadata),
        cmocka_unit_test(test_debezium_envelope),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
