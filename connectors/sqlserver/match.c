#define PCRE2_CODE_UNIT_WIDTH 8
#include <ctype.h>
#include <pcre2.h>

#include "connectors/sqlserver/match.h"

#define PATTERNS_MAX 4096u

static cd_err_t *add(match_list_t *list, const char *pattern, size_t len)
{
    if (list->n >= PATTERNS_MAX) {
        return cd_err_new(CD_ERR_DATA, CD_JVM_CONFIG, "more than %u patterns in one list", PATTERNS_MAX);
    }
    int code = 0;
    PCRE2_SIZE at = 0;
    pcre2_code *re = pcre2_compile((PCRE2_SPTR)pattern, len,
                                   PCRE2_ANCHORED | PCRE2_ENDANCHORED | PCRE2_CASELESS | PCRE2_UTF, &code, &at, NULL);
    if (re == NULL) {
        PCRE2_UCHAR text[160] = {0};
        (void)pcre2_get_error_message(code, text, sizeof(text));
        return cd_err_new(CD_ERR_DATA, "java.util.regex.PatternSyntaxException", "%s near index %zu\n%.*s",
                          (const char *)text, (size_t)at, (int)len, pattern);
    }
    /* A missing JIT only costs speed, and patterns run at set-up time. */
    (void)pcre2_jit_compile(re, PCRE2_JIT_COMPLETE);
    pcre2_code **codes = realloc(list->codes, (list->n + 1) * sizeof(*codes));
    if (codes == NULL) abort();
    list->codes = codes;
    list->codes[list->n++] = re;
    if (list->scratch == NULL) {
        list->scratch = pcre2_match_data_create(1, NULL);
        if (list->scratch == NULL) abort();
    }
    return NULL;
}

cd_err_t *match_list_init_one(match_list_t *list, const char *pattern)
{
    *list = (match_list_t){0};
    cd_err_t *err = add(list, pattern, strlen(pattern));
    if (err != NULL) match_list_done(list);
    return err;
}

cd_err_t *match_list_init(match_list_t *list, const char *text)
{
    *list = (match_list_t){0};
    if (text == NULL) return NULL;
    cd_err_t *err = NULL;
    size_t len = strlen(text);
    char *item = malloc(len + 1);
    if (item == NULL) abort();
    size_t n = 0;
    for (size_t i = 0; i <= len && err == NULL; i++) {
        if (i < len && text[i] == '\\' && text[i + 1] == ',') {
            item[n++] = ',';
            i++;
            continue;
        }
        if (i < len && text[i] != ',') {
            item[n++] = text[i];
            continue;
        }
        char *p = item;
        while (n > 0 && isspace((unsigned char)p[n - 1])) n--;
        while (n > 0 && isspace((unsigned char)*p)) {
            p++;
            n--;
        }
        if (n > 0) err = add(list, p, n);
        n = 0;
    }
    free(item);
    if (err != NULL) match_list_done(list);
    return err;
}

void match_list_done(match_list_t *list)
{
    for (uint32_t i = 0; i < list->n; i++) pcre2_code_free(list->codes[i]);
    free(list->codes);
    pcre2_match_data_free(list->scratch);
    *list = (match_list_t){0};
}

int32_t match_list_find(const match_list_t *list, const char *text)
{
    for (uint32_t i = 0; i < list->n; i++) {
        if (pcre2_match(list->codes[i], (PCRE2_SPTR)text, strlen(text), 0, 0, list->scratch, NULL) >= 0)
            return (int32_t)i;
    }
    return -1;
}
