#include "runtime/data/batch.h"
#include "runtime/data/schema.h"
#include "runtime/task/offset_tracker.h"

#include "test/unit/support/cmocka_all.h"

typedef struct fixture {
    cd_schema_pool_t *pool;
    cd_batch_t *batch;
    offset_tracker_t *tr;
} fixture_t;

static void begin(fixture_t *f)
{
    f->pool = schema_pool_new();
    f->batch = batch_new(f->pool);
    f->tr = offset_tracker_new();
}

static void end(fixture_t *f)
{
    offset_tracker_free(f->tr);
    assert_true(batch_is_own(f->batch)); /* every reference was given back */
    batch_unref(f->batch);
    schema_pool_free(f->pool);
}

static cd_value_t *map_of(cd_batch_t *b, const char *name, cd_value_t v)
{
    cd_value_t *m = cd_arena_array(&b->arena, cd_value_t, 3);
    m[1] = cd_v_str(name);
    m[2] = v;
    m[0] = cd_v_items(CD_MAP, &m[1], 1);
    return m;
}

static offset_slot_t submit(fixture_t *f, const char *table, int64_t position)
{
    cd_record_t rec = {.source_partition = map_of(f->batch, "table", cd_v_str(table)),
                       .source_offset = map_of(f->batch, "position", cd_v_int(CD_INT64, position))};
    return offset_tracker_submit(f->tr, f->batch, &rec);
}

/** The committable position of a table, or -1 when there is nothing new. */
static int64_t taken(const offset_entry_t *e, uint32_t n, const char *table)
{
    for (uint32_t i = 0; i < n; i++)
        if (cd_v_is_str(cd_map_get(&e[i].partition, "table"), table)) return cd_map_get(&e[i].offset, "position")->i64;
    return -1;
}

static int64_t take(fixture_t *f, const char *table)
{
    cd_arena_t arena = {0};
    uint32_t n;
    offset_entry_t *e = offset_tracker_take(f->tr, &arena, &n);
    int64_t at = taken(e, n, table);
    cd_arena_done(&arena);
    return at;
}

static void test_only_the_leading_run_is_committable(void **state)
{
    (void)state;
    fixture_t f;
    begin(&f);
    offset_slot_t a = submit(&f, "t", 1), b = submit(&f, "t", 2), c = submit(&f, "t", 3);
    offset_tracker_ack(f.tr, c);
    offset_tracker_ack(f.tr, b);
    offset_tracker_settle(f.tr);
    assert_int_equal(take(&f, "t"), -1);
    offset_tracker_ack(f.tr, a);
    offset_tracker_settle(f.tr);
    assert_int_equal(take(&f, "t"), 3);
    assert_int_equal(offset_tracker_pending(f.tr), 0);
    end(&f);
}

static void test_a_slow_partition_does_not_hold_back_another(void **state)
{
    (void)state;
    fixture_t f;
    begin(&f);
    (void)submit(&f, "slow", 1);
    offset_slot_t b = submit(&f, "fast", 7);
    offset_tracker_ack(f.tr, b);
    offset_tracker_settle(f.tr);
    cd_arena_t arena = {0};
    uint32_t n;
    offset_entry_t *e = offset_tracker_take(f.tr, &arena, &n);
    assert_int_equal(n, 1);
    assert_int_equal(taken(e, n, "fast"), 7);
    cd_arena_done(&arena);
    end(&f);
}

static void test_a_failed_store_gives_the_offsets_again_or_newer_ones(void **state)
{
    (void)state;
    fixture_t f;
    begin(&f);
    offset_tracker_ack(f.tr, submit(&f, "t", 1));
    offset_tracker_settle(f.tr);
    assert_int_equal(take(&f, "t"), 1);
    assert_int_equal(take(&f, "t"), -1);
    offset_tracker_restore(f.tr);
    assert_int_equal(take(&f, "t"), 1);
    offset_tracker_ack(f.tr, submit(&f, "t", 2));
    offset_tracker_settle(f.tr);
    offset_tracker_restore(f.tr);
    assert_int_equal(take(&f, "t"), 2);
    offset_tracker_stored(f.tr);
    assert_int_equal(take(&f, "t"), -1);
    end(&f);
}

static void test_a_record_taken_back_leaves_no_trace(void **state)
{
    (void)state;
    fixture_t f;
    begin(&f);
    offset_slot_t a = submit(&f, "t", 1), b = submit(&f, "t", 2);
    offset_tracker_retract(f.tr, b);
    offset_tracker_ack(f.tr, a);
    offset_tracker_settle(f.tr);
    assert_int_equal(take(&f, "t"), 1);
    offset_tracker_ack(f.tr, submit(&f, "t", 2));
    offset_tracker_settle(f.tr);
    assert_int_equal(take(&f, "t"), 2);
    end(&f);
}

static void test_equal_partitions_with_members_in_another_order_are_one(void **state)
{
    (void)state;
    fixture_t f;
    begin(&f);
    cd_value_t ab[4] = {cd_v_str("a"), cd_v_int(CD_INT64, 1), cd_v_str("b"), cd_v_str("x")};
    cd_value_t ba[4] = {cd_v_str("b"), cd_v_str("x"), cd_v_str("a"), cd_v_int(CD_INT64, 1)};
    cd_value_t p1 = cd_v_items(CD_MAP, ab, 2), p2 = cd_v_items(CD_MAP, ba, 2);
    cd_record_t r1 = {.source_partition = &p1, .source_offset = map_of(f.batch, "position", cd_v_int(CD_INT64, 1))};
    cd_record_t r2 = {.source_partition = &p2, .source_offset = map_of(f.batch, "position", cd_v_int(CD_INT64, 2))};
    offset_tracker_ack(f.tr, offset_tracker_submit(f.tr, f.batch, &r1));
    offset_tracker_ack(f.tr, offset_tracker_submit(f.tr, f.batch, &r2));
    offset_tracker_settle(f.tr);
    cd_arena_t arena = {0};
    uint32_t n;
    (void)offset_tracker_take(f.tr, &arena, &n);
    assert_int_equal(n, 1);
    cd_arena_done(&arena);
    end(&f);
}

static void test_many_records_under_way(void **state)
{
    (void)state;
    fixture_t f;
    begin(&f);
    enum { MANY = 5000 };
    offset_slot_t slots[MANY];
    for (int i = 0; i < MANY; i++) slots[i] = submit(&f, "t", i);
    for (int i = MANY - 1; i > 0; i--) offset_tracker_ack(f.tr, slots[i]);
    offset_tracker_settle(f.tr);
    assert_int_equal(take(&f, "t"), -1);
    offset_tracker_ack(f.tr, slots[0]);
    offset_tracker_settle(f.tr);
    assert_int_equal(take(&f, "t"), MANY - 1);
    end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_only_the_leading_run_is_committable),
        cmocka_unit_test(test_a_slow_partition_does_not_hold_back_another),
        cmocka_unit_test(test_a_failed_store_gives_the_offsets_again_or_newer_ones),
        cmocka_unit_test(test_a_record_taken_back_leaves_no_trace),
        cmocka_unit_test(test_equal_partitions_with_members_in_another_order_are_one),
        cmocka_unit_test(test_many_records_under_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
