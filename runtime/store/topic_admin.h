/* store/topic_admin.h: makes sure that the internal topics exist with the right shape, all at once.
 * Loop thread only; nothing blocks. */
#ifndef RUNTIME_STORE_TOPIC_ADMIN_H
#define RUNTIME_STORE_TOPIC_ADMIN_H

#include "runtime/store/kafka_hub.h"

typedef struct topic_spec {
    const char *topic;
    const char *property;            /* the worker setting that names it */
    const char *purpose;             /* for sentences: "connector configurations" */
    int32_t partitions, replication; /* -1: as the broker likes */
    cd_config_t settings;            /* of a new topic; cleanup.policy=compact is added */
} topic_spec_t;

/** @param partitions  of each topic, in the order of the specs; NULL on error */
typedef void topic_admin_fn(void *arg, cd_err_t *err, const int32_t *partitions);

/** Create what is missing, check the cleanup policy of what is there, and learn the numbers of partitions.
 *  @param specs       copied, but not what they point to: that must live until the answer
 *  @param timeout_ms  for the creation (retried while the cluster has too few brokers) */
void topic_admin_ensure(kafka_hub_t *hub, const topic_spec_t *specs, uint32_t n, int64_t timeout_ms,
                        topic_admin_fn *done, void *arg);

/** The value of cleanup.policy means compaction and nothing else. Pure. */
bool topic_admin_is_compact(const char *policy);

#endif
