/* data/values_text.h: Connect's org.apache.kafka.connect.data.Values: values as text whose form tells the type, and
 * back (06 §4.1). Threads: the task's thread (schemas come from its pool). Nesting is limited to 64. */
#ifndef DATA_VALUES_TEXT_H
#define DATA_VALUES_TEXT_H

#include "runtime/base/strbuf.h"

/** Values.convertToString: strings raw, containers as JSON-like text, dates in ISO form (UTC). */
void values_to_text(const cd_schema_t *schema, const cd_value_t *value, strbuf_t *out);
/** Object.toString, as StringConverter writes values; bytes are base64. */
void values_java_string(const cd_schema_t *schema, const cd_value_t *value, strbuf_t *out);
/** Values.parseString. Never fails: what has no other form is a string. Memory is the arena's or the text's. */
void values_from_text(const char *text, size_t len, cd_schema_pool_t *pool, cd_arena_t *arena,
                      const cd_schema_t **ret_schema, cd_value_t *ret_value);

#endif
