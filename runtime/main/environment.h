/* main/environment.h: worker settings from CONNECT_* variables, as the container images take them. Pure. */
#ifndef RUNTIME_MAIN_ENVIRONMENT_H
#define RUNTIME_MAIN_ENVIRONMENT_H

#include "runtime/base/properties.h"

/** Name of the property behind a variable without its CONNECT_ prefix: lower case, "_" is ".", "__" is "_", "___" is
 *  "-". In the arena. */
char *environment_property(const char *variable, cd_arena_t *arena);

/** Add all CONNECT_ variables of `environ` (NULL-terminated "NAME=value") to props. The values are read as in a
 *  properties file, escapes included, since the images write them into one.
 *  @return DATA for a value with a broken escape */
CD_CHECK cd_err_t *environment_read(const char *const *environment, props_t *props);

/** The variables that the images insist on. @return CONFIG "<NAME> is required." for the first that is missing */
CD_CHECK cd_err_t *environment_check(const props_t *props);

#endif
