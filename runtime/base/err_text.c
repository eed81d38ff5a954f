#include "runtime/base/err_text.h"

static void add_head(const cd_err_t *err, strbuf_t *out)
{
    strbuf_adds(out, err->jvm_class);
    if (err->message[0] == '\0') return; /* Java prints a null message as the class alone */
    strbuf_adds(out, ": ");
    strbuf_adds(out, err->message);
}

void err_text_trace(const cd_err_t *err, strbuf_t *out)
{
    for (const cd_err_t *e = err; e != NULL; e = e->cause) {
        if (e != err) strbuf_adds(out, "Caused by: ");
        add_head(e, out);
        strbuf_addf(out, "\n\tat connectd.%s(native)\n", e->where);
    }
}

void err_text_line(const cd_err_t *err, strbuf_t *out)
{
    for (const cd_err_t *e = err; e != NULL; e = e->cause) {
        if (e != err) strbuf_adds(out, "; caused by ");
        add_head(e, out);
    }
}
