/* wire/token.h: writes the reply tokens. Each call writes one whole token; order is the caller's business.
 * Threads    any; no state but the writer's.     Errors  see out.h.
 */
#ifndef SIM_WIRE_TOKEN_H
#define SIM_WIRE_TOKEN_H

#include "engine.h"
#include "wire/column.h"
#include "wire/out.h"

/** ERROR or INFO by the message's class. */
void token_message(out_t *out, uint32_t tds_version, const sim_message_t *message, const char *server);
/** DONE, DONEPROC or DONEINPROC. */
void token_done(out_t *out, uint32_t tds_version, uint8_t token, uint16_t status, uint16_t curcmd, uint64_t rowcount);
void token_env_text(out_t *out, uint8_t kind, const char *now, const char *before);
void token_env_bytes(out_t *out, uint8_t kind, const void *now, uint8_t now_len, const void *before,
                     uint8_t before_len);
void token_loginack(out_t *out, uint32_t tds_version, int major);
void token_featureextack_utf8(out_t *out);
/** wire_cols are the plans of cols, in the same order. */
void token_colmetadata(out_t *out, uint32_t tds_version, const sim_column_t *cols, const wire_col_t *wire_cols,
                       size_t n);
void token_returnstatus(out_t *out, int32_t status);
void token_returnvalue(out_t *out, uint32_t tds_version, uint16_t ordinal, const char *name, const sim_typeinfo_t *type,
                       const sim_value_t *value);
void token_order(out_t *out, const uint16_t *ordinals, size_t n);

#endif
