/* base/base64.h: standard base64 with padding. Pure. */
#ifndef BASE_BASE64_H
#define BASE_BASE64_H

#include "runtime/base/strbuf.h"

void base64_encode(const uint8_t *p, uint32_t len, strbuf_t *out);
/** @return false when the text is not base64; else the bytes, in the arena */
bool base64_decode(const char *text, uint32_t len, cd_arena_t *arena, const uint8_t **ret_data, uint32_t *ret_len);

#endif
