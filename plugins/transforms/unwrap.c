/* io.debezium.transforms.ExtractNewRecordState: from the change event to the row (04 §4.8).
 * What a record becomes depends on its value schema alone but for three questions (is the value null, is `after` null,
 * is `before` null), so the field moves are worked out once per schema. */
#include "plugins/transforms/schema_plans.h"
#include "plugins/transforms/transforms.h"
#include "plugins/transforms/unwrap_settings.h"
#include "runtime/base/str.h"
#include "runtime/base/version.h"
#include "runtime/data/schema.h"

#define DELETED "__deleted"

/** A field of the envelope that is copied: cell `field` of the struct in cell `parent`, or of the envelope itself. */
typedef struct added {
    int32_t parent; /* -1: the envelope */
    uint32_t field;
    const cd_schema_t *schema; /* optional, without default */
    const char *name;
} added_t;

typedef struct added_list {
    uint32_t n;
    const added_t *items;
} added_list_t;

/** How one row image becomes the value. */
typedef struct image {
    const cd_schema_t *schema; /* of the result */
    uint32_t nrow, cells;
    int32_t flag;       /* cell of __deleted, or -1 */
    uint32_t first_add; /* cell of the first added field */
    uint32_t ndefaults;
    const uint32_t *defaults; /* cells whose null is replaced by a default */
    const cd_value_t **values;
    cd_err_t *err; /* such a row cannot be made: duplicate names */
} image_t;

typedef struct plan {
    bool envelope;
    uint32_t before, after; /* cells */
    const cd_schema_t *after_schema;
    image_t before_image, after_image;
    added_list_t fields, headers;
    int32_t route_before, route_after; /* cell in the row, -1: none */
} plan_t;

typedef struct unwrap {
    cd_ctx_t *ctx;
    unwrap_settings_t settings;
    unwrap_rule_t rule;
    uint32_t nfields, nheaders;
    unwrap_ref_t *fields, *headers;
    cd_arena_t arena; /* settings and plans */
    schema_plans_t plans;
    cd_needed_t needed;
} unwrap_t;

static bool is_envelope(const cd_schema_t *s)
{
    return s != NULL && s->type == CD_STRUCT && s->name != NULL && str_ends(s->name, ".Envelope") &&
           cd_schema_field(s, "before") >= 0 && cd_schema_field(s, "after") >= 0;
}

static bool mentions(const unwrap_ref_t *refs, uint32_t n, const char *name)
{
    for (uint32_t i = 0; i < n; i++) {
        if (refs[i].parent != NULL && strcmp(refs[i].parent, name) == 0) return true;
        if (strcmp(refs[i].field, name) == 0) return true; /* may be found at the top when its struct lacks it */
    }
    return false;
}

/** cd_needed_t: rows are always read, the rest of the envelope only when an option names it. */
static bool field_needed(const cd_needed_t *needed, const cd_schema_t *schema, uint32_t index)
{
    const unwrap_t *u = (const unwrap_t *)needed->arg;
    const char *name = schema->fields[index].name;
    if (!is_envelope(schema) || strcmp(name, "after") == 0) return true;
    if (strcmp(name, "before") == 0 && u->rule.deletes != UNWRAP_DROP) return true;
    return mentions(u->fields, u->nfields, name) || mentions(u->headers, u->nheaders, name);
}

static void unwrap_close(void *transform)
{
    unwrap_t *u = (unwrap_t *)transform;
    if (u == NULL) return;
    for (uint32_t i = 0; i < u->plans.cap; i++) {
        const plan_t *p = (const plan_t *)u->plans.items[i];
        if (p == NULL) continue;
        cd_err_free(p->before_image.err);
        cd_err_free(p->after_image.err);
    }
    schema_plans_done(&u->plans);
    cd_arena_done(&u->arena);
    free(u);
}

static cd_err_t *parse_refs(unwrap_t *u, cd_list_t list, const char *prefix, unwrap_ref_t **ret_refs, uint32_t *ret_n)
{
    unwrap_ref_t *refs = cd_arena_array(&u->arena, unwrap_ref_t, list.n);
    uint32_t n = 0;
    for (uint32_t i = 0; i < list.n; i++) {
        if (list.items[i][0] == '\0') continue;
        cd_err_t *err = unwrap_ref_parse(list.items[i], prefix, &u->arena, &refs[n++]);
        if (err != NULL) return err;
    }
    *ret_refs = refs;
    *ret_n = n;
    return NULL;
}

static cd_err_t *unwrap_configure(cd_ctx_t *ctx, const cd_config_t *config, void **ret_transform)
{
    unwrap_t *u = mem_new0(unwrap_t);
    u->ctx = ctx;
    u->needed = (cd_needed_t){.arg = u, .field = field_needed};
    const unwrap_settings_t *s = &u->settings;
    cd_err_t *err = cd_host->config_parse(unwrap_keys, sizeof(cd_key_t), config, &u->arena, &u->settings, NULL);
    if (err == NULL) err = unwrap_rule_read(ctx, config, s, &u->rule);
    if (err == NULL) err = parse_refs(u, s->fields, s->fields_prefix, &u->fields, &u->nfields);
    if (err == NULL) err = parse_refs(u, s->headers, s->headers_prefix, &u->headers, &u->nheaders);
    if (err != NULL) {
        unwrap_close(u);
        return err;
    }
    *ret_transform = u;
    return NULL;
}

/* ---- plans ------------------------------------------------------------------------------------------------------- */

/** Type, name, version, doc and parameters of the original; optional; no default. */
static const cd_schema_t *added_schema(cd_schema_pool_t *pool, const cd_schema_t *s)
{
    cd_schema_spec_t spec = schema_spec(s);
    spec.optional = true;
    spec.dflt = NULL;
    return schema_intern(pool, &spec);
}

static cd_err_t *resolve(unwrap_t *u, const cd_schema_t *envelope, cd_schema_pool_t *pool, const unwrap_ref_t *refs,
                         uint32_t n, added_list_t *ret_list)
{
    added_t *items = cd_arena_array(&u->arena, added_t, n);
    uint32_t count = 0;
    for (uint32_t i = 0; i < n; i++) {
        const unwrap_ref_t *r = &refs[i];
        int32_t parent = r->parent != NULL ? cd_schema_field(envelope, r->parent) : -1;
        if (r->parent_given && parent < 0)
            return cd_err_new(CD_ERR_DATA, CD_JVM_DATA,
                              "The change event %s has no field '%s'; check add.fields and "
                              "add.headers of the unwrap transform",
                              envelope->name, r->parent);
        const cd_schema_t *holder = parent >= 0 ? envelope->fields[parent].schema : envelope;
        int32_t field = holder->type == CD_STRUCT ? cd_schema_field(holder, r->field) : -1;
        if (field < 0 && parent >= 0) {
            parent = -1;
            holder = envelope;
            field = cd_schema_field(envelope, r->field);
        }
        if (field < 0) continue; /* neither there nor at the top: skipped without a word, as Debezium does */
        items[count++] = (added_t){.parent = parent,
                                   .field = (uint32_t)field,
                                   .schema = added_schema(pool, holder->fields[field].schema),
                                   .name = r->out};
    }
    *ret_list = (added_list_t){.n = count, .items = items};
    return NULL;
}

static cd_err_t *check_names(const cd_field_t *fields, uint32_t n, uint32_t old)
{
    for (uint32_t i = old; i < n; i++)
        for (uint32_t k = 0; k < i; k++)
            if (strcmp(fields[i].name, fields[k].name) == 0)
                return cd_err_new(CD_ERR_DATA, CD_JVM_SCHEMA_BUILDER,
                                  "Cannot create field because of field name duplication %s", fields[i].name);
    return NULL;
}

static void make_image(unwrap_t *u, const cd_schema_t *row, const added_list_t *adds, cd_schema_pool_t *pool,
                       image_t *image)
{
    bool flag = u->rule.deletes == UNWRAP_REWRITE;
    uint32_t n = row->nfields;
    cd_field_t *fields = cd_arena_array(&u->arena, cd_field_t, n + adds->n + 1);
    if (n > 0) memcpy(fields, row->fields, n * sizeof(*fields));
    image->nrow = n;
    image->flag = -1;
    const cd_schema_t *text = schema_primitive(pool, CD_STRING, true);
    if (flag && u->rule.flag_first) {
        image->flag = (int32_t)n;
        fields[n++] = (cd_field_t){.name = DELETED, .schema = text};
    }
    image->first_add = n;
    for (uint32_t i = 0; i < adds->n; i++)
        fields[n++] = (cd_field_t){.name = adds->items[i].name, .schema = adds->items[i].schema};
    if (flag && !u->rule.flag_first) {
        image->flag = (int32_t)n;
        fields[n++] = (cd_field_t){.name = DELETED, .schema = text};
    }
    image->cells = n;
    image->err = check_names(fields, n, image->nrow);
    if (image->err != NULL) return;
    /* copySchemaBasics: name, version, doc and parameters; the result is required and has no default */
    cd_schema_spec_t spec = schema_spec(row);
    spec.optional = false;
    spec.dflt = NULL;
    spec.fields = fields;
    spec.nfields = n;
    image->schema = schema_intern(pool, &spec);
    if (!flag || !u->settings.null_to_default) return;
    /* the step that adds __deleted reads the row with defaults, and only that step does */
    uint32_t *cells = cd_arena_array(&u->arena, uint32_t, row->nfields);
    const cd_value_t **values = cd_arena_array(&u->arena, const cd_value_t *, row->nfields);
    for (uint32_t i = 0; i < row->nfields; i++) {
        if (row->fields[i].schema->dflt == NULL) continue;
        cells[image->ndefaults] = i;
        values[image->ndefaults++] = row->fields[i].schema->dflt;
    }
    image->defaults = cells;
    image->values = values;
}

static int32_t route_cell(const unwrap_t *u, const cd_schema_t *row)
{
    return str_empty(u->settings.route_by) ? -1 : cd_schema_field(row, u->settings.route_by);
}

static cd_err_t *make_plan(unwrap_t *u, const cd_schema_t *s, cd_schema_pool_t *pool, plan_t **ret_plan)
{
    plan_t *p = cd_arena_new(&u->arena, plan_t);
    p->envelope = is_envelope(s);
    if (p->envelope) {
        p->before = (uint32_t)cd_schema_field(s, "before");
        p->after = (uint32_t)cd_schema_field(s, "after");
        const cd_schema_t *before = s->fields[p->before].schema, *after = s->fields[p->after].schema;
        if (before->type != CD_STRUCT || after->type != CD_STRUCT)
            return cd_err_new(CD_ERR_DATA, CD_JVM_DATA,
                              "Only Struct objects supported for [before and after of %s], found: another type",
                              s->name);
        p->after_schema = after;
        cd_err_t *err = resolve(u, s, pool, u->fields, u->nfields, &p->fields);
        if (err == NULL) err = resolve(u, s, pool, u->headers, u->nheaders, &p->headers);
        if (err != NULL) return err;
        make_image(u, before, &p->fields, pool, &p->before_image);
        make_image(u, after, &p->fields, pool, &p->after_image);
        p->route_before = route_cell(u, before);
        p->route_after = route_cell(u, after);
    }
    schema_plans_put(&u->plans, s, p);
    *ret_plan = p;
    return NULL;
}

/* ---- records ----------------------------------------------------------------------------------------------------- */

static cd_value_t read_added(const added_t *a, const cd_value_t *envelope)
{
    if (a->parent < 0) return envelope[a->field];
    const cd_value_t *holder = &envelope[a->parent];
    return holder->type == CD_STRUCT && a->field < holder->len ? holder->items[a->field] : CD_V_NULL;
}

static void add_headers(const plan_t *p, cd_record_t *r, const cd_value_t *envelope, cd_arena_t *arena)
{
    if (p->headers.n == 0) return;
    cd_header_t *headers = cd_arena_array(arena, cd_header_t, r->nheaders + p->headers.n);
    if (r->nheaders > 0) memcpy(headers, r->headers, r->nheaders * sizeof(*headers));
    for (uint32_t i = 0; i < p->headers.n; i++) {
        const added_t *a = &p->headers.items[i];
        headers[r->nheaders + i] = (cd_header_t){
            .key = cd_arena_strdup(arena, a->name), .schema = a->schema, .value = read_added(a, envelope)};
    }
    r->headers = headers;
    r->nheaders += p->headers.n;
}

/** The tombstone of a deleted row gets `op` = "d" and nothing else: there is no event to read from. */
static void add_tombstone_headers(const unwrap_t *u, cd_record_t *r, cd_batch_t *batch)
{
    for (uint32_t i = 0; i < u->nheaders; i++) {
        const unwrap_ref_t *ref = &u->headers[i];
        if (ref->parent != NULL || strcmp(ref->field, "op") != 0) continue;
        cd_header_t *headers = cd_arena_array(&batch->arena, cd_header_t, r->nheaders + 1);
        if (r->nheaders > 0) memcpy(headers, r->headers, r->nheaders * sizeof(*headers));
        headers[r->nheaders] = (cd_header_t){.key = cd_arena_strdup(&batch->arena, ref->out),
                                             .schema = schema_primitive(batch->schemas, CD_STRING, false),
                                             .value = cd_v_str("d")};
        r->headers = headers;
        r->nheaders++;
    }
}

static void set_row(const unwrap_t *u, const plan_t *p, const image_t *image, cd_record_t *r, const cd_value_t *row,
                    const cd_value_t *envelope, bool deleted, cd_arena_t *arena)
{
    (void)u;
    r->value_schema = image->schema;
    if (image->cells == image->nrow) {
        r->value = *row; /* nothing is added: the cells are shared */
        return;
    }
    cd_value_t *cells = cd_arena_array(arena, cd_value_t, image->cells);
    memcpy(cells, row->items, image->nrow * sizeof(*cells));
    for (uint32_t i = 0; i < image->ndefaults; i++) {
        cd_value_t *cell = &cells[image->defaults[i]];
        if (cell->type == CD_NULL) *cell = *image->values[i];
    }
    for (uint32_t i = 0; i < p->fields.n; i++) cells[image->first_add + i] = read_added(&p->fields.items[i], envelope);
    if (image->flag >= 0) cells[image->flag] = deleted ? cd_v_strn("true", 4) : cd_v_strn("false", 5);
    r->value = cd_v_items(CD_STRUCT, cells, image->cells);
}

static cd_err_t *set_topic(const unwrap_t *u, const cd_value_t *row, int32_t cell, cd_record_t *r, cd_arena_t *arena)
{
    if (str_empty(u->settings.route_by)) return NULL;
    if (cell < 0) return cd_err_new(CD_ERR_DATA, CD_JVM_DATA, "%s is not a valid field name", u->settings.route_by);
    const cd_value_t *v = &row->items[cell];
    if (v->type == CD_NULL) return NULL;
    if (v->type != CD_STRING)
        return cd_err_new(CD_ERR_DATA, CD_JVM_DATA, "Field '%s' is not of type STRING", u->settings.route_by);
    const char *topic = cd_arena_strndup(arena, v->str, v->len);
    if (topic[strspn(topic, " \t\r\n")] != '\0') r->topic = topic;
    return NULL;
}

static bool listed(const cd_value_t *names, const char *name)
{
    for (uint32_t i = 0; i < names->len; i++)
        if (cd_v_is_str(&names->items[i], name)) return true;
    return false;
}

/** Remove listed fields from a struct. Interning finds the same result schema again for the same list. */
static void drop_fields(const unwrap_t *u, const cd_value_t *names, cd_batch_t *batch, const cd_schema_t **schema,
                        cd_value_t *value)
{
    const cd_schema_t *s = *schema;
    if (s == NULL || s->type != CD_STRUCT || value->type != CD_STRUCT) return;
    cd_field_t *fields = cd_arena_array(&batch->arena, cd_field_t, s->nfields);
    cd_value_t *cells = cd_arena_array(&batch->arena, cd_value_t, s->nfields);
    uint32_t n = 0;
    for (uint32_t i = 0; i < s->nfields; i++) {
        bool droppable = s->fields[i].schema->optional || !u->settings.keep_compatible;
        if (droppable && listed(names, s->fields[i].name)) continue;
        fields[n] = s->fields[i];
        cells[n++] = value->items[i];
    }
    if (n == s->nfields) return;
    cd_schema_spec_t spec = schema_spec(s);
    spec.fields = fields;
    spec.nfields = n;
    spec.optional = false;
    spec.dflt = NULL;
    *schema = schema_intern(batch->schemas, &spec);
    *value = cd_v_items(CD_STRUCT, cells, n);
}

static void drop_listed_fields(const unwrap_t *u, cd_record_t *r, cd_batch_t *batch)
{
    if (str_empty(u->settings.drop_header)) return;
    const cd_value_t *names = NULL;
    for (uint32_t i = 0; i < r->nheaders; i++)
        if (strcmp(r->headers[i].key, u->settings.drop_header) == 0) names = &r->headers[i].value;
    if (names == NULL || names->type != CD_ARRAY || names->len == 0) return;
    drop_fields(u, names, batch, &r->value_schema, &r->value);
    if (u->settings.drop_from_key) drop_fields(u, names, batch, &r->key_schema, &r->key);
}

/** @return NULL or the record's error; the record is untouched then */
static cd_err_t *apply_one(unwrap_t *u, cd_batch_t *batch, cd_record_t *r)
{
    if (r->value.type == CD_NULL) {
        if (u->rule.drop_tombstones) {
            r->flags |= CD_REC_DROPPED;
        } else {
            add_tombstone_headers(u, r, batch);
        }
        return NULL;
    }
    if (r->value_schema == NULL) return NULL;
    plan_t *p = (plan_t *)schema_plans_get(&u->plans, r->value_schema);
    if (CD_UNLIKELY(p == NULL)) {
        cd_err_t *err = make_plan(u, r->value_schema, batch->schemas, &p);
        if (err != NULL) return err;
    }
    if (!p->envelope || r->value.type != CD_STRUCT) return NULL;
    const cd_value_t *envelope = r->value.items;
    const cd_value_t *after = &envelope[p->after], *before = &envelope[p->before];
    bool deleted = after->type == CD_NULL;
    if (deleted && (before->type == CD_NULL || u->rule.deletes == UNWRAP_DROP)) { /* a truncate has neither image */
        r->flags |= CD_REC_DROPPED;
        return NULL;
    }
    const image_t *image = deleted ? &p->before_image : &p->after_image;
    const cd_value_t *row = deleted ? before : after;
    bool keeps_row = !deleted || u->rule.deletes == UNWRAP_REWRITE;
    if (keeps_row && CD_UNLIKELY(image->err != NULL))
        return cd_err_new(CD_ERR_DATA, image->err->jvm_class, "%s", image->err->message);
    cd_err_t *err = set_topic(u, row, deleted ? p->route_before : p->route_after, r, &batch->arena);
    if (err != NULL) return err;
    add_headers(p, r, envelope, &batch->arena);
    if (keeps_row) {
        set_row(u, p, image, r, row, envelope, deleted, &batch->arena);
        drop_listed_fields(u, r, batch);
    } else {
        r->value = CD_V_NULL;
        r->value_schema = u->rule.deletes == UNWRAP_NULL ? p->after_schema : NULL;
    }
    return NULL;
}

static uint32_t unwrap_apply(void *transform, cd_batch_t *batch, uint32_t from, uint32_t to, cd_err_t **ret_err)
{
    unwrap_t *u = (unwrap_t *)transform;
    for (uint32_t i = from; i < to; i++) {
        cd_record_t *r = &batch->records[i];
        if ((r->flags & CD_REC_DROPPED) != 0) continue;
        cd_err_t *err = apply_one(u, batch, r);
        if (CD_UNLIKELY(err != NULL)) {
            *ret_err = err;
            return i;
        }
    }
    return to;
}

static const cd_needed_t *unwrap_needs(void *transform)
{
    return &((unwrap_t *)transform)->needed;
}

static const cd_transform_ops_t ops = {.size = sizeof(ops),
                                       .configure = unwrap_configure,
                                       .apply = unwrap_apply,
                                       .needs = unwrap_needs,
                                       .close = unwrap_close};

const cd_plugin_t unwrap_plugin = {CD_PLUGIN_HEAD,
                                   .kind = CD_KIND_TRANSFORM,
                                   .jvm_class = "io.debezium.transforms.ExtractNewRecordState",
                                   .version = CONNECTD_VERSION,
                                   .doc = "Takes the row out of a Debezium change event.",
                                   .keys = unwrap_keys,
                                   .ops = &ops};
