/* CONNECT_* variables as worker settings. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "runtime/main/environment.h"

static void expect(const char *variable, const char *property)
{
    cd_arena_t arena = {0};
    assert_string_equal(environment_property(variable, &arena), property);
    cd_arena_done(&arena);
}

static void test_names(void **state)
{
    (void)state;
    expect("GROUP_ID", "group.id");
    expect("WITH__UNDERSCORE_AND_MORE", "with_underscore.and.more");
    expect("WITH___DASH", "with-dash");
    expect("FOO__BAR___BAZ_QUX", "foo_bar-baz.qux");
}

static void test_values(void **state)
{
    static const char *const environment[] = {
        "PATH=/bin", "CONNECT_GROUP_ID=g", "CONNECT_A=x=y", "CONNECT_B=a\\tb", "CONNECT_=none", "OTHER_CONNECT_X=1",
        NULL};
    props_t p = {0};
    (void)state;
    cd_err_t *err = environment_read(environment, &p);
    assert_null(err);
    assert_int_equal(p.n, 3);
    assert_string_equal(props_get(&p, "group.id"), "g");
    assert_string_equal(props_get(&p, "a"), "x=y");
    assert_string_equal(props_get(&p, "b"), "a\tb");
    props_done(&p);
}

static void test_mandatory(void **state)
{
    static const char *const names[] = {
        "bootstrap.servers", "config.storage.topic", "offset.storage.topic",      "status.storage.topic",
        "key.converter",     "value.converter",      "rest.advertised.host.name", NULL};
    props_t p = {0};
    (void)state;
    for (const char *const *n = names; *n != NULL; n++) props_set(&p, *n, "x");
    cd_err_t *err = environment_check(&p);
    assert_string_equal(err->message, "CONNECT_GROUP_ID is required.");
    cd_err_free(err);
    props_set(&p, "group.id", "g");
    assert_null(environment_check(&p));
    props_set(&p, "value.converter", "io.confluent.connect.avro.AvroConverter");
    err = environment_check(&p);
    assert_string_equal(err->message, "CONNECT_VALUE_CONVERTER_SCHEMA_REGISTRY_URL is required.");
    cd_err_free(err);
    props_done(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_mandatory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
