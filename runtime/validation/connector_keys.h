/* validation/connector_keys.h: the settings every connector has, whatever its class (Connect's ConnectorConfig,
 * SourceConnectorConfig and SinkConnectorConfig, as of Kafka 3.9). Constant data; any thread. */
#ifndef VALIDATION_CONNECTOR_KEYS_H
#define VALIDATION_CONNECTOR_KEYS_H

#include "plugins/api/connectd_plugin.h"

typedef struct connector_key {
    cd_key_t key;
    int32_t order; /* within its group; not the position, since Connect counts oddly */
} connector_key_t;

/** Rows in Connect's order, ended by a row without a name. @param kind CD_KIND_SOURCE or CD_KIND_SINK; for any other
 *  kind only the common rows */
const connector_key_t *connector_keys(uint32_t kind);

/** The rows that each transform has beside its own: negate and predicate. */
const cd_key_t *connector_transform_keys(void);

#endif
