#include "connectors/sqlserver/reach.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "connectors/sqlserver/conn.h"

cd_err_t *reach_error(const char *host, int32_t port, const char *why)
{
    return cd_err_new(
        CD_ERR_RETRIABLE, CONN_SQL_EXCEPTION,
        "The TCP/IP connection to the host %s, port %d has failed. Error: \"%s. Verify the connection "
        "properties. Make sure that an instance of SQL Server is running on the host and accepting TCP/IP "
        "connections at the port. Make sure that TCP connections to the port are not blocked by a "
        "firewall.\".",
        host, port, why);
}

/* @return 0, an errno, or ECANCELED for a stop */
static int try_address(cd_ctx_t *ctx, const struct addrinfo *a, int64_t deadline_ms)
{
    int fd = socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, a->ai_protocol);
    if (fd < 0) return errno;
    int why = connect(fd, a->ai_addr, a->ai_addrlen) == 0 ? 0 : errno;
    while (why == EINPROGRESS) {
        struct pollfd fds[2] = {{.fd = fd, .events = POLLOUT}, {.fd = cd_host->stop_fd(ctx), .events = POLLIN}};
        int64_t left = deadline_ms - conn_now_ms();
        int n = left > 0 ? poll(fds, 2, (int)left) : 0;
        socklen_t len = sizeof(why);
        if (cd_host->stopping(ctx)) {
            why = ECANCELED;
        } else if (n == 0) {
            why = ETIMEDOUT;
        } else if (n > 0 && fds[0].revents != 0 && getsockopt(fd, SOL_SOCKET, SO_ERROR, &why, &len) != 0) {
            why = errno;
        }
    }
    (void)close(fd);
    return why;
}

cd_err_t *reach_check(cd_ctx_t *ctx, const char *host, int32_t port, int64_t timeout_ms)
{
    char service[16];
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *list = NULL;
    int64_t deadline = conn_now_ms() + timeout_ms;
    (void)snprintf(service, sizeof(service), "%d", port);
    int rc = getaddrinfo(host, service, &hints, &list);
    if (rc != 0) return reach_error(host, port, gai_strerror(rc));
    int why = EHOSTUNREACH;
    for (const struct addrinfo *a = list; a != NULL && why != 0 && why != ECANCELED; a = a->ai_next)
        why = try_address(ctx, a, deadline);
    freeaddrinfo(list);
    if (why == 0) return NULL;
    if (why == ECANCELED) return cd_err_new(CD_ERR_STOPPED, CD_JVM_CONNECT, "stopped while connecting");
    char text[128];
    return reach_error(host, port, strerror_r(why, text, sizeof(text)));
}
