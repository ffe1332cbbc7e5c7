/* The simulated world comes together here: made, served, taken down. */
#include "sandbox.h"

#include "answer.h"
#include "base/crypto.h"
#include "base/mem.h"
#include "config.h"
#include "control.h"
#include "events.h"
#include "faults.h"
#include "group.h"
#include "hooks.h"
#include "ledger.h"
#include "link.h"
#include "media.h"
#include "meta.h"
#include "template.h"
#include "twilio.h"

#define LEDGER_MAX 200000

static void on_headers(void *ctx, struct http_req *r)
{
    size_t limit = twilio_limit(r);

    (void)ctx;
    limit = limit > 0 ? limit : meta_limit(r);
    http_req_limit(r, limit > 0 ? limit : control_limit(r));
}

static void on_request(void *ctx, struct http_req *r)
{
    struct sandbox *sb = ctx;

    /* The dialects' paths do not overlap: Graph nodes are digits behind "v23.0", Twilio's are
     * words. */
    if (!control_route(sb, r) && !twilio_route(sb, r) && !meta_route(sb, r)) {
        answer_problem(r, 404, "%.*s is not here", STR_ARG(str_slice(http_req_path(r), 0, 200)));
    }
}

static void on_gone(void *ctx, struct http_req *r)
{
    (void)ctx;
    answer_gone(r);
}

static void on_error(void *ctx, const struct err *err, struct buf *headers, struct buf *body)
{
    struct jw w;

    (void)ctx;
    buf_addz(headers, "Content-Type: application/problem+json\r\n");
    jw_init(&w, body);
    jw_open(&w, NULL, '{');
    jw_int(&w, "status", err_status(err->code));
    jw_z(&w, "detail", err->msg);
    jw_close(&w, '}');
}

struct sandbox *sandbox_new(struct loop *l)
{
    static const struct http_handler handler = {on_headers, on_request, on_gone, on_error};
    struct http_server_options options = http_server_defaults;
    struct http_client_options client = {.connections_per_host_max = 64,
                                         .user_agent = "crewline-sandbox/" CREWLINE_VERSION};
    struct sandbox *sb = MEM_NEW(struct sandbox);

    options.connections_per_address_max = 0;
    options.body_bytes_per_address_max = options.body_bytes_total_max = 0;
    sb->loop = l;
    random_bytes(&sb->random, sizeof(sb->random));
    list_init(&sb->held);
    list_init(&sb->fetches);
    sb->sched = sched_new(l);
    sb->phones = map_new();
    sb->pairs = map_new();
    sb->ledger = ledger_new(LEDGER_MAX);
    sb->faults = faults_new();
    sb->hooks = hooks_new(sb);
    sb->events = events_new(sb);
    sb->media = media_store_new();
    sb->templates = templates_new();
    sb->contents = contents_new();
    sb->groups = groups_new();
    sb->client = http_client_new(l, &client);
    sb->server = http_server_new(l, &options, &handler, sb);
    sandbox_defaults(sb);
    return sb;
}

static void number_free(struct number *n)
{
    char **texts[] = {&n->id,           &n->e164,        &n->account,    &n->token, &n->app_secret,
                      &n->verify_token, &n->inbound_url, &n->status_url, &n->name,  &n->tier};

    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        mem_free(texts[i]);
    }
    rate_fini(&n->second);
    rate_fini(&n->tenth);
    buf_fini(&n->statuses);
    buf_fini(&n->contacts);
    mem_free(&n);
}

static void people_free(struct sandbox *sb)
{
    struct str key;
    void *pair;

    for (size_t i = 0; i < sb->nphones; i++) {
        struct phone *p = sb->phone_list[i];

        mem_free(&p->e164);
        mem_free(&p->bsuid);
        mem_free(&p->name);
        mem_free(&p->language);
        mem_free(&p);
    }
    for (size_t it = 0; map_next(sb->pairs, &it, &key, &pair);) {
        mem_free(&pair);
    }
    map_free(&sb->phones);
    map_free(&sb->pairs);
}

void sandbox_free(struct sandbox **owner)
{
    struct sandbox *sb = *owner;

    if (sb == NULL) {
        return;
    }
    /* What answers requests goes first: webhooks tell their askers, pages are closed. */
    hooks_free(&sb->hooks);
    events_free(&sb->events);
    link_close(sb);
    answer_drop_all(sb);
    http_server_free(&sb->server);
    http_client_free(&sb->client);
    sched_free(&sb->sched);
    ledger_free(&sb->ledger);
    faults_free(&sb->faults);
    media_store_free(&sb->media);
    templates_free(&sb->templates);
    contents_free(&sb->contents);
    groups_free(&sb->groups);
    for (size_t i = 0; i < sb->nnumbers; i++) {
        number_free(sb->numbers[i]);
    }
    people_free(sb);
    mem_free(&sb->public_url);
    mem_free(&sb->gateway);
    mem_free(owner);
}
