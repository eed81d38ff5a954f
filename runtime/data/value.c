#include "runtime/data/value.h"

#include "runtime/base/java_text.h"
#include "runtime/base/json.h"

static uint32_t items_of(const cd_value_t *v)
{
    return v->type == CD_MAP ? 2 * v->len : v->len;
}

cd_value_t value_copy(const cd_value_t *v, cd_arena_t *arena)
{
    cd_value_t out = *v;
    switch (v->type) {
    case CD_STRING:
        out.str = cd_arena_strndup(arena, v->str, v->len);
        break;
    case CD_BYTES:
        out.bytes = (const uint8_t *)cd_arena_strndup(arena, v->bytes, v->len);
        break;
    case CD_ARRAY:
    case CD_MAP:
    case CD_STRUCT: {
        uint32_t n = items_of(v);
        cd_value_t *items = cd_arena_array(arena, cd_value_t, n);
        for (uint32_t i = 0; i < n; i++) items[i] = value_copy(&v->items[i], arena);
        out.items = items;
        break;
    }
    default:
        break;
    }
    return out;
}

static bool map_equal(const cd_value_t *a, const cd_value_t *b)
{
    for (uint32_t i = 0; i < a->len; i++) {
        uint32_t j = 0;
        while (j < b->len && !value_equal(&a->items[2 * i], &b->items[2 * j])) j++;
        if (j == b->len || !value_equal(&a->items[2 * i + 1], &b->items[2 * j + 1])) return false;
    }
    return true;
}

static uint32_t float_bits(float f)
{
    uint32_t bits;
    memcpy(&bits, &f, sizeof(bits));
    return bits;
}

bool value_equal(const cd_value_t *a, const cd_value_t *b)
{
    if (a->type != b->type) return false;
    switch (a->type) {
    case CD_NULL:
        return true;
    case CD_BOOLEAN:
        return a->boolean == b->boolean;
    case CD_FLOAT32:
        return float_bits(a->f32) == float_bits(b->f32);
    case CD_STRING:
    case CD_BYTES:
        return a->len == b->len && (a->len == 0 || memcmp(a->bytes, b->bytes, a->len) == 0);
    case CD_MAP:
        return a->len == b->len && map_equal(a, b);
    case CD_ARRAY:
    case CD_STRUCT:
        if (a->len != b->len) return false;
        for (uint32_t i = 0; i < a->len; i++)
            if (!value_equal(&a->items[i], &b->items[i])) return false;
        return true;
    default:
        return a->i64 == b->i64; /* integers and FLOAT64 by bits */
    }
}

static void struct_text(const cd_schema_t *schema, const cd_value_t *v, strbuf_t *out)
{
    bool first = true;
    strbuf_adds(out, "Struct{");
    for (uint32_t i = 0; i < v->len; i++) {
        if (v->items[i].type == CD_NULL) continue;
        if (!first) strbuf_addc(out, ',');
        first = false;
        const cd_schema_t *field = schema != NULL && i < schema->nfields ? schema->fields[i].schema : NULL;
        strbuf_addf(out, "%s=", field != NULL ? schema->fields[i].name : "?");
        value_text(field, &v->items[i], out);
    }
    strbuf_addc(out, '}');
}

void value_text(const cd_schema_t *schema, const cd_value_t *v, strbuf_t *out)
{
    switch (v->type) {
    case CD_NULL:
        strbuf_adds(out, "null");
        break;
    case CD_BOOLEAN:
        strbuf_adds(out, v->boolean ? "true" : "false");
        break;
    case CD_FLOAT32:
        strbuf_advance(out, java_text_float(v->f32, strbuf_reserve(out, JAVA_TEXT_MAX)));
        break;
    case CD_FLOAT64:
        json_write_double(v->f64, out);
        break;
    case CD_STRING:
        strbuf_add(out, v->str, v->len);
        break;
    case CD_BYTES:
        strbuf_addf(out, "[%u bytes]", v->len);
        break;
    case CD_ARRAY:
        strbuf_addc(out, '[');
        for (uint32_t i = 0; i < v->len; i++) {
            if (i > 0) strbuf_adds(out, ", ");
            value_text(schema != NULL ? schema->value_schema : NULL, &v->items[i], out);
        }
        strbuf_addc(out, ']');
        break;
    case CD_MAP:
        strbuf_addc(out, '{');
        for (uint32_t i = 0; i < v->len; i++) {
            if (i > 0) strbuf_adds(out, ", ");
            value_text(schema != NULL ? schema->key_schema : NULL, &v->items[2 * i], out);
            strbuf_addc(out, '=');
            value_text(schema != NULL ? schema->value_schema : NULL, &v->items[2 * i + 1], out);
        }
        strbuf_addc(out, '}');
        break;
    case CD_STRUCT:
        struct_text(schema, v, out);
        break;
    default:
        strbuf_addf(out, "%lld", (long long)v->i64);
    }
}
