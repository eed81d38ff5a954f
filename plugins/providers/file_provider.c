/* org.apache.kafka.common.config.provider.FileConfigProvider and DirectoryConfigProvider: a path is a properties file,
 * or a directory with one file per key. Both are read anew for each lookup; no state but the parameters. */
#include "plugins/providers/allowed_paths.h"
#include "plugins/providers/providers.h"
#include "runtime/base/mem.h"
#include "runtime/base/properties.h"
#include "runtime/base/str.h"
#include "runtime/base/version.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define PACKAGE    "org.apache.kafka.common.config.provider."
#define SECRET_MAX ((size_t)1024 * 1024)

typedef struct file_provider {
    cd_ctx_t *ctx;
    cd_arena_t arena;
    allowed_paths_t allowed;
} file_provider_t;

static const cd_key_t keys[] = {
    {.name = "allowed.paths",
     .type = CD_T_STRING,
     .importance = CD_LOW,
     .at = CD_NO_FIELD,
     .doc = "Absolute paths, separated by commas, that may be read (with all below them). Empty: everything."},
    CD_KEY_END,
};

static void provider_close(void *provider)
{
    file_provider_t *p = (file_provider_t *)provider;
    if (p == NULL) return;
    cd_arena_done(&p->arena);
    free(p);
}

static cd_err_t *provider_configure(cd_ctx_t *ctx, const cd_config_t *config, void **ret_provider)
{
    file_provider_t *p = mem_new0(file_provider_t);
    p->ctx = ctx;
    cd_err_t *err = allowed_paths_read(cd_config_get(config, "allowed.paths"), &p->arena, &p->allowed);
    if (err != NULL) {
        provider_close(p);
        return err;
    }
    *ret_provider = p;
    return NULL;
}

/** @return the path to read, or NULL with a warning: the variable then stays as it is. */
static const char *permitted(const file_provider_t *p, const char *path, const char *logger, cd_arena_t *arena)
{
    const char *ok = allowed_paths_check(&p->allowed, path, arena);
    if (ok == NULL) cd_log(p->ctx, CD_LOG_WARN, logger, "The path %s is not allowed to be accessed", path);
    return ok;
}

static cd_err_t *file_get(void *provider, const char *path, const char *const *names, uint32_t nnames,
                          cd_secrets_t *out, int64_t *ret_ttl_ms)
{
    const file_provider_t *p = (const file_provider_t *)provider;
    cd_arena_t arena = {0};
    props_t props = {0};
    cd_err_t *err = NULL;
    *ret_ttl_ms = -1;
    if (str_empty(path)) return NULL;
    const char *file = permitted(p, path, PACKAGE "FileConfigProvider", &arena);
    if (file == NULL) goto out;
    err = props_load(&props, file, PROPS_UTF8);
    if (err != NULL) {
        err = cd_err_wrap(err, CD_ERR_CONFIG, CD_JVM_CONFIG, "Could not read properties from file %s", path);
        goto out;
    }
    for (uint32_t i = 0; i < props.n; i++) {
        bool wanted = nnames == 0;
        for (uint32_t k = 0; k < nnames && !wanted; k++) wanted = strcmp(names[k], props.pairs[i].name) == 0;
        if (wanted && props.pairs[i].value != NULL) out->put(out, props.pairs[i].name, props.pairs[i].value);
    }
out:
    props_done(&props);
    cd_arena_done(&arena);
    return err;
}

/** Put one file's content; what is not a regular file is no key. */
static cd_err_t *put_file(int dir, const char *path, const char *name, cd_secrets_t *out)
{
    if (strchr(name, '/') != NULL || strcmp(name, "..") == 0 || name[0] == '\0') return NULL;
    int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 && errno == ENOENT) return NULL;
    if (fd < 0)
        return cd_err_new(CD_ERR_CONFIG, CD_JVM_CONFIG, "Could not read file %s/%s for property %s: %s", path, name,
                          name, strerror(errno));
    struct stat st;
    cd_err_t *err = NULL;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
        size_t n = 0;
        char *text = (char *)mem_alloc(SECRET_MAX + 1);
        ssize_t got = 0;
        while (n < SECRET_MAX && (got = read(fd, text + n, SECRET_MAX - n)) > 0) n += (size_t)got;
        text[n] = '\0';
        if (got < 0 || n == SECRET_MAX) {
            err =
                cd_err_new(CD_ERR_CONFIG, CD_JVM_CONFIG, "Could not read file %s/%s for property %s", path, name, name);
        } else {
            out->put(out, name, text);
        }
        explicit_bzero(text, n);
        free(text);
    }
    (void)close(fd);
    return err;
}

static cd_err_t *directory_get(void *provider, const char *path, const char *const *names, uint32_t nnames,
                               cd_secrets_t *out, int64_t *ret_ttl_ms)
{
    const file_provider_t *p = (const file_provider_t *)provider;
    cd_arena_t arena = {0};
    cd_err_t *err = NULL;
    *ret_ttl_ms = -1;
    if (str_empty(path)) return NULL;
    const char *where = permitted(p, path, PACKAGE "DirectoryConfigProvider", &arena);
    DIR *dir = where != NULL ? opendir(where) : NULL;
    if (where != NULL && dir == NULL)
        cd_log(p->ctx, CD_LOG_WARN, PACKAGE "DirectoryConfigProvider", "The path %s is not a directory", path);
    if (dir == NULL) goto out;
    for (uint32_t i = 0; i < nnames && err == NULL; i++) err = put_file(dirfd(dir), where, names[i], out);
    if (nnames == 0) {
        for (const struct dirent *e = readdir(dir); e != NULL && err == NULL; e = readdir(dir))
            err = put_file(dirfd(dir), where, e->d_name, out);
    }
    (void)closedir(dir);
out:
    cd_arena_done(&arena);
    return err;
}

static const cd_config_provider_ops_t file_ops = {
    .size = sizeof(file_ops), .configure = provider_configure, .get = file_get, .close = provider_close};
static const cd_config_provider_ops_t directory_ops = {
    .size = sizeof(directory_ops), .configure = provider_configure, .get = directory_get, .close = provider_close};

const cd_plugin_t file_provider_plugin = {CD_PLUGIN_HEAD,
                                          .kind = CD_KIND_CONFIG_PROVIDER,
                                          .jvm_class = PACKAGE "FileConfigProvider",
                                          .version = CONNECT_VERSION,
                                          .doc = "Values from properties files.",
                                          .keys = keys,
                                          .ops = &file_ops};
const cd_plugin_t directory_provider_plugin = {CD_PLUGIN_HEAD,
                                               .kind = CD_KIND_CONFIG_PROVIDER,
                                               .jvm_class = PACKAGE "DirectoryConfigProvider",
                                               .version = CONNECT_VERSION,
                                               .doc = "Values from directories with one file per key.",
                                               .keys = keys,
                                               .ops = &directory_ops};
