#include "runtime/main/connector_file.h"

#include "runtime/base/json.h"
#include "runtime/base/str.h"

#include <errno.h>

#define FILE_MAX ((size_t)16 * 1024 * 1024)

static cd_err_t *read_text(const char *path, strbuf_t *out)
{
    cd_err_t *err = NULL;
    char chunk[8192];
    size_t n;
    FILE *f = fopen(path, "re");
    if (f == NULL)
        return cd_err_new(CD_ERR_NOT_FOUND, "java.nio.file.NoSuchFileException", "%s: %s", path, strerror(errno));
    while (err == NULL && (n = fread(chunk, 1, sizeof(chunk), f)) > 0) {
        strbuf_add(out, chunk, n);
        if (out->len > FILE_MAX)
            err = cd_err_new(CD_ERR_CONFIG, CD_JVM_CONNECT, "%s: larger than %zu bytes", path, FILE_MAX);
    }
    if (err == NULL && ferror(f))
        err = cd_err_new(CD_ERR_FATAL, "java.io.IOException", "%s: %s", path, strerror(errno));
    if (fclose(f) != 0 && err == NULL)
        err = cd_err_new(CD_ERR_FATAL, "java.io.IOException", "%s: %s", path, strerror(errno));
    return err;
}

static bool is_flat(const json_t *object)
{
    const char *key;
    json_t *v;
    json_object_foreach((json_t *)object, key, v) if (json_is_object(v) || json_is_array(v)) return false;
    return true;
}

static enum target_state initial_state(const json_t *v)
{
    const char *text = json_string_value(v);
    if (text == NULL) return TARGET_NONE;
    return strcasecmp(text, "RUNNING") == 0   ? TARGET_STARTED
           : strcasecmp(text, "PAUSED") == 0  ? TARGET_PAUSED
           : strcasecmp(text, "STOPPED") == 0 ? TARGET_STOPPED
                                              : TARGET_NONE;
}

static cd_err_t *take_config(const json_t *object, props_t *p)
{
    cd_arena_t arena = {0};
    cd_config_t config;
    cd_err_t *err = json_to_config(object, &arena, &config);
    if (err == NULL) props_copy(p, &config);
    cd_arena_done(&arena);
    return err;
}

static cd_err_t *read_nested(const char *path, const json_t *object, connector_file_t *f)
{
    const json_t *name = json_object_get(object, "name"), *config = json_object_get(object, "config");
    if (!json_is_object(config) || !json_is_string(name))
        return cd_err_new(CD_ERR_CONFIG, CD_JVM_CONNECT,
                          "Connector configuration at '%s' is missing the mandatory 'name' configuration", path);
    cd_err_t *err = take_config(config, &f->config);
    if (err != NULL) return err;
    const char *inner = props_get(&f->config, "name");
    if (inner != NULL && strcmp(inner, json_string_value(name)) != 0)
        return cd_err_new(CD_ERR_CONFIG, CD_JVM_CONNECT,
                          "Connector name configuration in 'config' doesn't match the one specified in 'name' at '%s'",
                          path);
    props_set(&f->config, "name", json_string_value(name));
    f->initial = initial_state(json_object_get(object, "initial_state"));
    return NULL;
}

cd_err_t *connector_file_read(const char *path, connector_file_t *ret_file)
{
    connector_file_t f = {.initial = TARGET_NONE};
    strbuf_t text = {0};
    json_t *v = NULL;
    cd_err_t *err = read_text(path, &text);
    if (err != NULL) goto out;
    cd_err_t *not_json = json_parse(strbuf_str(&text), text.len, &v);
    cd_err_free(not_json); /* then it is a properties file */
    if (!json_is_object(v))
        err = props_parse(&f.config, strbuf_str(&text), text.len, PROPS_LATIN1);
    else if (is_flat(v))
        err = take_config(v, &f.config);
    else
        err = read_nested(path, v, &f);
    if (err == NULL && str_empty(props_get(&f.config, "name")))
        err = cd_err_new(CD_ERR_CONFIG, CD_JVM_CONNECT,
                         "Connector configuration at '%s' is missing the mandatory 'name' configuration", path);
    if (err == NULL) {
        *ret_file = f;
        f = (connector_file_t){0};
    }
out:
    json_decref(v);
    strbuf_done(&text);
    props_done(&f.config);
    return err;
}

void connector_file_done(connector_file_t *f)
{
    props_done(&f->config);
}
