/* converters/avro_settings.h: the settings of the Avro converter and the names of its subjects. */
#ifndef CONNECTD_CONVERTERS_AVRO_SETTINGS_H
#define CONNECTD_CONVERTERS_AVRO_SETTINGS_H

#include "plugins/converters/avro_text.h"

typedef struct avro_settings {
    bool auto_register, use_latest, latest_strict, id_strict, normalize;
    bool meta_data, enhanced, scrub, ignore_default, optional_map_keys, flatten_singletons, discard_doc, sum_types;
    int32_t schema_id, latest_ttl_sec, cache_size;
    cd_list_t latest_metadata;
    const char *key_strategy, *value_strategy;
} avro_settings_t;

extern const cd_key_t avro_keys[];

/** True when the strategy names subjects after the record, so that the schema must be known first. */
bool avro_subject_needs_schema(const char *strategy);
/** The subject of a topic's keys or values (06 §2.3). @param node  the schema; may be NULL when it is not needed */
CD_CHECK cd_err_t *avro_subject(const char *strategy, const char *topic, bool is_key, const avro_node_t *node,
                                cd_arena_t *arena, const char **ret_subject);

#endif
