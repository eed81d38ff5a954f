#include "connectors/postgres/rows.h"
#include "connectors/postgres/show.h"
#include "connectors/postgres/sql_error.h"
#include "test/unit/connectors/postgres/host.h"
#include "test/unit/plugins/schema_build.h"

typedef struct fixture {
    cd_arena_t arena;
    cd_schema_pool_t *pool;
    sink_conf_t conf;
    plan_t *plan;
    const cd_schema_t *value;
} fixture_t;

static pg_type_t type_of(uint32_t oid, const char *name)
{
    return (pg_type_t){.oid = oid,
                       .array_oid = pg_type_builtin_array(oid),
                       .family = (uint8_t)pg_type_family(oid, name, false),
                       .deterministic = true,
                       .typmod = -1,
                       .name = name,
                       .sql_name = pg_type_builtin_name(oid)};
}

/** A table t(k int, u uuid, s text, x xml) and the plan of records with fields of these names. */
static void fixture_open(fixture_t *f, const char *mode, const char *deletes)
{
    *f = (fixture_t){.pool = schema_pool_new()};
    CONF(&f->arena, &f->conf, "connection.url", "jdbc:postgresql:d", "insert.mode", mode, "pk.mode",
         strcmp(deletes, "true") == 0 ? "record_key" : "record_value", "pk.fields", "k", "delete.enabled", deletes);
    const cd_schema_t *text = schema_primitive(f->pool, CD_STRING, true),
                      *i32 = schema_primitive(f->pool, CD_INT32, true);
    const cd_schema_t *key = STRUCT_OF(f->pool, NULL, false, F("k", i32));
    f->value = STRUCT_OF(f->pool, NULL, false, F("k", i32), F("u", text), F("s", text), F("x", text));
    column_t columns[] = {{"k", type_of(OID_INT4, "int4")},
                          {"u", type_of(OID_UUID, "uuid")},
                          {"s", type_of(OID_TEXT, "text")},
                          {"X", type_of(OID_XML, "xml")}};
    table_def_t def = {.kind = TABLE_KIND_TABLE, .plain = true, .ncolumns = 4, .columns = columns};
    table_id_t id = {.table = "t", .sql = "\"t\""};
    bind_env_t env = {.coerce = true, .zone = f->conf.zone, .date_zone = f->conf.zone};
    field_set_t fields;
    assert_null(field_set_extract(&f->conf, "t", key, f->value, &f->arena, &fields));
    assert_null(plan_new(&f->conf, &env, &id, &def, &fields, 1, &f->arena, &f->plan));
}

static void fixture_close(fixture_t *f)
{
    sink_conf_done(&f->conf);
    schema_pool_free(f->pool);
    cd_arena_done(&f->arena);
}

static void test_statements(void **state)
{
    (void)state;
    fixture_t f;
    fixture_open(&f, "upsert", "true");
    assert_string_equal(
        f.plan->row.sql,
        "INSERT INTO \"t\" (\"k\",\"u\",\"s\",\"X\") VALUES ($1,$2::uuid,$3,$4) ON CONFLICT (\"k\") DO UPDATE SET "
        "\"u\"=EXCLUDED.\"u\",\"s\"=EXCLUDED.\"s\",\"X\"=EXCLUDED.\"X\"");
    assert_string_equal(f.plan->remove.sql, "DELETE FROM \"t\" WHERE \"k\" = $1");
    assert_string_equal(
        f.plan->unnest.sql,
        "INSERT INTO \"t\" (\"k\",\"u\",\"s\",\"X\") SELECT u.c1,u.c2,u.c3,u.c4::xml FROM "
        "UNNEST($1::integer[],$2::uuid[],$3::character varying[],$4::text[]) AS u(c1,c2,c3,c4) ON CONFLICT (\"k\") "
        "DO UPDATE SET \"u\"=EXCLUDED.\"u\",\"s\"=EXCLUDED.\"s\",\"X\"=EXCLUDED.\"X\"");
    assert_string_equal(f.plan->unnest_remove.sql,
                        "DELETE FROM \"t\" AS t USING UNNEST($1::integer[]) AS u(c1) WHERE t.\"k\" = u.c1");
    assert_true(f.plan->can_fold && f.plan->can_unnest && f.plan->can_copy);
    assert_null(f.plan->copy_direct);
    assert_int_equal(f.plan->row.oids[3], OID_XML); /* as text: the server reads it */
    assert_int_equal(f.plan->row.formats[3], 0);
    fixture_close(&f);
    fixture_open(&f, "update", "false");
    assert_string_equal(f.plan->row.sql, "UPDATE \"t\" SET \"u\" = $2::uuid, \"s\" = $3, \"X\" = $4 WHERE \"k\" = $1");
    assert_null(f.plan->unnest.sql);
    fixture_close(&f);
    fixture_open(&f, "insert", "false");
    assert_string_equal(f.plan->row.sql, "INSERT INTO \"t\" (\"k\",\"u\",\"s\",\"X\") VALUES ($1,$2::uuid,$3,$4)");
    fixture_close(&f);
}

static void add(fixture_t *f, row_set_t *rows, int32_t k, const char *s, bool is_delete)
{
    cd_value_t key = k == 0 ? CD_V_NULL : cd_v_int(CD_INT32, k);
    cd_value_t items[] = {key, CD_V_NULL, cd_v_str(s), CD_V_NULL};
    cd_record_t rec = {.topic = "t", .key = cd_v_items(CD_STRUCT, &key, 1), .value_schema = f->value};
    if (!is_delete) rec.value = cd_v_items(CD_STRUCT, items, 4);
    conv_err_t err;
    uint32_t bad;
    assert_true(row_set_add(rows, f->plan, &rec, rows->n, is_delete, &err, &bad));
}

static void test_folding(void **state)
{
    (void)state;
    fixture_t f;
    fixture_open(&f, "upsert", "true");
    row_set_t rows = {0};
    add(&f, &rows, 1, "a", false); /* superseded by row 2 */
    add(&f, &rows, 2, "b", false);
    add(&f, &rows, 1, "c", false); /* superseded by the delete */
    add(&f, &rows, 1, NULL, true); /* deletes run first, and stay */
    add(&f, &rows, 1, "d", false);
    add(&f, &rows, 3, NULL, true);
    assert_false(rows.null_key);
    row_set_fold(&rows);
    static const bool dead[] = {true, false, true, false, false, false};
    for (uint32_t i = 0; i < rows.n; i++) assert_int_equal(rows.rows[i].dead, dead[i]);
    assert_int_equal(rows.ndead, 2);
    assert_int_equal(rows.ndeletes, 2);
    add(&f, &rows, 0, "x", false);
    assert_true(rows.null_key);
    row_set_reset(&rows);
    for (int32_t i = 1; i <= 5000; i++) add(&f, &rows, i % 1000 + 1, "v", false);
    row_set_fold(&rows);
    assert_int_equal(rows.ndead, 4000);
    for (uint32_t i = 0; i < rows.n; i++) assert_int_equal(rows.rows[i].dead, i < 4000);
    row_set_done(&rows);
    fixture_close(&f);
}

static void test_conversion_error_leaves_the_set_alone(void **state)
{
    (void)state;
    fixture_t f;
    fixture_open(&f, "upsert", "false");
    row_set_t rows = {0};
    cd_value_t items[] = {cd_v_int(CD_INT32, 1), cd_v_str("nope"), CD_V_NULL, CD_V_NULL};
    cd_record_t rec = {.topic = "t", .value_schema = f.value, .value = cd_v_items(CD_STRUCT, items, 4)};
    conv_err_t err;
    uint32_t bad;
    assert_false(row_set_add(&rows, f.plan, &rec, 0, false, &err, &bad));
    assert_int_equal(bad, 1);
    assert_string_equal(err.sqlstate, "22P02");
    assert_int_equal(rows.n, 0);
    assert_int_equal(rows.buf.len, 0);
    items[1] = cd_v_int(CD_INT64, 1); /* a cell that is not what its schema says */
    assert_false(row_set_add(&rows, f.plan, &rec, 0, false, &err, &bad));
    row_set_done(&rows);
    fixture_close(&f);
}

static void test_statement_with_values(void **state)
{
    (void)state;
    fixture_t f;
    fixture_open(&f, "upsert", "true");
    row_set_t rows = {0};
    add(&f, &rows, 7, "it's", false);
    add(&f, &rows, 8, NULL, true);
    assert_string_equal(plan_show(f.plan, true, rows.buf.data + rows.rows[1].at, &f.arena),
                        "DELETE FROM \"t\" WHERE \"k\" = 8");
    const char *text = plan_show(f.plan, false, rows.buf.data, &f.arena);
    assert_non_null(strstr(text, "VALUES (7,NULL::uuid,'it''s',NULL)"));
    const uint8_t numeric[] = {0, 2, 0, 0, 0, 0, 0, 2, 0, 12, 0x0D, 0x48};
    assert_string_equal(show_value(OID_NUMERIC, numeric, sizeof(numeric), &f.arena), "12.34");
    row_set_done(&rows);
    fixture_close(&f);
}

static void test_error_texts(void **state)
{
    (void)state;
    sql_error_t e = {.sqlstate = "23505", .text = "ERROR: boom"};
    sql_error_style_t open = {.detail = true}, brief = {0}, redacted = {.detail = true, .redacted = true};
    cd_err_t *err = sql_error_batch(&e, &open, 1234567, "INSERT 1");
    assert_string_equal(
        err->message,
        "Exception chain:\njava.sql.BatchUpdateException: Batch entry 1,234,567 INSERT 1 was aborted: ERROR: boom"
        "  Call getNextException to see other errors in the batch.\norg.postgresql.util.PSQLException: ERROR: "
        "boom\norg.postgresql.util.PSQLException: ERROR: boom\n");
    cd_err_free(err);
    err = sql_error_batch(&e, &brief, 0, "INSERT 1");
    assert_non_null(strstr(err->message, "Batch entry 0 <unknown> was aborted"));
    cd_err_free(err);
    err = sql_error_batch(&e, &redacted, 0, "INSERT secret");
    assert_null(strstr(err->message, "secret"));
    assert_non_null(strstr(err->message, "SQLState=23505"));
    cd_err_free(err);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_statements), cmocka_unit_test(test_folding),
                                       cmocka_unit_test(test_conversion_error_leaves_the_set_alone),
                                       cmocka_unit_test(test_statement_with_values),
                                       cmocka_unit_test(test_error_texts)};
    return cmocka_run_group_tests(tests, give_host, NULL);
}
