/* value_text.h: text forms of values and the code page work behind them. Pure functions, any thread. */
#ifndef SIM_VALUE_TEXT_H
#define SIM_VALUE_TEXT_H

#include "sql/value.h"

/** Replaces characters CP1252 lacks by '?'. Returns s itself when nothing changes. */
const char *text_to_cp1252(arena_t *a, const char *s, size_t *len);
/** The bytes SQL Server holds for a string: CP1252, UTF-8 or UTF-16LE by type. */
void text_encode(const sim_typeinfo_t *t, const sim_value_t *v, buf_t *out);
/** The reverse: bytes to UTF-8, read as type t would. */
void text_decode(const sim_typeinfo_t *t, const char *p, size_t n, buf_t *out);
void text_guid(const uint8_t guid[16], buf_t *out);

#endif
