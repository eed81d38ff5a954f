#include "runtime/store/java_map.h"

/* Java's stream: magic, version, then objects that begin with a type code. A class is described at its first use and
 * referred to by a handle later; handles count from 0x7E0000 in order of appearance. */
#define TC_NULL         0x70
#define TC_REFERENCE    0x71
#define TC_CLASSDESC    0x72
#define TC_OBJECT       0x73
#define TC_ARRAY        0x75
#define TC_BLOCKDATA    0x77
#define TC_ENDBLOCKDATA 0x78

static const uint8_t map_head[] = {0xAC,      0xED,
                                   0x00,      0x05,
                                   TC_OBJECT, TC_CLASSDESC,
                                   0x00,      0x11,
                                   'j',       'a',
                                   'v',       'a',
                                   '.',       'u',
                                   't',       'i',
                                   'l',       '.',
                                   'H',       'a',
                                   's',       'h',
                                   'M',       'a',
                                   'p',       0x05,
                                   0x07,      0xDA,
                                   0xC1,      0xC3,
                                   0x16,      0x60,
                                   0xD1,      0x03,
                                   0x00,      0x02,
                                   'F',       0x00,
                                   0x0A,      'l',
                                   'o',       'a',
                                   'd',       'F',
                                   'a',       'c',
                                   't',       'o',
                                   'r',       'I',
                                   0x00,      0x09,
                                   't',       'h',
                                   'r',       'e',
                                   's',       'h',
                                   'o',       'l',
                                   'd',       TC_ENDBLOCKDATA,
                                   TC_NULL,   0x3F,
                                   0x40,      0x00,
                                   0x00};
static const uint8_t array_class[] = {
    TC_CLASSDESC,    0x00,   0x02, '[', 'B', 0xAC, 0xF3, 0x17, 0xF8, 0x06, 0x08, 0x54, 0xE0, 0x02, 0x00, 0x00,
    TC_ENDBLOCKDATA, TC_NULL};
static const uint8_t array_handle[] = {TC_REFERENCE, 0x00, 0x7E, 0x00, 0x02};
/* where the load factor begins: its value does not matter to a reader */
#define HEAD_FIXED (sizeof(map_head) - 4)

static void put_u32(strbuf_t *out, uint32_t v)
{
    const uint8_t b[] = {(uint8_t)(v >> 24), (uint8_t)(v >> 16), (uint8_t)(v >> 8), (uint8_t)v};
    strbuf_add(out, b, sizeof(b));
}

static void put_array(strbuf_t *out, cd_bytes_t b, bool *first)
{
    if (b.ptr == NULL) {
        strbuf_addc(out, TC_NULL);
        return;
    }
    strbuf_addc(out, TC_ARRAY);
    if (*first)
        strbuf_add(out, array_class, sizeof(array_class));
    else
        strbuf_add(out, array_handle, sizeof(array_handle));
    *first = false;
    put_u32(out, b.len);
    strbuf_add(out, b.ptr, b.len);
}

void java_map_write(const java_entry_t *entries, uint32_t n, strbuf_t *out)
{
    uint32_t cap = 16;
    bool first = true;
    while (n > cap / 4 * 3) cap *= 2;
    strbuf_add(out, map_head, sizeof(map_head));
    put_u32(out, cap / 4 * 3);
    strbuf_addc(out, TC_BLOCKDATA);
    strbuf_addc(out, 8);
    put_u32(out, cap);
    put_u32(out, n);
    for (uint32_t i = 0; i < n; i++) {
        put_array(out, entries[i].key, &first);
        put_array(out, entries[i].value, &first);
    }
    strbuf_addc(out, TC_ENDBLOCKDATA);
}

typedef struct reader {
    const uint8_t *at, *end;
    bool seen_array;
} reader_t;

static bool take(reader_t *r, const uint8_t *expected, size_t n)
{
    if ((size_t)(r->end - r->at) < n || memcmp(r->at, expected, n) != 0) return false;
    r->at += n;
    return true;
}

static bool take_u32(reader_t *r, uint32_t *ret)
{
    if (r->end - r->at < 4) return false;
    *ret = (uint32_t)r->at[0] << 24 | (uint32_t)r->at[1] << 16 | (uint32_t)r->at[2] << 8 | r->at[3];
    r->at += 4;
    return true;
}

static bool take_byte(reader_t *r, uint8_t expected)
{
    return take(r, &expected, 1);
}

static bool take_array(reader_t *r, cd_bytes_t *ret)
{
    uint32_t n;
    *ret = (cd_bytes_t){0};
    if (take_byte(r, TC_NULL)) return true;
    if (!take_byte(r, TC_ARRAY)) return false;
    if (r->seen_array ? !take(r, array_handle, sizeof(array_handle)) : !take(r, array_class, sizeof(array_class)))
        return false;
    r->seen_array = true;
    if (!take_u32(r, &n) || n > (size_t)(r->end - r->at)) return false;
    *ret = (cd_bytes_t){.ptr = r->at, .len = n};
    r->at += n;
    return true;
}

static cd_err_t *broken(void)
{
    return cd_err_new(CD_ERR_DATA, "java.io.StreamCorruptedException",
                      "The offset file is not a serialised map of byte arrays");
}

/* Names the class of an object that is no HashMap. */
static cd_err_t *other_object(cd_bytes_t data)
{
    static const uint8_t start[] = {0xAC, 0xED, 0x00, 0x05, TC_OBJECT, TC_CLASSDESC};
    reader_t r = {.at = data.ptr, .end = data.ptr + data.len};
    if (!take(&r, start, sizeof(start)) || r.end - r.at < 2) return broken();
    uint32_t n = (uint32_t)r.at[0] << 8 | r.at[1];
    r.at += 2;
    if (n > (size_t)(r.end - r.at) || n > 256) return broken();
    return cd_err_new(CD_ERR_FATAL, CD_JVM_CONNECT, "Expected HashMap but found class %.*s", (int)n,
                      (const char *)r.at);
}

cd_err_t *java_map_read(cd_bytes_t data, cd_arena_t *arena, java_entry_t **ret_entries, uint32_t *ret_n)
{
    reader_t r = {.at = data.ptr, .end = data.ptr + data.len};
    uint32_t load_factor, threshold, cap, n; /* only the last one matters */
    if (!take(&r, map_head, HEAD_FIXED)) return other_object(data);
    if (!take_u32(&r, &load_factor) || !take_u32(&r, &threshold)) return broken();
    if (!take_byte(&r, TC_BLOCKDATA) || !take_byte(&r, 8) || !take_u32(&r, &cap) || !take_u32(&r, &n)) return broken();
    if (n > (size_t)(r.end - r.at) / 2) return broken(); /* two bytes are the least that an entry takes */
    java_entry_t *entries = cd_arena_array(arena, java_entry_t, n);
    for (uint32_t i = 0; i < n; i++)
        if (!take_array(&r, &entries[i].key) || !take_array(&r, &entries[i].value)) return broken();
    if (!take_byte(&r, TC_ENDBLOCKDATA)) return broken();
    *ret_entries = entries;
    *ret_n = n;
    return NULL;
}
