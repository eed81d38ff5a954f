/* store/java_map.h: Java's serialised form of a HashMap<byte[], byte[]>. Pure. */
#ifndef RUNTIME_STORE_JAVA_MAP_H
#define RUNTIME_STORE_JAVA_MAP_H

#include "runtime/base/strbuf.h"

typedef struct java_entry {
    cd_bytes_t key, value; /* ptr NULL: null */
} java_entry_t;

/** Append the serialised map. */
void java_map_write(const java_entry_t *entries, uint32_t n, strbuf_t *out);

/** Read one. Entries are views of `data`, in the order of the stream, in the arena.
 *  @return DATA for bytes that are no such map; FATAL `Expected HashMap but found …` for another object */
CD_CHECK cd_err_t *java_map_read(cd_bytes_t data, cd_arena_t *arena, java_entry_t **ret_entries, uint32_t *ret_n);

#endif
