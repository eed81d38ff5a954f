#include "runtime/data/schema.h"
#include "runtime/data/value.h"
#include "test/unit/support/cmocka_all.h"

static void test_equal_schemas_are_one_pointer(void **state)
{
    (void)state;
    cd_schema_pool_t *pool = schema_pool_new();
    const cd_schema_t *i32 = schema_primitive(pool, CD_INT32, false);
    char name[] = "a.b.Value", field[] = "id";
    cd_field_t f1[] = {{.name = field, .schema = i32}};
    const cd_schema_t *a =
        schema_intern(pool, &(cd_schema_spec_t){.type = CD_STRUCT, .name = name, .nfields = 1, .fields = f1});
    name[0] = 'x'; /* what was passed in is copied */
    field[0] = 'x';
    cd_field_t f2[] = {{.name = "id", .schema = schema_primitive(pool, CD_INT32, false)}};
    const cd_schema_t *b =
        schema_intern(pool, &(cd_schema_spec_t){.type = CD_STRUCT, .name = "a.b.Value", .nfields = 1, .fields = f2});
    assert_ptr_equal(a, b);
    assert_string_equal(a->fields[0].name, "id");
    assert_int_equal(cd_schema_field(a, "id"), 0);
    assert_int_equal(cd_schema_field(a, "no"), -1);
    schema_pool_free(pool);
}

static void test_every_part_tells_schemas_apart(void **state)
{
    (void)state;
    cd_schema_pool_t *pool = schema_pool_new();
    cd_value_t one = cd_v_int(CD_INT32, 1), two = cd_v_int(CD_INT32, 2);
    cd_param_t params[] = {{"scale", "2"}};
    cd_schema_spec_t specs[] = {
        {.type = CD_INT32},
        {.type = CD_INT64},
        {.type = CD_INT32, .optional = true},
        {.type = CD_INT32, .name = "n"},
        {.type = CD_INT32, .doc = "d"},
        {.type = CD_INT32, .has_version = true, .version = 1},
        {.type = CD_INT32, .has_version = true, .version = 2},
        {.type = CD_INT32, .dflt = &one},
        {.type = CD_INT32, .dflt = &two},
        {.type = CD_INT32, .nparams = 1, .params = params},
    };
    size_t n = sizeof(specs) / sizeof(specs[0]);
    for (size_t i = 0; i < n; i++) (void)schema_intern(pool, &specs[i]);
    assert_int_equal(schema_pool_count(pool), n);
    for (size_t i = 0; i < n; i++) assert_int_equal(schema_intern(pool, &specs[i])->id, i + 1);
    schema_pool_free(pool);
}

static void test_logical_types_go_by_name(void **state)
{
    (void)state;
    cd_schema_pool_t *pool = schema_pool_new();
    cd_param_t params[] = {{"scale", "4"}};
    const cd_schema_t *d = schema_intern(
        pool, &(cd_schema_spec_t){.type = CD_BYTES, .name = CD_NAME_DECIMAL, .nparams = 1, .params = params});
    assert_int_equal(d->logical, CD_LOGICAL_DECIMAL);
    assert_int_equal(d->scale, 4);
    const cd_schema_t *bare = schema_intern(pool, &(cd_schema_spec_t){.type = CD_BYTES, .name = CD_NAME_DECIMAL});
    assert_int_equal(bare->scale, INT32_MIN);
    schema_pool_free(pool);
}

static void test_the_pool_grows(void **state)
{
    (void)state;
    cd_schema_pool_t *pool = schema_pool_new();
    char name[32];
    for (int round = 0; round < 2; round++) {
        for (uint32_t i = 0; i < 5000; i++) {
            (void)snprintf(name, sizeof(name), "schema-%u", i);
            assert_int_equal(schema_intern(pool, &(cd_schema_spec_t){.type = CD_STRING, .name = name})->id, i + 1);
        }
    }
    assert_false(schema_pool_full(pool));
    schema_pool_free(pool);
}

static void test_values_copy_and_compare_deeply(void **state)
{
    (void)state;
    cd_arena_t arena = {0};
    cd_value_t inner[] = {cd_v_str("k"), cd_v_f64(1.5), cd_v_str("l"), cd_v_bytes("\0x", 2)};
    cd_value_t turned[] = {inner[2], inner[3], inner[0], inner[1]};
    cd_value_t fields[] = {cd_v_items(CD_MAP, inner, 2), cd_v_bool(true), CD_V_NULL};
    cd_value_t v = cd_v_items(CD_STRUCT, fields, 3);
    cd_value_t copy = value_copy(&v, &arena);
    assert_true(value_equal(&v, &copy));
    assert_ptr_not_equal(copy.items, v.items);
    cd_value_t other[] = {cd_v_items(CD_MAP, turned, 2), cd_v_bool(true), CD_V_NULL};
    cd_value_t w = cd_v_items(CD_STRUCT, other, 3);
    assert_true(value_equal(&v, &w)); /* maps have no order */
    other[1] = cd_v_bool(false);
    assert_false(value_equal(&v, &w));
    assert_false(value_equal(&(cd_value_t){.type = CD_INT32, .i64 = 1}, &(cd_value_t){.type = CD_INT64, .i64 = 1}));
    cd_arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_equal_schemas_are_one_pointer),  cmocka_unit_test(test_every_part_tells_schemas_apart),
        cmocka_unit_test(test_logical_types_go_by_name),       cmocka_unit_test(test_the_pool_grows),
        cmocka_unit_test(test_values_copy_and_compare_deeply),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
