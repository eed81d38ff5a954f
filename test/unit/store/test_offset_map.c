/* Source offsets: exact bytes, Java's member order, lookup by bytes and by meaning. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "runtime/base/log.h"
#include "runtime/store/offset_map.h"

static cd_bytes_t bytes(const char *s)
{
    return (cd_bytes_t){.ptr = (const uint8_t *)s, .len = s == NULL ? 0 : (uint32_t)strlen(s)};
}

static cd_value_t partition(cd_value_t *items, const char *k0, const char *v0, const char *k1, const char *v1)
{
    items[0] = cd_v_str(k0);
    items[1] = cd_v_str(v0);
    items[2] = cd_v_str(k1);
    items[3] = cd_v_str(v1);
    return cd_v_items(CD_MAP, items, 2);
}

#define CANONICAL "[\"c\",{\"server\":\"s\",\"database\":\"d\"}]"
#define REVERSED  "[\"c\",{\"database\":\"d\",\"server\":\"s\"}]"

static void test_key_bytes(void **state)
{
    cd_value_t items[4];
    strbuf_t out = {0};
    (void)state;
    cd_value_t p = partition(items, "database", "warehouse_source", "server", "sqlserver");
    cd_err_t *err = offset_key("sqlserver-cdc-source", &p, &out);
    assert_null(err);
    assert_string_equal(out.data,
                        "[\"sqlserver-cdc-source\",{\"server\":\"sqlserver\",\"database\":\"warehouse_source\"}]");
    strbuf_done(&out);
}

static void expect_order(const char *const *names, uint32_t n, const char *expected)
{
    cd_value_t items[64];
    strbuf_t out = {0};
    for (uint32_t i = 0; i < n; i++) {
        items[2 * i] = cd_v_str(names[i]);
        items[2 * i + 1] = cd_v_int(CD_INT64, 1);
    }
    cd_value_t map = cd_v_items(CD_MAP, items, n);
    cd_err_t *err = offset_value(&map, &out);
    assert_null(err);
    assert_string_equal(out.data, expected);
    strbuf_done(&out);
}

static void test_members_come_in_hash_order(void **state)
{
    static const char *const lsn[] = {"commit_lsn", "change_lsn", "event_serial_no", "snapshot", "snapshot_completed"};
    static const char *const kafka[] = {"kafka_topic", "kafka_partition"};
    static const char *const many[] = {"k0", "k1", "k2", "k3",  "k4",  "k5",  "k6",
                                       "k7", "k8", "k9", "k10", "k11", "k12", "k13"};
    (void)state;
    expect_order(lsn, 5,
                 "{\"event_serial_no\":1,\"commit_lsn\":1,\"change_lsn\":1,\"snapshot\":1,\"snapshot_completed\":1}");
    expect_order(kafka, 2, "{\"kafka_partition\":1,\"kafka_topic\":1}");
    expect_order(many, 14,
                 "{\"k0\":1,\"k1\":1,\"k2\":1,\"k3\":1,\"k4\":1,\"k5\":1,\"k11\":1,\"k6\":1,\"k10\":1,\"k7\":1,"
                 "\"k13\":1,\"k8\":1,\"k12\":1,\"k9\":1}");
}

static void test_lookup_by_bytes_and_by_meaning(void **state)
{
    cd_value_t items[4];
    offset_map_t *m = offset_map_new();
    (void)state;
    cd_value_t p = partition(items, "server", "s", "database", "d");
    assert_null(offset_map_get(m, "c", &p));
    offset_map_apply(m, bytes(REVERSED), bytes("{\"x\":1}"), 100);
    assert_string_equal(offset_map_get(m, "c", &p), "{\"x\":1}");
    /* the canonical bytes win even when the other record is newer */
    offset_map_apply(m, bytes(CANONICAL), bytes("{\"x\":2}"), 50);
    assert_string_equal(offset_map_get(m, "c", &p), "{\"x\":2}");
    assert_null(offset_map_get(m, "other", &p));
    offset_map_free(m);
}

static void test_tombstones(void **state)
{
    cd_value_t items[4];
    offset_map_t *m = offset_map_new();
    (void)state;
    cd_value_t p = partition(items, "server", "s", "database", "d");
    offset_map_apply(m, bytes(CANONICAL), bytes("{\"x\":2}"), 1);
    offset_map_apply(m, bytes(CANONICAL), bytes(NULL), 2);
    assert_null(offset_map_get(m, "c", &p));
    offset_map_free(m);
}

static void count(void *arg, const char *p, const char *offset)
{
    int *n = arg;
    assert_non_null(p);
    assert_non_null(offset);
    (*n)++;
}

static void test_each_lists_one_connector_and_strange_keys_are_ignored(void **state)
{
    offset_map_t *m = offset_map_new();
    char key[64];
    int n = 0;
    (void)state;
    for (int i = 0; i < 200; i++) {
        (void)snprintf(key, sizeof(key), "[\"c\",{\"p\":%d}]", i);
        offset_map_apply(m, bytes(key), bytes("{\"o\":1}"), i);
    }
    offset_map_apply(m, bytes("[\"d\",{}]"), bytes("{\"o\":1}"), 1);
    offset_map_apply(m, bytes("[\"c\",{\"p\":3}]"), bytes(NULL), 999);
    offset_map_apply(m, bytes("[\"c\",{},1]"), bytes("{}"), 1);
    offset_map_apply(m, bytes("\"c\""), bytes("{}"), 1);
    offset_map_apply(m, bytes("[\"c\",null]"), bytes("{}"), 1);
    offset_map_apply(m, bytes("[1,{}]"), bytes("{}"), 1);
    offset_map_apply(m, bytes("not-json"), bytes("{}"), 1);
    offset_map_each(m, "c", count, &n);
    assert_int_equal(n, 199);
    n = 0;
    offset_map_each(m, "d", count, &n);
    assert_int_equal(n, 1);
    offset_map_free(m);
}

static void test_what_an_offset_cannot_be(void **state)
{
    cd_value_t inner[2] = {cd_v_str("a"), cd_v_str("b")};
    cd_value_t items[2] = {cd_v_str("f"), cd_v_items(CD_MAP, inner, 1)};
    cd_value_t map = cd_v_items(CD_MAP, items, 1);
    strbuf_t out = {0};
    (void)state;
    cd_err_t *err = offset_value(&map, &out);
    assert_non_null(err);
    assert_string_equal(err->message, "Offsets may only contain primitive types as values, but field f contains MAP");
    cd_err_free(err);
    items[0] = cd_v_int(CD_INT32, 1);
    err = offset_value(&map, &out);
    assert_string_equal(err->message, "Offsets may only use String keys");
    cd_err_free(err);
    strbuf_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_key_bytes),
        cmocka_unit_test(test_members_come_in_hash_order),
        cmocka_unit_test(test_lookup_by_bytes_and_by_meaning),
        cmocka_unit_test(test_tombstones),
        cmocka_unit_test(test_each_lists_one_connector_and_strange_keys_are_ignored),
        cmocka_unit_test(test_what_an_offset_cannot_be),
    };
    log_set_level("root", LOG_OFF);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    log_done();
    return failed;
}
