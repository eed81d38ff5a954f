/* What REST reads: copies of the local view. */
#include "runtime/herder/herder_priv.h"

#include "runtime/base/mem.h"
#include "runtime/base/str.h"

const herder_identity_t *herder_identity(const herder_t *h)
{
    return &h->identity;
}

bool herder_ready(const herder_t *h)
{
    return h->ready && !h->stopping;
}

herder_stage_t herder_stage(const herder_t *h)
{
    return h->stage;
}

void herder_ping(herder_t *h, herder_done_fn *done, void *arg)
{
    if (h->stopping) {
        herder_answer(h, done, arg, herder_http_err(500, "The herder is shutting down"));
    } else if (h->ready) {
        herder_answer(h, done, arg, NULL);
    } else {
        wait_t *w = mem_new0(wait_t);
        *w = (wait_t){.next = h->pings, .done = done, .arg = arg};
        h->pings = w;
    }
}

static const config_connector_t *existing(const herder_t *h, const char *name)
{
    const config_connector_t *c = herder_config_of(h, name);
    return c != NULL && c->exists ? c : NULL;
}

static cd_config_t copy(const props_t *p, cd_arena_t *arena)
{
    cd_config_t view = props_view(p);
    return config_copy(&view, arena);
}

static const char *type_of(const herder_t *h, const config_connector_t *c)
{
    const char *class_name = c == NULL || !c->exists ? NULL : props_get(&c->config, "connector.class");
    const cd_plugin_t *plugin = class_name == NULL ? NULL : plugins_find_connector(h->env.plugins, class_name);
    if (plugin == NULL) return "unknown";
    return plugin->kind == CD_KIND_SINK ? "sink" : "source";
}

void herder_connectors(const herder_t *h, cd_arena_t *arena, herder_names_t *ret_names)
{
    const config_state_t *s = h->config == NULL ? NULL : config_store_state(h->config);
    uint32_t all = s == NULL ? 0 : config_state_count(s), n = 0;
    const char **items = cd_arena_array(arena, const char *, all);
    for (uint32_t i = 0; i < all; i++)
        if (config_state_at(s, i)->exists) items[n++] = cd_arena_strdup(arena, config_state_at(s, i)->name);
    *ret_names = (herder_names_t){.n = n, .items = items};
}

cd_err_t *herder_info(const herder_t *h, const char *name, cd_arena_t *arena, herder_info_t *ret_info)
{
    const config_connector_t *c = existing(h, name);
    if (c == NULL) return herder_http_err(404, "Connector %s not found", name);
    *ret_info = (herder_info_t){.name = cd_arena_strdup(arena, name),
                                .config = copy(&c->config, arena),
                                .ntasks = config_connector_tasks(c),
                                .type = type_of(h, c)};
    return NULL;
}

cd_err_t *herder_task_configs(const herder_t *h, const char *name, cd_arena_t *arena,
                              herder_task_configs_t *ret_configs)
{
    const config_connector_t *c = existing(h, name);
    if (c == NULL) return herder_http_err(404, "Connector %s not found", name);
    uint32_t n = config_connector_tasks(c);
    cd_config_t *configs = cd_arena_array(arena, cd_config_t, n);
    for (uint32_t i = 0; i < n; i++) {
        const props_t *task = config_connector_task(c, (int32_t)i);
        configs[i] = task == NULL ? (cd_config_t){0} : copy(task, arena);
    }
    *ret_configs = (herder_task_configs_t){.n = n, .configs = configs};
    return NULL;
}

static herder_state_t copy_state(const status_t *s, cd_arena_t *arena)
{
    return (herder_state_t){.state = cd_arena_strdup(arena, s->state),
                            .worker_id = cd_arena_strdup(arena, s->worker_id),
                            .trace = str_empty(s->trace) ? NULL : cd_arena_strdup(arena, s->trace)};
}

cd_err_t *herder_status(const herder_t *h, const char *name, cd_arena_t *arena, herder_status_t *ret_status)
{
    const status_connector_t *s = h->status == NULL ? NULL : status_map_find(status_store_map(h->status), name);
    if (s == NULL || !s->known) return herder_http_err(404, "No status found for connector %s", name);
    herder_task_state_t *tasks = cd_arena_array(arena, herder_task_state_t, s->ntasks);
    for (uint32_t i = 0; i < s->ntasks; i++)
        tasks[i] = (herder_task_state_t){.id = s->tasks[i].id, .s = copy_state(&s->tasks[i].status, arena)};
    *ret_status = (herder_status_t){.name = cd_arena_strdup(arena, name),
                                    .type = type_of(h, existing(h, name)),
                                    .connector = copy_state(&s->status, arena),
                                    .ntasks = s->ntasks,
                                    .tasks = tasks};
    return NULL;
}

cd_err_t *herder_task_status(const herder_t *h, const char *name, int32_t task, cd_arena_t *arena,
                             herder_task_state_t *ret_state)
{
    const status_t *s = h->status == NULL || task < 0 ? NULL : status_map_get(status_store_map(h->status), name, task);
    if (s == NULL) return herder_http_err(404, "No status found for task %s-%d", name, task);
    *ret_state = (herder_task_state_t){.id = task, .s = copy_state(s, arena)};
    return NULL;
}

cd_err_t *herder_topics(const herder_t *h, const char *name, cd_arena_t *arena, herder_names_t *ret_topics)
{
    if (!h->env.worker->topic_tracking_enable) return herder_http_err(403, "Topic tracking is disabled.");
    const status_connector_t *s = h->status == NULL ? NULL : status_map_find(status_store_map(h->status), name);
    uint32_t n = s == NULL ? 0 : s->ntopics;
    const char **items = cd_arena_array(arena, const char *, n);
    for (uint32_t i = 0; i < n; i++) items[i] = cd_arena_strdup(arena, s->topics[i]);
    *ret_topics = (herder_names_t){.n = n, .items = items};
    return NULL;
}

/* ---- PATCH ---- */

typedef struct slot {
    uint32_t bucket, index;
    cd_pair_t pair;
} slot_t;

static int by_bucket(const void *a, const void *b)
{
    const slot_t *x = a, *y = b;
    if (x->bucket != y->bucket) return x->bucket < y->bucket ? -1 : 1;
    return x->index < y->index ? -1 : 1;
}

/* The order in which a Java HashMap would list these names. */
static void hash_order(slot_t *slots, uint32_t n)
{
    uint32_t cap = 16;
    while (n > cap / 4 * 3) cap *= 2;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t hash = (uint32_t)str_java_hash(slots[i].pair.name);
        slots[i].bucket = (hash ^ (hash >> 16)) & (cap - 1);
        slots[i].index = i;
    }
    qsort(slots, n, sizeof(*slots), by_bucket);
}

cd_err_t *herder_patched_config(const herder_t *h, const char *name, const cd_config_t *patch, cd_arena_t *arena,
                                cd_config_t *ret_config)
{
    const config_connector_t *c = existing(h, name);
    if (c == NULL) return herder_http_err(404, "Connector %s not found", name);
    props_t merged = {0};
    cd_config_t present = props_view(&c->config);
    props_copy(&merged, &present);
    for (uint32_t i = 0; i < patch->n; i++) {
        if (patch->pairs[i].value == NULL)
            (void)props_remove(&merged, patch->pairs[i].name);
        else
            props_set(&merged, patch->pairs[i].name, patch->pairs[i].value);
    }
    cd_config_t all = copy(&merged, arena);
    slot_t *slots = cd_arena_array(arena, slot_t, all.n);
    cd_pair_t *pairs = cd_arena_array(arena, cd_pair_t, all.n);
    for (uint32_t i = 0; i < all.n; i++) slots[i].pair = all.pairs[i];
    hash_order(slots, all.n);
    for (uint32_t i = 0; i < all.n; i++) pairs[i] = slots[i].pair;
    *ret_config = (cd_config_t){.n = all.n, .pairs = pairs};
    props_done(&merged);
    return NULL;
}
