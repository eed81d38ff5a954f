/* rest/routes.h: which resource answers which path. One table; adding a resource is a row and a file. */
#ifndef REST_ROUTES_H
#define REST_ROUTES_H

#include "rest/call.h"

enum route_flag {
    ROUTE_BODY = 1u << 0,     /* reads the body: a body needs Content-Type: application/json */
    ROUTE_ANY_TYPE = 1u << 1, /* no check of the Content-Type at all */
    ROUTE_ADMIN = 1u << 2
};

struct route {
    const char *method;
    const char *path; /* segments; "{name}" and "{task}" are variables */
    uint32_t flags;
    void (*handle)(call_t *c);
};

enum route_result { ROUTE_FOUND, ROUTE_NO_PATH, ROUTE_NO_METHOD, ROUTE_BAD_PATH };

/** Match a raw path (no query). HEAD finds GET. Variables go into the call.
 *  @param ret_allow  with ROUTE_NO_METHOD or OPTIONS: the methods, comma separated, in the call's arena */
enum route_result routes_match(const char *method, const char *path, size_t path_len, call_t *c,
                               const route_t **ret_route, const char **ret_allow);

/* The resources, one file each. */
void serve_root_get(call_t *c);
void serve_health_get(call_t *c);
void serve_connectors_list(call_t *c);
void serve_connectors_create(call_t *c);
void serve_connector_get(call_t *c);
void serve_connector_delete(call_t *c);
void serve_connector_config_get(call_t *c);
void serve_connector_config_put(call_t *c);
void serve_connector_config_patch(call_t *c);
void serve_connector_status(call_t *c);
void serve_connector_tasks(call_t *c);
void serve_connector_tasks_config(call_t *c);
void serve_task_status_get(call_t *c);
void serve_task_restart(call_t *c);
void serve_connector_restart(call_t *c);
void serve_connector_pause(call_t *c);
void serve_connector_resume(call_t *c);
void serve_connector_stop(call_t *c);
void serve_connector_topics(call_t *c);
void serve_connector_topics_reset(call_t *c);
void serve_connector_offsets(call_t *c);
void serve_plugins_list(call_t *c);
void serve_plugin_config(call_t *c);
void serve_plugin_validate(call_t *c);
void serve_loggers_list(call_t *c);
void serve_logger_get(call_t *c);
void serve_logger_put(call_t *c);

#endif
