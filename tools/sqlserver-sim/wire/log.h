/* wire/log.h: one line per event on stderr. Any thread. Never pass secrets or packet contents. */
#ifndef SIM_WIRE_LOG_H
#define SIM_WIRE_LOG_H

typedef enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG } log_level_t;
typedef struct logger {
    log_level_t level; /* set before the first thread starts, then read only */
} logger_t;

void log_write(const logger_t *logger, log_level_t level, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

#endif
