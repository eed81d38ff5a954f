/* providers/allowed_paths.h: the parameter allowed.paths of the file and directory providers (02 §5.3). Read-only once
 * made: any thread. */
#ifndef CONNECTD_PROVIDERS_ALLOWED_PATHS_H
#define CONNECTD_PROVIDERS_ALLOWED_PATHS_H

#include "plugins/api/connectd_plugin.h"

typedef struct allowed_paths {
    uint32_t n; /* 0: everything is allowed */
    const char **paths;
} allowed_paths_t;

/** @param text  comma separated absolute paths that exist; NULL or empty allows everything */
CD_CHECK cd_err_t *allowed_paths_read(const char *text, cd_arena_t *arena, allowed_paths_t *ret_allowed);
/** The path without "." and ".." (links are not followed), or NULL when it is not one of the allowed ones or below. */
const char *allowed_paths_check(const allowed_paths_t *allowed, const char *path, cd_arena_t *arena);

#endif
