/* main/logging.h: log levels from the settings and environment that the JVM images use. Called before any thread. */
#ifndef RUNTIME_MAIN_LOGGING_H
#define RUNTIME_MAIN_LOGGING_H

#include "runtime/base/properties.h"

/** Apply log4j.rootLogger / log4j.root.loglevel ("INFO", also "INFO, stdout"), log4j.logger.<name>, and
 *  log4j.loggers ("a.b=DEBUG,c=WARN"). Unknown levels are logged and skipped. */
void logging_apply(const cd_config_t *props);

#endif
