#include "rest/call.h"

#include "rest/server.h"
#include "runtime/base/clock.h"
#include "runtime/base/json.h"
#include "runtime/base/log.h"
#include "runtime/base/mem.h"
#include "runtime/base/str.h"

#define CALL_TIMEOUT_MS 90000u

herder_t *call_herder(const call_t *c)
{
    return rest_herder(c->rest);
}

const validation_env_t *call_env(const call_t *c)
{
    return rest_env(c->rest);
}

/* The timer's handle lives in the call, so the call goes when the handle has closed. */
static void free_call(call_t *c)
{
    cd_arena_done(&c->arena);
    free(c);
}

static void on_timer_closed(uv_handle_t *h)
{
    free_call(h->data);
}

static void call_end(call_t *c)
{
    rest_call_ended(c->rest);
    if (c->in_time)
        uv_close((uv_handle_t *)&c->timer, on_timer_closed);
    else
        free_call(c);
}

/* The call's link from the request is cut before h2o sends, because sending may dispose of the request. */
static void reply(call_t *c, int status, const char *type, const char *body, size_t n)
{
    h2o_req_t *req = c->req;
    if (req != NULL) {
        static h2o_generator_t generator = {NULL, NULL};
        rest_call_detach(c);
        req->res.status = status;
        req->res.reason = rest_reason(status);
        if (rest_is_closing(c->rest)) req->http1_is_persistent = 0;
        h2o_iovec_t out = h2o_strdup(&req->pool, body, n);
        if (type != NULL)
            h2o_add_header(&req->pool, &req->res.headers, H2O_TOKEN_CONTENT_TYPE, NULL, type, strlen(type));
        bool no_body = status == 204 || h2o_memis(req->method.base, req->method.len, H2O_STRLIT("HEAD"));
        req->res.content_length = status == 204 ? SIZE_MAX : n;
        rest_access_log(c->rest, req, status, n);
        h2o_start_response(req, &generator);
        h2o_send(req, &out, no_body || n == 0 ? 0 : 1, H2O_SEND_STATE_FINAL);
    }
    call_end(c);
}

void call_reply_json(call_t *c, int status, json_t *body)
{
    strbuf_t b = {0};
    json_write(body, &b);
    json_decref(body);
    reply(c, status, "application/json", strbuf_str(&b), b.len);
    strbuf_done(&b);
}

void call_reply_empty(call_t *c, int status)
{
    reply(c, status, NULL, "", 0);
}

/* JAX-RS path rules: '/' separates, an escape stays, what is illegal in a path is percent-encoded (01 §2.3). */
static void add_path(strbuf_t *b, const char *name)
{
    for (const char *p = name; *p != '\0'; p++) {
        unsigned char u = (unsigned char)*p;
        bool escape = u == '%' && isxdigit((unsigned char)p[1]) && isxdigit((unsigned char)p[2]);
        if (isalnum(u) || strchr("-._~!$&'()*+,;=:@/", u) != NULL || escape)
            strbuf_addc(b, (char)u);
        else
            strbuf_addf(b, "%%%02X", u);
    }
}

void call_reply_created(call_t *c, const char *name, json_t *body)
{
    if (c->req != NULL) {
        strbuf_t b = {0};
        strbuf_addf(&b, "http://%.*s/connectors/", (int)c->req->authority.len, c->req->authority.base);
        add_path(&b, name);
        h2o_iovec_t v = h2o_strdup(&c->req->pool, b.data, b.len);
        h2o_add_header(&c->req->pool, &c->req->res.headers, H2O_TOKEN_LOCATION, NULL, v.base, v.len);
        strbuf_done(&b);
    }
    call_reply_json(c, 201, body);
}

void call_reply_error(call_t *c, int status, const char *fmt, ...)
{
    va_list args;
    strbuf_t b = {0};
    va_start(args, fmt);
    strbuf_vaddf(&b, fmt, args);
    va_end(args);
    json_t *o = json_object();
    json_t *message = json_stringn(strbuf_str(&b), b.len);
    if (json_object_set_new(o, "error_code", json_integer(status)) != 0 ||
        json_object_set_new(o, "message", message != NULL ? message : json_null()) != 0)
        abort();
    strbuf_done(&b);
    call_reply_json(c, status, o);
}

void call_reply_err(call_t *c, cd_err_t *err)
{
    int status = err->code >= 400 && err->code < 600 ? (int)err->code : 500;
    if (err->code == HERDER_FORWARD) {
        call_reply_error(c, 409,
                         "Cannot complete request momentarily due to no known leader URL, likely because a "
                         "rebalance was underway.");
    } else {
        if (status >= 500) log_err(CD_LOG_ERROR, REST_LOGGER, NULL, "Uncaught exception in REST call", err);
        call_reply_error(c, status, "%s", err->message);
    }
    cd_err_free(err);
}

static void iso_time(int64_t ms, char *out, size_t cap)
{
    time_t secs = (time_t)(ms / 1000);
    struct tm tm;
    char date[32];
    if (gmtime_r(&secs, &tm) == NULL || strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &tm) == 0) date[0] = '\0';
    (void)snprintf(out, cap, "%s.%03dZ", date, (int)(ms % 1000));
}

void rest_stage_text(const herder_t *h, strbuf_t *out)
{
    herder_stage_t s = herder_stage(h);
    char began[48], completed[48];
    if (s.text == NULL) return;
    iso_time(s.began, began, sizeof(began));
    if (s.completed == 0) {
        strbuf_addf(out, "The worker is currently %s, which began at %s.", s.text, began);
    } else {
        iso_time(s.completed, completed, sizeof(completed));
        strbuf_addf(out, "The last operation the worker completed was %s, which began at %s and completed at %s.",
                    s.text, began, completed);
    }
}

static void on_timeout(uv_timer_t *t)
{
    call_t *c = t->data;
    strbuf_t b = {0};
    rest_stage_text(call_herder(c), &b);
    /* The herder's callback still comes and frees the call; its answer then has nowhere to go. */
    h2o_req_t *req = c->req;
    if (req != NULL) {
        rest_call_detach(c);
        rest_reply_text(c->rest, req, 500, b.len > 0 ? "Request timed out. " : "Request timed out", strbuf_str(&b));
    }
    c->req = NULL;
    strbuf_done(&b);
}

void call_wait(call_t *c)
{
    if (c->in_time) return;
    if (uv_timer_init(call_env(c)->loop, &c->timer) != 0 ||
        uv_timer_start(&c->timer, on_timeout, CALL_TIMEOUT_MS, 0) != 0)
        abort(); /* fails only for a missing callback */
    c->timer.data = c;
    c->in_time = true;
}

const char *call_decode(cd_arena_t *arena, const char *s, size_t n)
{
    char *out = cd_arena_alloc(arena, n + 1);
    size_t m = 0;
    for (size_t i = 0; i < n; i++) {
        if (s[i] != '%') {
            out[m++] = s[i];
            continue;
        }
        if (i + 2 >= n || !isxdigit((unsigned char)s[i + 1]) || !isxdigit((unsigned char)s[i + 2])) return NULL;
        char hex[3] = {s[i + 1], s[i + 2], '\0'};
        long v = strtol(hex, NULL, 16);
        if (v == 0) return NULL;
        out[m++] = (char)v;
        i += 2;
    }
    out[m] = '\0';
    return out;
}

cd_list_t call_params(call_t *c, const char *name)
{
    const char *found[32];
    uint32_t n = 0;
    size_t len = strlen(name);
    for (const char *p = c->query; *p != '\0' && n < 32;) {
        size_t part = strcspn(p, "&");
        if (part >= len && strncmp(p, name, len) == 0 && (part == len || p[len] == '=')) {
            const char *v = part == len ? "" : call_decode(&c->arena, p + len + 1, part - len - 1);
            if (v != NULL) found[n++] = v;
        }
        p += part + (p[part] == '&');
    }
    const char **items = cd_arena_array(&c->arena, const char *, n);
    if (n > 0) memcpy(items, found, n * sizeof(*items));
    return (cd_list_t){.n = n, .items = items};
}

const char *call_param(call_t *c, const char *name)
{
    cd_list_t all = call_params(c, name);
    return all.n > 0 ? all.items[0] : NULL;
}

bool call_param_bool(call_t *c, const char *name, bool dflt)
{
    const char *v = call_param(c, name);
    return str_empty(v) ? dflt : strcasecmp(v, "true") == 0;
}

static cd_err_t *bad_json(const json_error_t *at)
{
    enum json_error_code code = json_error_code(at);
    bool ended = code == json_error_premature_end_of_input;
    cd_err_t *err =
        cd_err_new(CD_ERR_DATA, "com.fasterxml.jackson.core.JsonParseException",
                   "%s: the request body is not valid JSON (%s at line %d, column %d)",
                   ended ? "Unexpected end-of-input" : "Unexpected character", at->text, at->line, at->column);
    err->code = 500;
    return err;
}

cd_err_t *call_body_object(call_t *c, json_t **ret_object)
{
    json_error_t at;
    cd_err_t *err;
    if (c->body.len == 0) {
        err = cd_err_new(CD_ERR_DATA, CD_JVM_CONNECT, "The request needs a JSON object as its body, but it has none");
        err->code = 500;
        return err;
    }
    json_t *v = json_loadb((const char *)c->body.ptr, c->body.len, JSON_DECODE_ANY, &at);
    if (v == NULL) return bad_json(&at);
    if (json_is_object(v)) {
        *ret_object = v;
        return NULL;
    }
    json_decref(v);
    err = cd_err_new(CD_ERR_DATA, "com.fasterxml.jackson.databind.exc.MismatchedInputException",
                     "Cannot deserialize value of the request body: a JSON object is expected");
    err->code = 500;
    return err;
}

cd_err_t *call_body_config(call_t *c, cd_config_t *ret_config)
{
    json_t *object = NULL;
    cd_err_t *err = call_body_object(c, &object);
    if (err != NULL) return err;
    err = json_to_config(object, &c->arena, ret_config);
    json_decref(object);
    if (err == NULL) return NULL;
    err = cd_err_wrap(err, CD_ERR_DATA, "com.fasterxml.jackson.databind.exc.MismatchedInputException",
                      "Cannot deserialize value of type `java.lang.String`: %s", err->message);
    err->code = 500;
    return err;
}
