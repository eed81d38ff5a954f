/* wire/log.c: see log.h */
#include "wire/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <time.h>

void log_write(const logger_t *logger, log_level_t level, const char *fmt, ...)
{
    static const char *const names[] = {"ERROR", "WARN", "INFO", "DEBUG"};
    if (level > logger->level) return;
    char text[1024], when[32] = "";
    struct timespec ts;
    struct tm tm;
    clock_gettime(CLOCK_REALTIME, &ts);
    if (gmtime_r(&ts.tv_sec, &tm) != NULL) strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%S", &tm);
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    /* one call, so that lines of different threads do not mix */
    fprintf(stderr, "%s.%03ldZ %-5s sqlserver-sim: %s\n", when, ts.tv_nsec / 1000000, names[level], text);
}
