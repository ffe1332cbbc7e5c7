#include "say.h"

#include <stdio.h>

#include "answer.h"
#include "base/mem.h"
#include "base/text.h"
#include "events.h"
#include "group.h"
#include "media.h"
#include "meta.h"
#include "meta_media.h"
#include "twilio.h"

#define LOOK_BACK 20000 /* entries searched for the message that had the button */
#define EXTRA_MAX (64u << 10)
#define MORE_MAX  10

/* What a phone is about to say. */
struct speech {
    struct sandbox *sb;
    struct http_req *req;
    struct arena *arena;
    const struct json *spec;
    struct phone *phone;
    struct number *number;
    const struct group *group; /* said there, or NULL */
    struct str type, text, quote, id;
    /* a tap */
    struct str tap_id, tap_title, tap_about;
    bool row, template;
    struct media *media;
    struct buf meta, extra; /* Meta's members; the ledger's members */
    struct jw mw, ew;
    struct pair more[MORE_MAX]; /* Twilio's pairs */
    size_t nmore;
    const char *twilio_type;
};

/* The page or test that waits for the gateway's answer. */
struct asker {
    struct wait wait;
    char id[256];
};

static void on_webhook(void *ctx, int status)
{
    struct asker *a = ctx;
    struct http_req *r = wait_take(&a->wait);
    struct buf b;
    struct jw w;

    if (r != NULL) {
        buf_init(&b, 4096);
        jw_init(&w, &b);
        jw_open(&w, NULL, '{');
        jw_int(&w, "status", status);
        jw_z(&w, "provider_id", a->id);
        jw_close(&w, '}');
        answer_json(r, 200, buf_str(&b));
        buf_fini(&b);
    }
    mem_free(&a);
}

static bool refuse(struct speech *s, int status, const char *why)
{
    answer_problem(s->req, status, "%s", why);
    return false;
}

static void pair(struct speech *s, const char *name, struct str value)
{
    if (s->nmore < MORE_MAX) {
        s->more[s->nmore++] = (struct pair){str_of(name), value};
    }
}

/* The option of @e that the tap means, by id or by title. */
static bool option_in(struct speech *s, const struct entry *e, struct str id, struct str title)
{
    static const char *const lists[] = {"buttons", "rows"};
    struct json *extra = NULL;
    struct str text = arena_printf(s->arena, "{%.*s}", STR_ARG(e->extra));
    bool found = false;

    if (e->extra.n == 0 || !json_parse(text, EXTRA_MAX * 4, &extra, NULL)) {
        return false;
    }
    for (size_t k = 0; k < ARRAY_LEN(lists) && !found; k++) {
        const struct json *list = json_get(extra, lists[k]);

        for (size_t i = 0; i < json_len(list) && !found; i++) {
            const struct json *o = json_at(list, i);

            found = json_get_str(o, "url").n == 0 &&
                    (id.n > 0 ? str_eq(json_get_str(o, "id"), id)
                              : str_ieq(json_get_str(o, "title"), title));
            if (found) {
                s->tap_id = arena_dup(s->arena, json_get_str(o, "id"));
                s->tap_title = arena_dup(s->arena, json_get_str(o, "title"));
                s->tap_about = arena_dup(s->arena, json_get_str(o, "description"));
                s->row = k == 1;
                s->template = json_get_bool(o, "template", false);
            }
        }
    }
    json_free(&extra);
    return found;
}

static const struct entry *tapped(struct speech *s, struct str id, struct str title)
{
    struct ledger *l = s->sb->ledger;
    struct entry *quoted = s->quote.n > 0 ? ledger_find(l, s->quote) : NULL;
    int64_t oldest = ledger_oldest(l);

    if (s->quote.n > 0) {
        return quoted != NULL && option_in(s, quoted, id, title) ? quoted : NULL;
    }
    oldest = ledger_next(l) - LOOK_BACK > oldest ? ledger_next(l) - LOOK_BACK : oldest;
    for (int64_t seq = ledger_next(l) - 1; seq >= oldest; seq--) {
        struct entry *e = ledger_at(l, seq);

        if (e != NULL && !e->inbound && str_eq(e->phone, phone_address(s->phone)) &&
            (s->number == NULL || s->number == e->number) && option_in(s, e, id, title)) {
            return e;
        }
    }
    return NULL;
}

static bool say_tap(struct speech *s)
{
    const struct json *b = json_get(s->spec, "button");
    struct str id, title;
    const struct entry *e;

    b = b != NULL ? b : json_get(s->spec, "row");
    id = json_get_str(b, "id");
    title = json_get_str(b, "title");
    if (id.n == 0 && title.n == 0) {
        return refuse(s, 422, "a tap names its button by id or title");
    }
    e = tapped(s, id, title);
    if (e == NULL && !json_get_bool(s->spec, "force", false)) {
        return refuse(s, 404, "no message to this phone has that button");
    }
    if (e != NULL) {
        s->number = e->number;
        s->quote = e->id;
    } else {
        s->tap_id = id;
        s->tap_title = title;
        s->row = str_eqz(s->type, "list");
    }
    s->text = s->tap_title;
    jw_open(&s->ew, "tap", '{');
    jw_str(&s->ew, "id", s->tap_id);
    jw_str(&s->ew, "title", s->tap_title);
    jw_close(&s->ew, '}');
    s->type = s->row ? STR("list") : STR("button");
    return true;
}

static void tap_out(struct speech *s)
{
    const char *kind = s->row ? "list_reply" : "button_reply";

    if (s->template && s->number->dialect == DIALECT_META) {
        jw_z(&s->mw, "type", "button");
        jw_open(&s->mw, "button", '{');
        jw_str(&s->mw, "payload", s->tap_id);
        jw_str(&s->mw, "text", s->tap_title);
        jw_close(&s->mw, '}');
        return;
    }
    jw_z(&s->mw, "type", "interactive");
    jw_open(&s->mw, "interactive", '{');
    jw_z(&s->mw, "type", kind);
    jw_open(&s->mw, kind, '{');
    jw_str(&s->mw, "id", s->tap_id);
    jw_str(&s->mw, "title", s->tap_title);
    if (s->tap_about.n > 0) {
        jw_str(&s->mw, "description", s->tap_about);
    }
    jw_close(&s->mw, '}');
    jw_close(&s->mw, '}');
    s->twilio_type = "interactive";
    if (s->row) {
        pair(s, "ListId", s->tap_id);
        pair(s, "ListTitle", s->tap_title);
    } else {
        pair(s, "FrequentlyForwarded", STR("false"));
        pair(s, "Forwarded", STR("false"));
        pair(s, "ButtonText", s->tap_title);
        pair(s, "ButtonPayload", s->tap_id);
    }
    pair(s, "Body", s->tap_title);
}

static void text_out(struct speech *s)
{
    jw_z(&s->mw, "type", "text");
    jw_open(&s->mw, "text", '{');
    jw_str(&s->mw, "body", s->text);
    jw_close(&s->mw, '}');
    s->twilio_type = "text";
    pair(s, "Body", s->text);
}

static bool say_location(struct speech *s)
{
    const struct json *l = json_get(s->spec, "location");

    if (json_kind(l) != JSON_OBJECT) {
        return refuse(s, 422, "a location needs latitude and longitude");
    }
    jw_json(&s->ew, "location", l);
    s->text = json_get_str(l, "name");
    return true;
}

static void location_out(struct speech *s)
{
    const struct json *l = json_get(s->spec, "location");
    struct str name = json_get_str(l, "name"), address = json_get_str(l, "address");

    jw_z(&s->mw, "type", "location");
    jw_json(&s->mw, "location", l);
    s->twilio_type = "location";
    pair(s, "Latitude", arena_printf(s->arena, "%.14g", json_get_real(l, "latitude", 0)));
    pair(s, "Longitude", arena_printf(s->arena, "%.14g", json_get_real(l, "longitude", 0)));
    if (address.n > 0) {
        pair(s, "Address", address);
    }
    if (name.n > 0) {
        pair(s, "Label", name);
    }
}

static bool say_reaction(struct speech *s)
{
    const struct json *re = json_get(s->spec, "reaction");

    if (json_get_str(re, "message_id").n == 0) {
        return refuse(s, 422, "a reaction names a message_id");
    }
    jw_json(&s->ew, "reaction", re);
    s->text = json_get_str(re, "emoji");
    return true;
}

static void reaction_out(struct speech *s)
{
    jw_z(&s->mw, "type", "reaction");
    jw_json(&s->mw, "reaction", json_get(s->spec, "reaction"));
}

/* The file: base64 in the request, a sample by name, or the kind's own sample. */
static bool say_media(struct speech *s)
{
    const struct json *m = json_get(s->spec, "media");
    struct str data = json_get_str(m, "data"), mime = json_get_str(m, "mime"), name;
    const char *sample_mime = NULL, *sample_name = NULL;
    struct buf bytes;
    bool ok = true;

    buf_init(&bytes, MEDIA_ONE_MAX);
    name = json_get_str(m, "filename");
    if (data.n > 0) {
        ok = base64_decode(&bytes, data) && mime.n > 0;
    } else {
        struct str sample = json_get_str(m, "sample");

        sample = sample_media(sample.n > 0 ? sample : s->type, &sample_mime, &sample_name);
        ok = sample.n > 0;
        buf_add(&bytes, sample);
        mime = mime.n > 0 ? mime : str_of(sample_mime);
        name = name.n > 0 ? name : str_of(sample_name);
    }
    if (ok) {
        struct str id = s->number->dialect == DIALECT_META ? id_digits(s->sb, s->arena, 16)
                                                           : id_sid(s->sb, s->arena, "ME");

        s->media = media_add(s->sb->media, s->number, id, mime, name, buf_str(&bytes));
        s->text = json_get_str(m, "caption").n > 0 ? json_get_str(m, "caption") : s->text;
    }
    buf_fini(&bytes);
    return ok || refuse(s, 422, "media needs mime and base64 data, or the name of a sample");
}

static void media_out_meta(struct speech *s, const char *kind, bool voice)
{
    struct buf hash;

    buf_init(&hash, 128);
    base64_add(&hash, s->media->sha256);
    jw_z(&s->mw, "type", kind);
    jw_open(&s->mw, kind, '{');
    if (s->text.n > 0 && !str_eqz(s->type, "audio")) {
        jw_str(&s->mw, "caption", s->text);
    }
    if (strcmp(kind, "document") == 0) {
        jw_z(&s->mw, "filename", s->media->filename != NULL ? s->media->filename : "file");
    }
    jw_z(&s->mw, "mime_type", s->media->mime);
    jw_str(&s->mw, "sha256", buf_str(&hash));
    jw_z(&s->mw, "id", s->media->id);
    jw_str(&s->mw, "url", meta_media_url(s->sb, s->arena, s->media));
    if (strcmp(kind, "audio") == 0) {
        jw_bool(&s->mw, "voice", voice);
    }
    jw_close(&s->mw, '}');
    buf_fini(&hash);
}

static void media_out(struct speech *s)
{
    const char *kind = arena_dup(s->arena, s->type).p;
    bool voice = str_eqz(s->type, "audio") && !json_get_bool(s->spec, "file", false);

    if (s->number->dialect == DIALECT_TWILIO) {
        struct str mime, rest;

        /* Twilio names files by a sid below the message's own. */
        set_text(&s->media->parent, s->id);
        str_cut(str_of(s->media->mime), ';', &mime, &rest);
        pair(s, "MediaContentType0", mime);
        pair(s, "Body",
             str_eqz(s->type, "document") && s->media->filename != NULL ? str_of(s->media->filename)
                                                                        : s->text);
        pair(s, "MediaUrl0",
             arena_printf(s->arena, "%s/2010-04-01/Accounts/%s/Messages/%.*s/Media/%s",
                          s->sb->public_url, s->number->account, STR_ARG(s->id), s->media->id));
        s->twilio_type = kind;
    } else {
        media_out_meta(s, kind, voice);
    }
    jw_open(&s->ew, "media", '{');
    jw_z(&s->ew, "kind", kind);
    jw_z(&s->ew, "id", s->media->id);
    jw_z(&s->ew, "mime", s->media->mime);
    if (s->media->filename != NULL) {
        jw_z(&s->ew, "filename", s->media->filename);
    }
    jw_bool(&s->ew, "voice", voice);
    jw_close(&s->ew, '}');
}

static bool say_text(struct speech *s)
{
    return s->text.n > 0 || refuse(s, 422, "text is empty");
}

static const struct {
    const char *type;
    bool (*prepare)(struct speech *s); /* checks; may choose the number */
    void (*write)(struct speech *s);   /* for the provider's webhook */
} types[] = {
    {"text",     say_text,     text_out    },
    {"button",   say_tap,      tap_out     },
    {"list",     say_tap,      tap_out     },
    {"image",    say_media,    media_out   },
    {"video",    say_media,    media_out   },
    {"audio",    say_media,    media_out   },
    {"document", say_media,    media_out   },
    {"sticker",  say_media,    media_out   },
    {"location", say_location, location_out},
    {"reaction", say_reaction, reaction_out},
};

/* Whom the phone talked to last; else the first number there is. */
static struct number *usual_number(struct speech *s)
{
    struct ledger *l = s->sb->ledger;
    int64_t oldest = ledger_oldest(l);

    oldest = ledger_next(l) - LOOK_BACK > oldest ? ledger_next(l) - LOOK_BACK : oldest;
    for (int64_t seq = ledger_next(l) - 1; seq >= oldest; seq--) {
        struct entry *e = ledger_at(l, seq);

        if (e != NULL && str_eq(e->phone, phone_address(s->phone))) {
            return e->number;
        }
    }
    return number_any(s->sb, STR(""));
}

static bool in_group(struct speech *s, struct str id)
{
    const struct group *g = group_find(s->sb, s->number, id);

    if (g == NULL) {
        return refuse(s, 404, "that number has no such group");
    }
    if (!group_has(g, s->phone)) {
        return refuse(s, 422, "this phone is not in the group");
    }
    s->number = g->number;
    s->group = g;
    return true;
}

static bool who(struct speech *s)
{
    struct str from = json_get_str(s->spec, "from"), to = json_get_str(s->spec, "to");
    struct str group = json_get_str(s->spec, "group");

    if (from.n < 3 || from.n > 160) {
        return refuse(s, 422, "from is no phone number");
    }
    s->phone = phone_need(s->sb, from);
    if (s->phone == NULL) {
        return refuse(s, 422, "too many phones");
    }
    if (json_get_str(s->spec, "name").n > 0) {
        set_text(&s->phone->name, json_get_str(s->spec, "name"));
    }
    s->number = to.n > 0 ? number_any(s->sb, to) : NULL;
    if (group.n > 0) {
        return in_group(s, group);
    }
    return to.n == 0 || s->number != NULL || refuse(s, 404, "to is no number of this sandbox");
}

static void deliver(struct speech *s)
{
    struct entry proto = {.number = s->number,
                          .inbound = true,
                          .wire_us = wall_us(),
                          .id = s->id,
                          .phone = phone_address(s->phone),
                          .kind = s->type,
                          .text = s->text,
                          .quote = s->quote,
                          .group = s->group != NULL ? str_of(s->group->id) : STR_NONE,
                          .extra = buf_str(&s->extra)};
    struct entry *e = ledger_add(s->sb->ledger, &proto);
    struct asker *a = MEM_NEW(struct asker);

    /* Said in a group it opens the window of the group, not his own. */
    pair_need(s->sb, s->number, e->group.n > 0 ? e->group : e->phone)->last_inbound_ms =
        wall_now().ms;
    wait_init(&a->wait, s->req, NULL);
    snprintf(a->id, sizeof(a->id), "%.*s", STR_ARG(e->id));
    events_message(s->sb, e);
    if (s->number->dialect == DIALECT_META) {
        meta_hook_inbound(s->sb, e, buf_str(&s->meta), on_webhook, a);
    } else {
        twilio_hook_inbound(s->sb, e, s->twilio_type, s->more, s->nmore, on_webhook, a);
    }
}

static void speak(struct speech *s)
{
    size_t i = 0;

    while (i < ARRAY_LEN(types) && !str_eqz(s->type, types[i].type)) {
        i++;
    }
    if (i == ARRAY_LEN(types)) {
        refuse(s, 422, "type is not known");
        return;
    }
    if (!who(s) || (types[i].prepare == say_tap && !say_tap(s))) {
        return;
    }
    s->number = s->number != NULL ? s->number : usual_number(s);
    if (s->number == NULL) {
        refuse(s, 409, "the sandbox has no number");
        return;
    }
    if (types[i].prepare != say_tap && !types[i].prepare(s)) {
        return;
    }
    if (s->number->dialect == DIALECT_TWILIO && str_eqz(s->type, "reaction")) {
        refuse(s, 422, "Twilio does not pass reactions on");
        return;
    }
    s->id = s->number->dialect == DIALECT_META
                ? id_wamid(s->sb, s->arena, phone_address(s->phone), true)
                : id_sid(s->sb, s->arena, s->media != NULL ? "MM" : "SM");
    types[i].write(s);
    deliver(s);
}

void say_request(struct sandbox *sb, struct http_req *r)
{
    struct speech s = {.sb = sb, .req = r, .arena = http_req_arena(r)};
    struct json *spec = NULL;
    struct err err = {0};

    if (!json_parse(http_req_body(r), http_req_body(r).n + 1, &spec, &err)) {
        answer_problem(r, 400, "%s", err.msg);
        return;
    }
    s.spec = spec;
    s.type = json_get_str(spec, "type");
    s.type = s.type.n == 0 ? STR("text") : s.type;
    s.text = json_get_str(spec, "text");
    s.quote = json_get_str(spec, "quote");
    buf_init(&s.meta, EXTRA_MAX);
    buf_init(&s.extra, EXTRA_MAX);
    jw_init(&s.mw, &s.meta);
    jw_init(&s.ew, &s.extra);
    speak(&s);
    buf_fini(&s.meta);
    buf_fini(&s.extra);
    json_free(&spec);
}
