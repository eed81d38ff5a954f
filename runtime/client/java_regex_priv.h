/* client/java_regex_priv.h: what the two halves of java_regex (translation, matching) share. */
#ifndef CONNECTD_CLIENT_JAVA_REGEX_PRIV_H
#define CONNECTD_CLIENT_JAVA_REGEX_PRIV_H

#include "plugins/api/connectd_plugin.h"

#define JAVA_REGEX_SYNTAX "java.util.regex.PatternSyntaxException"

/** @param ret_ucp  the pattern asked for Unicode classes with (?U) */
CD_CHECK cd_err_t *java_regex_translate_(const char *pattern, cd_arena_t *arena, const char **ret_pcre, bool *ret_ucp);

/** "<description> near index <n>", the pattern, and Java's caret. @param index  -1 when unknown */
CD_CHECK cd_err_t *java_regex_syntax_error(const char *description, long index, const char *pattern);

#endif
