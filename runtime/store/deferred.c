#include "runtime/store/deferred.h"

#include "runtime/base/mem.h"

typedef struct call {
    deferred_fn *fn;
    void *arg;
} call_t;

struct deferred {
    uv_timer_t timer;
    uint32_t n, cap;
    call_t *calls;
};

deferred_t *deferred_new(uv_loop_t *loop)
{
    deferred_t *d = mem_new0(deferred_t);
    if (uv_timer_init(loop, &d->timer) != 0) abort(); /* fails only for a NULL loop */
    d->timer.data = d;
    return d;
}

static void run_all(deferred_t *d)
{
    /* calls made by calls wait for the next turn, so that a chain of them cannot starve the loop */
    call_t *calls = d->calls;
    uint32_t n = d->n;
    d->calls = NULL;
    d->n = d->cap = 0;
    for (uint32_t i = 0; i < n; i++) calls[i].fn(calls[i].arg);
    free(calls);
}

static void on_timer(uv_timer_t *t)
{
    run_all(t->data);
}

void deferred_call(deferred_t *d, deferred_fn *fn, void *arg)
{
    mem_grow(d->calls, d->n, d->cap);
    d->calls[d->n++] = (call_t){.fn = fn, .arg = arg};
    if (d->n == 1 && uv_timer_start(&d->timer, on_timer, 0, 0) != 0) abort(); /* fails only for a closing handle */
}

static void on_closed(uv_handle_t *h)
{
    deferred_t *d = h->data;
    free(d->calls);
    free(d);
}

void deferred_close(deferred_t *d)
{
    if (d == NULL) return;
    while (d->n > 0) run_all(d);
    uv_close((uv_handle_t *)&d->timer, on_closed);
}
