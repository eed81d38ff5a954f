#include "runtime/main/options.h"

#include "runtime/base/str.h"

const char options_usage[] =
    "connectd runs Kafka Connect connectors.\n"
    "\n"
    "  connectd distributed [worker.properties]\n"
    "  connectd standalone worker.properties [connector.json|connector.properties ...]\n"
    "  connectd --version | --help\n"
    "\n"
    "Called as connect-distributed or connect-standalone, the first word is left out. Without a properties file the\n"
    "settings are taken from CONNECT_* environment variables (CONNECT_GROUP_ID is group.id).\n";

static enum options_mode mode_of(const char *word)
{
    return strcmp(word, "distributed") == 0 || strcmp(word, "connect-distributed") == 0 ? OPTIONS_DISTRIBUTED
           : strcmp(word, "standalone") == 0 || strcmp(word, "connect-standalone") == 0 ? OPTIONS_STANDALONE
                                                                                        : OPTIONS_USAGE;
}

options_t options_parse(int argc, char *const *argv, bool has_environment)
{
    options_t o = {0};
    const char *slash = argc > 0 ? strrchr(argv[0], '/') : NULL;
    const char *program = argc == 0 ? "" : slash != NULL ? slash + 1 : argv[0];
    int at = 1;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0) return o;
        if (strcmp(argv[i], "--version") == 0) {
            o.mode = OPTIONS_VERSION;
            return o;
        }
    }
    enum options_mode mode = mode_of(program);
    if (mode == OPTIONS_USAGE && at < argc) mode = mode_of(argv[at++]);
    /* the JVM scripts go into the background for it; a container or service manager does that for us */
    if (at < argc && strcmp(argv[at], "-daemon") == 0) at++;
    if (mode == OPTIONS_USAGE || (at == argc && !(mode == OPTIONS_DISTRIBUTED && has_environment))) return o;
    o.mode = mode;
    if (at < argc) o.properties = argv[at++];
    o.nfiles = mode == OPTIONS_STANDALONE ? (uint32_t)(argc - at) : 0;
    o.files = argv + at;
    return o;
}
