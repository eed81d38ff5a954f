#include "runtime/base/mailbox.h"
#include "runtime/base/mem.h"
#include "test/unit/support/cmocka_all.h"

#include <poll.h>
#include <pthread.h>

#define SENDERS 4
#define EACH    5000

typedef struct num {
    msg_t head;
    int sender, n;
} num_t;

typedef struct box {
    mailbox_t *mb;
    int next[SENDERS], got;
} box_t;

static void drop(msg_t *m)
{
    free(m);
}

static num_t *num_new(int sender, int n)
{
    num_t *m = mem_new0(num_t);
    m->head.drop = drop;
    m->sender = sender;
    m->n = n;
    return m;
}

typedef struct sender {
    mailbox_t *mb;
    int id;
} sender_t;

static void *send_all(void *arg)
{
    sender_t *s = arg;
    for (int i = 0; i < EACH; i++) {
        num_t *m = num_new(s->id, i);
        while (!mailbox_send(s->mb, &m->head)) (void)sched_yield(); /* full: the owner is behind */
    }
    return NULL;
}

static void on_num(void *arg, msg_t *m)
{
    box_t *b = arg;
    num_t *n = (num_t *)m;
    assert_int_equal(n->n, b->next[n->sender]++); /* order per sender */
    free(n);
    if (++b->got == SENDERS * EACH) mailbox_free(b->mb);
}

static void test_every_message_arrives_in_order(void **state)
{
    (void)state;
    uv_loop_t loop;
    box_t box = {0};
    pthread_t threads[SENDERS];
    sender_t senders[SENDERS];
    assert_int_equal(uv_loop_init(&loop), 0);
    assert_null(mailbox_new_loop(&loop, on_num, &box, &box.mb));
    for (int i = 0; i < SENDERS; i++) {
        senders[i] = (sender_t){box.mb, i};
        assert_int_equal(pthread_create(&threads[i], NULL, send_all, &senders[i]), 0);
    }
    (void)uv_run(&loop, UV_RUN_DEFAULT);
    for (int i = 0; i < SENDERS; i++) (void)pthread_join(threads[i], NULL);
    assert_int_equal(box.got, SENDERS * EACH);
    assert_int_equal(uv_loop_close(&loop), 0);
}

static void test_a_thread_is_woken_through_its_descriptor(void **state)
{
    (void)state;
    mailbox_t *mb = NULL;
    assert_null(mailbox_new_fd(&mb));
    struct pollfd p = {.fd = mailbox_fd(mb), .events = POLLIN};
    assert_int_equal(poll(&p, 1, 0), 0);
    assert_true(mailbox_send(mb, &num_new(0, 1)->head));
    assert_true(mailbox_send(mb, &num_new(0, 2)->head));
    assert_int_equal(poll(&p, 1, 1000), 1);
    msg_t *m = mailbox_take(mb);
    assert_int_equal(((num_t *)m)->n, 1);
    free(m);
    assert_int_equal(poll(&p, 1, 0), 1); /* one is left */
    free(mailbox_take(mb));
    assert_null(mailbox_take(mb));
    assert_int_equal(poll(&p, 1, 0), 0);
    mailbox_free(mb);
}

static void test_after_close_nothing_is_delivered_or_leaked(void **state)
{
    (void)state;
    mailbox_t *mb = NULL;
    assert_null(mailbox_new_fd(&mb));
    assert_true(mailbox_send(mb, &num_new(0, 1)->head)); /* dropped by close; LeakSanitizer watches */
    mailbox_close(mb);
    num_t *m = num_new(0, 2);
    assert_false(mailbox_send(mb, &m->head));
    free(m);
    assert_null(mailbox_take(mb));
    mailbox_free(mb);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_message_arrives_in_order),
        cmocka_unit_test(test_a_thread_is_woken_through_its_descriptor),
        cmocka_unit_test(test_after_close_nothing_is_delivered_or_leaked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
