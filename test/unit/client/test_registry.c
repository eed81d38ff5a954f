/* What of the registry client the converter's tests do not reach: references, metadata, OAuth, TLS settings. */
#include "runtime/client/registry.h"

#include "test/unit/plugins/fake_host.h"
#include "test/unit/plugins/fake_http.h"

static int handler(fake_http_t *s, const char *method, const char *path, const char *head, const char *body,
                   strbuf_t *reply)
{
    uint32_t *tokens = s->arg;
    (void)method;
    if (strcmp(path, "/token") == 0) {
        if (strcmp(body, "grant_type=client_credentials&scope=a%20b") != 0) return 400;
        strbuf_addf(reply, "{\"access_token\":\"tok%u\",\"expires_in\":300}", ++*tokens);
        return 200;
    }
    if (tokens != NULL && strstr(head, "Authorization: Bearer tok1") == NULL) return 401;
    if (strstr(path, "/schemas/ids/1") != NULL) {
        strbuf_adds(reply, "{\"schema\":\"R\",\"references\":[{\"name\":\"B\",\"subject\":\"b\",\"version\":2}]}");
    } else if (strcmp(path, "/subjects/b/versions/2?deleted=true") == 0) {
        /* a circle: c refers back to b */
        strbuf_adds(reply, "{\"schema\":\"B\",\"references\":[{\"name\":\"C\",\"subject\":\"c\",\"version\":1}]}");
    } else if (strcmp(path, "/subjects/c/versions/1?deleted=true") == 0) {
        strbuf_adds(reply, "{\"schema\":\"C\",\"references\":[{\"name\":\"B\",\"subject\":\"b\",\"version\":2}]}");
    } else if (strcmp(path, "/subjects/s/metadata?key=k&value=v%20w&deleted=true") == 0) {
        strbuf_adds(reply, "{\"schema\":\"M\",\"id\":9,\"version\":3,\"schemaType\":\"JSON\"}");
    } else {
        strbuf_adds(reply, "this is not JSON");
    }
    return 200;
}

static void test_references_and_metadata(void **state)
{
    (void)state;
    fake_http_t s;
    cd_ctx_t ctx = {0};
    cd_arena_t arena = {0};
    registry_t *r = NULL;
    registry_schema_t schema = {0};
    char url[64];
    fake_http_start(&s, handler, NULL);
    (void)snprintf(url, sizeof(url), "http://127.0.0.1:%d", s.port);
    cd_pair_t pairs[] = {{"schema.registry.url", url}}, metadata[] = {{"k", "v w"}};
    assert_null(registry_new(&ctx, &(cd_config_t){.n = 1, .pairs = pairs}, &r));
    assert_null(registry_by_id(r, NULL, 1, &arena, &schema));
    assert_int_equal(schema.ndeps, 2);
    assert_string_equal(schema.deps[0], "C"); /* what is referred to comes first */
    assert_string_equal(schema.deps[1], "B");
    assert_string_equal(schema.references, "[{\"name\":\"B\",\"subject\":\"b\",\"version\":2}]");
    assert_null(registry_with_metadata(r, "s", &(cd_config_t){.n = 1, .pairs = metadata}, &arena, &schema));
    assert_true(schema.id == 9 && schema.version == 3);
    assert_string_equal(schema.type, "JSON");
    cd_err_t *err = registry_latest(r, "s", &arena, &schema);
    assert_int_equal(err->cls, CD_ERR_DATA);
    assert_non_null(strstr(err->message, "is not JSON; check that schema.registry.url names a Schema Registry"));
    cd_err_free(err);
    registry_free(r);
    fake_http_stop(&s);
    strbuf_done(&s.log);
    cd_arena_done(&arena);
}

static void test_oauth_token_is_fetched_once(void **state)
{
    (void)state;
    fake_http_t s;
    cd_ctx_t ctx = {0};
    cd_arena_t arena = {0};
    registry_t *r = NULL;
    registry_schema_t schema = {0};
    uint32_t tokens = 0;
    char url[64], issuer[80];
    fake_http_start(&s, handler, &tokens);
    (void)snprintf(url, sizeof(url), "http://127.0.0.1:%d", s.port);
    (void)snprintf(issuer, sizeof(issuer), "%s/token", url);
    cd_pair_t pairs[] = {{"schema.registry.url", url},
                         {"bearer.auth.credentials.source", "OAUTHBEARER"},
                         {"bearer.auth.issuer.endpoint.url", issuer},
                         {"bearer.auth.client.id", "me"},
                         {"bearer.auth.client.secret", "geheim"},
                         {"bearer.auth.scope", "a b"}};
    assert_null(registry_new(&ctx, &(cd_config_t){.n = 6, .pairs = pairs}, &r));
    assert_null(registry_by_id(r, NULL, 1, &arena, &schema));
    assert_null(registry_by_id(r, NULL, 1, &arena, &schema));
    registry_free(r);
    fake_http_stop(&s);
    assert_int_equal(tokens, 1);
    strbuf_done(&s.log);
    cd_arena_done(&arena);
}

static void expect_refused(const cd_pair_t *pairs, uint32_t n, const char *start)
{
    cd_ctx_t ctx = {0};
    registry_t *r = NULL;
    cd_err_t *err = registry_new(&ctx, &(cd_config_t){.n = n, .pairs = pairs}, &r);
    assert_non_null(err);
    assert_int_equal(err->cls, CD_ERR_CONFIG);
    if (strncmp(err->message, start, strlen(start)) != 0) assert_string_equal(err->message, start);
    cd_err_free(err);
}

static void test_refused_settings(void **state)
{
    (void)state;
    static const cd_pair_t jks[] = {{"schema.registry.url", "https://x"},
                                    {"schema.registry.ssl.truststore.location", "/etc/t.jks"}};
    static const cd_pair_t no_scheme[] = {{"schema.registry.url", "localhost:8081"}};
    static const cd_pair_t number[] = {{"schema.registry.url", "http://x"}, {"max.retries", "many"}};
    static const cd_pair_t sasl[] = {{"schema.registry.url", "http://x"},
                                     {"basic.auth.credentials.source", "SASL_INHERIT"},
                                     {"sasl.jaas.config", "x.PlainLoginModule required username=\"u\";"}};
    expect_refused(jks, 2,
                   "schema.registry.ssl.truststore.location is a Java key store, which cannot be read here; convert");
    expect_refused(no_scheme, 1, "schema.registry.url must be a list of http:// or https:// URLs; entry 1 is not");
    expect_refused(number, 2, "Invalid value many for configuration max.retries");
    expect_refused(sasl, 3, "sasl.jaas.config among the converter's settings must name a username and a password");
}

static void test_unchecked_host_name_is_warned_about(void **state)
{
    (void)state;
    static const cd_pair_t plain[] = {{"schema.registry.url", "https://x"}};
    static const cd_pair_t checked[] = {{"schema.registry.url", "https://x"},
                                        {"schema.registry.ssl.endpoint.identification.algorithm", "https"}};
    cd_ctx_t ctx = {0};
    registry_t *r = NULL;
    assert_null(registry_new(&ctx, &(cd_config_t){.n = 1, .pairs = plain}, &r));
    assert_int_equal(ctx.warnings, 1);
    registry_free(r);
    assert_null(registry_new(&ctx, &(cd_config_t){.n = 2, .pairs = checked}, &r));
    assert_int_equal(ctx.warnings, 1);
    registry_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_references_and_metadata),
        cmocka_unit_test(test_oauth_token_is_fetched_once),
        cmocka_unit_test(test_refused_settings),
        cmocka_unit_test(test_unchecked_host_name_is_warned_about),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
