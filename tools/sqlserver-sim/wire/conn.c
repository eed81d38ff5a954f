/* wire/conn.c: see conn.h
 *
 * PRELOGIN -> [TLS handshake] -> LOGIN7 -> [back to plain] -> requests until the client leaves.
 */
#include "wire/conn.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "wire/bulk.h"
#include "wire/login7.h"
#include "wire/message.h"
#include "wire/reply.h"
#include "wire/request.h"
#include "wire/tds.h"
#include "wire/tls.h"
#include "wire/token.h"

enum {
    PRELOGIN_MAX = 4096,
    REQUEST_MAX = 256 << 20,
    BULK_ROW_MAX = 64 << 20,
};

typedef struct conn {
    const wire_config_t *config;
    net_t net;
    reply_t reply;
    message_t message;
    pool_t pool;
    sim_session_t *session;
    tls_scope_t scope;
    uint32_t tds_version; /* as agreed */
} conn_t;

/* The highest version both know; 0 = too old. */
static uint32_t agree_version(uint32_t client)
{
    if (client >= TDS_V74) return TDS_V74;
    if (client >= TDS_V73) return TDS_V73;
    if (client >= TDS_V72) return TDS_V72;
    return client >= 0x71000000u ? TDS_V71 : 0;
}

static bool send_prelogin(conn_t *c, tds_encrypt_t encryption)
{
    uint8_t body[PRELOGIN_REPLY_SIZE];
    prelogin_reply(body, sim_server_major(c->config->server), encryption);
    out_begin(&c->reply.out, TDS_PKT_REPLY);
    out_bytes(&c->reply.out, body, sizeof(body));
    return out_end(&c->reply.out);
}

/* The handshake, with the server's own certificate or the one that a fault wants shown. */
static bool accept_tls(conn_t *c, tls_fault_t fault)
{
    SSL_CTX *odd = NULL;
    char *error = NULL;
    if (fault >= TLS_FAULT_SELF_SIGNED) {
        odd = tls_context_made(fault == TLS_FAULT_EXPIRED      ? TLS_MADE_EXPIRED
                               : fault == TLS_FAULT_WRONG_HOST ? TLS_MADE_WRONG_HOST
                                                               : TLS_MADE_SELF_SIGNED,
                               &error);
        if (odd == NULL) {
            log_write(c->config->logger, LOG_ERROR, "%s", error == NULL ? "out of memory" : error);
            free(error);
            return false;
        }
    }
    bool ok = net_tls_accept(&c->net, odd != NULL ? odd : c->config->tls, TDS_PACKET_DEFAULT);
    SSL_CTX_free(odd); /* the connection keeps a reference */
    if (!ok) log_write(c->config->logger, LOG_INFO, "TLS handshake failed");
    return ok;
}

/* PRELOGIN and, where agreed, TLS. *ret_login: the client began with LOGIN7, which old ones do. */
static bool do_prelogin(conn_t *c, bool *ret_login)
{
    prelogin_t prelogin;
    wire_fault_t fault;
    *ret_login = false;
    if (message_read(&c->message, &c->net, LOGIN7_SIZE_MAX) != MSG_OK) return false;
    wire_fault_take(&fault, c->config->server, NULL, SIM_FAULT_PRELOGIN, "", 0);
    if (fault.drop_now) {
        wire_fault_cut(&fault, &c->net);
        return false;
    }
    if (c->message.type == TDS_PKT_LOGIN7) {
        *ret_login = true;
        return c->config->tls_policy != TLS_POLICY_REQUIRED;
    }
    if (c->message.type != TDS_PKT_PRELOGIN || c->message.len > PRELOGIN_MAX ||
        !prelogin_parse(c->message.data, c->message.len, &prelogin))
        return false;
    tls_policy_t policy = c->config->tls_policy;
    if (fault.tls == TLS_FAULT_UNAVAILABLE) policy = TLS_POLICY_OFF;
    if (fault.tls == TLS_FAULT_REQUIRED && policy == TLS_POLICY_ON) policy = TLS_POLICY_REQUIRED;
    tds_encrypt_t encryption = prelogin_encryption(prelogin.encryption, policy, &c->scope);
    if (!send_prelogin(c, encryption)) return false;
    if (c->scope == TLS_SCOPE_NONE) return true;
    if (fault.tls == TLS_FAULT_ABORT) {
        wire_fault_cut(&fault, &c->net);
        return false;
    }
    return accept_tls(c, fault.tls);
}

static void login_reply(conn_t *c, const login7_t *login, uint32_t packet_size)
{
    out_t *out = &c->reply.out;
    const char *database = sim_session_database(c->session);
    char text[160], size_text[16];
    sim_message_t info = {.number = 5701, .state = 2, .class = 0, .text = text, .proc = "", .line = 1};
    snprintf(text, sizeof(text), "Changed database context to '%.100s'.", database);
    token_env_text(out, TDS_ENV_DATABASE, database, "master");
    token_message(out, c->tds_version, &info, sim_server_name(c->config->server));
    token_env_bytes(out, TDS_ENV_COLLATION, tds_collation_cp1, 5, "", 0);
    token_env_text(out, TDS_ENV_LANGUAGE, sim_session_language(c->session), "");
    info = (sim_message_t){.number = 5703, .state = 1, .class = 0, .text = text, .proc = "", .line = 1};
    snprintf(text, sizeof(text), "Changed language setting to %.100s.", sim_session_language(c->session));
    token_message(out, c->tds_version, &info, sim_server_name(c->config->server));
    token_loginack(out, c->tds_version, sim_server_major(c->config->server));
    if (login->utf8_asked && c->tds_version >= TDS_V74) token_featureextack_utf8(out);
    snprintf(size_text, sizeof(size_text), "%u", (unsigned)packet_size);
    token_env_text(out, TDS_ENV_PACKET_SIZE, size_text, "4096");
}

static uint32_t agree_packet_size(const conn_t *c, uint32_t asked)
{
    uint32_t max = c->scope == TLS_SCOPE_ALL ? TDS_PACKET_MAX_TLS : TDS_PACKET_MAX;
    if (asked == 0) return TDS_PACKET_DEFAULT;
    return asked < TDS_PACKET_MIN ? TDS_PACKET_MIN : asked > max ? max : asked;
}

static void injected_login_error(conn_t *c, int32_t number, const login7_t *login)
{
    char text[512];
    uint8_t class = 14;
    switch (number) {
    case 4060:
        snprintf(text, sizeof(text), "Cannot open database \"%.128s\" requested by the login. The login failed.",
                 login->database);
        class = 11;
        break;
    case 18488:
        snprintf(text, sizeof(text),
                 "Login failed for user '%.128s'.  Reason: The password of the account must be changed.", login->user);
        break;
    case 40613:
        snprintf(text, sizeof(text),
                 "Database '%.128s' on server 'sim' is not currently available.  Please retry the connection later.",
                 login->database);
        class = 17;
        break;
    default:
        snprintf(text, sizeof(text), "Login failed for user '%.128s'.", login->user);
        break;
    }
    reply_error(&c->reply, number, 1, class, text);
}

/* Opens the session. The password is wiped as soon as it has been compared. */
static bool open_session(conn_t *c, login7_t *login)
{
    wire_fault_t fault;
    wire_fault_take(&fault, c->config->server, NULL, SIM_FAULT_LOGIN, login->user, strlen(login->user));
    if (fault.drop_now) {
        wire_fault_cut(&fault, &c->net);
        return false;
    }
    reply_begin(&c->reply);
    if (login->sspi) {
        reply_error(
            &c->reply, 18452, 1, 14,
            "Login failed. The login is from an untrusted domain and cannot be used with Integrated authentication.");
    } else if (fault.login_error != 0) {
        injected_login_error(c, fault.login_error, login);
    } else {
        sim_login_t asked = {
            .user = login->user,
            .password = login->password,
            .database = login->database,
            .language = login->language,
            .app = login->app,
            .host = login->host,
            .odbc = login->odbc,
            .read_only = login->read_only,
        };
        c->session = sim_session_new(c->config->server, &asked, &c->reply.sink);
    }
    explicit_bzero(login->password, login->password_len);
    if (c->session == NULL) {
        log_write(c->config->logger, LOG_INFO, "login of user '%.128s' refused", login->user);
        (void)reply_end(&c->reply);
        return false;
    }
    c->reply.session = c->session;
    c->reply.out.spid = sim_session_spid(c->session);
    return true;
}

static bool do_login(conn_t *c, bool have_login)
{
    login7_t login;
    if (!have_login && message_read(&c->message, &c->net, LOGIN7_SIZE_MAX) != MSG_OK) return false;
    if (c->message.type != TDS_PKT_LOGIN7 || !login7_parse(c->message.data, c->message.len, &c->pool, &login))
        return false;
    c->tds_version = agree_version(login.tds_version);
    if (c->tds_version == 0) {
        log_write(c->config->logger, LOG_WARN, "client speaks TDS 0x%08X, older than 7.1", (unsigned)login.tds_version);
        return false;
    }
    if (c->scope == TLS_SCOPE_LOGIN) net_tls_drop(&c->net);
    c->reply.tds_version = c->tds_version;
    if (!open_session(c, &login)) return false;
    uint32_t packet_size = agree_packet_size(c, login.packet_size);
    login_reply(c, &login, packet_size);
    if (!reply_end(&c->reply)) return false;
    out_set_packet_size(&c->reply.out, packet_size);
    log_write(
        c->config->logger, LOG_DEBUG, "session %u: user '%.128s', application '%.128s', TDS 0x%08X, %u-byte packets",
        (unsigned)sim_session_spid(c->session), login.user, login.app, (unsigned)c->tds_version, (unsigned)packet_size);
    return true;
}

/* RESETCONNECTION bits of the first packet. @return false = a fault wants the connection cut */
static bool reset_session(conn_t *c)
{
    bool keep_tran = (c->message.status & TDS_ST_RESET_SKIPTRAN) != 0;
    if ((c->message.status & (TDS_ST_RESET | TDS_ST_RESET_SKIPTRAN)) == 0) return true;
    if (c->reply.fault.drop_on_reset) {
        wire_fault_cut(&c->reply.fault, &c->net);
        return false;
    }
    sim_session_reset(c->session, keep_tran);
    token_env_bytes(&c->reply.out, TDS_ENV_RESET, "", 0, "", 0);
    return true;
}

static bool run(conn_t *c)
{
    request_t request = {.data = c->message.data, .len = c->message.len};
    switch (c->message.type) {
    case TDS_PKT_BATCH:
        request_batch(&c->reply, &c->pool, request);
        return true;
    case TDS_PKT_RPC:
        request_rpc(&c->reply, &c->pool, request);
        return true;
    case TDS_PKT_TM:
        request_tm(&c->reply, &c->pool, request);
        return true;
    default:
        return false;
    }
}

static void count(conn_t *c, uint64_t bytes_before)
{
    sim_server_t *server = c->config->server;
    sim_server_count(server, SIM_STAT_ROWS_SENT, c->reply.rows);
    sim_server_count(server, SIM_STAT_BYTES_SENT, c->reply.out.bytes_sent - bytes_before);
    sim_server_count(server, SIM_STAT_SEND_STALLS, c->net.send_stalls);
    sim_server_count(server, SIM_STAT_SEND_NANOS, c->net.send_nanos);
    c->net.send_stalls = c->net.send_nanos = 0;
}

/* Ends the reply; an attention that was only looked at is read and acknowledged. */
static bool finish(conn_t *c, bool ok)
{
    bool open = reply_end(&c->reply) && ok;
    packet_t packet;
    if (!open || !c->reply.attention) return open;
    if (!c->reply.attention_read && (!net_read_packet(&c->net, &packet) || packet.type != TDS_PKT_ATTENTION))
        return false;
    return reply_attention(&c->reply);
}

static bool do_request(conn_t *c)
{
    uint32_t packet_size = c->reply.out.packet_size;
    uint64_t bytes_before = c->reply.out.bytes_sent;
    size_t text_len;
    const char *text = request_text(&c->reply, c->message.type, &c->pool,
                                    (request_t){.data = c->message.data, .len = c->message.len}, &text_len);
    wire_fault_take(&c->reply.fault, c->config->server, c->session, SIM_FAULT_REQUEST, text, text_len);
    if (c->reply.fault.drop_now) {
        wire_fault_cut(&c->reply.fault, &c->net);
        return false;
    }
    if (c->reply.fault.packet_size != 0) out_set_packet_size(&c->reply.out, c->reply.fault.packet_size);
    reply_begin(&c->reply);
    bool open = reset_session(c) && run(c);
    open = finish(c, open);
    if (c->reply.fault.packet_size != 0) out_set_packet_size(&c->reply.out, packet_size);
    count(c, bytes_before);
    return open;
}

/* Bulk data is decoded while it arrives, so it never becomes one message. */
static bool do_bulk(conn_t *c)
{
    uint64_t bytes_before = c->reply.out.bytes_sent;
    wire_fault_take(&c->reply.fault, c->config->server, c->session, SIM_FAULT_REQUEST, "bulk load",
                    strlen("bulk load"));
    reply_begin(&c->reply);
    bool open = bulk_run(&c->reply, &c->net, &c->pool, BULK_ROW_MAX);
    open = finish(c, open);
    count(c, bytes_before);
    return open;
}

static bool abandoned(conn_t *c)
{
    reply_begin(&c->reply);
    return reply_end(&c->reply);
}

static void serve(conn_t *c)
{
    for (bool open = true; open;) {
        pool_reset(&c->pool);
        net_trim(&c->net);
        if (net_next_type(&c->net) == TDS_PKT_BULK) {
            open = do_bulk(c);
            continue;
        }
        if (sim_session_bulk_ready(c->session)) {
            /* Another request instead of the announced data: the load is off, and nobody waits for its reply. */
            c->reply.muted = true;
            (void)sim_session_bulk_end(c->session, false, &c->reply.sink);
        }
        switch (message_read(&c->message, &c->net, REQUEST_MAX)) {
        case MSG_OK:
            open = do_request(c);
            break;
        case MSG_ATTENTION:
            open = reply_attention(&c->reply);
            break;
        case MSG_ABANDONED:
            open = abandoned(c);
            break;
        case MSG_GONE:
            open = false;
            break;
        }
    }
}

void conn_run(const wire_config_t *config, int fd, int64_t deadline_ms, conn_logged_in_fn *logged_in, void *arg)
{
    conn_t c = {.config = config};
    int on = 1;
    bool have_login;
    net_init(&c.net, fd);
    reply_init(&c.reply, &c.net, config->server);
    c.net.deadline_ms = deadline_ms;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    if (do_prelogin(&c, &have_login) && do_login(&c, have_login)) {
        wire_fault_t fault;
        c.net.deadline_ms = 0;
        logged_in(arg);
        sim_server_count(config->server, SIM_STAT_CONNECTIONS, 1);
        wire_fault_take(&fault, config->server, c.session, SIM_FAULT_AFTER_LOGIN, "", 0);
        if (fault.drop_now)
            wire_fault_cut(&fault, &c.net);
        else
            serve(&c);
    }
    sim_session_free(c.session);
    message_done(&c.message);
    pool_done(&c.pool);
    reply_done(&c.reply);
    net_done(&c.net);
}
