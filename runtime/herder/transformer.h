/* herder/transformer.h: replaces ${provider:[path:]key} in configurations by what the config providers answer.
 *
 * Threads    transformer_apply may run on any thread, several at once, and may block (files, Vault); the rest belongs
 *            to the thread that made it.
 * Ownership  results live in the caller's arena. They hold secrets in clear: never log, store or show them.
 * Errors     CONFIG for wrong provider settings; what a provider raised, wrapped, when a lookup fails.
 * Limits     no recursion: results are not looked at again. */
#ifndef CONNECTD_HERDER_TRANSFORMER_H
#define CONNECTD_HERDER_TRANSFORMER_H

#include "plugins/api/connectd_plugin.h"

typedef struct transformer transformer_t;

/** A provider ready for lookups; close runs when the transformer is freed. */
typedef struct transformer_provider {
    const char *name; /* as in config.providers; copied */
    const cd_config_provider_ops_t *ops;
    void *instance;
} transformer_provider_t;

/** @param providers  instances are taken over. */
transformer_t *transformer_new(const transformer_provider_t *providers, uint32_t n);
void transformer_free(transformer_t *t);

/** Smallest TTL per path that a provider asked for; `n` is 0 when nothing expires. */
typedef struct transformer_ttl {
    const char *provider, *path;
    int64_t ttl_ms;
} transformer_ttl_t;

typedef struct transformer_ttls {
    uint32_t n;
    const transformer_ttl_t *items;
} transformer_ttls_t;

/** Resolve all values. Unknown providers and keys that a provider does not know leave the text unchanged.
 *  @param ret_ttls  may be NULL */
CD_CHECK cd_err_t *transformer_apply(transformer_t *t, const cd_config_t *config, cd_arena_t *arena,
                                     cd_config_t *ret_config, transformer_ttls_t *ret_ttls);

/** True when the value holds something with the shape of a variable, whether or not its provider exists. */
bool transformer_has_variable(const char *value);

#endif
