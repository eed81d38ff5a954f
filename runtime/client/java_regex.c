#define PCRE2_CODE_UNIT_WIDTH 8
#include "runtime/client/java_regex.h"

#include <pcre2.h>

#include "runtime/client/java_regex_priv.h"

#define ILLEGAL_ARGUMENT "java.lang.IllegalArgumentException"
#define OUT_OF_BOUNDS    "java.lang.IndexOutOfBoundsException"
#define MATCH_STEPS      1000000u
#define HEAP_KIB         (8u * 1024u)
#define RESULT_MAX       (16u * 1024u * 1024u)

struct java_regex {
    pcre2_code *code;
    pcre2_match_data *data;
    pcre2_match_context *limits;
    uint32_t groups;
};

cd_err_t *java_regex_new(const char *pattern, uint32_t flags, java_regex_t **ret_re)
{
    cd_arena_t arena = {0};
    pcre2_compile_context *cc = NULL;
    java_regex_t *re = NULL;
    const char *text = NULL;
    bool ucp = false;
    cd_err_t *err = java_regex_translate_(pattern, &arena, &text, &ucp);
    if (err != NULL) goto out;
    re = (java_regex_t *)calloc(1, sizeof(*re));
    cc = pcre2_compile_context_create(NULL);
    if (re == NULL || cc == NULL) abort();
    (void)pcre2_set_newline(cc, PCRE2_NEWLINE_ANY);
    (void)pcre2_set_bsr(cc, PCRE2_BSR_UNICODE);
    (void)pcre2_set_parens_nest_limit(cc, 1000);
    uint32_t options = PCRE2_UTF | PCRE2_NEVER_BACKSLASH_C;
    if (ucp) options |= PCRE2_UCP;
    if ((flags & JAVA_REGEX_CASE_INSENSITIVE) != 0) options |= PCRE2_CASELESS;
    int code = 0;
    PCRE2_SIZE offset = 0;
    re->code = pcre2_compile((PCRE2_SPTR)text, PCRE2_ZERO_TERMINATED, options, &code, &offset, cc);
    if (re->code == NULL) {
        PCRE2_UCHAR why[200] = "";
        (void)pcre2_get_error_message(code, why, sizeof(why));
        /* the offset is one of the rewritten text: only right when nothing was rewritten */
        long index = strcmp(text, pattern) == 0 ? (long)offset : -1;
        err = java_regex_syntax_error((const char *)why, index, pattern);
        goto out;
    }
    /* JIT is only speed; without it the same matches come out of the interpreter */
    (void)pcre2_jit_compile(re->code, PCRE2_JIT_COMPLETE);
    re->data = pcre2_match_data_create_from_pattern(re->code, NULL);
    re->limits = pcre2_match_context_create(NULL);
    if (re->data == NULL || re->limits == NULL) abort();
    (void)pcre2_set_match_limit(re->limits, MATCH_STEPS);
    (void)pcre2_set_heap_limit(re->limits, HEAP_KIB);
    (void)pcre2_pattern_info(re->code, PCRE2_INFO_CAPTURECOUNT, &re->groups);
    *ret_re = re;
    re = NULL;
out:
    java_regex_free(re);
    pcre2_compile_context_free(cc);
    cd_arena_done(&arena);
    return err;
}

void java_regex_free(java_regex_t *re)
{
    if (re == NULL) return;
    pcre2_match_context_free(re->limits);
    pcre2_match_data_free(re->data);
    pcre2_code_free(re->code);
    free(re);
}

static cd_err_t *match(java_regex_t *re, const char *text, size_t len, size_t from, uint32_t options, bool *ret_match)
{
    int rc = pcre2_match(re->code, (PCRE2_SPTR)text, len, from, options, re->data, re->limits);
    *ret_match = rc > 0;
    if (rc >= 0 || rc == PCRE2_ERROR_NOMATCH) return NULL;
    PCRE2_UCHAR why[200] = "";
    (void)pcre2_get_error_message(rc, why, sizeof(why));
    return cd_err_new(CD_ERR_DATA, "java.lang.StackOverflowError",
                      "matching a regular expression was given up: %s; write the expression with less backtracking",
                      (const char *)why);
}

cd_err_t *java_regex_matches(java_regex_t *re, const char *text, size_t len, bool *ret_match)
{
    return match(re, text, len, 0, PCRE2_ANCHORED | PCRE2_ENDANCHORED, ret_match);
}

cd_err_t *java_regex_find(java_regex_t *re, const char *text, size_t len, bool *ret_match)
{
    return match(re, text, len, 0, 0, ret_match);
}

typedef struct result {
    cd_arena_t *arena;
    char *text;
    size_t len, cap;
} result_t;

static cd_err_t *append(result_t *r, const char *s, size_t n)
{
    if (r->len + n > RESULT_MAX)
        return cd_err_new(CD_ERR_DATA, ILLEGAL_ARGUMENT, "the replaced text is longer than %u bytes", RESULT_MAX);
    if (r->cap - r->len < n + 1) {
        size_t cap = (r->cap + n + 32) * 2;
        char *grown = (char *)cd_arena_alloc(r->arena, cap);
        if (r->len > 0) memcpy(grown, r->text, r->len);
        r->text = grown;
        r->cap = cap;
    }
    if (n > 0) memcpy(r->text + r->len, s, n);
    r->len += n;
    r->text[r->len] = '\0';
    return NULL;
}

static cd_err_t *append_group(java_regex_t *re, result_t *r, const char *text, uint32_t group)
{
    const PCRE2_SIZE *v = pcre2_get_ovector_pointer(re->data);
    if (v[2 * group] == PCRE2_UNSET) return NULL;
    return append(r, text + v[2 * group], v[2 * group + 1] - v[2 * group]);
}

/** ${name}: *p is after the brace. */
static cd_err_t *append_named(java_regex_t *re, result_t *r, const char *text, const char **p)
{
    const char *s = *p;
    size_t n = 0;
    while ((s[n] >= 'a' && s[n] <= 'z') || (s[n] >= 'A' && s[n] <= 'Z') || (s[n] >= '0' && s[n] <= '9')) n++;
    if (n == 0)
        return cd_err_new(CD_ERR_DATA, ILLEGAL_ARGUMENT,
                          "named capturing group is missing trailing '}' or name in the replacement");
    if (s[n] != '}') return cd_err_new(CD_ERR_DATA, ILLEGAL_ARGUMENT, "named capturing group is missing trailing '}'");
    char name[64];
    int group = PCRE2_ERROR_NOSUBSTRING;
    if (n < sizeof(name)) {
        memcpy(name, s, n);
        name[n] = '\0';
        if (name[0] >= '0' && name[0] <= '9')
            return cd_err_new(CD_ERR_DATA, ILLEGAL_ARGUMENT, "capturing group name {%s} starts with digit character",
                              name);
        group = pcre2_substring_number_from_name(re->code, (PCRE2_SPTR)name);
    }
    if (group <= 0) return cd_err_new(CD_ERR_DATA, ILLEGAL_ARGUMENT, "No group with name {%.*s}", (int)n, s);
    *p = s + n + 1;
    return append_group(re, r, text, (uint32_t)group);
}

static cd_err_t *expand(java_regex_t *re, result_t *r, const char *text, const char *replacement)
{
    for (const char *p = replacement; *p != '\0';) {
        cd_err_t *err = NULL;
        if (*p == '\\') {
            p++;
            if (*p == '\0') return cd_err_new(CD_ERR_DATA, ILLEGAL_ARGUMENT, "character to be escaped is missing");
            err = append(r, p++, 1);
        } else if (*p == '$') {
            p++;
            if (*p == '\0')
                return cd_err_new(CD_ERR_DATA, ILLEGAL_ARGUMENT, "Illegal group reference: group index is missing");
            if (*p == '{') {
                p++;
                err = append_named(re, r, text, &p);
            } else if (*p >= '0' && *p <= '9') {
                uint32_t group = (uint32_t)(*p++ - '0');
                if (group > re->groups) return cd_err_new(CD_ERR_DATA, OUT_OF_BOUNDS, "No group %u", group);
                /* more digits belong to the number only as long as such a group exists */
                while (*p >= '0' && *p <= '9' && group * 10 + (uint32_t)(*p - '0') <= re->groups)
                    group = group * 10 + (uint32_t)(*p++ - '0');
                err = append_group(re, r, text, group);
            } else {
                return cd_err_new(CD_ERR_DATA, ILLEGAL_ARGUMENT, "Illegal group reference");
            }
        } else {
            size_t n = strcspn(p, "\\$");
            err = append(r, p, n);
            p += n;
        }
        if (err != NULL) return err;
    }
    return NULL;
}

static cd_err_t *replace(java_regex_t *re, const char *text, size_t len, const char *replacement, bool all,
                         cd_arena_t *arena, const char **ret_text)
{
    result_t r = {.arena = arena};
    size_t from = 0, copied = 0;
    cd_err_t *err = NULL;
    while (from <= len) {
        bool found = false;
        err = match(re, text, len, from, 0, &found);
        if (err != NULL) return err;
        if (!found) break;
        const PCRE2_SIZE *v = pcre2_get_ovector_pointer(re->data);
        size_t start = v[0], end = v[1];
        err = append(&r, text + copied, start - copied);
        if (err == NULL) err = expand(re, &r, text, replacement);
        if (err != NULL) return err;
        copied = end;
        if (!all) break;
        from = end;
        if (start == end) { /* an empty match: go on after the next character, keeping UTF-8 together */
            from++;
            while (from < len && ((unsigned char)text[from] & 0xC0) == 0x80) from++;
        }
    }
    err = append(&r, text + copied, len - copied);
    if (err != NULL) return err;
    *ret_text = r.text;
    return NULL;
}

cd_err_t *java_regex_replace_first(java_regex_t *re, const char *text, size_t len, const char *replacement,
                                   cd_arena_t *arena, const char **ret_text)
{
    return replace(re, text, len, replacement, false, arena, ret_text);
}

cd_err_t *java_regex_replace_all(java_regex_t *re, const char *text, size_t len, const char *replacement,
                                 cd_arena_t *arena, const char **ret_text)
{
    return replace(re, text, len, replacement, true, arena, ret_text);
}

const char *java_regex_check(const cd_key_t *key, const char *text, cd_arena_t *arena)
{
    (void)key;
    java_regex_t *re = NULL;
    cd_err_t *err = java_regex_new(text, 0, &re);
    java_regex_free(re);
    if (err == NULL) return NULL;
    const char *message = cd_arena_printf(arena, "Invalid regex: %s", err->message);
    cd_err_free(err);
    return message;
}
