/* rest/json_forms.h: the JSON entities of the REST API (01 §3). Pure. Results are new references. */
#ifndef REST_JSON_FORMS_H
#define REST_JSON_FORMS_H

#include "runtime/herder/herder.h"

#include <jansson.h>

/** Text, or null for NULL. Broken UTF-8 shows as a question mark. */
json_t *form_text(const char *s);
/** Set a member; takes v; aborts when memory is gone. */
void form_put(json_t *object, const char *name, json_t *v);
void form_append(json_t *array, json_t *v);
json_t *form_names(const herder_names_t *names);

json_t *form_info(const herder_info_t *info);       /* ConnectorInfo */
json_t *form_status(const herder_status_t *status); /* ConnectorStateInfo */
json_t *form_task_state(const herder_task_state_t *state);
json_t *form_task_id(const char *connector, int32_t task);

#endif
