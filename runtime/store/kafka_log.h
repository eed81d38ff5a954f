/* store/kafka_log.h: a Kafka topic as a store's log. All partitions are read from their beginning and then followed.
 * Loop thread only; see store/log.h and store/kafka_hub.h. */
#ifndef RUNTIME_STORE_KAFKA_LOG_H
#define RUNTIME_STORE_KAFKA_LOG_H

#include "runtime/store/kafka_hub.h"

/** @param hub         must outlive the log
 *  @param partitions  of the topic, which exists */
CD_CHECK cd_err_t *kafka_log_new(kafka_hub_t *hub, const char *topic, int32_t partitions, store_log_t **ret_log);

#endif
