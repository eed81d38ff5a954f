/* base/log.h: the process's log: one stream (stdout, as the JVM worker's container log), levels by logger name.
 *
 * The log is the one deliberate process-wide object: a process has one standard output, and every thread of every room
 * may write to it. main sets it up before any thread exists and takes it down after the last one ended.
 * Threads    any; one line is one write(2), so lines never mix.
 * Levels     a logger inherits from its longest configured prefix ("org.apache.kafka" covers "org.apache.kafka.x").
 * Secrets    must never be passed in. */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "plugins/api/connectd_plugin.h"

/** Parse TRACE, DEBUG, INFO, WARN, ERROR, FATAL, OFF, ALL (any case). @return false for anything else. */
bool log_level_parse(const char *text, uint32_t *ret_level);
const char *log_level_name(uint32_t level);

#define LOG_OFF 99u

/** Set the level of a logger and all below it; "root" or "" is the root. Any thread. Copies the name. */
void log_set_level(const char *logger, uint32_t level);
uint32_t log_get_level(const char *logger);
bool log_on(uint32_t level, const char *logger);

/** Names each logger that has a level of its own. `each` must not log. */
void log_each_level(void (*each)(void *arg, const char *logger, uint32_t level), void *arg);

/** @param context  "[connector|task-0] " or NULL; put before the message */
void log_write(uint32_t level, const char *logger, const char *context, const char *fmt, ...) CD_PRINTF(4, 5);
void log_vwrite(uint32_t level, const char *logger, const char *context, const char *fmt, va_list args) CD_PRINTF(4, 0);
/** One line for an error with all its causes: "<what>: <class>: <message>; caused by …". */
void log_err(uint32_t level, const char *logger, const char *context, const char *what, const cd_err_t *err);

/** Lines go to this descriptor from now on (default 1). For tests and log files. */
void log_set_fd(int fd);
/** Free what levels were set: at the end of main. */
void log_done(void);

#define LOG_NAME       "org.apache.kafka.connect.runtime"
#define log_debug(...) log_write(CD_LOG_DEBUG, LOG_NAME, NULL, __VA_ARGS__)
#define log_info(...)  log_write(CD_LOG_INFO, LOG_NAME, NULL, __VA_ARGS__)
#define log_warn(...)  log_write(CD_LOG_WARN, LOG_NAME, NULL, __VA_ARGS__)
#define log_error(...) log_write(CD_LOG_ERROR, LOG_NAME, NULL, __VA_ARGS__)

#endif
