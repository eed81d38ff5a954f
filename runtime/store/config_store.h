/* store/config_store.h: the config topic: connector configs, task configs, target states, restart requests.
 *
 * Threads    loop thread only; nothing blocks.
 * Answers    each done callback runs once, on the loop, never before the call has returned, and at the latest after
 *            CONFIG_WRITE_MS (the write may still happen later). Unless noted it runs when the write was read back, so
 *            the state already shows it.
 * Ownership  what is passed in is copied; errors handed to callbacks belong to them.
 * Errors     with Connect's sentences ("Error writing connector configuration to Kafka"), HTTP status 500 in code. */
#ifndef RUNTIME_STORE_CONFIG_STORE_H
#define RUNTIME_STORE_CONFIG_STORE_H

#include "runtime/store/config_state.h"
#include "runtime/store/log.h"

#include <uv.h>

#define CONFIG_WRITE_MS 30000

typedef struct config_store config_store_t;

/** Called for each change after the start, with the state already showing it. */
typedef void config_listener_fn(void *arg, const config_event_t *ev);

/** @param log  taken */
config_store_t *config_store_new(uv_loop_t *loop, store_log_t *log, config_listener_fn *listener, void *arg);
/** Read the whole topic; `done` has no time limit. */
void config_store_start(config_store_t *s, store_done_fn *done, void *arg);
/** Outstanding writes are answered with STOPPED errors. */
void config_store_close(config_store_t *s);

const config_state_t *config_store_state(const config_store_t *s);

/** @param initial  written before the config unless TARGET_NONE */
void config_store_put_connector(config_store_t *s, const char *name, const cd_config_t *config,
                                enum target_state initial, store_done_fn *done, void *arg);
/** Tombstones of the config and of the target state. */
void config_store_remove_connector(config_store_t *s, const char *name, store_done_fn *done, void *arg);
/** All task configs and their commit. */
void config_store_put_tasks(config_store_t *s, const char *name, const cd_config_t *configs, uint32_t n,
                            store_done_fn *done, void *arg);
/** Answers after the acknowledgement. */
void config_store_put_target(config_store_t *s, const char *name, enum target_state target, store_done_fn *done,
                             void *arg);
void config_store_put_restart(config_store_t *s, const char *name, bool include_tasks, bool only_failed,
                              store_done_fn *done, void *arg);
/** Answers after the acknowledgement. */
void config_store_put_logger(config_store_t *s, const char *logger, const char *level, store_done_fn *done, void *arg);
/** Read what others have written by now. */
void config_store_refresh(config_store_t *s, store_done_fn *done, void *arg);

#endif
