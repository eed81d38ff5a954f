/* store/group_offsets.h: the committed offsets of a consumer group, for GET …/offsets of sink connectors.
 * Loop thread only; nothing blocks. */
#ifndef RUNTIME_STORE_GROUP_OFFSETS_H
#define RUNTIME_STORE_GROUP_OFFSETS_H

#include "runtime/store/kafka_hub.h"

/** @param parts  topic, partition and offset of each partition with a committed offset; NULL on error */
typedef void group_offsets_fn(void *arg, cd_err_t *err, const cd_topic_partition_t *parts, uint32_t n);

/** A group that does not exist has no offsets. `done` runs once, on the loop, later; an error belongs to it. */
void group_offsets_list(kafka_hub_t *hub, const char *group, group_offsets_fn *done, void *arg);

#endif
