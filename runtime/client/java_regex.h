/* client/java_regex.h: java.util.regex on PCRE2, for the settings whose text users wrote for the JVM worker.
 * Threads    a compiled expression belongs to one thread at a time (it holds its match memory).
 * Ownership  patterns and subjects are copied or only read; results go into the caller's arena.
 * Errors     CONFIG for a pattern that Java refuses, or that this translation cannot express; DATA from matching and
 *            replacing, with Java's class and text.
 * Limits     pattern 64 KiB, groups nested 250 deep; one match stops after 1,000,000 steps or 8 MiB of backtracking
 *            and is a DATA error then, so that a hostile subject cannot stall a task. */
#ifndef CONNECTD_CLIENT_JAVA_REGEX_H
#define CONNECTD_CLIENT_JAVA_REGEX_H

#include "plugins/api/connectd_plugin.h"

typedef struct java_regex java_regex_t;

enum java_regex_flag { JAVA_REGEX_CASE_INSENSITIVE = 1u << 0 };

/** Compile. The message is the text of Java's PatternSyntaxException: description, index, pattern.
 *  @param flags  enum java_regex_flag */
CD_CHECK cd_err_t *java_regex_new(const char *pattern, uint32_t flags, java_regex_t **ret_re);
void java_regex_free(java_regex_t *re);

/** Matcher.matches(): the whole text matches. */
CD_CHECK cd_err_t *java_regex_matches(java_regex_t *re, const char *text, size_t len, bool *ret_match);
/** Matcher.find(): some part of the text matches. */
CD_CHECK cd_err_t *java_regex_find(java_regex_t *re, const char *text, size_t len, bool *ret_match);

/** Matcher.replaceFirst / replaceAll with Java's replacement language ($1, ${name}, \c).
 *  @param ret_text  NUL-terminated, in the arena; a copy of the text when nothing matched */
CD_CHECK cd_err_t *java_regex_replace_first(java_regex_t *re, const char *text, size_t len, const char *replacement,
                                            cd_arena_t *arena, const char **ret_text);
CD_CHECK cd_err_t *java_regex_replace_all(java_regex_t *re, const char *text, size_t len, const char *replacement,
                                          cd_arena_t *arena, const char **ret_text);

/** A cd_key_t.check for settings that hold an expression: NULL, or "Invalid regex: …" in the arena. */
const char *java_regex_check(const cd_key_t *key, const char *text, cd_arena_t *arena);

/** The PCRE2 text of a Java pattern, for tests and for the curious. In the arena. */
CD_CHECK cd_err_t *java_regex_translate(const char *pattern, cd_arena_t *arena, const char **ret_pcre);

#endif
