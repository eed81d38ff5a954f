/* base/str.h: small string helpers over C strings. Pure; any thread. */
#ifndef BASE_STR_H
#define BASE_STR_H

#include "plugins/api/connectd_plugin.h"

#include <strings.h>

static inline bool str_eq(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static inline bool str_starts(const char *s, const char *prefix)
{
    return strncmp(s, prefix, strlen(prefix)) == 0;
}

static inline bool str_ends(const char *s, const char *suffix)
{
    size_t n = strlen(s), m = strlen(suffix);
    return n >= m && memcmp(s + n - m, suffix, m) == 0;
}

static inline bool str_empty(const char *s)
{
    return s == NULL || s[0] == '\0';
}

/** Java's String.trim: drops leading and trailing characters up to U+0020. A view: *ret_len bytes from the result. */
const char *str_trim(const char *s, size_t *ret_len);
/** The same, copied into the arena. */
char *str_trim_dup(const char *s, cd_arena_t *arena);
/** Kafka's list syntax: split at commas with blanks around them; "" is the empty list, empty items are kept. */
cd_list_t str_split_list(const char *s, cd_arena_t *arena);
/** Java's String.hashCode over UTF-16 units of UTF-8 text; broken UTF-8 counts as U+FFFD. */
int32_t str_java_hash(const char *s);
int32_t str_java_hash_n(const char *s, size_t len);
/** One code point of UTF-8; advances *p (never past end) and yields 0xFFFD for broken input. */
uint32_t str_utf8_next(const char **p, const char *end);
bool str_utf8_valid(const char *s, size_t len);

/** Settings with a prefix, without it, in arena. Values are shared with `config`. */
cd_config_t config_with_prefix(const cd_config_t *config, const char *prefix, cd_arena_t *arena);
/** Deep copy. */
cd_config_t config_copy(const cd_config_t *config, cd_arena_t *arena);

#endif
