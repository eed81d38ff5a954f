/* wire/tds.h: numbers of the TDS protocol and byte-order helpers. Values only, nothing here has state. */
#ifndef SIM_WIRE_TDS_H
#define SIM_WIRE_TDS_H

#include <stdint.h>
#include <string.h>

enum tds_packet_type {
    TDS_PKT_BATCH = 0x01,
    TDS_PKT_RPC = 0x03,
    TDS_PKT_REPLY = 0x04,
    TDS_PKT_ATTENTION = 0x06,
    TDS_PKT_BULK = 0x07,
    TDS_PKT_TM = 0x0E,
    TDS_PKT_LOGIN7 = 0x10,
    TDS_PKT_SSPI = 0x11,
    TDS_PKT_PRELOGIN = 0x12,
};

enum tds_packet_status {
    TDS_ST_EOM = 0x01,
    TDS_ST_IGNORE = 0x02,
    TDS_ST_RESET = 0x08,
    TDS_ST_RESET_SKIPTRAN = 0x10,
};

enum {
    TDS_HEADER = 8,
    TDS_PACKET_MIN = 512,
    TDS_PACKET_DEFAULT = 4096,
    TDS_PACKET_MAX = 32767,
    TDS_PACKET_MAX_TLS = 16383,
};

enum tds_token {
    TDS_TOK_OFFSET = 0x78,
    TDS_TOK_RETURNSTATUS = 0x79,
    TDS_TOK_COLMETADATA = 0x81,
    TDS_TOK_ORDER = 0xA9,
    TDS_TOK_ERROR = 0xAA,
    TDS_TOK_INFO = 0xAB,
    TDS_TOK_RETURNVALUE = 0xAC,
    TDS_TOK_LOGINACK = 0xAD,
    TDS_TOK_FEATUREEXTACK = 0xAE,
    TDS_TOK_ROW = 0xD1,
    TDS_TOK_NBCROW = 0xD2,
    TDS_TOK_ENVCHANGE = 0xE3,
    TDS_TOK_DONE = 0xFD,
    TDS_TOK_DONEPROC = 0xFE,
    TDS_TOK_DONEINPROC = 0xFF,
};

enum tds_done_status {
    TDS_DONE_MORE = 0x01,
    TDS_DONE_ERROR = 0x02,
    TDS_DONE_INXACT = 0x04,
    TDS_DONE_COUNT = 0x10,
    TDS_DONE_ATTN = 0x20,
};

enum tds_env {
    TDS_ENV_DATABASE = 1,
    TDS_ENV_LANGUAGE = 2,
    TDS_ENV_PACKET_SIZE = 4,
    TDS_ENV_COLLATION = 7,
    TDS_ENV_RESET = 18
};

enum tds_type {
    TDS_T_NULL = 0x1F,
    TDS_T_IMAGE = 0x22,
    TDS_T_TEXT = 0x23,
    TDS_T_GUID = 0x24,
    TDS_T_VARBINARY_OLD = 0x25,
    TDS_T_INTN = 0x26,
    TDS_T_VARCHAR_OLD = 0x27,
    TDS_T_DATEN = 0x28,
    TDS_T_TIMEN = 0x29,
    TDS_T_DATETIME2N = 0x2A,
    TDS_T_DATETIMEOFFSETN = 0x2B,
    TDS_T_BINARY_OLD = 0x2D,
    TDS_T_CHAR_OLD = 0x2F,
    TDS_T_INT1 = 0x30,
    TDS_T_BIT = 0x32,
    TDS_T_INT2 = 0x34,
    TDS_T_INT4 = 0x38,
    TDS_T_DATETIM4 = 0x3A,
    TDS_T_FLT4 = 0x3B,
    TDS_T_MONEY = 0x3C,
    TDS_T_DATETIME = 0x3D,
    TDS_T_FLT8 = 0x3E,
    TDS_T_VARIANT = 0x62,
    TDS_T_NTEXT = 0x63,
    TDS_T_BITN = 0x68,
    TDS_T_DECIMALN = 0x6A,
    TDS_T_NUMERICN = 0x6C,
    TDS_T_FLTN = 0x6D,
    TDS_T_MONEYN = 0x6E,
    TDS_T_DATETIMN = 0x6F,
    TDS_T_MONEY4 = 0x7A,
    TDS_T_INT8 = 0x7F,
    TDS_T_BIGVARBINARY = 0xA5,
    TDS_T_BIGVARCHAR = 0xA7,
    TDS_T_BIGBINARY = 0xAD,
    TDS_T_BIGCHAR = 0xAF,
    TDS_T_NVARCHAR = 0xE7,
    TDS_T_NCHAR = 0xEF,
    TDS_T_XML = 0xF1,
    TDS_T_UDT = 0xF0,
    TDS_T_TVP = 0xF3,
};

/* TDS versions as a LOGIN7 carries them; they compare as numbers. */
#define TDS_V71 0x71000001u
#define TDS_V72 0x72090002u
#define TDS_V73 0x730B0003u
#define TDS_V74 0x74000004u

/* Character limits of the protocol, in bytes on the wire. */
enum { TDS_VARLEN_MAX = 8000, TDS_VARIANT_MAX = 8009, TDS_PLP = 0xFFFF };
#define TDS_PLP_NULL    UINT64_MAX
#define TDS_PLP_UNKNOWN (UINT64_MAX - 1)

/* SQL_Latin1_General_CP1_CI_AS, and the UTF-8 collation Latin1_General_100_CI_AS_SC_UTF8. */
static const uint8_t tds_collation_cp1[5] = {0x09, 0x04, 0xD0, 0x00, 0x34};
static const uint8_t tds_collation_utf8[5] = {0x09, 0x04, 0xD0, 0x24, 0x00};

static inline uint16_t get_le16(const uint8_t *p)
{
    return (uint16_t)(p[0] | p[1] << 8);
}
static inline uint16_t get_be16(const uint8_t *p)
{
    return (uint16_t)(p[0] << 8 | p[1]);
}
static inline uint32_t get_le32(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}
static inline uint64_t get_le64(const uint8_t *p)
{
    return (uint64_t)get_le32(p) | (uint64_t)get_le32(p + 4) << 32;
}
/** Writes the low `n` (<= 8) bytes of v. */
static inline void put_le(uint8_t *p, uint64_t v, unsigned n)
{
    for (unsigned i = 0; i < n; i++) p[i] = (uint8_t)(v >> (8 * i));
}
static inline uint64_t get_le(const uint8_t *p, unsigned n)
{
    uint64_t v = 0;
    for (unsigned i = 0; i < n; i++) v |= (uint64_t)p[i] << (8 * i);
    return v;
}

/** Bytes of the time part of time/datetime2/datetimeoffset at a scale of 0..7. */
static inline unsigned tds_time_len(unsigned scale)
{
    return scale <= 2 ? 3 : scale <= 4 ? 4 : 5;
}
/** Bytes of a decimal including its sign. */
static inline unsigned tds_decimal_len(unsigned precision)
{
    return precision <= 9 ? 5 : precision <= 19 ? 9 : precision <= 28 ? 13 : 17;
}

#endif
