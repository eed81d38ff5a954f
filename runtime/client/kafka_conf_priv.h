/* client/kafka_conf_priv.h: what the two halves of kafka_conf (plain settings, security) share. */
#ifndef RUNTIME_CLIENT_KAFKA_CONF_PRIV_H
#define RUNTIME_CLIENT_KAFKA_CONF_PRIV_H

#include "runtime/client/kafka_conf.h"

/** Set one property; unknown ones are ignored. @param java  the name users know, for the error */
CD_CHECK cd_err_t *kafka_conf_set(rd_kafka_conf_t *conf, const char *native, const char *value, const char *java);

/** security.protocol, sasl.* and ssl.* as Java understands them, as a group. */
CD_CHECK cd_err_t *kafka_conf_security(const cd_config_t *layers, uint32_t nlayers, rd_kafka_conf_t *conf);

/** The options of the first login module of a JAAS text: `class required a="b" c='d';`
 *  @param ret_module  class name, in the arena      @param ret_options  in the arena */
CD_CHECK cd_err_t *kafka_jaas_parse(const char *text, cd_arena_t *arena, const char **ret_module,
                                    cd_config_t *ret_options);

#endif
