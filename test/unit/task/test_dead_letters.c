#include "runtime/task/dead_letters.h"

#include "test/unit/support/cmocka_all.h"

static void expect_header(const rd_kafka_headers_t *h, size_t i, const char *name, const char *value)
{
    const char *got_name;
    const void *got;
    size_t len;
    assert_int_equal(rd_kafka_header_get_all(h, i, &got_name, &got, &len), RD_KAFKA_RESP_ERR_NO_ERROR);
    assert_string_equal(got_name, name);
    if (value == NULL) {
        assert_null(got);
        return;
    }
    assert_int_equal(len, strlen(value));
    assert_memory_equal(got, value, len);
}

static void test_context_headers_in_their_order(void **state)
{
    (void)state;
    cd_record_t rec = {.topic = "renamed", .orig_topic = "orders", .orig_partition = 3, .kafka_offset = 12345678901};
    cd_err_t *cause = cd_err_make(NULL, CD_ERR_DATA, "java.lang.Cause", "below", "deep");
    cd_err_t *err = cd_err_make(cause, CD_ERR_DATA, CD_JVM_DATA, "above", "shallow");
    rd_kafka_headers_t *h = dead_letters_context(rd_kafka_headers_new(10), "c", 2, &rec, "TRANSFORMATION", "x.Y", err);
    assert_int_equal(rd_kafka_header_cnt(h), 10);
    expect_header(h, 0, "__connect.errors.topic", "orders");
    expect_header(h, 1, "__connect.errors.partition", "3");
    expect_header(h, 2, "__connect.errors.offset", "12345678901");
    expect_header(h, 3, "__connect.errors.connector.name", "c");
    expect_header(h, 4, "__connect.errors.task.id", "2");
    expect_header(h, 5, "__connect.errors.stage", "TRANSFORMATION");
    expect_header(h, 6, "__connect.errors.class.name", "x.Y");
    expect_header(h, 7, "__connect.errors.exception.class.name", CD_JVM_DATA);
    expect_header(h, 8, "__connect.errors.exception.message", "shallow");
    expect_header(h, 9, "__connect.errors.exception.stacktrace",
                  CD_JVM_DATA ": shallow\n\tat connectd.above(native)\nCaused by: java.lang.Cause: deep\n\tat "
                              "connectd.below(native)\n");
    rd_kafka_headers_destroy(h);
    cd_err_free(err);
}

static void test_an_error_without_a_message_has_a_null_header(void **state)
{
    (void)state;
    cd_record_t rec = {.orig_topic = "t"};
    cd_err_t *err = cd_err_make(NULL, CD_ERR_DATA, "java.lang.NullPointerException", "x", "%s", "");
    rd_kafka_headers_t *h = dead_letters_context(rd_kafka_headers_new(10), "c", 0, &rec, "TASK_PUT", "x.Y", err);
    expect_header(h, 8, "__connect.errors.exception.message", NULL);
    rd_kafka_headers_destroy(h);
    cd_err_free(err);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_context_headers_in_their_order),
        cmocka_unit_test(test_an_error_without_a_message_has_a_null_header),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
