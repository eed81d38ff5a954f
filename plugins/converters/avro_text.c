#include "plugins/converters/avro_text.h"

#include "runtime/base/java_text.h"
#include "runtime/base/json.h"
#include "runtime/base/mem.h"
#include "runtime/base/str.h"
#include "runtime/data/schema.h"

#define DEPTH_MAX    64u
#define DEFAULT_NAME "ConnectDefault"

/** A named type that was written: later uses of an equal schema are its name. */
typedef struct written {
    const cd_schema_t *schema; /* required form */
    const char *space, *name;
} written_t;

typedef struct writer {
    const avro_options_t *o;
    cd_schema_pool_t *pool;
    strbuf_t *out;
    cd_arena_t arena;
    written_t *written;
    uint32_t nwritten, cap, unnamed, depth;
} writer_t;

static const char anything[] =
    "{\"type\":\"record\",\"name\":\"Anything\",\"namespace\":\"io.confluent.connect.avro\",\"fields\":["
    "{\"name\":\"boolean\",\"type\":[\"null\",\"boolean\"],\"default\":null},"
    "{\"name\":\"bytes\",\"type\":[\"null\",\"bytes\"],\"default\":null},"
    "{\"name\":\"double\",\"type\":[\"null\",\"double\"],\"default\":null},"
    "{\"name\":\"float\",\"type\":[\"null\",\"float\"],\"default\":null},"
    "{\"name\":\"int\",\"type\":[\"null\",\"int\"],\"default\":null},"
    "{\"name\":\"long\",\"type\":[\"null\",\"long\"],\"default\":null},"
    "{\"name\":\"string\",\"type\":[\"null\",\"string\"],\"default\":null},"
    "{\"name\":\"array\",\"type\":[\"null\",{\"type\":\"array\",\"items\":\"Anything\"}],\"default\":null},"
    "{\"name\":\"map\",\"type\":[\"null\",{\"type\":\"array\",\"items\":{\"type\":\"record\",\"name\":\"MapEntry\","
    "\"fields\":[{\"name\":\"key\",\"type\":\"Anything\"},{\"name\":\"value\",\"type\":\"Anything\"}]}}],"
    "\"default\":null}]}";

bool avro_is_union_schema(const cd_schema_t *s)
{
    if (s->type != CD_STRUCT) return false;
    return str_eq(s->name, AVRO_UNION_NAME) || cd_schema_param(s, AVRO_PARAM_UNION) != NULL;
}

bool avro_is_string_map(const cd_schema_t *s, const avro_options_t *o)
{
    const cd_schema_t *k = s->key_schema;
    return k != NULL && k->type == CD_STRING && (!k->optional || o->optional_map_keys);
}

const char *avro_java_class(const cd_value_t *v)
{
    static const char *const names[] = {"null",
                                        "class java.lang.Byte",
                                        "class java.lang.Short",
                                        "class java.lang.Integer",
                                        "class java.lang.Long",
                                        "class java.lang.Float",
                                        "class java.lang.Double",
                                        "class java.lang.Boolean",
                                        "class java.lang.String",
                                        "class [B",
                                        "class java.util.ArrayList",
                                        "class java.util.HashMap",
                                        "class org.apache.kafka.connect.data.Struct"};
    return v->type < sizeof(names) / sizeof(names[0]) ? names[v->type] : "an unknown class";
}

void avro_text_name(const char *name, bool scrub, strbuf_t *out)
{
    static const char hex[] = "0123456789ABCDEF";
    if (!scrub) {
        strbuf_adds(out, name);
        return;
    }
    if (name[0] >= '0' && name[0] <= '9') strbuf_addc(out, 'x');
    for (const unsigned char *p = (const unsigned char *)name; *p != '\0'; p++) {
        bool plain = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || (*p >= '0' && *p <= '9') || *p == '_';
        /* form encoding keeps . - * and turns blanks into +; what is left of those becomes _ as well */
        bool single = *p == ' ' || *p == '.' || *p == '-' || *p == '*';
        if (plain || single) {
            strbuf_addc(out, plain ? (char)*p : '_');
        } else {
            strbuf_addc(out, '_');
            strbuf_addc(out, hex[*p >> 4]);
            strbuf_addc(out, hex[*p & 15]);
        }
    }
}

/** Avro's Java printer: like Jackson, but supplementary characters stay UTF-8. */
static void put_string(strbuf_t *out, const char *s, size_t n)
{
    strbuf_addc(out, '"');
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)s[i];
        switch (c) {
        case '"':
            strbuf_adds(out, "\\\"");
            break;
        case '\\':
            strbuf_adds(out, "\\\\");
            break;
        case '\b':
            strbuf_adds(out, "\\b");
            break;
        case '\f':
            strbuf_adds(out, "\\f");
            break;
        case '\n':
            strbuf_adds(out, "\\n");
            break;
        case '\r':
            strbuf_adds(out, "\\r");
            break;
        case '\t':
            strbuf_adds(out, "\\t");
            break;
        default:
            if (c < 0x20) {
                strbuf_addf(out, "\\u%04X", c);
            } else {
                strbuf_addc(out, (char)c);
            }
        }
    }
    strbuf_addc(out, '"');
}

static void put_cstr(strbuf_t *out, const char *s)
{
    put_string(out, s, strlen(s));
}

static void put_latin1(strbuf_t *out, const uint8_t *p, uint32_t n)
{
    strbuf_t utf8 = {0};
    for (uint32_t i = 0; i < n; i++) {
        if (p[i] < 0x80) {
            strbuf_addc(&utf8, (char)p[i]);
        } else {
            strbuf_addc(&utf8, (char)(0xC0 | (p[i] >> 6)));
            strbuf_addc(&utf8, (char)(0x80 | (p[i] & 0x3F)));
        }
    }
    put_string(out, strbuf_str(&utf8), utf8.len);
    strbuf_done(&utf8);
}

/** A float or double as a JSON number in Java's text; NaN and the infinities are quoted. */
static void put_number(strbuf_t *out, double v, bool is_float)
{
    char text[JAVA_TEXT_MAX];
    if (is_float) {
        java_text_float((float)v, text);
    } else {
        java_text_double(v, text);
    }
    bool word = strpbrk(text, "NI") != NULL;
    strbuf_addf(out, word ? "\"%s\"" : "%s", text);
}

/** A default in Avro's JSON form. @param field  the "default" of a field, where Java prints floats widened */
static void put_default(writer_t *w, const cd_schema_t *s, const cd_value_t *v, bool field, strbuf_t *out)
{
    if (v->type == CD_NULL && s->dflt != NULL) v = s->dflt;
    switch (v->type) {
    case CD_BOOLEAN:
        strbuf_adds(out, v->boolean ? "true" : "false");
        break;
    case CD_INT8:
    case CD_INT16:
    case CD_INT32:
    case CD_INT64:
        strbuf_addf(out, "%lld", (long long)v->i64);
        break;
    case CD_FLOAT32:
        put_number(out, (double)v->f32, !field);
        break;
    case CD_FLOAT64:
        put_number(out, v->f64, false);
        break;
    case CD_STRING:
        put_string(out, v->str, v->len);
        break;
    case CD_BYTES:
        put_latin1(out, v->bytes, v->len);
        break;
    case CD_ARRAY:
        strbuf_addc(out, '[');
        for (uint32_t i = 0; i < v->len; i++) {
            if (i > 0) strbuf_addc(out, ',');
            put_default(w, s->value_schema, &v->items[i], field, out);
        }
        strbuf_addc(out, ']');
        break;
    case CD_MAP: {
        bool object = avro_is_string_map(s, w->o);
        strbuf_addc(out, object ? '{' : '[');
        for (uint32_t i = 0; i < v->len; i++) {
            if (i > 0) strbuf_addc(out, ',');
            if (!object) strbuf_addc(out, '[');
            put_default(w, s->key_schema, &v->items[2 * i], field, out);
            strbuf_addc(out, object ? ':' : ',');
            put_default(w, s->value_schema, &v->items[2 * i + 1], field, out);
            if (!object) strbuf_addc(out, ']');
        }
        strbuf_addc(out, object ? '}' : ']');
        break;
    }
    case CD_STRUCT:
        strbuf_addc(out, '{');
        for (uint32_t i = 0; i < v->len && i < s->nfields; i++) {
            if (i > 0) strbuf_addc(out, ',');
            put_cstr(out, s->fields[i].name);
            strbuf_addc(out, ':');
            put_default(w, s->fields[i].schema, &v->items[i], field, out);
        }
        strbuf_addc(out, '}');
        break;
    default:
        strbuf_adds(out, "null");
    }
}

/** The attributes after the structural members, in AvroData's order (06 §2.7.2). */
static void put_attributes(writer_t *w, const cd_schema_t *s)
{
    strbuf_t *out = w->out;
    if (s->logical == CD_LOGICAL_DECIMAL) {
        const char *precision = cd_schema_param(s, AVRO_PARAM_PRECISION);
        long digits = precision != NULL ? strtol(precision, NULL, 10) : AVRO_DEFAULT_PRECISION;
        strbuf_addf(out, ",\"scale\":%d,\"precision\":%ld", s->scale, digits);
    }
    if (w->o->meta_data) {
        if (s->doc != NULL) {
            strbuf_adds(out, ",\"connect.doc\":");
            put_cstr(out, s->doc);
        }
        if (s->has_version) strbuf_addf(out, ",\"connect.version\":%d", s->version);
        bool any = false;
        for (uint32_t i = 0; i < s->nparams; i++) {
            if (strcmp(s->params[i].name, AVRO_PARAM_FIELD_DEFAULT) == 0) continue;
            strbuf_adds(out, any ? "," : ",\"connect.parameters\":{");
            any = true;
            put_cstr(out, s->params[i].name);
            strbuf_addc(out, ':');
            put_cstr(out, s->params[i].value);
        }
        if (any) strbuf_addc(out, '}');
        bool field_only = cd_schema_param(s, AVRO_PARAM_FIELD_DEFAULT) != NULL && !w->o->discard_doc;
        if (s->dflt != NULL && !field_only) {
            strbuf_adds(out, ",\"connect.default\":");
            put_default(w, s, s->dflt, false, out);
        }
        if (s->name != NULL) {
            strbuf_adds(out, ",\"connect.name\":");
            put_cstr(out, s->name);
        }
        if (s->type == CD_INT8 || s->type == CD_INT16)
            strbuf_addf(out, ",\"connect.type\":\"%s\"", s->type == CD_INT8 ? "int8" : "int16");
    }
    static const char *const logical[] = {NULL, "decimal", "date", "time-millis", "timestamp-millis"};
    if (logical[s->logical] != NULL) strbuf_addf(out, ",\"logicalType\":\"%s\"", logical[s->logical]);
    for (uint32_t i = 0; w->o->meta_data && i < s->nparams; i++) {
        if (!str_starts(s->params[i].name, "avro")) continue;
        strbuf_addc(out, ',');
        put_cstr(out, s->params[i].name);
        strbuf_addc(out, ':');
        put_cstr(out, s->params[i].value);
    }
}

static void split_name(writer_t *w, const char *full, const char **ret_space, const char **ret_name)
{
    const char *dot = strrchr(full, '.');
    strbuf_t b = {0};
    *ret_space = "";
    if (dot != NULL) {
        const char *space = cd_arena_strndup(&w->arena, full, (size_t)(dot - full));
        if (w->o->scrub) { /* every part by itself: dots separate them */
            for (const char *p = space; *p != '\0';) {
                size_t n = strcspn(p, ".");
                avro_text_name(cd_arena_strndup(&w->arena, p, n), true, &b);
                p += n;
                if (*p == '.') {
                    strbuf_addc(&b, '.');
                    p++;
                }
            }
            space = cd_arena_strdup(&w->arena, strbuf_str(&b));
            strbuf_clear(&b);
        }
        *ret_space = space;
        full = dot + 1;
    }
    avro_text_name(full, w->o->scrub, &b);
    *ret_name = cd_arena_strdup(&w->arena, strbuf_str(&b));
    strbuf_done(&b);
}

static bool is_type_word(const char *name)
{
    for (int t = AVRO_NULL; t <= AVRO_FIXED; t++)
        if (strcmp(name, avro_type_name((uint8_t)t)) == 0) return true;
    return false;
}

/** Write a named type's name when it was written before. */
static bool put_reference(writer_t *w, const cd_schema_t *required, const char *enclosing)
{
    for (uint32_t i = 0; i < w->nwritten; i++) {
        const written_t *d = &w->written[i];
        if (d->schema != required) continue;
        if ((strcmp(d->space, enclosing) == 0 && !is_type_word(d->name)) || d->space[0] == '\0') {
            strbuf_addf(w->out, "\"%s\"", d->name);
        } else {
            strbuf_addf(w->out, "\"%s.%s\"", d->space, d->name);
        }
        return true;
    }
    return false;
}

static cd_err_t *remember(writer_t *w, const cd_schema_t *required, const char *space, const char *name)
{
    for (uint32_t i = 0; i < w->nwritten; i++) {
        if (strcmp(w->written[i].space, space) == 0 && strcmp(w->written[i].name, name) == 0)
            return cd_err_new(CD_ERR_DATA, AVRO_JVM_PARSE, "Can't redefine: %s%s%s", space, space[0] != '\0' ? "." : "",
                              name);
    }
    mem_grow(w->written, w->nwritten, w->cap);
    w->written[w->nwritten++] = (written_t){.schema = required, .space = space, .name = name};
    return NULL;
}

static void put_name(writer_t *w, const char *space, const char *name, const char *enclosing)
{
    strbuf_addf(w->out, "\"name\":\"%s\"", name);
    if (strcmp(space, enclosing) != 0) {
        strbuf_adds(w->out, ",\"namespace\":");
        put_cstr(w->out, space);
    }
}

static cd_err_t *put_schema(writer_t *w, const cd_schema_t *s, const char *enclosing);

static cd_err_t *put_field(writer_t *w, const cd_schema_t *record, const cd_field_t *f, const char *space)
{
    strbuf_adds(w->out, "{\"name\":\"");
    avro_text_name(f->name, w->o->scrub, w->out);
    strbuf_adds(w->out, "\",\"type\":");
    cd_err_t *err = put_schema(w, f->schema, space);
    if (err != NULL) return err;
    char key[300];
    const char *doc = NULL;
    int n = snprintf(key, sizeof(key), AVRO_PARAM_FIELD_DOC "%s", f->name);
    if (w->o->discard_doc) {
        doc = f->schema->doc;
    } else if (n > 0 && (size_t)n < sizeof(key)) {
        doc = cd_schema_param(record, key);
    }
    if (doc != NULL) {
        strbuf_adds(w->out, ",\"doc\":");
        put_cstr(w->out, doc);
    }
    /* a struct's null branch comes first, so only null can be its default there */
    if (f->schema->dflt != NULL && !(f->schema->optional && f->schema->type == CD_STRUCT)) {
        strbuf_adds(w->out, ",\"default\":");
        put_default(w, f->schema, f->schema->dflt, true, w->out);
    } else if (f->schema->optional) {
        strbuf_adds(w->out, ",\"default\":null");
    }
    strbuf_addc(w->out, '}');
    return NULL;
}

static cd_err_t *put_record(writer_t *w, const cd_schema_t *s, const char *enclosing)
{
    const cd_schema_t *required = schema_with_optional(w->pool, s, false);
    if (put_reference(w, required, enclosing)) return NULL;
    const char *space = AVRO_NAMESPACE, *name = NULL;
    if (s->name != NULL) {
        split_name(w, s->name, &space, &name);
    } else {
        w->unnamed++;
        name = w->unnamed == 1 ? DEFAULT_NAME : cd_arena_printf(&w->arena, DEFAULT_NAME "%u", w->unnamed);
    }
    cd_err_t *err = remember(w, required, space, name);
    if (err != NULL) return err;
    strbuf_adds(w->out, "{\"type\":\"record\",");
    put_name(w, space, name, enclosing);
    const char *doc = cd_schema_param(s, AVRO_PARAM_RECORD_DOC);
    if (doc != NULL) {
        strbuf_adds(w->out, ",\"doc\":");
        put_cstr(w->out, doc);
    }
    strbuf_adds(w->out, ",\"fields\":[");
    for (uint32_t i = 0; i < s->nfields && err == NULL; i++) {
        if (i > 0) strbuf_addc(w->out, ',');
        err = put_field(w, s, &s->fields[i], space);
    }
    if (err != NULL) return err;
    strbuf_addc(w->out, ']');
    put_attributes(w, s);
    strbuf_addc(w->out, '}');
    return NULL;
}

static cd_err_t *put_map(writer_t *w, const cd_schema_t *s, const char *enclosing)
{
    cd_err_t *err = NULL;
    if (avro_is_string_map(s, w->o)) {
        strbuf_adds(w->out, "{\"type\":\"map\",\"values\":");
        err = put_schema(w, s->value_schema, enclosing);
        if (err != NULL) return err;
        put_attributes(w, s);
        strbuf_addc(w->out, '}');
        return NULL;
    }
    strbuf_adds(w->out, "{\"type\":\"array\",\"items\":");
    /* the entry record belongs to this map schema, without what only concerns the array */
    cd_schema_spec_t spec = {
        .type = CD_MAP, .name = s->name, .key_schema = s->key_schema, .value_schema = s->value_schema};
    const cd_schema_t *entry = schema_intern(w->pool, &spec);
    if (!put_reference(w, entry, enclosing)) {
        const char *space = AVRO_NAMESPACE, *name = "MapEntry";
        if (s->name != NULL) split_name(w, s->name, &space, &name);
        err = remember(w, entry, space, name);
        if (err != NULL) return err;
        strbuf_adds(w->out, "{\"type\":\"record\",");
        put_name(w, space, name, enclosing);
        static const char *const members[] = {"key", "value"};
        for (int i = 0; i < 2; i++) {
            const cd_schema_t *member = i == 0 ? s->key_schema : s->value_schema;
            strbuf_addf(w->out, "%s{\"name\":\"%s\",\"type\":", i == 0 ? ",\"fields\":[" : ",", members[i]);
            err = put_schema(w, member, space);
            if (err != NULL) return err;
            strbuf_addc(w->out, '}');
        }
        strbuf_addc(w->out, ']');
        if (s->name != NULL) strbuf_adds(w->out, ",\"connect.internal.type\":\"MapEntry\"");
        strbuf_addc(w->out, '}');
    }
    put_attributes(w, s);
    strbuf_addc(w->out, '}');
    return NULL;
}

static cd_err_t *put_enum(writer_t *w, const cd_schema_t *s, const char *enclosing)
{
    const cd_schema_t *required = schema_with_optional(w->pool, s, false);
    if (put_reference(w, required, enclosing)) return NULL;
    const char *space = "", *name = "";
    split_name(w, cd_schema_param(s, AVRO_PARAM_ENUM), &space, &name);
    cd_err_t *err = remember(w, required, space, name);
    if (err != NULL) return err;
    strbuf_adds(w->out, "{\"type\":\"enum\",");
    put_name(w, space, name, enclosing);
    const char *doc = cd_schema_param(s, cd_arena_printf(&w->arena, AVRO_PARAM_ENUM_DOC "%s", name));
    if (doc != NULL) {
        strbuf_adds(w->out, ",\"doc\":");
        put_cstr(w->out, doc);
    }
    strbuf_adds(w->out, ",\"symbols\":[");
    bool any = false;
    for (uint32_t i = 0; i < s->nparams; i++) {
        if (!str_starts(s->params[i].name, AVRO_PARAM_ENUM ".")) continue;
        if (any) strbuf_addc(w->out, ',');
        any = true;
        put_cstr(w->out, s->params[i].value);
    }
    strbuf_addc(w->out, ']');
    const char *dflt = cd_schema_param(s, cd_arena_printf(&w->arena, AVRO_PARAM_ENUM_DEFAULT "%s", name));
    if (dflt != NULL) {
        strbuf_adds(w->out, ",\"default\":");
        put_cstr(w->out, dflt);
    }
    put_attributes(w, s);
    strbuf_addc(w->out, '}');
    return NULL;
}

static cd_err_t *put_fixed(writer_t *w, const cd_schema_t *s, const char *enclosing)
{
    const cd_schema_t *required = schema_with_optional(w->pool, s, false);
    if (put_reference(w, required, enclosing)) return NULL;
    const char *space = "", *name = "";
    split_name(w, s->name, &space, &name);
    cd_err_t *err = remember(w, required, space, name);
    if (err != NULL) return err;
    strbuf_adds(w->out, "{\"type\":\"fixed\",");
    put_name(w, space, name, enclosing);
    strbuf_addf(w->out, ",\"size\":%ld", strtol(cd_schema_param(s, AVRO_PARAM_FIXED_SIZE), NULL, 10));
    put_attributes(w, s);
    strbuf_addc(w->out, '}');
    return NULL;
}

static cd_err_t *put_primitive(writer_t *w, const cd_schema_t *s)
{
    static const uint8_t types[] = {AVRO_NULL,  AVRO_INT,    AVRO_INT,     AVRO_INT,    AVRO_LONG,
                                    AVRO_FLOAT, AVRO_DOUBLE, AVRO_BOOLEAN, AVRO_STRING, AVRO_BYTES};
    if (s->type == CD_NULL || s->type >= sizeof(types))
        return cd_err_new(CD_ERR_DATA, CD_JVM_DATA, "Unknown schema type: %u", s->type);
    if (s->logical == CD_LOGICAL_DECIMAL && s->scale == INT32_MIN)
        return cd_err_new(CD_ERR_DATA, CD_JVM_DATA, "Invalid Decimal schema: scale parameter not found.");
    const char *name = avro_type_name(types[s->type]);
    size_t start = w->out->len;
    strbuf_addf(w->out, "{\"type\":\"%s\"", name);
    size_t bare = w->out->len;
    put_attributes(w, s);
    if (w->out->len == bare) {
        w->out->len = start;
        strbuf_addf(w->out, "\"%s\"", name);
    } else {
        strbuf_addc(w->out, '}');
    }
    return NULL;
}

/** The type without the union that makes it optional. */
static cd_err_t *put_base(writer_t *w, const cd_schema_t *s, const char *enclosing)
{
    switch (s->type) {
    case CD_STRUCT:
        return put_record(w, s, enclosing);
    case CD_MAP:
        return put_map(w, s, enclosing);
    case CD_ARRAY: {
        strbuf_adds(w->out, "{\"type\":\"array\",\"items\":");
        cd_err_t *err = put_schema(w, s->value_schema, enclosing);
        if (err != NULL) return err;
        put_attributes(w, s);
        strbuf_addc(w->out, '}');
        return NULL;
    }
    case CD_STRING:
        if (w->o->enhanced && cd_schema_param(s, AVRO_PARAM_ENUM) != NULL) return put_enum(w, s, enclosing);
        return put_primitive(w, s);
    case CD_BYTES:
        if (s->name != NULL && cd_schema_param(s, AVRO_PARAM_FIXED_SIZE) != NULL) return put_fixed(w, s, enclosing);
        return put_primitive(w, s);
    default:
        return put_primitive(w, s);
    }
}

static cd_err_t *put_union(writer_t *w, const cd_schema_t *s, const char *enclosing)
{
    strbuf_adds(w->out, s->optional ? "[\"null\"" : "[");
    for (uint32_t i = 0; i < s->nfields; i++) {
        if (i > 0 || s->optional) strbuf_addc(w->out, ',');
        cd_err_t *err = put_base(w, s->fields[i].schema, enclosing);
        if (err != NULL) return err;
    }
    strbuf_addc(w->out, ']');
    return NULL;
}

static cd_err_t *put_schema(writer_t *w, const cd_schema_t *s, const char *enclosing)
{
    if (s == NULL)
        return cd_err_new(CD_ERR_DATA, CD_JVM_DATA, "A schema without an element schema cannot be written as Avro");
    if (w->depth == DEPTH_MAX)
        return cd_err_new(CD_ERR_DATA, CD_JVM_DATA, "The schema is nested more than %u levels deep", DEPTH_MAX);
    w->depth++;
    cd_err_t *err = NULL;
    if (avro_is_union_schema(s)) {
        err = put_union(w, s, enclosing);
    } else if (!s->optional) {
        err = put_base(w, s, enclosing);
    } else if (s->dflt != NULL && s->type != CD_STRUCT) {
        strbuf_addc(w->out, '[');
        err = put_base(w, s, enclosing);
        strbuf_adds(w->out, ",\"null\"]");
    } else {
        strbuf_adds(w->out, "[\"null\",");
        err = put_base(w, s, enclosing);
        strbuf_addc(w->out, ']');
    }
    w->depth--;
    return err;
}

cd_err_t *avro_text_write(const cd_schema_t *schema, const avro_options_t *options, cd_schema_pool_t *pool,
                          strbuf_t *out)
{
    if (schema == NULL) {
        strbuf_adds(out, anything);
        return NULL;
    }
    writer_t w = {.o = options, .pool = pool, .out = out};
    /* "" is the enclosing namespace of the outermost type: it prints its namespace unless it has none */
    cd_err_t *err = put_schema(&w, schema, "");
    free(w.written);
    cd_arena_done(&w.arena);
    return err;
}
