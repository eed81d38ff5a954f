/* org.apache.kafka.connect.transforms.TimestampRouter: the record's time in the topic's name. */
#include "plugins/transforms/java_date.h"
#include "plugins/transforms/part.h"
#include "plugins/transforms/transforms.h"
#include "runtime/base/version.h"

#include <stddef.h>

typedef struct settings {
    const char *topic_format, *timestamp_format;
} settings_t;

typedef struct timestamp_router {
    part_t part;
    settings_t settings;
} timestamp_router_t;

static const cd_key_t keys[] = {
    {.name = "topic.format",
     .type = CD_T_STRING,
     .importance = CD_HIGH,
     .dflt = "${topic}-${timestamp}",
     .at = offsetof(settings_t, topic_format),
     .doc = "The new topic, with ${topic} and ${timestamp} for its parts."},
    {.name = "timestamp.format",
     .type = CD_T_STRING,
     .importance = CD_HIGH,
     .dflt = "yyyyMMdd",
     .at = offsetof(settings_t, timestamp_format),
     .doc = "Form of the timestamp, as java.text.SimpleDateFormat has it, in UTC."},
    CD_KEY_END,
};

static cd_err_t *timestamp_router_configure(cd_ctx_t *ctx, const cd_config_t *config, void **ret_transform)
{
    cd_err_t *err = part_new(sizeof(timestamp_router_t), ctx, config, keys, offsetof(timestamp_router_t, settings),
                             false, ret_transform);
    if (err == NULL)
        err = java_date_check(((timestamp_router_t *)*ret_transform)->settings.timestamp_format);
    else
        return err;
    if (err != NULL) part_close(*ret_transform);
    return err;
}

static void replace_all(strbuf_t *b, const char *what, const char *with)
{
    strbuf_t out = {0};
    const char *p = strbuf_str(b);
    for (const char *at = NULL; (at = strstr(p, what)) != NULL; p = at + strlen(what)) {
        strbuf_add(&out, p, (size_t)(at - p));
        strbuf_adds(&out, with);
    }
    strbuf_adds(&out, p);
    strbuf_done(b);
    *b = out;
}

static cd_err_t *timestamp_router_one(void *transform, cd_batch_t *batch, cd_record_t *r)
{
    const timestamp_router_t *t = (const timestamp_router_t *)transform;
    if (r->timestamp == CD_NO_TIMESTAMP)
        return cd_err_new(CD_ERR_DATA, CD_JVM_DATA, "Timestamp missing on record: topic '%s', offset %lld", r->topic,
                          (long long)r->kafka_offset);
    strbuf_t topic = {0}, time = {0};
    java_date_format(t->settings.timestamp_format, r->timestamp, &time);
    strbuf_adds(&topic, t->settings.topic_format);
    replace_all(&topic, "${topic}", r->topic);
    replace_all(&topic, "${timestamp}", strbuf_str(&time));
    r->topic = cd_arena_strdup(&batch->arena, strbuf_str(&topic));
    strbuf_done(&topic);
    strbuf_done(&time);
    return NULL;
}

static uint32_t timestamp_router_apply(void *t, cd_batch_t *batch, uint32_t from, uint32_t to, cd_err_t **ret_err)
{
    return part_each(t, timestamp_router_one, batch, from, to, ret_err);
}

static const cd_transform_ops_t ops = {
    .size = sizeof(ops), .configure = timestamp_router_configure, .apply = timestamp_router_apply, .close = part_close};

const cd_plugin_t timestamp_router_plugin = {CD_PLUGIN_HEAD,
                                             .kind = CD_KIND_TRANSFORM,
                                             .jvm_class = TRANSFORMS_PACKAGE "TimestampRouter",
                                             .version = CONNECT_VERSION,
                                             .doc = "Puts the record's time into the topic's name.",
                                             .keys = keys,
                                             .ops = &ops};
