#include "plugins/providers/allowed_paths.h"

#include "runtime/base/str.h"

#include <unistd.h>

/** Java's Path.normalize, lexically. */
static char *normalise(const char *path, cd_arena_t *arena)
{
    char *out = (char *)cd_arena_alloc(arena, strlen(path) + 2);
    size_t n = 0;
    bool absolute = path[0] == '/';
    if (absolute) out[n++] = '/';
    while (*path != '\0') {
        size_t len = strcspn(path, "/");
        bool up = len == 2 && path[0] == '.' && path[1] == '.';
        if (up && n > (absolute ? 1u : 0u)) {
            while (n > 0 && out[n - 1] != '/') n--;
            if (n > 1) n--; /* the slash before it, unless it is the root */
        } else if (len > 0 && !(len == 1 && path[0] == '.') && !(up && absolute)) {
            if (n > 0 && out[n - 1] != '/') out[n++] = '/';
            memcpy(out + n, path, len);
            n += len;
        }
        path += len;
        while (*path == '/') path++;
    }
    out[n] = '\0';
    return out;
}

cd_err_t *allowed_paths_read(const char *text, cd_arena_t *arena, allowed_paths_t *ret_allowed)
{
    *ret_allowed = (allowed_paths_t){0};
    if (str_empty(text)) return NULL;
    cd_list_t list = str_split_list(text, arena);
    ret_allowed->paths = cd_arena_array(arena, const char *, list.n);
    for (uint32_t i = 0; i < list.n; i++) {
        const char *path = list.items[i];
        if (path[0] != '/') return cd_err_new(CD_ERR_CONFIG, CD_JVM_CONFIG, "Path %s is not absolute", path);
        if (access(path, F_OK) != 0) return cd_err_new(CD_ERR_CONFIG, CD_JVM_CONFIG, "Path %s does not exist", path);
        ret_allowed->paths[ret_allowed->n++] = normalise(path, arena);
    }
    return NULL;
}

const char *allowed_paths_check(const allowed_paths_t *allowed, const char *path, cd_arena_t *arena)
{
    const char *normal = normalise(path, arena);
    if (allowed->n == 0) return normal;
    for (uint32_t i = 0; i < allowed->n; i++) {
        size_t n = strlen(allowed->paths[i]);
        if (strncmp(normal, allowed->paths[i], n) != 0) continue;
        if (normal[n] == '\0' || normal[n] == '/' || allowed->paths[i][n - 1] == '/') return normal;
    }
    return NULL;
}
