/* task/topic_rules.h: which topics a source connector may create, and how (topic.creation.*). Pure; task thread.
 * Errors     CONFIG with Connect's sentences. */
#ifndef RUNTIME_TASK_TOPIC_RULES_H
#define RUNTIME_TASK_TOPIC_RULES_H

#include "plugins/api/connectd_plugin.h"

typedef struct topic_rules topic_rules_t;

typedef struct topic_plan {
    const char *group;               /* "default" or the alias */
    int32_t partitions, replication; /* -1: the broker's default */
    cd_config_t config;
} topic_plan_t;

/** @param enabled  topic.creation.enable of the worker
 *  @param ret_rules  NULL when the worker leaves creation to the brokers */
CD_CHECK cd_err_t *topic_rules_new(bool enabled, const cd_config_t *connector_config, topic_rules_t **ret_rules);
void topic_rules_free(topic_rules_t *r);

/** The first group that wants the topic. @param ret_plan  borrowed from the rules */
CD_CHECK cd_err_t *topic_rules_plan(topic_rules_t *r, const char *topic, topic_plan_t *ret_plan);

#endif
