/* client/kafka_conf.h: settings of the Java clients, as users write them, to settings of librdkafka.
 *
 * Every Kafka client of the worker is configured here, so that a property file or connector JSON of a JVM worker means
 * the same: names and units are translated, defaults are Java's where they are visible (partitioner, isolation level,
 * automatic topic creation), class names without a meaning here are accepted, and what cannot work is refused with a
 * sentence that says what to do.
 *
 * Threads    no shared state; any thread.
 * Errors     CONFIG, class ConfigException; messages name the key, never the value of a secret.
 * Security   settings that would make librdkafka run commands or load code are never passed on. */
#ifndef RUNTIME_CLIENT_KAFKA_CONF_H
#define RUNTIME_CLIENT_KAFKA_CONF_H

#include "plugins/api/connectd_plugin.h"

#include <librdkafka/rdkafka.h>

enum kafka_role { KAFKA_PRODUCER = 1, KAFKA_CONSUMER = 2, KAFKA_ADMIN = 4 };

/** Translate layers of settings, of which later ones win.
 *  @param ret_conf  belongs to the caller until rd_kafka_new took it (rd_kafka_conf_destroy otherwise). Logging is set
 *                   up; callbacks and opaque are the caller's. Consumers have automatic commits off. */
CD_CHECK cd_err_t *kafka_conf_new(enum kafka_role role, const cd_config_t *layers, uint32_t nlayers,
                                  rd_kafka_conf_t **ret_conf);

/** rd_kafka_new with an error that users understand. Takes conf, also on error. */
CD_CHECK cd_err_t *kafka_conf_open(enum kafka_role role, rd_kafka_conf_t *conf, rd_kafka_t **ret_rk);

/** The value that wins over the layers, or NULL. */
const char *kafka_conf_get(const cd_config_t *layers, uint32_t nlayers, const char *key);

/** connector.client.config.override.policy: "All", "None", "Principal", or their full class names.
 *  @return CONFIG for an unknown policy */
CD_CHECK cd_err_t *kafka_conf_policy_check(const char *policy);
/** Whether the policy lets a connector override `key` (without its prefix).
 *  @return NULL, or Connect's sentence for the field, in the arena */
const char *kafka_conf_policy_refusal(const char *policy, const char *key, cd_arena_t *arena);

/** An error code of librdkafka as the exception that a Java client would raise. RETRIABLE when Java's is. */
CD_CHECK cd_err_t *kafka_err(rd_kafka_resp_err_t code, const char *what);
/** The Java class alone. */
const char *kafka_err_class(rd_kafka_resp_err_t code);

#endif
