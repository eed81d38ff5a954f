#include "plugins/converters/avro_decode.h"

#include "plugins/converters/avro_resolve.h"
#include "runtime/base/str.h"
#include "runtime/data/schema.h"

#define DEPTH_MAX 64u
#define NODES_MAX 65536u
#define EMPTY_MAX 65536u /* elements that take no bytes, per datum */

enum dec_op {
    DEC_NULL,
    DEC_BOOLEAN,
    DEC_INT,
    DEC_INT16,
    DEC_INT8,
    DEC_LONG,
    DEC_FLOAT,
    DEC_DOUBLE,
    DEC_STRING,
    DEC_BYTES,
    DEC_RAW, /* top-level bytes: all that is left */
    DEC_FIXED,
    DEC_ENUM,
    DEC_RECORD,
    DEC_ARRAY,
    DEC_MAP,     /* string keys */
    DEC_ENTRIES, /* an array of key/value records */
    DEC_UNION,
    DEC_WRAP, /* a branch of a union of several types: a struct with this one field set */
    DEC_ANYTHING,
    DEC_TIME,
    DEC_LONG_AS_FLOAT, /* promotions of a reader schema that is wider */
    DEC_LONG_AS_DOUBLE,
    DEC_FLOAT_AS_DOUBLE,
    DEC_IMPOSSIBLE /* the writer's branch has no place in the reader's schema */
};

typedef struct dec_node dec_node_t;

typedef struct dec_field {
    const dec_node_t *node;
    int32_t cell; /* -1: parsed and forgotten */
} dec_field_t;

typedef struct dec_default {
    uint32_t cell;
    cd_value_t value;
} dec_default_t;

struct dec_node {
    uint8_t op, type; /* enum dec_op; enum cd_type of the cell */
    bool sparse;      /* records: some cells are not written by any field */
    uint32_t n;       /* fields, branches, symbols; size of a fixed; the cell of a WRAP */
    uint32_t cells;   /* cells of the struct */
    uint32_t min;     /* least number of bytes this takes, capped at 1 */
    const dec_field_t *fields;
    const dec_node_t *const *branches;
    const dec_node_t *key, *items;
    const cd_value_t *symbols;
    uint32_t ndefaults;
    const dec_default_t *defaults;
};

typedef struct compiler {
    const avro_options_t *o;
    cd_arena_t *arena;
    const cd_needed_t *needed;
    uint32_t depth, nodes;
} compiler_t;

/* ---- compiling -------------------------------------------------------------------------------------------------- */

static cd_err_t *compile(compiler_t *c, const avro_node_t *w, const avro_node_t *r, const cd_schema_t *s,
                         const dec_node_t **ret_node);

static bool same_kind(const avro_node_t *w, const avro_node_t *r)
{
    if (w->type != r->type) return false;
    return w->full == NULL || strcmp(w->full, r->full) == 0;
}

static cd_err_t *compile_record(compiler_t *c, const avro_node_t *w, const avro_node_t *r, const cd_schema_t *s,
                                dec_node_t *n)
{
    bool top = c->depth == 1;
    dec_field_t *fields = cd_arena_array(c->arena, dec_field_t, w->n);
    dec_default_t *defaults = r != NULL && r != w ? cd_arena_array(c->arena, dec_default_t, r->n) : NULL;
    for (uint32_t i = 0; i < w->n; i++) fields[i] = (dec_field_t){.cell = -1};
    n->op = DEC_RECORD;
    n->type = CD_STRUCT;
    n->n = w->n;
    n->fields = fields;
    n->cells = r != NULL ? r->n : 0;
    for (uint32_t i = 0; r != NULL && i < r->n; i++) {
        const avro_field_t *from = r == w ? &w->fields[i] : avro_writer_field(w, &r->fields[i]);
        const cd_schema_t *type = s->fields[i].schema;
        if (from == NULL) {
            if (defaults == NULL) abort(); /* only a reader of its own can have fields that the writer lacks */
            cd_value_t *value = &defaults[n->ndefaults].value;
            const json_t *dflt = r->fields[i].dflt;
            const avro_node_t *first = r->fields[i].type;
            if (dflt == NULL || !avro_default_value(first, type, dflt, c->arena, value))
                return cd_err_new(CD_ERR_DATA, "org.apache.avro.AvroTypeException",
                                  "Found %s, expecting %s, missing required field %s", w->full, r->full,
                                  r->fields[i].name);
            defaults[n->ndefaults++].cell = i;
            continue;
        }
        dec_field_t *field = &fields[from - w->fields];
        if (top && c->needed != NULL && !c->needed->field(c->needed, s, i)) {
            n->sparse = true;
            continue;
        }
        field->cell = (int32_t)i;
        cd_err_t *err = compile(c, from->type, r->fields[i].type, type, &field->node);
        if (err != NULL) return err;
    }
    n->defaults = defaults;
    for (uint32_t i = 0; i < w->n; i++) {
        if (fields[i].node == NULL) {
            cd_err_t *err = compile(c, w->fields[i].type, NULL, NULL, &fields[i].node);
            if (err != NULL) return err;
        }
        n->min |= fields[i].node->min;
    }
    return NULL;
}

static cd_err_t *compile_enum(compiler_t *c, const avro_node_t *w, dec_node_t *n)
{
    cd_value_t *symbols = cd_arena_array(c->arena, cd_value_t, w->n);
    for (uint32_t i = 0; i < w->n; i++) symbols[i] = cd_v_str(cd_arena_strdup(c->arena, w->symbols[i]));
    n->op = DEC_ENUM;
    n->type = CD_STRING;
    n->n = w->n;
    n->symbols = symbols;
    return NULL;
}

static uint8_t integer_op(const avro_node_t *w, const cd_schema_t *s)
{
    if (s == NULL) return DEC_LONG; /* only skipped */
    switch (s->type) {
    case CD_INT8:
        return DEC_INT8;
    case CD_INT16:
        return DEC_INT16;
    case CD_FLOAT32:
        return DEC_LONG_AS_FLOAT;
    case CD_FLOAT64:
        return DEC_LONG_AS_DOUBLE;
    default:
        if (s->logical == CD_LOGICAL_TIME) return DEC_TIME;
        return w->type == AVRO_INT ? DEC_INT : DEC_LONG;
    }
}

static cd_err_t *compile_array(compiler_t *c, const avro_node_t *w, const avro_node_t *r, const cd_schema_t *s,
                               dec_node_t *n)
{
    if (r != NULL && s->type == CD_MAP) {
        /* the entry's two fields, by position: the reader made a map of exactly this shape */
        if (!avro_is_entry_array(w))
            return cd_err_new(CD_ERR_DATA, "org.apache.avro.AvroTypeException", "Found array, expecting map entries");
        n->op = DEC_ENTRIES;
        n->type = CD_MAP;
        cd_err_t *err = compile(c, w->items->fields[0].type, r->items->fields[0].type, s->key_schema, &n->key);
        if (err != NULL) return err;
        return compile(c, w->items->fields[1].type, r->items->fields[1].type, s->value_schema, &n->items);
    }
    n->op = DEC_ARRAY;
    n->type = CD_ARRAY;
    return compile(c, w->items, r != NULL ? r->items : NULL, s != NULL ? s->value_schema : NULL, &n->items);
}

/** Neither schema is a union here; r and s are NULL for data that is only skipped. */
static cd_err_t *compile_plain(compiler_t *c, const avro_node_t *w, const avro_node_t *r, const cd_schema_t *s,
                               dec_node_t *n)
{
    if (r != NULL && s == NULL) {
        n->op = DEC_ANYTHING;
        n->min = 1;
        if (w->full == NULL || strcmp(w->full, AVRO_ANYTHING) != 0) n->op = DEC_IMPOSSIBLE;
        return NULL;
    }
    if (r != NULL && w->type != r->type && !avro_promotable(w->type, r->type)) {
        n->op = DEC_IMPOSSIBLE;
        return NULL;
    }
    n->min = 1;
    n->type = s != NULL ? s->type : CD_NULL;
    switch (w->type) {
    case AVRO_NULL:
        n->op = DEC_NULL;
        n->min = 0;
        return NULL;
    case AVRO_BOOLEAN:
        n->op = DEC_BOOLEAN;
        return NULL;
    case AVRO_INT:
    case AVRO_LONG:
        n->op = integer_op(w, s);
        return NULL;
    case AVRO_FLOAT:
        n->op = s != NULL && s->type == CD_FLOAT64 ? DEC_FLOAT_AS_DOUBLE : DEC_FLOAT;
        return NULL;
    case AVRO_DOUBLE:
        n->op = DEC_DOUBLE;
        return NULL;
    case AVRO_STRING:
    case AVRO_BYTES:
        n->op = s != NULL && s->type == CD_STRING ? DEC_STRING : DEC_BYTES;
        return NULL;
    case AVRO_FIXED:
        n->op = DEC_FIXED;
        n->n = w->size;
        n->min = w->size > 0 ? 1 : 0;
        return NULL;
    case AVRO_ENUM:
        return compile_enum(c, w, n);
    case AVRO_RECORD:
        n->min = 0;
        return compile_record(c, w, r, s, n);
    case AVRO_ARRAY:
        return compile_array(c, w, r, s, n);
    case AVRO_MAP:
        n->op = DEC_MAP;
        n->type = CD_MAP;
        return compile(c, w->items, r != NULL ? r->items : NULL, s != NULL ? s->value_schema : NULL, &n->items);
    default:
        n->op = DEC_IMPOSSIBLE;
        return NULL;
    }
}

/** The branch of a union that takes a type: the same one, else one that is wider; NULL when there is none. */
static const avro_node_t *find_branch(const avro_node_t *w, const avro_node_t *r)
{
    const avro_node_t *wider = NULL;
    for (uint32_t i = 0; i < r->n; i++) {
        const avro_node_t *b = r->branches[i];
        if (same_kind(w, b)) return b;
        if (wider == NULL && avro_promotable(w->type, b->type)) wider = b;
    }
    return wider;
}

/** The writer's type (not a union) into a reader that is a union. */
static cd_err_t *compile_into_union(compiler_t *c, const avro_node_t *w, const avro_node_t *r, const cd_schema_t *s,
                                    dec_node_t *n)
{
    int null_branch = avro_null_branch(r);
    if (w->type == AVRO_NULL) {
        bool allowed = false;
        for (uint32_t i = 0; i < r->n; i++) allowed = allowed || r->branches[i]->type == AVRO_NULL;
        n->op = allowed ? DEC_NULL : DEC_IMPOSSIBLE;
        return NULL;
    }
    if (null_branch >= 0) return compile_plain(c, w, r->branches[1 - null_branch], s, n);
    if (s == NULL || !avro_is_union_schema(s)) { /* a union of one type that was flattened */
        if (r->n == 1) return compile_plain(c, w, r->branches[0], s, n);
        n->op = DEC_IMPOSSIBLE;
        return NULL;
    }
    const avro_node_t *found = find_branch(w, r);
    int32_t field = found != NULL ? cd_schema_field(s, avro_branch_name(found, c->o)) : -1;
    if (field < 0) {
        n->op = DEC_IMPOSSIBLE;
        return NULL;
    }
    n->op = DEC_WRAP;
    n->type = CD_STRUCT;
    n->n = (uint32_t)field;
    n->cells = s->nfields;
    n->min = 1;
    return compile(c, w, found, s->fields[field].schema, &n->items);
}

static cd_err_t *compile(compiler_t *c, const avro_node_t *w, const avro_node_t *r, const cd_schema_t *s,
                         const dec_node_t **ret_node)
{
    if (c->depth == DEPTH_MAX || ++c->nodes > NODES_MAX)
        return cd_err_new(CD_ERR_DATA, CD_JVM_DATA,
                          "The Avro schema is recursive or nested too deeply for Kafka Connect");
    c->depth++;
    dec_node_t *n = cd_arena_new(c->arena, dec_node_t);
    cd_err_t *err = NULL;
    *ret_node = n;
    if (w->type == AVRO_UNION) {
        const dec_node_t **branches = cd_arena_array(c->arena, const dec_node_t *, w->n);
        n->op = DEC_UNION;
        n->n = w->n;
        n->min = 1;
        n->branches = branches;
        for (uint32_t i = 0; i < w->n && err == NULL; i++) err = compile(c, w->branches[i], r, s, &branches[i]);
    } else if (r != NULL && r->type == AVRO_UNION) {
        err = compile_into_union(c, w, r, s, n);
    } else {
        err = compile_plain(c, w, r, s, n);
    }
    c->depth--;
    return err;
}

cd_err_t *avro_dec_new(const avro_node_t *writer, const avro_node_t *reader, const cd_schema_t *schema,
                       const avro_options_t *options, const cd_needed_t *needed, cd_arena_t *arena,
                       const avro_dec_t **ret_plan)
{
    compiler_t c = {.o = options, .arena = arena, .needed = needed};
    dec_node_t *root = NULL;
    cd_err_t *err = compile(&c, writer, reader, schema, (const dec_node_t **)&root);
    if (err == NULL && writer->type == AVRO_BYTES && root->op == DEC_BYTES) root->op = DEC_RAW;
    if (err == NULL) *ret_plan = root;
    return err;
}

/* ---- running ---------------------------------------------------------------------------------------------------- */

enum dec_failure {
    FAIL_NONE = 0,
    FAIL_END,
    FAIL_VARINT,
    FAIL_LENGTH,
    FAIL_BRANCH,
    FAIL_SYMBOL,
    FAIL_TIME,
    FAIL_TYPE,
    FAIL_EMPTY,
    FAIL_DEPTH
};

typedef struct input {
    const uint8_t *p, *end;
    cd_arena_t *arena;
    uint32_t failure; /* enum dec_failure */
    uint32_t empty;   /* elements without bytes so far */
} input_t;

static bool fail(input_t *in, uint32_t failure)
{
    in->failure = failure;
    return false;
}

static bool get_long_slow(input_t *in, int64_t *ret_v)
{
    uint64_t z = 0;
    const uint8_t *p = in->p;
    for (unsigned shift = 0; shift < 70; shift += 7) {
        if (p == in->end) return fail(in, FAIL_END);
        uint8_t b = *p++;
        if (shift == 63 && b > 1) return fail(in, FAIL_VARINT);
        z |= (uint64_t)(b & 0x7F) << shift;
        if (b < 0x80) {
            in->p = p;
            *ret_v = (int64_t)(z >> 1) ^ -(int64_t)(z & 1);
            return true;
        }
    }
    return fail(in, FAIL_VARINT);
}

static inline bool get_long(input_t *in, int64_t *ret_v)
{
    if (CD_LIKELY(in->p < in->end && *in->p < 0x80)) {
        uint32_t z = *in->p++;
        *ret_v = (int64_t)(z >> 1) ^ -(int64_t)(z & 1);
        return true;
    }
    return get_long_slow(in, ret_v);
}

static inline bool get_int(input_t *in, int64_t *ret_v)
{
    if (!get_long(in, ret_v)) return false;
    return *ret_v >= INT32_MIN && *ret_v <= INT32_MAX ? true : fail(in, FAIL_VARINT);
}

static inline bool get_slice(input_t *in, const uint8_t **ret_p, uint32_t *ret_len)
{
    int64_t len = 0;
    if (!get_long(in, &len)) return false;
    if (CD_UNLIKELY(len < 0)) return fail(in, FAIL_LENGTH);
    if (CD_UNLIKELY(len > in->end - in->p)) return fail(in, FAIL_END);
    *ret_p = in->p;
    *ret_len = (uint32_t)len;
    in->p += len;
    return true;
}

static inline bool is_ascii(const uint8_t *p, uint32_t n)
{
    uint64_t word = 0;
    while (n >= 8) {
        memcpy(&word, p, 8);
        if ((word & UINT64_C(0x8080808080808080)) != 0) return false;
        p += 8;
        n -= 8;
    }
    uint8_t seen = 0;
    while (n-- > 0) seen |= *p++;
    return (seen & 0x80) == 0;
}

/** Java decodes strings leniently: what is not UTF-8 becomes U+FFFD. */
static void repair_utf8(input_t *in, cd_value_t *v)
{
    const char *p = v->str, *end = p + v->len;
    char *out = (char *)cd_arena_alloc(in->arena, (size_t)v->len * 3), *o = out;
    while (p < end) {
        const char *start = p;
        uint32_t c = str_utf8_next(&p, end);
        if (c == 0xFFFD) {
            *o++ = (char)0xEF;
            *o++ = (char)0xBF;
            *o++ = (char)0xBD;
        } else {
            memcpy(o, start, (size_t)(p - start));
            o += p - start;
        }
    }
    *v = cd_v_strn(out, (size_t)(o - out));
}

static inline bool get_string(input_t *in, cd_value_t *v)
{
    const uint8_t *p = NULL;
    uint32_t len = 0;
    if (!get_slice(in, &p, &len)) return false;
    *v = cd_v_strn((const char *)p, len);
    if (CD_UNLIKELY(!is_ascii(p, len)) && !str_utf8_valid(v->str, len)) repair_utf8(in, v);
    return true;
}

/** The header of a block; count 0 ends the list. @param min  bytes that each element takes at least (0 or 1)
 *  @param ret_bytes  size of the block when the writer gave it, else -1 */
static bool get_block(input_t *in, uint32_t min, uint32_t *ret_count, int64_t *ret_bytes)
{
    int64_t count = 0;
    *ret_bytes = -1;
    if (!get_long(in, &count)) return false;
    if (count < 0) {
        if (count < -INT32_MAX || !get_long(in, ret_bytes))
            return fail(in, in->failure != 0 ? in->failure : FAIL_LENGTH);
        if (*ret_bytes < 0) return fail(in, FAIL_LENGTH);
        if (*ret_bytes > in->end - in->p) return fail(in, FAIL_END);
        count = -count;
    }
    if (count > INT32_MAX) return fail(in, FAIL_END);
    if (min == 0) {
        if (count > (int64_t)(EMPTY_MAX - in->empty)) return fail(in, FAIL_EMPTY);
        in->empty += (uint32_t)count;
    } else if (count > in->end - in->p) {
        return fail(in, FAIL_END);
    }
    *ret_count = (uint32_t)count;
    return true;
}

static bool skip(input_t *in, const dec_node_t *n);
static bool get(input_t *in, const dec_node_t *n, cd_value_t *v);

static bool skip_bytes(input_t *in, size_t n)
{
    if (n > (size_t)(in->end - in->p)) return fail(in, FAIL_END);
    in->p += n;
    return true;
}

static bool skip_blocks(input_t *in, const dec_node_t *n)
{
    for (;;) {
        uint32_t count = 0;
        int64_t bytes = 0;
        if (!get_block(in, n->op == DEC_ARRAY ? n->items->min : 1, &count, &bytes)) return false;
        if (count == 0) return true;
        if (bytes >= 0) {
            in->p += bytes;
            continue;
        }
        for (uint32_t i = 0; i < count; i++) {
            const uint8_t *p = NULL;
            uint32_t len = 0;
            if (n->op == DEC_MAP && !get_slice(in, &p, &len)) return false;
            if (n->op == DEC_ENTRIES && !skip(in, n->key)) return false;
            if (!skip(in, n->items)) return false;
        }
    }
}

static bool skip(input_t *in, const dec_node_t *n)
{
    int64_t v = 0;
    const uint8_t *p = NULL;
    uint32_t len = 0;
    switch ((enum dec_op)n->op) {
    case DEC_NULL:
        return true;
    case DEC_BOOLEAN:
        return skip_bytes(in, 1);
    case DEC_FLOAT:
    case DEC_FLOAT_AS_DOUBLE:
        return skip_bytes(in, 4);
    case DEC_DOUBLE:
        return skip_bytes(in, 8);
    case DEC_STRING:
    case DEC_BYTES:
        return get_slice(in, &p, &len);
    case DEC_FIXED:
        return skip_bytes(in, n->n);
    case DEC_ENUM:
        if (!get_int(in, &v)) return false;
        return v >= 0 && v < (int64_t)n->n ? true : fail(in, FAIL_SYMBOL);
    case DEC_RECORD:
        for (uint32_t i = 0; i < n->n; i++)
            if (!skip(in, n->fields[i].node)) return false;
        return true;
    case DEC_ARRAY:
    case DEC_MAP:
    case DEC_ENTRIES:
        return skip_blocks(in, n);
    case DEC_UNION:
        if (!get_int(in, &v)) return false;
        return v >= 0 && v < (int64_t)n->n ? skip(in, n->branches[v]) : fail(in, FAIL_BRANCH);
    case DEC_WRAP:
        return skip(in, n->items);
    case DEC_RAW:
        in->p = in->end;
        return true;
    case DEC_ANYTHING:
    case DEC_IMPOSSIBLE:
        return fail(in, FAIL_TYPE);
    default:
        return get_long(in, &v);
    }
}

/** get() for the types that rows are mostly made of, without its call. */
static inline bool get_cell(input_t *in, const dec_node_t *n, cd_value_t *v)
{
    int64_t i = 0;
    if (n->op == DEC_UNION) {
        if (!get_long(in, &i)) return false;
        if (CD_UNLIKELY((uint64_t)i >= n->n)) return fail(in, FAIL_BRANCH);
        n = n->branches[i];
    }
    switch (n->op) {
    case DEC_NULL:
        *v = CD_V_NULL;
        return true;
    case DEC_STRING:
        return get_string(in, v);
    case DEC_LONG:
        if (!get_long(in, &i)) return false;
        *v = cd_v_int(n->type, i);
        return true;
    case DEC_INT:
        if (!get_int(in, &i)) return false;
        *v = cd_v_int(n->type, i);
        return true;
    default:
        return get(in, n, v);
    }
}

static bool get_record(input_t *in, const dec_node_t *n, cd_value_t *v)
{
    cd_value_t *cells = cd_arena_array(in->arena, cd_value_t, n->cells);
    if (n->sparse) memset(cells, 0, n->cells * sizeof(*cells));
    for (uint32_t i = 0; i < n->ndefaults; i++) cells[n->defaults[i].cell] = n->defaults[i].value;
    const dec_field_t *f = n->fields, *end = f + n->n;
    for (; f < end; f++) {
        if (f->cell >= 0) {
            if (CD_UNLIKELY(!get_cell(in, f->node, &cells[f->cell]))) return false;
        } else if (!skip(in, f->node)) {
            return false;
        }
    }
    *v = cd_v_items(CD_STRUCT, cells, n->cells);
    return true;
}

/** Room for `count` more elements of `width` cells after the first `len`. */
static cd_value_t *more_items(input_t *in, cd_value_t *items, uint32_t len, uint32_t *cap, uint32_t count,
                              uint32_t width)
{
    if (items != NULL && count <= *cap - len) return items;
    *cap = len + count > 2 * *cap ? len + count : 2 * *cap;
    cd_value_t *grown = cd_arena_array(in->arena, cd_value_t, (size_t)*cap * width);
    if (items != NULL) memcpy(grown, items, (size_t)len * width * sizeof(*items));
    return grown;
}

/** Arrays and maps: usually one block; more of them are gathered in arrays that double. */
static bool get_list(input_t *in, const dec_node_t *n, cd_value_t *v)
{
    uint32_t width = n->op == DEC_ARRAY ? 1 : 2, len = 0, cap = 0;
    cd_value_t *items = NULL;
    for (;;) {
        uint32_t count = 0;
        int64_t bytes = 0;
        if (!get_block(in, n->op == DEC_ARRAY ? n->items->min : 1, &count, &bytes)) return false;
        if (count == 0) break;
        items = more_items(in, items, len, &cap, count, width);
        for (uint32_t i = 0; i < count; i++, len++) {
            cd_value_t *cell = &items[(size_t)len * width];
            if (n->op == DEC_MAP && !get_string(in, cell++)) return false;
            if (n->op == DEC_ENTRIES && !get(in, n->key, cell++)) return false;
            if (!get(in, n->items, cell)) return false;
        }
    }
    *v = cd_v_items(n->op == DEC_ARRAY ? CD_ARRAY : CD_MAP, items, len);
    return true;
}

static bool get_anything(input_t *in, cd_value_t *v, uint32_t depth);

static bool get_anything_list(input_t *in, cd_value_t *v, bool map, uint32_t depth)
{
    uint32_t width = map ? 2 : 1, len = 0, cap = 0;
    cd_value_t *items = NULL;
    for (;;) {
        uint32_t count = 0;
        int64_t bytes = 0;
        if (!get_block(in, 1, &count, &bytes)) return false;
        if (count == 0) break;
        items = more_items(in, items, len, &cap, count, width);
        for (size_t i = 0; i < (size_t)count * width; i++)
            if (!get_anything(in, &items[(size_t)len * width + i], depth + 1)) return false;
        len += count;
    }
    *v = cd_v_items(map ? CD_MAP : CD_ARRAY, items, len);
    return true;
}

/** The record "Anything": nine optional fields of which at most one is set. */
static bool get_anything(input_t *in, cd_value_t *v, uint32_t depth)
{
    static const dec_node_t fields[] = {{.op = DEC_BOOLEAN, .type = CD_BOOLEAN}, {.op = DEC_BYTES, .type = CD_BYTES},
                                        {.op = DEC_DOUBLE, .type = CD_FLOAT64},  {.op = DEC_FLOAT, .type = CD_FLOAT32},
                                        {.op = DEC_INT, .type = CD_INT32},       {.op = DEC_LONG, .type = CD_INT64},
                                        {.op = DEC_STRING, .type = CD_STRING}};
    if (depth > DEPTH_MAX) return fail(in, FAIL_DEPTH);
    *v = CD_V_NULL;
    for (uint32_t i = 0; i < 9; i++) {
        int64_t branch = 0;
        if (!get_int(in, &branch)) return false;
        if (branch == 0) continue;
        if (branch != 1) return fail(in, FAIL_BRANCH);
        bool ok = i < 7 ? get(in, &fields[i], v) : get_anything_list(in, v, i == 8, depth);
        if (!ok) return false;
    }
    return true;
}

static bool get(input_t *in, const dec_node_t *n, cd_value_t *v)
{
    int64_t i = 0;
    const uint8_t *p = NULL;
    uint32_t len = 0;
    float f = 0;
    double d = 0;
    while (n->op == DEC_UNION) {
        if (!get_int(in, &i)) return false;
        if (CD_UNLIKELY(i < 0 || i >= (int64_t)n->n)) return fail(in, FAIL_BRANCH);
        n = n->branches[i];
    }
    switch ((enum dec_op)n->op) {
    case DEC_NULL:
        *v = CD_V_NULL;
        return true;
    case DEC_BOOLEAN:
        if (in->p == in->end) return fail(in, FAIL_END);
        *v = cd_v_bool(*in->p++ == 1);
        return true;
    case DEC_INT:
        if (!get_int(in, &i)) return false;
        *v = cd_v_int(n->type, i);
        return true;
    case DEC_INT16:
        if (!get_int(in, &i)) return false;
        *v = cd_v_int(CD_INT16, (int16_t)i);
        return true;
    case DEC_INT8:
        if (!get_int(in, &i)) return false;
        *v = cd_v_int(CD_INT8, (int8_t)i);
        return true;
    case DEC_TIME:
        if (!get_int(in, &i)) return false;
        if (i < 0 || i > 86400000) return fail(in, FAIL_TIME);
        *v = cd_v_int(n->type, i);
        return true;
    case DEC_LONG:
        if (!get_long(in, &i)) return false;
        *v = cd_v_int(n->type, i);
        return true;
    case DEC_LONG_AS_FLOAT:
        if (!get_long(in, &i)) return false;
        *v = cd_v_f32((float)i);
        return true;
    case DEC_LONG_AS_DOUBLE:
        if (!get_long(in, &i)) return false;
        *v = cd_v_f64((double)i);
        return true;
    case DEC_FLOAT:
    case DEC_FLOAT_AS_DOUBLE:
        if (in->end - in->p < 4) return fail(in, FAIL_END);
        memcpy(&f, in->p, 4);
        in->p += 4;
        *v = n->op == DEC_FLOAT ? cd_v_f32(f) : cd_v_f64((double)f);
        return true;
    case DEC_DOUBLE:
        if (in->end - in->p < 8) return fail(in, FAIL_END);
        memcpy(&d, in->p, 8);
        in->p += 8;
        *v = cd_v_f64(d);
        return true;
    case DEC_STRING:
        return get_string(in, v);
    case DEC_BYTES:
        if (!get_slice(in, &p, &len)) return false;
        *v = cd_v_bytes(p, len);
        return true;
    case DEC_RAW:
        *v = cd_v_bytes(in->p, (size_t)(in->end - in->p));
        in->p = in->end;
        return true;
    case DEC_FIXED:
        p = in->p;
        if (!skip_bytes(in, n->n)) return false;
        *v = cd_v_bytes(p, n->n);
        return true;
    case DEC_ENUM:
        if (!get_int(in, &i)) return false;
        if (i < 0 || i >= (int64_t)n->n) return fail(in, FAIL_SYMBOL);
        *v = n->symbols[i];
        return true;
    case DEC_RECORD:
        return get_record(in, n, v);
    case DEC_ARRAY:
    case DEC_MAP:
    case DEC_ENTRIES:
        return get_list(in, n, v);
    case DEC_WRAP: {
        cd_value_t *cells = (cd_value_t *)cd_arena_alloc0(in->arena, n->cells * sizeof(cd_value_t));
        *v = cd_v_items(CD_STRUCT, cells, n->cells);
        return get(in, n->items, &cells[n->n]);
    }
    case DEC_ANYTHING:
        return get_anything(in, v, 0);
    case DEC_UNION:
    case DEC_IMPOSSIBLE:
        break;
    }
    return fail(in, FAIL_TYPE);
}

static cd_err_t *failure_error(uint32_t failure)
{
    static const struct {
        const char *jvm_class, *text;
    } texts[] = {
        [FAIL_END] = {"java.io.EOFException", "the data ends before the value is complete"},
        [FAIL_VARINT] = {"java.io.IOException", "Invalid int encoding"},
        [FAIL_LENGTH] = {"org.apache.avro.AvroRuntimeException", "Malformed data. Length is negative"},
        [FAIL_BRANCH] = {"java.lang.ArrayIndexOutOfBoundsException", "the union has no such branch"},
        [FAIL_SYMBOL] = {"org.apache.avro.AvroTypeException", "the enum has no such symbol"},
        [FAIL_TIME] = {CD_JVM_DATA,
                       "Time values must use number of milliseconds greater than 0 and less than 86400000"},
        [FAIL_TYPE] = {"org.apache.avro.AvroTypeException", "the written type does not fit the reader's schema"},
        [FAIL_EMPTY] = {"org.apache.avro.AvroRuntimeException", "the data claims too many empty elements"},
        [FAIL_DEPTH] = {"org.apache.avro.AvroRuntimeException", "the data is nested too deeply"},
    };
    return cd_err_new(CD_ERR_DATA, texts[failure].jvm_class, "%s", texts[failure].text);
}

cd_err_t *avro_decode(const avro_dec_t *plan, const uint8_t *data, size_t len, cd_arena_t *arena, cd_value_t *ret_value)
{
    input_t in = {.p = data, .end = data + len, .arena = arena};
    return get(&in, plan, ret_value) ? NULL : failure_error(in.failure);
}
