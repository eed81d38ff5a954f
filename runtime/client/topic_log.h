/* client/topic_log.h: a Kafka topic as a log with blocking access: the implementation of cd_host->topic_log_*.
 *
 * Threads    one thread at a time per log; never the loop thread.
 * Ownership  the log is the caller's; settings are copied. `stop` must stay valid as long as the log.
 * Errors     RETRIABLE while no broker answers in time, STOPPED when the stop signal came. */
#ifndef RUNTIME_CLIENT_TOPIC_LOG_H
#define RUNTIME_CLIENT_TOPIC_LOG_H

#include "plugins/api/connectd_plugin.h"

/** @param stopping  asked between short waits; may be NULL */
CD_CHECK cd_err_t *topic_log_open(const char *topic, const cd_config_t *config, bool (*stopping)(void *arg),
                                  void *stop_arg, cd_topic_log_t **ret_log);
CD_CHECK cd_err_t *topic_log_ensure(cd_topic_log_t *log, bool create, int32_t replication,
                                    const cd_config_t *topic_config, int64_t timeout_ms, bool *ret_exists);
CD_CHECK cd_err_t *topic_log_read(cd_topic_log_t *log, int64_t timeout_ms,
                                  cd_err_t *(*each)(void *arg, cd_bytes_t key, cd_bytes_t value), void *arg);
CD_CHECK cd_err_t *topic_log_append(cd_topic_log_t *log, cd_bytes_t key, cd_bytes_t value, int64_t timeout_ms);
void topic_log_close(cd_topic_log_t *log);

#endif
