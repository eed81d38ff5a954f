#include "runtime/validation/entries.h"

#include "runtime/base/mem.h"
#include "runtime/base/str.h"

void entries_done(entries_t *e)
{
    free(e->items);
    e->items = NULL;
    e->n = e->cap = 0;
}

entry_t *entries_add(entries_t *e, const char *name, const cd_key_t *key)
{
    mem_grow(e->items, e->n, e->cap);
    entry_t *entry = &e->items[e->n++];
    *entry = (entry_t){.name = name, .key = key, .r = {.key = key, .visible = true}};
    if (key != NULL) {
        entry->display = key->display != NULL ? key->display : key->name;
        entry->group = key->group;
        entry->doc = key->doc;
    }
    return entry;
}

entry_t *entries_find(entries_t *e, const char *name)
{
    for (uint32_t i = 0; i < e->n; i++)
        if (strcmp(e->items[i].name, name) == 0) return &e->items[i];
    return NULL;
}

void entries_report(entries_t *e, const char *name, const char *message)
{
    entry_t *entry = entries_find(e, name);
    if (entry == NULL) {
        (void)entries_add(e, cd_arena_strdup(e->arena, name), NULL);
        entry_t fresh = e->items[e->n - 1];
        memmove(e->items + 1, e->items, (e->n - 1) * sizeof(*e->items));
        e->items[0] = fresh;
        entry = &e->items[0];
    }
    config_result_add(&entry->r, e->arena, cd_arena_strdup(e->arena, message));
}

void entries_group(entries_t *e, const char *group)
{
    if (group == NULL) return;
    for (uint32_t i = 0; i < e->ngroups; i++)
        if (strcmp(e->groups[i], group) == 0) return;
    if (e->ngroups < sizeof(e->groups) / sizeof(e->groups[0])) e->groups[e->ngroups++] = group;
}

void entries_add_table(entries_t *e, const cd_key_t *keys, uint32_t stride, const char *prefix,
                       const cd_config_t *config, bool client)
{
    if (keys == NULL) return;
    for (const cd_key_t *k = keys; k->name != NULL; k = config_key_next(k, stride)) {
        if ((k->flags & CD_K_INTERNAL) != 0) continue;
        const char *name = cd_arena_printf(e->arena, "%s%s", prefix, k->name);
        entry_t *entry = entries_find(e, name);
        if (entry != NULL)
            *entry = (entry_t){.name = name,
                               .key = k,
                               .display = k->display != NULL ? k->display : k->name,
                               .group = k->group,
                               .doc = k->doc};
        else
            entry = entries_add(e, name, k);
        entry->client = client;
        config_check(k, config, name, e->arena, &entry->r);
        if ((k->flags & CD_K_SELF_CHECKED) != 0) {
            entry->r.nerrors = 0;
            entry->r.text = NULL;
        }
        entry->order = k->group == NULL ? -1 : 0;
        for (const cd_key_t *o = keys; k->group != NULL && o != config_key_next(k, stride);
             o = config_key_next(o, stride))
            entry->order += (o->flags & CD_K_INTERNAL) == 0 && str_eq(o->group, k->group);
        entries_group(e, k->group);
    }
}

uint32_t entries_error_count(const entries_t *e)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < e->n; i++) {
        const entry_t *entry = &e->items[i];
        n += entry->client ? entry->r.nerrors > 0 : entry->r.nerrors;
    }
    return n;
}

static json_t *text_or_null(const char *s)
{
    json_t *v = s != NULL ? json_string(s) : json_null();
    return v != NULL ? v : json_string("?"); /* jansson refuses broken UTF-8 */
}

static void put(json_t *o, const char *name, json_t *v)
{
    if (json_object_set_new(o, name, v) != 0) abort();
}

static json_t *texts(const char *const *items, uint32_t n)
{
    json_t *a = json_array();
    for (uint32_t i = 0; i < n; i++)
        if (json_array_append_new(a, text_or_null(items[i])) != 0) abort();
    return a;
}

json_t *entry_definition_json(const entry_t *entry)
{
    const cd_key_t *k = entry->key;
    if (k == NULL) return json_null();
    uint32_t ndependents = 0;
    while (k->dependents != NULL && k->dependents[ndependents] != NULL) ndependents++;
    json_t *o = json_object();
    put(o, "name", json_string(entry->name));
    put(o, "type", json_string(config_type_name(k->type)));
    put(o, "required", json_boolean((k->flags & CD_K_REQUIRED) != 0));
    put(o, "default_value", text_or_null(k->type == CD_T_PASSWORD && k->dflt != NULL ? "[hidden]" : k->dflt));
    put(o, "importance", json_string(config_importance_name(k->importance)));
    put(o, "documentation", text_or_null(entry->doc));
    put(o, "group", text_or_null(entry->group));
    put(o, "width", json_string(config_width_name(k->width)));
    put(o, "display_name", text_or_null(entry->display));
    put(o, "dependents", texts(k->dependents, ndependents));
    put(o, "order", json_integer(entry->order));
    return o;
}

static json_t *entry_value_json(const entry_t *entry)
{
    const config_result_t *r = &entry->r;
    uint32_t nrecommended = 0;
    while (r->recommended != NULL && r->recommended[nrecommended] != NULL) nrecommended++;
    bool hide = entry->key != NULL && entry->key->type == CD_T_PASSWORD && r->text != NULL;
    json_t *o = json_object();
    put(o, "name", json_string(entry->name));
    put(o, "value", text_or_null(hide ? "[hidden]" : r->text));
    put(o, "recommended_values", texts(r->recommended, nrecommended));
    put(o, "errors", texts(r->errors, r->nerrors));
    put(o, "visible", json_boolean(r->visible));
    return o;
}

json_t *entries_json(const entries_t *e, const char *name)
{
    json_t *o = json_object(), *configs = json_array();
    for (uint32_t i = 0; i < e->n; i++) {
        json_t *info = json_object();
        put(info, "definition", entry_definition_json(&e->items[i]));
        put(info, "value", entry_value_json(&e->items[i]));
        if (json_array_append_new(configs, info) != 0) abort();
    }
    put(o, "name", text_or_null(name));
    put(o, "error_count", json_integer(entries_error_count(e)));
    put(o, "groups", texts(e->groups, e->ngroups));
    put(o, "configs", configs);
    return o;
}

char *entries_message(const entries_t *e, cd_arena_t *arena)
{
    strbuf_t b = {0};
    strbuf_addf(&b,
                "Connector configuration is invalid and contains the following %u error(s):", entries_error_count(e));
    for (uint32_t i = 0; i < e->n; i++)
        for (uint32_t j = 0; j < e->items[i].r.nerrors; j++) strbuf_addf(&b, "\n%s", e->items[i].r.errors[j]);
    strbuf_adds(&b, "\nYou can also find the above list of errors at the endpoint "
                    "`/connector-plugins/{connectorType}/config/validate`");
    char *text = cd_arena_strdup(arena, strbuf_str(&b));
    strbuf_done(&b);
    return text;
}
