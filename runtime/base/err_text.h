/* base/err_text.h: errors as users know them from the JVM worker. Pure; any thread. */
#ifndef BASE_ERR_TEXT_H
#define BASE_ERR_TEXT_H

#include "runtime/base/strbuf.h"

/** A trace in the shape of a Java stack trace, since people and dashboards grep for it:
 *  "<class>: <message>\n\tat <component>\nCaused by: …\n". */
void err_text_trace(const cd_err_t *err, strbuf_t *out);
/** "<class>: <message>" of the error itself, then "; caused by <class>: <message>" of each cause: one log line. */
void err_text_line(const cd_err_t *err, strbuf_t *out);

#endif
