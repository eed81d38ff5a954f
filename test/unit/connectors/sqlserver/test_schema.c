/* Names and schemas of topics, keys, rows and envelopes. */
#include "test/unit/support/cmocka_all.h"

#include "connectors/sqlserver/schema.h"
#include "test/unit/connectors/sqlserver/host.h"

static cd_arena_t arena;
static cd_ctx_t ctx;
static conf_t conf;
static forms_t forms;

static void use(const char *const settings[][2], uint32_t n)
{
    static cd_pair_t pairs[16];
    static cd_config_t config;
    pairs[0] = (cd_pair_t){"topic.prefix", "sqlserver"};
    pairs[1] = (cd_pair_t){"database.names", "warehouse_source"};
    pairs[2] = (cd_pair_t){"database.hostname", "h"};
    for (uint32_t i = 0; i < n; i++) pairs[3 + i] = (cd_pair_t){settings[i][0], settings[i][1]};
    config = (cd_config_t){.n = 3 + n, .pairs = pairs};
    conf_done(&conf);
    ctx.config = &config;
    assert_null(conf_load(&ctx, &config, "T", &conf));
    forms_init(&forms, &conf, ctx.pool, &arena);
}

static void column(table_t *t, const char *name, const char *type, int32_t system_type, int32_t length,
                   int32_t precision, int32_t scale, bool optional)
{
    column_t *c = &t->columns[t->ncolumns];
    *c = (column_t){.name = name, .position = (int32_t)++t->ncolumns, .optional = optional};
    assert_true(column_set_type(c, &arena, type, system_type, length, precision, scale));
}

static table_t *customers(void)
{
    table_t *t = table_new(&arena, "warehouse_source", "dbo", "customers");
    t->columns = cd_arena_array(&arena, column_t, 8);
    column(t, "id", "int", 56, 4, 10, 0, false);
    column(t, "name", "nvarchar", 231, 200, 0, 0, false);
    column(t, "email", "nvarchar", 231, 200, 0, 0, true);
    column(t, "created_at", "datetime2", 42, 8, 27, 7, true);
    column(t, "amount", "decimal", 106, 9, 10, 2, true);
    column(t, "any", "sql_variant", 98, 8016, 0, 0, true);
    t->key = cd_arena_array(&arena, const char *, 1);
    t->key[0] = "id";
    t->nkey = 1;
    return t;
}

static void test_topics(void **state)
{
    (void)state;
    use(NULL, 0);
    table_t *odd = table_new(&arena, "testDB1", "s ['1']", "UAT WAG CZ$Fixed Asset ['1']");
    assert_string_equal(schema_topic(&conf, odd, &arena), "sqlserver.testDB1.s___1__.UAT_WAG_CZ_Fixed_Asset___1__");
    char name[301];
    memset(name, 'a', 300);
    name[300] = '\0';
    assert_int_equal(strlen(schema_topic_sanitize(name, &arena)), 249);
    assert_string_equal(schema_topic_sanitize("..", &arena), "__");
    static const char *const underscore[][2] = {{"topic.delimiter", "_"}};
    use(underscore, 1);
    assert_string_equal(schema_topic(&conf, customers(), &arena), "sqlserver_warehouse_source_dbo_customers");
    assert_string_equal(forms.topic_tx, "sqlserver_transaction");
    assert_string_equal(forms.topic_heartbeat, "__debezium-heartbeat_sqlserver");
    assert_string_equal(forms.topic_changes, "sqlserver");
}

static void test_adjusted_names(void **state)
{
    (void)state;
    assert_string_equal(schema_adjust(ADJUST_AVRO, true, "my col$a", &arena), "my_col_a");
    assert_string_equal(schema_adjust(ADJUST_AVRO, true, "1st", &arena), "_1st");
    assert_string_equal(schema_adjust(ADJUST_AVRO, true, "a.b", &arena), "a_b");
    assert_string_equal(schema_adjust(ADJUST_AVRO, false, "test-db.x", &arena), "test_db.x");
    assert_string_equal(schema_adjust(ADJUST_AVRO_UNICODE, false, "test-db", &arena), "test_u002ddb");
    assert_string_equal(schema_adjust(ADJUST_AVRO_UNICODE, false, "\xc4\x8d_", &arena), "_u10d_u005f");
    assert_string_equal(schema_adjust(ADJUST_NONE, false, "test-db", &arena), "test-db");
}

static void assert_fields(const cd_schema_t *s, const char *const *names)
{
    uint32_t n = 0;
    for (; names[n] != NULL; n++) {
        assert_true(n < s->nfields);
        assert_string_equal(s->fields[n].name, names[n]);
    }
    assert_int_equal(s->nfields, n);
}

static void test_worked_table(void **state)
{
    (void)state;
    use(NULL, 0);
    shape_t *s = shape_new(&forms, &ctx, customers(), &arena);
    assert_int_equal(ctx.warnings, 2); /* sql_variant is left out, with two sentences */
    static const char *const row[] = {"id", "name", "email", "created_at", "amount", NULL};
    assert_fields(s->row, row);
    assert_string_equal(s->row->name, "sqlserver.warehouse_source.dbo.customers.Value");
    assert_true(s->row->optional && !s->row->has_version);
    const cd_schema_t *created = s->row->fields[3].schema, *amount = s->row->fields[4].schema;
    assert_string_equal(created->name, "io.debezium.time.NanoTimestamp");
    assert_int_equal(created->version, 1);
    assert_string_equal(amount->name, CD_NAME_DECIMAL);
    assert_string_equal(amount->params[0].name, "scale");
    assert_string_equal(amount->params[1].name, "connect.decimal.precision");
    assert_string_equal(amount->params[1].value, "10");
    static const char *const key[] = {"id", NULL};
    assert_fields(s->key, key);
    assert_false(s->key->optional);
}

static void test_profiles(void **state)
{
    (void)state;
    static const char *const e[][2] = {{"internal.event.profile", "E"}};
    use(NULL, 0); /* without the option: the schemas that 2.4.2 has registered */
    shape_t *s = shape_new(&forms, &ctx, customers(), &arena);
    static const char *const old[] = {"before", "after", "source", "op", "ts_ms", "transaction", NULL};
    assert_fields(s->envelope, old);
    assert_int_equal(s->envelope->version, 1);
    static const char *const old_source[] = {"version",    "connector",       "name",   "ts_ms", "snapshot",
                                             "db",         "sequence",        "schema", "table", "change_lsn",
                                             "commit_lsn", "event_serial_no", NULL};
    assert_fields(forms.source_schema, old_source);
    assert_false(forms.source_schema->has_version);
    assert_string_equal(forms.source_schema->fields[4].schema->params[0].value, "true,last,false,incremental");
    use(e, 1);
    s = shape_new(&forms, &ctx, customers(), &arena);
    static const char *const later[] = {"before", "after", "source", "transaction", "op",
                                        "ts_ms",  "ts_us", "ts_ns",  NULL};
    assert_fields(s->envelope, later);
    assert_int_equal(s->envelope->version, 2);
    assert_int_equal(forms.source_schema->version, 1);
    assert_int_equal(forms.source_schema->nfields, 14);
}

static void test_filters_and_masks_leave_the_key_alone(void **state)
{
    (void)state;
    static const char *const settings[][2] = {{"column.exclude.list", "dbo.customers.id"},
                                              {"column.mask.with.4.chars", "dbo.customers.name"},
                                              {"message.key.columns", "dbo.customers:name,id"},
                                              {"column.propagate.source.type", ".*\\.(amount|name)"}};
    use(settings, 4);
    shape_t *s = shape_new(&forms, &ctx, customers(), &arena);
    static const char *const row[] = {"name", "email", "created_at", "amount", NULL};
    assert_fields(s->row, row);
    static const char *const key[] = {"id", "name", NULL}; /* the table's order */
    assert_fields(s->key, key);
    assert_int_equal(s->ncells, 6);
    assert_int_equal(s->fields[s->key_cells[1]]->mask, -1);
    assert_int_equal(s->key->fields[1].schema->nparams, 0);
    assert_int_equal(s->fields[0]->mask, 4);
    assert_true(cd_v_is_str(&s->fields[0]->null_value, "****"));
    const cd_schema_t *amount = s->row->fields[3].schema;
    assert_int_equal(amount->nparams, 6);
    assert_string_equal(amount->params[2].value, "DECIMAL");
    assert_string_equal(amount->params[4].value, "2");
}

static void test_time_modes(void **state)
{
    (void)state;
    static const struct {
        const char *mode, *date, *stamp;
        uint8_t type;
    } rows[] = {{"connect", CD_NAME_DATE, CD_NAME_TIMESTAMP, CD_INT64},
                {"adaptive_time_microseconds", "io.debezium.time.Date", "io.debezium.time.NanoTimestamp", CD_INT64},
                {"isostring", "io.debezium.time.IsoDate", "io.debezium.time.IsoTimestamp", CD_STRING},
                {"microseconds", "io.debezium.time.Date", "io.debezium.time.MicroTimestamp", CD_INT64}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *const settings[][2] = {{"time.precision.mode", rows[i].mode}};
        use(settings, 1);
        table_t *t = table_new(&arena, "d", "dbo", "t");
        t->columns = cd_arena_array(&arena, column_t, 2);
        column(t, "day", "date", 40, 3, 10, 0, true);
        column(t, "at", "datetime2", 42, 8, 27, 7, true);
        shape_t *s = shape_new(&forms, &ctx, t, &arena);
        assert_string_equal(s->row->fields[0].schema->name, rows[i].date);
        assert_string_equal(s->row->fields[1].schema->name, rows[i].stamp);
        assert_int_equal(s->row->fields[1].schema->type, rows[i].type);
        assert_null(s->key);
    }
}

static int setup(void **state)
{
    (void)state;
    host_install();
    ctx.pool = schema_pool_new();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    conf_done(&conf);
    cd_arena_done(&arena);
    host_done(&ctx);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_topics),
        cmocka_unit_test(test_adjusted_names),
        cmocka_unit_test(test_worked_table),
        cmocka_unit_test(test_profiles),
        cmocka_unit_test(test_filters_and_masks_leave_the_key_alone),
        cmocka_unit_test(test_time_modes),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
