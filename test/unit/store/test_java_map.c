/* The offset file of standalone mode: bytes that Java wrote and bytes that Java must read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "runtime/store/java_map.h"

static cd_bytes_t bytes(const char *s)
{
    return (cd_bytes_t){.ptr = (const uint8_t *)s, .len = (uint32_t)strlen(s)};
}

/* head of a map with capacity 16 (threshold 12) and two entries */
static const uint8_t two[] = "\xAC\xED\x00\x05sr\x00\x11java.util.HashMap\x05\x07\xDA\xC1\xC3\x16\x60\xD1\x03\x00\x02"
                             "F\x00\x0AloadFactorI\x00\x09thresholdxp\x3F\x40\x00\x00\x00\x00\x00\x0C"
                             "w\x08\x00\x00\x00\x10\x00\x00\x00\x02"
                             "ur\x00\x02[B\xAC\xF3\x17\xF8\x06\x08\x54\xE0\x02\x00\x00xp\x00\x00\x00\x23"
                             "[\"c\",{\"server\":\"s\",\"database\":\"d\"}]"
                             "uq\x00\x7E\x00\x02\x00\x00\x00\x07{\"x\":1}"
                             "uq\x00\x7E\x00\x02\x00\x00\x00\x09[\"c2\",{}]"
                             "px";

static void test_read_what_java_wrote(void **state)
{
    cd_arena_t arena = {0};
    java_entry_t *entries;
    uint32_t n;
    (void)state;
    cd_err_t *err = java_map_read((cd_bytes_t){.ptr = two, .len = sizeof(two) - 1}, &arena, &entries, &n);
    assert_null(err);
    assert_int_equal(n, 2);
    assert_memory_equal(entries[0].key.ptr, "[\"c\",{\"server\":\"s\",\"database\":\"d\"}]", 35);
    assert_memory_equal(entries[0].value.ptr, "{\"x\":1}", 7);
    assert_int_equal(entries[1].key.len, 9);
    assert_null(entries[1].value.ptr);
    strbuf_t out = {0};
    java_map_write(entries, n, &out);
    assert_int_equal(out.len, sizeof(two) - 1);
    assert_memory_equal(out.data, two, out.len);
    strbuf_done(&out);
    cd_arena_done(&arena);
}

static void test_sizes_and_empty_arrays(void **state)
{
    cd_arena_t arena = {0};
    java_entry_t in[13], *entries;
    uint32_t n;
    char keys[13][16];
    strbuf_t out = {0};
    (void)state;
    for (int i = 0; i < 13; i++) {
        (void)snprintf(keys[i], sizeof(keys[i]), "k%d", i);
        in[i] = (java_entry_t){.key = bytes(keys[i]), .value = bytes("")};
    }
    java_map_write(in, 13, &out);
    cd_err_t *err =
        java_map_read((cd_bytes_t){.ptr = (const uint8_t *)out.data, .len = (uint32_t)out.len}, &arena, &entries, &n);
    assert_null(err);
    assert_int_equal(n, 13);
    assert_non_null(entries[12].value.ptr);
    assert_int_equal(entries[12].value.len, 0);
    strbuf_clear(&out);
    java_map_write(NULL, 0, &out);
    err = java_map_read((cd_bytes_t){.ptr = (const uint8_t *)out.data, .len = (uint32_t)out.len}, &arena, &entries, &n);
    assert_null(err);
    assert_int_equal(n, 0);
    strbuf_done(&out);
    cd_arena_done(&arena);
}

static void test_every_cut_is_refused(void **state)
{
    cd_arena_t arena = {0};
    java_entry_t *entries;
    uint32_t n;
    (void)state;
    for (uint32_t len = 0; len < sizeof(two) - 1; len++) {
        cd_err_t *err = java_map_read((cd_bytes_t){.ptr = two, .len = len}, &arena, &entries, &n);
        assert_non_null(err);
        cd_err_free(err);
    }
    cd_arena_done(&arena);
}

static void test_another_object(void **state)
{
    static const uint8_t list[] = "\xAC\xED\x00\x05sr\x00\x13java.util.ArrayList\x78\x81";
    cd_arena_t arena = {0};
    java_entry_t *entries;
    uint32_t n;
    (void)state;
    cd_err_t *err = java_map_read((cd_bytes_t){.ptr = list, .len = sizeof(list) - 1}, &arena, &entries, &n);
    assert_non_null(err);
    assert_string_equal(err->message, "Expected HashMap but found class java.util.ArrayList");
    cd_err_free(err);
    cd_arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_read_what_java_wrote),
        cmocka_unit_test(test_sizes_and_empty_arrays),
        cmocka_unit_test(test_every_cut_is_refused),
        cmocka_unit_test(test_another_object),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
