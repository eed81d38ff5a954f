#include "connectors/postgres/ddl.h"
#include "test/unit/connectors/postgres/host.h"
#include "test/unit/plugins/schema_build.h"

static void expect_id(const char *format, const char *topic, bool quote, const char *sql)
{
    cd_arena_t arena = {0};
    table_id_t id;
    assert_null(table_id_parse(format, topic, quote, &arena, &id));
    assert_string_equal(id.sql, sql);
    cd_arena_done(&arena);
}

static void expect_id_error(const char *format, const char *topic, const char *message)
{
    cd_arena_t arena = {0};
    table_id_t id;
    cd_err_t *err = table_id_parse(format, topic, true, &arena, &id);
    assert_non_null(err);
    assert_string_equal(err->message, message);
    cd_err_free(err);
    cd_arena_done(&arena);
}

static void test_table_names(void **state)
{
    (void)state;
    expect_id("${topic}", "customers", true, "\"customers\"");
    expect_id(" app.${topic} ", "customers", true, "\"app\".\"customers\"");
    expect_id("\"My.Schema\".${topic}", "customers", true, "\"My.Schema\".\"customers\"");
    expect_id("${topic}", "a.b.c", true, "\"a\".\"b\".\"c\"");
    expect_id("${topic}", "sqlserver.warehouse_source.dbo.customers", true, "\"sqlserver\".\"warehouse_source\"");
    expect_id("${topic}_${topic}${x}", "t", true, "\"t_t${x}\"");
    expect_id("${topic}", "Customers", false, "customers");
    expect_id("${topic}", "a\"b", true, "\"a\"\"b\"");
    /* 62 letters and a two-byte one: cutting inside it would give broken UTF-8 */
    expect_id("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\xc3\xa4", "t", true,
              "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"");
    expect_id_error("\"abc", "t", "Failure parsing fully qualified identifier; missing trailing quote in \"abc");
    expect_id_error("abc.", "t", "Failure parsing fully qualified identifier; ends in delimiter abc.");
    expect_id_error("${topic}", "", "Destination table name for topic '' is empty using the format string '${topic}'");
}

static void test_order_of_columns(void **state)
{
    (void)state;
    cd_arena_t arena = {0};
    cd_schema_pool_t *pool = schema_pool_new();
    sink_conf_t conf;
    const cd_schema_t *text = schema_primitive(pool, CD_STRING, true), *i32 = schema_primitive(pool, CD_INT32, false);
    const cd_schema_t *key = STRUCT_OF(pool, NULL, false, F("z", i32), F("id", i32), F("a", text));
    const cd_schema_t *value = STRUCT_OF(pool, NULL, false, F("name", text), F("id", text), F("city", text));
    CONF(&arena, &conf, "connection.url", "jdbc:postgresql:d", "pk.mode", "record_key", "fields.whitelist", "city");
    field_set_t set;
    assert_null(field_set_extract(&conf, "t", key, value, &arena, &set));
    assert_int_equal(set.nkeys, 3);
    assert_int_equal(set.nvalues, 1); /* name is not on the list; id belongs to the key */
    const char *sql;
    table_id_t id = {.table = "t", .sql = "\"t\""};
    assert_null(ddl_create(&conf, &id, &set, &arena, &sql));
    assert_string_equal(sql, "CREATE TABLE \"t\" (\n\"id\" INT NOT NULL,\n\"city\" TEXT NULL,\n\"a\" TEXT NOT NULL,\n"
                             "\"z\" INT NOT NULL,\nPRIMARY KEY(\"id\",\"a\",\"z\"))");
    sink_conf_done(&conf);

    CONF(&arena, &conf, "connection.url", "jdbc:postgresql:d", "pk.mode", "kafka", "pk.fields",
         "kafka_topic,kafka_partition,kafka_offset");
    assert_null(field_set_extract(&conf, "t", key, value, &arena, &set));
    assert_string_equal(set.keys[0].name, "kafka_topic");
    assert_string_equal(set.all[3]->name, "kafka_offset");
    assert_string_equal(set.all[5]->name, "kafka_topic");
    sink_conf_done(&conf);
    schema_pool_free(pool);
    cd_arena_done(&arena);
}

static void expect_alter(const sink_conf_t *conf, const cd_schema_t *schema, const char *want)
{
    cd_arena_t arena = {0};
    const sink_field_t f = {.name = "c", .schema = schema, .optional = schema->optional};
    const sink_field_t *missing[] = {&f};
    table_id_t id = {.table = "t", .sql = "t"};
    const char *sql;
    cd_err_t *err = ddl_alter(conf, &id, missing, 1, &arena, &sql);
    assert_string_equal(err != NULL ? err->message : sql, want);
    cd_err_free(err);
    cd_arena_done(&arena);
}

static void test_column_types_and_defaults(void **state)
{
    (void)state;
    cd_arena_t arena = {0};
    cd_schema_pool_t *pool = schema_pool_new();
    sink_conf_t conf;
    CONF(&arena, &conf, "connection.url", "jdbc:postgresql:d", "db.timezone", "America/New_York");
    cd_value_t n = cd_v_int(CD_INT32, 42), s = cd_v_str("O'Neil"), yes = cd_v_bool(true),
               raw = cd_v_bytes("\xab\xcd", 2);
    cd_value_t cents = cd_v_bytes("\xff\x85", 2), day = cd_v_int(CD_INT32, 17725),
               at = cd_v_int(CD_INT64, INT64_C(1474661402123));
    cd_value_t none = cd_v_items(CD_ARRAY, NULL, 0), one = cd_v_bytes("\x05", 1);
    const cd_param_t scale = {"scale", "2"};
    const cd_schema_t *text = schema_primitive(pool, CD_STRING, true);
    expect_alter(&conf, S(pool, .type = CD_INT32, .dflt = &n), "ALTER TABLE t ADD \"c\" INT DEFAULT 42");
    expect_alter(&conf, S(pool, .type = CD_STRING, .optional = true, .dflt = &s),
                 "ALTER TABLE t ADD \"c\" TEXT DEFAULT 'O''Neil'");
    expect_alter(&conf, S(pool, .type = CD_BOOLEAN, .dflt = &yes), "ALTER TABLE t ADD \"c\" BOOLEAN DEFAULT TRUE");
    expect_alter(&conf, S(pool, .type = CD_BYTES, .dflt = &raw),
                 "ALTER TABLE t ADD \"c\" BYTEA DEFAULT '\\xabcd'::bytea");
    expect_alter(&conf,
                 S(pool, .type = CD_BYTES, .name = CD_NAME_DECIMAL, .params = &scale, .nparams = 1, .dflt = &cents),
                 "ALTER TABLE t ADD \"c\" DECIMAL DEFAULT -1.23");
    expect_alter(&conf,
                 S(pool, .type = CD_BYTES, .name = CD_NAME_DECIMAL, .params = &scale, .nparams = 1, .dflt = &one),
                 "ALTER TABLE t ADD \"c\" DECIMAL DEFAULT 0.05");
    expect_alter(&conf, S(pool, .type = CD_INT32, .name = CD_NAME_DATE, .dflt = &day),
                 "ALTER TABLE t ADD \"c\" DATE DEFAULT '2018-07-12'");
    expect_alter(&conf, S(pool, .type = CD_INT64, .name = CD_NAME_TIMESTAMP, .dflt = &at),
                 "ALTER TABLE t ADD \"c\" TIMESTAMP DEFAULT '2016-09-23 16:10:02.123'");
    expect_alter(&conf, S(pool, .type = CD_ARRAY, .value_schema = text, .dflt = &none),
                 "ALTER TABLE t ADD \"c\" TEXT[] DEFAULT ARRAY[]::TEXT[]");
    expect_alter(&conf, S(pool, .type = CD_INT64, .optional = true, .name = "io.debezium.time.NanoTimestamp"),
                 "ALTER TABLE t ADD \"c\" BIGINT NULL");
    expect_alter(&conf, S(pool, .type = CD_STRING, .name = CD_NAME_DATE), "ALTER TABLE t ADD \"c\" TEXT NOT NULL");
    expect_alter(&conf, S(pool, .type = CD_INT64, .name = CD_NAME_TIMESTAMP, .dflt = &s),
                 "Unsupported type for column value: STRING");
    expect_alter(&conf, S(pool, .type = CD_FLOAT64), "ALTER TABLE t ADD \"c\" DOUBLE PRECISION NOT NULL");
    expect_alter(&conf, S(pool, .type = CD_STRUCT, .name = "io.debezium.data.VariableScaleDecimal"),
                 "ALTER TABLE t ADD \"c\" DECIMAL NOT NULL");
    expect_alter(&conf, S(pool, .type = CD_MAP, .key_schema = text, .value_schema = text),
                 "null (MAP) type doesn't have a mapping to the SQL database column type");
    sink_conf_done(&conf);
    CONF(&arena, &conf, "connection.url", "jdbc:postgresql:d", "debezium.type.ddl", "true");
    expect_alter(&conf, S(pool, .type = CD_INT64, .optional = true, .name = "io.debezium.time.NanoTimestamp"),
                 "ALTER TABLE t ADD \"c\" TIMESTAMP NULL");
    sink_conf_done(&conf);
    schema_pool_free(pool);
    cd_arena_done(&arena);
}

static void test_several_columns(void **state)
{
    (void)state;
    cd_arena_t arena = {0};
    cd_schema_pool_t *pool = schema_pool_new();
    sink_conf_t conf;
    CONF(&arena, &conf, "connection.url", "jdbc:postgresql:d");
    const cd_schema_t *text = schema_primitive(pool, CD_STRING, true);
    const sink_field_t a = {.name = "a", .schema = text, .optional = true},
                       b = {.name = "b", .schema = text, .optional = true};
    const sink_field_t *missing[] = {&a, &b};
    table_id_t id = {.table = "t", .sql = "\"t\""};
    const char *sql;
    assert_null(ddl_alter(&conf, &id, missing, 2, &arena, &sql));
    assert_string_equal(sql, "ALTER TABLE \"t\" \nADD \"a\" TEXT NULL,\nADD \"b\" TEXT NULL");
    assert_string_equal(ddl_fields_text(missing, 2, &arena),
                        "SinkRecordField{schema=Schema{STRING}, name='a', isPrimaryKey=false}, "
                        "SinkRecordField{schema=Schema{STRING}, name='b', isPrimaryKey=false}");
    sink_conf_done(&conf);
    schema_pool_free(pool);
    cd_arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_table_names), cmocka_unit_test(test_order_of_columns),
                                       cmocka_unit_test(test_column_types_and_defaults),
                                       cmocka_unit_test(test_several_columns)};
    return cmocka_run_group_tests(tests, give_host, NULL);
}
