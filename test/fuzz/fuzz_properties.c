/* Java properties files: worker settings, connector files, and secrets of the file config provider. */
#include "runtime/base/properties.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    for (int charset = PROPS_LATIN1; charset <= PROPS_UTF8; charset++) {
        props_t p = {0};
        cd_err_t *err = props_parse(&p, (const char *)data, size, (enum props_charset)charset);
        for (uint32_t i = 0; i < p.n; i++)
            if (props_get(&p, p.pairs[i].name) != p.pairs[i].value) abort();
        cd_err_free(err);
        props_done(&p);
    }
    return 0;
}
