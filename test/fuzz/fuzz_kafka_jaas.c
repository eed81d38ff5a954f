/* The login line of SASL settings, which users and their tools write. */
#include "runtime/client/kafka_conf_priv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cd_arena_t arena = {0};
    const char *module = NULL;
    cd_config_t options = {0};
    cd_err_t *err = kafka_jaas_parse(cd_arena_strndup(&arena, data, size), &arena, &module, &options);
    if (err == NULL && (module == NULL || module[0] == '\0')) abort();
    for (uint32_t i = 0; err == NULL && i < options.n; i++)
        if (options.pairs[i].name[0] == '\0' || options.pairs[i].value == NULL) abort();
    cd_err_free(err);
    cd_arena_done(&arena);
    return 0;
}
