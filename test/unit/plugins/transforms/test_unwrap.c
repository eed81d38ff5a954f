#include "plugins/transforms/transforms.h"

#include "test/unit/plugins/fake_host.h"
#include "test/unit/plugins/schema_build.h"

typedef struct fixture {
    cd_ctx_t ctx;
    cd_schema_pool_t *pool;
    cd_batch_t *batch;
    const cd_transform_ops_t *ops;
    void *transform;
} fixture_t;

static void start(fixture_t *f, const cd_plugin_t *plugin, const cd_pair_t *pairs, uint32_t n)
{
    *f = (fixture_t){.pool = schema_pool_new(), .ops = plugin->ops};
    f->batch = batch_new(f->pool);
    cd_config_t config = {.n = n, .pairs = pairs};
    cd_err_t *err = f->ops->configure(&f->ctx, &config, &f->transform);
    if (err != NULL) print_error("%s\n", err->message);
    assert_null(err);
}

static void stop(fixture_t *f)
{
    f->ops->close(f->transform);
    batch_unref(f->batch);
    schema_pool_free(f->pool);
}

static cd_record_t *add_record(fixture_t *f, const cd_schema_t *schema, cd_value_t value)
{
    cd_record_t *r = cd_batch_add(f->batch);
    r->topic = "sqlserver.warehouse_source.dbo.customers";
    r->value_schema = schema;
    r->value = value;
    return r;
}

static void apply(fixture_t *f)
{
    cd_err_t *err = NULL;
    uint32_t n = f->ops->apply(f->transform, f->batch, 0, f->batch->count, &err);
    if (err != NULL) print_error("%s\n", err->message);
    assert_null(err);
    assert_int_equal(n, f->batch->count);
}

static const char *text_of(const cd_record_t *r, strbuf_t *b)
{
    strbuf_clear(b);
    if ((r->flags & CD_REC_DROPPED) != 0) return "dropped";
    if (r->value.type == CD_NULL) return r->value_schema != NULL ? r->value_schema->name : "tombstone";
    value_text(r->value_schema, &r->value, b);
    return strbuf_str(b);
}

#define ROW   "id=1,name=Alice,email=alice@example.com,created_at=1764671400123456700,amount=[3 bytes],is_active=true"
#define VALUE "sqlserver.warehouse_source.dbo.customers.Value"

/** Results for c, u, r, d, tombstone and truncate under one configuration. */
static void expect_matrix(const cd_pair_t *pairs, uint32_t n, const char *live, const char *deleted,
                          const char *tombstone)
{
    fixture_t f;
    strbuf_t b = {0};
    start(&f, &unwrap_plugin, pairs, n);
    const cd_schema_t *s = envelope_schema(f.pool);
    cd_arena_t *a = &f.batch->arena;
    cd_value_t row = sample_row(a);
    add_record(&f, s, sample_envelope(a, "c", CD_V_NULL, row));
    add_record(&f, s, sample_envelope(a, "u", row, row));
    add_record(&f, s, sample_envelope(a, "r", CD_V_NULL, row));
    add_record(&f, s, sample_envelope(a, "d", row, CD_V_NULL));
    add_record(&f, NULL, CD_V_NULL);
    add_record(&f, s, sample_envelope(a, "t", CD_V_NULL, CD_V_NULL));
    apply(&f);
    const cd_record_t *r = f.batch->records;
    for (int i = 0; i < 3; i++) assert_string_equal(text_of(&r[i], &b), live);
    assert_string_equal(text_of(&r[3], &b), deleted);
    assert_string_equal(text_of(&r[4], &b), tombstone);
    assert_string_equal(text_of(&r[5], &b), "dropped");
    for (int i = 0; i < 3; i++) {
        assert_string_equal(r[i].value_schema->name, VALUE);
        assert_false(r[i].value_schema->optional);
    }
    strbuf_done(&b);
    stop(&f);
}

static void test_delete_matrix(void **state)
{
    (void)state;
    static const cd_pair_t old_drop[] = {{"delete.handling.mode", "drop"}};
    static const cd_pair_t keep[] = {{"delete.handling.mode", "none"}, {"drop.tombstones", "false"}};
    static const cd_pair_t rewrite[] = {{"delete.handling.mode", "Rewrite"}};
    static const char *const modes[][3] = {
        {"drop", "dropped", "dropped"},
        {"tombstone", VALUE, "dropped"},
        {"rewrite", "Struct{" ROW ",__deleted=true}", "dropped"},
        {"rewrite-with-tombstone", "Struct{" ROW ",__deleted=true}", "tombstone"},
        {"delete-to-tombstone", "tombstone", "dropped"},
    };
    expect_matrix(NULL, 0, "Struct{" ROW "}", "dropped", "dropped");
    expect_matrix(old_drop, 1, "Struct{" ROW "}", "dropped", "dropped");
    expect_matrix(keep, 2, "Struct{" ROW "}", VALUE, "tombstone");
    expect_matrix(rewrite, 1, "Struct{" ROW ",__deleted=false}", "Struct{" ROW ",__deleted=true}", "dropped");
    for (size_t i = 0; i < COUNT(modes); i++) {
        /* the new option wins over the old one */
        cd_pair_t pairs[] = {{"delete.tombstone.handling.mode", modes[i][0]}, {"delete.handling.mode", "drop"}};
        bool rewrites = strstr(modes[i][0], "rewrite") != NULL;
        expect_matrix(pairs, 2, rewrites ? "Struct{" ROW ",__deleted=false}" : "Struct{" ROW "}", modes[i][1],
                      modes[i][2]);
    }
}

static void test_shipped_sink_configuration(void **state)
{
    (void)state;
    static const cd_pair_t pairs[] = {
        {"drop.tombstones", "true"}, {"delete.handling.mode", "rewrite"}, {"add.fields", "op,deleted"}};
    fixture_t f;
    strbuf_t b = {0};
    start(&f, &unwrap_plugin, pairs, 3);
    const cd_schema_t *s = envelope_schema(f.pool);
    cd_arena_t *a = &f.batch->arena;
    add_record(&f, s, sample_envelope(a, "c", CD_V_NULL, sample_row(a)));
    add_record(&f, s, sample_envelope(a, "d", sample_row(a), CD_V_NULL));
    apply(&f);
    const cd_record_t *r = f.batch->records;
    assert_string_equal(text_of(&r[0], &b), "Struct{" ROW ",__op=c,__deleted=false}");
    assert_string_equal(text_of(&r[1], &b), "Struct{" ROW ",__op=d,__deleted=true}");
    assert_int_equal(r[0].value_schema->nfields, 9);
    assert_true(r[0].value_schema->fields[7].schema->optional);
    assert_ptr_equal(r[0].value_schema, r[1].value_schema);
    /* only the row images and op are read */
    const cd_needed_t *needs = f.ops->needs(f.transform);
    assert_true(needs->field(needs, s, 0) && needs->field(needs, s, 1));
    assert_true(needs->field(needs, s, 3));
    assert_true(needs->field(needs, s, 2)); /* "deleted" is looked up in source */
    assert_false(needs->field(needs, s, 4));
    strbuf_done(&b);
    stop(&f);
}

static void test_added_fields_and_headers(void **state)
{
    (void)state;
    static const cd_pair_t pairs[] = {{"add.fields", "table, source.ts_ms,op:OP,transaction.id,snapshot,nothing"},
                                      {"add.headers", "op,lsn,total_order"},
                                      {"add.headers.prefix", "h."},
                                      {"delete.tombstone.handling.mode", "rewrite-with-tombstone"}};
    fixture_t f;
    strbuf_t b = {0};
    start(&f, &unwrap_plugin, pairs, 4);
    const cd_schema_t *s = envelope_schema(f.pool);
    cd_arena_t *a = &f.batch->arena;
    add_record(&f, s, sample_envelope(a, "c", CD_V_NULL, sample_row(a)));
    add_record(&f, NULL, CD_V_NULL);
    apply(&f);
    const cd_record_t *r = f.batch->records;
    assert_string_equal(text_of(&r[0], &b), "Struct{" ROW ",__deleted=false,__table=customers,__source_ts_ms="
                                            "1764671400127,__OP=c,__transaction_id=00000027:00000758:0005}");
    const cd_schema_t *snapshot = r[0].value_schema->fields[r[0].value_schema->nfields - 1].schema;
    assert_string_equal(snapshot->name, "io.debezium.data.Enum");
    assert_null(snapshot->dflt);
    assert_int_equal(r[0].nheaders, 2);
    assert_string_equal(r[0].headers[0].key, "h.op");
    assert_string_equal(r[0].headers[1].key, "h.total_order");
    assert_int_equal(r[1].nheaders, 1);
    assert_true(cd_v_is_str(&r[1].headers[0].value, "d"));
    strbuf_done(&b);
    stop(&f);
}

static void test_other_records_pass(void **state)
{
    (void)state;
    fixture_t f;
    start(&f, &unwrap_plugin, NULL, 0);
    cd_value_t cell = cd_v_int(CD_INT64, 1), pair[] = {cd_v_str("a"), cd_v_int(CD_INT64, 1)};
    const cd_schema_t *s = STRUCT_OF(f.pool, "io.debezium.connector.common.Heartbeat", false,
                                     F("ts_ms", schema_primitive(f.pool, CD_INT64, false)));
    add_record(&f, s, cd_v_items(CD_STRUCT, &cell, 1));
    add_record(&f, NULL, cd_v_items(CD_MAP, pair, 1));
    apply(&f);
    assert_ptr_equal(f.batch->records[0].value_schema, s);
    assert_int_equal(f.batch->records[1].value.type, CD_MAP);
    stop(&f);
}

static void test_rewrite_fills_in_defaults(void **state)
{
    (void)state;
    static const char *const modes[] = {"rewrite", "rewrite", "drop"};
    static const char *const replace[] = {"true", "false", "true"};
    static const char *const want[] = {"Struct{a=x,__deleted=false}", "Struct{__deleted=false}", "Struct{}"};
    for (int i = 0; i < 3; i++) {
        cd_pair_t pairs[] = {{"delete.handling.mode", modes[i]}, {"replace.null.with.default", replace[i]}};
        fixture_t f;
        strbuf_t b = {0};
        start(&f, &unwrap_plugin, pairs, 2);
        cd_value_t x = cd_v_str("x"), none = CD_V_NULL;
        const cd_schema_t *row =
            STRUCT_OF(f.pool, "t.Value", true, F("a", S(f.pool, .type = CD_STRING, .optional = true, .dflt = &x)));
        const cd_schema_t *s = STRUCT_OF(f.pool, "t.Envelope", false, F("before", row), F("after", row));
        cd_value_t cells[] = {CD_V_NULL, cd_v_items(CD_STRUCT, &none, 1)};
        add_record(&f, s, cd_v_items(CD_STRUCT, cells, 2));
        apply(&f);
        assert_string_equal(text_of(&f.batch->records[0], &b), want[i]);
        strbuf_done(&b);
        stop(&f);
    }
}

static void test_routing_and_dropping(void **state)
{
    (void)state;
    static const cd_pair_t pairs[] = {{"route.by.field", "name"}, {"drop.fields.header.name", "drop"}};
    fixture_t f;
    strbuf_t b = {0};
    start(&f, &unwrap_plugin, pairs, 2);
    cd_arena_t *a = &f.batch->arena;
    cd_record_t *r = add_record(&f, envelope_schema(f.pool), sample_envelope(a, "c", CD_V_NULL, sample_row(a)));
    cd_value_t names[] = {cd_v_str("email"), cd_v_str("id"), cd_v_str("created_at"), cd_v_str("amount")};
    cd_header_t header = {.key = "drop", .value = cd_v_items(CD_ARRAY, names, 4)};
    r->headers = &header;
    r->nheaders = 1;
    apply(&f);
    r = f.batch->records;
    assert_string_equal(r->topic, "Alice");
    assert_string_equal(text_of(r, &b), "Struct{id=1,name=Alice,is_active=true}"); /* id is required and stays */
    strbuf_done(&b);
    stop(&f);
}

static void test_bad_settings(void **state)
{
    (void)state;
    static const cd_pair_t bad_mode[] = {{"delete.handling.mode", "maybe"}};
    static const cd_pair_t bad_field[] = {{"add.fields", "a:b:c"}};
    const cd_transform_ops_t *ops = unwrap_plugin.ops;
    cd_ctx_t ctx = {0};
    void *t = NULL;
    cd_err_t *err = ops->configure(&ctx, &(cd_config_t){.n = 1, .pairs = bad_mode}, &t);
    assert_string_equal(err->message, "Unable to validate config.");
    cd_err_free(err);
    err = ops->configure(&ctx, &(cd_config_t){.n = 1, .pairs = bad_field}, &t);
    assert_string_equal(err->message, "Unexpected field name: a:b:c");
    cd_err_free(err);
}

static void test_duplicate_name_is_an_error(void **state)
{
    (void)state;
    static const cd_pair_t pairs[] = {{"add.fields", "op:id"}, {"add.fields.prefix", ""}};
    fixture_t f;
    start(&f, &unwrap_plugin, pairs, 2);
    cd_arena_t *a = &f.batch->arena;
    add_record(&f, envelope_schema(f.pool), sample_envelope(a, "c", CD_V_NULL, sample_row(a)));
    cd_err_t *err = NULL;
    assert_int_equal(f.ops->apply(f.transform, f.batch, 0, 1, &err), 0);
    assert_string_equal(err->message, "Cannot create field because of field name duplication id");
    assert_string_equal(err->jvm_class, CD_JVM_SCHEMA_BUILDER);
    cd_err_free(err);
    stop(&f);
}

static void test_add_deleted_field(void **state)
{
    (void)state;
    fixture_t f;
    strbuf_t b = {0};
    start(&f, &add_deleted_field_value_plugin, NULL, 0);
    const cd_schema_t *text = schema_primitive(f.pool, CD_STRING, false);
    const cd_schema_t *with_op =
        STRUCT_OF(f.pool, "ns.R", false, F("id", schema_primitive(f.pool, CD_INT32, false)), F("op", text));
    const cd_schema_t *with_flag = STRUCT_OF(f.pool, "ns.R", false, F("__op", text), F("__deleted", text));
    cd_value_t one[] = {cd_v_int(CD_INT32, 1), cd_v_str("d")}, two[] = {cd_v_str("d"), cd_v_str("true")};
    cd_value_t map[] = {cd_v_str("op"), cd_v_str("d")};
    add_record(&f, with_op, cd_v_items(CD_STRUCT, one, 2));
    add_record(&f, with_flag, cd_v_items(CD_STRUCT, two, 2));
    add_record(&f, NULL, cd_v_items(CD_MAP, map, 1));
    add_record(&f, NULL, CD_V_NULL);
    apply(&f);
    const cd_record_t *r = f.batch->records;
    assert_string_equal(text_of(&r[0], &b), "Struct{id=1,op=d,__deleted=true}");
    assert_null(r[0].value_schema->name);
    assert_string_equal(text_of(&r[1], &b), "Struct{__op=d,__deleted=false}");
    assert_int_equal(f.ctx.warnings, 1);
    assert_string_equal(text_of(&r[2], &b), "{op=d, __deleted=true}");
    assert_string_equal(text_of(&r[3], &b), "tombstone");
    strbuf_done(&b);
    stop(&f);
}

static void test_regex_router(void **state)
{
    (void)state;
    static const cd_pair_t pairs[] = {{"regex", "sqlserver\\.warehouse_source\\.dbo\\.(.*)"}, {"replacement", "$1"}};
    static const cd_pair_t no_group[] = {{"regex", "a"}, {"replacement", "$2"}};
    static const cd_pair_t bad[] = {{"regex", "top("}, {"replacement", "x"}};
    fixture_t f;
    start(&f, &regex_router_plugin, pairs, 2);
    add_record(&f, NULL, CD_V_NULL);
    add_record(&f, NULL, CD_V_NULL)->topic = "xsqlserver.warehouse_source.dbo.t";
    add_record(&f, NULL, CD_V_NULL);
    apply(&f);
    assert_string_equal(f.batch->records[0].topic, "customers");
    assert_string_equal(f.batch->records[1].topic, "xsqlserver.warehouse_source.dbo.t");
    assert_ptr_equal(f.batch->records[0].topic, f.batch->records[2].topic);
    stop(&f);
    start(&f, &regex_router_plugin, no_group, 2);
    add_record(&f, NULL, CD_V_NULL)->topic = "b";
    add_record(&f, NULL, CD_V_NULL)->topic = "a";
    cd_err_t *err = NULL;
    assert_int_equal(f.ops->apply(f.transform, f.batch, 0, 2, &err), 1);
    assert_string_equal(err->message, "No group 2");
    cd_err_free(err);
    stop(&f);
    const cd_transform_ops_t *ops = regex_router_plugin.ops;
    void *t = NULL;
    cd_ctx_t ctx = {0};
    err = ops->configure(&ctx, &(cd_config_t){.n = 2, .pairs = bad}, &t);
    assert_string_equal(err->message, "Invalid value top( for configuration regex: Invalid regex: Unclosed group near "
                                      "index 4\ntop(");
    cd_err_free(err);
}

static void test_predicates(void **state)
{
    (void)state;
    static const cd_pair_t pattern[] = {{"pattern", "a|ab"}}, name[] = {{"name", "h"}};
    cd_schema_pool_t *pool = schema_pool_new();
    cd_batch_t *batch = batch_new(pool);
    cd_header_t header = {.key = "h"};
    cd_ctx_t ctx = {0};
    bool match[2];
    cd_record_t *r = cd_batch_add(batch);
    r->topic = "ab";
    r->headers = &header;
    r->nheaders = 1;
    r = cd_batch_add(batch);
    r->topic = "abc";
    r->value = cd_v_bool(true);
    const cd_plugin_t *plugins[] = {&topic_name_matches_plugin, &has_header_key_plugin, &record_is_tombstone_plugin};
    const cd_pair_t *pairs[] = {pattern, name, NULL};
    for (int i = 0; i < 3; i++) {
        const cd_predicate_ops_t *ops = plugins[i]->ops;
        void *p = NULL;
        cd_err_t *err = NULL;
        assert_null(ops->configure(&ctx, &(cd_config_t){.n = i < 2 ? 1 : 0, .pairs = pairs[i]}, &p));
        assert_int_equal(ops->test(p, batch, 0, 2, match, &err), 2);
        assert_true(match[0]);
        assert_false(match[1]);
        ops->close(p);
    }
    batch_unref(batch);
    schema_pool_free(pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_delete_matrix),
        cmocka_unit_test(test_shipped_sink_configuration),
        cmocka_unit_test(test_added_fields_and_headers),
        cmocka_unit_test(test_other_records_pass),
        cmocka_unit_test(test_rewrite_fills_in_defaults),
        cmocka_unit_test(test_routing_and_dropping),
        cmocka_unit_test(test_bad_settings),
        cmocka_unit_test(test_duplicate_name_is_an_error),
        cmocka_unit_test(test_add_deleted_field),
        cmocka_unit_test(test_regex_router),
        cmocka_unit_test(test_predicates),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
