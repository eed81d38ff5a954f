/* connectors/postgres/tz.h: time zones from the system's zone database, without the process-wide TZ of the C library:
 * two tasks may use two zones.
 *
 * Threads    a zone never changes after tz_open and may be shared.
 * Ownership  tz_open allocates, tz_free frees.
 * Units      seconds; offsets are east of UTC. */
#ifndef POSTGRES_TZ_H
#define POSTGRES_TZ_H

#include "plugins/api/connectd_plugin.h"

typedef struct tz tz_t;

/** @param id a zone id as Java lists it: "UTC", "Europe/Berlin", "EST", "PST". @return NULL when there is none */
tz_t *tz_open(const char *id);
void tz_free(tz_t *tz);

bool tz_is_utc(const tz_t *tz);

/** Offset in force at an instant. */
int32_t tz_offset_at(const tz_t *tz, int64_t utc_s);

/** Offset for a wall clock reading. Where clocks were set back the first of the two instants is meant; a reading that
 *  clocks jumped over counts on from before the jump (as java.time does). */
int32_t tz_offset_of_wall(const tz_t *tz, int64_t wall_s);

#endif
