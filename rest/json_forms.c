#include "rest/json_forms.h"

#include "runtime/base/json.h"
#include "runtime/base/str.h"

json_t *form_text(const char *s)
{
    json_t *v = s != NULL ? json_string(s) : json_null();
    return v != NULL ? v : json_string("?");
}

void form_put(json_t *object, const char *name, json_t *v)
{
    if (json_object_set_new(object, name, v) != 0) abort();
}

void form_append(json_t *array, json_t *v)
{
    if (json_array_append_new(array, v) != 0) abort();
}

json_t *form_names(const herder_names_t *names)
{
    json_t *a = json_array();
    for (uint32_t i = 0; i < names->n; i++) form_append(a, form_text(names->items[i]));
    return a;
}

json_t *form_task_id(const char *connector, int32_t task)
{
    json_t *o = json_object();
    form_put(o, "connector", form_text(connector));
    form_put(o, "task", json_integer(task));
    return o;
}

json_t *form_info(const herder_info_t *info)
{
    json_t *o = json_object(), *tasks = json_array();
    for (uint32_t i = 0; i < info->ntasks; i++) form_append(tasks, form_task_id(info->name, (int32_t)i));
    form_put(o, "name", form_text(info->name));
    form_put(o, "config", json_from_config(&info->config));
    form_put(o, "tasks", tasks);
    form_put(o, "type", form_text(info->type));
    return o;
}

static void put_state(json_t *o, const herder_state_t *s)
{
    form_put(o, "state", form_text(s->state));
    form_put(o, "worker_id", form_text(s->worker_id));
    if (!str_empty(s->trace)) form_put(o, "trace", form_text(s->trace));
}

json_t *form_task_state(const herder_task_state_t *state)
{
    json_t *o = json_object();
    form_put(o, "id", json_integer(state->id));
    put_state(o, &state->s);
    return o;
}

json_t *form_status(const herder_status_t *status)
{
    json_t *o = json_object(), *connector = json_object(), *tasks = json_array();
    put_state(connector, &status->connector);
    for (uint32_t i = 0; i < status->ntasks; i++) form_append(tasks, form_task_state(&status->tasks[i]));
    form_put(o, "name", form_text(status->name));
    form_put(o, "connector", connector);
    form_put(o, "tasks", tasks);
    form_put(o, "type", form_text(status->type));
    return o;
}
