/* connectors/file/file.h: the two plugins of this module and what they share. */
#ifndef CONNECTORS_FILE_FILE_H
#define CONNECTORS_FILE_FILE_H

#include "plugins/api/connectd_plugin.h"

extern const cd_plugin_t file_source_plugin, file_sink_plugin;

/** The release of Kafka Connect whose FileStream connectors these behave like. */
#define FILE_VERSION "3.9.1"

/* ---- lines.c ---- */

/** Bytes read but not yet handed out as lines. Zero-initialised is empty. */
typedef struct lines {
    char *data;
    size_t start, end, cap; /* start..end unread | end..cap free */
    size_t searched;        /* no line ends before this */
} lines_t;

/** Longer lines end the task: a file without line ends must not fill the memory. */
#define LINE_MAX_BYTES ((size_t)64 * 1024 * 1024)

void lines_done(lines_t *l);
/** Room for n more bytes: write at the result, then add to l->end. NULL: a line is too long. */
char *lines_reserve(lines_t *l, size_t n);
/** The next complete line, without its end (LF, CR or CRLF; a CR waits for what follows it). @param ret_used  bytes of the file that it covers */
bool lines_next(lines_t *l, const char **ret_line, size_t *ret_len, size_t *ret_used);

/* ---- text.c ---- */

typedef struct text {
    char *data;
    size_t len, cap;
} text_t;

void text_add(text_t *t, const void *p, size_t n);
/** A value as Java's toString would print it. @param schema  may be NULL */
void text_add_value(text_t *t, const cd_schema_t *schema, const cd_value_t *v);

#endif
