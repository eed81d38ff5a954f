#include "runtime/task/topic_rules.h"

#include "runtime/base/mem.h"
#include "runtime/base/str.h"
#include "runtime/client/java_regex.h"
#include "runtime/config/config_key.h"

#define PREFIX "topic.creation."

typedef struct group {
    topic_plan_t plan;
    java_regex_t *include, *exclude; /* NULL: everything / nothing */
} group_t;

struct topic_rules {
    cd_arena_t arena;
    group_t *groups; /* in order of precedence, the default last */
    uint32_t n;
};

typedef struct group_settings {
    int32_t replication, partitions;
    cd_list_t include, exclude;
} group_settings_t;

static const cd_key_t keys[] = {
    {.name = "replication.factor",
     .type = CD_T_SHORT,
     .flags = CD_K_REQUIRED,
     .at = offsetof(group_settings_t, replication)},
    {.name = "partitions", .type = CD_T_INT, .flags = CD_K_REQUIRED, .at = offsetof(group_settings_t, partitions)},
    {.name = "include", .type = CD_T_LIST, .dflt = "", .at = offsetof(group_settings_t, include)},
    {.name = "exclude", .type = CD_T_LIST, .dflt = "", .at = offsetof(group_settings_t, exclude)},
    CD_KEY_END};

static cd_err_t *compile(cd_arena_t *arena, const cd_list_t *list, java_regex_t **ret_re)
{
    const char *joined = "";
    for (uint32_t i = 0; i < list->n; i++)
        joined = cd_arena_printf(arena, "%s%s%s", joined, i > 0 ? "|" : "", list->items[i]);
    return list->n == 0 ? NULL : java_regex_new(joined, 0, ret_re);
}

static cd_err_t *group_add(topic_rules_t *r, const cd_config_t *all, const char *alias, const group_settings_t *dflt,
                           group_settings_t *ret_settings)
{
    cd_arena_t *a = &r->arena;
    cd_config_t own = config_with_prefix(all, cd_arena_printf(a, PREFIX "%s.", alias), a);
    cd_pair_t *pairs = cd_arena_array(a, cd_pair_t, own.n + 2), *extra = cd_arena_array(a, cd_pair_t, own.n + 1);
    uint32_t n = 0, nextra = 0;
    for (uint32_t i = 0; i < own.n; i++) {
        bool known = config_key_find(keys, sizeof(keys[0]), own.pairs[i].name) != NULL;
        if (known)
            pairs[n++] = own.pairs[i];
        else if (own.pairs[i].value != NULL)
            extra[nextra++] = own.pairs[i];
    }
    if (dflt != NULL && cd_config_get(&own, "replication.factor") == NULL)
        pairs[n++] = (cd_pair_t){"replication.factor", cd_arena_printf(a, "%d", dflt->replication)};
    if (dflt != NULL && cd_config_get(&own, "partitions") == NULL)
        pairs[n++] = (cd_pair_t){"partitions", cd_arena_printf(a, "%d", dflt->partitions)};
    cd_config_t known = {n, pairs};
    cd_err_t *err = config_parse(keys, sizeof(keys[0]), &known, a, ret_settings, NULL);
    if (err != NULL)
        return cd_err_wrap(err, CD_ERR_CONFIG, CD_JVM_CONFIG,
                           "Invalid settings of topic creation group '%s' (" PREFIX "%s.*)", alias, alias);
    group_t *g = &r->groups[r->n++];
    g->plan = (topic_plan_t){alias, ret_settings->partitions, ret_settings->replication, {nextra, extra}};
    if (dflt == NULL) return NULL; /* the default group takes every topic */
    err = compile(a, &ret_settings->include, &g->include);
    return err != NULL ? err : compile(a, &ret_settings->exclude, &g->exclude);
}

cd_err_t *topic_rules_new(bool enabled, const cd_config_t *config, topic_rules_t **ret_rules)
{
    bool any = false;
    *ret_rules = NULL;
    for (uint32_t i = 0; i < config->n; i++) any = any || str_starts(config->pairs[i].name, PREFIX);
    if (!enabled || !any) return NULL;
    topic_rules_t *r = mem_new0(topic_rules_t);
    group_settings_t dflt = {0}, set = {0};
    group_t last;
    const char *text = cd_config_get(config, PREFIX "groups");
    cd_list_t aliases = str_split_list(text != NULL ? text : "", &r->arena);
    r->groups = (group_t *)cd_arena_alloc0(&r->arena, sizeof(group_t) * (aliases.n + 1));
    cd_err_t *err = NULL;
    for (uint32_t i = 0; i < aliases.n && err == NULL; i++)
        for (uint32_t k = 0; k < i && err == NULL; k++)
            if (str_eq(aliases.items[i], aliases.items[k]))
                err =
                    cd_err_new(CD_ERR_CONFIG, CD_JVM_CONFIG,
                               "Invalid value %s for configuration " PREFIX "groups: Duplicate alias provided.", text);
    if (err == NULL) err = group_add(r, config, "default", NULL, &dflt);
    if (err != NULL) goto out;
    last = r->groups[0];
    r->n = 0;
    for (uint32_t i = 0; i < aliases.n && err == NULL; i++)
        if (!str_eq(aliases.items[i], "default")) err = group_add(r, config, aliases.items[i], &dflt, &set);
    if (err != NULL) goto out;
    r->groups[r->n++] = last;
    *ret_rules = r;
    r = NULL;
out:
    topic_rules_free(r);
    return err;
}

void topic_rules_free(topic_rules_t *r)
{
    if (r == NULL) return;
    for (uint32_t i = 0; i < r->n; i++) {
        java_regex_free(r->groups[i].include);
        java_regex_free(r->groups[i].exclude);
    }
    cd_arena_done(&r->arena);
    free(r);
}

cd_err_t *topic_rules_plan(topic_rules_t *r, const char *topic, topic_plan_t *ret_plan)
{
    for (uint32_t i = 0; i < r->n; i++) {
        group_t *g = &r->groups[i];
        bool in = i + 1 == r->n, out = false;
        cd_err_t *err = NULL;
        if (g->include != NULL) err = java_regex_matches(g->include, topic, strlen(topic), &in);
        if (err == NULL && in && g->exclude != NULL) err = java_regex_matches(g->exclude, topic, strlen(topic), &out);
        if (err != NULL) return err;
        if (!in || out) continue;
        *ret_plan = g->plan;
        return NULL;
    }
    return cd_err_new(CD_ERR_FATAL, CD_JVM_CONNECT, "no topic creation group fits topic '%s'", topic);
}
