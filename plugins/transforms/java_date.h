/* transforms/java_date.h: java.text.SimpleDateFormat in UTC and English, as far as transforms use it (06 §6).
 * Letters: G y Y M L d D E u a H k K h m s S z Z X, quotes '…'. Pure; any thread. */
#ifndef CONNECTD_TRANSFORMS_JAVA_DATE_H
#define CONNECTD_TRANSFORMS_JAVA_DATE_H

#include "runtime/base/strbuf.h"

/** NULL when the pattern is one we can use, else what is wrong with it. */
CD_CHECK cd_err_t *java_date_check(const char *pattern);
/** Append the instant. @param ms  milliseconds since the epoch */
void java_date_format(const char *pattern, int64_t ms, strbuf_t *out);
/** Parse leniently; text after what the pattern takes is ignored. @return false when the text does not match */
bool java_date_parse(const char *pattern, const char *text, size_t len, int64_t *ret_millis);

#endif
