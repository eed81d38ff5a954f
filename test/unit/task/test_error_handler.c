#include "runtime/task/error_handler.h"

#include "test/unit/support/cmocka_all.h"

/* Time stands still except for waits, which are recorded. */
typedef struct fake {
    int64_t now, waits[16];
    uint32_t n;
    bool stop;
} fake_t;

static int64_t fake_now(void *arg)
{
    return ((fake_t *)arg)->now;
}

static bool fake_wait(void *arg, int64_t ms)
{
    fake_t *f = arg;
    assert_true(f->n < 16);
    f->waits[f->n++] = ms;
    f->now += ms;
    return f->stop;
}

static int64_t fake_random(void *arg, int64_t below)
{
    (void)arg;
    return below / 2;
}

typedef struct fixture {
    cd_ctx_t *ctx;
    error_handler_t *h;
    fake_t fake;
} fixture_t;

static void begin(fixture_t *f, const cd_pair_t *pairs, uint32_t n)
{
    cd_config_t config = {n, pairs};
    *f = (fixture_t){0};
    error_clock_t clock = {&f->fake, fake_now, fake_wait, fake_random};
    assert_null(ctx_new("c", 0, NULL, NULL, NULL, NULL, &f->ctx));
    assert_null(error_handler_new(f->ctx, "c", 0, true, &config, NULL, &clock, &f->h));
}

static void end(fixture_t *f)
{
    error_handler_free(f->h);
    ctx_free(f->ctx);
}

static int64_t counter(fixture_t *f, const char *name)
{
    return ctx_metric(f->ctx, name, CD_COUNTER, NULL)->value;
}

static enum error_verdict fail_with(fixture_t *f, error_attempts_t *a, uint32_t cls, cd_err_t **ret_err)
{
    static const cd_record_t rec = {.orig_topic = "t"};
    return error_handler_failed(f->h, a, STAGE_VALUE_CONVERTER, "x.Converter", &rec,
                                cd_err_new(cls, CD_JVM_DATA, "broken"), ret_err);
}

static void test_backoff_doubles_and_ends_at_the_deadline(void **state)
{
    (void)state;
    fixture_t f;
    cd_pair_t pairs[] = {{"errors.retry.timeout", "6000"}};
    begin(&f, pairs, 1);
    error_attempts_t a = {0};
    cd_err_t *err = NULL;
    const int64_t expected[] = {300, 600, 1200, 2400, 1500};
    for (int i = 0; i < 5; i++) {
        assert_int_equal(fail_with(&f, &a, CD_ERR_RETRIABLE, &err), ERROR_RETRY);
        assert_int_equal(f.fake.waits[i], expected[i]);
    }
    assert_int_equal(fail_with(&f, &a, CD_ERR_RETRIABLE, &err), ERROR_FAIL); /* exhausted, and nothing is tolerated */
    assert_string_equal(err->message, "Tolerance exceeded in error handler");
    assert_string_equal(err->cause->message, "broken");
    cd_err_free(err);
    assert_int_equal(counter(&f, "total-record-failures"), 6);
    assert_int_equal(counter(&f, "total-retries"), 5);
    assert_int_equal(counter(&f, "total-record-errors"), 1);
    assert_int_equal(counter(&f, "total-records-skipped"), 0);
    end(&f);
}

static void test_long_delays_are_drawn_below_the_maximum(void **state)
{
    (void)state;
    fixture_t f;
    cd_pair_t pairs[] = {{"errors.retry.timeout", "-1"}, {"errors.retry.delay.max.ms", "500"}};
    begin(&f, pairs, 2);
    error_attempts_t a = {0};
    cd_err_t *err = NULL;
    for (int i = 0; i < 4; i++) assert_int_equal(fail_with(&f, &a, CD_ERR_RETRIABLE, &err), ERROR_RETRY);
    assert_int_equal(f.fake.waits[0], 300);
    assert_int_equal(f.fake.waits[1], 250);
    assert_int_equal(f.fake.waits[3], 250);
    end(&f);
}

static void test_tolerated_errors_skip_without_retry(void **state)
{
    (void)state;
    fixture_t f;
    cd_pair_t pairs[] = {{"errors.retry.timeout", "6000"}, {"errors.tolerance", "all"}};
    begin(&f, pairs, 2);
    error_attempts_t a = {0};
    cd_err_t *err = NULL;
    assert_int_equal(fail_with(&f, &a, CD_ERR_DATA, &err), ERROR_SKIP);
    assert_int_equal(f.fake.n, 0);
    assert_int_equal(counter(&f, "total-record-failures"), 1);
    assert_int_equal(counter(&f, "total-record-errors"), 1);
    assert_int_equal(counter(&f, "total-records-skipped"), 1);
    end(&f);
}

static void test_a_stop_during_backoff_gives_the_record_up_unreported(void **state)
{
    (void)state;
    fixture_t f;
    cd_pair_t pairs[] = {{"errors.retry.timeout", "-1"}, {"errors.tolerance", "all"}};
    begin(&f, pairs, 2);
    f.fake.stop = true;
    error_attempts_t a = {0};
    cd_err_t *err = NULL;
    assert_int_equal(fail_with(&f, &a, CD_ERR_RETRIABLE, &err), ERROR_FAIL);
    assert_int_equal(err->cls, CD_ERR_STOPPED);
    cd_err_free(err);
    assert_int_equal(counter(&f, "total-record-errors"), 0);
    end(&f);
}

static void test_report_needs_a_reporter_and_respects_tolerance(void **state)
{
    (void)state;
    fixture_t f;
    cd_pair_t pairs[] = {{"errors.log.enable", "true"}};
    cd_record_t rec = {.orig_topic = "t"};
    begin(&f, NULL, 0);
    assert_false(error_handler_can_report(f.h));
    end(&f);
    begin(&f, pairs, 1);
    assert_true(error_handler_can_report(f.h));
    cd_err_t *err = error_handler_report(f.h, &rec, cd_err_new(CD_ERR_DATA, CD_JVM_DATA, "no"));
    assert_string_equal(err->message, "Tolerance exceeded in error handler");
    cd_err_free(err);
    assert_int_equal(counter(&f, "total-errors-logged"), 1);
    assert_int_equal(counter(&f, "total-record-errors"), 1);
    end(&f);
}

static void test_a_wrong_tolerance_is_refused(void **state)
{
    (void)state;
    cd_ctx_t *ctx;
    error_handler_t *h;
    cd_pair_t pairs[] = {{"errors.tolerance", "x"}};
    cd_config_t config = {1, pairs};
    assert_null(ctx_new("c", 0, NULL, NULL, NULL, NULL, &ctx));
    cd_err_t *err = error_handler_new(ctx, "c", 0, true, &config, NULL, NULL, &h);
    assert_string_equal(err->message,
                        "Invalid value x for configuration errors.tolerance: String must be one of: none, all");
    cd_err_free(err);
    ctx_free(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_backoff_doubles_and_ends_at_the_deadline),
        cmocka_unit_test(test_long_delays_are_drawn_below_the_maximum),
        cmocka_unit_test(test_tolerated_errors_skip_without_retry),
        cmocka_unit_test(test_a_stop_during_backoff_gives_the_record_up_unreported),
        cmocka_unit_test(test_report_needs_a_reporter_and_respects_tolerance),
        cmocka_unit_test(test_a_wrong_tolerance_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
