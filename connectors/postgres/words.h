/* connectors/postgres/words.h: words of settings that are written all in lower or all in upper case; mixed case is
 * refused, as in the JVM connector. Shared by sink_keys.c (checks) and sink_conf.c (meaning). */
#ifndef POSTGRES_WORDS_H
#define POSTGRES_WORDS_H

#include "plugins/api/connectd_plugin.h"

static inline bool is_word(const char *text, const char *lower)
{
    if (strcmp(text, lower) == 0) return true;
    for (; *text != '\0' && *lower != '\0'; text++, lower++) {
        char up = *lower >= 'a' && *lower <= 'z' ? (char)(*lower - 32) : *lower;
        if (*text != up) return false;
    }
    return *text == *lower;
}

static inline bool is_one_of(const char *text, const char *const *words)
{
    for (; *words != NULL; words++)
        if (is_word(text, *words)) return true;
    return false;
}

/* In the order of the enums of sink_conf.h. */
extern const char *const insert_mode_words[], *const pk_mode_words[], *const table_kind_words[];

#endif
