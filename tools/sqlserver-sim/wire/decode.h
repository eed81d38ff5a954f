/* wire/decode.h: reads TYPE_INFO and values that a client sends (RPC parameters, bulk load rows).
 * Threads    any; no state but the cursor's.
 * Ownership  strings and nested values live in the pool.
 * Errors     sticky in the cursor: CUR_SHORT when the bytes end too early (a bulk load then waits for more),
 *            CUR_BAD when they can never be right. Nothing is allocated for more than what is really there.
 */
#ifndef SIM_WIRE_DECODE_H
#define SIM_WIRE_DECODE_H

#include "engine.h"
#include "wire/pool.h"

typedef enum cur_state { CUR_OK, CUR_SHORT, CUR_BAD } cur_state_t;

typedef struct cur {
    const uint8_t *p, *end;
    cur_state_t state;
} cur_t;

static inline cur_t cur_over(const uint8_t *data, size_t len)
{
    return (cur_t){.p = data, .end = data + len, .state = CUR_OK};
}
static inline size_t cur_left(const cur_t *cur)
{
    return cur->state == CUR_OK ? (size_t)(cur->end - cur->p) : 0;
}
/** @return n bytes, or NULL (and the cursor is no longer OK) */
const uint8_t *cur_take(cur_t *cur, size_t n);
/** Little-endian number of n <= 8 bytes; 0 when there are not so many. */
uint64_t cur_le(cur_t *cur, unsigned n);
void cur_fail(cur_t *cur);

/** UTF-16LE of `size` bytes as a NUL-terminated string of the pool. @return "" on error */
const char *cur_utf16(cur_t *cur, size_t size, pool_t *pool, size_t *ret_len);
/** B_VARCHAR and US_VARCHAR. */
const char *cur_b_varchar(cur_t *cur, pool_t *pool);
const char *cur_us_varchar(cur_t *cur, pool_t *pool);

typedef enum wire_place { WIRE_IN_RPC, WIRE_IN_BULK } wire_place_t;

/* How a value of a read TYPE_INFO lies on the wire. */
typedef struct wire_type {
    sim_typeinfo_t type;
    uint8_t id;
    uint8_t fixed;    /* bytes of a fixed-width type, 0 = has a length */
    uint8_t len_size; /* bytes of the length in front of a value: 1, 2, 4; 0 for fixed and PLP */
    bool plp;
} wire_type_t;

/** Reads a TYPE_INFO (without the table name of old large types). UDT and TVP are CUR_BAD. */
void wire_type_read(cur_t *cur, wire_type_t *ret_type);
/** Reads one value. */
void wire_value_read(cur_t *cur, const wire_type_t *type, wire_place_t place, pool_t *pool, sim_value_t *ret_value);

/** Value bytes without any length, as they also lie in a sql_variant. @return false = impossible */
bool wire_value_from_bytes(const wire_type_t *type, const uint8_t *data, size_t len, pool_t *pool,
                           sim_value_t *ret_value);

#endif
