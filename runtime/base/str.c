#include "runtime/base/str.h"

const char *str_trim(const char *s, size_t *ret_len)
{
    size_t n = strlen(s);
    while (n > 0 && (unsigned char)s[n - 1] <= ' ') n--;
    while (n > 0 && (unsigned char)s[0] <= ' ') {
        s++;
        n--;
    }
    *ret_len = n;
    return s;
}

char *str_trim_dup(const char *s, cd_arena_t *arena)
{
    size_t n;
    const char *t = str_trim(s, &n);
    return cd_arena_strndup(arena, t, n);
}

cd_list_t str_split_list(const char *s, cd_arena_t *arena)
{
    char *text = str_trim_dup(s, arena);
    if (text[0] == '\0') return (cd_list_t){0};
    uint32_t n = 1;
    for (const char *p = text; *p != '\0'; p++) n += *p == ',';
    const char **items = cd_arena_array(arena, const char *, n);
    uint32_t i = 0;
    for (char *at = text; at != NULL; i++) {
        char *comma = strchr(at, ',');
        if (comma != NULL) *comma = '\0';
        items[i] = str_trim_dup(at, arena);
        at = comma != NULL ? comma + 1 : NULL;
    }
    return (cd_list_t){.n = n, .items = items};
}

uint32_t str_utf8_next(const char **p, const char *end)
{
    const uint8_t *s = (const uint8_t *)*p;
    size_t left = (size_t)(end - *p);
    uint32_t c = s[0];
    *p += 1;
    if (c < 0x80) return c;
    unsigned extra = c >= 0xF0 && c <= 0xF4 ? 3 : c >= 0xE0 && c < 0xF0 ? 2 : c >= 0xC2 && c < 0xE0 ? 1 : 0;
    if (extra == 0 || left <= extra) return 0xFFFD;
    uint32_t v = c & (0x3Fu >> extra);
    for (unsigned i = 1; i <= extra; i++) {
        if ((s[i] & 0xC0) != 0x80) return 0xFFFD;
        v = v << 6 | (s[i] & 0x3F);
    }
    static const uint32_t least[] = {0, 0x80, 0x800, 0x10000};
    if (v < least[extra] || v > 0x10FFFF || (v >= 0xD800 && v <= 0xDFFF)) return 0xFFFD;
    *p += extra;
    return v;
}

bool str_utf8_valid(const char *s, size_t len)
{
    const char *end = s + len;
    while (s < end) {
        const char *before = s;
        if (str_utf8_next(&s, end) == 0xFFFD && s - before == 1) return false;
    }
    return true;
}

int32_t str_java_hash(const char *s)
{
    return str_java_hash_n(s, strlen(s));
}

int32_t str_java_hash_n(const char *s, size_t len)
{
    uint32_t h = 0;
    const char *end = s + len;
    while (s < end) {
        uint32_t c = str_utf8_next(&s, end);
        if (c >= 0x10000) {
            c -= 0x10000;
            h = 31 * h + (0xD800 + (c >> 10));
            h = 31 * h + (0xDC00 + (c & 0x3FF));
        } else {
            h = 31 * h + c;
        }
    }
    return (int32_t)h;
}

cd_config_t config_with_prefix(const cd_config_t *config, const char *prefix, cd_arena_t *arena)
{
    size_t skip = strlen(prefix);
    cd_pair_t *pairs = cd_arena_array(arena, cd_pair_t, config->n);
    uint32_t n = 0;
    for (uint32_t i = 0; i < config->n; i++) {
        if (!str_starts(config->pairs[i].name, prefix) || config->pairs[i].name[skip] == '\0') continue;
        pairs[n++] = (cd_pair_t){.name = config->pairs[i].name + skip, .value = config->pairs[i].value};
    }
    return (cd_config_t){.n = n, .pairs = pairs};
}

cd_config_t config_copy(const cd_config_t *config, cd_arena_t *arena)
{
    cd_pair_t *pairs = cd_arena_array(arena, cd_pair_t, config->n);
    for (uint32_t i = 0; i < config->n; i++) {
        const cd_pair_t *p = &config->pairs[i];
        pairs[i].name = cd_arena_strdup(arena, p->name);
        pairs[i].value = p->value == NULL ? NULL : cd_arena_strdup(arena, p->value);
    }
    return (cd_config_t){.n = config->n, .pairs = pairs};
}
