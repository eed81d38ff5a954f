/* Runs a fuzz target over its seeds, so that every build tests the parsers without clang. With libFuzzer this file is
 * left out. Usage: target FILE... */
#include "runtime/base/mem.h"

#include <stdint.h>
#include <stdio.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define SEED_MAX ((size_t)16 * 1024 * 1024)

static int run_file(const char *path)
{
    FILE *f = fopen(path, "rb");
    if (f == NULL) {
        perror(path);
        return 1;
    }
    uint8_t *data = mem_alloc(SEED_MAX);
    size_t n = fread(data, 1, SEED_MAX, f);
    int failed = ferror(f);
    (void)fclose(f);
    /* An exact-size copy, so that ASan sees a read past the end. */
    uint8_t *exact = mem_alloc(n);
    memcpy(exact, data, n);
    free(data);
    if (!failed) (void)LLVMFuzzerTestOneInput(exact, n);
    free(exact);
    return failed;
}

int main(int argc, char **argv)
{
    int failed = 0;
    for (int i = 1; i < argc; i++) failed += run_file(argv[i]);
    printf("%d seeds\n", argc - 1);
    return failed != 0;
}
