/* History records: the text is what the JVM connector writes, and what it reads. */
#include "test/unit/support/cmocka_all.h"

#include "connectors/sqlserver/history.h"
#include "connectors/sqlserver/json.h"
#include "test/unit/connectors/sqlserver/host.h"

static const char expected[] = "{\n"
                               "  \"source\" : {\n"
                               "    \"server\" : \"sqlserver\",\n"
                               "    \"database\" : \"warehouse_source\"\n"
                               "  },\n"
                               "  \"position\" : {\n"
                               "    \"commit_lsn\" : \"00000025:00000d98:00a2\",\n"
                               "    \"snapshot\" : true,\n"
                               "    \"snapshot_completed\" : false\n"
                               "  },\n"
                               "  \"ts_ms\" : 1733140000123,\n"
                               "  \"databaseName\" : \"warehouse_source\",\n"
                               "  \"schemaName\" : \"dbo\",\n"
                               "  \"tableChanges\" : [ {\n"
                               "    \"type\" : \"CREATE\",\n"
                               "    \"id\" : \"\\\"warehouse_source\\\".\\\"dbo\\\".\\\"customers\\\"\",\n"
                               "    \"table\" : {\n"
                               "      \"defaultCharsetName\" : null,\n"
                               "      \"primaryKeyColumnNames\" : [ \"id\" ],\n"
                               "      \"columns\" : [ {\n"
                               "        \"name\" : \"id\",\n"
                               "        \"jdbcType\" : 4,\n"
                               "        \"typeName\" : \"int identity\",\n"
                               "        \"typeExpression\" : \"int identity\",\n"
                               "        \"charsetName\" : null,\n"
                               "        \"length\" : 10,\n"
                               "        \"scale\" : 0,\n"
                               "        \"position\" : 1,\n"
                               "        \"optional\" : false,\n"
                               "        \"autoIncremented\" : true,\n"
                               "        \"generated\" : false,\n"
                               "        \"comment\" : null,\n"
                               "        \"hasDefaultValue\" : false,\n"
                               "        \"enumValues\" : [ ]\n"
                               "      }, {\n"
                               "        \"name\" : \"created_at\",\n"
                               "        \"jdbcType\" : 93,\n"
                               "        \"typeName\" : \"datetime2\",\n"
                               "        \"typeExpression\" : \"datetime2\",\n"
                               "        \"charsetName\" : null,\n"
                               "        \"length\" : 27,\n"
                               "        \"scale\" : 7,\n"
                               "        \"position\" : 2,\n"
                               "        \"optional\" : true,\n"
                               "        \"autoIncremented\" : false,\n"
                               "        \"generated\" : false,\n"
                               "        \"comment\" : null,\n"
                               "        \"hasDefaultValue\" : true,\n"
                               "        \"defaultValueExpression\" : \"(getdate())\",\n"
                               "        \"enumValues\" : [ ]\n"
                               "      } ],\n"
                               "      \"attributes\" : [ ]\n"
                               "    },\n"
                               "    \"comment\" : null\n"
                               "  } ]\n"
                               "}";

static cd_arena_t arena;

static table_t *customers(void)
{
    table_t *t = table_new(&arena, "warehouse_source", "dbo", "customers");
    t->columns = cd_arena_array(&arena, column_t, 2);
    t->columns[0] = (column_t){.name = "id", .position = 1, .auto_incremented = true};
    assert_true(column_set_type(&t->columns[0], &arena, "int", 56, 4, 10, 0));
    t->columns[1] = (column_t){
        .name = "created_at", .position = 2, .optional = true, .has_default = true, .default_expr = "(getdate())"};
    assert_true(column_set_type(&t->columns[1], &arena, "datetime2", 42, 8, 27, 7));
    t->ncolumns = 2;
    t->key = cd_arena_array(&arena, const char *, 1);
    t->key[0] = "id";
    t->nkey = 1;
    return t;
}

static offset_t at(const char *commit, const char *change)
{
    offset_t o = {
        .present = true, .serial = 1, .pos = {lsn_parse(commit, strlen(commit)), lsn_parse(change, strlen(change))}};
    return o;
}

static offset_t snapshot_offset(void)
{
    offset_t o = at("00000025:00000d98:00a2", "");
    o.snapshot = true;
    return o;
}

static void test_the_text_is_byte_for_byte_the_same(void **state)
{
    (void)state;
    buf_t out = {0};
    offset_t o = snapshot_offset();
    history_format(&out, true, "sqlserver", customers(), "CREATE", NULL, &o, 1733140000123);
    assert_string_equal(out.p, expected);
    buf_done(&out);
}

static bool parse(const char *text, const char *db, const offset_t *stored, table_t **ret_table, const char **ret_why)
{
    uint32_t n = 0;
    table_t **tables;
    const char **ids;
    bool ok = history_parse(text, strlen(text), "sqlserver", db, stored, &arena, &n, &tables, &ids, ret_why);
    if (ok) {
        assert_int_equal(n, 1);
        *ret_table = tables[0];
        assert_string_equal(ids[0], "warehouse_source.dbo.customers");
    }
    return ok;
}

static void test_what_was_written_is_read(void **state)
{
    (void)state;
    table_t *t = NULL;
    const char *why;
    offset_t stored = at("00000025:00000d98:00a2", "");
    assert_true(parse(expected, "warehouse_source", &stored, &t, &why));
    assert_true(table_equal(t, customers()));
    assert_false(parse(expected, "other", &stored, &t, &why));
    assert_null(why);
}

static void test_only_positions_up_to_the_stored_one_apply(void **state)
{
    (void)state;
    buf_t out = {0};
    offset_t o = at("00000030:00000001:0001", "00000030:00000001:0000");
    history_format(&out, false, "sqlserver", customers(), "ALTER", "N/A", &o, 1);
    assert_non_null(strstr(out.p, "\"ddl\":\"N/A\""));
    table_t *t = NULL;
    const char *why;
    offset_t before = at("0000002f:ffffffff:0001", "0000002f:ffffffff:ffff");
    assert_true(parse(out.p, "warehouse_source", &o, &t, &why)); /* exactly there */
    assert_false(parse(out.p, "warehouse_source", &before, &t, &why));
    buf_done(&out);
}

static void test_where_a_snapshot_stood(void **state)
{
    (void)state;
    lsn_t commit = {.set = false}, stood = lsn_parse("00000025:00000d98:00a2", 22);
    int64_t ts_ms = 0;
    assert_true(
        history_snapshot_position(expected, strlen(expected), "sqlserver", "warehouse_source", &commit, &ts_ms));
    assert_true(lsn_equal(&commit, &stood));
    assert_int_equal(ts_ms, INT64_C(1733140000123));
    assert_false(history_snapshot_position(expected, strlen(expected), "sqlserver", "other", &commit, &ts_ms));
    assert_false(history_snapshot_position(expected, strlen(expected), "other", "warehouse_source", &commit, &ts_ms));

    /* Taken before the first change was captured: a snapshot all the same, its changes begin at the first one. */
    static const char nothing_yet[] = "{\"source\":{\"database\":\"warehouse_source\",\"server\":\"sqlserver\"},"
                                      "\"position\":{\"commit_lsn\":\"NULL\",\"snapshot\":true},\"ts_ms\":5}";
    assert_true(
        history_snapshot_position(nothing_yet, strlen(nothing_yet), "sqlserver", "warehouse_source", &commit, &ts_ms));
    assert_false(commit.set);
    assert_int_equal(ts_ms, 5);

    buf_t out = {0};
    offset_t streaming = at("00000030:00000001:0001", "00000030:00000001:0000");
    history_format(&out, false, "sqlserver", customers(), "ALTER", "N/A", &streaming, 1);
    assert_false(history_snapshot_position(out.p, out.len, "sqlserver", "warehouse_source", &commit, &ts_ms));
    buf_done(&out);
}

static void test_dropped_tables_and_broken_records(void **state)
{
    (void)state;
    table_t *t = (table_t *)&arena;
    const char *why;
    offset_t stored = at("00000030:00000001:0001", "");
    static const char drop[] = "{\"source\":{\"database\":\"warehouse_source\",\"server\":\"sqlserver\"},\"position\":{"
                               "},\"tableChanges\":[{\"type\":"
                               "\"DROP\",\"id\":\"\\\"warehouse_source\\\".\\\"dbo\\\".\\\"customers\\\"\"}]}";
    assert_true(parse(drop, "warehouse_source", &stored, &t, &why));
    assert_null(t);
    static const char *const broken[] = {
        "", "{", "[1,]", "{\"a\":tru}", "nonsense", "{\"source\":{}}", "{\"position\":{}}", "7"};
    for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
        assert_false(parse(broken[i], "warehouse_source", &stored, &t, &why));
        assert_non_null(why);
    }
}

static void test_json_texts(void **state)
{
    (void)state;
    cd_value_t v;
    static const char text[] = "{\"a\\u00e4\\n\\ud83d\\ude00\":[1,-2.5,true,null,{}],\"b\":\"\\\"\\\\/\"}";
    assert_true(djson_read(text, sizeof(text) - 1, &arena, &v));
    const cd_value_t *list = cd_map_get(&v, "a\xc3\xa4\n\xf0\x9f\x98\x80");
    assert_non_null(list);
    assert_int_equal(list->len, 5);
    assert_true(list->items[1].f64 == -2.5);
    buf_t out = {0};
    djson_writer_t w = {.out = &out};
    djson_value(&w, &v);
    assert_string_equal(out.p, "{\"a\xc3\xa4\\n\xf0\x9f\x98\x80\":[1,-2.5,true,null,{}],\"b\":\"\\\"\\\\/\"}");
    buf_done(&out);
    char deep[200];
    memset(deep, '[', sizeof(deep));
    assert_false(djson_read(deep, sizeof(deep), &arena, &v));
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
        cmocka_unit_test(test_the_text_is_byte_for_byte_the_same),
        cmocka_unit_test(test_what_was_written_is_read),
        cmocka_unit_test(test_only_positions_up_to_the_stored_one_apply),
        cmocka_unit_test(test_where_a_snapshot_stood),
        cmocka_unit_test(test_dropped_tables_and_broken_records),
        cmocka_unit_test(test_json_texts),
    };
    return cmocka_run_group_tests(tests, NULL, clean);
}
