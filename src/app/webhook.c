/* webhook: the paths for the providers. Signature first, over the bytes as received; nothing is
 * parsed before. */
#include "app_int.h"
#include "base/log.h"
#include "base/mem.h"
#include "jobs/metrics.h"

static const char twiml[] = "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response/>";

/* ---- Meta ---- */

void webhook_meta_get(struct request *r)
{
    const struct pairs *query = http_req_params(r->http);
    struct str challenge = STR_NONE;
    int status = query == NULL
                     ? 400
                     : meta_handshake(query, r->app->meta_tokens, r->app->nmeta_tokens, &challenge);

    if (status == 200) {
        reply_text(r, 200, "text/plain", challenge);
        return;
    }
    err_set(&r->err, status == 403 ? ERR_FORBIDDEN : ERR_BAD_REQUEST,
            status == 403
                ? "hub.mode or hub.verify_token is missing or wrong"
                : "hub.challenge is missing or not 1 to 128 letters, digits, '-' and '_'");
    reply_error(r, &r->err);
}

static bool one_signature(const struct request *r, struct str name)
{
    return http_req_header_count(r->http, name) == 1;
}

static void refuse_signature(struct request *r, enum err_code code)
{
    metric_add(METRIC_WEBHOOKS_REFUSED, 1);
    log_warn("webhook refused: signature missing or wrong", LF_STR("path", http_req_path(r->http)),
             LF_STR("from", http_req_peer(r->http)));
    err_set(&r->err, code, "the signature of this webhook is missing, doubled or wrong");
    reply_error(r, &r->err);
}

/* The server answers 413 then, which comes before the signature. */
static bool is_too_long(const struct request *r)
{
    return http_req_content_length(r->http) > r->app->settings->http_webhook_bytes;
}

void webhook_meta_headers(struct request *r)
{
    uint8_t mac[SHA256_BYTES];

    if (is_too_long(r)) {
        return;
    }
    if (!one_signature(r, STR("X-Hub-Signature-256")) ||
        !meta_signature_parse(http_req_header(r->http, STR("X-Hub-Signature-256")), mac)) {
        refuse_signature(r, ERR_BAD_SIGNATURE);
        return;
    }
    r->secrets = r->app->meta_secrets;
    r->secrets->refs++;
    r->hashers = ARENA_ARRAY(r->a, struct hasher, r->secrets->n + 1);
    for (; r->nhashers < r->secrets->n; r->nhashers++) {
        hasher_init_keyed(&r->hashers[r->nhashers], &r->secrets->keys[r->nhashers]);
    }
    http_req_hash(r->http, r->hashers, r->nhashers);
}

struct meta_check { /* which of the secrets that it began with made the signature */
    const struct meta_secrets *secrets;
    bool fits[WEBHOOK_SECRETS_MAX];
};

static bool meta_allowed(void *ctx, const struct sender *s)
{
    const struct meta_check *check = ctx;

    for (size_t i = 0; i < check->secrets->n; i++) {
        if (check->fits[i] && (str_eq(check->secrets->text[i], s->app_secret) ||
                               str_eq(check->secrets->text[i], s->app_secret_previous))) {
            return true;
        }
    }
    return false;
}

static bool meta_verify(struct request *r, struct meta_check *check)
{
    uint8_t mac[SHA256_BYTES], own[SHA256_BYTES];
    bool any = false;

    meta_signature_parse(http_req_header(r->http, STR("X-Hub-Signature-256")), mac);
    check->secrets = r->secrets;
    for (size_t i = 0; i < r->nhashers; i++) {
        hasher_done(&r->hashers[i], own);
        check->fits[i] = str_eq_secret(str_make(own, sizeof(own)), str_make(mac, sizeof(mac)));
        any = any || check->fits[i];
    }
    r->nhashers = 0;
    return any;
}

static void on_kept(void *ctx, const struct err *err)
{
    struct request *r = obj_check(ctx, REQUEST_MAGIC);

    r->pending = NULL;
    if (err != NULL) {
        reply_error(r, err);
        return;
    }
    metric_add(METRIC_WEBHOOKS, 1);
    histogram_add(HISTOGRAM_WEBHOOK, mono_now().us - r->began.us);
    if ((r->route->flags & ROUTE_TWILIO) != 0) {
        reply_text(r, 200, "text/xml", str_of(twiml));
    } else {
        reply_text(r, 200, "text/plain", STR("OK"));
    }
}

/* A number that is configured, but under another secret: the signature is as good as wrong. */
static bool foreign_secret(const struct request *r, const struct inbound_batch *batch,
                           struct meta_check *check)
{
    for (size_t i = 0; i < batch->n; i++) {
        const struct tenant_settings *t;
        const struct sender *s =
            batch->items[i].number_id.n > 0
                ? settings_sender_meta(r->app->settings, batch->items[i].number_id, &t)
                : settings_sender_meta_account(r->app->settings, batch->items[i].account, &t);

        if (s != NULL && !meta_allowed(check, s)) {
            return true;
        }
    }
    return false;
}

void webhook_meta_post(struct request *r)
{
    struct meta_check check = {0};
    struct inbound_batch batch = {0};

    if (!meta_verify(r, &check)) {
        refuse_signature(r, ERR_BAD_SIGNATURE);
        return;
    }
    if (!provider_meta.parse(r->a, http_req_body(r->http), &batch, &r->err)) {
        /* Signed, but no JSON: a non-200 would be repeated for a week. It is kept as it is. */
        batch.items = ARENA_NEW(r->a, struct inbound);
        batch.n = 1;
        batch.items[0] = (struct inbound){
            .kind = INBOUND_OTHER, .raw = http_req_body(r->http), .detail = STR("not understood")};
    }
    if (foreign_secret(r, &batch, &check)) {
        refuse_signature(r, ERR_BAD_SIGNATURE);
        return;
    }
    r->pending = accept_webhook(r->e, PROVIDER_META, &batch, meta_allowed, &check, on_kept, r);
}

/* ---- Twilio ---- */

static bool twilio_allowed(void *ctx, const struct sender *s)
{
    (void)ctx;
    (void)s;
    return true; /* checked against this very sender's token before */
}

static const struct sender *twilio_sender(struct request *r, const struct pairs *form)
{
    const struct tenant_settings *t;
    struct str account = pairs_get(form, STR("AccountSid"));

    /* Routing only: whose token to check with. Nothing is acted upon before that check. */
    for (size_t i = 0; i < r->app->settings->ntenants; i++) {
        t = &r->app->settings->tenants[i];
        for (size_t k = 0; k < t->nsenders; k++) {
            if (t->senders[k].provider == PROVIDER_TWILIO &&
                str_eq(t->senders[k].account_sid, account)) {
                return &t->senders[k];
            }
        }
    }
    return NULL;
}

void webhook_twilio_headers(struct request *r)
{
    if (!is_too_long(r) && !one_signature(r, STR("X-Twilio-Signature"))) {
        refuse_signature(r, ERR_FORBIDDEN);
    }
}

static bool twilio_verify(struct request *r, const struct pairs *form)
{
    const struct sender *s = twilio_sender(r, form);
    struct str header = http_req_header(r->http, STR("X-Twilio-Signature"));
    struct str url = arena_printf(r->a, "%.*s%.*s", STR_ARG(r->app->settings->public_url),
                                  STR_ARG(http_req_target(r->http)));

    return s != NULL &&
           (twilio_signature_ok(s->auth_token, url, form, STR_NONE, header) ||
            (s->auth_token_previous.n > 0 &&
             twilio_signature_ok(s->auth_token_previous, url, form, STR_NONE, header)));
}

static void twilio_post(struct request *r)
{
    struct pairs form = {0};
    struct inbound_batch batch = {0};
    struct str body = http_req_body(r->http);

    if (!form_parse(r->a, body, &form, &r->err) || !twilio_verify(r, &form)) {
        refuse_signature(r, ERR_FORBIDDEN);
        return;
    }
    if (!twilio_parse_query(r->a, body, http_req_query(r->http), &batch, &r->err)) {
        batch.items = ARENA_NEW(r->a, struct inbound);
        batch.n = 1;
        batch.items[0] =
            (struct inbound){.kind = INBOUND_OTHER, .raw = body, .detail = STR("not understood")};
    }
    /* The form carries no time: it is said when it arrives. */
    for (size_t i = 0; i < batch.n; i++) {
        batch.items[i].at = batch.items[i].at.ms > 0 ? batch.items[i].at : wall_now();
    }
    r->pending = accept_webhook(r->e, PROVIDER_TWILIO, &batch, twilio_allowed, NULL, on_kept, r);
}

void webhook_twilio_incoming(struct request *r)
{
    twilio_post(r);
}

void webhook_twilio_status(struct request *r)
{
    twilio_post(r);
}
