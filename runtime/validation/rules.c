#include "runtime/validation/rules.h"

#include "runtime/base/mem.h"
#include "runtime/base/str.h"
#include "runtime/client/java_regex.h"
#include "runtime/client/kafka_conf.h"
#include "runtime/validation/connector_keys.h"

static void add_error(entries_t *e, const char *name, const char *message)
{
    entry_t *entry = entries_find(e, name);
    if (entry != NULL) config_result_add(&entry->r, e->arena, message);
}

/* A class-valued setting must name a plugin of the kind; its full name is what users see back. */
static const cd_plugin_t *check_class(entries_t *e, const plugins_t *plugins, const char *key, uint32_t kind,
                                      const char *wanted)
{
    entry_t *entry = entries_find(e, key);
    if (entry == NULL || entry->r.text == NULL) return NULL;
    const cd_plugin_t *plugin = plugins_find(plugins, kind, entry->r.text);
    if (plugin != NULL) {
        entry->r.text = plugin->jvm_class;
        return plugin;
    }
    for (uint32_t i = 0; i < plugins_count(plugins); i++) {
        const char *other = plugins_at(plugins, i)->class_name;
        if (strcmp(other, entry->r.text) != 0) continue;
        config_result_add(
            &entry->r, e->arena,
            cd_arena_printf(e->arena, "Class class %s does not implement the %s interface", other, wanted));
        return NULL;
    }
    config_result_add(&entry->r, e->arena,
                      cd_arena_printf(e->arena, "Invalid value %s for configuration %s: Class %s could not be found.",
                                      entry->r.text, key, entry->r.text));
    return NULL;
}

static char *list_text(cd_list_t list, cd_arena_t *arena)
{
    char *text = cd_arena_strdup(arena, "");
    for (uint32_t i = 0; i < list.n; i++)
        text = cd_arena_printf(arena, "%s%s%s", text, i > 0 ? ", " : "", list.items[i]);
    return text;
}

static void check_dlq(entries_t *e, const char *dlq, cd_list_t topics, java_regex_t *re, const char *regex)
{
    for (uint32_t i = 0; i < topics.n; i++) {
        if (strcmp(topics.items[i], dlq) != 0) continue;
        add_error(
            e, "topics",
            cd_arena_printf(e->arena,
                            "The DLQ topic '%s' may not be included in the list of topics ('topics=[%s]') consumed "
                            "by the connector",
                            dlq, list_text(topics, e->arena)));
    }
    bool match = false;
    if (re == NULL) return;
    cd_err_t *err = java_regex_matches(re, dlq, strlen(dlq), &match);
    if (err == NULL && match) {
        add_error(
            e, "topics.regex",
            cd_arena_printf(e->arena,
                            "The DLQ topic '%s' may not be matched by the regex for the topics ('topics.regex=%s') "
                            "consumed by the connector",
                            dlq, regex));
    }
    cd_err_free(err);
}

static void check_topics(entries_t *e)
{
    const entry_t *topics = entries_find(e, "topics"), *regex = entries_find(e, "topics.regex");
    bool has_topics = !str_empty(topics->r.text), has_regex = !str_empty(regex->r.text);
    const char *pattern = regex->r.text;
    cd_list_t list = topics->r.list;
    java_regex_t *re = NULL;
    if (has_regex) {
        cd_err_t *err = java_regex_new(pattern, 0, &re);
        if (err != NULL)
            add_error(e, "topics.regex",
                      cd_arena_printf(e->arena, "Invalid value %s for configuration topics.regex: Invalid regex: %s",
                                      pattern, err->message));
        cd_err_free(err);
    }
    if (has_topics == has_regex) {
        const char *text = has_topics ? "topics and topics.regex are mutually exclusive options, but both are set."
                                      : "Must configure one of topics or topics.regex";
        add_error(e, "topics", text);
        add_error(e, "topics.regex", text);
    }
    const char *dlq = entries_find(e, "errors.deadletterqueue.topic.name")->r.text;
    if (!str_empty(dlq)) check_dlq(e, dlq, list, re, pattern);
    java_regex_free(re);
}

static void check_group(entries_t *e, const worker_config_t *worker, const cd_config_t *config)
{
    const char *name = cd_config_get(config, "name"), *given = cd_config_get(config, "consumer.override.group.id");
    if (!worker->distributed || worker->group_id == NULL || name == NULL) return;
    if (given != NULL && strcmp(given, worker->group_id) == 0) {
        entries_report(e, "consumer.override.group.id",
                       cd_arena_printf(e->arena, "Consumer group %s conflicts with Connect worker group %s", given,
                                       worker->group_id));
    } else if (given == NULL && str_eq(cd_arena_printf(e->arena, "connect-%s", name), worker->group_id)) {
        add_error(e, "name",
                  cd_arena_printf(e->arena,
                                  "Consumer group for sink connector named %s conflicts with Connect worker group %s",
                                  name, worker->group_id));
    }
}

void rules_common(entries_t *e, const plugins_t *plugins, const worker_config_t *worker, uint32_t kind,
                  const cd_config_t *config)
{
    (void)check_class(e, plugins, "key.converter", CD_KIND_CONVERTER, "Converter");
    (void)check_class(e, plugins, "value.converter", CD_KIND_CONVERTER, "Converter");
    (void)check_class(e, plugins, "header.converter", CD_KIND_HEADER_CONVERTER, "HeaderConverter");
    if (kind == CD_KIND_SINK) {
        check_topics(e);
        check_group(e, worker, config);
    } else {
        const entry_t *eos = entries_find(e, "exactly.once.support");
        if (eos->r.text != NULL && strcasecmp(eos->r.text, "required") == 0 && worker->eos != WORKER_EOS_ENABLED)
            add_error(e, "exactly.once.support", "This worker does not have exactly-once source support enabled.");
    }
}

/* ---- transforms and predicates --------------------------------------------------------------------------------- */

typedef struct row {
    const cd_key_t *key;
    int32_t own_order;
} row_t;

/* Connect's order of embedded rows: without a group first, then by group; then own order, required, importance, name. */
static int row_compare(const void *x, const void *y)
{
    const row_t *a = x, *b = y;
    const char *ga = a->key->group, *gb = b->key->group;
    if ((ga == NULL) != (gb == NULL)) return ga == NULL ? -1 : 1;
    int c = ga != NULL ? strcmp(ga, gb) : 0;
    if (c == 0) c = a->own_order - b->own_order;
    if (c == 0) c = (int)(b->key->flags & CD_K_REQUIRED) - (int)(a->key->flags & CD_K_REQUIRED);
    if (c == 0) c = a->key->importance - b->key->importance;
    return c != 0 ? c : strcmp(a->key->name, b->key->name);
}

static uint32_t collect_rows(const cd_plugin_t *plugin, const cd_key_t *more, row_t *rows, uint32_t max)
{
    uint32_t n = 0;
    for (const cd_key_t *k = more; k != NULL && k->name != NULL && n < max; k++) rows[n++] = (row_t){k, -1};
    for (const cd_key_t *k = plugin->keys; k != NULL && k->name != NULL; k = config_key_next(k, plugin->key_stride)) {
        if ((k->flags & CD_K_INTERNAL) != 0 || config_key_find(more, sizeof(cd_key_t), k->name) != NULL) continue;
        if (n < max) rows[n++] = (row_t){k, k->group == NULL ? -1 : (int32_t)n};
    }
    qsort(rows, n, sizeof(*rows), row_compare);
    return n;
}

typedef struct embedded {
    const char *list, *title, *noun, *interface;
    uint32_t kind;
    const cd_key_t *more;
} embedded_t;

static void add_embedded(entries_t *e, const plugins_t *plugins, const cd_config_t *config, const embedded_t *what,
                         const char *alias)
{
    static const cd_key_t type_key = {.name = "type",
                                      .type = CD_T_CLASS,
                                      .importance = CD_HIGH,
                                      .width = CD_W_LONG,
                                      .flags = CD_K_REQUIRED,
                                      .at = CD_NO_FIELD};
    const char *prefix = cd_arena_printf(e->arena, "%s.%s.", what->list, alias);
    const char *group = cd_arena_printf(e->arena, "%s: %s", what->title, alias);
    cd_config_t own = config_with_prefix(config, prefix, e->arena);
    const char *type_name = cd_arena_printf(e->arena, "%stype", prefix);
    cd_key_t *type = cd_arena_new(e->arena, cd_key_t);
    *type = type_key;
    entry_t *entry = entries_add(e, type_name, type);
    entry->group = group;
    entry->display = cd_arena_printf(e->arena, "%s type for %s", what->interface, alias);
    entry->doc = cd_arena_printf(e->arena, "Class for the '%s' %s.", alias, what->noun);
    config_check(type, &own, type_name, e->arena, &entry->r);
    type->name = type_name; /* the sentences of class checks use the whole name */
    entries_group(e, group);

    uint32_t nrecommended = 0;
    const char **recommended = cd_arena_array(e->arena, const char *, plugins_count(plugins) + 1);
    for (uint32_t i = 0; i < plugins_count(plugins); i++)
        if (plugins_at(plugins, i)->plugin->kind == what->kind)
            recommended[nrecommended++] = plugins_at(plugins, i)->class_name;
    recommended[nrecommended] = NULL;
    entry->r.recommended = recommended;

    const cd_plugin_t *plugin = check_class(e, plugins, type_name, what->kind, what->interface);
    if (plugin == NULL) return;
    row_t rows[128];
    uint32_t n = collect_rows(plugin, what->more, rows, sizeof(rows) / sizeof(rows[0]));
    for (uint32_t i = 0; i < n; i++) {
        const char *name = cd_arena_printf(e->arena, "%s%s", prefix, rows[i].key->name);
        entry = entries_add(e, name, rows[i].key);
        entry->group =
            rows[i].key->group == NULL ? group : cd_arena_printf(e->arena, "%s: %s", group, rows[i].key->group);
        entry->order = (int32_t)i + 1;
        config_check(rows[i].key, &own, name, e->arena, &entry->r);
        entries_group(e, entry->group);
    }
}

static void add_all_embedded(entries_t *e, const plugins_t *plugins, const cd_config_t *config, const embedded_t *what)
{
    const char *text = cd_config_get(config, what->list);
    if (text == NULL) return;
    cd_list_t aliases = str_split_list(text, e->arena);
    for (uint32_t i = 0; i < aliases.n; i++) {
        bool seen = false;
        for (uint32_t j = 0; j < i; j++) seen |= strcmp(aliases.items[i], aliases.items[j]) == 0;
        if (!seen) add_embedded(e, plugins, config, what, aliases.items[i]);
    }
}

static void check_negate(entries_t *e, const cd_config_t *config)
{
    const char *text = cd_config_get(config, "transforms");
    cd_list_t aliases = text != NULL ? str_split_list(text, e->arena) : (cd_list_t){0};
    for (uint32_t i = 0; i < aliases.n; i++) {
        const char *prefix = cd_arena_printf(e->arena, "transforms.%s.", aliases.items[i]);
        cd_config_t own = config_with_prefix(config, prefix, e->arena);
        if (cd_config_get(&own, "negate") == NULL || cd_config_get(&own, "predicate") != NULL) continue;
        add_error(e, cd_arena_printf(e->arena, "%stype", prefix),
                  cd_arena_printf(e->arena,
                                  "Config '%snegate' was provided but there is no config '%spredicate' defining a "
                                  "predicate to be negated.",
                                  prefix, prefix));
    }
}

void rules_transforms(entries_t *e, const plugins_t *plugins, const cd_config_t *config)
{
    embedded_t what = {.list = "transforms",
                       .title = "Transforms",
                       .noun = "transformation",
                       .interface = "Transformation",
                       .kind = CD_KIND_TRANSFORM,
                       .more = connector_transform_keys()};
    add_all_embedded(e, plugins, config, &what);
    check_negate(e, config);
}

void rules_predicates(entries_t *e, const plugins_t *plugins, const cd_config_t *config)
{
    embedded_t what = {.list = "predicates",
                       .title = "Predicates",
                       .noun = "predicate",
                       .interface = "Predicate",
                       .kind = CD_KIND_PREDICATE};
    add_all_embedded(e, plugins, config, &what);
}

/* ---- client overrides and converters ------------------------------------------------------------------------------ */

void rules_client_overrides(entries_t *e, const char *policy, uint32_t kind, const cd_config_t *config)
{
    bool topics = false;
    for (uint32_t i = 0; i < config->n; i++) topics |= str_starts(config->pairs[i].name, "topic.creation.");
    const char *dlq = cd_config_get(config, "errors.deadletterqueue.topic.name");
    bool sink = kind == CD_KIND_SINK, has_dlq = sink && !str_empty(dlq);
    bool own_offsets = !sink && !str_empty(cd_config_get(config, "offsets.storage.topic"));
    const struct {
        const char *prefix;
        bool used;
    } sides[] = {{"producer.override.", !sink || has_dlq},
                 {"consumer.override.", sink || own_offsets},
                 {"admin.override.", has_dlq || (!sink && topics) || own_offsets}};
    for (size_t s = 0; s < sizeof(sides) / sizeof(sides[0]); s++) {
        for (uint32_t i = 0; sides[s].used && i < config->n; i++) {
            const char *name = config->pairs[i].name, *key = name + strlen(sides[s].prefix);
            if (!str_starts(name, sides[s].prefix)) continue;
            entry_t *entry = entries_find(e, name);
            if (entry == NULL) entry = entries_add(e, cd_arena_strdup(e->arena, name), NULL);
            entry->client = true;
            /* Without a definition the type is unknown, and overrides are where credentials are given. */
            entry->r.text =
                strstr(key, "password") != NULL || strstr(key, "jaas") != NULL || strstr(key, "ssl.key")
                    ? "[hidden]"
                    : cd_arena_strdup(e->arena, config->pairs[i].value != NULL ? config->pairs[i].value : "");
            const char *refusal = kafka_conf_policy_refusal(policy, key, e->arena);
            if (refusal != NULL) config_result_add(&entry->r, e->arena, refusal);
        }
    }
}

void rules_converters(entries_t *e, const plugins_t *plugins, const cd_config_t *config)
{
    static const struct {
        const char *key;
        uint32_t kind;
    } sides[] = {{"header.converter", CD_KIND_HEADER_CONVERTER},
                 {"key.converter", CD_KIND_CONVERTER},
                 {"value.converter", CD_KIND_CONVERTER}};
    for (size_t i = 0; i < sizeof(sides) / sizeof(sides[0]); i++) {
        const char *class_name = cd_config_get(config, sides[i].key);
        const cd_plugin_t *plugin = class_name != NULL ? plugins_find(plugins, sides[i].kind, class_name) : NULL;
        if (plugin == NULL) continue;
        const char *prefix = cd_arena_printf(e->arena, "%s.", sides[i].key);
        cd_config_t own = config_with_prefix(config, prefix, e->arena);
        entries_add_table(e, plugin->keys, plugin->key_stride, prefix, &own, true);
    }
}
