/* main/options.h: the command line. Pure. */
#ifndef RUNTIME_MAIN_OPTIONS_H
#define RUNTIME_MAIN_OPTIONS_H

#include "plugins/api/connectd_plugin.h"

enum options_mode {
    OPTIONS_USAGE = 0, /* wrong or no arguments, or --help: print the usage, exit 1 as the JVM scripts do */
    OPTIONS_VERSION,
    OPTIONS_DISTRIBUTED,
    OPTIONS_STANDALONE
};

typedef struct options {
    enum options_mode mode;
    const char *properties; /* file; NULL: take the CONNECT_ environment; "": no properties */
    uint32_t nfiles;
    char *const *files; /* standalone: connector files */
} options_t;

/** "connectd distributed|standalone …", or the mode from the name of the program ("connect-distributed").
 *  @param has_environment  CONNECT_ variables exist: then the properties file may be left out */
options_t options_parse(int argc, char *const *argv, bool has_environment);

extern const char options_usage[];

#endif
