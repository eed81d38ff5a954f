#include "runtime/base/mailbox.h"

#include "runtime/base/mem.h"

#include <errno.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct mailbox {
    pthread_mutex_t lock;
    msg_t *head, **tail;
    uint32_t n;
    bool closed;
    int fd; /* -1: loop mailbox */
    uv_async_t async;
    mailbox_fn *fn;
    void *arg;
};

static mailbox_t *mailbox_alloc(void)
{
    mailbox_t *mb = mem_new0(mailbox_t);
    (void)pthread_mutex_init(&mb->lock, NULL);
    mb->tail = &mb->head;
    mb->fd = -1;
    return mb;
}

static void mailbox_release(mailbox_t *mb)
{
    (void)pthread_mutex_destroy(&mb->lock);
    free(mb);
}

static msg_t *take_all(mailbox_t *mb)
{
    (void)pthread_mutex_lock(&mb->lock);
    msg_t *list = mb->head;
    mb->head = NULL;
    mb->tail = &mb->head;
    mb->n = 0;
    (void)pthread_mutex_unlock(&mb->lock);
    return list;
}

static void on_wake(uv_async_t *h)
{
    mailbox_t *mb = h->data;
    for (msg_t *m = take_all(mb), *next; m != NULL; m = next) {
        next = m->next;
        m->next = NULL;
        if (mb->closed)
            m->drop(m); /* a handler before this one closed the box */
        else
            mb->fn(mb->arg, m);
    }
}

cd_err_t *mailbox_new_loop(uv_loop_t *loop, mailbox_fn *fn, void *arg, mailbox_t **ret_mb)
{
    mailbox_t *mb = mailbox_alloc();
    int rc = uv_async_init(loop, &mb->async, on_wake);
    if (rc != 0) {
        mailbox_release(mb);
        return cd_err_new(CD_ERR_FATAL, CD_JVM_CONNECT, "could not create a mailbox: %s", uv_strerror(rc));
    }
    mb->async.data = mb;
    mb->fn = fn;
    mb->arg = arg;
    *ret_mb = mb;
    return NULL;
}

cd_err_t *mailbox_new_fd(mailbox_t **ret_mb)
{
    int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (fd < 0)
        return cd_err_new(CD_ERR_FATAL, CD_JVM_CONNECT, "could not create a mailbox: %s", strerrordesc_np(errno));
    mailbox_t *mb = mailbox_alloc();
    mb->fd = fd;
    *ret_mb = mb;
    return NULL;
}

bool mailbox_send(mailbox_t *mb, msg_t *m)
{
    m->next = NULL;
    (void)pthread_mutex_lock(&mb->lock);
    bool taken = !mb->closed && mb->n < MAILBOX_LIMIT;
    if (taken) {
        *mb->tail = m;
        mb->tail = &m->next;
        mb->n++;
        /* Woken under the lock: after mailbox_close returned, no sender can still be about to touch the handle. */
        if (mb->fd < 0) {
            (void)uv_async_send(&mb->async);
        } else {
            ssize_t w = write(mb->fd, &(uint64_t){1}, sizeof(uint64_t));
            (void)w; /* EAGAIN means the counter is full, so the owner is awake already */
        }
    }
    (void)pthread_mutex_unlock(&mb->lock);
    return taken;
}

int mailbox_fd(const mailbox_t *mb)
{
    return mb->fd;
}

msg_t *mailbox_take(mailbox_t *mb)
{
    (void)pthread_mutex_lock(&mb->lock);
    msg_t *m = mb->head;
    if (m != NULL) {
        mb->head = m->next;
        if (mb->head == NULL) mb->tail = &mb->head;
        mb->n--;
        m->next = NULL;
    }
    if (mb->head == NULL) {
        uint64_t count;
        ssize_t r = read(mb->fd, &count, sizeof(count));
        (void)r; /* EAGAIN: nobody had rung */
    }
    (void)pthread_mutex_unlock(&mb->lock);
    return m;
}

void mailbox_close(mailbox_t *mb)
{
    (void)pthread_mutex_lock(&mb->lock);
    mb->closed = true;
    (void)pthread_mutex_unlock(&mb->lock);
    for (msg_t *m = take_all(mb), *next; m != NULL; m = next) {
        next = m->next;
        m->drop(m);
    }
}

static void on_closed(uv_handle_t *h)
{
    mailbox_release(h->data);
}

void mailbox_free(mailbox_t *mb)
{
    if (mb == NULL) return;
    mailbox_close(mb);
    if (mb->fd < 0) {
        uv_close((uv_handle_t *)&mb->async, on_closed);
        return;
    }
    (void)close(mb->fd);
    mailbox_release(mb);
}
