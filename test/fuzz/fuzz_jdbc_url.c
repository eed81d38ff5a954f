/* links: connectors/postgres/jdbc_url.c */
/* JDBC URLs as users write them: no input may crash, and no password parameter may survive masking. */
#include "connectors/postgres/jdbc_url.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > 65536) return 0;
    cd_arena_t arena = {0};
    const char *text = cd_arena_strndup(&arena, data, size);
    jdbc_url_t url;
    if (jdbc_url_parse(text, &arena, &url) == JDBC_URL_OK) {
        if (url.nhosts == 0 || url.nhosts > JDBC_URL_HOSTS_MAX || url.nparams > JDBC_URL_PARAMS_MAX) abort();
        for (uint32_t i = 0; i < url.nhosts; i++)
            if (*url.hosts[i] == '\0' || strtol(url.ports[i], NULL, 10) < 1) abort();
        for (uint32_t i = 0; i < url.nparams; i++)
            if (jdbc_url_param(&url, url.params[i].name) == NULL) abort();
    }
    const char *masked = jdbc_url_mask(text, &arena);
    const char *again = jdbc_url_mask(masked, &arena);
    if (strcmp(masked, again) != 0) abort();
    cd_arena_done(&arena);
    return 0;
}
