#include "plugins/converters/avro_resolve.h"

#define DEPTH_MAX 64u

bool avro_promotable(uint8_t from, uint8_t to)
{
    switch (from) {
    case AVRO_INT:
        return to == AVRO_LONG || to == AVRO_FLOAT || to == AVRO_DOUBLE;
    case AVRO_LONG:
        return to == AVRO_FLOAT || to == AVRO_DOUBLE;
    case AVRO_FLOAT:
        return to == AVRO_DOUBLE;
    case AVRO_STRING:
        return to == AVRO_BYTES;
    case AVRO_BYTES:
        return to == AVRO_STRING;
    default:
        return false;
    }
}

const avro_field_t *avro_writer_field(const avro_node_t *w, const avro_field_t *f)
{
    for (uint32_t i = 0; i < w->n; i++)
        if (strcmp(w->fields[i].name, f->name) == 0) return &w->fields[i];
    for (size_t k = 0; k < json_array_size(f->aliases); k++) {
        const char *alias = json_string_value(json_array_get(f->aliases, k));
        for (uint32_t i = 0; alias != NULL && i < w->n; i++)
            if (strcmp(w->fields[i].name, alias) == 0) return &w->fields[i];
    }
    return NULL;
}

static bool can_read(const avro_node_t *r, const avro_node_t *w, uint32_t depth);

static bool record_can_read(const avro_node_t *r, const avro_node_t *w, uint32_t depth)
{
    if (strcmp(r->name, w->name) != 0) return false; /* Avro compares the short names */
    for (uint32_t i = 0; i < r->n; i++) {
        const avro_field_t *from = avro_writer_field(w, &r->fields[i]);
        if (from == NULL ? r->fields[i].dflt == NULL : !can_read(r->fields[i].type, from->type, depth)) return false;
    }
    return true;
}

static bool enum_can_read(const avro_node_t *r, const avro_node_t *w)
{
    if (strcmp(r->name, w->name) != 0) return false;
    if (r->enum_default != NULL) return true;
    for (uint32_t i = 0; i < w->n; i++) {
        bool found = false;
        for (uint32_t k = 0; k < r->n && !found; k++) found = strcmp(r->symbols[k], w->symbols[i]) == 0;
        if (!found) return false;
    }
    return true;
}

static bool can_read(const avro_node_t *r, const avro_node_t *w, uint32_t depth)
{
    /* a recursive type that was fine this deep is fine */
    if (depth++ > DEPTH_MAX || r == w) return true;
    if (w->type == AVRO_UNION) {
        for (uint32_t i = 0; i < w->n; i++)
            if (!can_read(r, w->branches[i], depth)) return false;
        return true;
    }
    if (r->type == AVRO_UNION) {
        for (uint32_t i = 0; i < r->n; i++)
            if (can_read(r->branches[i], w, depth)) return true;
        return false;
    }
    if (r->type != w->type) return avro_promotable(w->type, r->type);
    switch (r->type) {
    case AVRO_RECORD:
        return record_can_read(r, w, depth);
    case AVRO_ENUM:
        return enum_can_read(r, w);
    case AVRO_FIXED:
        return r->size == w->size && strcmp(r->name, w->name) == 0;
    case AVRO_ARRAY:
    case AVRO_MAP:
        return can_read(r->items, w->items, depth);
    default:
        return true;
    }
}

bool avro_can_read(const avro_node_t *reader, const avro_node_t *writer)
{
    return can_read(reader, writer, 0);
}
