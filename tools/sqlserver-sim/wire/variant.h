/* wire/variant.h: the inside of a sql_variant: base type, properties, data. Pure, any thread. */
#ifndef SIM_WIRE_VARIANT_H
#define SIM_WIRE_VARIANT_H

#include "engine.h"
#include "wire/pool.h"

/** Writes everything behind the 4-byte length.
 *  @param size  at least TDS_VARIANT_MAX + 64, so that the longest value with its properties fits
 *  @return bytes written; a type that cannot be in a variant is written as an empty varbinary */
size_t variant_encode(uint8_t *dst, size_t size, const sim_typeinfo_t *type, const sim_value_t *value);

/** Reads what variant_encode writes.
 *  @return false = malformed; type and value live in the pool */
bool variant_decode(const uint8_t *src, size_t len, pool_t *pool, const sim_typeinfo_t **ret_type,
                    const sim_value_t **ret_value);

#endif
