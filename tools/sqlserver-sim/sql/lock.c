/* lock.c: exclusive slots and table locks between sessions. SQLite allows one writer per file, so the first write of a
 * transaction takes the file's slot here, where waiting honours LOCK_TIMEOUT, cancels and deadlock detection. */
#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "sql/session.h"

static table_lock_t *conflict(sim_session_t *s, int db_id, int object_id, bool exclusive)
{
    for (table_lock_t *l = s->server->locks; l != NULL; l = l->next)
        if (l->db_id == db_id && l->object_id == object_id && l->owner != s && (exclusive || l->exclusive)) return l;
    return NULL;
}

static bool deadlock(sim_session_t *s, sim_session_t *owner)
{
    for (int i = 0; owner != NULL && i < 64; i++) {
        if (owner == s) return true;
        owner = owner->waits_for;
    }
    return false;
}

/* Under the lock. */
static void add(sim_session_t *s, int db_id, int object_id, bool exclusive)
{
    table_lock_t *mine = s->server->locks;
    while (mine != NULL && !(mine->db_id == db_id && mine->object_id == object_id && mine->owner == s))
        mine = mine->next;
    if (mine == NULL) {
        mine = sim_alloc(sizeof(*mine));
        mine->db_id = db_id;
        mine->object_id = object_id;
        mine->owner = s;
        mine->taken = ++s->server->locks_taken;
        mine->next = s->server->locks;
        s->server->locks = mine;
    }
    mine->exclusive = mine->exclusive || exclusive;
}

bool lock_try(sim_session_t *s, int db_id, int object_id)
{
    pthread_mutex_lock(&s->server->lock);
    bool ok = conflict(s, db_id, object_id, true) == NULL;
    if (ok) add(s, db_id, object_id, true);
    pthread_mutex_unlock(&s->server->lock);
    return ok;
}

bool lock_take(sim_session_t *s, int db_id, int object_id, bool exclusive)
{
    sim_server_t *srv = s->server;
    int64_t start = mono_ms();
    bool ok = true;
    pthread_mutex_lock(&srv->lock);
    for (table_lock_t *l; (l = conflict(s, db_id, object_id, exclusive)) != NULL;) {
        s->waits_for = l->owner;
        bool dead = deadlock(s, l->owner);
        if (dead) {
            fail(s, 1205, 13, 51,
                 "Transaction (Process ID %d) was deadlocked on lock resources with another process and has been "
                 "chosen as the deadlock victim. Rerun the transaction.",
                 s->spid);
        } else if (s->lock_timeout >= 0 && mono_ms() - start >= s->lock_timeout) {
            fail(s, 1222, 16, 51, "Lock request time out period exceeded.");
        }
        if (s->err.text != NULL || client_gone(s)) {
            ok = false;
            break;
        }
        struct timespec until;
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_nsec += 20 * 1000000L; /* woken by releases; the bound is for cancels and the timeout */
        if (until.tv_nsec >= 1000000000L) {
            until.tv_nsec -= 1000000000L;
            until.tv_sec++;
        }
        pthread_cond_timedwait(&srv->locks_changed, &srv->lock, &until);
    }
    s->waits_for = NULL;
    if (ok) add(s, db_id, object_id, exclusive);
    pthread_mutex_unlock(&srv->lock);
    return ok;
}

bool lock_held(sim_session_t *s, int db_id, int object_id, bool exclusive)
{
    bool hit = false;
    pthread_mutex_lock(&s->server->lock);
    for (table_lock_t *l = s->server->locks; l != NULL && !hit; l = l->next)
        hit = l->owner == s && l->db_id == db_id && l->object_id == object_id && (l->exclusive || !exclusive);
    pthread_mutex_unlock(&s->server->lock);
    return hit;
}

uint64_t lock_mark(sim_session_t *s)
{
    pthread_mutex_lock(&s->server->lock);
    uint64_t mark = s->server->locks_taken;
    pthread_mutex_unlock(&s->server->lock);
    return mark;
}

/* A lock that was only made stronger after the mark keeps its number and its strength, as SQL Server's conversions do. */
void lock_release_since(sim_session_t *s, uint64_t mark, bool slots)
{
    pthread_mutex_lock(&s->server->lock);
    for (table_lock_t **p = &s->server->locks; *p != NULL;) {
        table_lock_t *l = *p;
        if (l->owner == s && l->taken > mark && (slots || l->object_id > 0)) {
            *p = l->next;
            free(l);
        } else {
            p = &l->next;
        }
    }
    pthread_cond_broadcast(&s->server->locks_changed);
    pthread_mutex_unlock(&s->server->lock);
}

void lock_release_all(sim_session_t *s)
{
    lock_release_since(s, 0, true);
}
