#include "runtime/client/http.h"

#include "test/unit/plugins/fake_host.h"
#include "test/unit/plugins/fake_http.h"

static int echo(fake_http_t *s, const char *method, const char *path, const char *head, const char *body,
                strbuf_t *reply)
{
    (void)s;
    (void)head;
    if (strcmp(path, "/big") == 0) {
        for (int i = 0; i < 2000; i++) strbuf_adds(reply, "0123456789");
        return 200;
    }
    if (strcmp(path, "/moved") == 0) return 302;
    strbuf_addf(reply, "%s %s [%s]", method, path, body);
    return strcmp(path, "/missing") == 0 ? 404 : 200;
}

static const char *get(http_client_t *c, const char *url, const char *body, int *ret_status)
{
    static char text[300];
    http_response_t response = {0};
    http_request_t q = {
        .method = body != NULL ? "POST" : "GET", .url = url, .body = body, .body_len = body != NULL ? strlen(body) : 0};
    cd_err_t *err = http_perform(c, &q, &response);
    *ret_status = err != NULL ? -(int)err->cls : response.status;
    (void)snprintf(text, sizeof(text), "%s", err != NULL ? err->message : response.body);
    cd_err_free(err);
    http_response_done(&response);
    return text;
}

static http_client_t *open_client(const http_options_t *options)
{
    http_client_t *c = NULL;
    assert_null(http_client_new(options, &c));
    return c;
}

static const char *url_of(const fake_http_t *s, const char *path)
{
    static char url[128];
    (void)snprintf(url, sizeof(url), "http://user:geheim@127.0.0.1:%d%s", s->port, path);
    return url;
}

static void test_requests_and_statuses(void **state)
{
    (void)state;
    fake_http_t s;
    int status = 0;
    fake_http_start(&s, echo, NULL);
    http_client_t *c = open_client(&(http_options_t){.max_body = 10000});
    assert_string_equal(get(c, url_of(&s, "/a"), NULL, &status), "GET /a []");
    assert_int_equal(status, 200);
    assert_string_equal(get(c, url_of(&s, "/b"), "x=1", &status), "POST /b [x=1]");
    assert_string_equal(get(c, url_of(&s, "/missing"), NULL, &status),
                        "GET /missing []"); /* no body left from before */
    assert_int_equal(status, 404);
    assert_string_equal(get(c, url_of(&s, "/moved"), NULL, &status), "");
    assert_int_equal(status, 302);
    const char *text = get(c, url_of(&s, "/big"), NULL, &status);
    assert_int_equal(status, -CD_ERR_DATA);
    assert_non_null(strstr(text, "is longer than 10000 bytes"));
    assert_null(strstr(text, "geheim"));
    http_client_free(c);
    fake_http_stop(&s);
    strbuf_done(&s.log);
}

static void test_errors_have_java_classes(void **state)
{
    (void)state;
    char url[128];
    http_client_t *c = open_client(&(http_options_t){.connect_timeout_ms = 2000});
    http_response_t response = {0};
    (void)snprintf(url, sizeof(url), "http://u:geheim@127.0.0.1:%d/x?token=geheim", fake_http_dead_port());
    cd_err_t *err = http_perform(c, &(http_request_t){.method = "GET", .url = url}, &response);
    assert_non_null(err);
    assert_int_equal(err->cls, CD_ERR_RETRIABLE);
    assert_string_equal(err->jvm_class, "java.net.ConnectException");
    assert_non_null(strstr(err->message, "Connection refused (http://127.0.0.1:"));
    assert_null(strstr(err->message, "geheim"));
    cd_err_free(err);
    err = http_perform(c, &(http_request_t){.method = "GET", .url = "ftp://127.0.0.1/x"}, &response);
    assert_int_equal(err->cls, CD_ERR_CONFIG);
    cd_err_free(err);
    http_client_free(c);
}

/** A server that accepts and never answers. */
static int listen_silently(char *url, size_t size)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(at);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
    assert_int_equal(listen(fd, 4), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
    (void)snprintf(url, size, "http://127.0.0.1:%d/", ntohs(at.sin_port));
    return fd;
}

static bool stopping(void *arg)
{
    return *(const bool *)arg;
}

static void test_timeout_and_stop(void **state)
{
    (void)state;
    char url[64];
    int status = 0, pipe_fds[2];
    int fd = listen_silently(url, sizeof(url));
    http_client_t *c = open_client(&(http_options_t){.read_timeout_ms = 100});
    (void)get(c, url, NULL, &status);
    assert_int_equal(status, -CD_ERR_RETRIABLE);
    http_client_free(c);
    /* a stop that is asked for before or during the wait ends it at once */
    bool stop = true;
    assert_int_equal(pipe(pipe_fds), 0);
    assert_int_equal(write(pipe_fds[1], "x", 1), 1);
    c = open_client(&(http_options_t){.stopping = stopping, .stop_arg = &stop, .stop_fd = pipe_fds[0]});
    (void)get(c, url, NULL, &status);
    assert_int_equal(status, -CD_ERR_STOPPED);
    http_client_free(c);
    (void)close(pipe_fds[0]);
    (void)close(pipe_fds[1]);
    (void)close(fd);
}

static void test_url_texts(void **state)
{
    (void)state;
    cd_arena_t a = {0};
    assert_string_equal(http_encode_segment(&a, "a/b c-é:@$"), "a%2Fb%20c-%C3%A9:@$");
    assert_string_equal(http_encode_query(&a, "a b&c=d~"), "a%20b%26c%3Dd%7E");
    assert_string_equal(http_join(&a, "http://h:1/", "/p"), "http://h:1/p");
    assert_string_equal(http_join(&a, "http://h:1", "p"), "http://h:1/p");
    cd_arena_done(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_requests_and_statuses),
        cmocka_unit_test(test_errors_have_java_classes),
        cmocka_unit_test(test_timeout_and_stop),
        cmocka_unit_test(test_url_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
