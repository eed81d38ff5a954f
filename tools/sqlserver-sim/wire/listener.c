/* wire/listener.c: see listener.h */
#include "wire/listener.h"

#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "wire/net.h"
#include "wire/pool.h"
#include "wire/tds.h"

enum { BACKLOG = 4096, EVENTS = 64, STACK = 16 << 20, PORT_DIGITS = 6 };

/* A silent connection; the lobby is a list by age. */
typedef struct guest {
    struct guest *next, *prev;
    int fd;
    int64_t deadline_ms;
} guest_t;

/* A connection with a thread. */
typedef struct worker {
    struct worker *next, *prev;
    listener_t *listener;
    int fd; /* a duplicate, so that it stays valid for shutdown() until the worker is unlinked */
    int own_fd;
    int64_t deadline_ms;
    bool logged_in;
} worker_t;

struct listener {
    const wire_config_t *config;
    listener_limits_t limits;
    int listen_fd, epoll_fd, wake_fd, port;
    guest_t lobby; /* list head; loop thread only */
    unsigned guests;
    pthread_mutex_t lock; /* everything below */
    pthread_cond_t idle;
    worker_t workers; /* list head */
    unsigned nworkers, nlogins;
    bool stopping;
};

static char *failure(const char *what, const char *address, int error)
{
    char *text = NULL;
    if (asprintf(&text, "%s '%s': %s", what, address, strerror(error)) < 0) return NULL;
    return text;
}

static int bind_to(const char *address, char **ret_error)
{
    const char *colon = strrchr(address, ':');
    char host[256];
    if (colon == NULL || (size_t)(colon - address) >= sizeof(host) || strlen(colon + 1) > PORT_DIGITS) {
        *ret_error = failure("not HOST:PORT", address, EINVAL);
        return -1;
    }
    snprintf(host, sizeof(host), "%.*s", (int)(colon - address), address);
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV}, *found = NULL;
    if (getaddrinfo(host[0] == '\0' ? NULL : host, colon + 1, &hints, &found) != 0) {
        *ret_error = failure("cannot resolve", address, ENOENT);
        return -1;
    }
    int fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), on = 1, error = 0;
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
        bind(fd, found->ai_addr, found->ai_addrlen) != 0 || listen(fd, BACKLOG) != 0)
        error = errno;
    freeaddrinfo(found);
    if (error == 0) return fd;
    if (fd >= 0) close(fd);
    *ret_error = failure("cannot listen on", address, error);
    return -1;
}

static int port_of(int fd)
{
    struct sockaddr_storage addr;
    socklen_t len = sizeof(addr);
    char port[PORT_DIGITS + 1] = "0";
    if (getsockname(fd, (struct sockaddr *)&addr, &len) != 0 ||
        getnameinfo((struct sockaddr *)&addr, len, NULL, 0, port, sizeof(port), NI_NUMERICSERV) != 0)
        return 0;
    return atoi(port);
}

listener_t *listener_new(const wire_config_t *config, const listener_limits_t *limits, const char *address,
                         char **ret_error)
{
    int fd = bind_to(address, ret_error);
    if (fd < 0) return NULL;
    listener_t *l = wire_calloc(1, sizeof(*l));
    l->config = config;
    l->limits = *limits;
    l->listen_fd = fd;
    l->port = port_of(fd);
    l->lobby.next = l->lobby.prev = &l->lobby;
    l->workers.next = l->workers.prev = &l->workers;
    pthread_mutex_init(&l->lock, NULL);
    pthread_cond_init(&l->idle, NULL);
    l->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    l->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    struct epoll_event on_accept = {.events = EPOLLIN, .data.ptr = &l->listen_fd};
    struct epoll_event on_wake = {.events = EPOLLIN, .data.ptr = &l->wake_fd};
    if (l->epoll_fd < 0 || l->wake_fd < 0 || epoll_ctl(l->epoll_fd, EPOLL_CTL_ADD, fd, &on_accept) != 0 ||
        epoll_ctl(l->epoll_fd, EPOLL_CTL_ADD, l->wake_fd, &on_wake) != 0) {
        *ret_error = failure("cannot watch", address, errno);
        listener_free(l);
        return NULL;
    }
    return l;
}

int listener_port(const listener_t *listener)
{
    return listener->port;
}

void listener_free(listener_t *listener)
{
    if (listener == NULL) return;
    if (listener->listen_fd >= 0) close(listener->listen_fd);
    if (listener->epoll_fd >= 0) close(listener->epoll_fd);
    if (listener->wake_fd >= 0) close(listener->wake_fd);
    pthread_cond_destroy(&listener->idle);
    pthread_mutex_destroy(&listener->lock);
    free(listener);
}

static void wake(listener_t *l)
{
    uint64_t one = 1;
    ssize_t ignored = write(l->wake_fd, &one, sizeof(one)); /* a full counter wakes just as well */
    (void)ignored;
}

void listener_stop(listener_t *listener)
{
    __atomic_store_n(&listener->stopping, true, __ATOMIC_SEQ_CST);
    wake(listener);
}

static bool is_stopping(const listener_t *l)
{
    return __atomic_load_n(&l->stopping, __ATOMIC_SEQ_CST);
}

static void guest_forget(listener_t *l, guest_t *g)
{
    g->prev->next = g->next;
    g->next->prev = g->prev;
    l->guests--;
    free(g);
}

static void guest_refuse(listener_t *l, guest_t *g)
{
    close(g->fd); /* which also takes it out of the epoll set */
    guest_forget(l, g);
}

static void on_logged_in(void *arg)
{
    worker_t *w = arg;
    listener_t *l = w->listener;
    pthread_mutex_lock(&l->lock);
    w->logged_in = true;
    bool was_full = l->nlogins-- >= l->limits.logins;
    pthread_mutex_unlock(&l->lock);
    if (was_full) wake(l);
}

static void *worker_main(void *arg)
{
    worker_t *w = arg;
    listener_t *l = w->listener;
    conn_run(l->config, w->own_fd, w->deadline_ms, on_logged_in, w);
    pthread_mutex_lock(&l->lock);
    w->prev->next = w->next;
    w->next->prev = w->prev;
    bool was_full = l->nworkers >= l->limits.sessions || (!w->logged_in && l->nlogins >= l->limits.logins);
    if (!w->logged_in) l->nlogins--;
    l->nworkers--;
    /* Under the lock: once the count is zero, listener_run may return and the listener may be freed. */
    if (was_full) wake(l);
    pthread_cond_signal(&l->idle);
    pthread_mutex_unlock(&l->lock);
    close(w->fd);
    free(w);
    return NULL;
}

/* A thread for a guest whose first packet is there. @return false: no thread is free, it has to wait */
static bool promote(listener_t *l, guest_t *g)
{
    pthread_mutex_lock(&l->lock);
    bool full = l->nworkers >= l->limits.sessions || l->nlogins >= l->limits.logins;
    if (!full) {
        l->nworkers++;
        l->nlogins++;
    }
    pthread_mutex_unlock(&l->lock);
    if (full) return false;
    worker_t *w = wire_calloc(1, sizeof(*w));
    *w = (worker_t){.listener = l, .own_fd = g->fd, .fd = dup(g->fd), .deadline_ms = g->deadline_ms};
    (void)epoll_ctl(l->epoll_fd, EPOLL_CTL_DEL, g->fd, NULL);
    pthread_mutex_lock(&l->lock);
    w->next = &l->workers;
    w->prev = l->workers.prev;
    w->prev->next = w->next->prev = w;
    pthread_mutex_unlock(&l->lock);
    pthread_attr_t attr;
    pthread_t thread;
    pthread_attr_init(&attr);
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attr, STACK);
    int error = pthread_create(&thread, &attr, worker_main, w);
    pthread_attr_destroy(&attr);
    if (error != 0) {
        log_write(l->config->logger, LOG_ERROR, "cannot start a thread: %s", strerror(error));
        close(w->own_fd);
        pthread_mutex_lock(&l->lock);
        w->prev->next = w->next;
        w->next->prev = w->prev;
        l->nworkers--;
        l->nlogins--;
        pthread_mutex_unlock(&l->lock);
        close(w->fd);
        free(w);
    }
    guest_forget(l, g);
    return true;
}

typedef enum first_packet { FIRST_WAIT, FIRST_READY, FIRST_BAD } first_packet_t;

/* Is the first packet complete? Its length is bounded by the kernel's buffer, so a peek can see it all. */
static first_packet_t first_packet(int fd)
{
    uint8_t head[TDS_PACKET_DEFAULT];
    ssize_t n = recv(fd, head, sizeof(head), MSG_PEEK | MSG_DONTWAIT);
    if (n < 0) return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR ? FIRST_WAIT : FIRST_BAD;
    if (n == 0) return FIRST_BAD;
    if (head[0] != TDS_PKT_PRELOGIN && head[0] != TDS_PKT_LOGIN7) return FIRST_BAD;
    if (n < TDS_HEADER) return FIRST_WAIT;
    size_t len = get_be16(head + 2);
    if (len < TDS_HEADER || len > sizeof(head)) return FIRST_BAD;
    return (size_t)n >= len ? FIRST_READY : FIRST_WAIT;
}

static void on_guest(listener_t *l, guest_t *g, uint32_t events)
{
    switch (first_packet(g->fd)) {
    case FIRST_WAIT:
        if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) guest_refuse(l, g); /* the rest will never come */
        break;
    case FIRST_READY:
        (void)promote(l, g); /* if all threads are busy it stays, and is looked at again when one ends */
        break;
    case FIRST_BAD:
        guest_refuse(l, g);
        break;
    }
}

static void on_accept(listener_t *l)
{
    for (;;) {
        int fd = accept4(l->listen_fd, NULL, NULL, SOCK_CLOEXEC);
        if (fd < 0) {
            if ((errno == EMFILE || errno == ENFILE) && l->guests > 0) {
                guest_refuse(l, l->lobby.next); /* a silent one makes room for a new one */
                continue;
            }
            return;
        }
        if (l->guests >= l->limits.lobby) guest_refuse(l, l->lobby.next);
        guest_t *g = wire_calloc(1, sizeof(*g));
        g->fd = fd;
        g->deadline_ms = net_now_ms() + l->config->login_timeout_ms;
        g->next = &l->lobby;
        g->prev = l->lobby.prev;
        g->prev->next = g->next->prev = g;
        l->guests++;
        /* edge-triggered: an incomplete first packet must not wake us until more of it comes */
        struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP | EPOLLET, .data.ptr = g};
        if (epoll_ctl(l->epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0) guest_refuse(l, g);
    }
}

/* Guests who were ready when no thread was free. */
static void retry_guests(listener_t *l)
{
    for (guest_t *g = l->lobby.next, *next; g != &l->lobby; g = next) {
        next = g->next;
        if (first_packet(g->fd) == FIRST_READY && !promote(l, g)) return;
    }
}

static int until_next_deadline(listener_t *l)
{
    int64_t now = net_now_ms();
    while (l->guests > 0 && l->lobby.next->deadline_ms <= now) guest_refuse(l, l->lobby.next);
    return l->guests == 0 ? -1 : (int)(l->lobby.next->deadline_ms - now);
}

static void end_all(listener_t *l)
{
    while (l->guests > 0) guest_refuse(l, l->lobby.next);
    pthread_mutex_lock(&l->lock);
    for (worker_t *w = l->workers.next; w != &l->workers; w = w->next)
        if (w->fd >= 0)
            shutdown(w->fd, SHUT_RDWR); /* its reads and writes fail now, and the engine is told by the sink */
    while (l->nworkers > 0) pthread_cond_wait(&l->idle, &l->lock);
    pthread_mutex_unlock(&l->lock);
}

void listener_run(listener_t *listener)
{
    listener_t *l = listener;
    struct epoll_event events[EVENTS];
    while (!is_stopping(l)) {
        int n = epoll_wait(l->epoll_fd, events, EVENTS, until_next_deadline(l));
        bool accepting = false, retry = false;
        for (int i = 0; i < n; i++) {
            if (events[i].data.ptr == &l->listen_fd) {
                accepting = true; /* last: accepting may refuse guests that have an event in this very list */
            } else if (events[i].data.ptr == &l->wake_fd) {
                uint64_t value;
                retry = true;
                ssize_t ignored = read(l->wake_fd, &value, sizeof(value));
                (void)ignored;
            } else {
                on_guest(l, events[i].data.ptr, events[i].events);
            }
        }
        if (retry) retry_guests(l);
        if (accepting) on_accept(l);
    }
    close(l->listen_fd);
    l->listen_fd = -1;
    end_all(l);
}
