/* store/offset_map.h: what the records of the offset topic mean: source partition -> source offset, per connector.
 *
 * The key bytes matter: a JVM worker looks a partition up by the bytes it would write itself. This map finds a
 * partition by those bytes first and by meaning second (members in another order), the newest record winning, and
 * always writes the canonical bytes.
 * No I/O. One thread (the loop); everything is copied in; what is handed out is borrowed until the next apply. */
#ifndef RUNTIME_STORE_OFFSET_MAP_H
#define RUNTIME_STORE_OFFSET_MAP_H

#include "runtime/base/strbuf.h"

typedef struct offset_map offset_map_t;

offset_map_t *offset_map_new(void);
void offset_map_free(offset_map_t *m);

/** Apply a record. A null value forgets the partition; keys of another shape are ignored with a warning. */
void offset_map_apply(offset_map_t *m, cd_bytes_t key, cd_bytes_t value, int64_t timestamp);

/** The stored offset (JSON text) of a partition, or NULL. */
const char *offset_map_get(const offset_map_t *m, const char *connector, const cd_value_t *partition);

/** Partitions of one connector that have an offset, as JSON texts, in no particular order. */
typedef void offset_map_each_fn(void *arg, const char *partition, const char *offset);
void offset_map_each(const offset_map_t *m, const char *connector, offset_map_each_fn *each, void *arg);

/** Key bytes of a partition, or value bytes of an offset, in Java's member order; appended to out.
 *  @return DATA for maps that an offset cannot be: other keys than strings, values that are not primitive */
CD_CHECK cd_err_t *offset_key(const char *connector, const cd_value_t *partition, strbuf_t *out);
CD_CHECK cd_err_t *offset_value(const cd_value_t *offset, strbuf_t *out);

#endif
