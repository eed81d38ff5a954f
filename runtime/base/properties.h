/* base/properties.h: an ordered map of texts, and the reader of Java .properties files that fills it.
 *
 * Threads    no shared state; one thread at a time per map.
 * Ownership  the map copies names and values; views returned are borrowed until the next change.
 * Errors     reading: NOT_FOUND / FATAL for a file that cannot be read, DATA for text that is not properties syntax.
 * Limits     files up to PROPS_FILE_MAX bytes. */
#ifndef CONNECTD_BASE_PROPERTIES_H
#define CONNECTD_BASE_PROPERTIES_H

#include "plugins/api/connectd_plugin.h"

#define PROPS_FILE_MAX ((size_t)16 * 1024 * 1024)

/** Insertion ordered; a name that is set again keeps its place. Values may be NULL (JSON null). */
typedef struct props {
    uint32_t n, cap;
    cd_pair_t *pairs; /* each name and value is one heap block of its own */
} props_t;

void props_done(props_t *p);
/** Set or replace. */
void props_set(props_t *p, const char *name, const char *value);
void props_setn(props_t *p, const char *name, size_t name_len, const char *value, size_t value_len);
/** @return whether it was there */
bool props_remove(props_t *p, const char *name);
bool props_has(const props_t *p, const char *name);
/** NULL when absent or null. */
const char *props_get(const props_t *p, const char *name);
void props_copy(props_t *p, const cd_config_t *from);
cd_config_t props_view(const props_t *p);
/** Same names with the same values, in any order. */
bool props_equal(const cd_config_t *a, const cd_config_t *b);

/** Character set of the file: worker and connector files are Latin-1, files of the file config provider UTF-8. The map
 *  always holds UTF-8. */
enum props_charset { PROPS_LATIN1, PROPS_UTF8 };

/** Parse Java properties syntax into `p` (added to what is there). On error p holds what came before. */
CD_CHECK cd_err_t *props_parse(props_t *p, const char *text, size_t len, enum props_charset charset);
CD_CHECK cd_err_t *props_load(props_t *p, const char *path, enum props_charset charset);

#endif
