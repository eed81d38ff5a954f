/* Order, serials, resume and the records of one change, over kept rows: no server is needed. */
#include "test/unit/support/cmocka_all.h"

#include "connectors/sqlserver/stream.h"
#include "test/unit/connectors/sqlserver/host.h"

#define ROWS_MAX 16

static cd_ctx_t ctx;
static task_t task;
static part_t part;
static stream_t stream;
static cursor_t cursors[3];
static instance_t instances[3];
static kept_row_t rows[3][ROWS_MAX];
static shape_t *shapes[3];
static cd_batch_t *batch;

static lsn_t lsn(uint32_t n)
{
    lsn_t l = {.set = true};
    l.b[8] = (uint8_t)(n >> 8);
    l.b[9] = (uint8_t)n;
    return l;
}

static table_t *table(const char *name)
{
    table_t *t = table_new(&task.arena, "w", "dbo", name);
    t->columns = cd_arena_array(&task.arena, column_t, 2);
    t->columns[0] = (column_t){.name = "id", .position = 1};
    assert_true(column_set_type(&t->columns[0], &task.arena, "int", 56, 4, 10, 0));
    t->columns[1] = (column_t){.name = "v", .position = 2, .optional = true};
    assert_true(column_set_type(&t->columns[1], &task.arena, "nvarchar", 231, 100, 0, 0));
    t->ncolumns = 2;
    t->key = cd_arena_array(&task.arena, const char *, 1);
    t->key[0] = "id";
    t->nkey = 1;
    return t;
}

/* A task with three tables a, b, c and no rows. */
static void begin(const char *const settings[][2], uint32_t n)
{
    static cd_pair_t pairs[12];
    static cd_config_t config;
    pairs[0] = (cd_pair_t){"topic.prefix", "s"};
    pairs[1] = (cd_pair_t){"database.names", "w"};
    pairs[2] = (cd_pair_t){"database.hostname", "h"};
    for (uint32_t i = 0; i < n; i++) pairs[3 + i] = (cd_pair_t){settings[i][0], settings[i][1]};
    config = (cd_config_t){.n = 3 + n, .pairs = pairs};
    ctx.config = &config;
    ctx.pool = schema_pool_new();
    task = (task_t){.ctx = &ctx};
    assert_null(conf_load(&ctx, &config, "T", &task.conf));
    forms_init(&task.forms, &task.conf, ctx.pool, &task.arena);
    task.emit = (emitter_t){.conf = &task.conf, .forms = &task.forms, .task_id = "0"};
    task.seen = task.created = task.updated = task.deleted = task.connected = &ctx.metric;
    part = (part_t){.task = &task, .db = "w", .stream = &stream, .behind_ms = &ctx.metric};
    part.offset = (offset_t){.present = true, .serial = 1, .pos = {lsn(1), lsn(1)}};
    stream = (stream_t){.cursors = cursors, .ncursors = 3};
    static const char *const names[] = {"a", "b", "c"};
    for (uint32_t i = 0; i < 3; i++) {
        instances[i] = (instance_t){.schema = "dbo", .table = names[i], .name = names[i]};
        shapes[i] = shape_new(&task.forms, &ctx, table(names[i]), &task.arena);
        cursors[i] =
            (cursor_t){.instance = &instances[i], .index = i, .shape = shapes[i], .kept = rows[i], .at = UINT32_MAX};
    }
    batch = batch_new(ctx.pool);
    emit_begin(&task.emit, batch);
    emit_database(&task.emit, "w");
}

static void row(uint32_t t, uint32_t commit, uint32_t change, int32_t op, int32_t id, const char *v)
{
    cd_value_t *cells = cd_arena_array(&task.arena, cd_value_t, 2);
    cells[0] = cd_v_int(CD_INT32, id);
    cells[1] = cd_v_str(v);
    cursor_t *c = &cursors[t];
    rows[t][c->nkept++] = (kept_row_t){.pos = {lsn(commit), lsn(change)},
                                       .op = op,
                                       .ts_ns = INT64_C(1764671400127000000) + commit * 1000000,
                                       .cells = cells};
}

/* Start the window at the offset and read it all. */
static void run(void)
{
    bool done = false;
    stream.start = part.offset.pos;
    stream.start_serial = part.offset.serial;
    stream.k = 1;
    for (uint32_t i = 0; i < 3; i++) assert_null(cursor_next(&cursors[i]));
    assert_null(merge_step(&part, &done));
    assert_true(done);
}

static void end(void)
{
    batch_unref(batch);
    offset_done(&part.offset);
    conf_done(&task.conf);
    cd_arena_done(&task.arena);
    schema_pool_free(ctx.pool);
    ctx = (cd_ctx_t){0};
}

static const cd_value_t *value_of(uint32_t i, const char *block, const char *name)
{
    const cd_record_t *r = &batch->records[i];
    const cd_value_t *v = &r->value;
    const cd_schema_t *s = r->value_schema;
    if (block != NULL) {
        int32_t at = cd_schema_field(s, block);
        v = &v->items[at];
        s = s->fields[at].schema;
    }
    return &v->items[cd_schema_field(s, name)];
}

/* "c:a/1#1": operation, table, key and serial; "t:a/1" a tombstone. */
static void assert_events(const char *const *expected)
{
    uint32_t n = 0;
    for (; expected[n] != NULL; n++) {
        char text[64];
        assert_true(n < batch->count);
        const cd_record_t *r = &batch->records[n];
        const char *name = strrchr(r->topic, '.') + 1;
        long long id = r->key.type == CD_STRUCT ? (long long)r->key.items[0].i64 : -1;
        if (r->value.type == CD_NULL) {
            (void)snprintf(text, sizeof(text), "t:%s/%lld", name, id);
        } else if (strcmp(name, "transaction") == 0) {
            (void)snprintf(text, sizeof(text), "%.*s", (int)value_of(n, NULL, "status")->len,
                           value_of(n, NULL, "status")->str);
        } else {
            (void)snprintf(text, sizeof(text), "%.1s:%s/%lld#%lld", value_of(n, NULL, "op")->str, name, id,
                           (long long)value_of(n, "source", "event_serial_no")->i64);
        }
        assert_string_equal(text, expected[n]);
    }
    assert_int_equal(batch->count, n);
}

static int64_t stored_serial(uint32_t i)
{
    return cd_map_get(batch->records[i].source_offset, "event_serial_no")->i64;
}

static bool stored_at(uint32_t i, uint32_t commit, uint32_t change)
{
    char c[LSN_TEXT + 1], s[LSN_TEXT + 1];
    lsn_t x = lsn(commit), y = lsn(change);
    (void)lsn_format(&x, c);
    (void)lsn_format(&y, s);
    return cd_v_is_str(cd_map_get(batch->records[i].source_offset, "commit_lsn"), c) &&
           cd_v_is_str(cd_map_get(batch->records[i].source_offset, "change_lsn"), s);
}

static void test_tables_interleave_by_position(void **state)
{
    (void)state;
    begin(NULL, 0);
    row(0, 5, 1, CHANGE_INSERT, 1, "x");
    row(0, 5, 4, CHANGE_DELETE, 1, "x");
    row(1, 5, 2, CHANGE_BEFORE, 7, "x");
    row(1, 5, 2, CHANGE_AFTER, 7, "y");
    row(2, 5, 3, CHANGE_INSERT, 9, NULL);
    row(2, 6, 1, CHANGE_INSERT, 10, NULL);
    run();
    static const char *const expected[] = {"c:a/1#1", "u:b/7#2", "c:c/9#1", "d:a/1#1", "t:a/1", "c:c/10#1", NULL};
    assert_events(expected);
    assert_true(value_of(0, "source", "snapshot")->type == CD_NULL);
    assert_true(cd_v_is_str(value_of(1, "before", "v"), "x"));
    assert_true(cd_v_is_str(value_of(1, "after", "v"), "y"));
    assert_int_equal(value_of(0, "source", "ts_ms")->i64, 1764671400132);
    end();
}

static void test_ties_go_to_the_earlier_table(void **state)
{
    (void)state;
    begin(NULL, 0);
    row(2, 5, 1, CHANGE_INSERT, 3, "x");
    row(1, 5, 1, CHANGE_INSERT, 2, "x");
    row(0, 5, 1, CHANGE_INSERT, 1, "x");
    run();
    static const char *const expected[] = {"c:a/1#1", "c:b/2#2", "c:c/3#3", NULL};
    assert_events(expected);
    end();
}

static void test_resume_behind_an_update(void **state)
{
    (void)state;
    begin(NULL, 0);
    part.offset.pos = (position_t){lsn(5), lsn(5)};
    part.offset.serial = 2;
    row(0, 5, 4, CHANGE_INSERT, 1, "before the position");
    row(0, 5, 5, CHANGE_BEFORE, 2, "x");
    row(0, 5, 5, CHANGE_AFTER, 2, "y");
    row(0, 5, 6, CHANGE_INSERT, 3, "z");
    run();
    static const char *const expected[] = {"c:a/3#1", NULL};
    assert_events(expected);
    end();
}

static void test_resume_between_the_halves_of_a_key_update(void **state)
{
    (void)state;
    begin(NULL, 0);
    part.offset.pos = (position_t){lsn(5), lsn(5)};
    part.offset.serial = 1;
    row(0, 5, 5, CHANGE_DELETE, 1, "x");
    row(0, 5, 5, CHANGE_INSERT, 2, "x");
    run();
    static const char *const expected[] = {"c:a/2#2", NULL};
    assert_events(expected);
    assert_int_equal(stored_serial(0), 2);
    end();
}

static void test_a_delete_stores_its_position_with_the_tombstone(void **state)
{
    (void)state;
    begin(NULL, 0);
    row(0, 5, 5, CHANGE_DELETE, 1, "x");
    row(0, 5, 5, CHANGE_INSERT, 2, "x");
    run();
    static const char *const expected[] = {"d:a/1#1", "t:a/1", "c:a/2#2", NULL};
    assert_events(expected);
    assert_true(stored_at(0, 1, 1));
    assert_true(stored_at(1, 5, 5));
    assert_int_equal(stored_serial(1), 1);
    assert_int_equal(stored_serial(2), 2);
    assert_int_equal(batch->records[0].nheaders, 0);
    end();
}

static void test_an_own_key_that_changes_splits_the_update(void **state)
{
    (void)state;
    static const char *const settings[][2] = {{"message.key.columns", "dbo.a:v"}};
    begin(settings, 1);
    row(0, 5, 5, CHANGE_BEFORE, 1, "x");
    row(0, 5, 5, CHANGE_AFTER, 1, "y");
    run();
    assert_int_equal(batch->count, 3);
    assert_string_equal(batch->records[0].headers[0].key, "__debezium.newkey");
    assert_string_equal(batch->records[1].headers[0].key, "__debezium.newkey");
    assert_string_equal(batch->records[2].headers[0].key, "__debezium.oldkey");
    assert_true(cd_v_is_str(&batch->records[0].key.items[0], "x"));
    assert_true(cd_v_is_str(&batch->records[0].headers[0].value.items[0], "y"));
    assert_true(cd_v_is_str(&batch->records[2].key.items[0], "y"));
    assert_int_equal(value_of(0, "source", "event_serial_no")->i64, 2);
    assert_int_equal(value_of(2, "source", "event_serial_no")->i64, 2);
    assert_true(stored_at(0, 1, 1) && stored_at(1, 1, 1) && stored_at(2, 5, 5));
    end();
}

static void test_transactions_are_framed_and_counted(void **state)
{
    (void)state;
    static const char *const settings[][2] = {{"provide.transaction.metadata", "true"}};
    begin(settings, 1);
    row(0, 5, 1, CHANGE_INSERT, 1, "x");
    row(1, 5, 2, CHANGE_INSERT, 2, "x");
    row(0, 5, 3, CHANGE_INSERT, 3, "x");
    row(0, 6, 1, CHANGE_INSERT, 4, "x");
    run();
    static const char *const expected[] = {"BEGIN", "c:a/1#1", "c:b/2#1", "c:a/3#1", "END", "BEGIN", "c:a/4#1", NULL};
    assert_events(expected);
    assert_int_equal(value_of(3, "transaction", "total_order")->i64, 3);
    assert_int_equal(value_of(3, "transaction", "data_collection_order")->i64, 2);
    assert_int_equal(value_of(4, NULL, "event_count")->i64, 3);
    assert_int_equal(value_of(4, NULL, "data_collections")->len, 2);
    assert_int_equal(value_of(4, NULL, "ts_ms")->i64, value_of(6, "source", "ts_ms")->i64);
    assert_true(stored_at(5, 5, 3));
    assert_int_equal(cd_map_get(batch->records[3].source_offset, "transaction_data_collection_order_w.dbo.a")->i64, 2);
    end();
}

static void test_an_unfinished_update_fails(void **state)
{
    (void)state;
    begin(NULL, 0);
    row(0, 5, 5, CHANGE_BEFORE, 1, "x");
    for (uint32_t i = 0; i < 3; i++) assert_null(cursor_next(&cursors[i]));
    bool done = false;
    cd_err_t *err = merge_step(&part, &done);
    assert_non_null(err);
    assert_int_equal(err->cls, CD_ERR_FATAL);
    assert_non_null(strstr(err->message, "for table w.dbo.a was not followed by after event."));
    cd_err_free(err);
    end();
}

static void test_rows_behind_a_newer_instance_are_left_to_it(void **state)
{
    (void)state;
    begin(NULL, 0);
    instances[0].stop = lsn(6);
    row(0, 5, 1, CHANGE_INSERT, 1, "x");
    row(0, 6, 1, CHANGE_INSERT, 2, "x");
    row(1, 6, 1, CHANGE_INSERT, 2, "x");
    run();
    static const char *const expected[] = {"c:a/1#1", "c:b/2#1", NULL};
    assert_events(expected);
    end();
}

static void test_batches_end_at_their_size_and_go_on(void **state)
{
    (void)state;
    static const char *const settings[][2] = {{"max.batch.size", "2"}};
    begin(settings, 1);
    for (uint32_t i = 0; i < 5; i++) row(0, 5, i + 1, CHANGE_INSERT, (int32_t)i, "x");
    stream.start = part.offset.pos;
    stream.k = 1;
    for (uint32_t i = 0; i < 3; i++) assert_null(cursor_next(&cursors[i]));
    uint32_t total = 0;
    bool done = false;
    while (!done) {
        batch_reset(batch);
        emit_begin(&task.emit, batch);
        emit_database(&task.emit, "w");
        assert_null(merge_step(&part, &done));
        assert_true(batch->count <= 2);
        for (uint32_t i = 0; i < batch->count; i++) assert_int_equal(batch->records[i].key.items[0].i64, total++);
    }
    assert_int_equal(total, 5);
    end();
}

static int setup(void **state)
{
    (void)state;
    host_install();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tables_interleave_by_position),
        cmocka_unit_test(test_ties_go_to_the_earlier_table),
        cmocka_unit_test(test_resume_behind_an_update),
        cmocka_unit_test(test_resume_between_the_halves_of_a_key_update),
        cmocka_unit_test(test_a_delete_stores_its_position_with_the_tombstone),
        cmocka_unit_test(test_an_own_key_that_changes_splits_the_update),
        cmocka_unit_test(test_transactions_are_framed_and_counted),
        cmocka_unit_test(test_an_unfinished_update_fails),
        cmocka_unit_test(test_rows_behind_a_newer_instance_are_left_to_it),
        cmocka_unit_test(test_batches_end_at_their_size_and_go_on),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
