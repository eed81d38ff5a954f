/* match.h: comma-separated lists of Java-like regular expressions, matched whole and without regard to case.
 * Threads    compile on one thread; matching uses scratch of the list, so one thread at a time.
 * Ownership  match_list_t owns its patterns; match_list_done frees them and leaves an empty list.
 * Errors     DATA with the regex library's message.
 * Limits     4,096 patterns; a pattern that backtracks without end counts as no match. */
#ifndef SQLSERVER_MATCH_H
#define SQLSERVER_MATCH_H

#include "plugins/api/connectd_plugin.h"

struct pcre2_real_code_8;
struct pcre2_real_match_data_8;

typedef struct match_list {
    uint32_t n;
    struct pcre2_real_code_8 **codes;
    struct pcre2_real_match_data_8 *scratch;
} match_list_t;

/** Compile a list; `\,` is a literal comma, items are trimmed, empty ones dropped. NULL text is an empty list. */
CD_CHECK cd_err_t *match_list_init(match_list_t *list, const char *text);

/** Compile one pattern that may hold commas. */
CD_CHECK cd_err_t *match_list_init_one(match_list_t *list, const char *pattern);

void match_list_done(match_list_t *list);

/** @return the index of the first pattern that matches the whole text, or -1. */
int32_t match_list_find(const match_list_t *list, const char *text);

static inline bool match_list_any(const match_list_t *list, const char *text)
{
    return list->n > 0 && match_list_find(list, text) >= 0;
}

#endif
