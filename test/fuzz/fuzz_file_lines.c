/* links: connectors/file/lines.c */
/* Lines of a file that arrives in pieces: the first byte says how large the pieces are. However it is cut, the lines and
 * the bytes they cover must be those of the whole. */
#include "connectors/file/file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint64_t split(const uint8_t *data, size_t size, size_t piece, size_t *ret_covered)
{
    lines_t l = {0};
    uint64_t hash = 1469598103934665603u;
    *ret_covered = 0;
    for (size_t at = 0; at < size; at += piece) {
        size_t n = size - at < piece ? size - at : piece, len, used;
        const char *line;
        char *to = lines_reserve(&l, n);
        if (to == NULL) abort();
        memcpy(to, data + at, n);
        l.end += n;
        while (lines_next(&l, &line, &len, &used)) {
            for (size_t i = 0; i < len; i++) hash = (hash ^ (uint8_t)line[i]) * 1099511628211u;
            hash = (hash ^ 0x100) * 1099511628211u;
            *ret_covered += used;
        }
    }
    lines_done(&l);
    return hash;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t whole, cut;
    if (size < 2) return 0;
    uint64_t a = split(data + 1, size - 1, size, &whole);
    uint64_t b = split(data + 1, size - 1, (size_t)data[0] % 16 + 1, &cut);
    if (a != b || whole != cut || whole > size - 1) abort();
    return 0;
}
