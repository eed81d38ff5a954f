/* data/schema.h: the pool that interns a task's schemas.
 * Two equal schemas (Connect's equality: 06 §1.4, but parameters in their order) are one pointer, so comparing and
 * caching by pointer is safe. What is interned lives until the pool is freed.
 * Threads    the owning task's thread.      Limits  SCHEMA_POOL_MAX schemas, then schema_pool_full() turns true. */
#ifndef DATA_SCHEMA_H
#define DATA_SCHEMA_H

#include "plugins/api/connectd_plugin.h"

#define SCHEMA_POOL_MAX 65536u

cd_schema_pool_t *schema_pool_new(void);
void schema_pool_free(cd_schema_pool_t *pool);

/** The interned schema equal to `spec`. Children must come from the same pool. Past the limit it still answers (a task
 *  in mid-batch needs an answer) and the task loop, which asks schema_pool_full after each batch, fails the task. */
const cd_schema_t *schema_intern(cd_schema_pool_t *pool, const cd_schema_spec_t *spec);
/** Schemas made so far; ids run from 1 to this number. */
uint32_t schema_pool_count(const cd_schema_pool_t *pool);
bool schema_pool_full(const cd_schema_pool_t *pool);

/** A copy of `s` as a spec, to change a few members and intern again. Arrays are shared with s. */
cd_schema_spec_t schema_spec(const cd_schema_t *s);
/** The same schema, optional or required. */
const cd_schema_t *schema_with_optional(cd_schema_pool_t *pool, const cd_schema_t *s, bool optional);
/** A plain schema of a primitive type. */
const cd_schema_t *schema_primitive(cd_schema_pool_t *pool, uint8_t type, bool optional);
/** Connect's name of a type: "INT8" … "STRUCT". */
const char *schema_type_name(uint8_t type);

#endif
