/* client/registry.h: the Schema Registry client of one converter.
 * Threads    the owning task's thread; every call may block on the network, and ends early when the task is stopped.
 * Ownership  results are copied into the caller's arena.
 * Errors     RETRIABLE: no answer, or 408, 429, 5xx from every URL after the retries. DATA: the registry said no (the
 *            message is its own, "<message>; error code: <code>", and cd_err_t.code is the HTTP status).
 *            STOPPED: the task is stopping. Never holds credentials.
 * Caching    none here: converters keep what they compiled from an answer, so a second request for the same thing
 *            only comes after that was dropped. */
#ifndef CONNECTD_CLIENT_REGISTRY_H
#define CONNECTD_CLIENT_REGISTRY_H

#include "plugins/api/connectd_plugin.h"

#define REGISTRY_JVM_REST "io.confluent.kafka.schemaregistry.client.rest.exceptions.RestClientException"

typedef struct registry registry_t;

/** One schema as the registry answered. `deps` are the texts of referenced schemas, each after its own references. */
typedef struct registry_schema {
    int32_t id, version; /* 0 when the answer has none */
    const char *type;    /* "AVRO" when the answer has none */
    const char *text;
    const char *references; /* the answer's JSON array of references, or NULL */
    uint32_t ndeps;
    const char *const *deps;
} registry_schema_t;

/** Read the connection settings (schema.registry.url, basic.auth.*, …; also with the prefix "schema.registry."). Does
 *  not touch the network. @param ctx  for log lines and the stop signal */
CD_CHECK cd_err_t *registry_new(cd_ctx_t *ctx, const cd_config_t *config, registry_t **ret_registry);
void registry_free(registry_t *registry);

/** Register a schema text under a subject, which answers the id of an equal schema when there is one. */
CD_CHECK cd_err_t *registry_register(registry_t *r, const char *subject, const char *text, bool normalize,
                                     int32_t *ret_id);
/** Find exactly this schema under the subject.
 *  @param references  JSON array as in registry_schema_t, or NULL
 *  @param deleted     also among soft-deleted versions */
CD_CHECK cd_err_t *registry_lookup(registry_t *r, const char *subject, const char *text, const char *references,
                                   bool normalize, bool deleted, int32_t *ret_id, int32_t *ret_version);
/** @param subject  NULL when it is not known yet */
CD_CHECK cd_err_t *registry_by_id(registry_t *r, const char *subject, int32_t id, cd_arena_t *arena,
                                  registry_schema_t *ret_schema);
CD_CHECK cd_err_t *registry_latest(registry_t *r, const char *subject, cd_arena_t *arena,
                                   registry_schema_t *ret_schema);
/** Latest version whose metadata holds all of these pairs. */
CD_CHECK cd_err_t *registry_with_metadata(registry_t *r, const char *subject, const cd_config_t *metadata,
                                          cd_arena_t *arena, registry_schema_t *ret_schema);

#endif
