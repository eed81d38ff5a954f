/* GET and POST /connectors, PUT and PATCH /connectors/{name}/config: listing, and every way to write a configuration. */
#include "rest/json_forms.h"
#include "rest/routes.h"
#include "runtime/base/json.h"
#include "runtime/base/str.h"

/* ---- GET /connectors ----------------------------------------------------------------------------------------------- */

static bool wants(cd_list_t expand, const char *what)
{
    for (uint32_t i = 0; i < expand.n; i++)
        if (strcmp(expand.items[i], what) == 0) return true;
    return false;
}

/* A connector whose status is asked for and not known yet is left out, as the JVM worker does. */
static void add_expanded(call_t *c, json_t *all, const char *name, bool status, bool info)
{
    json_t *one = json_object();
    if (status) {
        herder_status_t s;
        cd_err_t *err = herder_status(call_herder(c), name, &c->arena, &s);
        if (err != NULL) {
            cd_err_free(err);
            json_decref(one);
            return;
        }
        form_put(one, "status", form_status(&s));
    }
    if (info) {
        herder_info_t i;
        cd_err_t *err = herder_info(call_herder(c), name, &c->arena, &i);
        form_put(one, "info", err == NULL ? form_info(&i) : json_null());
        cd_err_free(err);
    }
    form_put(all, name, one);
}

void serve_connectors_list(call_t *c)
{
    cd_list_t expand = call_params(c, "expand");
    herder_names_t names;
    herder_connectors(call_herder(c), &c->arena, &names);
    if (expand.n == 0) {
        call_reply_json(c, 200, form_names(&names));
        return;
    }
    json_t *all = json_object();
    for (uint32_t i = 0; i < names.n; i++)
        add_expanded(c, all, names.items[i], wants(expand, "status"), wants(expand, "info"));
    call_reply_json(c, 200, all);
}

/* ---- writing a configuration: validate, then hand it to the herder ---------------------------------------------------- */

typedef struct write_op {
    call_t *call;
    const char *name;
    cd_config_t config;
    enum target_state initial;
    bool create; /* POST: an existing connector is a conflict */
} write_op_t;

static void on_written(void *arg, cd_err_t *err, const herder_info_t *info, bool created)
{
    write_op_t *op = arg;
    if (err != NULL)
        call_reply_err(op->call, err);
    else if (created)
        call_reply_created(op->call, info->name, form_info(info));
    else
        call_reply_json(op->call, 200, form_info(info));
}

static void on_validated(void *arg, cd_err_t *err, const entries_t *result)
{
    write_op_t *op = arg;
    call_t *c = op->call;
    if (err != NULL) {
        call_reply_err(c, err);
    } else if (entries_error_count(result) > 0) {
        call_reply_error(c, 400, "%s", entries_message(result, &c->arena));
    } else if (op->create) {
        herder_create(call_herder(c), op->name, &op->config, op->initial, on_written, op);
    } else {
        herder_put_config(call_herder(c), op->name, &op->config, on_written, op);
    }
}

static bool name_matches(call_t *c, const char *name, const cd_config_t *config)
{
    const char *given = cd_config_get(config, "name");
    if (given == NULL || strcmp(given, name) == 0) return true;
    call_reply_error(c, 400, "Connector name configuration (%s) doesn't match connector name in the URL (%s)", given,
                     name);
    return false;
}

/* The settings with `name` set: in its place when the client gave it, else at the end. */
static cd_config_t with_name(const cd_config_t *config, const char *name, cd_arena_t *arena)
{
    cd_pair_t *pairs = cd_arena_array(arena, cd_pair_t, config->n + 1);
    uint32_t n = 0;
    bool had = false;
    for (uint32_t i = 0; i < config->n; i++) {
        pairs[n] = config->pairs[i];
        if (strcmp(pairs[n].name, "name") == 0) {
            pairs[n].value = name;
            had = true;
        }
        n++;
    }
    if (!had) pairs[n++] = (cd_pair_t){.name = "name", .value = name};
    return (cd_config_t){.n = n, .pairs = pairs};
}

static void write_start(call_t *c, const char *name, const cd_config_t *config, enum target_state initial, bool create)
{
    write_op_t *op = cd_arena_new(&c->arena, write_op_t);
    *op = (write_op_t){.call = c, .name = name, .config = *config, .initial = initial, .create = create};
    call_wait(c);
    validation_start(call_env(c), &op->config, on_validated, op);
}

/* ---- POST /connectors -------------------------------------------------------------------------------------------------- */

static cd_err_t *bad_request(const char *class_name, const char *text, const char *detail)
{
    cd_err_t *err = cd_err_new(CD_ERR_DATA, class_name, "%s%s", text, detail);
    err->code = 500;
    return err;
}

static cd_err_t *parse_initial(const json_t *v, enum target_state *ret_state)
{
    static const char *const names[] = {"RUNNING", "PAUSED", "STOPPED"};
    *ret_state = TARGET_NONE;
    if (v == NULL || json_is_null(v)) return NULL;
    for (int i = 0; json_is_string(v) && i < 3; i++) {
        if (strcasecmp(json_string_value(v), names[i]) != 0) continue;
        *ret_state = (enum target_state)i;
        return NULL;
    }
    return bad_request("com.fasterxml.jackson.databind.exc.ValueInstantiationException",
                       "Cannot construct instance of InitialState: initial_state must be RUNNING, PAUSED or STOPPED",
                       "");
}

static cd_err_t *parse_create(const json_t *body, cd_arena_t *arena, const char **ret_name, cd_config_t *ret_config,
                              enum target_state *ret_initial)
{
    static const char *const known[] = {"name", "config", "initial_state"};
    const char *key;
    json_t *v;
    json_object_foreach((json_t *)body, key, v)
    {
        bool ok = false;
        for (size_t i = 0; i < 3; i++) ok |= strcmp(key, known[i]) == 0;
        if (!ok)
            return bad_request("com.fasterxml.jackson.databind.exc.UnrecognizedPropertyException",
                               "Unrecognized field \"",
                               cd_arena_printf(arena,
                                               "%s\" (class CreateConnectorRequest), not marked as ignorable: "
                                               "only name, config and initial_state are allowed",
                                               key));
    }
    const json_t *name = json_object_get(body, "name"), *config = json_object_get(body, "config");
    if (json_is_object(name) || json_is_array(name) || (config != NULL && !json_is_object(config)))
        return bad_request("com.fasterxml.jackson.databind.exc.MismatchedInputException",
                           "Cannot deserialize value of type ",
                           "CreateConnectorRequest: name must be a string and config "
                           "an object");
    if (config == NULL)
        return bad_request("java.lang.NullPointerException", "The request has no \"config\" object", "");
    json_t *one = json_object();
    form_put(one, "name", name == NULL ? json_null() : json_incref((json_t *)name));
    cd_config_t scalar;
    cd_err_t *err = json_to_config(one, arena, &scalar);
    json_decref(one);
    if (err != NULL) return err;
    *ret_name = str_trim_dup(scalar.pairs[0].value != NULL ? scalar.pairs[0].value : "", arena);
    err = json_to_config(config, arena, ret_config);
    if (err != NULL) {
        err = cd_err_wrap(err, CD_ERR_DATA, "com.fasterxml.jackson.databind.exc.MismatchedInputException",
                          "Cannot deserialize value of type `java.lang.String`: %s", err->message);
        return err;
    }
    return parse_initial(json_object_get(body, "initial_state"), ret_initial);
}

void serve_connectors_create(call_t *c)
{
    json_t *body = NULL;
    const char *name = NULL;
    cd_config_t config = {0};
    enum target_state initial = TARGET_NONE;
    cd_err_t *err = call_body_object(c, &body);
    if (err == NULL) err = parse_create(body, &c->arena, &name, &config, &initial);
    json_decref(body);
    if (err != NULL) {
        call_reply_err(c, err);
        return;
    }
    if (!name_matches(c, name, &config)) return;
    config = with_name(&config, name, &c->arena);
    write_start(c, name, &config, initial, true);
}

/* ---- PUT and PATCH /connectors/{name}/config ----------------------------------------------------------------------------- */

void serve_connector_config_put(call_t *c)
{
    cd_config_t config;
    cd_err_t *err = call_body_config(c, &config);
    if (err != NULL) {
        call_reply_err(c, err);
        return;
    }
    if (!name_matches(c, c->name, &config)) return;
    config = with_name(&config, c->name, &c->arena);
    write_start(c, c->name, &config, TARGET_NONE, false);
}

void serve_connector_config_patch(call_t *c)
{
    cd_config_t patch, config;
    cd_err_t *err = call_body_config(c, &patch);
    if (err == NULL) err = herder_patched_config(call_herder(c), c->name, &patch, &c->arena, &config);
    if (err != NULL)
        call_reply_err(c, err);
    else
        write_start(c, c->name, &config, TARGET_NONE, false);
}
