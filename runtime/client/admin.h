/* client/admin.h: look at and create topics, blocking.
 *
 * Threads    one thread at a time per handle; never the loop thread: everything here blocks up to its deadline.
 * Ownership  rd_kafka_t handles are the caller's; any producer, consumer or admin client serves.
 * Errors     RETRIABLE while no broker answers; else the class and text of the broker's refusal.
 * Units      milliseconds. */
#ifndef RUNTIME_CLIENT_ADMIN_H
#define RUNTIME_CLIENT_ADMIN_H

#include "plugins/api/connectd_plugin.h"

#include <librdkafka/rdkafka.h>

/** Whether a topic exists (its creation is never a side effect). @param ret_partitions  may be NULL */
CD_CHECK cd_err_t *admin_topic_exists(rd_kafka_t *rk, const char *topic, int64_t timeout_ms, bool *ret_exists,
                                      int32_t *ret_partitions);

/** Create a topic. @param partitions, replication  -1: the broker's defaults  @param ret_created  false: it existed */
CD_CHECK cd_err_t *admin_topic_create(rd_kafka_t *rk, const char *topic, int32_t partitions, int32_t replication,
                                      const cd_config_t *topic_config, int64_t timeout_ms, bool *ret_created);

#endif
