/* converters/avro_resolve.h: whether data of one Avro schema can be read as another. Pure; any thread. */
#ifndef CONNECTD_CONVERTERS_AVRO_RESOLVE_H
#define CONNECTD_CONVERTERS_AVRO_RESOLVE_H

#include "plugins/converters/avro_schema.h"

/** Avro's schema resolution rules: what the registry calls "backward compatible" of reader with writer. */
bool avro_can_read(const avro_node_t *reader, const avro_node_t *writer);
/** A value of type `from` may be read as `to` without loss of meaning (int as long, …). */
bool avro_promotable(uint8_t from, uint8_t to);
/** The writer's field that a reader's field is filled from (same name or an alias), or NULL. */
const avro_field_t *avro_writer_field(const avro_node_t *writer, const avro_field_t *field);

#endif
