/* Java pattern text -> PCRE2 pattern text. One pass that copies what means the same in both, rewrites what does not,
 * and refuses what Java refuses but PCRE2 would take with another meaning. Groups are counted by PCRE2 alone: the
 * rewriting adds only non-capturing ones. */
#include "runtime/client/java_regex.h"
#include "runtime/client/java_regex_priv.h"

#define PATTERN_MAX (64 * 1024)
#define NESTING_MAX 250

typedef struct tr {
    const char *pattern;
    size_t pos, len;
    cd_arena_t *arena;
    char *out;
    size_t out_len, out_cap;
    uint32_t depth;
    bool ucp;
} tr_t;

static void put(tr_t *t, const char *s, size_t n)
{
    if (t->out_cap - t->out_len < n + 1) {
        size_t cap = (t->out_cap + n + 64) * 2;
        char *grown = (char *)cd_arena_alloc(t->arena, cap);
        if (t->out_len > 0) memcpy(grown, t->out, t->out_len);
        t->out = grown;
        t->out_cap = cap;
    }
    if (n > 0) memcpy(t->out + t->out_len, s, n);
    t->out_len += n;
    t->out[t->out_len] = '\0';
}

static void puts_(tr_t *t, const char *s)
{
    put(t, s, strlen(s));
}

static bool ascii_alpha(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool ascii_digit(char c)
{
    return c >= '0' && c <= '9';
}

static int hex_value(char c)
{
    if (ascii_digit(c)) return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

static char at(const tr_t *t, size_t i)
{
    return i < t->len ? t->pattern[i] : '\0';
}

cd_err_t *java_regex_syntax_error(const char *description, long index, const char *pattern)
{
    if (index < 0) return cd_err_new(CD_ERR_CONFIG, JAVA_REGEX_SYNTAX, "%s near index -1\n%s", description, pattern);
    size_t len = strlen(pattern);
    /* Java draws a caret under the character; a pattern with its own line breaks would shift it, as in Java */
    if ((size_t)index >= len)
        return cd_err_new(CD_ERR_CONFIG, JAVA_REGEX_SYNTAX, "%s near index %ld\n%s", description, index, pattern);
    return cd_err_new(CD_ERR_CONFIG, JAVA_REGEX_SYNTAX, "%s near index %ld\n%s\n%*s^", description, index, pattern,
                      (int)index, "");
}

static cd_err_t *bad(const tr_t *t, const char *description, size_t index)
{
    return java_regex_syntax_error(description, (long)index, t->pattern);
}

static cd_err_t *unsupported(const tr_t *t, const char *what, size_t index)
{
    return cd_err_new(CD_ERR_CONFIG, JAVA_REGEX_SYNTAX,
                      "%s is valid in Java but not supported here; write the expression without it near index %zu\n%s",
                      what, index, t->pattern);
}

/** Write one code point so that PCRE2 takes it literally, inside or outside a class. */
static void put_code_point(tr_t *t, uint32_t cp)
{
    char hex[16];
    int n = snprintf(hex, sizeof(hex), "\\x{%X}", cp);
    put(t, hex, (size_t)n);
}

/** \p{…}, \P{…}, \pL: t->pos is at the letter after the backslash. Writes something that also works in a class. */
static cd_err_t *property(tr_t *t, bool negated)
{
    static const struct {
        const char *java, *pcre;
    } names[] = {
        {"Lower", "[:lower:]"}, {"Upper", "[:upper:]"}, {"ASCII", "[:ascii:]"}, {"Alpha", "[:alpha:]"},
        {"Digit", "[:digit:]"}, {"Alnum", "[:alnum:]"}, {"Punct", "[:punct:]"}, {"Graph", "[:graph:]"},
        {"Print", "[:print:]"}, {"Blank", "[:blank:]"}, {"Cntrl", "[:cntrl:]"}, {"XDigit", "[:xdigit:]"},
        {"Space", "[:space:]"},
    };
    static const struct {
        const char *java, *pcre;
    } unicode[] = {
        {"IsAlphabetic", "L"},
        {"IsLetter", "L"},
        {"IsDigit", "Nd"},
        {"IsUppercase", "Lu"},
        {"IsLowercase", "Ll"},
        {"IsTitlecase", "Lt"},
        {"IsPunctuation", "P"},
        {"IsControl", "Cc"},
        {"javaLowerCase", "Ll"},
        {"javaUpperCase", "Lu"},
        {"javaTitleCase", "Lt"},
        {"javaDigit", "Nd"},
        {"javaLetter", "L"},
        {"javaAlphabetic", "L"},
        {"javaISOControl", "Cc"},
        {"IsWhite_Space", "Xps"},
        {"javaWhitespace", "Xps"},
        {"javaSpaceChar", "Z"},
        {"IsLatin", "Latin"},
        {"IsGreek", "Greek"},
        {"IsCyrillic", "Cyrillic"},
        {"IsHan", "Han"},
        {"IsArabic", "Arabic"},
        {"IsHebrew", "Hebrew"},
        {"IsHiragana", "Hiragana"},
        {"IsKatakana", "Katakana"},
        {"IsThai", "Thai"},
        {"IsHangul", "Hangul"},
        {"IsDevanagari", "Devanagari"},
    };
    size_t start = t->pos;
    t->pos++;
    char name[64];
    size_t n = 0;
    if (at(t, t->pos) == '{') {
        t->pos++;
        while (t->pos < t->len && t->pattern[t->pos] != '}' && n + 1 < sizeof(name)) name[n++] = t->pattern[t->pos++];
        if (at(t, t->pos) != '}') return bad(t, "Unclosed character family", t->len > 0 ? t->len - 1 : 0);
        t->pos++;
        if (n == 0) return bad(t, "Empty character family", t->pos - 1);
    } else {
        if (t->pos >= t->len) return bad(t, "Illegal/unsupported escape sequence", start);
        name[n++] = t->pattern[t->pos++];
    }
    name[n] = '\0';
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(name, names[i].java) != 0) continue;
        /* [:^x:] is PCRE2's own negation; the text is wrapped in a class of its own by the caller when needed */
        puts_(t, negated ? "[:^" : "[:");
        puts_(t, names[i].pcre + 2);
        return NULL;
    }
    const char *pcre = NULL;
    for (size_t i = 0; i < sizeof(unicode) / sizeof(unicode[0]); i++)
        if (strcmp(name, unicode[i].java) == 0) pcre = unicode[i].pcre;
    if (pcre == NULL && n <= 2) pcre = name; /* general categories: L, Lu, Nd, … */
    if (pcre == NULL && strncmp(name, "Is", 2) == 0 && n <= 4) pcre = name + 2;
    if (pcre == NULL) return unsupported(t, "This character property", start - 1);
    puts_(t, negated ? "\\P{" : "\\p{");
    puts_(t, pcre);
    puts_(t, "}");
    return NULL;
}

/** An escape; t->pos is after the backslash. @param in_class  inside […] */
static cd_err_t *escape(tr_t *t, bool in_class)
{
    size_t start = t->pos;
    if (t->pos >= t->len) return bad(t, in_class ? "Unclosed character class" : "Unexpected internal error", t->len);
    char c = t->pattern[t->pos];
    switch (c) {
    case 'u': {
        uint32_t cp = 0;
        for (int i = 1; i <= 4; i++) {
            int v = hex_value(at(t, t->pos + (size_t)i));
            if (v < 0) return bad(t, "Illegal Unicode escape sequence", start);
            cp = cp * 16 + (uint32_t)v;
        }
        t->pos += 5;
        if (cp >= 0xD800 && cp <= 0xDBFF && at(t, t->pos) == '\\' && at(t, t->pos + 1) == 'u') {
            uint32_t low = 0;
            for (int i = 2; i <= 5; i++) {
                int v = hex_value(at(t, t->pos + (size_t)i));
                if (v < 0) return bad(t, "Illegal Unicode escape sequence", t->pos);
                low = low * 16 + (uint32_t)v;
            }
            if (low >= 0xDC00 && low <= 0xDFFF) {
                cp = 0x10000 + ((cp - 0xD800) << 10) + (low - 0xDC00);
                t->pos += 6;
            }
        }
        if (cp >= 0xD800 && cp <= 0xDFFF) return unsupported(t, "A lone surrogate", start);
        put_code_point(t, cp);
        return NULL;
    }
    case '0': {
        uint32_t v = 0, digits = 0;
        t->pos++;
        while (digits < 3 && at(t, t->pos) >= '0' && at(t, t->pos) <= '7') {
            if (digits == 2 && v > 037) break; /* a third digit only after 0-3 */
            v = v * 8 + (uint32_t)(t->pattern[t->pos++] - '0');
            digits++;
        }
        if (digits == 0) return bad(t, "Illegal octal escape sequence", t->pos);
        put_code_point(t, v);
        return NULL;
    }
    case 'x': {
        uint32_t cp = 0;
        if (at(t, t->pos + 1) == '{') {
            t->pos += 2;
            size_t digits = 0;
            while (hex_value(at(t, t->pos)) >= 0 && digits < 7) {
                cp = cp * 16 + (uint32_t)hex_value(t->pattern[t->pos++]);
                digits++;
            }
            if (digits == 0 || at(t, t->pos) != '}' || cp > 0x10FFFF)
                return bad(t, "Illegal hexadecimal escape sequence", start);
            t->pos++;
        } else {
            int hi = hex_value(at(t, t->pos + 1)), lo = hi < 0 ? -1 : hex_value(at(t, t->pos + 2));
            if (lo < 0) return bad(t, "Illegal hexadecimal escape sequence", start);
            cp = (uint32_t)(hi * 16 + lo);
            t->pos += 3;
        }
        put_code_point(t, cp);
        return NULL;
    }
    case 'p':
    case 'P': {
        /* POSIX names are only legal inside a class in PCRE2 */
        size_t mark = t->out_len;
        cd_err_t *err = property(t, c == 'P');
        if (err != NULL) return err;
        if (!in_class && t->out[mark] == '[') {
            size_t n = t->out_len - mark;
            char posix[32];
            if (n + 1 > sizeof(posix)) return unsupported(t, "This character property", start);
            memcpy(posix, t->out + mark, n);
            t->out_len = mark;
            put(t, "[", 1);
            put(t, posix, n);
            put(t, "]", 1);
        }
        return NULL;
    }
    case 'k': {
        if (in_class || at(t, t->pos + 1) != '<')
            return bad(t, "\\k is not followed by '<' for named capturing group", start);
        size_t end = t->pos + 2;
        while (end < t->len && (ascii_alpha(t->pattern[end]) || ascii_digit(t->pattern[end]))) end++;
        if (at(t, end) != '>') return bad(t, "named capturing group is missing trailing '>'", end);
        put(t, "\\", 1);
        put(t, t->pattern + t->pos, end + 1 - t->pos);
        t->pos = end + 1;
        return NULL;
    }
    case 'c':
        if (t->pos + 1 >= t->len) return bad(t, "Illegal control escape sequence", start);
        put_code_point(t, (uint32_t)((unsigned char)t->pattern[t->pos + 1] ^ 64));
        t->pos += 2;
        return NULL;
    case 'Q':
        return NULL; /* the callers handle quoting before they come here */
    default:
        break;
    }
    const char *allowed = in_class ? "dDsSwWhHvVtnrfae" : "dDsSwWhHvVtnrfaebBAGZzRXE";
    if (ascii_alpha(c)) {
        if (strchr(allowed, c) == NULL) return bad(t, "Illegal/unsupported escape sequence", start);
        if (c == 'E') { /* a stray \E is nothing in PCRE2 and an error in Java */
            return bad(t, "Illegal/unsupported escape sequence", start);
        }
    }
    put(t, "\\", 1);
    size_t n = 1;
    while (((unsigned char)at(t, t->pos + n) & 0xC0) == 0x80) n++; /* keep a multi-byte character together */
    if (in_class && ascii_digit(c)) return bad(t, "Illegal/unsupported escape sequence", start);
    put(t, t->pattern + t->pos, n);
    t->pos += n;
    return NULL;
}

/** \Q…\E; t->pos is after \Q. Everything is escaped one by one: PCRE2's own \Q would not survive our rewriting. */
static void quoted(tr_t *t)
{
    while (t->pos < t->len) {
        if (t->pattern[t->pos] == '\\' && at(t, t->pos + 1) == 'E') {
            t->pos += 2;
            return;
        }
        char c = t->pattern[t->pos++];
        if ((unsigned char)c < 0x80 && !ascii_alpha(c) && !ascii_digit(c)) put(t, "\\", 1);
        put(t, &c, 1);
    }
}

static cd_err_t *char_class(tr_t *t, bool *ret_simple);

/** The items of one operand of &&, up to ']' or "&&". Simple items go into one PCRE2 class, nested classes become
 *  alternatives next to it. */
static cd_err_t *class_operand(tr_t *t, size_t open, bool first, bool *ret_complex)
{
    tr_t flat = {.pattern = t->pattern, .pos = t->pos, .len = t->len, .arena = t->arena, .depth = t->depth};
    tr_t nested = flat;
    bool any_flat = false, any_nested = false;
    put(&flat, "", 0);
    put(&nested, "", 0);
    for (;;) {
        if (flat.pos >= flat.len) return bad(t, "Unclosed character class", t->len - 1);
        char c = flat.pattern[flat.pos];
        if (c == ']' && (any_flat || any_nested || !first)) break;
        if (c == '&' && at(&flat, flat.pos + 1) == '&') break;
        if (c == '[') {
            bool simple = false;
            nested.pos = flat.pos;
            if (any_nested) put(&nested, "|", 1);
            cd_err_t *err = char_class(&nested, &simple);
            if (err != NULL) return err;
            flat.pos = nested.pos;
            any_nested = true;
            continue;
        }
        if (c == '\\' && at(&flat, flat.pos + 1) == 'Q') {
            flat.pos += 2;
            quoted(&flat);
        } else if (c == '\\') {
            flat.pos++;
            cd_err_t *err = escape(&flat, true);
            if (err != NULL) return err;
        } else if (c == ']' || c == '^') {
            put(&flat, "\\", 1);
            put(&flat, &c, 1);
            flat.pos++;
        } else {
            put(&flat, &c, 1);
            flat.pos++;
        }
        any_flat = true;
    }
    if (!any_flat && !any_nested) return bad(t, "Bad class syntax", open);
    t->pos = flat.pos;
    if (any_flat) {
        put(t, "[", 1);
        put(t, flat.out, flat.out_len);
        put(t, "]", 1);
    }
    if (any_nested) {
        if (any_flat) put(t, "|", 1);
        put(t, nested.out, nested.out_len);
        *ret_complex = true;
    }
    return NULL;
}

/** […]; t->pos is at '['. A plain class stays one; union and intersection become a group that takes one character:
 *  A&&B is (?=A)B, and a negation around such a group is (?!…) followed by any character. */
static cd_err_t *char_class(tr_t *t, bool *ret_simple)
{
    size_t open = t->pos++;
    if (++t->depth > NESTING_MAX) return unsupported(t, "Nesting this deep", open);
    bool negated = at(t, t->pos) == '^';
    if (negated) t->pos++;
    tr_t operand = {.pattern = t->pattern, .pos = t->pos, .len = t->len, .arena = t->arena, .depth = t->depth};
    char *parts[32];
    uint32_t nparts = 0;
    bool complex = false;
    for (;;) {
        operand.out = NULL;
        operand.out_len = operand.out_cap = 0;
        put(&operand, "", 0);
        cd_err_t *err = class_operand(&operand, open, nparts == 0, &complex);
        if (err != NULL) return err;
        if (nparts == sizeof(parts) / sizeof(parts[0])) return unsupported(t, "An intersection of so many sets", open);
        parts[nparts++] = operand.out;
        if (at(&operand, operand.pos) == ']') break;
        operand.pos += 2;                            /* && */
        if (at(&operand, operand.pos) == ']') break; /* Java takes [a&&] as [a] */
    }
    t->pos = operand.pos + 1;
    t->depth--;
    if (nparts == 1 && !complex) {
        if (negated) {
            put(t, "[^", 2);
            puts_(t, parts[0] + 1);
        } else {
            puts_(t, parts[0]);
        }
        *ret_simple = true;
        return NULL;
    }
    *ret_simple = false;
    puts_(t, negated ? "(?:(?!" : "(?:");
    for (uint32_t i = 0; i + 1 < nparts; i++) {
        puts_(t, "(?=");
        puts_(t, parts[i]);
        puts_(t, ")");
    }
    puts_(t, "(?:");
    puts_(t, parts[nparts - 1]);
    puts_(t, ")");
    puts_(t, negated ? ")(?s:.))" : ")");
    return NULL;
}

/** What follows "(?"; t->pos is after it. */
static cd_err_t *group_head(tr_t *t)
{
    size_t start = t->pos;
    char c = at(t, t->pos);
    if (c == ':' || c == '=' || c == '!' || c == '>') {
        put(t, "(?", 2);
        put(t, &c, 1);
        t->pos++;
        return NULL;
    }
    if (c == '<') {
        char d = at(t, t->pos + 1);
        if (d == '=' || d == '!') {
            put(t, "(?<", 3);
            put(t, &d, 1);
            t->pos += 2;
            return NULL;
        }
        size_t end = t->pos + 1;
        if (!ascii_alpha(d)) return bad(t, "capturing group name does not start with a Latin letter", end);
        while (ascii_alpha(at(t, end)) || ascii_digit(at(t, end))) end++;
        if (at(t, end) != '>') return bad(t, "named capturing group is missing trailing '>'", end);
        put(t, "(?", 2);
        put(t, t->pattern + t->pos, end + 1 - t->pos);
        t->pos = end + 1;
        return NULL;
    }
    /* inline flags: (?i) (?i-s:…); u and d mean nothing to PCRE2, U is Unicode classes and must not pass through */
    char on[8] = "", off[8] = "";
    size_t non = 0, noff = 0;
    bool minus = false;
    for (;; t->pos++) {
        c = at(t, t->pos);
        if (c == '-' && !minus) {
            minus = true;
            continue;
        }
        if (c == ')' || c == ':') break;
        if (c == '\0' || strchr("imsxudU", c) == NULL) return bad(t, "Unknown inline modifier", start);
        if (c == 'U' && !minus) t->ucp = true;
        if (c == 'x') return unsupported(t, "The comments flag (?x)", start);
        if (c == 'u' || c == 'd' || c == 'U') continue;
        if (!minus && non < sizeof(on) - 1) on[non++] = c;
        if (minus && noff < sizeof(off) - 1) off[noff++] = c;
    }
    on[non] = off[noff] = '\0';
    t->pos++;
    put(t, "(?", 2);
    puts_(t, on);
    if (noff > 0) {
        put(t, "-", 1);
        puts_(t, off);
    }
    put(t, &c, 1);
    return NULL;
}

/** {n}, {n,}, {n,m}; t->pos is at '{'. Java refuses any other brace, PCRE2 would take it literally. */
static cd_err_t *repetition(tr_t *t)
{
    size_t start = t->pos, i = t->pos + 1;
    if (!ascii_digit(at(t, i))) return bad(t, "Illegal repetition", start);
    while (ascii_digit(at(t, i))) i++;
    if (at(t, i) == ',') {
        i++;
        while (ascii_digit(at(t, i))) i++;
    }
    if (at(t, i) != '}') return bad(t, "Unclosed counted closure", i);
    if (i - start > 12) return unsupported(t, "A repetition this large", start);
    put(t, t->pattern + start, i + 1 - start);
    t->pos = i + 1;
    return NULL;
}

cd_err_t *java_regex_translate_(const char *pattern, cd_arena_t *arena, const char **ret_pcre, bool *ret_ucp)
{
    tr_t t = {.pattern = pattern, .len = strlen(pattern), .arena = arena};
    if (t.len > PATTERN_MAX)
        return cd_err_new(CD_ERR_CONFIG, JAVA_REGEX_SYNTAX, "the regular expression is longer than %d bytes",
                          PATTERN_MAX);
    uint32_t groups = 0;
    bool atom = false; /* something that a quantifier may follow */
    put(&t, "", 0);
    while (t.pos < t.len) {
        char c = t.pattern[t.pos];
        cd_err_t *err = NULL;
        bool simple = false;
        switch (c) {
        case '\\':
            if (at(&t, t.pos + 1) == 'Q') {
                t.pos += 2;
                quoted(&t);
            } else {
                t.pos++;
                err = escape(&t, false);
            }
            atom = true;
            break;
        case '[':
            err = char_class(&t, &simple);
            atom = true;
            break;
        case '(':
            if (++groups > NESTING_MAX) return unsupported(&t, "Nesting this deep", t.pos);
            atom = false;
            if (at(&t, t.pos + 1) == '*') return bad(&t, "Dangling meta character '*'", t.pos + 1);
            if (at(&t, t.pos + 1) == '?') {
                t.pos += 2;
                size_t mark = t.out_len;
                err = group_head(&t);
                if (err == NULL && t.out[t.out_len - 1] == ')') { /* (?i) opens nothing */
                    groups--;
                    if (t.out_len - mark == 3) t.out_len = mark; /* all flags dropped: "(?)" */
                }
            } else {
                put(&t, "(", 1);
                t.pos++;
            }
            break;
        case ')':
            if (groups == 0) return bad(&t, "Unmatched closing ')'", t.pos > 0 ? t.pos - 1 : 0);
            groups--;
            atom = true;
            put(&t, ")", 1);
            t.pos++;
            break;
        case '{':
            err = repetition(&t);
            break;
        case '*':
        case '+':
        case '?':
            if (!atom && c != '?' && (t.out_len == 0 || t.out[t.out_len - 1] == '(' || t.out[t.out_len - 1] == '|')) {
                char text[40];
                (void)snprintf(text, sizeof(text), "Dangling meta character '%c'", c);
                return bad(&t, text, t.pos);
            }
            put(&t, &c, 1);
            t.pos++;
            break;
        default:
            atom = c != '|';
            put(&t, &c, 1);
            t.pos++;
            break;
        }
        if (err != NULL) return err;
    }
    if (groups > 0) return bad(&t, "Unclosed group", t.len);
    *ret_pcre = t.out;
    *ret_ucp = t.ucp;
    return NULL;
}

cd_err_t *java_regex_translate(const char *pattern, cd_arena_t *arena, const char **ret_pcre)
{
    bool ucp = false;
    return java_regex_translate_(pattern, arena, ret_pcre, &ucp);
}
