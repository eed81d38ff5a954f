#include "runtime/data/batch.h"
#include "runtime/data/schema.h"
#include "runtime/task/sink_priv.h"

#include "test/unit/support/cmocka_all.h"

static void test_only_what_was_put_is_committable(void **state)
{
    (void)state;
    sink_offsets_t o = {0};
    cd_arena_t arena = {0};
    uint32_t n;
    (void)sink_offsets_add(&o, "b", 1, NO_OFFSET);
    (void)sink_offsets_add(&o, "a", 0, 10);
    sink_offsets_find(&o, "b", 1)->taken = 5;
    cd_topic_partition_t *now = sink_offsets_current(&o, NULL, &arena, &n);
    assert_int_equal(n, 1); /* the committed one; what is in hand does not count */
    assert_string_equal(now[0].topic, "a");
    sink_offsets_advance(&o);
    now = sink_offsets_current(&o, NULL, &arena, &n);
    assert_int_equal(n, 2);
    assert_int_equal(now[1].offset, 5);
    assert_int_equal(sink_offsets_find(&o, "b", 1)->taken, NO_OFFSET);
    cd_arena_done(&arena);
    sink_offsets_done(&o);
}

static void test_what_a_sink_may_answer_in_pre_commit(void **state)
{
    (void)state;
    sink_offsets_t o = {0};
    const char *why;
    (void)sink_offsets_add(&o, "a", 0, 10);
    sink_offsets_find(&o, "a", 0)->current = 20;
    assert_true(sink_offsets_acceptable(&o, &(cd_topic_partition_t){"a", 0, 20}, &why));
    assert_true(sink_offsets_acceptable(&o, &(cd_topic_partition_t){"a", 0, 15}, &why));
    assert_false(sink_offsets_acceptable(&o, &(cd_topic_partition_t){"a", 0, 10}, &why)); /* nothing new */
    assert_null(why);
    assert_false(sink_offsets_acceptable(&o, &(cd_topic_partition_t){"a", 0, 21}, &why));
    assert_non_null(why);
    assert_false(sink_offsets_acceptable(&o, &(cd_topic_partition_t){"a", 1, 5}, &why));
    assert_non_null(why);
    sink_offsets_done(&o);
}

/* A put failed with a retriable error, and during the back-off a partition is taken away. Its records must not be
 * delivered again, although a transform gave all records another topic: another task has moved past them. */
static void test_records_of_a_lost_partition_are_forgotten_by_their_original_topic(void **state)
{
    (void)state;
    cd_schema_pool_t *pool = schema_pool_new();
    cd_batch_t *b = batch_new(pool);
    for (int i = 0; i < 6; i++) {
        cd_record_t *r = cd_batch_add(b);
        r->orig_topic = i < 4 ? "orders" : "customers";
        r->orig_partition = i % 2;
        r->topic = "renamed";
        r->partition = 0;
    }
    rd_kafka_topic_partition_list_t *lost = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(lost, "orders", 1);
    rd_kafka_topic_partition_list_add(lost, "renamed", 0);
    sink_batch_forget(b, lost);
    const bool dropped[] = {false, true, false, true, false, false};
    for (int i = 0; i < 6; i++) assert_int_equal((b->records[i].flags & CD_REC_DROPPED) != 0, dropped[i]);
    rd_kafka_topic_partition_list_destroy(lost);
    batch_unref(b);
    schema_pool_free(pool);
}

static void test_partitions_come_and_go(void **state)
{
    (void)state;
    sink_offsets_t o = {0};
    for (int i = 20; i-- > 0;) (void)sink_offsets_add(&o, i % 2 == 0 ? "even" : "odd", i, i);
    for (int i = 0; i < 20; i++) assert_int_equal(sink_offsets_find(&o, i % 2 == 0 ? "even" : "odd", i)->committed, i);
    assert_null(sink_offsets_find(&o, "even", 1));
    sink_offsets_remove(&o, "even", 4);
    sink_offsets_remove(&o, "even", 4);
    assert_null(sink_offsets_find(&o, "even", 4));
    assert_int_equal(o.n, 19);
    (void)sink_offsets_add(&o, "even", 6, 100); /* assigned again: starts anew */
    assert_int_equal(sink_offsets_find(&o, "even", 6)->current, 100);
    assert_int_equal(o.n, 19);
    sink_offsets_done(&o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_only_what_was_put_is_committable),
        cmocka_unit_test(test_what_a_sink_may_answer_in_pre_commit),
        cmocka_unit_test(test_records_of_a_lost_partition_are_forgotten_by_their_original_topic),
        cmocka_unit_test(test_partitions_come_and_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
