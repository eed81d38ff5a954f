/* wire/listener.h: accepts clients and gives each a thread once it has sent its first packet.
 * Until then a connection is only a descriptor in the lobby, so silent connections cost next to nothing and cannot use
 * up threads; the lobby is bounded, the oldest has to leave first, and nobody stays longer than the login timeout.
 * Threads    listener_run on the caller's thread; listener_stop from any thread or signal handler.
 * Errors     listener_new: NULL with a text in *ret_error (free with free()).
 */
#ifndef SIM_WIRE_LISTENER_H
#define SIM_WIRE_LISTENER_H

#include "wire/conn.h"

typedef struct listener listener_t;
typedef struct listener_limits {
    unsigned sessions; /* logged-in connections */
    unsigned logins;   /* threads that are busy with a login */
    unsigned lobby;    /* silent connections */
} listener_limits_t;

/** Binds. @param address  HOST:PORT, port 0 picks one */
listener_t *listener_new(const wire_config_t *config, const listener_limits_t *limits, const char *address,
                         char **ret_error);
/** The port that it got. */
int listener_port(const listener_t *listener);
/** @blocks until listener_stop; returns when every connection has ended */
void listener_run(listener_t *listener);
void listener_stop(listener_t *listener);
/** NULL is fine. */
void listener_free(listener_t *listener);

#endif
