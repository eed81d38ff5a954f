/* Expected digits were written by Debezium, or follow from the definition. */
#include "test/unit/support/cmocka_all.h"

#include <stdlib.h>
#include <string.h>

#include "connectors/sqlserver/digest.h"

static void assert_digest(const char *algorithm, const char *salt, bool java_form, const char *text, uint32_t len,
                          const char *expected)
{
    char hex[DIGEST_HEX_MAX];
    digest_t *d = digest_new(algorithm, salt, java_form);
    assert_non_null(d);
    for (int i = 0; i < 2; i++) { /* nothing is left of the first value */
        uint32_t n = digest_hex(d, (const uint8_t *)text, len, hex);
        assert_true(n >= strlen(expected));
        assert_memory_equal(hex, expected, strlen(expected));
    }
    digest_free(d);
}

static void test_forms(void **state)
{
    (void)state;
    assert_digest("SHA-256", "CzQMA0cB5K", true, "Ada Lovelace", 12, "a46592b9777a1f77e06e383e88e9024cfbe560b0");
    assert_digest("SHA-1", "pepper", false, "abcdef", 6, "203b54");
    assert_digest("MD5", "", false, "", 0, "d41d8cd98f00b204e9800998ecf8427e");
    assert_null(digest_new("SHA-7", "x", true));
}

/* As Java's ObjectOutputStream writes a String: NUL in two bytes, pairs of units, another mark from 65,536 bytes on. */
static void test_modified_utf8(void **state)
{
    (void)state;
    static const char odd[] = "a\0\xC3\xA9\xE2\x98\x83\xF0\x9F\x98\x80";
    assert_digest("MD5", "s", true, odd, sizeof(odd) - 1, "bfb2194e9e4bc0d7cebdc297c215039c");
    char *large = malloc(70000);
    assert_non_null(large);
    memset(large, 'x', 70000);
    assert_digest("MD5", "s", true, large, 70000, "f8551e707da84572eed91b623d5c4c5f");
    free(large);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_forms), cmocka_unit_test(test_modified_utf8)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
