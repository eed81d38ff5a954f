/* store/kafka_hub.h: the worker's own two Kafka clients, one producer and one consumer for all internal topics, with all
 * their events brought to the loop through one eventfd.
 *
 * Threads    loop thread only; nothing blocks. Calls that librdkafka only offers in blocking form run on libuv's pool.
 * Ownership  see each function. Errors handed to callbacks belong to them.
 * Life       kafka_hub_new, …, kafka_hub_close (all logs closed before). */
#ifndef RUNTIME_STORE_KAFKA_HUB_H
#define RUNTIME_STORE_KAFKA_HUB_H

#include "runtime/store/log.h"

#include <librdkafka/rdkafka.h>
#include <uv.h>

typedef struct kafka_hub kafka_hub_t;

/** @param settings  Java client settings of the worker: bootstrap.servers, security and so on */
CD_CHECK cd_err_t *kafka_hub_new(uv_loop_t *loop, const cd_config_t *settings, kafka_hub_t **ret_hub);

/** Ask the cluster for its id. @param cluster_id  borrowed during the call; NULL on error */
typedef void kafka_hub_cluster_fn(void *arg, cd_err_t *err, const char *cluster_id);
void kafka_hub_describe(kafka_hub_t *hub, int64_t timeout_ms, kafka_hub_cluster_fn *done, void *arg);

/** Send what waits, at most until the deadline (monotonic ms), and answer how many messages did not make it. */
typedef void kafka_hub_flush_fn(void *arg, uint32_t lost);
void kafka_hub_flush(kafka_hub_t *hub, int64_t deadline, kafka_hub_flush_fn *done, void *arg);

/** `closed` runs on the loop when the clients are gone. */
void kafka_hub_close(kafka_hub_t *hub, void (*closed)(void *arg), void *arg);

/* ---- For the rooms' own files (kafka_log, topic_admin) ---- */

uv_loop_t *kafka_hub_loop(const kafka_hub_t *hub);
rd_kafka_t *kafka_hub_producer(const kafka_hub_t *hub);
rd_kafka_t *kafka_hub_consumer(const kafka_hub_t *hub);
/** Where Admin requests answer: their options' opaque is a kafka_hub_admin_t, called once with the event. */
rd_kafka_queue_t *kafka_hub_admin_queue(const kafka_hub_t *hub);
typedef struct kafka_hub_admin {
    void (*fn)(struct kafka_hub_admin *a, rd_kafka_event_t *event);
} kafka_hub_admin_t;

/** A message in flight: its opaque is a kafka_hub_send_t, called once with the outcome. */
typedef struct kafka_hub_send {
    void (*fn)(struct kafka_hub_send *s, const rd_kafka_message_t *m);
} kafka_hub_send_t;

/** A reader whose `drain` is called whenever its queue may hold messages; it takes what is there without waiting and
 *  returns whether it left some. */
typedef struct kafka_hub_reader {
    struct kafka_hub_reader *next;
    bool (*drain)(struct kafka_hub_reader *r);
} kafka_hub_reader_t;
void kafka_hub_add_reader(kafka_hub_t *hub, kafka_hub_reader_t *r, rd_kafka_queue_t *queue);
void kafka_hub_remove_reader(kafka_hub_t *hub, kafka_hub_reader_t *r, rd_kafka_queue_t *queue);

/** Have all readers drained in the loop's next turn, although nothing new may have come. */
void kafka_hub_wake(kafka_hub_t *hub);

/** Run a blocking call on libuv's pool and then `done` on the loop. The hub does not close before it is over, so `run`
 *  keeps its waits short (a few seconds) and asks again instead. */
void kafka_hub_run(kafka_hub_t *hub, void (*run)(void *arg), void (*done)(void *arg), void *arg);

#endif
