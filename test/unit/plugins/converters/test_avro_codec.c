/* Schema text -> plan -> bytes and back, against byte vectors that were not made by this code. */
#include "plugins/converters/avro_decode.h"
#include "plugins/converters/avro_encode.h"

#include "test/unit/plugins/fake_host.h"
#include "test/unit/plugins/schema_build.h"

static avro_options_t plain = {.meta_data = true, .flatten_singletons = true};

static void to_hex(const uint8_t *p, size_t n, char *out)
{
    for (size_t i = 0; i < n; i++) (void)sprintf(out + 2 * i, "%02x", p[i]);
    out[2 * n] = '\0';
}

static size_t from_hex(const char *hex, uint8_t *out)
{
    size_t n = 0;
    for (; hex[0] != '\0'; hex += 2) {
        char pair[3] = {hex[0], hex[1], '\0'};
        out[n++] = (uint8_t)strtoul(pair, NULL, 16);
    }
    return n;
}

static const char *encode_hex(cd_schema_pool_t *pool, const avro_options_t *o, const cd_schema_t *s, cd_value_t v,
                              char *out)
{
    static char message[300];
    strbuf_t text = {0};
    avro_schema_t *schema = NULL;
    cd_arena_t arena = {0};
    const avro_enc_t *plan = NULL;
    avro_out_t bytes = {0};
    cd_err_t *err = avro_text_write(s, o, pool, &text);
    if (err == NULL) err = avro_schema_parse(strbuf_str(&text), NULL, 0, &schema);
    if (err == NULL) err = avro_enc_new(s, schema->root, o, &arena, &plan);
    avro_schema_free(schema); /* a plan must not need it */
    if (err == NULL) err = avro_encode(plan, &v, &bytes);
    if (err == NULL) {
        to_hex(bytes.base, (size_t)(bytes.cur - bytes.base), out);
    } else {
        (void)snprintf(message, sizeof(message), "%s", err->message);
    }
    bool failed = err != NULL;
    cd_err_free(err);
    avro_out_done(&bytes);
    cd_arena_done(&arena);
    strbuf_done(&text);
    return failed ? message : out;
}

static void expect_bytes(cd_schema_pool_t *pool, const cd_schema_t *s, cd_value_t v, const char *want)
{
    char hex[2000];
    assert_string_equal(encode_hex(pool, &plain, s, v, hex), want);
}

/** Decode with the schema's own text; the value must come back equal. */
static void expect_round_trip(cd_schema_pool_t *pool, const cd_schema_t *s, cd_value_t v)
{
    strbuf_t text = {0};
    avro_schema_t *schema = NULL;
    cd_arena_t arena = {0};
    const avro_dec_t *plan = NULL;
    const cd_schema_t *back = NULL;
    char hex[2000];
    uint8_t bytes[1000];
    cd_value_t got = CD_V_NULL;
    assert_null(avro_text_write(s, &plain, pool, &text));
    assert_null(avro_schema_parse(strbuf_str(&text), NULL, 0, &schema));
    assert_null(avro_to_connect(schema->root, &plain, AVRO_NO_VERSION, pool, &back));
    if (s != back) print_error("%s\n", strbuf_str(&text));
    assert_ptr_equal(s, back);
    assert_null(avro_dec_new(schema->root, schema->root, back, &plain, NULL, &arena, &plan));
    avro_schema_free(schema);
    size_t n = from_hex(encode_hex(pool, &plain, s, v, hex), bytes);
    cd_err_t *err = avro_decode(plan, bytes, n, &arena, &got);
    if (err != NULL) print_error("%s\n", err->message);
    assert_null(err);
    assert_true(value_equal(&v, &got));
    /* every shorter input is an error, never a read past the end */
    for (size_t cut = 0; cut < n && s != NULL && s->type != CD_BYTES; cut++) {
        uint8_t *exact = malloc(cut == 0 ? 1 : cut);
        memcpy(exact, bytes, cut);
        err = avro_decode(plan, exact, cut, &arena, &got);
        assert_non_null(err);
        cd_err_free(err);
        free(exact);
    }
    cd_arena_done(&arena);
    strbuf_done(&text);
}

static void test_scalars(void **state)
{
    cd_schema_pool_t *p = *state;
    static const uint8_t dec[] = {0xCF, 0xC7}, two[] = {1, 2};
    cd_value_t five = cd_v_int(CD_INT32, 5);
    const cd_schema_t *dflt = S(p, .type = CD_INT32, .optional = true, .dflt = &five);
    const cd_schema_t *field = STRUCT_OF(p, "ns.R", false, F("f", dflt));
    cd_value_t none = CD_V_NULL;
    char hex[100];
    cd_value_t amount = cd_v_bytes(dec, 2);
    expect_bytes(p, STRUCT_OF(p, "ns.D", false, F("d", decimal_schema(p, "2", NULL, false))),
                 cd_v_items(CD_STRUCT, &amount, 1), "04cfc7");
    expect_bytes(p, S(p, .type = CD_BYTES), cd_v_bytes(two, 2), "0102");
    expect_bytes(p, S(p, .type = CD_BYTES, .optional = true), cd_v_bytes(two, 2), "02040102");
    expect_bytes(p, field, cd_v_items(CD_STRUCT, &none, 1), "000a");
    avro_options_t ignore = plain;
    ignore.ignore_default = true;
    assert_string_equal(encode_hex(p, &ignore, field, cd_v_items(CD_STRUCT, &none, 1), hex), "02");
    expect_bytes(p, STRUCT_OF(p, "ns.R", false, F("f", S(p, .type = CD_INT32))), cd_v_items(CD_STRUCT, &none, 1),
                 "Found null value for non-optional schema");
    expect_bytes(p, S(p, .type = CD_INT32), cd_v_str("x"), "Invalid type for INT32: class java.lang.String");
    expect_bytes(p, S(p, .type = CD_INT64), cd_v_int(CD_INT64, INT64_MIN), "ffffffffffffffffff01");
    expect_bytes(p, S(p, .type = CD_FLOAT64), cd_v_f64(1.5), "000000000000f83f");
}

static void test_schemaless(void **state)
{
    cd_schema_pool_t *p = *state;
    cd_value_t pair[] = {cd_v_str("a"), cd_v_int(CD_INT32, 1)};
    static const uint8_t raw[] = {1};
    expect_bytes(p, NULL, cd_v_str("hi"),
                 "0000000000000204686900"
                 "00");
    expect_bytes(p, NULL, cd_v_items(CD_MAP, pair, 1),
                 "0000000000000000"
                 "0202"
                 "000000000000"
                 "02"
                 "0261"
                 "0000"
                 "00000000"
                 "02"
                 "02"
                 "00000000"
                 "00");
    expect_bytes(p, NULL, cd_v_bytes(raw, 1), "Unknown Java type for schemaless data: class [B");
    cd_value_t list[] = {cd_v_bool(true), cd_v_f64(2.5), CD_V_NULL};
    expect_round_trip(p, NULL, cd_v_items(CD_ARRAY, list, 3));
    expect_round_trip(p, NULL, cd_v_items(CD_MAP, pair, 1));
}

static void test_envelope_bytes(void **state)
{
    cd_schema_pool_t *p = *state;
    cd_arena_t a = {0};
    expect_bytes(p, envelope_schema(p), sample_envelope(&a, "c", CD_V_NULL, sample_row(&a)),
                 "0002020a416c6963650222616c696365406578616d706c652e636f6d02f8f2b2dabdd2affd3000020601e240020116322e34"
                 "2e322e46696e616c1273716c7365727665721273716c736572766572fea2e5e9db66000a66616c73652077617265686f7573"
                 "655f736f75726365000664626f12637573746f6d657273022c30303030303032373a30303030303735383a30303033022c30"
                 "303030303032373a30303030303735383a303030350202026302a8efe5e9db66022c30303030303032373a30303030303735"
                 "383a303030350202");
    cd_arena_done(&a);
}

static void test_round_trips(void **state)
{
    cd_schema_pool_t *p = *state;
    cd_arena_t a = {0};
    cd_value_t row = sample_row(&a);
    cd_value_t v = sample_envelope(&a, "u", row, row);
    v.items[2].items[4] = cd_v_str("true"); /* a null would come back as the default */
    expect_round_trip(p, envelope_schema(p), v);
    const cd_schema_t *i = S(p, .type = CD_INT32), *s = S(p, .type = CD_STRING, .optional = true);
    cd_value_t pairs[] = {cd_v_int(CD_INT32, -1), cd_v_str("x"), cd_v_int(CD_INT32, 2), CD_V_NULL};
    expect_round_trip(p, S(p, .type = CD_MAP, .key_schema = i, .value_schema = s), cd_v_items(CD_MAP, pairs, 2));
    cd_value_t named[] = {cd_v_str("k"), cd_v_str("é")};
    const cd_schema_t *text = S(p, .type = CD_STRING);
    expect_round_trip(p, S(p, .type = CD_MAP, .name = "x.y.Foo", .key_schema = text, .value_schema = s),
                      cd_v_items(CD_MAP, named, 1));
    cd_value_t items[] = {cd_v_int(CD_INT8, -128), cd_v_int(CD_INT8, 127)};
    expect_round_trip(p, S(p, .type = CD_ARRAY, .value_schema = S(p, .type = CD_INT8)), cd_v_items(CD_ARRAY, items, 2));
    expect_round_trip(p, S(p, .type = CD_FLOAT32, .optional = true), cd_v_f32(1.5f));
    expect_round_trip(p, named_schema(p, CD_INT32, CD_NAME_DATE, false), cd_v_int(CD_INT32, 20000));
    cd_param_t size[] = {{AVRO_PARAM_FIXED_SIZE, "4"}};
    static const uint8_t four[] = {1, 2, 3, 4};
    const cd_schema_t *fixed = S(p, .type = CD_BYTES, .name = "ns.Fix", .params = size, .nparams = 1);
    cd_value_t cell = cd_v_bytes(four, 4);
    expect_round_trip(p, STRUCT_OF(p, "ns.F", false, F("f", fixed)), cd_v_items(CD_STRUCT, &cell, 1));
    cd_arena_done(&a);
}

static void expect_decoded(cd_schema_pool_t *pool, const char *writer, const char *reader, const char *hex,
                           const char *want)
{
    avro_schema_t *w = NULL, *r = NULL;
    cd_arena_t arena = {0};
    const cd_schema_t *schema = NULL;
    const avro_dec_t *plan = NULL;
    uint8_t bytes[200];
    cd_value_t v = CD_V_NULL;
    strbuf_t text = {0};
    cd_err_t *err = avro_schema_parse(writer, NULL, 0, &w);
    if (err == NULL && reader != NULL) err = avro_schema_parse(reader, NULL, 0, &r);
    const avro_node_t *target = r != NULL ? r->root : w != NULL ? w->root : NULL;
    if (err == NULL) err = avro_to_connect(target, &plain, AVRO_NO_VERSION, pool, &schema);
    if (err == NULL) err = avro_dec_new(w->root, target, schema, &plain, NULL, &arena, &plan);
    if (err == NULL) err = avro_decode(plan, bytes, from_hex(hex, bytes), &arena, &v);
    if (err == NULL) value_text(schema, &v, &text);
    assert_string_equal(err != NULL ? err->message : strbuf_str(&text), want);
    cd_err_free(err);
    strbuf_done(&text);
    cd_arena_done(&arena);
    avro_schema_free(w);
    avro_schema_free(r);
}

#define R(fields) "{\"type\":\"record\",\"name\":\"R\",\"fields\":[" fields "]}"

static void test_unions_and_resolution(void **state)
{
    cd_schema_pool_t *p = *state;
    expect_decoded(p, "[\"null\",\"int\",\"string\"]", NULL, "0214", "Struct{int=10}");
    expect_decoded(p, "[\"null\",\"int\",\"string\"]", NULL, "040278", "Struct{string=x}");
    expect_decoded(p, "[\"null\",\"int\",\"string\"]", NULL, "00", "null");
    expect_decoded(p, "[\"int\"]", NULL, "0014", "10");
    expect_decoded(p, "[\"null\",\"int\"]", NULL, "0414", "the union has no such branch");
    expect_decoded(p, "{\"type\":\"enum\",\"name\":\"E\",\"symbols\":[\"A\",\"B\"]}", NULL, "02", "B");
    expect_decoded(
        p, R("{\"name\":\"a\",\"type\":\"int\"},{\"name\":\"gone\",\"type\":\"string\"}"),
        R("{\"name\":\"b\",\"type\":[\"null\",\"int\"],\"default\":null},{\"name\":\"a\",\"type\":\"double\"},"
          "{\"name\":\"c\",\"type\":\"string\",\"default\":\"d\"}"),
        "0e0278", "Struct{a=7.0,c=d}");
    expect_decoded(p, R("{\"name\":\"a\",\"type\":\"int\"}"), R("{\"name\":\"b\",\"type\":\"int\"}"), "0e",
                   "Found R, expecting R, missing required field b");
    expect_decoded(p, R("{\"name\":\"a\",\"type\":[\"null\",\"int\"]}"), R("{\"name\":\"a\",\"type\":\"int\"}"), "00",
                   "the written type does not fit the reader's schema");
    expect_decoded(p, R("{\"name\":\"a\",\"type\":\"int\"}"),
                   R("{\"name\":\"x\",\"aliases\":[\"a\"],\"type\":[\"null\",\"long\"]}"), "0e", "Struct{x=7}");
}

static void test_hostile_input(void **state)
{
    cd_schema_pool_t *p = *state;
    expect_decoded(p, "\"string\"", NULL, "01", "Malformed data. Length is negative");
    expect_decoded(p, "\"string\"", NULL, "feffffffff0f", "the data ends before the value is complete");
    expect_decoded(p, "\"long\"", NULL, "ffffffffffffffffffff01", "Invalid int encoding");
    expect_decoded(p, "\"int\"", NULL, "feffffffff7f", "Invalid int encoding");
    expect_decoded(p, "{\"type\":\"array\",\"items\":\"int\"}", NULL, "feffffff0f",
                   "the data ends before the value is complete");
    expect_decoded(p, "{\"type\":\"array\",\"items\":{\"type\":\"record\",\"name\":\"E\",\"fields\":[]}}", NULL,
                   "feffffff0f00", "the data claims too many empty elements");
    expect_decoded(p, "{\"type\":\"record\",\"name\":\"L\",\"fields\":[{\"name\":\"n\",\"type\":[\"null\",\"L\"]}]}",
                   NULL, "00", "The Avro schema is recursive or nested too deeply for Kafka Connect");
    expect_decoded(p, "\"string\"", NULL, "04ff41",
                   "\xEF\xBF\xBD"
                   "A");
    /* a block with its size in bytes, then an ordinary one */
    expect_decoded(p, "{\"type\":\"array\",\"items\":\"int\"}", NULL, "03040204020600", "[1, 2, 3]");
}

static bool only_b(const cd_needed_t *n, const cd_schema_t *schema, uint32_t index)
{
    (void)n;
    return strcmp(schema->fields[index].name, "b") == 0;
}

static void test_projection(void **state)
{
    cd_schema_pool_t *p = *state;
    static const char text[] = R("{\"name\":\"a\",\"type\":{\"type\":\"array\",\"items\":\"string\"}},{\"name\":\"b\","
                                 "\"type\":\"int\"},{\"name\":"
                                 "\"c\",\"type\":[\"null\",{\"type\":\"map\",\"values\":\"double\"}]}");
    avro_schema_t *w = NULL;
    cd_arena_t arena = {0};
    const cd_schema_t *schema = NULL;
    const avro_dec_t *plan = NULL;
    const cd_needed_t needed = {.field = only_b};
    uint8_t bytes[100];
    cd_value_t v = CD_V_NULL;
    assert_null(avro_schema_parse(text, NULL, 0, &w));
    assert_null(avro_to_connect(w->root, &plain, AVRO_NO_VERSION, p, &schema));
    assert_null(avro_dec_new(w->root, w->root, schema, &plain, &needed, &arena, &plan));
    size_t n = from_hex("0402780279000e020202"
                        "6b"
                        "000000000000f03f"
                        "00",
                        bytes);
    assert_null(avro_decode(plan, bytes, n, &arena, &v));
    assert_int_equal(v.items[0].type, CD_NULL);
    assert_int_equal(v.items[1].i64, 7);
    assert_int_equal(v.items[2].type, CD_NULL);
    for (size_t cut = 0; cut < n; cut++) {
        cd_err_t *err = avro_decode(plan, bytes, cut, &arena, &v);
        assert_non_null(err); /* what is skipped is still parsed */
        cd_err_free(err);
    }
    cd_arena_done(&arena);
    avro_schema_free(w);
}

static void expect_schema_error(cd_schema_pool_t *pool, const char *text, int32_t version, const char *want)
{
    avro_schema_t *s = NULL;
    const cd_schema_t *schema = NULL;
    cd_err_t *err = avro_schema_parse(text, NULL, 0, &s);
    if (err == NULL) err = avro_to_connect(s->root, &plain, version, pool, &schema);
    assert_string_equal(err != NULL ? err->message : "no error", want);
    cd_err_free(err);
    avro_schema_free(s);
}

static const cd_schema_t *read_schema(cd_schema_pool_t *pool, const char *text, int32_t version)
{
    avro_schema_t *s = NULL;
    const cd_schema_t *schema = NULL;
    assert_null(avro_schema_parse(text, NULL, 0, &s));
    assert_null(avro_to_connect(s->root, &plain, version, pool, &schema));
    avro_schema_free(s);
    return schema;
}

static void test_connect_schemas(void **state)
{
    cd_schema_pool_t *p = *state;
    const cd_schema_t *s = read_schema(p, R("{\"name\":\"a\",\"type\":[\"string\",\"null\"],\"default\":\"z\"}"), 5);
    assert_null(s->fields[0].schema->dflt);
    assert_true(s->fields[0].schema->optional);
    assert_true(s->has_version && s->version == 5);
    s = read_schema(p, R("{\"name\":\"a\",\"type\":[{\"type\":\"int\",\"connect.default\":5},\"null\"],\"default\":5}"),
                    -1);
    assert_int_equal(s->fields[0].schema->dflt->i64, 5);
    s = read_schema(p, R("{\"name\":\"a\",\"type\":\"int\",\"doc\":\"d\",\"default\":3}"), -1);
    assert_string_equal(cd_schema_param(s->fields[0].schema, AVRO_PARAM_FIELD_DEFAULT), "true");
    assert_string_equal(cd_schema_param(s, AVRO_PARAM_FIELD_DOC "a"), "d");
    char hex[100];
    cd_value_t three = cd_v_int(CD_INT32, 3);
    assert_string_equal(encode_hex(p, &plain, s, cd_v_items(CD_STRUCT, &three, 1), hex), "06");
    s = read_schema(p, "{\"type\":\"long\",\"logicalType\":\"timestamp-micros\"}", -1);
    assert_true(s->type == CD_INT64 && s->name == NULL);
    s = read_schema(p, "{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":64,\"scale\":2}", -1);
    assert_int_equal(s->nparams, 1);
    assert_int_equal(s->scale, 2);
    s = read_schema(p, "[\"null\"," R("{\"name\":\"a\",\"type\":\"int\"}") "]", 7);
    assert_false(s->has_version);
    s = read_schema(p, "{\"type\":\"record\",\"name\":\"R\",\"connect.version\":1,\"fields\":[]}", 5);
    assert_int_equal(s->version, 1);
    expect_schema_error(p, "\"null\"", -1, "Standalone null schemas are not supported by this converter");
    expect_schema_error(p, "{\"type\":\"int\",\"connect.version\":\"x\"}", -1, "Invalid Connect version found: x");
    expect_schema_error(p, "{\"type\":\"int\",\"connect.parameters\":{\"a\":1}}", -1,
                        "Expected schema parameter values to be strings but found: 1");
    expect_schema_error(
        p, "{\"type\":\"int\",\"logicalType\":\"date\"}", 2,
        "Mismatched versions: version already added to SchemaBuilder (1) differs from version in source "
        "schema (2)");
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
        cmocka_unit_test(test_scalars),
        cmocka_unit_test(test_schemaless),
        cmocka_unit_test(test_envelope_bytes),
        cmocka_unit_test(test_round_trips),
        cmocka_unit_test(test_unions_and_resolution),
        cmocka_unit_test(test_hostile_input),
        cmocka_unit_test(test_projection),
        cmocka_unit_test(test_connect_schemas),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
