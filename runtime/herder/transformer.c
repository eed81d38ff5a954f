#include "runtime/herder/transformer.h"

#include "runtime/base/mem.h"
#include "runtime/base/str.h"
#include "runtime/base/strbuf.h"

struct transformer {
    uint32_t n;
    transformer_provider_t *providers;
};

/** A variable in a text: [start, end) is all of it. */
typedef struct variable {
    const char *start, *end;
    const char *provider, *path, *key; /* in arena; path "" without one */
} variable_t;

/** All keys wanted under one path of one provider, and what came back. */
typedef struct lookup {
    struct lookup *next;
    const transformer_provider_t *provider;
    const char *path;
    uint32_t n, cap;
    const char **keys;   /* heap */
    const char **values; /* heap, parallel; NULL: not known */
    cd_arena_t *arena;
} lookup_t;

transformer_t *transformer_new(const transformer_provider_t *providers, uint32_t n)
{
    transformer_t *t = mem_new0(transformer_t);
    t->n = n;
    t->providers = mem_alloc0(n, sizeof(*t->providers));
    for (uint32_t i = 0; i < n; i++) {
        t->providers[i] = providers[i];
        t->providers[i].name = mem_strdup(providers[i].name);
    }
    return t;
}

void transformer_free(transformer_t *t)
{
    if (t == NULL) return;
    for (uint32_t i = 0; i < t->n; i++) {
        t->providers[i].ops->close(t->providers[i].instance);
        free((void *)(uintptr_t)t->providers[i].name);
    }
    free(t->providers);
    free(t);
}

/* The leftmost variable at or after s: "${provider:[path:]key}", all parts as short as can be, none with a '}'.
 * @param arena  NULL: only find it */
static bool next_variable(const char *s, cd_arena_t *arena, variable_t *ret)
{
    for (const char *at = s; (at = strstr(at, "${")) != NULL; at++) {
        const char *body = at + 2;
        const char *end = strchr(body, '}');
        if (end == NULL) return false;
        const char *colon = memchr(body, ':', (size_t)(end - body));
        if (colon == NULL) continue;
        ret->start = at;
        ret->end = end + 1;
        if (arena == NULL) return true;
        const char *second = memchr(colon + 1, ':', (size_t)(end - colon - 1));
        ret->provider = cd_arena_strndup(arena, body, (size_t)(colon - body));
        ret->path = second == NULL ? "" : cd_arena_strndup(arena, colon + 1, (size_t)(second - colon - 1));
        const char *key = second == NULL ? colon + 1 : second + 1;
        ret->key = cd_arena_strndup(arena, key, (size_t)(end - key));
        return true;
    }
    return false;
}

bool transformer_has_variable(const char *value)
{
    variable_t v;
    return value != NULL && next_variable(value, NULL, &v);
}

static const transformer_provider_t *find_provider(const transformer_t *t, const char *name)
{
    for (uint32_t i = 0; i < t->n; i++)
        if (strcmp(t->providers[i].name, name) == 0) return &t->providers[i];
    return NULL;
}

static lookup_t *find_lookup(lookup_t *list, const transformer_provider_t *provider, const char *path)
{
    while (list != NULL && (list->provider != provider || strcmp(list->path, path) != 0)) list = list->next;
    return list;
}

static const char **lookup_value(const lookup_t *l, const char *key)
{
    for (uint32_t i = 0; i < l->n; i++)
        if (strcmp(l->keys[i], key) == 0) return &l->values[i];
    return NULL;
}

/* Note what the text asks for. */
static void collect(const transformer_t *t, const char *text, cd_arena_t *arena, lookup_t **lookups)
{
    variable_t v;
    for (const char *s = text; next_variable(s, arena, &v); s = v.end) {
        const transformer_provider_t *p = find_provider(t, v.provider);
        if (p == NULL) continue;
        lookup_t *l = find_lookup(*lookups, p, v.path);
        if (l == NULL) {
            l = cd_arena_new(arena, lookup_t);
            *l = (lookup_t){.next = *lookups, .provider = p, .path = v.path, .arena = arena};
            *lookups = l;
        }
        if (lookup_value(l, v.key) != NULL) continue;
        if (l->values == NULL || l->n == l->cap) {
            l->cap = l->cap == 0 ? 8 : l->cap * 2;
            l->keys = mem_realloc_array(l->keys, l->cap, sizeof(*l->keys));
            l->values = mem_realloc_array(l->values, l->cap, sizeof(*l->values));
        }
        l->keys[l->n] = v.key;
        l->values[l->n++] = NULL;
    }
}

static void take_secret(cd_secrets_t *out, const char *key, const char *value)
{
    lookup_t *l = out->arg;
    const char **at = lookup_value(l, key);
    if (at != NULL && value != NULL) *at = cd_arena_strdup(l->arena, value);
}

static const char *replace(const transformer_t *t, const char *text, lookup_t *lookups, cd_arena_t *arena)
{
    strbuf_t out = {0};
    variable_t v;
    const char *s = text;
    for (; next_variable(s, arena, &v); s = v.end) {
        const transformer_provider_t *p = find_provider(t, v.provider);
        lookup_t *l = p == NULL ? NULL : find_lookup(lookups, p, v.path);
        const char **value = l == NULL ? NULL : lookup_value(l, v.key);
        strbuf_add(&out, s, (size_t)(v.start - s));
        if (value != NULL && *value != NULL)
            strbuf_adds(&out, *value);
        else
            strbuf_add(&out, v.start, (size_t)(v.end - v.start));
    }
    strbuf_adds(&out, s);
    const char *result = cd_arena_strndup(arena, strbuf_str(&out), out.len);
    strbuf_done(&out);
    return result;
}

static cd_err_t *run_lookups(lookup_t *lookups, cd_arena_t *arena, transformer_ttls_t *ret_ttls)
{
    uint32_t n = 0, ttls = 0;
    for (const lookup_t *l = lookups; l != NULL; l = l->next) n++;
    transformer_ttl_t *items = cd_arena_array(arena, transformer_ttl_t, n);
    for (lookup_t *l = lookups; l != NULL; l = l->next) {
        int64_t ttl = -1;
        cd_secrets_t out = {.arg = l, .put = take_secret};
        cd_err_t *err = l->provider->ops->get(l->provider->instance, l->path, l->keys, l->n, &out, &ttl);
        if (err != NULL) return err;
        if (ttl >= 0)
            items[ttls++] = (transformer_ttl_t){
                .provider = cd_arena_strdup(arena, l->provider->name), .path = l->path, .ttl_ms = ttl};
    }
    if (ret_ttls != NULL) *ret_ttls = (transformer_ttls_t){.n = ttls, .items = items};
    return NULL;
}

cd_err_t *transformer_apply(transformer_t *t, const cd_config_t *config, cd_arena_t *arena, cd_config_t *ret_config,
                            transformer_ttls_t *ret_ttls)
{
    lookup_t *lookups = NULL;
    cd_pair_t *pairs = cd_arena_array(arena, cd_pair_t, config->n);
    if (ret_ttls != NULL) *ret_ttls = (transformer_ttls_t){0};
    for (uint32_t i = 0; i < config->n; i++)
        if (config->pairs[i].value != NULL) collect(t, config->pairs[i].value, arena, &lookups);
    cd_err_t *err = run_lookups(lookups, arena, ret_ttls);
    for (uint32_t i = 0; err == NULL && i < config->n; i++) {
        const char *value = config->pairs[i].value;
        pairs[i].name = cd_arena_strdup(arena, config->pairs[i].name);
        pairs[i].value = value == NULL ? NULL : replace(t, value, lookups, arena);
    }
    for (lookup_t *l = lookups; l != NULL; l = l->next) {
        free(l->keys);
        free(l->values);
    }
    if (err == NULL) *ret_config = (cd_config_t){.n = config->n, .pairs = pairs};
    return err;
}
