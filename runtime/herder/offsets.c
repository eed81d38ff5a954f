/* GET …/offsets: of source connectors from the offset store, of sink connectors from their consumer group. */
#include "runtime/herder/herder_priv.h"

#include "runtime/base/json.h"
#include "runtime/base/mem.h"
#include "runtime/base/str.h"
#include "runtime/store/group_offsets.h"

typedef struct listing {
    herder_t *h;
    char *name;
    herder_offsets_fn *done;
    void *arg;
    cd_arena_t arena;
    uint32_t n, cap;
    herder_offset_t *items; /* heap */
} listing_t;

static void listing_free(listing_t *l)
{
    free(l->items);
    free(l->name);
    cd_arena_done(&l->arena);
    free(l);
}

static void refuse(void *arg, cd_err_t *err)
{
    listing_t *l = arg;
    l->done(l->arg, err, NULL);
    listing_free(l);
}

/* Takes err. */
static void fail(listing_t *l, cd_err_t *err, const char *sentence)
{
    err = cd_err_wrap(err, CD_ERR_RETRIABLE, CD_JVM_CONNECT, "%s %s", sentence, l->name);
    err->code = 500;
    refuse(l, err);
}

static void add_offset(void *arg, const char *partition, const char *offset)
{
    listing_t *l = arg;
    mem_grow(l->items, l->n, l->cap);
    l->items[l->n++] = (herder_offset_t){.partition = cd_arena_strdup(&l->arena, partition),
                                         .offset = cd_arena_strdup(&l->arena, offset)};
}

static int by_partition(const void *a, const void *b)
{
    return strcmp(((const herder_offset_t *)a)->partition, ((const herder_offset_t *)b)->partition);
}

static void answer(listing_t *l)
{
    const herder_offsets_t offsets = {.n = l->n, .items = l->items};
    l->done(l->arg, NULL, &offsets);
    listing_free(l);
}

static void on_source_read(void *arg, cd_err_t *err)
{
    listing_t *l = arg;
    if (err != NULL) {
        fail(l, err, "Failed to retrieve offsets for source connector");
        return;
    }
    offset_map_each(offset_store_map(l->h->offsets), l->name, add_offset, l);
    if (l->n > 0) qsort(l->items, l->n, sizeof(*l->items), by_partition);
    answer(l);
}

static int by_topic(const void *a, const void *b)
{
    const cd_topic_partition_t *x = a, *y = b;
    int order = strcmp(x->topic, y->topic);
    return order != 0 ? order : (x->partition > y->partition) - (x->partition < y->partition);
}

static void on_group_listed(void *arg, cd_err_t *err, const cd_topic_partition_t *parts, uint32_t n)
{
    listing_t *l = arg;
    if (err != NULL) {
        fail(l, err, "Failed to retrieve consumer group offsets for sink connector");
        return;
    }
    cd_topic_partition_t *sorted = cd_arena_array(&l->arena, cd_topic_partition_t, n);
    if (n > 0) {
        memcpy(sorted, parts, n * sizeof(*parts));
        qsort(sorted, n, sizeof(*sorted), by_topic);
    }
    for (uint32_t i = 0; i < n; i++) {
        strbuf_t partition = {0}, offset = {0};
        strbuf_adds(&partition, "{\"kafka_topic\":");
        json_write_str(sorted[i].topic, strlen(sorted[i].topic), &partition);
        strbuf_addf(&partition, ",\"kafka_partition\":%d}", sorted[i].partition);
        strbuf_addf(&offset, "{\"kafka_offset\":%lld}", (long long)sorted[i].offset);
        add_offset(l, strbuf_str(&partition), strbuf_str(&offset));
        strbuf_done(&partition);
        strbuf_done(&offset);
    }
    answer(l);
}

static bool is_sink(const herder_t *h, const config_connector_t *c)
{
    const char *class_name = props_get(&c->config, "connector.class");
    const cd_plugin_t *plugin = class_name == NULL ? NULL : plugins_find_connector(h->env.plugins, class_name);
    return plugin != NULL && plugin->kind == CD_KIND_SINK;
}

void herder_offsets(herder_t *h, const char *name, herder_offsets_fn *done, void *arg)
{
    const config_connector_t *c = herder_config_of(h, name);
    listing_t *l = mem_new0(listing_t);
    *l = (listing_t){.h = h, .name = mem_strdup(name), .done = done, .arg = arg};
    cd_err_t *err = herder_not_serving(h);
    if (err == NULL && (c == NULL || !c->exists)) err = herder_http_err(404, "Connector %s not found", name);
    if (err != NULL) {
        herder_answer(h, refuse, l, err);
    } else if (is_sink(h, c)) {
        const char *group = props_get(&c->config, "consumer.override.group.id");
        if (str_empty(group)) group = cd_arena_printf(&l->arena, "connect-%s", name);
        group_offsets_list(h->env.hub, group, on_group_listed, l);
    } else {
        offset_store_refresh(h->offsets, on_source_read, l);
    }
}
