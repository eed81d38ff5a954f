#include "runtime/plugin/metrics.h"

#include "runtime/base/mem.h"

#include <pthread.h>

typedef struct entry {
    struct entry *next;
    char *name, *help;
    uint32_t kind;
    cd_metric_t metric;
} entry_t;

/* The lock is shared by reference, so that a group may outlive the registry (an abandoned task does). */
typedef struct shared {
    pthread_mutex_t lock;
    uint32_t refs; /* under the lock */
    metrics_group_t *groups;
} shared_t;

struct metrics {
    shared_t *shared;
};

struct metrics_group {
    metrics_group_t *next, **prev;
    shared_t *shared;
    char *connector;
    int32_t task;
    entry_t *entries, **tail;
};

/** Drops one reference and the lock. */
static void shared_unref_unlock(shared_t *s)
{
    bool last = --s->refs == 0;
    (void)pthread_mutex_unlock(&s->lock);
    if (!last) return;
    (void)pthread_mutex_destroy(&s->lock);
    free(s);
}

metrics_t *metrics_new(void)
{
    metrics_t *m = mem_new0(metrics_t);
    m->shared = mem_new0(shared_t);
    (void)pthread_mutex_init(&m->shared->lock, NULL);
    m->shared->refs = 1;
    return m;
}

void metrics_free(metrics_t *m)
{
    if (m == NULL) return;
    (void)pthread_mutex_lock(&m->shared->lock);
    shared_unref_unlock(m->shared);
    free(m);
}

metrics_group_t *metrics_group_new(metrics_t *m, const char *connector, int32_t task)
{
    metrics_group_t *g = mem_new0(metrics_group_t);
    g->connector = mem_strdup(connector);
    g->task = task;
    g->tail = &g->entries;
    g->shared = m->shared;
    (void)pthread_mutex_lock(&g->shared->lock);
    g->shared->refs++;
    g->next = g->shared->groups;
    g->prev = &g->shared->groups;
    if (g->next != NULL) g->next->prev = &g->next;
    g->shared->groups = g;
    (void)pthread_mutex_unlock(&g->shared->lock);
    return g;
}

void metrics_group_free(metrics_group_t *g)
{
    if (g == NULL) return;
    (void)pthread_mutex_lock(&g->shared->lock);
    *g->prev = g->next;
    if (g->next != NULL) g->next->prev = g->prev;
    shared_unref_unlock(g->shared);
    for (entry_t *e = g->entries, *next; e != NULL; e = next) {
        next = e->next;
        free(e->name);
        free(e->help);
        free(e);
    }
    free(g->connector);
    free(g);
}

cd_metric_t *metrics_get(metrics_group_t *g, const char *name, uint32_t kind, const char *help)
{
    (void)pthread_mutex_lock(&g->shared->lock);
    entry_t *e = g->entries;
    while (e != NULL && strcmp(e->name, name) != 0) e = e->next;
    if (e == NULL) {
        e = mem_new0(entry_t);
        e->name = mem_strdup(name);
        e->help = mem_strdup(help != NULL ? help : "");
        e->kind = kind;
        *g->tail = e;
        g->tail = &e->next;
    }
    (void)pthread_mutex_unlock(&g->shared->lock);
    return &e->metric;
}

void metrics_each(metrics_t *m, void (*each)(void *arg, const metrics_sample_t *s), void *arg)
{
    (void)pthread_mutex_lock(&m->shared->lock);
    for (metrics_group_t *g = m->shared->groups; g != NULL; g = g->next) {
        for (entry_t *e = g->entries; e != NULL; e = e->next) {
            metrics_sample_t s = {.connector = g->connector,
                                  .task = g->task,
                                  .name = e->name,
                                  .help = e->help,
                                  .kind = e->kind,
                                  .value = __atomic_load_n(&e->metric.value, __ATOMIC_RELAXED)};
            each(arg, &s);
        }
    }
    (void)pthread_mutex_unlock(&m->shared->lock);
}
