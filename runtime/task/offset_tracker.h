/* task/offset_tracker.h: which source offsets may be committed: per source partition, the offset of the last record of
 * the leading run of acknowledged records. A slow partition never holds back another.
 *
 * Threads    the task's thread; no I/O, no clock.
 * Ownership  each record under way holds a reference to its batch, so that its payload and its offset stay valid until
 *            it has been acknowledged and passed. What is committable is copied into the tracker. */
#ifndef RUNTIME_TASK_OFFSET_TRACKER_H
#define RUNTIME_TASK_OFFSET_TRACKER_H

#include "plugins/api/connectd_plugin.h"

typedef struct offset_tracker offset_tracker_t;

/** A record under way. Plain data; valid until it is acknowledged or taken back. */
typedef struct offset_slot {
    struct offset_queue *queue;
    uint64_t seq;
} offset_slot_t;

offset_tracker_t *offset_tracker_new(void);
void offset_tracker_free(offset_tracker_t *tr);

/** Take a record in, in the order of sending. @param batch  holds the record's memory */
offset_slot_t offset_tracker_submit(offset_tracker_t *tr, cd_batch_t *batch, const cd_record_t *rec);
/** Take back the newest submission of its source partition (it could not be sent). */
void offset_tracker_retract(offset_tracker_t *tr, offset_slot_t slot);
/** The record was acknowledged (or given up for good): its queue moves on at the next offset_tracker_settle. */
void offset_tracker_ack(offset_tracker_t *tr, offset_slot_t slot);
/** Pass what is acknowledged: drops batch references and copies the newest offset of each queue that moved. */
void offset_tracker_settle(offset_tracker_t *tr);

/** Records submitted and not yet acknowledged. */
uint64_t offset_tracker_pending(const offset_tracker_t *tr);

typedef struct offset_entry {
    cd_value_t partition, offset; /* copies in the arena */
} offset_entry_t;

/** What became committable since it was last taken. @return array of *ret_n in the arena */
offset_entry_t *offset_tracker_take(offset_tracker_t *tr, cd_arena_t *arena, uint32_t *ret_n);
/** The offsets taken last were not stored: the next take gives them again, or newer ones. */
void offset_tracker_restore(offset_tracker_t *tr);
/** The offsets taken last are stored. */
void offset_tracker_stored(offset_tracker_t *tr);

#endif
