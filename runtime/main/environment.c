#include "runtime/main/environment.h"

#include "runtime/base/str.h"
#include "runtime/base/strbuf.h"

#include <ctype.h>

#define PREFIX "CONNECT_"

char *environment_property(const char *variable, cd_arena_t *arena)
{
    strbuf_t out = {0};
    for (const char *p = variable; *p != '\0';) {
        if (*p != '_') {
            strbuf_addc(&out, (char)tolower((unsigned char)*p++));
            continue;
        }
        size_t run = strspn(p, "_");
        p += run;
        /* longer runs: as many dashes as fit, then what is left */
        for (; run >= 3; run -= 3) strbuf_addc(&out, '-');
        if (run > 0) strbuf_addc(&out, run == 2 ? '_' : '.');
    }
    char *name = cd_arena_strdup(arena, strbuf_str(&out));
    strbuf_done(&out);
    return name;
}

cd_err_t *environment_read(const char *const *environment, props_t *props)
{
    cd_err_t *err = NULL;
    for (const char *const *v = environment; *v != NULL && err == NULL; v++) {
        const char *equals = strchr(*v, '=');
        if (equals == NULL || !str_starts(*v, PREFIX) || equals == *v + strlen(PREFIX)) continue;
        cd_arena_t arena = {0};
        strbuf_t line = {0};
        const char *variable = cd_arena_strndup(&arena, *v + strlen(PREFIX), (size_t)(equals - *v) - strlen(PREFIX));
        strbuf_adds(&line, environment_property(variable, &arena));
        strbuf_addc(&line, '=');
        strbuf_adds(&line, equals + 1);
        err = props_parse(props, strbuf_str(&line), line.len, PROPS_UTF8);
        strbuf_done(&line);
        cd_arena_done(&arena);
    }
    return err;
}

typedef struct mandatory {
    const char *property, *variable;
} mandatory_t;

cd_err_t *environment_check(const props_t *props)
{
    static const mandatory_t always[] = {{"bootstrap.servers", "CONNECT_BOOTSTRAP_SERVERS"},
                                         {"group.id", "CONNECT_GROUP_ID"},
                                         {"config.storage.topic", "CONNECT_CONFIG_STORAGE_TOPIC"},
                                         {"offset.storage.topic", "CONNECT_OFFSET_STORAGE_TOPIC"},
                                         {"status.storage.topic", "CONNECT_STATUS_STORAGE_TOPIC"},
                                         {"key.converter", "CONNECT_KEY_CONVERTER"},
                                         {"value.converter", "CONNECT_VALUE_CONVERTER"},
                                         {"rest.advertised.host.name", "CONNECT_REST_ADVERTISED_HOST_NAME"},
                                         {NULL, NULL}};
    static const mandatory_t avro[] = {{"key.converter", "CONNECT_KEY_CONVERTER_SCHEMA_REGISTRY_URL"},
                                       {"value.converter", "CONNECT_VALUE_CONVERTER_SCHEMA_REGISTRY_URL"},
                                       {NULL, NULL}};
    for (const mandatory_t *m = always; m->property != NULL; m++)
        if (str_empty(props_get(props, m->property)))
            return cd_err_new(CD_ERR_CONFIG, CD_JVM_CONFIG, "%s is required.", m->variable);
    for (const mandatory_t *m = avro; m->property != NULL; m++) {
        char url[64];
        (void)snprintf(url, sizeof(url), "%s.schema.registry.url", m->property);
        if (str_eq(props_get(props, m->property), "io.confluent.connect.avro.AvroConverter") &&
            str_empty(props_get(props, url)))
            return cd_err_new(CD_ERR_CONFIG, CD_JVM_CONFIG, "%s is required.", m->variable);
    }
    return NULL;
}
