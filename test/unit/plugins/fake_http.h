/* A small HTTP server on a loopback port, on a thread of its own, for tests of HTTP clients. One request per
 * connection. The handler runs on the server's thread; tests read what it recorded after fake_http_stop. */
#ifndef TEST_PLUGINS_FAKE_HTTP_H
#define TEST_PLUGINS_FAKE_HTTP_H

#include "runtime/base/strbuf.h"
#include "test/unit/support/cmocka_all.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

typedef struct fake_http fake_http_t;
/** Write the body of the reply. @return the status */
typedef int fake_http_fn(fake_http_t *server, const char *method, const char *path, const char *head, const char *body,
                         strbuf_t *reply);

#define FAKE_HTTP_MAX (1u << 20)

struct fake_http {
    fake_http_fn *handle;
    void *arg;
    int fd;
    int port;
    pthread_t thread;
    uint32_t requests;
    strbuf_t log; /* "METHOD path\n" per request */
};

static inline void fake_http_send(int fd, const char *data, size_t n)
{
    while (n > 0) {
        ssize_t sent = send(fd, data, n, MSG_NOSIGNAL);
        if (sent <= 0) return;
        data += sent;
        n -= (size_t)sent;
    }
}

/** Read one request whole: head and as many body bytes as it announces. @return the body, or NULL */
static inline char *fake_http_read(int fd, char *buffer)
{
    size_t n = 0;
    while (n < FAKE_HTTP_MAX) {
        ssize_t got = recv(fd, buffer + n, FAKE_HTTP_MAX - n, 0);
        if (got <= 0) return NULL;
        n += (size_t)got;
        buffer[n] = '\0';
        char *end = strstr(buffer, "\r\n\r\n");
        if (end == NULL) continue;
        const char *length = strcasestr(buffer, "\r\ncontent-length:");
        size_t want = length != NULL && length < end ? (size_t)strtoul(length + 17, NULL, 10) : 0;
        while (n < (size_t)(end + 4 - buffer) + want) {
            got = recv(fd, buffer + n, FAKE_HTTP_MAX - n, 0);
            if (got <= 0) return NULL;
            n += (size_t)got;
            buffer[n] = '\0';
        }
        *end = '\0';
        return end + 4;
    }
    return NULL;
}

static inline void *fake_http_run(void *arg)
{
    fake_http_t *s = (fake_http_t *)arg;
    char *buffer = (char *)malloc(FAKE_HTTP_MAX + 1);
    for (;;) {
        int fd = accept(s->fd, NULL, NULL);
        if (fd < 0) break;
        char method[16], path[2048];
        const char *body = fake_http_read(fd, buffer);
        if (body != NULL && sscanf(buffer, "%15s %2047s", method, path) == 2) {
            strbuf_t reply = {0}, head = {0};
            s->requests++;
            strbuf_addf(&s->log, "%s %s\n", method, path);
            int status = s->handle(s, method, path, buffer, body, &reply);
            strbuf_addf(&head, "HTTP/1.1 %d X\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n", status, reply.len);
            fake_http_send(fd, head.data, head.len);
            fake_http_send(fd, strbuf_str(&reply), reply.len);
            strbuf_done(&head);
            strbuf_done(&reply);
        }
        (void)close(fd);
    }
    free(buffer);
    return NULL;
}

static inline void fake_http_start(fake_http_t *s, fake_http_fn *handle, void *arg)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(at);
    *s = (fake_http_t){.handle = handle, .arg = arg};
    s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(s->fd >= 0);
    assert_int_equal(bind(s->fd, (struct sockaddr *)&at, sizeof(at)), 0);
    assert_int_equal(listen(s->fd, 16), 0);
    assert_int_equal(getsockname(s->fd, (struct sockaddr *)&at, &len), 0);
    s->port = ntohs(at.sin_port);
    assert_int_equal(pthread_create(&s->thread, NULL, fake_http_run, s), 0);
}

/** After this the handler does not run any more and `log` may be read; release it with strbuf_done. */
static inline void fake_http_stop(fake_http_t *s)
{
    (void)shutdown(s->fd, SHUT_RDWR);
    (void)pthread_join(s->thread, NULL);
    (void)close(s->fd);
}

/** A port on which nobody listens. */
static inline int fake_http_dead_port(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(at);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
    (void)close(fd);
    return ntohs(at.sin_port);
}

#endif
