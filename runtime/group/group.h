/* group/group.h: membership of this worker in its group, which ends in one thing: what this worker has been assigned.
 *
 * Threads    loop thread only; nothing blocks. Callbacks come on the loop, never before the call has returned.
 * Ownership  assignments and worlds are borrowed during the call that hands them over.
 * Kinds      group_solo: a group of this worker alone. The shape is that of the "connect" protocol: a rejoin is asked
 *            for, and some time later an assignment of a new generation arrives. */
#ifndef RUNTIME_GROUP_GROUP_H
#define RUNTIME_GROUP_GROUP_H

#include "plugins/api/connectd_plugin.h"

#include <uv.h>

/** What there is to assign, as the config topic says. */
typedef struct group_item {
    const char *connector;
    uint32_t tasks;
} group_item_t;

typedef struct group_world {
    int64_t config_offset;
    uint32_t n;
    const group_item_t *items;
} group_world_t;

typedef struct group_task {
    const char *connector;
    int32_t task;
} group_task_t;

typedef struct group_assignment {
    int64_t generation;
    bool is_leader;
    const char *leader_url;
    int64_t config_offset; /* a worker whose own view is older reads the config topic before it acts */
    uint32_t nconnectors, ntasks;
    const char *const *connectors; /* all that this worker runs, not only what is new */
    const group_task_t *tasks;
} group_assignment_t;

typedef struct group_events {
    void *arg;
    /** Tell what there is. @param ret_world  its memory comes from `arena` */
    void (*world)(void *arg, cd_arena_t *arena, group_world_t *ret_world);
    void (*assigned)(void *arg, const group_assignment_t *assignment);
    /** Membership is lost for good (another worker's settings are incompatible, not authorized): the worker ends. */
    void (*failed)(void *arg, cd_err_t *err);
} group_events_t;

typedef struct group group_t;

typedef struct group_ops {
    /** Join, or join again because there is something new to assign. Several calls may lead to one assignment. */
    void (*rejoin)(group_t *g);
    /** An assignment is due: what the last one said may be outdated. */
    bool (*pending)(const group_t *g);
    /** Leave the group; no callback comes after the return. Frees. */
    void (*leave)(group_t *g);
} group_ops_t;

struct group {
    const group_ops_t *ops;
};

/** @param url         of this worker, which is the leader; copied
 *  @param generation  the first assignment's is one more: above what earlier runs have written into statuses */
group_t *group_solo_new(uv_loop_t *loop, const char *url, int64_t generation, const group_events_t *events);

#endif
