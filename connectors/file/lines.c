#include "connectors/file/file.h"

void lines_done(lines_t *l)
{
    free(l->data);
    *l = (lines_t){0};
}

char *lines_reserve(lines_t *l, size_t n)
{
    if (l->start > 0) {
        memmove(l->data, l->data + l->start, l->end - l->start);
        l->searched -= l->start;
        l->end -= l->start;
        l->start = 0;
    }
    if (l->end + n > l->cap) {
        if (l->end + n > LINE_MAX_BYTES) return NULL;
        size_t cap = l->cap == 0 ? n : l->cap * 2;
        if (cap < l->end + n) cap = l->end + n;
        char *data = realloc(l->data, cap);
        if (data == NULL) abort();
        l->data = data;
        l->cap = cap;
    }
    return l->data + l->end;
}

bool lines_next(lines_t *l, const char **ret_line, size_t *ret_len, size_t *ret_used)
{
    for (size_t i = l->searched; i < l->end; i++) {
        if (l->data[i] != '\n' && l->data[i] != '\r') continue;
        size_t next = i + 1;
        if (l->data[i] == '\r') {
            if (next == l->end) { /* may become CRLF, whose LF must not count as an empty line */
                l->searched = i;
                return false;
            }
            if (l->data[next] == '\n') next++;
        }
        *ret_line = l->data + l->start;
        *ret_len = i - l->start;
        *ret_used = next - l->start;
        l->start = l->searched = next;
        return true;
    }
    l->searched = l->end;
    return false;
}
