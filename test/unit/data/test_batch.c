#include "runtime/data/batch.h"
#include "test/unit/support/cmocka_all.h"

#include <pthread.h>

static void count(void *arg)
{
    ++*(int *)arg;
}

static void test_attachments_go_with_reset_and_free(void **state)
{
    (void)state;
    int released = 0;
    cd_batch_t *b = batch_new(NULL);
    batch_attach(b, count, &released);
    batch_attach(b, count, &released);
    batch_reset(b);
    assert_int_equal(released, 2);
    batch_attach(b, count, &released);
    batch_ref(b);
    assert_false(batch_is_own(b));
    batch_unref(b);
    assert_int_equal(released, 2);
    assert_true(batch_is_own(b));
    batch_unref(b);
    assert_int_equal(released, 3);
}

static void test_records_grow_and_shrink(void **state)
{
    (void)state;
    cd_batch_t *b = batch_new(NULL);
    for (int i = 0; i < 40000; i++) cd_batch_add(b)->kafka_offset = i;
    assert_int_equal(b->records[39999].kafka_offset, 39999);
    assert_int_equal(b->records[0].partition, CD_NO_PARTITION);
    size_t big = batch_bytes(b);
    batch_reset(b);
    assert_int_equal(b->count, 0);
    assert_true(batch_bytes(b) < big);
    batch_unref(b);
}

static void *unref(void *arg)
{
    batch_unref(arg);
    return NULL;
}

static void test_the_last_holder_frees(void **state)
{
    (void)state;
    int released = 0;
    cd_batch_t *b = batch_new(NULL);
    batch_attach(b, count, &released);
    pthread_t threads[8];
    for (int i = 0; i < 8; i++) batch_ref(b);
    for (int i = 0; i < 8; i++) assert_int_equal(pthread_create(&threads[i], NULL, unref, b), 0);
    batch_unref(b);
    for (int i = 0; i < 8; i++) (void)pthread_join(threads[i], NULL);
    assert_int_equal(released, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_attachments_go_with_reset_and_free),
        cmocka_unit_test(test_records_grow_and_shrink),
        cmocka_unit_test(test_the_last_holder_frees),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
