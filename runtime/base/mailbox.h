/* base/mailbox.h: how threads meet. Senders put typed messages in; the owner is woken and takes them all.
 * Two kinds of owners: the loop thread (woken by uv_async) and a task thread (woken through an eventfd, so that it can
 * wait for messages next to other descriptors). Order per sender is kept; one wake-up may stand for many sends.
 * Ownership  a message moves with a successful send; after mailbox_close nothing is delivered: send fails, and the
 *            sender still owns its message; what was queued is released by each message's own `drop`. */
#ifndef BASE_MAILBOX_H
#define BASE_MAILBOX_H

#include "plugins/api/connectd_plugin.h"

#include <uv.h>

/** The head of every message; embed it first. */
typedef struct msg {
    struct msg *next;
    uint32_t type;               /* the room's own enum */
    void (*drop)(struct msg *m); /* release a message that nobody will handle */
} msg_t;

typedef struct mailbox mailbox_t;
typedef void mailbox_fn(void *arg, msg_t *m); /* takes m */

/** A mailbox owned by the loop thread: `fn` runs there for each message, in order of sending. */
CD_CHECK cd_err_t *mailbox_new_loop(uv_loop_t *loop, mailbox_fn *fn, void *arg, mailbox_t **ret_mb);
/** A mailbox owned by a plain thread, which calls mailbox_take when mailbox_fd is readable (or just now and then). */
CD_CHECK cd_err_t *mailbox_new_fd(mailbox_t **ret_mb);

/** Any thread. @return false when closed or when `limit` messages wait: m is still the sender's. */
bool mailbox_send(mailbox_t *mb, msg_t *m);
/** Descriptor mailboxes: readable while messages wait. @thread owner */
int mailbox_fd(const mailbox_t *mb);
/** Take the oldest message, or NULL. @thread owner (descriptor mailboxes only) */
msg_t *mailbox_take(mailbox_t *mb);
/** Refuse further sends and drop what waits. Any thread may still call mailbox_send until the free. */
void mailbox_close(mailbox_t *mb);
/** After every sender is gone. Loop mailboxes: on the loop thread; the handle closes in the loop's next turn. */
void mailbox_free(mailbox_t *mb);

#define MAILBOX_LIMIT 65536u

#endif
