/* The Avro converter against a registry that answers as Confluent's does, and records what it was asked. */
#include "plugins/converters/converters.h"

#include "test/unit/plugins/fake_host.h"
#include "test/unit/plugins/fake_http.h"
#include "test/unit/plugins/schema_build.h"

typedef struct registry_state {
    int status; /* answer every request with this status when it is not 0 */
    const char *body;
    const char *latest;           /* schema of the latest version */
    const char *by_id;            /* schema of every id */
    char head[2000], sent[20000]; /* of the last request */
} registry_state_t;

static void put_schema(strbuf_t *reply, const char *text)
{
    strbuf_adds(reply, "\"schema\":\"");
    for (const char *p = text; *p != '\0'; p++) {
        if (*p == '"') strbuf_addc(reply, '\\');
        strbuf_addc(reply, *p);
    }
    strbuf_adds(reply, "\"}");
}

static int registry_handler(fake_http_t *s, const char *method, const char *path, const char *head, const char *body,
                            strbuf_t *reply)
{
    registry_state_t *r = s->arg;
    (void)snprintf(r->head, sizeof(r->head), "%s", head);
    (void)snprintf(r->sent, sizeof(r->sent), "%s", body);
    if (r->status != 0) {
        strbuf_adds(reply, r->body);
        return r->status;
    }
    if (strcmp(method, "GET") == 0 && strstr(path, "/versions/latest") != NULL) {
        strbuf_adds(reply, "{\"subject\":\"s\",\"version\":4,\"id\":44,");
        put_schema(reply, r->latest);
    } else if (strcmp(method, "GET") == 0) {
        strbuf_adds(reply, "{");
        put_schema(reply, r->by_id);
    } else if (strstr(path, "/versions?") != NULL) {
        strbuf_adds(reply, "{\"id\":17}");
    } else {
        strbuf_adds(reply, "{\"subject\":\"s\",\"version\":5,\"id\":17,\"schema\":\"\"}");
    }
    return 200;
}

typedef struct fixture {
    cd_ctx_t ctx;
    fake_http_t server;
    registry_state_t registry;
    cd_schema_pool_t *pool;
    cd_batch_t *batch;
    const cd_converter_ops_t *ops;
    void *converter;
    char url[64];
    strbuf_t text;
} fixture_t;

/** Settings beyond the URL, which may name several with %d for the server's port. */
static void start(fixture_t *f, const cd_pair_t *more, uint32_t n)
{
    memset(f, 0, sizeof(*f));
    f->pool = schema_pool_new();
    f->ops = avro_converter_plugin.ops;
    f->batch = batch_new(f->pool);
    fake_http_start(&f->server, registry_handler, &f->registry);
    (void)snprintf(f->url, sizeof(f->url), "http://127.0.0.1:%d/", f->server.port);
    cd_pair_t pairs[10] = {{"schema.registry.url", f->url}};
    for (uint32_t i = 0; i < n; i++) pairs[i + 1] = more[i];
    cd_config_t config = {.n = n + 1, .pairs = pairs};
    cd_err_t *err = f->ops->configure(&f->ctx, &config, false, &f->converter);
    if (err != NULL) print_error("%s\n", err->message);
    assert_null(err);
}

static void stop(fixture_t *f)
{
    fake_http_stop(&f->server);
    strbuf_done(&f->server.log);
    strbuf_done(&f->text);
    f->ops->close(f->converter);
    batch_unref(f->batch);
    schema_pool_free(f->pool);
}

static cd_record_t *add(fixture_t *f, const cd_schema_t *schema, cd_value_t value)
{
    cd_record_t *r = cd_batch_add(f->batch);
    r->topic = "t";
    r->value_schema = schema;
    r->value = value;
    return r;
}

/** All errors of a chain, one per line: "class: message". */
static const char *chain(fixture_t *f, cd_err_t *err)
{
    strbuf_clear(&f->text);
    for (const cd_err_t *e = err; e != NULL; e = e->cause) strbuf_addf(&f->text, "%s: %s\n", e->jvm_class, e->message);
    cd_err_free(err);
    return strbuf_str(&f->text);
}

static const char *encode_error(fixture_t *f, uint32_t *ret_class)
{
    cd_err_t *err = NULL;
    uint32_t last = f->batch->count - 1;
    assert_int_equal(f->ops->encode(f->converter, f->batch, last, last + 1, &err), last);
    *ret_class = err->cls;
    return chain(f, err);
}

static void encode_all(fixture_t *f)
{
    cd_err_t *err = NULL;
    uint32_t n = f->ops->encode(f->converter, f->batch, 0, f->batch->count, &err);
    if (err != NULL) print_error("%s", chain(f, err));
    assert_int_equal(n, f->batch->count);
}

static void expect_raw(const cd_record_t *r, const char *bytes, size_t n)
{
    assert_int_equal(r->raw_value.len, n);
    assert_memory_equal(r->raw_value.ptr, bytes, n);
}

static void test_one_request_per_schema(void **state)
{
    (void)state;
    fixture_t f;
    start(&f, NULL, 0);
    const cd_schema_t *s = STRUCT_OF(f.pool, "ns.R", false, F("a", schema_primitive(f.pool, CD_INT32, false)));
    cd_value_t cell = cd_v_int(CD_INT32, -1);
    for (int i = 0; i < 1000; i++) (void)add(&f, s, cd_v_items(CD_STRUCT, &cell, 1));
    add(&f, s, CD_V_NULL);
    add(&f, NULL, CD_V_NULL);
    encode_all(&f);
    expect_raw(&f.batch->records[0], "\x00\x00\x00\x00\x11\x01", 6);
    expect_raw(&f.batch->records[999], "\x00\x00\x00\x00\x11\x01", 6);
    assert_null(f.batch->records[1000].raw_value.ptr);
    assert_string_equal(strbuf_str(&f.server.log), "POST /subjects/t-value/versions?normalize=false\n");
    assert_non_null(strstr(f.registry.head, "Content-Type: application/vnd.schemaregistry.v1+json"));
    assert_null(strstr(f.registry.head, "Authorization"));
    assert_string_equal(
        f.registry.sent,
        "{\"schema\":\"{\\\"type\\\":\\\"record\\\",\\\"name\\\":\\\"R\\\",\\\"namespace\\\":\\\"ns\\\","
        "\\\"fields\\\":[{\\\"name\\\":\\\"a\\\",\\\"type\\\":\\\"int\\\"}],\\\"connect.name\\\":\\\"ns.R\\\"}\"}");
    static const char raw[] = {1, 2};
    add(&f, schema_primitive(f.pool, CD_BYTES, false), cd_v_bytes(raw, 2))->topic = "a/b";
    encode_all(&f);
    expect_raw(&f.batch->records[1002], "\x00\x00\x00\x00\x11\x01\x02", 7);
    assert_non_null(strstr(strbuf_str(&f.server.log), "POST /subjects/a%2Fb-value/versions?normalize=false\n"));
    stop(&f);
}

static void test_reading_asks_for_schema_and_version(void **state)
{
    (void)state;
    fixture_t f;
    start(&f, NULL, 0);
    f.registry.by_id = "{\"type\":\"record\",\"name\":\"R\",\"fields\":[{\"name\":\"a\",\"type\":\"string\"}]}";
    for (int i = 0; i < 3; i++)
        add(&f, NULL, CD_V_NULL)->raw_value = (cd_bytes_t){(const uint8_t *)"\x00\x00\x00\x00\x11\x04hi", 8};
    (void)add(&f, NULL, CD_V_NULL);
    cd_err_t *err = NULL;
    assert_int_equal(f.ops->decode(f.converter, f.batch, 0, 4, NULL, &err), 4);
    const cd_record_t *r = f.batch->records;
    assert_int_equal(r[0].value_schema->version, 5);
    assert_ptr_equal(r[0].value_schema, r[2].value_schema);
    assert_true(cd_v_is_str(&r[2].value.items[0], "hi"));
    assert_null(r[3].value_schema);
    assert_string_equal(strbuf_str(&f.server.log), "GET /schemas/ids/17?fetchMaxId=false&subject=t-value\n"
                                                   "POST /subjects/t-value?normalize=false&deleted=true\n");
    stop(&f);
}

static void expect_decode_error(fixture_t *f, const char *bytes, uint32_t len, const char *want)
{
    cd_err_t *err = NULL;
    add(f, NULL, CD_V_NULL)->raw_value = (cd_bytes_t){(const uint8_t *)bytes, len};
    uint32_t last = f->batch->count - 1;
    assert_int_equal(f->ops->decode(f->converter, f->batch, last, last + 1, NULL, &err), last);
    assert_int_equal(err->cls, CD_ERR_DATA);
    assert_string_equal(chain(f, err), want);
}

#define READ_FAILED CD_JVM_DATA ": Failed to deserialize data for topic t to Avro: \n"

static void test_bad_payloads(void **state)
{
    (void)state;
    fixture_t f;
    start(&f, NULL, 0);
    f.registry.by_id = "\"string\"";
    expect_decode_error(&f, "\x01\x00\x00\x00\x11", 5, READ_FAILED CD_JVM_SERIALIZATION ": Unknown magic byte!\n");
    expect_decode_error(&f, "{}", 2, READ_FAILED CD_JVM_SERIALIZATION ": Unknown magic byte!\n");
    expect_decode_error(&f, "\x00\x00", 2, READ_FAILED CD_JVM_SERIALIZATION ": Error deserializing schema ID\n");
    expect_decode_error(&f, "\x00\x00\x00\x00\x11\x08hi", 8,
                        READ_FAILED CD_JVM_SERIALIZATION ": Error deserializing Avro message for id 17\n"
                                                         "java.io.EOFException: the data ends before the value is "
                                                         "complete\n");
    f.registry.status = 404;
    f.registry.body = "{\"error_code\":40403,\"message\":\"Schema 9 not found\"}";
    expect_decode_error(&f, "\x00\x00\x00\x00\x09\x00", 6,
                        READ_FAILED CD_JVM_SERIALIZATION
                        ": Error retrieving Avro value schema for id 9\n"
                        "io.confluent.kafka.schemaregistry.client.rest.exceptions."
                        "RestClientException: Schema 9 not found; error code: 40403\n");
    stop(&f);
}

static void test_registry_errors(void **state)
{
    (void)state;
    static const cd_pair_t no_wait[] = {{"retries.wait.ms", "1"}};
    fixture_t f;
    uint32_t cls = 0;
    start(&f, no_wait, 1);
    add(&f, schema_primitive(f.pool, CD_INT32, false), cd_v_int(CD_INT32, 1));
    f.registry.status = 409;
    f.registry.body =
        "{\"error_code\":409,\"message\":\"Schema being registered is incompatible with an earlier schema for "
        "subject \\\"t-value\\\"\"}";
    const char *text = encode_error(&f, &cls);
    assert_int_equal(cls, CD_ERR_DATA);
    assert_string_equal(text, CD_JVM_DATA
                        ": Failed to serialize Avro data from topic t :\n" CD_JVM_SERIALIZATION
                        ": Error registering Avro schema\"int\"\n"
                        "io.confluent.kafka.schemaregistry.client.rest.exceptions.RestClientException: Schema "
                        "being registered is incompatible with an earlier schema for subject \"t-value\"; error "
                        "code: 409\n");
    f.registry.status = 500;
    f.registry.body = "oops";
    text = encode_error(&f, &cls);
    assert_int_equal(cls, CD_ERR_RETRIABLE);
    assert_non_null(strstr(text, CD_JVM_RETRIABLE ": Failed"));
    assert_non_null(strstr(text, "oops; error code: 50005"));
    assert_int_equal(f.ctx.waits, 3);
    f.registry.status = 401;
    f.registry.body = "{\"error_code\":401,\"message\":\"Unauthorized\"}";
    text = encode_error(&f, &cls);
    assert_int_equal(cls, CD_ERR_DATA);
    assert_non_null(strstr(text, "org.apache.kafka.common.errors.AuthenticationException: "));
    f.registry.status = 0; /* and it works again */
    encode_all(&f);
    stop(&f);
}

static void test_a_stop_ends_the_retries(void **state)
{
    (void)state;
    fixture_t f;
    uint32_t cls = 0;
    start(&f, NULL, 0);
    add(&f, schema_primitive(f.pool, CD_INT32, false), cd_v_int(CD_INT32, 1));
    f.registry.status = 503;
    f.registry.body = "";
    f.ctx.stopping = true;
    (void)encode_error(&f, &cls);
    assert_int_equal(cls, CD_ERR_STOPPED);
    stop(&f);
}

static void test_lookup_without_registering(void **state)
{
    (void)state;
    static const cd_pair_t off[] = {{"auto.register.schemas", "false"}};
    fixture_t f;
    uint32_t cls = 0;
    start(&f, off, 1);
    add(&f, schema_primitive(f.pool, CD_INT32, false), cd_v_int(CD_INT32, 1));
    encode_all(&f);
    assert_string_equal(strbuf_str(&f.server.log), "POST /subjects/t-value?normalize=false&deleted=false\n");
    f.registry.status = 404;
    f.registry.body = "{\"error_code\":40403,\"message\":\"Schema not found\"}";
    add(&f, schema_primitive(f.pool, CD_STRING, false), cd_v_str("x"));
    assert_non_null(strstr(encode_error(&f, &cls), ": Error retrieving Avro schema\"string\"\n"));
    stop(&f);
}

static void test_latest_version(void **state)
{
    (void)state;
    static const cd_pair_t latest[] = {{"auto.register.schemas", "false"}, {"use.latest.version", "true"}};
    fixture_t f;
    uint32_t cls = 0;
    start(&f, latest, 2);
    /* the same fields in another order: written by name, not by position as Java does */
    f.registry.latest = "{\"type\":\"record\",\"name\":\"R\",\"namespace\":\"ns\",\"fields\":[{\"name\":\"b\",\"type\":"
                        "\"string\"},{\"name\":\"a\",\"type\":\"long\"}]}";
    cd_value_t cells[] = {cd_v_int(CD_INT32, 1), cd_v_str("x")};
    const cd_schema_t *s = STRUCT_OF(f.pool, "ns.R", false, F("a", schema_primitive(f.pool, CD_INT32, false)),
                                     F("b", schema_primitive(f.pool, CD_STRING, false)));
    add(&f, s, cd_v_items(CD_STRUCT, cells, 2));
    encode_all(&f);
    expect_raw(&f.batch->records[0], "\x00\x00\x00\x00\x2C\x02x\x02", 8);
    const cd_schema_t *other = STRUCT_OF(f.pool, "ns.R", false, F("c", schema_primitive(f.pool, CD_INT32, false)));
    add(&f, other, cd_v_items(CD_STRUCT, cells, 1));
    const char *text = encode_error(&f, &cls);
    assert_non_null(strstr(text, ": Error retrieving latest version of Avro schema"));
    assert_non_null(strstr(text, "Incompatible schema {"));
    assert_non_null(strstr(text, "Set latest.compatibility.strict=false to disable this check\n"));
    /* reading resolves into the latest version and carries its number */
    f.registry.by_id = "{\"type\":\"record\",\"name\":\"R\",\"namespace\":\"ns\",\"fields\":[{\"name\":\"a\",\"type\":"
                       "\"int\"},{\"name\":\"b\",\"type\":\"string\"}]}";
    cd_record_t *r = add(&f, NULL, CD_V_NULL);
    r->raw_value = (cd_bytes_t){(const uint8_t *)"\x00\x00\x00\x00\x11\x02\x02x", 8};
    cd_err_t *err = NULL;
    uint32_t last = f.batch->count - 1;
    assert_int_equal(f.ops->decode(f.converter, f.batch, last, last + 1, NULL, &err), last + 1);
    r = &f.batch->records[last];
    assert_int_equal(r->value_schema->version, 4);
    assert_true(cd_v_is_str(&r->value.items[0], "x"));
    assert_true(r->value.items[1].type == CD_INT64 && r->value.items[1].i64 == 1);
    stop(&f);
}

static void test_subjects_by_record_name(void **state)
{
    (void)state;
    static const cd_pair_t by_name[] = {
        {"value.subject.name.strategy", "io.confluent.kafka.serializers.subject.RecordNameStrategy"}};
    fixture_t f;
    uint32_t cls = 0;
    start(&f, by_name, 1);
    cd_value_t cell = cd_v_int(CD_INT32, 1);
    add(&f, STRUCT_OF(f.pool, "ns.R", false, F("a", schema_primitive(f.pool, CD_INT32, false))),
        cd_v_items(CD_STRUCT, &cell, 1));
    encode_all(&f);
    assert_string_equal(strbuf_str(&f.server.log), "POST /subjects/ns.R/versions?normalize=false\n");
    add(&f, schema_primitive(f.pool, CD_STRING, false), cd_v_str("x"));
    assert_non_null(strstr(encode_error(&f, &cls), "the message value must only be a record schema"));
    stop(&f);
}

static void test_credentials(void **state)
{
    (void)state;
    static const cd_pair_t info[] = {{"basic.auth.credentials.source", "USER_INFO"},
                                     {"schema.registry.basic.auth.user.info", "me:pw"},
                                     {"request.header.X-Tenant", "7"}};
    fixture_t f;
    start(&f, info, 3);
    add(&f, schema_primitive(f.pool, CD_INT32, false), cd_v_int(CD_INT32, 1));
    encode_all(&f);
    assert_non_null(strstr(f.registry.head, "Authorization: Basic bWU6cHc="));
    assert_non_null(strstr(f.registry.head, "X-Tenant: 7"));
    stop(&f);
    static const cd_pair_t token[] = {{"bearer.auth.credentials.source", "STATIC_TOKEN"}, {"bearer.auth.token", "tok"}};
    start(&f, token, 2);
    add(&f, schema_primitive(f.pool, CD_INT32, false), cd_v_int(CD_INT32, 1));
    encode_all(&f);
    assert_non_null(strstr(f.registry.head, "Authorization: Bearer tok"));
    stop(&f);
}

static void expect_refused(const cd_pair_t *pairs, uint32_t n, const char *want)
{
    cd_ctx_t ctx = {0};
    void *c = NULL;
    const cd_converter_ops_t *ops = avro_converter_plugin.ops;
    cd_err_t *err = ops->configure(&ctx, &(cd_config_t){.n = n, .pairs = pairs}, false, &c);
    assert_non_null(err);
    assert_string_equal(err->message, want);
    cd_err_free(err);
}

static void test_bad_settings(void **state)
{
    (void)state;
    static const cd_pair_t both[] = {{"schema.registry.url", "http://x"},
                                     {"basic.auth.credentials.source", "URL"},
                                     {"bearer.auth.credentials.source", "STATIC_TOKEN"}};
    static const cd_pair_t none[] = {{"schema.registry.url", "http://x"},
                                     {"basic.auth.credentials.source", "USER_INFO"}};
    expect_refused(NULL, 0, "Missing required configuration \"schema.registry.url\" which has no default value.");
    expect_refused(both, 3,
                   "Only one of 'basic.auth.credentials.source' and 'bearer.auth.credentials.source' may be specified");
    expect_refused(none, 2, "UserInfo must be provided when basic.auth.credentials.source is set to USER_INFO");
}

static void test_second_url_is_used_and_kept(void **state)
{
    (void)state;
    fixture_t f;
    uint32_t cls = 0;
    start(&f, NULL, 0);
    char urls[128];
    int dead = fake_http_dead_port();
    (void)snprintf(urls, sizeof(urls), "http://127.0.0.1:%d, http://u:p@127.0.0.1:%d", dead, f.server.port);
    f.ops->close(f.converter);
    cd_pair_t pairs[] = {{"schema.registry.url", urls}, {"retries.wait.ms", "1"}};
    assert_null(f.ops->configure(&f.ctx, &(cd_config_t){.n = 2, .pairs = pairs}, false, &f.converter));
    add(&f, schema_primitive(f.pool, CD_INT32, false), cd_v_int(CD_INT32, 1));
    add(&f, schema_primitive(f.pool, CD_STRING, false), cd_v_str("x"));
    encode_all(&f);
    assert_int_equal(f.server.requests, 2);
    assert_null(strstr(f.registry.head, "Authorization")); /* user info in a URL is only sent when asked for */
    (void)snprintf(urls, sizeof(urls), "http://127.0.0.1:%d", dead);
    f.ops->close(f.converter);
    assert_null(f.ops->configure(&f.ctx, &(cd_config_t){.n = 2, .pairs = pairs}, false, &f.converter));
    const char *text = encode_error(&f, &cls);
    assert_int_equal(cls, CD_ERR_RETRIABLE);
    assert_non_null(strstr(text, "java.net.ConnectException: Connection refused"));
    stop(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_request_per_schema),
        cmocka_unit_test(test_reading_asks_for_schema_and_version),
        cmocka_unit_test(test_bad_payloads),
        cmocka_unit_test(test_registry_errors),
        cmocka_unit_test(test_a_stop_ends_the_retries),
        cmocka_unit_test(test_lookup_without_registering),
        cmocka_unit_test(test_latest_version),
        cmocka_unit_test(test_subjects_by_record_name),
        cmocka_unit_test(test_credentials),
        cmocka_unit_test(test_bad_settings),
        cmocka_unit_test(test_second_url_is_used_and_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
