/* org.apache.kafka.connect.transforms.predicates.*: TopicNameMatches, HasHeaderKey, RecordIsTombstone; and Filter,
 * which only makes sense with one of them. */
#include "plugins/transforms/transforms.h"
#include "runtime/base/mem.h"
#include "runtime/base/version.h"
#include "runtime/client/java_regex.h"

#include <stddef.h>

#define PREDICATES "org.apache.kafka.connect.transforms.predicates."

typedef struct predicate {
    const char *text; /* pattern, or header name */
    java_regex_t *re;
    cd_arena_t arena;
} predicate_t;

static const char *check_not_empty(const cd_key_t *key, const char *text, cd_arena_t *arena)
{
    (void)key;
    (void)arena;
    return text[0] == '\0' ? "String must be non-empty" : NULL;
}

static const char *check_pattern(const cd_key_t *key, const char *text, cd_arena_t *arena)
{
    return text[0] == '\0' ? check_not_empty(key, text, arena) : java_regex_check(key, text, arena);
}

static const cd_key_t topic_keys[] = {
    {.name = "pattern",
     .type = CD_T_STRING,
     .importance = CD_MEDIUM,
     .flags = CD_K_REQUIRED,
     .at = offsetof(predicate_t, text),
     .check = check_pattern,
     .doc = "Regular expression (Java's syntax) that the whole topic must match."},
    CD_KEY_END,
};

static const cd_key_t header_keys[] = {
    {.name = "name",
     .type = CD_T_STRING,
     .importance = CD_MEDIUM,
     .flags = CD_K_REQUIRED,
     .at = offsetof(predicate_t, text),
     .check = check_not_empty,
     .doc = "The header's key."},
    CD_KEY_END,
};

static const cd_key_t no_keys[] = {CD_KEY_END};

static void predicate_close(void *predicate)
{
    predicate_t *p = (predicate_t *)predicate;
    if (p == NULL) return;
    java_regex_free(p->re);
    cd_arena_done(&p->arena);
    free(p);
}

static cd_err_t *configure(const cd_config_t *config, const cd_key_t *keys, bool pattern, void **ret_predicate)
{
    predicate_t *p = mem_new0(predicate_t);
    cd_err_t *err = cd_host->config_parse(keys, sizeof(cd_key_t), config, &p->arena, p, NULL);
    if (err == NULL && pattern) err = java_regex_new(p->text, 0, &p->re);
    if (err != NULL) {
        predicate_close(p);
        return err;
    }
    *ret_predicate = p;
    return NULL;
}

static cd_err_t *topic_configure(cd_ctx_t *ctx, const cd_config_t *config, void **ret_predicate)
{
    (void)ctx;
    return configure(config, topic_keys, true, ret_predicate);
}

static cd_err_t *header_configure(cd_ctx_t *ctx, const cd_config_t *config, void **ret_predicate)
{
    (void)ctx;
    return configure(config, header_keys, false, ret_predicate);
}

static cd_err_t *tombstone_configure(cd_ctx_t *ctx, const cd_config_t *config, void **ret_predicate)
{
    (void)ctx;
    return configure(config, no_keys, false, ret_predicate);
}

static uint32_t topic_test(void *predicate, cd_batch_t *batch, uint32_t from, uint32_t to, bool *match,
                           cd_err_t **ret_err)
{
    predicate_t *p = (predicate_t *)predicate;
    const char *last = NULL;
    bool last_match = false;
    for (uint32_t i = from; i < to; i++) {
        const cd_record_t *r = &batch->records[i];
        if ((r->flags & CD_REC_DROPPED) != 0 || r->topic == NULL) {
            match[i - from] = false;
            continue;
        }
        if (r->topic != last) {
            cd_err_t *err = java_regex_matches(p->re, r->topic, strlen(r->topic), &last_match);
            if (err != NULL) {
                *ret_err = err;
                return i;
            }
            last = r->topic;
        }
        match[i - from] = last_match;
    }
    return to;
}

static uint32_t header_test(void *predicate, cd_batch_t *batch, uint32_t from, uint32_t to, bool *match,
                            cd_err_t **ret_err)
{
    const predicate_t *p = (const predicate_t *)predicate;
    (void)ret_err;
    for (uint32_t i = from; i < to; i++) {
        const cd_record_t *r = &batch->records[i];
        bool found = false;
        for (uint32_t h = 0; h < r->nheaders && !found; h++) found = strcmp(r->headers[h].key, p->text) == 0;
        match[i - from] = found;
    }
    return to;
}

static uint32_t tombstone_test(void *predicate, cd_batch_t *batch, uint32_t from, uint32_t to, bool *match,
                               cd_err_t **ret_err)
{
    (void)predicate;
    (void)ret_err;
    for (uint32_t i = from; i < to; i++) match[i - from] = batch->records[i].value.type == CD_NULL;
    return to;
}

static const cd_predicate_ops_t topic_ops = {
    .size = sizeof(topic_ops), .configure = topic_configure, .test = topic_test, .close = predicate_close};
static const cd_predicate_ops_t header_ops = {
    .size = sizeof(header_ops), .configure = header_configure, .test = header_test, .close = predicate_close};
static const cd_predicate_ops_t tombstone_ops = {
    .size = sizeof(tombstone_ops), .configure = tombstone_configure, .test = tombstone_test, .close = predicate_close};

const cd_plugin_t topic_name_matches_plugin = {CD_PLUGIN_HEAD,
                                               .kind = CD_KIND_PREDICATE,
                                               .jvm_class = PREDICATES "TopicNameMatches",
                                               .version = CONNECT_VERSION,
                                               .doc = "True when the whole topic matches a regular expression.",
                                               .keys = topic_keys,
                                               .ops = &topic_ops};
const cd_plugin_t has_header_key_plugin = {CD_PLUGIN_HEAD,
                                           .kind = CD_KIND_PREDICATE,
                                           .jvm_class = PREDICATES "HasHeaderKey",
                                           .version = CONNECT_VERSION,
                                           .doc = "True when the record has a header with this key.",
                                           .keys = header_keys,
                                           .ops = &header_ops};
const cd_plugin_t record_is_tombstone_plugin = {CD_PLUGIN_HEAD,
                                                .kind = CD_KIND_PREDICATE,
                                                .jvm_class = PREDICATES "RecordIsTombstone",
                                                .version = CONNECT_VERSION,
                                                .doc = "True when the value is null.",
                                                .keys = no_keys,
                                                .ops = &tombstone_ops};

/* ---- Filter ------------------------------------------------------------------------------------------------------ */

static uint32_t filter_apply(void *transform, cd_batch_t *batch, uint32_t from, uint32_t to, cd_err_t **ret_err)
{
    (void)transform;
    (void)ret_err;
    for (uint32_t i = from; i < to; i++) batch->records[i].flags |= CD_REC_DROPPED;
    return to;
}

static const cd_transform_ops_t filter_ops = {
    .size = sizeof(filter_ops), .configure = tombstone_configure, .apply = filter_apply, .close = predicate_close};

const cd_plugin_t filter_plugin = {CD_PLUGIN_HEAD,
                                   .kind = CD_KIND_TRANSFORM,
                                   .jvm_class = "org.apache.kafka.connect.transforms.Filter",
                                   .version = CONNECT_VERSION,
                                   .doc = "Drops every record it is given; use it with a predicate.",
                                   .keys = no_keys,
                                   .ops = &filter_ops};
