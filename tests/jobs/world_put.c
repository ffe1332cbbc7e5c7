#include "world.h"

#include "domain/template.h"

#include <stdlib.h>

static void on_accepted(void *ctx, const struct err *err)
{
    struct world *w = ctx;

    w->accepted++;
    w->accept_code = err == NULL ? ERR_NONE : err->code;
}

static bool allow(void *ctx, const struct sender *s)
{
    (void)ctx;
    (void)s;
    return true;
}

void put_inbound(struct world *w, const struct inbound *in)
{
    struct inbound one = *in;
    const struct inbound_batch batch = {&one, 1};
    int before = w->accepted;

    accept_webhook(w->engine,
                   str_eqz(in->number_id, TWILIO_NUMBER) ? PROVIDER_TWILIO : PROVIDER_META, &batch,
                   allow, NULL, on_accepted, w);
    UNTIL(w, "webhook", w->accepted > before);
}

void put_text(struct world *w, const char *phone, const char *id, const char *text)
{
    const struct inbound in = {.kind = INBOUND_MESSAGE,
                               .number_id = STR("106540352242922"),
                               .provider_id = str_of(id),
                               .phone = str_of(phone),
                               .at = wall_now(),
                               .type = INBOUND_TEXT,
                               .type_name = STR("text"),
                               .text = str_of(text)};

    put_inbound(w, &in);
}

void put_tap(struct world *w, const char *phone, const char *id, const char *payload)
{
    const struct inbound in = {.kind = INBOUND_MESSAGE,
                               .number_id = STR("106540352242922"),
                               .provider_id = str_of(id),
                               .phone = str_of(phone),
                               .at = wall_now(),
                               .type = INBOUND_TAP,
                               .type_name = STR("interactive"),
                               .payload = str_of(payload)};

    put_inbound(w, &in);
}

void put_status_of(struct world *w, const char *sender, struct str provider_id,
                   struct str correlation, enum delivery_state state, int64_t code)
{
    bool twilio = strcmp(sender, "tw") == 0;
    const struct inbound in = {
        .kind = INBOUND_STATUS,
        .account = twilio ? STR(TWILIO_ACCOUNT) : STR_NONE,
        .number_id = twilio ? STR(TWILIO_NUMBER) : STR("106540352242922"),
        .provider_id = provider_id,
        .phone = STR(ANA),
        .at = wall_now(),
        .state = state,
        .correlation = correlation,
        .error = {code, STR("the provider's words"), STR_NONE}
    };

    put_inbound(w, &in);
}

void put_photo(struct world *w, const char *phone, const char *id, const char *caption)
{
    bool twilio = str_starts(str_of(caption), STR("twilio"));
    struct inbound in = {.kind = INBOUND_MESSAGE,
                         .account = STR("AC0123456789abcdef0123456789abcdef"),
                         .number_id = twilio ? STR("+12025550177") : STR("106540352242922"),
                         .provider_id = str_of(id),
                         .phone = str_of(phone),
                         .at = wall_now(),
                         .type = INBOUND_MEDIA,
                         .type_name = STR("image"),
                         .text = str_of(caption)};

    in.media.mime = STR("image/jpeg");
    in.media.id = STR("5501");
    in.media.url = arena_printf(w->a,
                                "http://127.0.0.1:%d/2010-04-01/Accounts/"
                                "AC0123456789abcdef0123456789abcdef/Messages/MM1/Media/ME1",
                                http_server_port(w->outside));
    put_inbound(w, &in);
}

void put_status(struct world *w, struct str provider_id, struct str correlation,
                enum delivery_state state, int64_t code)
{
    put_status_of(w, "main", provider_id, correlation, state, code);
}

static void on_event(void *ctx, const struct err *err, enum accept_result result)
{
    struct world *w = ctx;

    w->accepted++;
    w->accept_code = err == NULL ? ERR_NONE : err->code;
    w->accept_result = result;
}

void put_event_text(struct world *w, const char *text)
{
    struct json *j = NULL;
    struct cmms_event event;
    struct err err = {0};
    int before = w->accepted;

    if (!json_parse(str_of(text), 1 << 20, &j, &err) || !cmms_event_parse(w->a, j, &event, &err)) {
        printf("event: %s (%s)\n", err.msg, text);
        exit(1);
    }
    accept_event(w->engine, w->et, &event, str_of(text), on_event, w);
    json_free(&j);
    UNTIL(w, "event", w->accepted > before);
}

void put_event(struct world *w, const char *id, const char *type, const char *data)
{
    put_event_text(
        w, arena_printf(
               w->a,
               "{\"specversion\":\"1.0\",\"id\":\"%s\",\"source\":\"/cmms/acme\",\"type\":\"%s\","
               "\"data\":%s}",
               id, type, data)
               .p);
}

static void on_planned(void *ctx, const struct err *err, const struct commit_outcome *outcome)
{
    struct world *w = ctx;

    w->accepted++;
    w->accept_code = err != NULL                    ? err->code
                     : outcome->result == COMMIT_OK ? ERR_NONE
                                                    : ERR_CONFLICT;
}

static void once(void *ctx, struct commit *c)
{
    struct world *w = ctx;
    char id[ID_BYTES];

    id_new(id);
    commit_once(c, arena_dup(w->a, str_of(id)));
}

struct str put_message(struct world *w, const struct message_options *o)
{
    const struct plan_run run = {once, NULL, on_planned, w};
    struct user to = {
        .id = str_of(o->user != NULL ? o->user : "u1"), .phone = STR(ANA), .language = STR("en")};
    struct arena *a = arena_new();
    struct plan *p = ARENA_NEW(a, struct plan);
    struct message *m;
    struct str id;
    int before = w->accepted;

    if (o->strange) {
        to.id = STR("u9");
    }
    plan_init(p, a, engine_tenant(w->et), wall_now(), STR("test"));
    m = plan_message(p, &to,
                     o->buttons ? MESSAGE_BUTTONS
                     : o->named ? MESSAGE_TEMPLATE
                                : MESSAGE_TEXT);
    m->prio = o->prio;
    m->sender = str_of(o->sender != NULL ? o->sender : "main");
    m->text = str_of(o->text != NULL ? o->text : "hello");
    m->cls = o->cls != NULL ? str_of(o->cls) : STR_NONE;
    m->max_sends = o->max_sends;
    m->expires.ms = o->expires_in_ms != 0 ? wall_now().ms + o->expires_in_ms : 0;
    if (o->asked_before_ms != 0) {
        m->created.ms -= o->asked_before_ms;
        m->send_at.ms = wall_now().ms + 50;
    }
    m->order_number = STR("WO-1");
    if (o->buttons) {
        m->options[m->noptions++] =
            (struct message_option){STR("ack:w1"), STR("Acknowledge"), STR_NONE, STR_NONE};
        m->options[m->noptions++] =
            (struct message_option){STR("view:w1"), STR("View"), STR_NONE, STR_NONE};
    }
    if (o->form != NULL) {
        TEMPLATE_SET(a, m, o->form, STR("WO-1"), STR("Replace bearing"), STR("due date"));
        m->template_.language = o->named ? STR("en_US") : STR_NONE;
    }
    id = arena_dup(w->a, m->id);
    engine_run_plan(w->engine, w->et, p, &run);
    UNTIL(w, "message", w->accepted > before);
    CHECK_INT("message kept", w->accept_code, ERR_NONE);
    arena_free(&a);
    return id;
}

static void on_resumed(void *ctx, const struct err *err, const struct commit_outcome *outcome)
{
    (void)outcome;
    CHECK("resumed", err == NULL);
    *(bool *)ctx = true;
}

void put_resume(struct world *w)
{
    bool done = false;

    CHECK("there is such a sender",
          engine_sender_resume(w->et, STR("main"), on_resumed, &done) != NULL);
    UNTIL(w, "resumed", done);
}

struct str event_fault(const char *type, const char *data)
{
    static char member[sizeof(((struct err *)0)->member)];
    struct arena *a = arena_new();
    struct str text = arena_printf(
        a,
        "{\"specversion\":\"1.0\",\"id\":\"e\",\"source\":\"/c\",\"type\":\"%s\",\"data\":%s}",
        type, data);
    struct cmms_event event;
    struct err err = {0};
    struct json *j = NULL;

    member[0] = '\0';
    if (json_parse(text, 16 * 1024, &j, &err) && !cmms_event_parse(a, j, &event, &err)) {
        memcpy(member, err.member, sizeof(member));
    }
    json_free(&j);
    arena_free(&a);
    return str_of(member);
}
