/* store/deferred.h: calls that run on the loop's next turn, in the order they were asked for. It keeps the promise that
 * no answer comes before the asking call has returned.
 * Loop thread only. Calls still waiting when it is closed are run by the close, so that nothing is left unanswered. */
#ifndef RUNTIME_STORE_DEFERRED_H
#define RUNTIME_STORE_DEFERRED_H

#include <uv.h>

typedef struct deferred deferred_t;
typedef void deferred_fn(void *arg);

deferred_t *deferred_new(uv_loop_t *loop);
void deferred_call(deferred_t *d, deferred_fn *fn, void *arg);
/** NULL is fine. The memory goes in the loop's next turn. */
void deferred_close(deferred_t *d);

#endif
