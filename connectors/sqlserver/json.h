/* json.h: the little JSON that the schema history needs: a reader into cells and a writer in Jackson's layout.
 * Threads    one owner.
 * Ownership  cells live in the given arena and copy what they hold.
 * Errors     the reader refuses text that is not one JSON value.
 * Limits     64 levels of nesting. */
#ifndef SQLSERVER_JSON_H
#define SQLSERVER_JSON_H

#include "connectors/sqlserver/buf.h"

/** Read one value: objects become maps with string keys, numbers INT64 or FLOAT64. @return false when it is not JSON */
bool djson_read(const char *text, size_t len, cd_arena_t *arena, cd_value_t *ret);

/** Zero-initialise with `out` (and `pretty` for Jackson's default pretty printer). */
typedef struct djson_writer {
    buf_t *out;
    bool pretty;
    uint32_t depth;
    bool more[64]; /* the container at this depth has a member already */
    bool in_array[64];
} djson_writer_t;

void djson_object(djson_writer_t *w);
void djson_array(djson_writer_t *w);
void djson_end(djson_writer_t *w); /* closes the innermost container */
void djson_key(djson_writer_t *w, const char *key);
void djson_text(djson_writer_t *w, const char *text); /* NULL writes null */
void djson_int(djson_writer_t *w, int64_t v);
void djson_bool(djson_writer_t *w, bool v);

/** Any cell without a schema. */
void djson_value(djson_writer_t *w, const cd_value_t *v);

#endif
