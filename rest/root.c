/* GET / and GET /health. */
#include "rest/json_forms.h"
#include "rest/routes.h"
#include "rest/server.h"
#include "runtime/base/mem.h"

#define HEALTH_TIMEOUT_MS 10000u

void serve_root_get(call_t *c)
{
    const herder_identity_t *id = herder_identity(call_herder(c));
    json_t *o = json_object();
    form_put(o, "version", form_text(id->version));
    form_put(o, "commit", form_text(id->commit));
    form_put(o, "kafka_cluster_id", form_text(id->kafka_cluster_id));
    call_reply_json(c, 200, o);
}

/* Two events may answer: the herder, or the clock. Whichever is second only cleans up. */
typedef struct health {
    call_t *call; /* NULL once answered */
    herder_t *herder;
    uv_timer_t timer;
    bool pinged, closed;
} health_t;

static void health_release(health_t *h)
{
    if (h->pinged && h->closed) free(h);
}

static void on_closed(uv_handle_t *t)
{
    health_t *h = t->data;
    h->closed = true;
    health_release(h);
}

static void health_reply(health_t *h, int status, const char *word, const char *message, bool stage)
{
    call_t *c = h->call;
    h->call = NULL;
    strbuf_t b = {0};
    strbuf_adds(&b, message);
    if (stage) {
        size_t before = b.len;
        strbuf_addc(&b, ' ');
        rest_stage_text(h->herder, &b);
        if (b.len == before + 1) b.data[--b.len] = '\0';
    }
    json_t *o = json_object();
    form_put(o, "status", form_text(word));
    form_put(o, "message", form_text(strbuf_str(&b)));
    strbuf_done(&b);
    call_reply_json(c, status, o);
    uv_close((uv_handle_t *)&h->timer, on_closed);
}

static void on_late(uv_timer_t *t)
{
    health_t *h = t->data;
    if (h->call == NULL) return;
    if (herder_ready(h->herder))
        health_reply(h, 500, "unhealthy",
                     "Worker was unable to handle this request and may be unable to handle other requests.", true);
    else
        health_reply(h, 503, "starting", "Worker is still starting up.", true);
}

static void on_ping(void *arg, cd_err_t *err)
{
    health_t *h = arg;
    h->pinged = true;
    if (h->call == NULL) {
        cd_err_free(err);
        health_release(h);
    } else if (err != NULL) {
        call_t *c = h->call;
        h->call = NULL;
        call_reply_err(c, err);
        uv_close((uv_handle_t *)&h->timer, on_closed);
    } else {
        health_reply(h, 200, "healthy", "Worker has completed startup and is ready to handle requests.", false);
    }
}

void serve_health_get(call_t *c)
{
    health_t *h = mem_new0(health_t);
    h->call = c;
    h->herder = call_herder(c);
    if (uv_timer_init(call_env(c)->loop, &h->timer) != 0 ||
        uv_timer_start(&h->timer, on_late, HEALTH_TIMEOUT_MS, 0) != 0)
        abort(); /* fails only for a missing callback */
    h->timer.data = h;
    herder_ping(h->herder, on_ping, h);
}
