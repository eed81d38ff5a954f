#include "connectors/postgres/fields.h"

#define KAFKA_TOPIC     "__connect_topic"
#define KAFKA_PARTITION "__connect_partition"
#define KAFKA_OFFSET    "__connect_offset"

static const char *const type_names[] = {"NULL",    "INT8",   "INT16", "INT32", "INT64", "FLOAT32", "FLOAT64",
                                         "BOOLEAN", "STRING", "BYTES", "ARRAY", "MAP",   "STRUCT"};
static const char *const lower_names[] = {"null",    "int8",   "int16", "int32", "int64", "float32", "float64",
                                          "boolean", "string", "bytes", "array", "map",   "Struct"};
static const char *const class_names[] = {"null",    "Byte",   "Short",  "Integer",   "Long",    "Float", "Double",
                                          "Boolean", "String", "byte[]", "ArrayList", "HashMap", "Struct"};

const char *connect_type_name(uint8_t type)
{
    return type <= CD_STRUCT ? type_names[type] : "UNKNOWN";
}

const char *schema_text(const cd_schema_t *schema, cd_arena_t *arena)
{
    const char *type = connect_type_name(schema->type);
    return schema->name != NULL ? cd_arena_printf(arena, "Schema{%s:%s}", schema->name, type)
                                : cd_arena_printf(arena, "Schema{%s}", type);
}

/* ---- records --------------------------------------------------------------------------------------------------- */

static bool is_primitive(const cd_schema_t *s)
{
    return s->type >= CD_INT8 && s->type <= CD_BYTES;
}

static cd_err_t *refuse(const sink_conf_t *conf, const cd_record_t *rec, bool is_key)
{
    const cd_schema_t *schema = is_key ? rec->key_schema : rec->value_schema;
    const cd_value_t *v = is_key ? &rec->key : &rec->value;
    const char *part = is_key ? "key" : "value";
    char timestamp[24] = "null";
    if (rec->timestamp != CD_NO_TIMESTAMP)
        (void)snprintf(timestamp, sizeof(timestamp), "%lld", (long long)rec->timestamp);
    return cd_err_new(
        CD_ERR_FATAL, CD_JVM_CONNECT,
        "Sink connector '%s' is configured with 'delete.enabled=%s' and 'pk.mode=%s' and therefore requires "
        "records with a non-null %s and non-null %s schema, but found record at "
        "(topic='%s',partition=%d,offset=%lld,timestamp=%s) with a %s %s and %s %s schema.",
        conf->name, conf->k.delete_enabled ? "true" : "false", pk_mode_name(conf->pk_mode),
        is_key ? "key" : "Struct value", is_key ? "Struct or primitive key" : "Struct", rec->topic,
        rec->partition != CD_NO_PARTITION ? rec->partition : rec->orig_partition, (long long)rec->kafka_offset,
        timestamp, v->type <= CD_STRUCT ? class_names[v->type] : "unknown", part,
        schema == NULL ? "null" : lower_names[schema->type <= CD_STRUCT ? schema->type : 0], part);
}

cd_err_t *record_check(const sink_conf_t *conf, const cd_record_t *rec)
{
    if (conf->pk_mode == PK_MODE_RECORD_KEY) {
        const cd_schema_t *s = rec->key_schema;
        bool ok =
            s != NULL && rec->key.type != CD_NULL &&
            (is_primitive(s) || (s->type == CD_STRUCT && rec->key.type == CD_STRUCT && rec->key.len == s->nfields));
        if (!ok) return refuse(conf, rec, true);
    }
    if (conf->k.delete_enabled && rec->value.type == CD_NULL) return NULL;
    const cd_schema_t *s = rec->value_schema;
    if (s == NULL || s->type != CD_STRUCT || rec->value.type != CD_STRUCT || rec->value.len != s->nfields) {
        /* with deletes enabled only the key is required here; fields are what such a value lacks */
        if (conf->k.delete_enabled)
            return cd_err_new(CD_ERR_FATAL, CD_JVM_CONNECT, "Value schema must be of type Struct");
        return refuse(conf, rec, false);
    }
    return NULL;
}

/* ---- fields ---------------------------------------------------------------------------------------------------- */

typedef struct extract {
    const sink_conf_t *conf;
    const char *table;
    const cd_schema_t *key_schema, *value_schema;
    cd_arena_t *arena;
    field_set_t *set;
} extract_t;

static const char *list_text(const cd_list_t *list, cd_arena_t *arena)
{
    const char *text = "";
    for (uint32_t i = 0; i < list->n; i++)
        text = cd_arena_printf(arena, "%s%s%s", text, i > 0 ? ", " : "", list->items[i]);
    return cd_arena_printf(arena, "[%s]", text);
}

static void add_key(extract_t *x, const char *name, const cd_schema_t *schema, enum bind_source source, uint32_t index)
{
    x->set->keys[x->set->nkeys++] =
        (sink_field_t){.name = name, .schema = schema, .source = (uint8_t)source, .is_key = true, .index = index};
}

static cd_err_t *keys_of_kafka(extract_t *x)
{
    static const char *const defaults[] = {KAFKA_TOPIC, KAFKA_PARTITION, KAFKA_OFFSET};
    const cd_list_t *f = &x->conf->k.pk_fields;
    if (f->n != 0 && f->n != 3)
        return cd_err_new(
            CD_ERR_FATAL, CD_JVM_CONNECT,
            "PK mode for table '%s' is KAFKA so there should either be no field names defined for defaults "
            "[" KAFKA_TOPIC ", " KAFKA_PARTITION ", " KAFKA_OFFSET
            "] to be applicable, or exactly 3, defined fields are: %s",
            x->table, list_text(f, x->arena));
    const char *const *names = f->n == 3 ? f->items : defaults;
    add_key(x, names[0], &bind_schema_topic, BIND_TOPIC, 0);
    add_key(x, names[1], &bind_schema_partition, BIND_PARTITION, 0);
    add_key(x, names[2], &bind_schema_offset, BIND_OFFSET, 0);
    return NULL;
}

static cd_err_t *keys_of_struct(extract_t *x, const cd_schema_t *schema, enum bind_source source, const char *mode,
                                const char *part)
{
    const cd_list_t *f = &x->conf->k.pk_fields;
    if (f->n == 0) {
        for (uint32_t i = 0; i < schema->nfields; i++)
            add_key(x, schema->fields[i].name, schema->fields[i].schema, source, i);
        return NULL;
    }
    for (uint32_t i = 0; i < f->n; i++) {
        int32_t at = cd_schema_field(schema, f->items[i]);
        if (at < 0)
            return cd_err_new(
                CD_ERR_FATAL, CD_JVM_CONNECT,
                "PK mode for table '%s' is %s with configured PK fields %s, but record %s schema does not "
                "contain field: %s",
                x->table, mode, list_text(f, x->arena), part, f->items[i]);
        add_key(x, schema->fields[at].name, schema->fields[at].schema, source, (uint32_t)at);
    }
    return NULL;
}

static cd_err_t *keys_of_record_key(extract_t *x)
{
    const cd_schema_t *s = x->key_schema;
    const cd_list_t *f = &x->conf->k.pk_fields;
    if (s == NULL)
        return cd_err_new(CD_ERR_FATAL, CD_JVM_CONNECT,
                          "PK mode for table '%s' is RECORD_KEY, but record key schema is missing", x->table);
    if (is_primitive(s)) {
        if (f->n != 1)
            return cd_err_new(
                CD_ERR_FATAL, CD_JVM_CONNECT,
                "Need exactly one PK column defined since the key schema for records is a primitive type, "
                "defined columns are: %s",
                list_text(f, x->arena));
        add_key(x, f->items[0], s, BIND_KEY, 0);
        return NULL;
    }
    if (s->type != CD_STRUCT)
        return cd_err_new(CD_ERR_FATAL, CD_JVM_CONNECT,
                          "Key schema must be primitive type or Struct, but is of type: %s",
                          connect_type_name(s->type));
    return keys_of_struct(x, s, BIND_KEY_FIELD, "RECORD_KEY", "key");
}

static cd_err_t *extract_keys(extract_t *x)
{
    switch (x->conf->pk_mode) {
    case PK_MODE_NONE:
        return NULL;
    case PK_MODE_KAFKA:
        return keys_of_kafka(x);
    case PK_MODE_RECORD_KEY:
        return keys_of_record_key(x);
    case PK_MODE_RECORD_VALUE:
        break;
    }
    if (x->value_schema == NULL)
        return cd_err_new(CD_ERR_FATAL, CD_JVM_CONNECT,
                          "PK mode for table '%s' is RECORD_VALUE, but record value schema is missing", x->table);
    return keys_of_struct(x, x->value_schema, BIND_VALUE_FIELD, "RECORD_VALUE", "value");
}

static const sink_field_t *find_key(const field_set_t *set, const char *name)
{
    for (uint32_t i = 0; i < set->nkeys; i++)
        if (strcmp(set->keys[i].name, name) == 0) return &set->keys[i];
    return NULL;
}

static const sink_field_t *find_value(const field_set_t *set, const char *name)
{
    for (uint32_t i = 0; i < set->nvalues; i++)
        if (strcmp(set->values[i].name, name) == 0) return &set->values[i];
    return NULL;
}

static bool is_listed(const field_set_t *set, const sink_field_t *f)
{
    for (uint32_t i = 0; i < set->nall; i++)
        if (set->all[i] == f) return true;
    return false;
}

/** Kafka's default names first, then as the value schema has them, then the rest by name. */
static void order_all(extract_t *x)
{
    static const char *const kafka[] = {KAFKA_TOPIC, KAFKA_PARTITION, KAFKA_OFFSET};
    field_set_t *set = x->set;
    for (size_t i = 0; i < 3; i++) {
        const sink_field_t *f = find_key(set, kafka[i]);
        if (f != NULL) set->all[set->nall++] = f;
    }
    for (uint32_t i = 0; x->value_schema != NULL && i < x->value_schema->nfields; i++) {
        const char *name = x->value_schema->fields[i].name;
        const sink_field_t *f = find_key(set, name);
        if (f == NULL) f = find_value(set, name);
        if (f != NULL && !is_listed(set, f)) set->all[set->nall++] = f;
    }
    for (;;) {
        const sink_field_t *least = NULL;
        for (uint32_t i = 0; i < set->nkeys; i++) {
            const sink_field_t *f = &set->keys[i];
            if (!is_listed(set, f) && (least == NULL || strcmp(f->name, least->name) < 0)) least = f;
        }
        if (least == NULL) return;
        set->all[set->nall++] = least;
    }
}

cd_err_t *field_set_extract(const sink_conf_t *conf, const char *table, const cd_schema_t *key_schema,
                            const cd_schema_t *value_schema, cd_arena_t *arena, field_set_t *ret_fields)
{
    if (value_schema != NULL && value_schema->type != CD_STRUCT)
        return cd_err_new(CD_ERR_FATAL, CD_JVM_CONNECT, "Value schema must be of type Struct");
    uint32_t key_max = conf->k.pk_fields.n + 3 + (key_schema != NULL ? key_schema->nfields : 0);
    uint32_t value_max = value_schema != NULL ? value_schema->nfields : 0;
    field_set_t set = {.keys = cd_arena_array(arena, sink_field_t, key_max + value_max),
                       .values = cd_arena_array(arena, sink_field_t, value_max + 1),
                       .all = cd_arena_array(arena, const sink_field_t *, key_max + 2 * value_max)};
    extract_t x = {conf, table, key_schema, value_schema, arena, &set};
    cd_err_t *err = extract_keys(&x);
    if (err != NULL) return err;
    for (uint32_t i = 0; i < value_max; i++) {
        const cd_field_t *f = &value_schema->fields[i];
        if (find_key(&set, f->name) != NULL) continue;
        if (conf->k.whitelist.n > 0 && !cd_list_has(&conf->k.whitelist, f->name)) continue;
        set.values[set.nvalues++] = (sink_field_t){.name = f->name,
                                                   .schema = f->schema,
                                                   .source = BIND_VALUE_FIELD,
                                                   .optional = f->schema->optional,
                                                   .index = i};
    }
    order_all(&x);
    if (set.nall == 0)
        return cd_err_new(CD_ERR_FATAL, CD_JVM_CONNECT, "No fields found using key and value schemas for table: %s",
                          table);
    *ret_fields = set;
    return NULL;
}
