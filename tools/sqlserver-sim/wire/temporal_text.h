/* wire/temporal_text.h: date, time, datetime2 and datetimeoffset as text, for clients older than TDS 7.3. Pure. */
#ifndef SIM_WIRE_TEMPORAL_TEXT_H
#define SIM_WIRE_TEMPORAL_TEXT_H

#include "engine.h"

enum { TEMPORAL_TEXT_MAX = 34 }; /* 9999-12-31 23:59:59.9999999 +14:00 */

/** @return length of the NUL-terminated text */
size_t temporal_text(char text[TEMPORAL_TEXT_MAX + 1], const sim_typeinfo_t *type, const sim_value_t *value);

#endif
