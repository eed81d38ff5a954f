#include "runtime/herder/plan.h"

static bool same_version(const plan_wanted_t *w, const plan_actual_t *a)
{
    return w->version == a->version && w->restart == a->restart;
}

enum plan_action plan_connector(const plan_wanted_t *w, const plan_actual_t *a, int64_t now, bool stopping)
{
    bool wanted = w->assigned && !stopping;
    switch (a->state) {
    case PLAN_BUSY:
        return PLAN_NOTHING;
    case PLAN_NONE:
        return wanted ? PLAN_START : PLAN_NOTHING;
    case PLAN_ACTIVE:
    case PLAN_FAILED:
        break;
    }
    if (!wanted || !same_version(w, a)) return PLAN_STOP;
    if (a->target != w->target) {
        /* a failed instance can only be stopped: pause and resume have no visible effect on it */
        if (a->state == PLAN_ACTIVE || w->target == TARGET_STOPPED) return PLAN_SET_TARGET;
        return PLAN_NOTHING;
    }
    if (a->state == PLAN_ACTIVE && w->target == TARGET_STARTED && a->want_tasks && now >= a->want_tasks_at)
        return PLAN_TASKS;
    return PLAN_NOTHING;
}

enum plan_action plan_task(const plan_wanted_t *w, const plan_actual_t *a, bool stopping)
{
    bool wanted = w->assigned && w->target != TARGET_STOPPED && !stopping;
    switch (a->state) {
    case PLAN_BUSY:
        return PLAN_NOTHING;
    case PLAN_NONE:
        return wanted ? PLAN_START : PLAN_NOTHING;
    case PLAN_ACTIVE:
    case PLAN_FAILED:
        break;
    }
    if (!wanted || !same_version(w, a)) return PLAN_STOP;
    return a->state == PLAN_ACTIVE && a->target != w->target ? PLAN_SET_TARGET : PLAN_NOTHING;
}

/* onlyFailed & connector < onlyFailed & tasks < connector < all */
static int rank(bool include_tasks, bool only_failed)
{
    return (only_failed ? 0 : 2) + (include_tasks ? 1 : 0);
}

void plan_restart_merge(plan_restart_t *r, bool include_tasks, bool only_failed)
{
    if (r->pending && rank(r->include_tasks, r->only_failed) >= rank(include_tasks, only_failed)) return;
    *r = (plan_restart_t){.pending = true, .include_tasks = include_tasks, .only_failed = only_failed};
}

static bool is_failed(const char *state)
{
    return state != NULL && strcmp(state, "FAILED") == 0;
}

bool plan_restarts_connector(const plan_restart_t *r, const char *state)
{
    return !r->only_failed || is_failed(state);
}

bool plan_restarts_task(const plan_restart_t *r, const char *state)
{
    return r->include_tasks && (!r->only_failed || is_failed(state));
}

int64_t plan_retry_ms(uint32_t failures)
{
    int64_t ms = 250;
    for (uint32_t i = 1; i < failures && ms < 60000; i++) ms *= 2;
    return ms < 60000 ? ms : 60000;
}
