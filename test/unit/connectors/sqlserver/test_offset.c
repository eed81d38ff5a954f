/* Stored offsets of every release, and the counting of serials and transactions. */
#include "test/unit/support/cmocka_all.h"

#include "connectors/sqlserver/json.h"
#include "connectors/sqlserver/offset.h"

static cd_arena_t arena;

static offset_t loaded(const char *json)
{
    cd_value_t v;
    offset_t o = {0};
    assert_true(djson_read(json, strlen(json), &arena, &v));
    offset_load(&o, &v);
    return o;
}

static void assert_stored(const offset_t *o, const char *expected)
{
    buf_t out = {0};
    djson_writer_t w = {.out = &out};
    cd_value_t v = offset_value(o, &arena);
    djson_value(&w, &v);
    assert_string_equal(out.p, expected);
    buf_done(&out);
}

static lsn_t lsn(const char *text)
{
    return lsn_parse(text, strlen(text));
}

static void test_snapshot_forms_of_all_releases(void **state)
{
    (void)state;
    offset_t o = loaded("{\"commit_lsn\":\"00000025:00000d98:00a2\",\"snapshot\":true,\"snapshot_completed\":false}");
    assert_true(o.present && o.snapshot && !o.snapshot_completed && !o.pos.change.set);
    assert_stored(&o, "{\"commit_lsn\":\"00000025:00000d98:00a2\",\"snapshot\":true,\"snapshot_completed\":false}");
    o = loaded("{\"event_serial_no\":1,\"commit_lsn\":\"00000025:00000d98:00a2\",\"change_lsn\":\"NULL\","
               "\"snapshot\":\"INITIAL\",\"snapshot_completed\":true}");
    assert_true(o.snapshot && o.snapshot_completed);
    assert_stored(&o, "{\"commit_lsn\":\"00000025:00000d98:00a2\",\"snapshot\":true,\"snapshot_completed\":true}");
}

static void test_an_empty_map_is_no_offset(void **state)
{
    (void)state;
    assert_false(loaded("{}").present);
    assert_false(loaded("null").present);
}

static void test_streaming_form_keeps_its_fields(void **state)
{
    (void)state;
    static const char text[] =
        "{\"transaction_id\":null,\"event_serial_no\":2,\"commit_lsn\":\"00000027:00000758:0005\","
        "\"change_lsn\":\"00000027:00000758:0003\"}";
    offset_t o = loaded(text);
    assert_false(o.snapshot);
    assert_int_equal(o.serial, 2);
    assert_stored(&o, text);
    o = loaded("{\"commit_lsn\":\"NULL\"}");
    assert_true(o.present && !o.pos.commit.set && o.serial == 0);
    assert_stored(&o,
                  "{\"transaction_id\":null,\"event_serial_no\":0,\"commit_lsn\":\"NULL\",\"change_lsn\":\"NULL\"}");
}

static void test_transaction_counters_continue(void **state)
{
    (void)state;
    offset_t o = loaded("{\"transaction_id\":\"00000027:00000758:0005\",\"event_serial_no\":1,\"commit_lsn\":"
                        "\"00000027:00000758:0005\",\"change_lsn\":\"00000027:00000758:0003\","
                        "\"transaction_data_collection_order_w.dbo.orders\":3,"
                        "\"transaction_data_collection_order_w.dbo.items\":2}");
    assert_int_equal(o.tx_total, 5);
    assert_int_equal(offset_tx_count(&o, "w.dbo.orders"), 4);
    assert_int_equal(offset_tx_count(&o, "w.dbo.new"), 1);
    assert_int_equal(o.tx_total, 7);
    assert_stored(&o, "{\"transaction_id\":\"00000027:00000758:0005\",\"event_serial_no\":1,\"commit_lsn\":"
                      "\"00000027:00000758:0005\",\"change_lsn\":\"00000027:00000758:0003\","
                      "\"transaction_data_collection_order_w.dbo.orders\":4,"
                      "\"transaction_data_collection_order_w.dbo.items\":2,"
                      "\"transaction_data_collection_order_w.dbo.new\":1}");
    lsn_t next = lsn("00000028:00000000:0001");
    offset_tx_begin(&o, &next);
    assert_int_equal(o.ncounts, 0);
    assert_int_equal(o.tx_total, 0);
    offset_done(&o);
}

static void test_serials_count_rows_at_one_position(void **state)
{
    (void)state;
    offset_t o = {0};
    position_t a = {lsn("00000027:00000758:0005"), lsn("00000027:00000758:0003")}, b = a;
    b.change = lsn("00000027:00000758:0004");
    offset_event(&o, &a, 1);
    assert_int_equal(o.serial, 1);
    offset_event(&o, &a, 1); /* a key update is a delete and an insert at one place */
    assert_int_equal(o.serial, 2);
    offset_event(&o, &b, 2);
    assert_int_equal(o.serial, 2);
}

static void test_partition_bytes(void **state)
{
    (void)state;
    buf_t out = {0};
    djson_writer_t w = {.out = &out};
    cd_value_t v = offset_partition("sqlserver", "warehouse_source", &arena);
    djson_value(&w, &v);
    assert_string_equal(out.p, "{\"server\":\"sqlserver\",\"database\":\"warehouse_source\"}");
    buf_done(&out);
}

static int clean(void **state)
{
    (void)state;
    cd_arena_done(&arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_snapshot_forms_of_all_releases),     cmocka_unit_test(test_an_empty_map_is_no_offset),
        cmocka_unit_test(test_streaming_form_keeps_its_fields),    cmocka_unit_test(test_transaction_counters_continue),
        cmocka_unit_test(test_serials_count_rows_at_one_position), cmocka_unit_test(test_partition_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, clean);
}
