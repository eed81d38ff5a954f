/* connectors/postgres/jdbc_url.h: the grammar of PostgreSQL JDBC URLs.
 *
 * Threads    pure functions.
 * Ownership  all results live in the caller's arena.
 * Limits     64 addresses and 256 parameters; more is refused as unparsable. */
#ifndef POSTGRES_JDBC_URL_H
#define POSTGRES_JDBC_URL_H

#include "plugins/api/connectd_plugin.h"

#define JDBC_URL_HOSTS_MAX  64
#define JDBC_URL_PARAMS_MAX 256

enum jdbc_url_status {
    JDBC_URL_OK = 0,
    JDBC_URL_NOT_JDBC,       /* no jdbc:<subprotocol>: at the front */
    JDBC_URL_NOT_POSTGRESQL, /* a JDBC URL of another database */
    JDBC_URL_UNPARSABLE      /* the driver would refuse it when connecting */
};

typedef struct jdbc_url {
    uint32_t nhosts;
    const char **hosts, **ports; /* IPv6 without brackets; the default port is filled in */
    const char *database;        /* NULL: as the user is called */
    bool has_authority;          /* false: hosts holds the default */
    uint32_t nparams;
    cd_pair_t *params; /* decoded; in the order of the URL */
} jdbc_url_t;

enum jdbc_url_status jdbc_url_parse(const char *text, cd_arena_t *arena, jdbc_url_t *ret_url);

/** Value of a parameter (the last one wins), or NULL. */
const char *jdbc_url_param(const jdbc_url_t *url, const char *name);

/** The URL with the values of password parameters replaced: for messages. */
const char *jdbc_url_mask(const char *url, cd_arena_t *arena);

#endif
