#include "rest/server.h"

#include "rest/routes.h"
#include "runtime/base/clock.h"
#include "runtime/base/log.h"
#include "runtime/base/mem.h"
#include "runtime/base/str.h"

#include <errno.h>

#define REST_LISTENERS_MAX 16u
#define LISTEN_BACKLOG     511

typedef struct listener {
    uv_tcp_t tcp;
    rest_t *rest;
    bool admin; /* serves the admin resources; see rest_listener_serves */
    bool main;
} listener_t;

struct rest {
    uv_loop_t *loop;
    const worker_config_t *worker;
    const validation_env_t *env;
    herder_t *herder;
    h2o_globalconf_t config;
    h2o_context_t ctx;
    h2o_accept_ctx_t accept, accept_admin;
    listener_t *listeners[REST_LISTENERS_MAX];
    uint32_t nlisteners, in_flight;
    uint16_t port;
    bool serving, closing;
};

/* A handler knows its server, and whether it stands behind the main or the admin listener. */
typedef struct handler {
    h2o_handler_t super;
    rest_t *rest;
    bool admin, main;
} handler_t;

herder_t *rest_herder(const rest_t *r)
{
    return r->herder;
}

const validation_env_t *rest_env(const rest_t *r)
{
    return r->env;
}

bool rest_is_closing(const rest_t *r)
{
    return r->closing;
}

uint16_t rest_port(const rest_t *r)
{
    return r->port;
}

uint32_t rest_in_flight(const rest_t *r)
{
    return r->in_flight;
}

void rest_call_ended(rest_t *r)
{
    r->in_flight--;
}

const char *rest_reason(int status)
{
    static const struct {
        int status;
        const char *reason;
    } reasons[] = {{200, "OK"},
                   {201, "Created"},
                   {202, "Accepted"},
                   {204, "No Content"},
                   {400, "Bad Request"},
                   {401, "Unauthorized"},
                   {403, "Forbidden"},
                   {404, "Not Found"},
                   {405, "Method Not Allowed"},
                   {406, "Not Acceptable"},
                   {409, "Conflict"},
                   {415, "Unsupported Media Type"},
                   {500, "Internal Server Error"},
                   {503, "Service Unavailable"}};
    for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
        if (reasons[i].status == status) return reasons[i].reason;
    return "Error";
}

void rest_access_log(rest_t *r, h2o_req_t *req, int status, size_t bytes)
{
    (void)r;
    if (!log_on(CD_LOG_INFO, REST_LOGGER)) return;
    struct sockaddr_storage peer;
    char host[64] = "-", stamp[48] = "";
    socklen_t n = req->conn->callbacks->get_peername(req->conn, (struct sockaddr *)&peer);
    if (n > 0) (void)uv_ip_name((const struct sockaddr *)&peer, host, sizeof(host));
    time_t now = (time_t)(clock_wall_ms() / 1000);
    struct tm tm;
    if (gmtime_r(&now, &tm) != NULL) (void)strftime(stamp, sizeof(stamp), "%d/%b/%Y:%H:%M:%S +0000", &tm);
    ssize_t ua = h2o_find_header(&req->headers, H2O_TOKEN_USER_AGENT, -1);
    h2o_iovec_t agent = ua >= 0 ? req->headers.entries[ua].value : h2o_iovec_init(H2O_STRLIT("-"));
    struct timeval *begin = &req->timestamps.request_begin_at;
    int64_t took = begin->tv_sec == 0 ? 0 : clock_wall_ms() - ((int64_t)begin->tv_sec * 1000 + begin->tv_usec / 1000);
    log_write(CD_LOG_INFO, REST_LOGGER, NULL, "%s - - [%s] \"%.*s %.*s HTTP/1.1\" %d %zu \"-\" \"%.*s\" %lld", host,
              stamp, (int)req->method.len, req->method.base, (int)req->path.len, req->path.base, status, bytes,
              (int)agent.len, agent.base, (long long)(took < 0 ? 0 : took));
}

/* ---- one request -------------------------------------------------------------------------------------------------- */

static void on_request_gone(void *p)
{
    call_link_t *link = p;
    if (link->call != NULL) link->call->req = NULL;
}

void rest_call_detach(call_t *c)
{
    c->link->call = NULL;
}

static call_t *call_new(rest_t *r, h2o_req_t *req)
{
    call_t *c = mem_new0(call_t);
    call_link_t *link = h2o_mem_alloc_shared(&req->pool, sizeof(*link), on_request_gone);
    link->call = c;
    c->link = link;
    c->rest = r;
    c->req = req;
    c->method = cd_arena_strndup(&c->arena, req->method.base, req->method.len);
    c->body = (cd_bytes_t){.ptr = (const uint8_t *)req->entity.base, .len = (uint32_t)req->entity.len};
    size_t path_len = req->query_at != SIZE_MAX ? req->query_at : req->path.len;
    c->query = path_len < req->path.len
                   ? cd_arena_strndup(&c->arena, req->path.base + path_len + 1, req->path.len - path_len - 1)
                   : "";
    r->in_flight++;
    return c;
}

void rest_reply_text(rest_t *r, h2o_req_t *req, int status, const char *head, const char *tail)
{
    call_t *c = call_new(r, req);
    call_reply_error(c, status, "%s%s", head, tail);
}

static bool header_is(h2o_req_t *req, const h2o_token_t *token, const char *want, bool *ret_present)
{
    ssize_t i = h2o_find_header(&req->headers, token, -1);
    *ret_present = i >= 0;
    if (i < 0) return false;
    h2o_iovec_t v = req->headers.entries[i].value;
    size_t n = strlen(want);
    return v.len >= n && strncasecmp(v.base, want, n) == 0 && (v.len == n || v.base[n] == ';' || v.base[n] == ' ');
}

/* An Accept that leaves application/json no room. Weights are not looked at: what is named is accepted. */
static bool accepts_json(h2o_req_t *req)
{
    ssize_t i = h2o_find_header(&req->headers, H2O_TOKEN_ACCEPT, -1);
    if (i < 0 || req->headers.entries[i].value.len == 0) return true;
    h2o_iovec_t v = req->headers.entries[i].value;
    return memmem(v.base, v.len, "application/json", 16) != NULL || memmem(v.base, v.len, "*/*", 3) != NULL ||
           memmem(v.base, v.len, "application/*", 13) != NULL;
}

static bool check_headers(call_t *c, const route_t *route)
{
    bool present;
    if ((route->flags & ROUTE_ANY_TYPE) == 0) {
        bool json = header_is(c->req, H2O_TOKEN_CONTENT_TYPE, "application/json", &present);
        if ((present && !json) || (!present && (route->flags & ROUTE_BODY) != 0 && c->body.len > 0)) {
            call_reply_error(c, 415, "HTTP 415 Unsupported Media Type");
            return false;
        }
    }
    if (accepts_json(c->req)) return true;
    call_reply_error(c, 406, "HTTP 406 Not Acceptable");
    return false;
}

static void reply_options(call_t *c, const char *allow)
{
    static h2o_generator_t generator = {NULL, NULL};
    h2o_req_t *req = c->req;
    h2o_iovec_t v = h2o_strdup(&req->pool, allow, strlen(allow));
    h2o_add_header(&req->pool, &req->res.headers, H2O_TOKEN_CONTENT_TYPE, NULL, H2O_STRLIT("text/plain"));
    h2o_add_header_by_str(&req->pool, &req->res.headers, H2O_STRLIT("allow"), 0, NULL, v.base, v.len);
    req->res.status = 200;
    req->res.reason = "OK";
    req->res.content_length = v.len;
    rest_call_detach(c);
    h2o_start_response(req, &generator);
    h2o_send(req, &v, 1, H2O_SEND_STATE_FINAL);
    c->req = NULL;
    call_reply_empty(c, 200); /* frees the call: its request is answered */
}

static int on_request(h2o_handler_t *self, h2o_req_t *req)
{
    handler_t *h = (handler_t *)self;
    call_t *c = call_new(h->rest, req);
    size_t path_len = req->query_at != SIZE_MAX ? req->query_at : req->path.len;
    const route_t *route = NULL;
    const char *allow = NULL;
    switch (routes_match(c->method, req->path.base, path_len, c, &route, &allow)) {
    case ROUTE_BAD_PATH:
        call_reply_error(c, 400, "HTTP 400 Bad Request: the path has a bad percent escape");
        return 0;
    case ROUTE_NO_PATH:
        call_reply_error(c, 404, "HTTP 404 Not Found");
        return 0;
    case ROUTE_NO_METHOD:
    case ROUTE_FOUND:
        break;
    }
    bool served = (route->flags & ROUTE_ADMIN) != 0 ? h->admin : h->main;
    if (!served) {
        call_reply_error(c, 404, "HTTP 404 Not Found");
    } else if (allow != NULL && strcmp(c->method, "OPTIONS") == 0) {
        reply_options(c, allow);
    } else if (allow != NULL) {
        call_reply_error(c, 405, "HTTP 405 Method Not Allowed");
    } else if (check_headers(c, route)) {
        c->route = route;
        route->handle(c);
    }
    return 0;
}

/* ---- sockets -------------------------------------------------------------------------------------------------------- */

static void free_handle(uv_handle_t *h)
{
    free(h);
}

static void on_connection(uv_stream_t *stream, int status)
{
    listener_t *l = (listener_t *)stream;
    rest_t *r = l->rest;
    if (status != 0) return;
    uv_tcp_t *conn = mem_new0(uv_tcp_t);
    if (uv_tcp_init(r->loop, conn) != 0) {
        free(conn);
        return;
    }
    if (uv_accept(stream, (uv_stream_t *)conn) != 0) {
        uv_close((uv_handle_t *)conn, free_handle);
        return;
    }
    (void)uv_tcp_nodelay(conn, 1); /* an answer is one write; waiting for more would only add latency */
    h2o_socket_t *sock = h2o_uv_socket_create((uv_stream_t *)conn, free_handle);
    h2o_accept(l->main ? &r->accept : &r->accept_admin, sock);
}

static cd_err_t *resolve_address(const worker_listener_t *w, struct sockaddr_storage *ret)
{
    char port[8];
    (void)snprintf(port, sizeof(port), "%u", w->port);
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE}, *found = NULL;
    int rc = getaddrinfo(str_empty(w->host) ? "0.0.0.0" : w->host, port, &hints, &found);
    if (rc != 0 || found == NULL) {
        return cd_err_new(CD_ERR_CONFIG, CD_JVM_CONFIG,
                          "Cannot listen on http://%s:%u: %s. Check the host name in 'listeners'.", w->host, w->port,
                          gai_strerror(rc));
    }
    memcpy(ret, found->ai_addr, found->ai_addrlen);
    freeaddrinfo(found);
    return NULL;
}

static cd_err_t *listener_open(listener_t *l, const struct sockaddr_storage *addr, uint16_t *ret_port)
{
    struct sockaddr_storage bound;
    int len = sizeof(bound);
    uv_os_fd_t fd;
    int rc = uv_tcp_bind(&l->tcp, (const struct sockaddr *)addr, 0);
    /* libuv keeps a failed bind to itself until it is asked for the name */
    if (rc == 0) rc = uv_tcp_getsockname(&l->tcp, (struct sockaddr *)&bound, &len);
    if (rc == 0) rc = uv_fileno((uv_handle_t *)&l->tcp, &fd);
    /* The kernel queues connections from here on; libuv takes them up in rest_serve. */
    if (rc == 0 && listen(fd, LISTEN_BACKLOG) != 0) rc = uv_translate_sys_error(errno);
    if (rc != 0) return cd_err_new(CD_ERR_CONFIG, CD_JVM_CONNECT, "%s", uv_strerror(rc));
    *ret_port = ntohs(bound.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&bound)->sin6_port
                                                  : ((struct sockaddr_in *)&bound)->sin_port);
    return NULL;
}

static cd_err_t *bind_one(rest_t *r, const worker_listener_t *w, bool main, bool admin)
{
    struct sockaddr_storage addr;
    if (w->https) {
        return cd_err_new(CD_ERR_CONFIG, CD_JVM_CONFIG,
                          "https listeners are not supported by this version: use http://%s:%u in 'listeners' and end "
                          "TLS in a proxy in front of the worker",
                          w->host, w->port);
    }
    if (r->nlisteners == REST_LISTENERS_MAX)
        return cd_err_new(CD_ERR_CONFIG, CD_JVM_CONFIG, "More than %u listeners", REST_LISTENERS_MAX);
    cd_err_t *err = resolve_address(w, &addr);
    if (err != NULL) return err;
    listener_t *l = mem_new0(listener_t);
    l->rest = r;
    l->main = main;
    l->admin = admin;
    int rc = uv_tcp_init(r->loop, &l->tcp);
    if (rc != 0) {
        free(l);
        return cd_err_new(CD_ERR_FATAL, CD_JVM_CONNECT, "Cannot create a socket: %s", uv_strerror(rc));
    }
    r->listeners[r->nlisteners++] = l;
    uint16_t port = 0;
    err = listener_open(l, &addr, &port);
    if (err != NULL) {
        return cd_err_wrap(
            err, CD_ERR_CONFIG, CD_JVM_CONNECT,
            "Unable to start REST server: cannot listen on http://%s:%u: %s. Another program may use the "
            "port; change 'listeners' or stop it.",
            w->host, w->port, err->message);
    }
    if (r->port == 0 && main) r->port = port;
    return NULL;
}

cd_err_t *rest_bind(uv_loop_t *loop, const worker_config_t *worker, rest_t **ret_rest)
{
    rest_t *r = mem_new0(rest_t);
    r->loop = loop;
    r->worker = worker;
    cd_err_t *err = NULL;
    for (uint32_t i = 0; err == NULL && i < worker->listeners.n; i++)
        err = bind_one(r, &worker->listeners.items[i], true, !worker->has_admin_listeners);
    for (uint32_t i = 0; err == NULL && worker->has_admin_listeners && i < worker->admin_listeners.n; i++)
        err = bind_one(r, &worker->admin_listeners.items[i], false, true);
    if (err != NULL) {
        rest_shutdown(r);
        free(r);
        return err;
    }
    *ret_rest = r;
    return NULL;
}

static void add_host(rest_t *r, const char *name, bool main, bool admin, h2o_accept_ctx_t *accept)
{
    h2o_hostconf_t *host = h2o_config_register_host(&r->config, h2o_iovec_init(name, strlen(name)), 65535);
    handler_t *handler = (handler_t *)h2o_create_handler(h2o_config_register_path(host, "/", 0), sizeof(handler_t));
    handler->super.on_req = on_request;
    handler->rest = r;
    handler->main = main;
    handler->admin = admin;
    h2o_hostconf_t **hosts = mem_alloc0(2, sizeof(h2o_hostconf_t *));
    hosts[0] = host;
    *accept = (h2o_accept_ctx_t){.ctx = &r->ctx, .hosts = hosts};
}

cd_err_t *rest_serve(rest_t *r, const validation_env_t *env, herder_t *herder)
{
    r->env = env;
    r->herder = herder;
    h2o_config_init(&r->config);
    r->config.server_name = h2o_iovec_init(H2O_STRLIT("connectd"));
    r->config.max_request_entity_size = REST_BODY_MAX;
    r->config.http1.upgrade_to_http2 = 0;
    add_host(r, "main", true, !r->worker->has_admin_listeners, &r->accept);
    add_host(r, "admin", false, true, &r->accept_admin);
    h2o_context_init(&r->ctx, r->loop, &r->config);
    r->serving = true;
    for (uint32_t i = 0; i < r->nlisteners; i++) {
        int rc = uv_listen((uv_stream_t *)&r->listeners[i]->tcp, LISTEN_BACKLOG, on_connection);
        if (rc != 0)
            return cd_err_new(CD_ERR_FATAL, CD_JVM_CONNECT, "Unable to start REST server: %s", uv_strerror(rc));
    }
    return NULL;
}

void rest_shutdown(rest_t *r)
{
    if (r->closing) return;
    r->closing = true;
    for (uint32_t i = 0; i < r->nlisteners; i++) uv_close((uv_handle_t *)&r->listeners[i]->tcp, free_handle);
    r->nlisteners = 0;
    if (r->serving) h2o_context_request_shutdown(&r->ctx);
}

void rest_free(rest_t *r)
{
    if (r == NULL) return;
    /* h2o_context_dispose asserts that its timers are idle, which they are only some time after the last connection
     * closed; the process ends now, and takes the context along. */
    free(r->accept.hosts);
    free(r->accept_admin.hosts);
    r->herder = NULL;
}
