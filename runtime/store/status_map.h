/* store/status_map.h: what the records of the status topic mean: states of connectors and tasks, and the topics they
 * use. No I/O. One thread (the loop); everything is copied in; what is handed out is borrowed until the next apply. */
#ifndef RUNTIME_STORE_STATUS_MAP_H
#define RUNTIME_STORE_STATUS_MAP_H

#include "runtime/base/strbuf.h"

typedef struct status {
    char *state, *worker_id;
    char *trace; /* NULL without one */
    int64_t generation;
} status_t;

typedef struct status_task {
    int32_t id;
    status_t status;
} status_task_t;

typedef struct status_connector {
    char *name;
    bool known; /* the connector itself has a status */
    status_t status;
    uint32_t ntasks, task_cap;
    status_task_t *tasks; /* sorted by id */
    uint32_t ntopics, topic_cap;
    char **topics; /* sorted */
} status_connector_t;

typedef struct status_map status_map_t;

status_map_t *status_map_new(void);
void status_map_free(status_map_t *m);

/** Apply a record; anything that is not a status record is ignored. */
void status_map_apply(status_map_t *m, cd_bytes_t key, cd_bytes_t value);

uint32_t status_map_count(const status_map_t *m);
const status_connector_t *status_map_at(const status_map_t *m, uint32_t i);
/** NULL when nothing is known. */
const status_connector_t *status_map_find(const status_map_t *m, const char *connector);
/** @param task  -1 for the connector itself. @return NULL when unknown */
const status_t *status_map_get(const status_map_t *m, const char *connector, int32_t task);
bool status_map_has_topic(const status_map_t *m, const char *connector, const char *topic);
/** The largest generation of all records, or 0. */
int64_t status_map_generation(const status_map_t *m);

/** May this worker replace the cached status in safe mode? True when nothing is cached, when it is ours, or when it is
 *  not newer than our generation. */
bool status_may_replace(const status_t *cached, const char *worker_id, int64_t generation);

/** Keys and values as bytes, appended to `out`. @param task  -1 for the connector itself */
void status_key(const char *connector, int32_t task, strbuf_t *out);
void status_topic_key(const char *connector, const char *topic, strbuf_t *out);
void status_value(const char *state, const char *trace, const char *worker_id, int64_t generation, strbuf_t *out);
void status_topic_value(const char *connector, const char *topic, int32_t task, int64_t now_ms, strbuf_t *out);

#endif
