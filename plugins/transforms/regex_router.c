/* org.apache.kafka.connect.transforms.RegexRouter. The result depends on the topic alone, and a task sees few topics:
 * each is matched once. */
#include "plugins/transforms/transforms.h"
#include "runtime/base/mem.h"
#include "runtime/base/version.h"
#include "runtime/client/java_regex.h"

#include <stddef.h>

#define TOPICS_MAX 4096u

typedef struct route {
    char *topic, *result; /* heap */
    const char *in_batch; /* copy of result in the arena of the batch numbered `batch` */
    uint64_t batch;
} route_t;

typedef struct router_settings {
    const char *regex, *replacement;
} router_settings_t;

typedef struct router {
    router_settings_t settings;
    cd_arena_t arena;
    java_regex_t *re;
    route_t *slots; /* open addressing */
    uint32_t cap, count;
    uint64_t calls;
} router_t;

static const cd_key_t keys[] = {
    {.name = "regex",
     .type = CD_T_STRING,
     .importance = CD_HIGH,
     .flags = CD_K_REQUIRED,
     .at = offsetof(router_settings_t, regex),
     .check = java_regex_check,
     .doc = "Regular expression (Java's syntax) that the whole topic must match."},
    {.name = "replacement",
     .type = CD_T_STRING,
     .importance = CD_HIGH,
     .flags = CD_K_REQUIRED,
     .at = offsetof(router_settings_t, replacement),
     .doc = "The new topic; $1 and ${name} are the groups of the match."},
    CD_KEY_END,
};

static void forget(router_t *t)
{
    for (uint32_t i = 0; i < t->cap; i++) {
        free(t->slots[i].topic);
        free(t->slots[i].result);
    }
    free(t->slots);
    t->slots = NULL;
    t->cap = t->count = 0;
}

static void router_close(void *transform)
{
    router_t *t = (router_t *)transform;
    if (t == NULL) return;
    forget(t);
    java_regex_free(t->re);
    cd_arena_done(&t->arena);
    free(t);
}

static cd_err_t *router_configure(cd_ctx_t *ctx, const cd_config_t *config, void **ret_transform)
{
    (void)ctx;
    router_t *t = mem_new0(router_t);
    cd_err_t *err = cd_host->config_parse(keys, sizeof(cd_key_t), config, &t->arena, &t->settings, NULL);
    if (err == NULL) err = java_regex_new(t->settings.regex, 0, &t->re);
    if (err != NULL) {
        router_close(t);
        return err;
    }
    *ret_transform = t;
    return NULL;
}

static cd_err_t *make_result(router_t *t, const char *topic, char **ret_result)
{
    cd_arena_t arena = {0};
    const char *result = topic;
    size_t len = strlen(topic);
    bool match = false;
    cd_err_t *err = java_regex_matches(t->re, topic, len, &match);
    /* the whole topic must match, and then the first match that a search finds is replaced: "a|ab" on "ab" gives Xb */
    if (err == NULL && match)
        err = java_regex_replace_first(t->re, topic, len, t->settings.replacement, &arena, &result);
    if (err == NULL) *ret_result = mem_strndup(result, strlen(result));
    cd_arena_done(&arena);
    return err;
}

static route_t *find(route_t *slots, uint32_t cap, const char *topic)
{
    uint64_t h = UINT64_C(0xCBF29CE484222325);
    for (const char *p = topic; *p != '\0'; p++) h = (h ^ (uint8_t)*p) * UINT64_C(0x100000001B3);
    uint32_t i = (uint32_t)(h ^ (h >> 32)) & (cap - 1);
    while (slots[i].topic != NULL && strcmp(slots[i].topic, topic) != 0) i = (i + 1) & (cap - 1);
    return &slots[i];
}

static cd_err_t *get_route(router_t *t, const char *topic, route_t **ret_route)
{
    if (t->count >= TOPICS_MAX) forget(t);
    if (t->count * 2 >= t->cap) {
        uint32_t cap = t->cap == 0 ? 64 : t->cap * 2;
        route_t *slots = mem_alloc0(cap, sizeof(*slots));
        for (uint32_t i = 0; i < t->cap; i++)
            if (t->slots[i].topic != NULL) *find(slots, cap, t->slots[i].topic) = t->slots[i];
        free(t->slots);
        t->slots = slots;
        t->cap = cap;
    }
    route_t *r = find(t->slots, t->cap, topic);
    if (r->topic == NULL) {
        char *result = NULL;
        cd_err_t *err = make_result(t, topic, &result);
        if (err != NULL) return err;
        *r = (route_t){.topic = mem_strdup(topic), .result = result};
        t->count++;
    }
    *ret_route = r;
    return NULL;
}

static uint32_t router_apply(void *transform, cd_batch_t *batch, uint32_t from, uint32_t to, cd_err_t **ret_err)
{
    router_t *t = (router_t *)transform;
    const char *last_in = NULL, *last_out = NULL;
    t->calls++;
    for (uint32_t i = from; i < to; i++) {
        cd_record_t *r = &batch->records[i];
        if ((r->flags & CD_REC_DROPPED) != 0) continue;
        if (r->topic != last_in) {
            route_t *route = NULL;
            cd_err_t *err = get_route(t, r->topic, &route);
            if (err != NULL) {
                *ret_err = err;
                return i;
            }
            /* records may outlive the transform, so the batch gets its own copy, once per topic */
            if (route->batch != t->calls) {
                route->in_batch = cd_arena_strdup(&batch->arena, route->result);
                route->batch = t->calls;
            }
            last_in = r->topic;
            last_out = route->in_batch;
        }
        r->topic = last_out;
    }
    return to;
}

static const cd_transform_ops_t ops = {
    .size = sizeof(ops), .configure = router_configure, .apply = router_apply, .close = router_close};

const cd_plugin_t regex_router_plugin = {CD_PLUGIN_HEAD,
                                         .kind = CD_KIND_TRANSFORM,
                                         .jvm_class = "org.apache.kafka.connect.transforms.RegexRouter",
                                         .version = CONNECT_VERSION,
                                         .doc = "Names the topic anew with a regular expression.",
                                         .keys = keys,
                                         .ops = &ops};
