/* /connectors/{name}: what one connector is, its tasks, topics and offsets. */
#include "rest/json_forms.h"
#include "rest/routes.h"
#include "runtime/base/json.h"

void serve_connector_get(call_t *c)
{
    herder_info_t info;
    cd_err_t *err = herder_info(call_herder(c), c->name, &c->arena, &info);
    if (err != NULL)
        call_reply_err(c, err);
    else
        call_reply_json(c, 200, form_info(&info));
}

void serve_connector_config_get(call_t *c)
{
    herder_info_t info;
    cd_err_t *err = herder_info(call_herder(c), c->name, &c->arena, &info);
    if (err != NULL)
        call_reply_err(c, err);
    else
        call_reply_json(c, 200, json_from_config(&info.config));
}

void serve_connector_status(call_t *c)
{
    herder_status_t status;
    cd_err_t *err = herder_status(call_herder(c), c->name, &c->arena, &status);
    if (err != NULL)
        call_reply_err(c, err);
    else
        call_reply_json(c, 200, form_status(&status));
}

void serve_task_status_get(call_t *c)
{
    herder_task_state_t state;
    cd_err_t *err = herder_task_status(call_herder(c), c->name, c->task, &c->arena, &state);
    if (err != NULL)
        call_reply_err(c, err);
    else
        call_reply_json(c, 200, form_task_state(&state));
}

void serve_connector_tasks(call_t *c)
{
    herder_task_configs_t tasks;
    cd_err_t *err = herder_task_configs(call_herder(c), c->name, &c->arena, &tasks);
    if (err != NULL) {
        call_reply_err(c, err);
        return;
    }
    json_t *all = json_array();
    for (uint32_t i = 0; i < tasks.n; i++) {
        json_t *one = json_object();
        form_put(one, "id", form_task_id(c->name, (int32_t)i));
        form_put(one, "config", json_from_config(&tasks.configs[i]));
        form_append(all, one);
    }
    call_reply_json(c, 200, all);
}

void serve_connector_tasks_config(call_t *c)
{
    herder_task_configs_t tasks;
    cd_err_t *err = herder_task_configs(call_herder(c), c->name, &c->arena, &tasks);
    if (err != NULL) {
        call_reply_err(c, err);
        return;
    }
    json_t *all = json_object();
    for (uint32_t i = 0; i < tasks.n; i++)
        form_put(all, cd_arena_printf(&c->arena, "%s-%u", c->name, i), json_from_config(&tasks.configs[i]));
    call_reply_json(c, 200, all);
}

void serve_connector_topics(call_t *c)
{
    herder_names_t topics;
    cd_err_t *err = herder_topics(call_herder(c), c->name, &c->arena, &topics);
    if (err != NULL) {
        call_reply_err(c, err);
        return;
    }
    json_t *all = json_object(), *one = json_object();
    form_put(one, "topics", form_names(&topics));
    form_put(all, c->name, one);
    call_reply_json(c, 200, all);
}

static json_t *offset_json(const char *text)
{
    json_t *v = text != NULL ? json_loads(text, JSON_DECODE_ANY, NULL) : NULL;
    return v != NULL ? v : json_null();
}

static void on_offsets(void *arg, cd_err_t *err, const herder_offsets_t *offsets)
{
    call_t *c = arg;
    if (err != NULL) {
        call_reply_err(c, err);
        return;
    }
    json_t *all = json_object(), *items = json_array();
    for (uint32_t i = 0; i < offsets->n; i++) {
        json_t *one = json_object();
        form_put(one, "partition", offset_json(offsets->items[i].partition));
        form_put(one, "offset", offset_json(offsets->items[i].offset));
        form_append(items, one);
    }
    form_put(all, "offsets", items);
    call_reply_json(c, 200, all);
}

void serve_connector_offsets(call_t *c)
{
    call_wait(c);
    herder_offsets(call_herder(c), c->name, on_offsets, c);
}
