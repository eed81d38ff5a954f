/* /admin/loggers: levels of this worker's loggers. */
#include "rest/json_forms.h"
#include "rest/routes.h"
#include "runtime/base/log.h"
#include "runtime/base/str.h"

static json_t *level_json(uint32_t level)
{
    json_t *o = json_object();
    form_put(o, "level", form_text(log_level_name(level)));
    form_put(o, "last_modified", json_null());
    return o;
}

static void add_level(void *arg, const char *logger, uint32_t level)
{
    form_put(arg, logger, level_json(level));
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

void serve_loggers_list(call_t *c)
{
    json_t *found = json_object(), *sorted = json_object(), *v;
    log_each_level(add_level, found);
    size_t n = 0;
    const char **names = cd_arena_array(&c->arena, const char *, json_object_size(found)), *key;
    json_object_foreach(found, key, v) names[n++] = key;
    qsort(names, n, sizeof(*names), compare_names);
    for (size_t i = 0; i < n; i++) form_put(sorted, names[i], json_incref(json_object_get(found, names[i])));
    json_decref(found);
    call_reply_json(c, 200, sorted);
}

void serve_logger_get(call_t *c)
{
    bool root = strcasecmp(c->name, "root") == 0;
    call_reply_json(c, 200, level_json(log_get_level(root ? "" : c->name)));
}

typedef struct affected {
    const char *prefix;
    json_t *names;
} affected_t;

static void add_affected(void *arg, const char *logger, uint32_t level)
{
    (void)level;
    affected_t *a = arg;
    if (str_starts(logger, a->prefix) && strcmp(logger, a->prefix) != 0) form_append(a->names, form_text(logger));
}

void serve_logger_put(call_t *c)
{
    json_t *body = NULL;
    uint32_t level;
    cd_err_t *err = call_body_object(c, &body);
    if (err != NULL) {
        call_reply_err(c, err);
        return;
    }
    const char *text = json_string_value(json_object_get(body, "level"));
    if (text == NULL) {
        call_reply_error(c, 400, "Desired 'level' parameter was not specified in request.");
    } else if (!log_level_parse(text, &level)) {
        call_reply_error(c, 404, "invalid log level '%s'.", text);
    } else {
        bool root = strcasecmp(c->name, "root") == 0;
        affected_t a = {.prefix = root ? "root" : c->name, .names = json_array()};
        form_append(a.names, form_text(a.prefix));
        log_each_level(add_affected, &a);
        log_set_level(root ? "" : c->name, level);
        for (size_t i = 1; i < json_array_size(a.names); i++)
            log_set_level(json_string_value(json_array_get(a.names, i)), level);
        call_reply_json(c, 200, a.names);
    }
    json_decref(body);
}
