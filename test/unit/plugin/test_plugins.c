#include "runtime/base/str.h"
#include "runtime/plugin/ctx.h"
#include "runtime/plugin/module_check.h"
#include "runtime/plugin/plugins.h"

#include "test/unit/support/cmocka_all.h"

#include <pthread.h>
#include <unistd.h>

static cd_err_t *configure(cd_ctx_t *ctx, const cd_config_t *config, void **ret)
{
    (void)ctx;
    (void)config;
    *ret = NULL;
    return NULL;
}

static uint32_t apply(void *t, cd_batch_t *b, uint32_t from, uint32_t to, cd_err_t **e)
{
    (void)t;
    (void)b;
    (void)from;
    (void)e;
    return to;
}

static void close_it(void *t)
{
    (void)t;
}

static const cd_transform_ops_t ops = {.size = sizeof(ops), .configure = configure, .apply = apply, .close = close_it};

#define TRANSFORM(name)                                                                                                \
    {                                                                                                                  \
        CD_PLUGIN_HEAD, .kind = CD_KIND_TRANSFORM, .jvm_class = name, .version = "1", .ops = &ops                      \
    }

static void test_short_names(void **state)
{
    (void)state;
    static const cd_plugin_t router = TRANSFORM("org.x.RegexRouter"), cast_key = TRANSFORM("org.x.Cast$Key"),
                             cast_value = TRANSFORM("org.x.Cast$Value"), mask_value = TRANSFORM("org.x.Mask$Value"),
                             one = TRANSFORM("org.x.Same"), other = TRANSFORM("org.y.Same"),
                             long_one = TRANSFORM("org.x.ThingTransformation");
    static const cd_plugin_t source = {CD_PLUGIN_HEAD, .kind = CD_KIND_SOURCE, .version = "1", .ops = &ops,
                                       .jvm_class = "io.debezium.connector.sqlserver.SqlServerConnector"};
    static const char *const sink_aliases[] = {"io.debezium.connector.jdbc.Other", NULL};
    static const cd_plugin_t sink = {CD_PLUGIN_HEAD,
                                     .kind = CD_KIND_SINK,
                                     .version = "1",
                                     .ops = &ops,
                                     .jvm_class = "io.confluent.connect.jdbc.JdbcSinkConnector",
                                     .aliases = sink_aliases};
    static const cd_plugin_t *const table[] = {&router, &cast_key, &cast_value, &mask_value, &one,
                                               &other,  &long_one, &source,     &sink,       NULL};
    plugins_t *p = plugins_new();
    plugins_add_builtin(p, table);
    assert_ptr_equal(plugins_find(p, CD_KIND_TRANSFORM, "org.x.RegexRouter"), &router);
    assert_ptr_equal(plugins_find(p, CD_KIND_TRANSFORM, "RegexRouter"), &router);
    assert_ptr_equal(plugins_find(p, CD_KIND_TRANSFORM, "Thing"), &long_one);
    assert_ptr_equal(plugins_find(p, CD_KIND_TRANSFORM, "org.x.Cast$Value"), &cast_value);
    assert_null(plugins_find(p, CD_KIND_TRANSFORM, "Cast$Value"));
    assert_null(plugins_find(p, CD_KIND_TRANSFORM, "Value")); /* more than one class has that simple name */
    assert_null(plugins_find(p, CD_KIND_TRANSFORM, "Same"));
    assert_null(plugins_find(p, CD_KIND_TRANSFORM, "regexrouter"));
    assert_null(plugins_find(p, CD_KIND_PREDICATE, "RegexRouter"));
    assert_ptr_equal(plugins_find_connector(p, "SqlServerConnector"), &source);
    assert_ptr_equal(plugins_find_connector(p, "SqlServer"), &source);
    assert_ptr_equal(plugins_find_connector(p, "JdbcSink"), &sink);
    assert_ptr_equal(plugins_find_connector(p, "io.debezium.connector.jdbc.Other"), &sink);
    assert_null(plugins_find_connector(p, "Nothing"));
    assert_int_equal(plugins_count(p), 9);
    assert_string_equal(plugins_at(p, 0)->type, "sink");
    assert_string_equal(plugins_desc(p, &source)->type, "source");
    plugins_free(p);
}

static cd_err_t *module_init(const cd_host_t *host)
{
    (void)host;
    return NULL;
}

static void refused(const cd_module_t *m, const char *part, const char *values)
{
    cd_err_t *err = module_check("/x/bad.so", m);
    assert_non_null(err);
    assert_true(str_starts(err->message, "/x/bad.so is refused: "));
    if (strstr(err->message, part) == NULL || strstr(err->message, values) == NULL) fail_msg("%s", err->message);
    cd_err_free(err);
}

static void test_modules_that_do_not_fit_are_refused_with_both_values(void **state)
{
    (void)state;
    cd_transform_ops_t bad_ops = ops;
    cd_plugin_t plugin = TRANSFORM("x.Y");
    const cd_plugin_t *table[] = {&plugin, NULL};
    cd_module_t good = {CD_MODULE_HEAD, .name = "m", .init = module_init, .plugins = table}, m = good;
    assert_null(module_check("f", &good));
    refused(NULL, "returned nothing", "");
    m.magic = 7;
    refused(&m, "module magic is 7", "1667510321");
    m = good;
    m.abi_major = 2;
    refused(&m, "ABI version is 2", "this worker has 1");
    m = good;
    m.size = 12;
    refused(&m, "module size is 12", "Rebuild the plugin");
    m = good;
    m.abi_minor = 9; /* newer, but only by what it appended */
    m.size += 16;
    assert_null(module_check("f", &m));
    m = good;
    m.plugins = NULL;
    refused(&m, "no name, init or list of plugins", "");
    plugin.magic = 3;
    refused(&good, "plugin magic is 3", "");
    plugin = (cd_plugin_t)TRANSFORM("x.Y");
    plugin.kind = 99;
    refused(&good, "plugin kind is 99", "newer worker");
    plugin = (cd_plugin_t)TRANSFORM("x.Y");
    plugin.key_stride = 8;
    refused(&good, "size of a settings row is 8", "");
    plugin = (cd_plugin_t)TRANSFORM("x.Y");
    plugin.ops = &bad_ops;
    bad_ops.apply = NULL;
    refused(&good, "'x.Y' has no callback apply", "");
    bad_ops.apply = apply;
    bad_ops.size = 4;
    refused(&good, "size of the callback table is 4", "");
}

/** The folder of the modules that misbehave on purpose (test/plugins), which are built beside this program. */
static void bad_modules(char out[512])
{
    char self[400] = {0};
    ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
    assert_true(n > 0);
    *strrchr(self, '/') = '\0';
    (void)snprintf(out, 512, "%s/../plugins", self);
}

static void test_bad_files_are_skipped_and_the_others_load(void **state)
{
    (void)state;
    char dir[] = "/tmp/plugins-XXXXXX", path[600], module[512];
    assert_non_null(mkdtemp(dir));
    const struct {
        const char *name, *text;
    } files[] = {{"readme.txt", "x"}, {"old.jar", "PK"}, {"broken.so", "not an object file"}};
    for (size_t i = 0; i < 3; i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", dir, files[i].name);
        FILE *f = fopen(path, "w");
        assert_non_null(f);
        assert_true(fputs(files[i].text, f) >= 0);
        assert_int_equal(fclose(f), 0);
    }
    plugins_t *p = plugins_new();
    assert_int_equal(plugins_scan(p, dir), 0);
    assert_int_equal(plugins_scan_path(p, "/no/such/folder"), 0);
    bad_modules(module);
    assert_int_equal(plugins_scan(p, module), 1);
    assert_non_null(plugins_find_connector(p, "SlowStop"));
    assert_int_equal(plugins_count(p), 1);
    plugins_free(p);
    for (size_t i = 0; i < 3; i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", dir, files[i].name);
        (void)unlink(path);
    }
    (void)rmdir(dir);
}

static void *stop_soon(void *arg)
{
    ctx_stop(arg);
    return NULL;
}

static void test_a_stop_ends_a_wait(void **state)
{
    (void)state;
    cd_ctx_t *ctx;
    pthread_t thread;
    assert_null(ctx_new("c", 3, NULL, NULL, NULL, NULL, &ctx));
    assert_string_equal(ctx_log_context(ctx), "[c|task-3] ");
    assert_false(ctx_wait(ctx, 1));
    assert_int_equal(pthread_create(&thread, NULL, stop_soon, ctx), 0);
    assert_true(ctx_wait(ctx, 60000));
    assert_int_equal(pthread_join(thread, NULL), 0);
    ctx_free(ctx);
}

static uint32_t samples;
static void count(void *arg, const metrics_sample_t *s)
{
    assert_string_equal(s->connector, "c");
    *(int64_t *)arg += s->value;
    samples++;
}

static void test_metrics_live_as_long_as_their_instance(void **state)
{
    (void)state;
    cd_ctx_t *a, *b;
    int64_t sum = 0;
    metrics_t *m = metrics_new();
    assert_null(ctx_new("c", 0, NULL, m, NULL, NULL, &a));
    assert_null(ctx_new("c", 1, NULL, m, NULL, NULL, &b));
    cd_metric_t *x = cd_host->metric(a, "x", CD_COUNTER, "help");
    assert_ptr_equal(cd_host->metric(a, "x", CD_COUNTER, "help"), x);
    cd_metric_add(x, 2);
    cd_metric_add(cd_host->metric(b, "x", CD_COUNTER, "help"), 5);
    metrics_each(m, count, &sum);
    assert_int_equal(sum, 7);
    assert_int_equal(samples, 2);
    ctx_free(a);
    sum = 0;
    metrics_each(m, count, &sum);
    assert_int_equal(sum, 5);
    metrics_free(m); /* an instance may outlive it */
    cd_metric_add(cd_host->metric(b, "y", CD_COUNTER, "help"), 1);
    ctx_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_short_names),
        cmocka_unit_test(test_modules_that_do_not_fit_are_refused_with_both_values),
        cmocka_unit_test(test_bad_files_are_skipped_and_the_others_load),
        cmocka_unit_test(test_a_stop_ends_a_wait),
        cmocka_unit_test(test_metrics_live_as_long_as_their_instance),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
