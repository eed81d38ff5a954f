/* connectd: the command line, the settings, and then the worker. */
#include "plugins/converters/converters.h"
#include "plugins/providers/providers.h"
#include "plugins/transforms/transforms.h"
#include "runtime/base/log.h"
#include "runtime/base/str.h"
#include "runtime/base/version.h"
#include "runtime/herder/providers.h"
#include "runtime/main/environment.h"
#include "runtime/main/logging.h"
#include "runtime/main/options.h"
#include "runtime/main/worker.h"

#include <limits.h>
#include <malloc.h>
#include <signal.h>
#include <unistd.h>

#define POOL_THREADS "16" /* connectors' callbacks may block: they must not starve reads of the internal topics */

static bool has_environment(void)
{
    for (char *const *v = environ; *v != NULL; v++)
        if (str_starts(*v, "CONNECT_")) return true;
    return false;
}

static cd_err_t *read_settings(const options_t *o, props_t *props)
{
    if (o->properties == NULL) {
        cd_err_t *err = environment_read((const char *const *)environ, props);
        if (err == NULL) err = environment_check(props);
        if (!props_has(props, "rest.port") && !props_has(props, "listeners")) props_set(props, "rest.port", "8083");
        return err;
    }
    return o->properties[0] == '\0' ? NULL : props_load(props, o->properties, PROPS_LATIN1);
}

/* The worker's own plugins: beside the binary in a build tree, in ../lib/connectd/plugins once installed. They are found
 * without any setting, since existing property files name folders of jars or none at all. */
static void scan_own(plugins_t *p)
{
    static const char *const places[] = {"plugins", "../lib/connectd/plugins"};
    char self[PATH_MAX], dir[PATH_MAX + 64];
    ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
    if (n <= 0) return;
    self[n] = '\0';
    char *slash = strrchr(self, '/');
    if (slash != NULL) *slash = '\0';
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        (void)snprintf(dir, sizeof(dir), "%s/%s", self, places[i]);
        if (access(dir, R_OK | X_OK) == 0) (void)plugins_scan(p, dir);
    }
}

/* plugin.path is read before config providers exist, so it is taken as it stands. */
static plugins_t *load_plugins(const props_t *props)
{
    plugins_t *p = plugins_new();
    const char *path = props_get(props, "plugin.path");
    plugins_add_builtin(p, cd_builtin_converters);
    plugins_add_builtin(p, cd_builtin_transforms);
    plugins_add_builtin(p, cd_builtin_predicates);
    plugins_add_builtin(p, cd_builtin_providers);
    scan_own(p);
    if (!str_empty(path)) (void)plugins_scan_path(p, path);
    return p;
}

static int run(const options_t *o)
{
    props_t props = {0};
    plugins_t *plugins = NULL;
    transformer_t *transformer = NULL;
    worker_config_t *config = NULL;
    int code = WORKER_EXIT_START;
    cd_err_t *err = read_settings(o, &props);
    if (err != NULL) goto out;
    cd_config_t raw = props_view(&props);
    logging_apply(&raw);
    plugins = load_plugins(&props);
    err = providers_open(plugins, &props, &transformer);
    if (err != NULL) goto out;
    err = worker_config_new(o->mode == OPTIONS_DISTRIBUTED, &props, &config);
    if (err != NULL) goto out;
    const worker_env_t env = {
        .config = config, .plugins = plugins, .transformer = transformer, .nfiles = o->nfiles, .files = o->files};
    code = worker_run(&env);
out:
    if (err != NULL)
        log_err(CD_LOG_ERROR, "org.apache.kafka.connect.cli.AbstractConnectCli", NULL, "Stopping due to error", err);
    cd_err_free(err);
    transformer_free(transformer);
    worker_config_free(config);
    plugins_free(plugins);
    props_done(&props);
    return code;
}

/* glibc raises both limits by itself after the first large buffer is freed, and then keeps what a burst has left behind:
 * a fifth of the resident memory after one. Fixed limits cost no measurable time. Elsewhere malloc decides. */
static void return_free_memory(void)
{
#ifdef __GLIBC__
    (void)mallopt(M_MMAP_THRESHOLD, 256 * 1024);
    (void)mallopt(M_TRIM_THRESHOLD, 1024 * 1024);
#endif
}

int main(int argc, char **argv)
{
    const options_t o = options_parse(argc, argv, has_environment());
    if (o.mode == OPTIONS_USAGE) {
        (void)fputs(options_usage, stderr);
        return 1;
    }
    if (o.mode == OPTIONS_VERSION) {
        (void)printf("connectd %s (Kafka Connect %s)\n", CONNECTD_VERSION, CONNECT_VERSION);
        return 0;
    }
    if (setenv("UV_THREADPOOL_SIZE", POOL_THREADS, 0) != 0 || signal(SIGPIPE, SIG_IGN) == SIG_ERR) return 2;
    return_free_memory();
    int code = run(&o);
    log_done();
    return code;
}
