#include "plugins/converters/avro_encode.h"

#include "runtime/base/mem.h"
#include "runtime/base/str.h"
#include "runtime/data/schema.h"

#define DEPTH_MAX 64u
#define NODES_MAX 65536u

enum enc_op {
    ENC_BOOLEAN,
    ENC_INTEGER, /* int and long are both zig-zag varints */
    ENC_FLOAT,
    ENC_DOUBLE,
    ENC_TEXT, /* string and bytes: length and content */
    ENC_RAW,  /* top-level bytes: content only */
    ENC_FIXED,
    ENC_ENUM,
    ENC_RECORD,
    ENC_ARRAY,
    ENC_MAP, /* also arrays of entry records: key, value, in both cases */
    ENC_UNION,
    ENC_ANYTHING,
    ENC_TIME /* an int that must be a time of the day */
};

typedef struct enc_node enc_node_t;

typedef struct enc_field {
    uint32_t index; /* cell in the struct */
    enc_node_t *node;
} enc_field_t;

struct enc_node {
    uint8_t op, type; /* enum enc_op; enum cd_type the cell must have */
    bool nullable;
    uint8_t null_byte, value_byte; /* zig-zag of the branch index, when nullable */
    uint32_t n;                    /* fields, branches or symbols; size of a fixed */
    uint32_t cells;                /* fields of the Connect struct */
    const enc_field_t *fields;     /* records; unions: field index and branch */
    const uint32_t *branches;      /* unions: branch index of each field */
    enc_node_t *key, *items;
    const char *const *symbols;
    const cd_value_t *dflt; /* written for null */
    const cd_schema_t *schema;
};

typedef struct compiler {
    cd_arena_t *arena;
    const avro_options_t *o;
    uint32_t depth, nodes;
} compiler_t;

/* ---- compiling -------------------------------------------------------------------------------------------------- */

static cd_err_t *mismatch(const cd_schema_t *s, const avro_node_t *node)
{
    return cd_err_new(CD_ERR_DATA, "org.apache.avro.AvroTypeException",
                      "Connect type %s cannot be written as Avro %s; register a schema that fits or set "
                      "auto.register.schemas=true",
                      schema_type_name(s->type), avro_type_name(node->type));
}

static cd_err_t *compile(compiler_t *p, const cd_schema_t *s, const avro_node_t *node, enc_node_t **ret_node);

static cd_err_t *compile_record(compiler_t *p, const cd_schema_t *s, const avro_node_t *node, enc_node_t *n)
{
    if (s->type != CD_STRUCT) return mismatch(s, node);
    enc_field_t *fields = cd_arena_array(p->arena, enc_field_t, node->n);
    n->op = ENC_RECORD;
    n->cells = s->nfields;
    n->n = node->n;
    n->fields = fields;
    strbuf_t name = {0};
    cd_err_t *err = NULL;
    for (uint32_t i = 0; i < node->n && err == NULL; i++) {
        int32_t at = -1;
        for (uint32_t k = 0; k < s->nfields && at < 0; k++) {
            /* usually in the same order: begin where the field would then be */
            uint32_t f = (i + k) % s->nfields;
            strbuf_clear(&name);
            avro_text_name(s->fields[f].name, p->o->scrub, &name);
            if (strcmp(strbuf_str(&name), node->fields[i].name) == 0) at = (int32_t)f;
        }
        if (at < 0) {
            err =
                cd_err_new(CD_ERR_DATA, "org.apache.avro.AvroRuntimeException",
                           "Field %s of the registered schema %s is missing in the record; register a schema that fits "
                           "or set auto.register.schemas=true",
                           node->fields[i].name, node->full);
            break;
        }
        fields[i].index = (uint32_t)at;
        err = compile(p, s->fields[at].schema, node->fields[i].type, &fields[i].node);
    }
    strbuf_done(&name);
    return err;
}

static cd_err_t *compile_map(compiler_t *p, const cd_schema_t *s, const avro_node_t *node, enc_node_t *n)
{
    static const avro_node_t string = {.type = AVRO_STRING};
    bool entries = node->type == AVRO_ARRAY;
    if (s->key_schema == NULL || (!entries && s->key_schema->type != CD_STRING)) return mismatch(s, node);
    n->op = ENC_MAP;
    cd_err_t *err = compile(p, s->key_schema, entries ? node->items->fields[0].type : &string, &n->key);
    if (err != NULL) return err;
    return compile(p, s->value_schema, entries ? node->items->fields[1].type : node->items, &n->items);
}

/** A struct that stands for a union: each field is written as the branch it was made of. */
static cd_err_t *compile_union(compiler_t *p, const cd_schema_t *s, const avro_node_t *node, enc_node_t *n)
{
    enc_field_t *fields = cd_arena_array(p->arena, enc_field_t, s->nfields);
    uint32_t *branches = cd_arena_array(p->arena, uint32_t, s->nfields);
    n->op = ENC_UNION;
    n->cells = n->n = s->nfields;
    n->fields = fields;
    n->branches = branches;
    uint32_t branch = 0;
    for (uint32_t i = 0; i < s->nfields; i++) {
        while (branch < node->n && node->branches[branch]->type == AVRO_NULL) branch++;
        if (branch == node->n) return mismatch(s, node);
        enc_node_t *made = NULL;
        cd_err_t *err = compile(p, s->fields[i].schema, node->branches[branch], &made);
        if (err != NULL) return err;
        fields[i] = (enc_field_t){.index = i, .node = made};
        branches[i] = branch++;
    }
    return NULL;
}

static const char *const *copy_symbols(const avro_node_t *node, cd_arena_t *arena)
{
    const char **out = cd_arena_array(arena, const char *, node->n);
    for (uint32_t i = 0; i < node->n; i++) out[i] = cd_arena_strdup(arena, node->symbols[i]);
    return out;
}

static cd_err_t *compile_scalar(compiler_t *p, const cd_schema_t *s, const avro_node_t *node, enc_node_t *n)
{
    bool ok = false;
    switch (node->type) {
    case AVRO_BOOLEAN:
        n->op = ENC_BOOLEAN;
        ok = s->type == CD_BOOLEAN;
        break;
    case AVRO_INT:
        n->op = s->logical == CD_LOGICAL_TIME ? ENC_TIME : ENC_INTEGER;
        ok = s->type == CD_INT8 || s->type == CD_INT16 || s->type == CD_INT32;
        break;
    case AVRO_LONG:
        n->op = ENC_INTEGER;
        ok = s->type == CD_INT8 || s->type == CD_INT16 || s->type == CD_INT32 || s->type == CD_INT64;
        break;
    case AVRO_FLOAT:
        n->op = ENC_FLOAT;
        ok = s->type == CD_FLOAT32;
        break;
    case AVRO_DOUBLE:
        n->op = ENC_DOUBLE;
        ok = s->type == CD_FLOAT32 || s->type == CD_FLOAT64;
        break;
    case AVRO_STRING:
        n->op = ENC_TEXT;
        ok = s->type == CD_STRING;
        break;
    case AVRO_BYTES:
        n->op = ENC_TEXT;
        ok = s->type == CD_BYTES;
        break;
    case AVRO_FIXED:
        n->op = ENC_FIXED;
        n->n = node->size;
        ok = s->type == CD_BYTES;
        break;
    case AVRO_ENUM:
        n->op = ENC_ENUM;
        n->n = node->n;
        n->symbols = copy_symbols(node, p->arena);
        ok = s->type == CD_STRING;
        break;
    default:
        break;
    }
    return ok ? NULL : mismatch(s, node);
}

static cd_err_t *compile_base(compiler_t *p, const cd_schema_t *s, const avro_node_t *node, enc_node_t *n)
{
    switch (node->type) {
    case AVRO_RECORD:
        return compile_record(p, s, node, n);
    case AVRO_MAP:
        return s->type == CD_MAP ? compile_map(p, s, node, n) : mismatch(s, node);
    case AVRO_ARRAY:
        if (s->type == CD_MAP && avro_is_entry_array(node)) return compile_map(p, s, node, n);
        if (s->type == CD_MAP && node->items->type == AVRO_RECORD && node->items->n == 2)
            return compile_map(p, s, node, n);
        if (s->type != CD_ARRAY) return mismatch(s, node);
        n->op = ENC_ARRAY;
        return compile(p, s->value_schema, node->items, &n->items);
    case AVRO_UNION:
        return s->type == CD_STRUCT ? compile_union(p, s, node, n) : mismatch(s, node);
    default:
        return compile_scalar(p, s, node, n);
    }
}

static cd_err_t *compile(compiler_t *p, const cd_schema_t *s, const avro_node_t *node, enc_node_t **ret_node)
{
    if (p->depth == DEPTH_MAX || ++p->nodes > NODES_MAX)
        return cd_err_new(CD_ERR_DATA, CD_JVM_DATA, "The schema is recursive or nested too deeply");
    p->depth++;
    enc_node_t *n = cd_arena_new(p->arena, enc_node_t);
    *ret_node = n;
    cd_err_t *err = NULL;
    if (s == NULL) {
        n->op = ENC_ANYTHING;
        n->nullable = false;
        if (node->full == NULL || strcmp(node->full, AVRO_ANYTHING) != 0)
            err = cd_err_new(CD_ERR_DATA, CD_JVM_DATA, "Schemaless data cannot be written with the registered schema");
        goto out;
    }
    n->type = s->type;
    n->schema = s;
    n->dflt = p->o->ignore_default ? NULL : s->dflt;
    if (node->type == AVRO_UNION && !avro_is_union_schema(s)) {
        int null_branch = avro_null_branch(node);
        if (null_branch < 0) {
            err = mismatch(s, node);
            goto out;
        }
        n->nullable = true;
        n->null_byte = (uint8_t)(2 * null_branch);
        n->value_byte = (uint8_t)(2 * (1 - null_branch));
        node = node->branches[1 - null_branch];
    } else if (node->type == AVRO_UNION) {
        for (uint32_t i = 0; i < node->n; i++) {
            if (node->branches[i]->type != AVRO_NULL || i > 63) continue;
            n->nullable = true;
            n->null_byte = (uint8_t)(2 * i);
        }
    }
    err = compile_base(p, s, node, n);
out:
    p->depth--;
    return err;
}

cd_err_t *avro_enc_new(const cd_schema_t *schema, const avro_node_t *node, const avro_options_t *options,
                       cd_arena_t *arena, const avro_enc_t **ret_plan)
{
    compiler_t p = {.o = options, .arena = arena};
    enc_node_t *root = NULL;
    cd_err_t *err = compile(&p, schema, node, &root);
    if (err != NULL) return err;
    if (node->type == AVRO_BYTES) root->op = ENC_RAW;
    *ret_plan = root;
    return NULL;
}

/* ---- running ---------------------------------------------------------------------------------------------------- */

void avro_out_done(avro_out_t *out)
{
    free(out->base);
    *out = (avro_out_t){0};
}

void avro_out_grow(avro_out_t *out, size_t n)
{
    size_t used = (size_t)(out->cur - out->base), cap = (size_t)(out->end - out->base);
    if (cap - used >= n) return;
    cap = (cap + n) * 2;
    if (cap < 4096) cap = 4096;
    out->base = mem_realloc_array(out->base, cap, 1);
    out->cur = out->base + used;
    out->end = out->base + cap;
}

/** Room for one scalar with a branch byte before it. */
#define SCALAR_MAX 16

static inline void room(avro_out_t *out, size_t n)
{
    if (CD_UNLIKELY((size_t)(out->end - out->cur) < n)) avro_out_grow(out, n);
}

/** A zig-zag varint; the caller made room. */
static inline void put_long(avro_out_t *out, int64_t v)
{
    uint64_t z = ((uint64_t)v << 1) ^ (uint64_t)(v >> 63);
    uint8_t *p = out->cur;
    while (z >= 0x80) {
        *p++ = (uint8_t)(z | 0x80);
        z >>= 7;
    }
    *p++ = (uint8_t)z;
    out->cur = p;
}

static inline void put_text(avro_out_t *out, const cd_value_t *v)
{
    room(out, (size_t)v->len + SCALAR_MAX);
    put_long(out, (int64_t)v->len);
    if (v->len > 0) memcpy(out->cur, v->bytes, v->len); /* an empty value may have no pointer */
    out->cur += v->len;
}

static cd_err_t *wrong_value(const enc_node_t *n, const cd_value_t *v)
{
    if (v->type == CD_NULL) return cd_err_new(CD_ERR_DATA, CD_JVM_DATA, "Found null value for non-optional schema");
    return cd_err_new(CD_ERR_DATA, CD_JVM_DATA, "Invalid type for %s: %s", schema_type_name(n->type),
                      avro_java_class(v));
}

static cd_err_t *put_anything(avro_out_t *out, const cd_value_t *v, uint32_t depth);

/** The field of the record "Anything" that holds a value of each type; its branch is 1, all others are 0. */
static cd_err_t *put_anything(avro_out_t *out, const cd_value_t *v, uint32_t depth)
{
    enum { FIELDS = 9 };
    static const uint8_t slots[] = {
        [CD_NULL] = FIELDS, [CD_INT8] = 4,    [CD_INT16] = 4,  [CD_INT32] = 4, [CD_INT64] = 5, [CD_FLOAT32] = 3,
        [CD_FLOAT64] = 2,   [CD_BOOLEAN] = 0, [CD_STRING] = 6, [CD_BYTES] = 1, [CD_ARRAY] = 7, [CD_MAP] = 8};
    if (v->type >= sizeof(slots) || v->type == CD_BYTES)
        return cd_err_new(CD_ERR_DATA, CD_JVM_DATA, "Unknown Java type for schemaless data: %s", avro_java_class(v));
    if (depth > DEPTH_MAX) return cd_err_new(CD_ERR_DATA, CD_JVM_DATA, "Schemaless data is nested too deeply");
    uint32_t slot = slots[v->type];
    room(out, FIELDS + SCALAR_MAX);
    for (uint32_t i = 0; i < slot && i < FIELDS; i++) *out->cur++ = 0;
    if (slot == FIELDS) return NULL;
    *out->cur++ = 2;
    cd_err_t *err = NULL;
    switch (v->type) {
    case CD_BOOLEAN:
        *out->cur++ = v->boolean ? 1 : 0;
        break;
    case CD_FLOAT32:
        memcpy(out->cur, &v->f32, sizeof(v->f32));
        out->cur += sizeof(v->f32);
        break;
    case CD_FLOAT64:
        memcpy(out->cur, &v->f64, sizeof(v->f64));
        out->cur += sizeof(v->f64);
        break;
    case CD_STRING:
        put_text(out, v);
        break;
    case CD_ARRAY:
    case CD_MAP: {
        uint32_t cells = v->type == CD_MAP ? 2 * v->len : v->len;
        if (v->len > 0) put_long(out, (int64_t)v->len);
        for (uint32_t i = 0; i < cells && err == NULL; i++) err = put_anything(out, &v->items[i], depth + 1);
        if (err != NULL) return err;
        room(out, FIELDS + 1);
        *out->cur++ = 0;
        break;
    }
    default:
        put_long(out, v->i64);
    }
    room(out, FIELDS);
    for (uint32_t i = slot + 1; i < FIELDS; i++) *out->cur++ = 0;
    return NULL;
}

static cd_err_t *put_fixed(const enc_node_t *n, const cd_value_t *v, avro_out_t *out)
{
    if (v->len > n->n)
        return cd_err_new(CD_ERR_DATA, CD_JVM_DATA, "A value of %u bytes does not fit into the fixed type of %u bytes",
                          v->len, n->n);
    bool decimal = n->schema->logical == CD_LOGICAL_DECIMAL;
    if (v->len < n->n && !decimal)
        return cd_err_new(CD_ERR_DATA, CD_JVM_DATA, "A value of %u bytes is too short for the fixed type of %u bytes",
                          v->len, n->n);
    room(out, n->n);
    uint32_t pad = n->n - v->len;
    memset(out->cur, v->len > 0 && (v->bytes[0] & 0x80) != 0 ? 0xFF : 0, pad);
    if (v->len > 0) memcpy(out->cur + pad, v->bytes, v->len);
    out->cur += n->n;
    return NULL;
}

static cd_err_t *put_enum(const enc_node_t *n, const cd_value_t *v, avro_out_t *out)
{
    for (uint32_t i = 0; i < n->n; i++) {
        if (!cd_v_is_str(v, n->symbols[i])) continue;
        room(out, SCALAR_MAX);
        put_long(out, (int64_t)i);
        return NULL;
    }
    return cd_err_new(CD_ERR_DATA, "org.apache.avro.AvroTypeException", "%.*s is not a symbol of the enum",
                      v->len > 100 ? 100 : (int)v->len, v->str);
}

static cd_err_t *put_union(const enc_node_t *n, const cd_value_t *v, avro_out_t *out);

static cd_err_t *put(const enc_node_t *n, const cd_value_t *v, avro_out_t *out)
{
    if (v->type != n->type) {
        if (n->op == ENC_ANYTHING) return put_anything(out, v, 0);
        if (v->type == CD_NULL && n->dflt != NULL) v = n->dflt;
        if (v->type == CD_NULL && n->nullable) {
            room(out, 1);
            *out->cur++ = n->null_byte;
            return NULL;
        }
        if (v->type != n->type) return wrong_value(n, v);
    }
    room(out, SCALAR_MAX);
    if (n->nullable && n->op != ENC_UNION) *out->cur++ = n->value_byte;
    switch ((enum enc_op)n->op) {
    case ENC_BOOLEAN:
        *out->cur++ = v->boolean ? 1 : 0;
        return NULL;
    case ENC_TIME:
        if (v->i64 < 0 || v->i64 > 86400000)
            return cd_err_new(CD_ERR_DATA, CD_JVM_DATA,
                              "Kafka Connect Time type should not have any date fields set to non-zero values.");
        put_long(out, v->i64);
        return NULL;
    case ENC_INTEGER:
        put_long(out, v->i64);
        return NULL;
    case ENC_FLOAT:
        memcpy(out->cur, &v->f32, sizeof(v->f32));
        out->cur += sizeof(v->f32);
        return NULL;
    case ENC_DOUBLE: {
        double d = v->type == CD_FLOAT32 ? (double)v->f32 : v->f64;
        memcpy(out->cur, &d, sizeof(d));
        out->cur += sizeof(d);
        return NULL;
    }
    case ENC_TEXT:
        put_text(out, v);
        return NULL;
    case ENC_RAW:
        room(out, v->len);
        if (v->len > 0) memcpy(out->cur, v->bytes, v->len);
        out->cur += v->len;
        return NULL;
    case ENC_FIXED:
        return put_fixed(n, v, out);
    case ENC_ENUM:
        return put_enum(n, v, out);
    case ENC_RECORD: {
        if (v->len != n->cells) return cd_err_new(CD_ERR_DATA, CD_JVM_DATA, "Mismatching struct schema");
        const enc_field_t *f = n->fields, *end = f + n->n;
        const cd_value_t *cells = v->items;
        for (; f < end; f++) {
            cd_err_t *err = put(f->node, &cells[f->index], out);
            if (CD_UNLIKELY(err != NULL)) return err;
        }
        return NULL;
    }
    case ENC_ARRAY:
    case ENC_MAP: {
        if (v->len > 0) put_long(out, (int64_t)v->len);
        for (uint32_t i = 0; i < v->len; i++) {
            cd_err_t *err = n->op == ENC_ARRAY ? put(n->items, &v->items[i], out) : put(n->key, &v->items[2 * i], out);
            if (err == NULL && n->op == ENC_MAP) err = put(n->items, &v->items[2 * i + 1], out);
            if (CD_UNLIKELY(err != NULL)) return err;
        }
        room(out, 1);
        *out->cur++ = 0;
        return NULL;
    }
    case ENC_UNION:
        return put_union(n, v, out);
    case ENC_ANYTHING:
        return put_anything(out, v, 0);
    }
    return NULL;
}

static cd_err_t *put_union(const enc_node_t *n, const cd_value_t *v, avro_out_t *out)
{
    if (v->len != n->cells) return cd_err_new(CD_ERR_DATA, CD_JVM_DATA, "Mismatching struct schema");
    for (uint32_t i = 0; i < n->n; i++) {
        const cd_value_t *cell = &v->items[i];
        if (cell->type == CD_NULL) continue;
        put_long(out, (int64_t)n->branches[i]);
        return put(n->fields[i].node, cell, out);
    }
    return cd_err_new(CD_ERR_DATA, CD_JVM_DATA, "Union struct has no field with a value");
}

cd_err_t *avro_encode(const avro_enc_t *plan, const cd_value_t *value, avro_out_t *out)
{
    return put(plan, value, out);
}
