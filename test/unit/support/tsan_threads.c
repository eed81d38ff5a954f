/* C11 threads for TSan. librdkafka is built on them, and GCC 12's runtime knows only the POSIX names: a thread that it did
 * not see start has no state there, and the first malloc in it ends the process. glibc's types are the POSIX ones under
 * other names, so each function hands on to the one that TSan intercepts. Linked into every unit test; empty without TSan. */
#ifdef __SANITIZE_THREAD__
#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <threads.h>

_Static_assert(sizeof(mtx_t) >= sizeof(pthread_mutex_t) && sizeof(cnd_t) >= sizeof(pthread_cond_t), "glibc's layout");

#pragma GCC visibility push(default) /* librdkafka is to find these instead of glibc's */

typedef struct entry {
    thrd_start_t run;
    void *arg;
} entry_t;

static int result_of(int rc)
{
    return rc == 0 ? thrd_success : rc == ETIMEDOUT ? thrd_timedout : thrd_error;
}

static void *enter(void *arg)
{
    entry_t e = *(entry_t *)arg;
    free(arg);
    return (void *)(intptr_t)e.run(e.arg);
}

int thrd_create(thrd_t *thr, thrd_start_t func, void *arg)
{
    entry_t *e = malloc(sizeof(*e));
    if (e == NULL) return thrd_nomem;
    *e = (entry_t){func, arg};
    int rc = pthread_create(thr, NULL, enter, e);
    if (rc != 0) free(e);
    return result_of(rc);
}

int thrd_join(thrd_t thr, int *res)
{
    void *end = NULL;
    int rc = pthread_join(thr, &end);
    if (res != NULL) *res = (int)(intptr_t)end;
    return result_of(rc);
}

int mtx_init(mtx_t *mtx, int type)
{
    pthread_mutexattr_t attr;
    (void)pthread_mutexattr_init(&attr);
    if ((type & mtx_recursive) != 0) (void)pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_RECURSIVE);
    int rc = pthread_mutex_init((pthread_mutex_t *)mtx, &attr);
    (void)pthread_mutexattr_destroy(&attr);
    return result_of(rc);
}

void mtx_destroy(mtx_t *mtx)
{
    (void)pthread_mutex_destroy((pthread_mutex_t *)mtx);
}

int mtx_lock(mtx_t *mtx)
{
    return result_of(pthread_mutex_lock((pthread_mutex_t *)mtx));
}

int mtx_unlock(mtx_t *mtx)
{
    return result_of(pthread_mutex_unlock((pthread_mutex_t *)mtx));
}

int cnd_init(cnd_t *cond)
{
    return result_of(pthread_cond_init((pthread_cond_t *)cond, NULL));
}

void cnd_destroy(cnd_t *cond)
{
    (void)pthread_cond_destroy((pthread_cond_t *)cond);
}

int cnd_signal(cnd_t *cond)
{
    return result_of(pthread_cond_signal((pthread_cond_t *)cond));
}

int cnd_broadcast(cnd_t *cond)
{
    return result_of(pthread_cond_broadcast((pthread_cond_t *)cond));
}

int cnd_wait(cnd_t *cond, mtx_t *mtx)
{
    return result_of(pthread_cond_wait((pthread_cond_t *)cond, (pthread_mutex_t *)mtx));
}

int cnd_timedwait(cnd_t *restrict cond, mtx_t *restrict mtx, const struct timespec *restrict until)
{
    return result_of(pthread_cond_timedwait((pthread_cond_t *)cond, (pthread_mutex_t *)mtx, until));
}

#pragma GCC visibility pop
#endif
