/* The part of the host table that the sink's settings need. Include it in one file of a test program. */
#ifndef TEST_POSTGRES_HOST_H
#define TEST_POSTGRES_HOST_H

#include "connectors/postgres/sink_conf.h"
#include "runtime/config/config_key.h"
#include "test/unit/support/cmocka_all.h"

static CD_PRINTF(4, 5) void no_log(cd_ctx_t *ctx, uint32_t level, const char *logger, const char *fmt, ...)
{
    (void)ctx;
    (void)level;
    (void)logger;
    (void)fmt;
}

static int give_host(void **state)
{
    (void)state;
    static const cd_host_t host = {
        .size = sizeof(host), .worker_version = "test", .log = no_log, .config_parse = config_parse};
    cd_err_t *err = cd_module_entry()->init(&host);
    return err == NULL ? 0 : -1;
}

/** Settings from a NULL-terminated list of names and values. */
static cd_err_t *conf_of(cd_arena_t *arena, const char *const *settings, sink_conf_t *ret_conf)
{
    uint32_t n = 0;
    while (settings[n] != NULL) n += 2;
    cd_pair_t *pairs = cd_arena_array(arena, cd_pair_t, n / 2 + 2);
    for (uint32_t i = 0; i < n; i += 2) pairs[i / 2] = (cd_pair_t){settings[i], settings[i + 1]};
    pairs[n / 2] = (cd_pair_t){"name", "sink"};
    cd_config_t *config = cd_arena_new(arena, cd_config_t);
    *config = (cd_config_t){n / 2 + 1, pairs};
    return sink_conf_parse(config, arena, ret_conf);
}

#define CONF(arena, conf, ...) assert_null(conf_of(arena, (const char *const[]){__VA_ARGS__, NULL}, conf))

#endif
