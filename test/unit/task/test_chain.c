#include "runtime/data/batch.h"
#include "runtime/data/schema.h"
#include "runtime/task/chain.h"

#include "test/unit/task/flow.h"

/* Appends its letter to each value it sees; fails with DATA on a value that holds its letter's upper case already, and
 * once with RETRIABLE on a value with '?'. */
typedef struct letter {
    char c;
    bool retried;
} letter_t;

static cd_err_t *letter_configure(cd_ctx_t *ctx, const cd_config_t *config, void **ret)
{
    (void)ctx;
    letter_t *l = mem_new0(letter_t);
    l->c = cd_config_get(config, "letter")[0];
    *ret = l;
    return NULL;
}

static uint32_t letter_apply(void *transform, cd_batch_t *b, uint32_t from, uint32_t to, cd_err_t **e)
{
    letter_t *l = transform;
    for (uint32_t i = from; i < to; i++) {
        cd_record_t *r = &b->records[i];
        if ((r->flags & CD_REC_DROPPED) != 0) continue;
        if (memchr(r->value.str, l->c - 'a' + 'A', r->value.len) != NULL) {
            *e = cd_err_new(CD_ERR_DATA, CD_JVM_DATA, "did not expect %.*s", (int)r->value.len, r->value.str);
            return i;
        }
        if (memchr(r->value.str, '?', r->value.len) != NULL && !l->retried) {
            l->retried = true;
            *e = cd_err_new(CD_ERR_RETRIABLE, CD_JVM_RETRIABLE, "once more");
            return i;
        }
        if (r->value.str[0] == '-')
            r->flags |= CD_REC_DROPPED;
        else
            r->value = cd_v_str(cd_arena_printf(&b->arena, "%.*s%c", (int)r->value.len, r->value.str, l->c));
    }
    return to;
}

static const cd_transform_ops_t letter_ops = {
    .size = sizeof(letter_ops), .configure = letter_configure, .apply = letter_apply, .close = free};
static const cd_plugin_t letter_plugin = {CD_PLUGIN_HEAD, .kind = CD_KIND_TRANSFORM, .jvm_class = "test.Letter",
                                          .version = "1", .ops = &letter_ops};

/** True for values that begin with 'y'. */
static uint32_t yes_test(void *p, cd_batch_t *b, uint32_t from, uint32_t to, bool *match, cd_err_t **e)
{
    (void)p;
    (void)e;
    for (uint32_t i = from; i < to; i++) match[i - from] = b->records[i].value.str[0] == 'y';
    return to;
}

static const cd_predicate_ops_t yes_ops = {
    .size = sizeof(yes_ops), .configure = raw_header_configure, .test = yes_test, .close = raw_close};
static const cd_plugin_t yes_plugin = {CD_PLUGIN_HEAD, .kind = CD_KIND_PREDICATE, .jvm_class = "test.Yes",
                                       .version = "1", .ops = &yes_ops};

static const cd_plugin_t *const table[] = {&raw_plugin, &raw_header_plugin, &letter_plugin, &yes_plugin, NULL};

typedef struct fixture {
    plugins_t *plugins;
    cd_ctx_t *ctx;
    error_handler_t *errors;
    chain_t *chain;
    cd_batch_t *batch;
} fixture_t;

static const cd_pair_t worker_pairs[] = {{"key.converter", "test.RawConverter"}, {"value.converter", "Raw"}};
static const cd_config_t worker_config = {2, worker_pairs};

static cd_err_t *begin(fixture_t *f, const cd_pair_t *pairs, uint32_t n, const char *const *values)
{
    cd_config_t config = {n, pairs};
    *f = (fixture_t){.plugins = plugins_new()};
    plugins_add_builtin(f->plugins, table);
    assert_null(ctx_new("c", 0, NULL, NULL, NULL, NULL, &f->ctx));
    assert_null(error_handler_new(f->ctx, "c", 0, false, &config, NULL, NULL, &f->errors));
    f->batch = batch_new(ctx_schemas(f->ctx));
    for (; values != NULL && *values != NULL; values++) {
        cd_record_t *r = cd_batch_add(f->batch);
        r->topic = "t";
        r->value = cd_v_str(*values);
    }
    return chain_new(f->ctx, f->plugins, &worker_config, &config, f->errors, &f->chain);
}

static void end(fixture_t *f)
{
    chain_free(f->chain);
    batch_unref(f->batch);
    error_handler_free(f->errors);
    ctx_free(f->ctx);
    plugins_free(f->plugins);
}

static void expect_raw(const fixture_t *f, uint32_t i, const char *text)
{
    cd_bytes_t raw = f->batch->records[i].raw_value;
    assert_int_equal(raw.len, strlen(text));
    assert_memory_equal(raw.ptr, text, raw.len);
}

static void test_transforms_run_in_order_and_predicates_choose(void **state)
{
    (void)state;
    fixture_t f;
    uint32_t done;
    cd_pair_t pairs[] = {{"transforms", "one, two,three"},
                         {"transforms.one.type", "Letter"},
                         {"transforms.one.letter", "a"},
                         {"transforms.two.type", "Letter"},
                         {"transforms.two.letter", "b"},
                         {"transforms.two.predicate", "yes"},
                         {"transforms.three.type", "test.Letter"},
                         {"transforms.three.letter", "c"},
                         {"transforms.three.predicate", "yes"},
                         {"transforms.three.negate", "TRUE"},
                         {"predicates", "yes"},
                         {"predicates.yes.type", "Yes"}};
    assert_null(begin(&f, pairs, 12, (const char *const[]){"y", "n", "-", "y", NULL}));
    assert_null(chain_encode(f.chain, f.batch, &done));
    assert_int_equal(done, 4);
    expect_raw(&f, 0, "yab");
    expect_raw(&f, 1, "nac");
    assert_int_equal(f.batch->records[2].flags, CD_REC_DROPPED);
    expect_raw(&f, 3, "yab");
    assert_int_equal(f.batch->records[0].flags, 0); /* hidden from `three` only while it ran */
    end(&f);
}

static void test_records_before_a_fatal_one_are_ready(void **state)
{
    (void)state;
    fixture_t f;
    uint32_t done;
    cd_pair_t pairs[] = {{"transforms", "one,two"},
                         {"transforms.one.type", "Letter"},
                         {"transforms.one.letter", "a"},
                         {"transforms.two.type", "Letter"},
                         {"transforms.two.letter", "b"}};
    assert_null(begin(&f, pairs, 5, (const char *const[]){"x", "B", "x", "A", "x", NULL}));
    cd_err_t *err = chain_encode(f.chain, f.batch, &done);
    assert_int_equal(done, 1); /* the second stage stops earlier than the first one did */
    assert_string_equal(err->message, "Tolerance exceeded in error handler");
    assert_string_equal(err->cause->message, "did not expect Ba");
    expect_raw(&f, 0, "xab");
    cd_err_free(err);
    end(&f);
}

static void test_tolerated_errors_drop_their_record_only(void **state)
{
    (void)state;
    fixture_t f;
    uint32_t done;
    cd_pair_t pairs[] = {{"transforms", "one"},
                         {"transforms.one.type", "Letter"},
                         {"transforms.one.letter", "a"},
                         {"errors.tolerance", "all"}};
    assert_null(begin(&f, pairs, 4, (const char *const[]){"x", "A", "A", "x", NULL}));
    assert_null(chain_encode(f.chain, f.batch, &done));
    assert_int_equal(done, 4);
    expect_raw(&f, 0, "xa");
    assert_int_equal(f.batch->records[1].flags, CD_REC_DROPPED | CD_REC_FAILED);
    assert_int_equal(f.batch->records[2].flags, CD_REC_DROPPED | CD_REC_FAILED);
    expect_raw(&f, 3, "xa");
    end(&f);
}

static void test_a_retriable_error_is_tried_again_from_that_record(void **state)
{
    (void)state;
    fixture_t f;
    uint32_t done;
    cd_pair_t pairs[] = {{"transforms", "one"},
                         {"transforms.one.type", "Letter"},
                         {"transforms.one.letter", "a"},
                         {"errors.retry.timeout", "60000"},
                         {"errors.retry.delay.max.ms", "1"}};
    assert_null(begin(&f, pairs, 5, (const char *const[]){"x", "?", "x", NULL}));
    assert_null(chain_encode(f.chain, f.batch, &done));
    expect_raw(&f, 0, "xa"); /* not applied twice */
    expect_raw(&f, 1, "?a");
    expect_raw(&f, 2, "xa");
    end(&f);
}

static void expect_refused(const cd_pair_t *pairs, uint32_t n, const char *message)
{
    fixture_t f;
    cd_err_t *err = begin(&f, pairs, n, NULL);
    assert_non_null(err);
    assert_string_equal(err->message, message);
    cd_err_free(err);
    f.chain = NULL;
    end(&f);
}

static void test_what_cannot_be_built_says_which_key(void **state)
{
    (void)state;
    cd_pair_t unknown[] = {{"transforms", "x"}, {"transforms.x.type", "no.Such"}};
    cd_pair_t missing[] = {{"transforms", "x"}};
    cd_pair_t predicate[] = {{"transforms", "x"},
                             {"transforms.x.type", "Letter"},
                             {"transforms.x.letter", "a"},
                             {"transforms.x.predicate", "p"}};
    expect_refused(unknown, 2,
                   "Invalid value no.Such for configuration transforms.x.type: Class no.Such could not be found.");
    expect_refused(missing, 1, "Missing required configuration \"transforms.x.type\" which has no default value.");
    expect_refused(predicate, 4, "Unknown configuration 'predicates.p.type'");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_transforms_run_in_order_and_predicates_choose),
        cmocka_unit_test(test_records_before_a_fatal_one_are_ready),
        cmocka_unit_test(test_tolerated_errors_drop_their_record_only),
        cmocka_unit_test(test_a_retriable_error_is_tried_again_from_that_record),
        cmocka_unit_test(test_what_cannot_be_built_says_which_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
