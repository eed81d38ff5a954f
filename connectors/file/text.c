#include "connectors/file/file.h"

void text_add(text_t *t, const void *p, size_t n)
{
    if (t->len + n > t->cap) {
        size_t cap = t->cap == 0 ? 4096 : t->cap * 2;
        if (cap < t->len + n) cap = t->len + n;
        char *data = realloc(t->data, cap);
        if (data == NULL) abort();
        t->data = data;
        t->cap = cap;
    }
    if (n > 0) memcpy(t->data + t->len, p, n);
    t->len += n;
}

static void add_str(text_t *t, const char *s)
{
    text_add(t, s, strlen(s));
}

static void add_double(text_t *t, double v)
{
    char number[32];
    for (int digits = 1; digits <= 17; digits++) { /* the fewest digits that give the same number back */
        (void)snprintf(number, sizeof(number), "%.*g", digits, v);
        if (strtod(number, NULL) == v) break;
    }
    add_str(t, number);
    if (strpbrk(number, ".en") == NULL) add_str(t, ".0");
}

static void add_struct(text_t *t, const cd_schema_t *schema, const cd_value_t *v)
{
    bool first = true;
    add_str(t, "Struct{");
    for (uint32_t i = 0; i < v->len && schema != NULL && i < schema->nfields; i++) {
        if (v->items[i].type == CD_NULL) continue;
        if (!first) add_str(t, ",");
        first = false;
        add_str(t, schema->fields[i].name);
        add_str(t, "=");
        text_add_value(t, schema->fields[i].schema, &v->items[i]);
    }
    add_str(t, "}");
}

static void add_items(text_t *t, const cd_schema_t *schema, const cd_value_t *v)
{
    bool map = v->type == CD_MAP;
    add_str(t, map ? "{" : "[");
    for (uint32_t i = 0; i < v->len; i++) {
        if (i > 0) add_str(t, ", ");
        if (map) {
            text_add_value(t, schema != NULL ? schema->key_schema : NULL, &v->items[2 * i]);
            add_str(t, "=");
        }
        text_add_value(t, schema != NULL ? schema->value_schema : NULL, &v->items[map ? 2 * i + 1 : i]);
    }
    add_str(t, map ? "}" : "]");
}

void text_add_value(text_t *t, const cd_schema_t *schema, const cd_value_t *v)
{
    char number[32];
    switch (v->type) {
    case CD_NULL:
        add_str(t, "null");
        break;
    case CD_BOOLEAN:
        add_str(t, v->boolean ? "true" : "false");
        break;
    case CD_FLOAT32:
        add_double(t, (double)v->f32);
        break;
    case CD_FLOAT64:
        add_double(t, v->f64);
        break;
    case CD_STRING:
    case CD_BYTES:
        text_add(t, v->bytes, v->len);
        break;
    case CD_STRUCT:
        add_struct(t, schema, v);
        break;
    case CD_ARRAY:
    case CD_MAP:
        add_items(t, schema, v);
        break;
    default:
        (void)snprintf(number, sizeof(number), "%lld", (long long)v->i64);
        add_str(t, number);
        break;
    }
}
