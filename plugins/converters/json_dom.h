/* converters/json_dom.h: JSON read as Jackson reads it for Connect: numbers keep their text, leading zeros are fine,
 * broken UTF-8 becomes U+FFFD. (base/json.h, over jansson, serves everything else: it has no numbers beyond 64 bits.)
 * Threads    pure.    Ownership  nodes live in the arena; plain strings and numbers are views of the input.
 * Errors     false, with the offset of what is wrong.    Limits  nesting 500. */
#ifndef CONNECTD_CONVERTERS_JSON_DOM_H
#define CONNECTD_CONVERTERS_JSON_DOM_H

#include "plugins/api/connectd_plugin.h"

enum json_kind { JSON_K_NULL = 0, JSON_K_BOOLEAN, JSON_K_NUMBER, JSON_K_STRING, JSON_K_ARRAY, JSON_K_OBJECT };

typedef struct json_node {
    uint8_t kind; /* enum json_kind */
    bool boolean;
    bool integral;    /* a number without fraction and exponent */
    uint32_t n;       /* children of an array or object */
    const char *text; /* string content, or the number as written */
    uint32_t len;
    uint32_t key_len; /* name within the object that holds this node */
    const char *key;
    struct json_node *first, *next; /* first child; next sibling */
} json_node_t;

typedef struct json_reader {
    const char *p, *start, *end;
    cd_arena_t *arena;
    uint32_t depth;
    const char *problem; /* what was wrong, when something was */
} json_reader_t;

void json_reader_init(json_reader_t *r, const void *text, size_t len, cd_arena_t *arena);
/** Read one value at the present place. @param ret_node  NULL: check and skip it, building nothing */
bool json_read(json_reader_t *r, json_node_t *ret_node);
/** Skip blanks; true when the next character is `c`, which is then consumed. */
bool json_accept(json_reader_t *r, char c);
/** Read a string, the quote being next. */
bool json_read_string(json_reader_t *r, const char **ret_text, uint32_t *ret_len);
/** Nothing but blanks is left. */
bool json_at_end(json_reader_t *r);

/** Last member of that name (the last one wins), or NULL. */
const json_node_t *json_member(const json_node_t *object, const char *name);
bool json_is_text(const json_node_t *node, const char *text);
/** "STRING", "NUMBER", …: Jackson's names, for messages. */
const char *json_kind_name(const json_node_t *node);
/** The number as a 64-bit integer: fractions are cut off, what is too large wraps (integers) or is bounded. */
int64_t json_int(const json_node_t *number);
double json_double(const json_node_t *number);

#endif
