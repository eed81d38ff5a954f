/* data/value.h: what can be done with any value: copy, compare, print. Pure; any thread. */
#ifndef DATA_VALUE_H
#define DATA_VALUE_H

#include "runtime/base/strbuf.h"

/** Deep copy: strings, bytes and items of the result live in the arena. */
cd_value_t value_copy(const cd_value_t *v, cd_arena_t *arena);
/** Deep equality; maps compare in any order, floats by bits (NaN equals NaN, as Java's boxed values do). */
bool value_equal(const cd_value_t *a, const cd_value_t *b);
/** As Java would print it in a log line: Struct{a=1,b=x}, [1, 2], {k=v}; bytes as a count. `schema` may be NULL. */
void value_text(const cd_schema_t *schema, const cd_value_t *v, strbuf_t *out);

#endif
