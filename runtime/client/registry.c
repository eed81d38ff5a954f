#include "runtime/client/registry.h"

#include "runtime/base/clock.h"
#include "runtime/base/json.h"
#include "runtime/base/mem.h"
#include "runtime/base/str.h"
#include "runtime/client/http.h"
#include "runtime/client/registry_auth.h"

#define LOGGER         "io.confluent.kafka.schemaregistry.client.rest.RestService"
#define MAX_URLS       64
#define MAX_HEADERS    64
#define MAX_REFERENCES 256
#define MEDIA_TYPE     "application/vnd.schemaregistry.v1+json"

typedef struct base_url {
    const char *url;      /* without user info */
    const char *userinfo; /* "user:password" as written, or NULL */
} base_url_t;

struct registry {
    cd_ctx_t *ctx;
    cd_arena_t arena;
    http_client_t *http;
    registry_auth_t auth;
    base_url_t urls[MAX_URLS];
    uint32_t nurls, current; /* current: the last one that answered */
    const char *headers[MAX_HEADERS + 1];
    uint32_t nheaders;
    int64_t max_retries, wait_ms, max_wait_ms;
    uint32_t random;
};

static bool is_stopping(void *arg)
{
    return cd_host->stopping((cd_ctx_t *)arg);
}

static cd_err_t *number_setting(const cd_config_t *config, const char *name, int64_t dflt, int64_t max,
                                int64_t *ret_value)
{
    const char *text = registry_setting(config, name);
    *ret_value = dflt;
    if (str_empty(text)) return NULL;
    char *end = NULL;
    long long v = strtoll(text, &end, 10);
    if (*end != '\0' || v < -1 || v > max)
        return cd_err_new(CD_ERR_CONFIG, CD_JVM_CONFIG,
                          "Invalid value %s for configuration %s: Not a number of type INT in its range", text, name);
    *ret_value = v;
    return NULL;
}

static cd_err_t *read_urls(registry_t *r, const cd_config_t *config)
{
    const char *text = cd_config_get(config, "schema.registry.url");
    if (text == NULL)
        return cd_err_new(CD_ERR_CONFIG, CD_JVM_CONFIG,
                          "Missing required configuration \"schema.registry.url\" which has no default value.");
    cd_list_t list = str_split_list(text, &r->arena);
    for (uint32_t i = 0; i < list.n && r->nurls < MAX_URLS; i++) {
        const char *url = list.items[i];
        if (url[0] == '\0') continue;
        if (!str_starts(url, "http://") && !str_starts(url, "https://"))
            return cd_err_new(CD_ERR_CONFIG, CD_JVM_CONFIG,
                              "schema.registry.url must be a list of http:// or https:// URLs; entry %u is not", i + 1);
        const char *host = strstr(url, "://") + 3;
        const char *at = NULL;
        for (const char *p = host; *p != '\0' && *p != '/' && *p != '?'; p++)
            if (*p == '@') at = p;
        base_url_t *u = &r->urls[r->nurls++];
        if (at == NULL) {
            *u = (base_url_t){.url = url};
        } else {
            u->userinfo = cd_arena_strndup(&r->arena, host, (size_t)(at - host));
            u->url = cd_arena_printf(&r->arena, "%.*s%s", (int)(host - url), url, at + 1);
        }
    }
    if (r->nurls == 0)
        return cd_err_new(CD_ERR_CONFIG, CD_JVM_CONFIG,
                          "Missing required configuration \"schema.registry.url\" which has no default value.");
    const char *shuffle = registry_setting(config, "url.randomize");
    if (shuffle != NULL && strcasecmp(shuffle, "true") == 0) r->current = r->random % r->nurls;
    return NULL;
}

static void add_header(registry_t *r, const char *name, const char *value)
{
    /* a line break in a value would let a setting forge further headers */
    if (r->nheaders < MAX_HEADERS && strpbrk(value, "\r\n") == NULL)
        r->headers[r->nheaders++] = cd_arena_printf(&r->arena, "%s: %s", name, value);
}

static void read_headers(registry_t *r, const cd_config_t *config)
{
    add_header(r, "Content-Type", MEDIA_TYPE);
    add_header(r, "Accept", MEDIA_TYPE ", application/vnd.schemaregistry+json, application/json");
    for (uint32_t i = 0; i < config->n; i++) {
        const char *name = config->pairs[i].name, *value = config->pairs[i].value;
        if (str_starts(name, "schema.registry.")) name += strlen("schema.registry.");
        if (str_starts(name, "request.header.") && value != NULL)
            add_header(r, name + strlen("request.header."), value);
    }
    const char *cluster = registry_setting(config, "bearer.auth.logical.cluster");
    const char *pool = registry_setting(config, "bearer.auth.identity.pool.id");
    if (cluster != NULL) add_header(r, "target-sr-cluster", cluster);
    if (pool != NULL) add_header(r, "Confluent-Identity-Pool-Id", pool);
}

static cd_err_t *make_http(registry_t *r, const cd_config_t *config)
{
    http_options_t o = {.stopping = is_stopping, .stop_arg = r->ctx, .stop_fd = cd_host->stop_fd(r->ctx)};
    int64_t port = -1;
    cd_err_t *err = number_setting(config, "http.connect.timeout.ms", 60000, INT32_MAX, &o.connect_timeout_ms);
    if (err == NULL) err = number_setting(config, "http.read.timeout.ms", 60000, INT32_MAX, &o.read_timeout_ms);
    if (err == NULL) err = number_setting(config, "proxy.port", -1, 65535, &port);
    if (err == NULL) err = registry_tls_read(config, &r->arena, &o);
    if (err != NULL) return err;
    o.proxy_host = registry_setting(config, "proxy.host");
    o.proxy_port = (int32_t)port;
    bool tls = false;
    for (uint32_t i = 0; i < r->nurls; i++) tls = tls || str_starts(r->urls[i].url, "https://");
    if (tls && !o.tls_verify_host)
        cd_log(r->ctx, CD_LOG_WARN, LOGGER,
               "The host name of the Schema Registry's certificate is not checked (as in the Java client); set "
               "schema.registry.ssl.endpoint.identification.algorithm=https to check it");
    return http_client_new(&o, &r->http);
}

cd_err_t *registry_new(cd_ctx_t *ctx, const cd_config_t *config, registry_t **ret_registry)
{
    registry_t *r = mem_new0(registry_t);
    r->ctx = ctx;
    r->random = (uint32_t)clock_mono_ns() ^ (uint32_t)(uintptr_t)r;
    cd_err_t *err = read_urls(r, config);
    if (err == NULL) err = registry_auth_read(config, &r->arena, &r->auth);
    if (err == NULL) err = number_setting(config, "max.retries", 3, 1000, &r->max_retries);
    if (err == NULL) err = number_setting(config, "retries.wait.ms", 1000, 3600000, &r->wait_ms);
    if (err == NULL) err = number_setting(config, "retries.max.wait.ms", 20000, 3600000, &r->max_wait_ms);
    if (err == NULL) err = make_http(r, config);
    if (err != NULL) goto out;
    read_headers(r, config);
    *ret_registry = r;
    r = NULL;
out:
    registry_free(r);
    return err;
}

void registry_free(registry_t *r)
{
    if (r == NULL) return;
    registry_auth_done(&r->auth);
    http_client_free(r->http);
    cd_arena_done(&r->arena);
    free(r);
}

static bool worth_retrying(int status)
{
    return status == 408 || status == 429 || (status >= 500 && status <= 504 && status != 501);
}

/** The registry's own words for an error status. */
static cd_err_t *status_error(int status, const http_response_t *response)
{
    json_t *reply = NULL;
    cd_err_free(json_parse(response->body, response->len, &reply));
    const json_t *code = json_object_get(reply, "error_code");
    const char *message = json_string_value(json_object_get(reply, "message"));
    long long error_code = json_is_integer(code) ? json_integer_value(code) : 50005;
    if (message == NULL) message = json_is_integer(code) ? "Error" : response->len > 0 ? response->body : "Error";
    const char *jvm = REGISTRY_JVM_REST;
    if (status == 401) jvm = "org.apache.kafka.common.errors.AuthenticationException";
    if (status == 403) jvm = "org.apache.kafka.common.errors.AuthorizationException";
    cd_err_t *err = cd_err_new(worth_retrying(status) ? CD_ERR_RETRIABLE : CD_ERR_DATA, jvm,
                               "%.4000s; error code: %lld", message, error_code);
    err->code = (uint32_t)status;
    json_decref(reply);
    return err;
}

/** One round over the URLs, beginning with the one that answered last. NULL and *ret_reply, or why none answered. */
static cd_err_t *one_round(registry_t *r, const char *method, const char *path, const char *body, json_t **ret_reply)
{
    cd_arena_t arena = {0};
    cd_err_t *err = NULL;
    for (uint32_t i = 0; i < r->nurls; i++) {
        uint32_t at = (r->current + i) % r->nurls;
        http_response_t response = {0};
        http_request_t q = {.method = method,
                            .url = http_join(&arena, r->urls[at].url, path),
                            .headers = r->headers,
                            .body = body,
                            .body_len = body != NULL ? strlen(body) : 0};
        cd_err_free(err);
        err = registry_auth_apply(&r->auth, r->http, r->urls[at].userinfo, &q);
        if (err == NULL) err = http_perform(r->http, &q, &response);
        if (err == NULL && (response.status == 200 || response.status == 207)) {
            err = json_parse(response.body, response.len, ret_reply);
            if (err != NULL)
                err = cd_err_wrap(err, CD_ERR_DATA, REGISTRY_JVM_REST,
                                  "the registry's answer is not JSON; check that "
                                  "schema.registry.url names a Schema Registry");
        } else if (err == NULL) {
            err = status_error(response.status, &response);
        }
        http_response_done(&response);
        if (!cd_err_is(err, CD_ERR_RETRIABLE)) {
            if (err == NULL) r->current = at;
            break;
        }
    }
    cd_arena_done(&arena);
    return err;
}

static cd_err_t *request(registry_t *r, const char *method, const char *path, const char *body, json_t **ret_reply)
{
    for (int64_t attempt = 0;; attempt++) {
        cd_err_t *err = one_round(r, method, path, body, ret_reply);
        if (!cd_err_is(err, CD_ERR_RETRIABLE) || attempt >= r->max_retries) return err;
        int64_t top = attempt < 20 ? r->wait_ms << attempt : r->max_wait_ms;
        if (top > r->max_wait_ms) top = r->max_wait_ms;
        r->random = r->random * 1664525u + 1013904223u;
        int64_t wait_ms = top > 0 ? 1 + (int64_t)(r->random >> 8) % top : 0;
        cd_log(r->ctx, CD_LOG_WARN, LOGGER, "The Schema Registry did not answer (%s), retrying in %lld ms",
               err->message, (long long)wait_ms);
        if (cd_host->wait(r->ctx, wait_ms)) {
            cd_err_t *stopped = cd_err_wrap(err, CD_ERR_STOPPED, CD_JVM_RETRIABLE, "given up because of a stop");
            return stopped;
        }
        cd_err_free(err);
    }
}

static cd_err_t *bad_answer(const char *what)
{
    return cd_err_new(CD_ERR_DATA, REGISTRY_JVM_REST, "the registry's answer has no usable '%s'", what);
}

static void schema_body(const char *text, const char *references, strbuf_t *out)
{
    strbuf_addc(out, '{');
    if (references != NULL) strbuf_addf(out, "\"references\":%s,", references);
    strbuf_adds(out, "\"schema\":");
    json_write_str(text, strlen(text), out);
    strbuf_addc(out, '}');
}

cd_err_t *registry_register(registry_t *r, const char *subject, const char *text, bool normalize, int32_t *ret_id)
{
    cd_arena_t arena = {0};
    strbuf_t body = {0};
    json_t *reply = NULL;
    schema_body(text, NULL, &body);
    const char *path = cd_arena_printf(&arena, "subjects/%s/versions?normalize=%s",
                                       http_encode_segment(&arena, subject), normalize ? "true" : "false");
    cd_err_t *err = request(r, "POST", path, strbuf_str(&body), &reply);
    if (err != NULL) goto out;
    const json_t *id = json_object_get(reply, "id");
    if (!json_is_integer(id) || json_integer_value(id) < 0 || json_integer_value(id) > INT32_MAX) {
        err = bad_answer("id");
        goto out;
    }
    *ret_id = (int32_t)json_integer_value(id);
out:
    json_decref(reply);
    strbuf_done(&body);
    cd_arena_done(&arena);
    return err;
}

cd_err_t *registry_lookup(registry_t *r, const char *subject, const char *text, const char *references, bool normalize,
                          bool deleted, int32_t *ret_id, int32_t *ret_version)
{
    cd_arena_t arena = {0};
    strbuf_t body = {0};
    json_t *reply = NULL;
    schema_body(text, references, &body);
    const char *path =
        cd_arena_printf(&arena, "subjects/%s?normalize=%s&deleted=%s", http_encode_segment(&arena, subject),
                        normalize ? "true" : "false", deleted ? "true" : "false");
    cd_err_t *err = request(r, "POST", path, strbuf_str(&body), &reply);
    if (err != NULL) goto out;
    const json_t *id = json_object_get(reply, "id"), *version = json_object_get(reply, "version");
    if (!json_is_integer(id) || !json_is_integer(version)) {
        err = bad_answer("version");
        goto out;
    }
    *ret_id = (int32_t)json_integer_value(id);
    *ret_version = (int32_t)json_integer_value(version);
out:
    json_decref(reply);
    strbuf_done(&body);
    cd_arena_done(&arena);
    return err;
}

/** Texts of referenced schemas, each once and after its own references. */
typedef struct deps {
    uint32_t n, seen_n;
    const char *texts[MAX_REFERENCES];
    const char *seen[MAX_REFERENCES];
} deps_t;

static cd_err_t *add_references(registry_t *r, const json_t *references, deps_t *deps, cd_arena_t *arena)
{
    for (size_t i = 0; i < json_array_size(references); i++) {
        const json_t *reference = json_array_get(references, i);
        const char *subject = json_string_value(json_object_get(reference, "subject"));
        const json_t *version = json_object_get(reference, "version");
        if (subject == NULL || !json_is_integer(version)) return bad_answer("references");
        const char *path = cd_arena_printf(arena, "subjects/%s/versions/%lld?deleted=true",
                                           http_encode_segment(arena, subject), (long long)json_integer_value(version));
        bool known = false;
        for (uint32_t k = 0; k < deps->seen_n; k++) known = known || strcmp(deps->seen[k], path) == 0;
        if (known) continue;
        if (deps->seen_n == MAX_REFERENCES) return bad_answer("references (more than 256)");
        deps->seen[deps->seen_n++] = path; /* before the recursion: a circle of references ends here */
        json_t *reply = NULL;
        cd_err_t *err = request(r, "GET", path, NULL, &reply);
        const char *text = err == NULL ? json_string_value(json_object_get(reply, "schema")) : NULL;
        if (err == NULL && text == NULL) err = bad_answer("schema");
        if (err == NULL) err = add_references(r, json_object_get(reply, "references"), deps, arena);
        if (err == NULL && text != NULL) deps->texts[deps->n++] = cd_arena_strdup(arena, text);
        json_decref(reply);
        if (err != NULL) return err;
    }
    return NULL;
}

/** GET a path that answers a schema. */
static cd_err_t *get_schema(registry_t *r, const char *path, cd_arena_t *arena, registry_schema_t *ret_schema)
{
    json_t *reply = NULL;
    deps_t *deps = NULL;
    cd_err_t *err = request(r, "GET", path, NULL, &reply);
    if (err != NULL) goto out;
    const char *text = json_string_value(json_object_get(reply, "schema"));
    const char *type = json_string_value(json_object_get(reply, "schemaType"));
    const json_t *references = json_object_get(reply, "references");
    if (text == NULL) {
        err = bad_answer("schema");
        goto out;
    }
    registry_schema_t s = {.id = (int32_t)json_integer_value(json_object_get(reply, "id")),
                           .version = (int32_t)json_integer_value(json_object_get(reply, "version")),
                           .type = cd_arena_strdup(arena, type != NULL ? type : "AVRO"),
                           .text = cd_arena_strdup(arena, text)};
    if (json_array_size(references) > 0) {
        strbuf_t b = {0};
        json_write(references, &b);
        s.references = cd_arena_strdup(arena, strbuf_str(&b));
        strbuf_done(&b);
        deps = mem_new0(deps_t);
        err = add_references(r, references, deps, arena);
        if (err != NULL) goto out;
        const char **texts = cd_arena_array(arena, const char *, deps->n);
        memcpy(texts, deps->texts, deps->n * sizeof(*texts));
        s.deps = texts;
        s.ndeps = deps->n;
    }
    *ret_schema = s;
out:
    free(deps);
    json_decref(reply);
    return err;
}

cd_err_t *registry_by_id(registry_t *r, const char *subject, int32_t id, cd_arena_t *arena,
                         registry_schema_t *ret_schema)
{
    const char *path = cd_arena_printf(arena, "schemas/ids/%u?fetchMaxId=false", (uint32_t)id);
    if (subject != NULL) path = cd_arena_printf(arena, "%s&subject=%s", path, http_encode_query(arena, subject));
    cd_err_t *err = get_schema(r, path, arena, ret_schema);
    if (err == NULL) ret_schema->id = id;
    return err;
}

cd_err_t *registry_latest(registry_t *r, const char *subject, cd_arena_t *arena, registry_schema_t *ret_schema)
{
    const char *path = cd_arena_printf(arena, "subjects/%s/versions/latest", http_encode_segment(arena, subject));
    return get_schema(r, path, arena, ret_schema);
}

cd_err_t *registry_with_metadata(registry_t *r, const char *subject, const cd_config_t *metadata, cd_arena_t *arena,
                                 registry_schema_t *ret_schema)
{
    strbuf_t b = {0};
    strbuf_addf(&b, "subjects/%s/metadata?", http_encode_segment(arena, subject));
    for (uint32_t i = 0; i < metadata->n; i++) {
        strbuf_addf(&b, "key=%s&value=", http_encode_query(arena, metadata->pairs[i].name));
        strbuf_addf(&b, "%s&", http_encode_query(arena, metadata->pairs[i].value));
    }
    strbuf_adds(&b, "deleted=true");
    cd_err_t *err = get_schema(r, strbuf_str(&b), arena, ret_schema);
    strbuf_done(&b);
    return err;
}
