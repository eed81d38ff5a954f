#include "runtime/client/http.h"

#include <curl/curl.h>

#define DEFAULT_MAX_BODY ((size_t)16 * 1024 * 1024)
#define STOP_POLL_MS     200

struct http_client {
    CURL *easy;
    CURLM *multi;
    cd_arena_t arena; /* copies of the option strings */
    size_t max_body;
    bool (*stopping)(void *arg);
    void *stop_arg;
    int stop_fd;
    char error[CURL_ERROR_SIZE];
};

typedef struct body {
    char *data;
    size_t len, cap, max;
    bool too_long;
} body_t;

static const char *keep(http_client_t *c, const char *s)
{
    return s != NULL ? cd_arena_strdup(&c->arena, s) : NULL;
}

static bool is_pkcs12(const char *file)
{
    const char *dot = strrchr(file, '.');
    return dot != NULL && (strcmp(dot, ".p12") == 0 || strcmp(dot, ".pfx") == 0);
}

static CURLcode set_blob(CURL *easy, CURLoption option, const char *text)
{
    struct curl_blob blob = {.data = (void *)(uintptr_t)text, .len = strlen(text), .flags = CURL_BLOB_COPY};
    return curl_easy_setopt(easy, option, &blob);
}

static CURLcode set_tls(http_client_t *c, const http_options_t *o)
{
    CURL *e = c->easy;
    CURLcode rc = curl_easy_setopt(e, CURLOPT_SSL_VERIFYPEER, o->tls_verify_peer ? 1L : 0L);
    if (rc == CURLE_OK) rc = curl_easy_setopt(e, CURLOPT_SSL_VERIFYHOST, o->tls_verify_host ? 2L : 0L);
    if (rc == CURLE_OK && o->ca_file != NULL) rc = curl_easy_setopt(e, CURLOPT_CAINFO, keep(c, o->ca_file));
    if (rc == CURLE_OK && o->ca_pem != NULL) rc = set_blob(e, CURLOPT_CAINFO_BLOB, o->ca_pem);
    if (rc == CURLE_OK && o->cert_file != NULL) {
        rc = curl_easy_setopt(e, CURLOPT_SSLCERT, keep(c, o->cert_file));
        if (rc == CURLE_OK && is_pkcs12(o->cert_file)) rc = curl_easy_setopt(e, CURLOPT_SSLCERTTYPE, "P12");
    }
    if (rc == CURLE_OK && o->cert_pem != NULL) rc = set_blob(e, CURLOPT_SSLCERT_BLOB, o->cert_pem);
    if (rc == CURLE_OK && o->key_file != NULL) rc = curl_easy_setopt(e, CURLOPT_SSLKEY, keep(c, o->key_file));
    if (rc == CURLE_OK && o->key_pem != NULL) rc = set_blob(e, CURLOPT_SSLKEY_BLOB, o->key_pem);
    if (rc == CURLE_OK && o->key_password != NULL)
        rc = curl_easy_setopt(e, CURLOPT_KEYPASSWD, keep(c, o->key_password));
    return rc;
}

cd_err_t *http_client_new(const http_options_t *o, http_client_t **ret_client)
{
    /* counted and thread safe since curl 7.84; never undone, because other users of the process share it */
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return cd_err_new(CD_ERR_FATAL, CD_JVM_CONNECT, "libcurl could not be initialised");
    http_client_t *c = (http_client_t *)calloc(1, sizeof(*c));
    if (c == NULL) abort();
    c->easy = curl_easy_init();
    c->multi = curl_multi_init();
    if (c->easy == NULL || c->multi == NULL) abort();
    c->max_body = o->max_body > 0 ? o->max_body : DEFAULT_MAX_BODY;
    c->stopping = o->stopping;
    c->stop_arg = o->stop_arg;
    c->stop_fd = o->stop_fd > 0 ? o->stop_fd : -1;
    CURL *e = c->easy;
    CURLcode rc = curl_easy_setopt(e, CURLOPT_ERRORBUFFER, c->error);
    if (rc == CURLE_OK) rc = curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
    if (rc == CURLE_OK) rc = curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
    if (rc == CURLE_OK) rc = curl_easy_setopt(e, CURLOPT_TCP_KEEPALIVE, 1L);
    if (rc == CURLE_OK) rc = curl_easy_setopt(e, CURLOPT_PROXY, ""); /* no proxy from the environment, as in Java */
    if (rc == CURLE_OK && o->connect_timeout_ms > 0)
        rc = curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, (long)o->connect_timeout_ms);
    if (rc == CURLE_OK && o->read_timeout_ms > 0)
        rc = curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, (long)(o->connect_timeout_ms + o->read_timeout_ms));
    if (rc == CURLE_OK && o->proxy_host != NULL && o->proxy_host[0] != '\0' && o->proxy_port > 0) {
        rc = curl_easy_setopt(e, CURLOPT_PROXY, keep(c, o->proxy_host));
        if (rc == CURLE_OK) rc = curl_easy_setopt(e, CURLOPT_PROXYPORT, (long)o->proxy_port);
    }
    if (rc == CURLE_OK) rc = set_tls(c, o);
    if (rc != CURLE_OK) {
        http_client_free(c);
        return cd_err_new(CD_ERR_CONFIG, CD_JVM_CONFIG, "the HTTP client could not be set up: %s",
                          curl_easy_strerror(rc));
    }
    *ret_client = c;
    return NULL;
}

void http_client_free(http_client_t *c)
{
    if (c == NULL) return;
    curl_easy_cleanup(c->easy);
    (void)curl_multi_cleanup(c->multi);
    cd_arena_done(&c->arena);
    free(c);
}

void http_response_done(http_response_t *r)
{
    free(r->body);
    *r = (http_response_t){0};
}

static size_t on_body(char *data, size_t size, size_t n, void *arg)
{
    body_t *b = (body_t *)arg;
    size_t len = size * n;
    if (len > b->max - b->len) {
        b->too_long = true;
        return 0;
    }
    if (b->cap - b->len < len + 1) {
        size_t cap = (b->cap + len + 512) * 2;
        char *grown = (char *)realloc(b->data, cap);
        if (grown == NULL) return 0;
        b->data = grown;
        b->cap = cap;
    }
    memcpy(b->data + b->len, data, len);
    b->len += len;
    b->data[b->len] = '\0';
    return len;
}

/** The URL for messages: without user info and query, which may hold secrets. */
static void printable_url(const char *url, char *out, size_t size)
{
    const char *host = strstr(url, "://");
    host = host != NULL ? host + 3 : url;
    size_t authority = strcspn(host, "/?#");
    const char *at = NULL;
    for (size_t i = 0; i < authority; i++)
        if (host[i] == '@') at = host + i + 1;
    const char *start = at != NULL ? at : host;
    (void)snprintf(out, size, "%.*s%.*s", (int)(host - url), url, (int)strcspn(start, "?#"), start);
}

static cd_err_t *transport_error(const http_client_t *c, CURLcode rc, const body_t *body, const char *url)
{
    char where[300];
    printable_url(url, where, sizeof(where));
    if (body->too_long)
        return cd_err_new(CD_ERR_DATA, HTTP_JVM_IO, "the reply of %s is longer than %zu bytes", where, c->max_body);
    long os_errno = 0;
    const char *jvm = HTTP_JVM_IO, *what = c->error[0] != '\0' ? c->error : curl_easy_strerror(rc);
    switch (rc) {
    case CURLE_COULDNT_CONNECT:
        jvm = HTTP_JVM_CONNECT;
        (void)curl_easy_getinfo(c->easy, CURLINFO_OS_ERRNO, &os_errno);
        if (os_errno != 0) what = strerror((int)os_errno); /* "Connection refused", as Java says it */
        break;
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
        jvm = HTTP_JVM_UNKNOWN_HOST;
        break;
    case CURLE_OPERATION_TIMEDOUT:
        jvm = HTTP_JVM_TIMEOUT;
        break;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CIPHER:
        jvm = HTTP_JVM_TLS;
        break;
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
        return cd_err_new(CD_ERR_CONFIG, CD_JVM_CONFIG, "'%s' is not an http or https URL", where);
    default:
        break;
    }
    return cd_err_new(CD_ERR_RETRIABLE, jvm, "%s (%s)", what, where);
}

/** Drive the transfer; STOPPED when asked to. */
static cd_err_t *drive(http_client_t *c, CURLcode *ret_code)
{
    for (;;) {
        int running = 0;
        if (curl_multi_perform(c->multi, &running) != CURLM_OK)
            return cd_err_new(CD_ERR_RETRIABLE, HTTP_JVM_IO, "the HTTP transfer could not be driven");
        int left = 0;
        for (CURLMsg *m = curl_multi_info_read(c->multi, &left); m != NULL; m = curl_multi_info_read(c->multi, &left)) {
            if (m->msg != CURLMSG_DONE) continue;
            *ret_code = m->data.result;
            return NULL;
        }
        if (c->stopping != NULL && c->stopping(c->stop_arg))
            return cd_err_new(CD_ERR_STOPPED, HTTP_JVM_IO, "an HTTP request was given up because of a stop");
        struct curl_waitfd extra = {.fd = c->stop_fd, .events = CURL_WAIT_POLLIN};
        unsigned n = c->stop_fd >= 0 ? 1 : 0;
        int timeout_ms = c->stopping != NULL && n == 0 ? STOP_POLL_MS : 1000;
        if (curl_multi_poll(c->multi, n > 0 ? &extra : NULL, n, timeout_ms, NULL) != CURLM_OK)
            return cd_err_new(CD_ERR_RETRIABLE, HTTP_JVM_IO, "waiting for an HTTP reply failed");
    }
}

cd_err_t *http_perform(http_client_t *c, const http_request_t *q, http_response_t *ret_response)
{
    CURL *e = c->easy;
    body_t body = {.max = c->max_body};
    struct curl_slist *headers = NULL;
    cd_err_t *err = NULL;
    c->error[0] = '\0';
    for (uint32_t i = 0; q->headers != NULL && q->headers[i] != NULL; i++) {
        struct curl_slist *more = curl_slist_append(headers, q->headers[i]);
        if (more == NULL) abort();
        headers = more;
    }
    bool post = q->body != NULL;
    CURLcode rc = curl_easy_setopt(e, CURLOPT_URL, q->url);
    if (rc == CURLE_OK) rc = curl_easy_setopt(e, post ? CURLOPT_POST : CURLOPT_HTTPGET, 1L);
    if (rc == CURLE_OK && post) rc = curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)q->body_len);
    if (rc == CURLE_OK && post) rc = curl_easy_setopt(e, CURLOPT_POSTFIELDS, q->body);
    if (rc == CURLE_OK) rc = curl_easy_setopt(e, CURLOPT_CUSTOMREQUEST, q->method);
    if (rc == CURLE_OK) rc = curl_easy_setopt(e, CURLOPT_HTTPHEADER, headers);
    if (rc == CURLE_OK) rc = curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_body);
    if (rc == CURLE_OK) rc = curl_easy_setopt(e, CURLOPT_WRITEDATA, &body);
    long auth = q->basic != NULL    ? (long)CURLAUTH_BASIC
                : q->bearer != NULL ? (long)CURLAUTH_BEARER
                                    : (long)CURLAUTH_NONE;
    if (rc == CURLE_OK) rc = curl_easy_setopt(e, CURLOPT_HTTPAUTH, auth);
    /* set or clear: an empty user would otherwise be taken from the URL, which Java does not send either */
    if (rc == CURLE_OK) rc = curl_easy_setopt(e, CURLOPT_USERPWD, q->basic);
    if (rc == CURLE_OK) rc = curl_easy_setopt(e, CURLOPT_XOAUTH2_BEARER, q->bearer);
    if (rc != CURLE_OK) {
        err = transport_error(c, rc, &body, q->url);
        goto out;
    }
    if (curl_multi_add_handle(c->multi, e) != CURLM_OK) {
        err = cd_err_new(CD_ERR_RETRIABLE, HTTP_JVM_IO, "the HTTP request could not be started");
        goto out;
    }
    err = drive(c, &rc);
    (void)curl_multi_remove_handle(c->multi, e);
    if (err != NULL) goto out;
    if (rc != CURLE_OK) {
        err = transport_error(c, rc, &body, q->url);
        goto out;
    }
    long status = 0;
    (void)curl_easy_getinfo(e, CURLINFO_RESPONSE_CODE, &status);
    if (body.data == NULL) {
        body.data = (char *)calloc(1, 1);
        if (body.data == NULL) abort();
    }
    *ret_response = (http_response_t){.status = (int)status, .body = body.data, .len = body.len};
    body.data = NULL;
out:
    (void)curl_easy_setopt(e, CURLOPT_HTTPHEADER, NULL);
    curl_slist_free_all(headers);
    free(body.data);
    return err;
}

static const char *encode(cd_arena_t *arena, const char *text, const char *plain)
{
    static const char hex[] = "0123456789ABCDEF";
    char *out = (char *)cd_arena_alloc(arena, strlen(text) * 3 + 1), *o = out;
    for (const unsigned char *p = (const unsigned char *)text; *p != '\0'; p++) {
        bool keep_it = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || (*p >= '0' && *p <= '9') ||
                       strchr(plain, *p) != NULL;
        if (keep_it) {
            *o++ = (char)*p;
        } else {
            *o++ = '%';
            *o++ = hex[*p >> 4];
            *o++ = hex[*p & 15];
        }
    }
    *o = '\0';
    return out;
}

const char *http_encode_segment(cd_arena_t *arena, const char *text)
{
    return encode(arena, text, "-._~@:!$&'()*+,;=");
}

const char *http_encode_query(cd_arena_t *arena, const char *text)
{
    return encode(arena, text, "-._*");
}

const char *http_join(cd_arena_t *arena, const char *base, const char *path)
{
    size_t n = strlen(base);
    if (n > 0 && base[n - 1] == '/') n--;
    if (path[0] == '/') path++;
    return cd_arena_printf(arena, "%.*s/%s", (int)n, base, path);
}
