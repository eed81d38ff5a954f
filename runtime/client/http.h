/* client/http.h: blocking HTTP for tasks and pool threads (registry, Vault): one keep-alive handle per user.
 * Threads    a client belongs to one thread at a time; clients are independent. Never on the loop thread: it blocks.
 * Ownership  options and requests are only read during the call; the response's body belongs to the caller.
 * Errors     RETRIABLE for everything that kept a reply from arriving, with the JVM class users know; STOPPED when the
 *            stop signal came; an HTTP error status is not an error here. URLs in messages carry no user info.
 * Units      milliseconds. Limits: a reply is at most max_body bytes (default 16 MiB). */
#ifndef CONNECTD_CLIENT_HTTP_H
#define CONNECTD_CLIENT_HTTP_H

#include "plugins/api/connectd_plugin.h"

#define HTTP_JVM_CONNECT      "java.net.ConnectException"
#define HTTP_JVM_TIMEOUT      "java.net.SocketTimeoutException"
#define HTTP_JVM_UNKNOWN_HOST "java.net.UnknownHostException"
#define HTTP_JVM_TLS          "javax.net.ssl.SSLHandshakeException"
#define HTTP_JVM_IO           "java.io.IOException"

typedef struct http_client http_client_t;

/** Zero-initialised means: no time limits, no TLS checks. Strings are copied. */
typedef struct http_options {
    int64_t connect_timeout_ms, read_timeout_ms; /* 0: none; the whole request may take the sum of both */
    size_t max_body;                             /* 0: 16 MiB */
    bool tls_verify_peer, tls_verify_host;
    const char *ca_file, *ca_pem;                  /* PEM file or PEM text; NULL: the system's certificates */
    const char *cert_file, *cert_pem;              /* client certificate; a .p12/.pfx file is taken as PKCS12 */
    const char *key_file, *key_pem, *key_password; /* NULL key: in the certificate's file */
    const char *proxy_host;
    int32_t proxy_port;
    /** Optional: asked while waiting; the request ends with STOPPED soon after it turned true. */
    bool (*stopping)(void *arg);
    void *stop_arg;
    int stop_fd; /* becomes readable when a stop is asked for; 0 or -1: none, then `stopping` is asked every 200 ms */
} http_options_t;

typedef struct http_request {
    const char *method, *url;
    const char *const *headers; /* "Name: value", NULL-terminated, or NULL */
    const char *body;           /* NULL: none */
    size_t body_len;
    const char *basic; /* "user:password", or NULL */
    const char *bearer;
} http_request_t;

typedef struct http_response {
    int status;
    char *body; /* NUL-terminated, never NULL after success */
    size_t len;
} http_response_t;

CD_CHECK cd_err_t *http_client_new(const http_options_t *options, http_client_t **ret_client);
void http_client_free(http_client_t *client);

/** Send one request and read the whole reply. Redirects are not followed: credentials stay with the named host.
 *  @param ret_response  set on success only; release it with http_response_done */
CD_CHECK cd_err_t *http_perform(http_client_t *client, const http_request_t *request, http_response_t *ret_response);
void http_response_done(http_response_t *response);

/** Append `text` percent-encoded as one path segment (RFC 3986 unreserved and "@:!$&'()*+,;=" stay). In the arena. */
const char *http_encode_segment(cd_arena_t *arena, const char *text);
/** Form encoding for a query value, with %20 for a blank. In the arena. */
const char *http_encode_query(cd_arena_t *arena, const char *text);
/** base and path joined by exactly one '/'. In the arena. */
const char *http_join(cd_arena_t *arena, const char *base, const char *path);

#endif
