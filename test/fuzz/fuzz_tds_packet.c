/* Everything that parses bytes of a TDS client: packets, PRELOGIN, LOGIN7, remote procedure calls, bulk load rows.
 * The input is a stream of packets as a client would send them; each request goes to the decoder of its type. */
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "wire/login7.h"
#include "wire/message.h"
#include "wire/net.h"
#include "wire/prelogin.h"
#include "wire/rpc.h"
#include "wire/tds.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { INPUT_MAX = 128 << 10, MESSAGE_MAX = 1 << 20 };

static void parse_rpc(const message_t *message, pool_t *pool)
{
    cur_t cur = cur_over(message->data, message->len);
    sim_rpc_t rpc;
    rpc_error_t error;
    rpc_skip_headers(&cur, TDS_V74);
    while (cur_left(&cur) > 0 && rpc_read(&cur, TDS_V74, pool, &rpc, &error)) {
    }
}

/* The rows of a bulk load: one column of whatever type the input names, then values of it. */
static void parse_bulk(const message_t *message, pool_t *pool)
{
    cur_t cur = cur_over(message->data, message->len);
    wire_type_t type;
    wire_type_read(&cur, &type);
    while (cur_left(&cur) > 0) {
        sim_value_t value;
        const uint8_t *before = cur.p;
        wire_value_read(&cur, &type, WIRE_IN_BULK, pool, &value);
        if (cur.p == before) break; /* the type without any bytes */
    }
}

static void parse(const message_t *message)
{
    pool_t pool = {0};
    prelogin_t prelogin;
    login7_t login;
    switch (message->type) {
    case TDS_PKT_PRELOGIN:
        (void)prelogin_parse(message->data, message->len, &prelogin);
        break;
    case TDS_PKT_LOGIN7:
        (void)login7_parse(message->data, message->len, &pool, &login);
        break;
    case TDS_PKT_RPC:
        parse_rpc(message, &pool);
        break;
    case TDS_PKT_BULK:
        parse_bulk(message, &pool);
        break;
    default:
        break;
    }
    pool_done(&pool);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int fds[2], room = 2 * INPUT_MAX;
    if (size > INPUT_MAX || socketpair(AF_UNIX, SOCK_STREAM, 0, fds) != 0) return 0;
    net_t net;
    message_t message = {0};
    net_init(&net, fds[0]);
    /* The whole input fits into the kernel's buffer, so one thread can play both ends. */
    if (setsockopt(fds[1], SOL_SOCKET, SO_SNDBUF, &room, sizeof(room)) == 0 &&
        send(fds[1], data, size, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)size && shutdown(fds[1], SHUT_WR) == 0) {
        message_result_t result;
        while ((result = message_read(&message, &net, MESSAGE_MAX)) != MSG_GONE)
            if (result == MSG_OK) parse(&message);
    }
    message_done(&message);
    net_done(&net);
    close(fds[1]);
    return 0;
}
