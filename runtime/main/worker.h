/* main/worker.h: the running worker: start-up stages in order, the loop, and the shutdown that undoes them in reverse.
 * Called by main on the one thread that becomes the loop thread. */
#ifndef RUNTIME_MAIN_WORKER_H
#define RUNTIME_MAIN_WORKER_H

#include "runtime/herder/transformer.h"
#include "runtime/main/worker_config.h"
#include "runtime/plugin/plugins.h"

/** Exit codes of the JVM worker's scripts. */
enum worker_exit { WORKER_EXIT_OK = 0, WORKER_EXIT_HERDER = 1, WORKER_EXIT_START = 2, WORKER_EXIT_FILES = 3 };

typedef struct worker_env {
    const worker_config_t *config;
    const plugins_t *plugins;
    transformer_t *transformer;
    uint32_t nfiles; /* standalone: connector files, created one after the other */
    char *const *files;
} worker_env_t;

/** Run until a signal (SIGTERM, SIGINT) or an error ends it. A second signal ends the process at once.
 *  @return the exit code; what went wrong has been logged */
int worker_run(const worker_env_t *env);

#endif
