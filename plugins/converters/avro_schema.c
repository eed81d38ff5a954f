#include "plugins/converters/avro_schema.h"

#include "runtime/base/json.h"
#include "runtime/base/mem.h"

#define TEXT_MAX  ((size_t)4 * 1024 * 1024)
#define DEPTH_MAX 128u

typedef struct parser {
    avro_schema_t *schema;
    const avro_node_t *names[AVRO_NAMES_MAX];
    uint32_t nnames, depth;
} parser_t;

static const char *const type_names[] = {"null",   "boolean", "int",  "long",  "float", "double", "bytes",
                                         "string", "record",  "enum", "array", "map",   "union",  "fixed"};

const char *avro_type_name(uint8_t type)
{
    return type < sizeof(type_names) / sizeof(type_names[0]) ? type_names[type] : "?";
}

const char *avro_prop(const avro_node_t *node, const char *name)
{
    return node->props != NULL ? json_string_value(json_object_get(node->props, name)) : NULL;
}

int avro_null_branch(const avro_node_t *node)
{
    if (node->type != AVRO_UNION || node->n != 2) return -1;
    if (node->branches[0]->type == AVRO_NULL) return 0;
    return node->branches[1]->type == AVRO_NULL ? 1 : -1;
}

bool avro_is_entry_array(const avro_node_t *node)
{
    if (node->type != AVRO_ARRAY || node->items->type != AVRO_RECORD || node->items->n != 2) return false;
    const avro_node_t *entry = node->items;
    if (strcmp(entry->fields[0].name, "key") != 0 || strcmp(entry->fields[1].name, "value") != 0) return false;
    if (strcmp(entry->full, AVRO_NAMESPACE ".MapEntry") == 0) return true;
    const char *internal = avro_prop(entry, "connect.internal.type");
    return internal != NULL && strcmp(internal, "MapEntry") == 0;
}

static cd_err_t *bad(const char *fmt, const char *arg)
{
    cd_err_t *err = NULL;
    char text[256];
    (void)snprintf(text, sizeof(text), "%.200s", arg != NULL ? arg : "");
    err = cd_err_new(CD_ERR_DATA, AVRO_JVM_PARSE, "%s%s", fmt, text);
    return err;
}

/** Java's check of one simple name; letters beyond ASCII count as letters there. */
static cd_err_t *check_name(const char *name)
{
    if (name == NULL || name[0] == '\0') return bad("Empty name", NULL);
    for (const unsigned char *p = (const unsigned char *)name; *p != '\0'; p++) {
        bool letter = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || *p == '_' || *p >= 0x80;
        bool digit = *p >= '0' && *p <= '9';
        if (p == (const unsigned char *)name && !letter) return bad("Illegal initial character: ", name);
        if (!letter && !digit) return bad("Illegal character in: ", name);
    }
    return NULL;
}

static int primitive_type(const char *name)
{
    for (int i = AVRO_NULL; i <= AVRO_STRING; i++)
        if (strcmp(name, type_names[i]) == 0) return i;
    return -1;
}

static const avro_node_t *find_name(const parser_t *p, const char *full)
{
    for (uint32_t i = 0; i < p->nnames; i++)
        if (strcmp(p->names[i]->full, full) == 0) return p->names[i];
    return NULL;
}

static cd_err_t *parse_node(parser_t *p, const json_t *json, const char *space, const avro_node_t **ret_node);

static cd_err_t *parse_reference(parser_t *p, const char *name, const char *space, const avro_node_t **ret_node)
{
    int primitive = primitive_type(name);
    if (primitive >= 0) {
        avro_node_t *node = cd_arena_new(&p->schema->arena, avro_node_t);
        node->type = (uint8_t)primitive;
        *ret_node = node;
        return NULL;
    }
    const avro_node_t *found = NULL;
    if (strchr(name, '.') == NULL && space[0] != '\0') {
        const char *full = cd_arena_printf(&p->schema->arena, "%s.%s", space, name);
        found = find_name(p, full);
    }
    if (found == NULL) found = find_name(p, name);
    if (found == NULL) return cd_err_new(CD_ERR_DATA, AVRO_JVM_PARSE, "\"%.200s\" is not a defined name.", name);
    *ret_node = found;
    return NULL;
}

static cd_err_t *parse_union(parser_t *p, const json_t *json, const char *space, const avro_node_t **ret_node)
{
    avro_node_t *node = cd_arena_new(&p->schema->arena, avro_node_t);
    uint32_t n = (uint32_t)json_array_size(json);
    const avro_node_t **branches = cd_arena_array(&p->schema->arena, const avro_node_t *, n);
    for (uint32_t i = 0; i < n; i++) {
        cd_err_t *err = parse_node(p, json_array_get(json, i), space, &branches[i]);
        if (err != NULL) return err;
        if (branches[i]->type == AVRO_UNION) return bad("Nested union: ", NULL);
        for (uint32_t k = 0; k < i; k++) {
            bool named = branches[i]->full != NULL;
            bool same =
                branches[k]->type == branches[i]->type && (!named || strcmp(branches[k]->full, branches[i]->full) == 0);
            if (same) return bad("Duplicate in union:", named ? branches[i]->full : avro_type_name(branches[i]->type));
        }
    }
    node->type = AVRO_UNION;
    node->n = n;
    node->branches = branches;
    *ret_node = node;
    return NULL;
}

/** Name and namespace of a named type; registers it before its fields are read, so that they may refer to it. */
static cd_err_t *parse_name(parser_t *p, const json_t *json, const char *space, avro_node_t *node,
                            const char **ret_space)
{
    cd_arena_t *a = &p->schema->arena;
    const char *name = json_string_value(json_object_get(json, "name"));
    const char *own = json_string_value(json_object_get(json, "namespace"));
    if (name == NULL) return bad("No name in schema", NULL);
    const char *dot = strrchr(name, '.');
    if (dot != NULL) {
        *ret_space = cd_arena_strndup(a, name, (size_t)(dot - name));
        name = dot + 1;
    } else {
        *ret_space = own != NULL ? own : space;
    }
    cd_err_t *err = check_name(name);
    if (err != NULL) return err;
    node->name = name;
    node->full = (*ret_space)[0] != '\0' ? cd_arena_printf(a, "%s.%s", *ret_space, name) : name;
    if (find_name(p, node->full) != NULL) return bad("Can't redefine: ", node->full);
    if (p->nnames == AVRO_NAMES_MAX) return bad("The schema defines too many names", NULL);
    p->names[p->nnames++] = node;
    return NULL;
}

static cd_err_t *parse_record(parser_t *p, const json_t *json, const char *space, avro_node_t *node)
{
    const json_t *fields = json_object_get(json, "fields");
    if (!json_is_array(fields)) return bad("Record has no fields: ", node->full);
    uint32_t n = (uint32_t)json_array_size(fields);
    avro_field_t *out = cd_arena_array(&p->schema->arena, avro_field_t, n);
    json_t *seen = json_object();
    cd_err_t *err = NULL;
    for (uint32_t i = 0; i < n && err == NULL; i++) {
        const json_t *field = json_array_get(fields, i);
        const char *name = json_string_value(json_object_get(field, "name"));
        const json_t *type = json_object_get(field, "type");
        if (name == NULL) {
            err = bad("No field name: ", node->full);
        } else if (type == NULL) {
            err = bad("No field type: ", name);
        } else {
            err = check_name(name);
        }
        if (err == NULL && json_object_get(seen, name) != NULL)
            err = cd_err_new(CD_ERR_DATA, "org.apache.avro.AvroRuntimeException",
                             "Duplicate field %.200s in record %.200s", name, node->full);
        if (err != NULL) break;
        if (json_object_set_new(seen, name, json_true()) != 0) abort();
        out[i] = (avro_field_t){.name = name,
                                .doc = json_string_value(json_object_get(field, "doc")),
                                .dflt = json_object_get(field, "default"),
                                .aliases = json_object_get(field, "aliases")};
        err = parse_node(p, type, space, &out[i].type);
    }
    json_decref(seen);
    node->n = n;
    node->fields = out;
    return err;
}

static cd_err_t *parse_enum(parser_t *p, const json_t *json, avro_node_t *node)
{
    const json_t *symbols = json_object_get(json, "symbols");
    if (!json_is_array(symbols)) return bad("Enum has no symbols: ", node->full);
    uint32_t n = (uint32_t)json_array_size(symbols);
    const char **out = cd_arena_array(&p->schema->arena, const char *, n);
    for (uint32_t i = 0; i < n; i++) {
        out[i] = json_string_value(json_array_get(symbols, i));
        if (out[i] == NULL) return bad("Enum has a symbol that is not a string: ", node->full);
    }
    node->symbols = out;
    node->n = n;
    node->enum_default = json_string_value(json_object_get(json, "default"));
    return NULL;
}

static cd_err_t *parse_object(parser_t *p, const json_t *json, const char *space, const avro_node_t **ret_node)
{
    const json_t *type = json_object_get(json, "type");
    if (json_is_object(type) || json_is_array(type)) return parse_node(p, type, space, ret_node);
    const char *word = json_string_value(type);
    if (word == NULL) return bad("No type in schema", NULL);
    int primitive = primitive_type(word);
    bool record = strcmp(word, "record") == 0 || strcmp(word, "error") == 0;
    bool known = primitive >= 0 || record || strcmp(word, "enum") == 0 || strcmp(word, "fixed") == 0 ||
                 strcmp(word, "array") == 0 || strcmp(word, "map") == 0;
    if (!known) return parse_reference(p, word, space, ret_node);
    avro_node_t *node = cd_arena_new(&p->schema->arena, avro_node_t);
    node->props = json;
    node->doc = json_string_value(json_object_get(json, "doc"));
    *ret_node = node;
    if (primitive >= 0) {
        node->type = (uint8_t)primitive;
        return NULL;
    }
    const char *own_space = space;
    if (strcmp(word, "array") == 0 || strcmp(word, "map") == 0) {
        bool array = word[0] == 'a';
        const json_t *items = json_object_get(json, array ? "items" : "values");
        node->type = array ? AVRO_ARRAY : AVRO_MAP;
        if (items == NULL) return bad(array ? "Array has no items type" : "Map has no values type", NULL);
        return parse_node(p, items, space, &node->items);
    }
    cd_err_t *err = NULL;
    if (record) {
        node->type = AVRO_RECORD;
        err = parse_name(p, json, space, node, &own_space);
        return err != NULL ? err : parse_record(p, json, own_space, node);
    }
    if (strcmp(word, "enum") == 0) {
        node->type = AVRO_ENUM;
        err = parse_name(p, json, space, node, &own_space);
        return err != NULL ? err : parse_enum(p, json, node);
    }
    node->type = AVRO_FIXED;
    err = parse_name(p, json, space, node, &own_space);
    if (err != NULL) return err;
    const json_t *size = json_object_get(json, "size");
    if (!json_is_integer(size) || json_integer_value(size) < 0 || json_integer_value(size) > INT32_MAX)
        return bad("Invalid or no size: ", node->full);
    node->size = (uint32_t)json_integer_value(size);
    return NULL;
}

static cd_err_t *parse_node(parser_t *p, const json_t *json, const char *space, const avro_node_t **ret_node)
{
    if (p->depth == DEPTH_MAX) return bad("The schema is nested too deeply", NULL);
    p->depth++;
    cd_err_t *err = NULL;
    if (json_is_string(json)) {
        err = parse_reference(p, json_string_value(json), space, ret_node);
    } else if (json_is_array(json)) {
        err = parse_union(p, json, space, ret_node);
    } else if (json_is_object(json)) {
        err = parse_object(p, json, space, ret_node);
    } else {
        err = bad("Schema not yet supported", NULL);
    }
    p->depth--;
    return err;
}

static cd_err_t *parse_text(parser_t *p, const char *text)
{
    size_t len = strlen(text);
    if (len > TEXT_MAX) return bad("The schema text is too long", NULL);
    json_t *json = NULL;
    cd_err_t *err = json_parse(text, len, &json);
    if (err != NULL) {
        /* a bare name is legal Avro but not legal JSON */
        cd_err_free(err);
        json = json_string(text);
        if (json == NULL || primitive_type(text) < 0) {
            json_decref(json);
            return bad("The schema is not JSON: ", text);
        }
    }
    p->schema->texts[p->schema->ntexts++] = json;
    return parse_node(p, json, "", &p->schema->root);
}

cd_err_t *avro_schema_parse(const char *text, const char *const *deps, uint32_t ndeps, avro_schema_t **ret_schema)
{
    parser_t *p = mem_new0(parser_t);
    p->schema = mem_new0(avro_schema_t);
    p->schema->texts = mem_alloc0((size_t)ndeps + 1, sizeof(*p->schema->texts));
    cd_err_t *err = NULL;
    for (uint32_t i = 0; i < ndeps && err == NULL; i++) err = parse_text(p, deps[i]);
    if (err == NULL) err = parse_text(p, text);
    if (err == NULL) {
        *ret_schema = p->schema;
    } else {
        avro_schema_free(p->schema);
    }
    free(p);
    return err;
}

void avro_schema_free(avro_schema_t *s)
{
    if (s == NULL) return;
    for (uint32_t i = 0; i < s->ntexts; i++) json_decref(s->texts[i]);
    free(s->texts);
    cd_arena_done(&s->arena);
    free(s);
}
