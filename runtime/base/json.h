/* base/json.h: JSON as Connect reads and writes it, over jansson.
 * The writer gives the bytes of Jackson's default writer, which the internal topics and REST answers are made of:
 * compact, members in insertion order, upper-case \u escapes for control characters, supplementary characters as two
 * escapes, everything else as is. Pure; any thread. */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include "runtime/base/strbuf.h"

#include <jansson.h>

/** Append `v` to out. */
void json_write(const json_t *v, strbuf_t *out);
/** Append a quoted, escaped string of n bytes (broken UTF-8 is written as U+FFFD). */
void json_write_str(const char *s, size_t n, strbuf_t *out);
/** Append a double as Java's Double.toString would print it. */
void json_write_double(double v, strbuf_t *out);
/** Text of at most n bytes to a value; accepts any JSON value at the top.
 *  @return NULL, or a DATA error that names line and column; *ret_v is then NULL. */
CD_CHECK cd_err_t *json_parse(const char *text, size_t n, json_t **ret_v);

/** An object of strings (or nulls) from settings, in their order, and back. Scalars other than strings become their
 *  text (Connect's rule for configs given as numbers or booleans). @return DATA error for arrays and objects inside. */
json_t *json_from_config(const cd_config_t *config);
CD_CHECK cd_err_t *json_to_config(const json_t *object, cd_arena_t *arena, cd_config_t *ret_config);

/** Offset maps: a Connect map cell with primitive values <-> a JSON object. Members are written in the order of a
 *  Java HashMap, because the key bytes of the offsets topic depend on it (see store/). */
json_t *json_from_value(const cd_value_t *v);
cd_value_t json_to_value(const json_t *v, cd_arena_t *arena);

#endif
