/* Variables in configurations. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "runtime/herder/transformer.h"

/* Answers every key but "missing" with "<path|key>"; counts calls; fails for the path "bad". */
static int calls;

static cd_err_t *get(void *provider, const char *path, const char *const *keys, uint32_t nkeys, cd_secrets_t *out,
                     int64_t *ret_ttl_ms)
{
    char text[128];
    (void)provider;
    calls++;
    if (strcmp(path, "bad") == 0) return cd_err_new(CD_ERR_FATAL, CD_JVM_CONFIG, "no such path");
    for (uint32_t i = 0; i < nkeys; i++) {
        if (strcmp(keys[i], "missing") == 0) continue;
        (void)snprintf(text, sizeof(text), "<%s|%s>", path, keys[i]);
        out->put(out, keys[i], text);
    }
    *ret_ttl_ms = strcmp(path, "leased") == 0 ? 500 : -1;
    return NULL;
}

static void close_provider(void *provider)
{
    (void)provider;
}

static const cd_config_provider_ops_t ops = {.size = sizeof(ops), .get = get, .close = close_provider};

static transformer_t *make(void)
{
    const transformer_provider_t p = {.name = "p", .ops = &ops};
    calls = 0;
    return transformer_new(&p, 1);
}

static void expect(const char *text, const char *result)
{
    transformer_t *t = make();
    cd_arena_t arena = {0};
    const cd_pair_t pair = {"k", text};
    const cd_config_t in = {.n = 1, .pairs = &pair};
    cd_config_t out;
    cd_err_t *err = transformer_apply(t, &in, &arena, &out, NULL);
    assert_null(err);
    assert_string_equal(out.pairs[0].name, "k");
    assert_string_equal(out.pairs[0].value, result);
    cd_arena_done(&arena);
    transformer_free(t);
}

static void test_syntax(void **state)
{
    (void)state;
    expect("plain", "plain");
    expect("${p:key}", "<|key>");
    expect("${p:path:key}", "<path|key>");
    expect("${p:path:a:b}", "<path|a:b>");
    expect("${p:secret/db#k}", "<|secret/db#k>");
    expect("a${p:x}b${p:q:y}c", "a<|x>b<q|y>c");
    expect("${topic}", "${topic}");
    expect("${topic}-${p:k}", "${topic}-<|k>");
    expect("${other:k}", "${other:k}");
    expect("${p:missing}", "${p:missing}");
    expect("${a${p:/x:k}}", "${a${p:/x:k}}");
    expect("${p:k", "${p:k");
    expect("$p:k}", "$p:k}");
    expect("", "");
}

static void test_one_call_per_path_and_nulls_stay(void **state)
{
    (void)state;
    transformer_t *t = make();
    cd_arena_t arena = {0};
    const cd_pair_t pairs[] = {{"a", "${p:x:1}${p:x:2}"}, {"b", "${p:x:1}"}, {"c", NULL}, {"d", "${p:leased:1}"}};
    const cd_config_t in = {.n = 4, .pairs = pairs};
    cd_config_t out;
    transformer_ttls_t ttls;
    cd_err_t *err = transformer_apply(t, &in, &arena, &out, &ttls);
    assert_null(err);
    assert_int_equal(calls, 2);
    assert_null(out.pairs[2].value);
    assert_int_equal(ttls.n, 1);
    assert_string_equal(ttls.items[0].path, "leased");
    assert_int_equal(ttls.items[0].ttl_ms, 500);
    cd_arena_done(&arena);
    transformer_free(t);
}

static void test_a_failing_provider_fails_the_whole(void **state)
{
    (void)state;
    transformer_t *t = make();
    cd_arena_t arena = {0};
    const cd_pair_t pair = {"a", "${p:bad:1}"};
    const cd_config_t in = {.n = 1, .pairs = &pair};
    cd_config_t out;
    cd_err_t *err = transformer_apply(t, &in, &arena, &out, NULL);
    assert_non_null(err);
    cd_err_free(err);
    cd_arena_done(&arena);
    transformer_free(t);
}

static void test_has_variable(void **state)
{
    (void)state;
    assert_true(transformer_has_variable("x${any:thing}"));
    assert_false(transformer_has_variable("${topic}"));
    assert_false(transformer_has_variable(NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_syntax),
        cmocka_unit_test(test_one_call_per_path_and_nulls_stay),
        cmocka_unit_test(test_a_failing_provider_fails_the_whole),
        cmocka_unit_test(test_has_variable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
