/*
 * A message as the body of POST /{version}/{phone number id}/messages.
 *
 * Source: Cloud API, "Messages" and "Templates"; shapes of Graph API v23.0.
 *
 *   - `to` carries the '+': without it Meta may take the digits for a local number of the
 *     business's country. A person without a phone is the `recipient`; with both, `to` wins.
 *   - To a group `to` is the group's id, as it came.
 *   - biz_opaque_callback_data comes back with every status (at most 256 ASCII bytes here).
 *   - preview_url stays false: a preview makes Meta open the link, and some of ours work once.
 *   - latitude and longitude are texts, as in Meta's own examples.
 *
 * A template's parameters beyond the body have names that Meta does not allow for named ones:
 *
 *   header.text            the variable of a text header
 *   button.<index>.url     the end of a button's URL
 *   button.<index>.payload the payload of a quick reply
 *   button.<index>.code    a coupon code
 *
 * A media header comes from m->media; m->options give the payloads of the quick replies, in order.
 */
#include <math.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/json.h"
#include "meta_int.h"

#define BODY_USUAL 512 /* bytes beside the text */

const char *meta_media_member(struct str mime)
{
    static const struct {
        const char *type, *member;
    } types[] = {
        {"image/webp",                                                                "sticker" },
        {"image/jpeg",                                                                "image"   },
        {"image/png",                                                                 "image"   },
        {"video/mp4",                                                                 "video"   },
        {"video/3gpp",                                                                "video"   },
        {"audio/aac",                                                                 "audio"   },
        {"audio/amr",                                                                 "audio"   },
        {"audio/mpeg",                                                                "audio"   },
        {"audio/mp4",                                                                 "audio"   },
        {"audio/ogg",                                                                 "audio"   },
        {"text/plain",                                                                "document"},
        {"application/pdf",                                                           "document"},
        {"application/msword",                                                        "document"},
        {"application/vnd.ms-excel",                                                  "document"},
        {"application/vnd.ms-powerpoint",                                             "document"},
        {"application/vnd.openxmlformats-officedocument.wordprocessingml.document",   "document"},
        {"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",         "document"},
        {"application/vnd.openxmlformats-officedocument.presentationml.presentation", "document"},
    };
    struct str type, parameters;

    str_cut(mime, ';', &type, &parameters);
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        if (str_ieq(str_trim(type), str_of(types[i].type))) {
            return types[i].member;
        }
    }
    return NULL;
}

static void put_media(struct jw *w, const struct message *m, const char *member, bool caption)
{
    jw_open(w, member, '{');
    if (m->media.provider_id.n > 0) {
        jw_str(w, "id", m->media.provider_id);
    } else {
        jw_str(w, "link", m->media.url);
    }
    if (strcmp(member, "document") == 0 && m->media.filename.n > 0) {
        jw_str(w, "filename", m->media.filename);
    }
    /* A voice note is opus in ogg: only so does the phone show the wave and tell when it is played.
     */
    if (strcmp(member, "audio") == 0 && str_find(m->media.mime, STR("opus")) != SIZE_MAX) {
        jw_bool(w, "voice", true);
    }
    if (caption && m->text.n > 0) {
        jw_str(w, "caption", m->text);
    }
    jw_close(w, '}');
}

static bool has_media(const struct message *m)
{
    return m->media.url.n > 0 || m->media.provider_id.n > 0;
}

static void put_header(struct jw *w, const struct message *m)
{
    const char *member = meta_media_member(m->media.mime);

    if (has_media(m) && member != NULL) {
        jw_open(w, "header", '{');
        jw_z(w, "type", member);
        put_media(w, m, member, false);
        jw_close(w, '}');
    } else if (m->header.n > 0) {
        jw_open(w, "header", '{');
        jw_z(w, "type", "text");
        jw_str(w, "text", m->header);
        jw_close(w, '}');
    }
}

static void put_buttons(struct jw *w, const struct message *m)
{
    jw_open(w, "action", '{');
    jw_open(w, "buttons", '[');
    for (size_t i = 0; i < m->noptions; i++) {
        jw_open(w, NULL, '{');
        jw_z(w, "type", "reply");
        jw_open(w, "reply", '{');
        jw_str(w, "id", m->options[i].id);
        jw_str(w, "title", m->options[i].title);
        jw_close(w, '}');
        jw_close(w, '}');
    }
    jw_close(w, ']');
    jw_close(w, '}');
}

/* Rows of one section stand together; a new section begins where its title changes. */
static void put_list(struct jw *w, const struct message *m)
{
    jw_open(w, "action", '{');
    jw_str(w, "button", m->list_button);
    jw_open(w, "sections", '[');
    for (size_t i = 0; i < m->noptions; i++) {
        const struct message_option *o = &m->options[i];

        if (i == 0 || !str_eq(o->section, m->options[i - 1].section)) {
            if (i > 0) {
                jw_close(w, ']');
                jw_close(w, '}');
            }
            jw_open(w, NULL, '{');
            if (o->section.n > 0) {
                jw_str(w, "title", o->section);
            }
            jw_open(w, "rows", '[');
        }
        jw_open(w, NULL, '{');
        jw_str(w, "id", o->id);
        jw_str(w, "title", o->title);
        if (o->description.n > 0) {
            jw_str(w, "description", o->description);
        }
        jw_close(w, '}');
    }
    if (m->noptions > 0) {
        jw_close(w, ']');
        jw_close(w, '}');
    }
    jw_close(w, ']');
    jw_close(w, '}');
}

static void put_interactive(struct jw *w, const struct message *m)
{
    jw_z(w, "type", "interactive");
    jw_open(w, "interactive", '{');
    jw_z(w, "type", m->kind == MESSAGE_LIST ? "list" : "button");
    put_header(w, m);
    jw_open(w, "body", '{');
    jw_str(w, "text", m->text);
    jw_close(w, '}');
    if (m->footer.n > 0) {
        jw_open(w, "footer", '{');
        jw_str(w, "text", m->footer);
        jw_close(w, '}');
    }
    if (m->kind == MESSAGE_LIST) {
        put_list(w, m);
    } else {
        put_buttons(w, m);
    }
    jw_close(w, '}');
}

static void put_degrees(struct jw *w, const char *name, double v)
{
    char text[32];

    /* 15 digits always come back as the number they came from; 17 would print 38.889805000000003.
     */
    snprintf(text, sizeof(text), "%.15g", v);
    jw_z(w, name, text);
}

static void put_location(struct jw *w, const struct message *m)
{
    jw_z(w, "type", "location");
    jw_open(w, "location", '{');
    put_degrees(w, "latitude", m->location.latitude);
    put_degrees(w, "longitude", m->location.longitude);
    if (m->location.name.n > 0) {
        jw_str(w, "name", m->location.name);
    }
    if (m->location.address.n > 0) {
        jw_str(w, "address", m->location.address);
    }
    jw_close(w, '}');
}

static void put_text_parameter(struct jw *w, struct str name, struct str text)
{
    jw_open(w, NULL, '{');
    jw_z(w, "type", "text");
    if (name.n > 0) {
        jw_str(w, "parameter_name", name);
    }
    jw_str(w, "text", text);
    jw_close(w, '}');
}

static void open_component(struct jw *w, const char *type)
{
    jw_open(w, NULL, '{');
    jw_z(w, "type", type);
}

static void put_template_header(struct jw *w, const struct message *m, const char *member)
{
    open_component(w, "header");
    jw_open(w, "parameters", '[');
    if (member != NULL) {
        jw_open(w, NULL, '{');
        jw_z(w, "type", member);
        put_media(w, m, member, false);
        jw_close(w, '}');
    } else {
        for (size_t i = 0; i < m->template_.nparams; i++) {
            if (str_eqz(m->template_.params[i].name, "header.text")) {
                put_text_parameter(w, STR_NONE, m->template_.params[i].value);
            }
        }
    }
    jw_close(w, ']');
    jw_close(w, '}');
}

static bool is_special(struct str name)
{
    return str_starts(name, STR("header.")) || str_starts(name, STR("button."));
}

static void put_template_body(struct jw *w, const struct message *m)
{
    open_component(w, "body");
    jw_open(w, "parameters", '[');
    for (size_t i = 0; i < m->template_.nparams; i++) {
        if (!is_special(m->template_.params[i].name)) {
            put_text_parameter(w, m->template_.params[i].name, m->template_.params[i].value);
        }
    }
    jw_close(w, ']');
    jw_close(w, '}');
}

static void put_template_button(struct jw *w, struct str index, const char *sub_type,
                                const char *type, struct str value)
{
    open_component(w, "button");
    jw_z(w, "sub_type", sub_type);
    jw_str(w, "index", index);
    jw_open(w, "parameters", '[');
    jw_open(w, NULL, '{');
    jw_z(w, "type", type);
    jw_str(w, type, value);
    jw_close(w, '}');
    jw_close(w, ']');
    jw_close(w, '}');
}

static void put_template_buttons(struct jw *w, const struct message *m)
{
    static const struct {
        const char *name, *sub_type, *type;
    } kinds[] = {
        {"url",     "url",         "text"       },
        {"payload", "quick_reply", "payload"    },
        {"code",    "copy_code",   "coupon_code"},
    };

    for (size_t i = 0; i < m->template_.nparams; i++) {
        struct str head, rest, index, kind;

        if (!str_cut(m->template_.params[i].name, '.', &head, &rest) || !str_eqz(head, "button")) {
            continue;
        }
        str_cut(rest, '.', &index, &kind);
        for (size_t k = 0; k < ARRAY_LEN(kinds); k++) {
            if (str_eqz(kind, kinds[k].name)) {
                put_template_button(w, index, kinds[k].sub_type, kinds[k].type,
                                    m->template_.params[i].value);
            }
        }
    }
    for (size_t i = 0; i < m->noptions; i++) {
        char index[24];

        snprintf(index, sizeof(index), "%zu", i);
        put_template_button(w, str_of(index), "quick_reply", "payload", m->options[i].id);
    }
}

static void put_language(struct jw *w, struct str language)
{
    char code[16];
    size_t n = 0;

    for (; n < language.n && n < sizeof(code); n++) {
        code[n] = language.p[n] == '-' ? '_' : language.p[n];
    }
    jw_open(w, "language", '{');
    jw_z(w, "policy", "deterministic");
    jw_str(w, "code", str_make(code, n));
    jw_close(w, '}');
}

static void put_template(struct jw *w, const struct message *m)
{
    const char *member = has_media(m) ? meta_media_member(m->media.mime) : NULL;
    bool header = member != NULL, body = false, buttons = m->noptions > 0;

    for (size_t i = 0; i < m->template_.nparams; i++) {
        struct str name = m->template_.params[i].name;

        header |= str_eqz(name, "header.text");
        buttons |= str_starts(name, STR("button."));
        body |= !is_special(name);
    }
    jw_z(w, "type", "template");
    jw_open(w, "template", '{');
    jw_str(w, "name", m->template_.name);
    put_language(w, m->template_.language);
    if (header || body || buttons) {
        jw_open(w, "components", '[');
        if (header) {
            put_template_header(w, m, member);
        }
        if (body) {
            put_template_body(w, m);
        }
        put_template_buttons(w, m);
        jw_close(w, ']');
    }
    jw_close(w, '}');
}

static void put_content(struct jw *w, const struct message *m)
{
    const char *member;

    switch (m->kind) {
    case MESSAGE_TEXT:
        jw_z(w, "type", "text");
        jw_open(w, "text", '{');
        jw_bool(w, "preview_url", false);
        jw_str(w, "body", m->text);
        jw_close(w, '}');
        break;
    case MESSAGE_BUTTONS:
    case MESSAGE_LIST:
        put_interactive(w, m);
        break;
    case MESSAGE_MEDIA:
        member = meta_media_member(m->media.mime);
        jw_z(w, "type", member);
        put_media(w, m, member, strcmp(member, "audio") != 0 && strcmp(member, "sticker") != 0);
        break;
    case MESSAGE_LOCATION:
        put_location(w, m);
        break;
    case MESSAGE_TEMPLATE:
        put_template(w, m);
        break;
    case MESSAGE_REACTION:
        jw_z(w, "type", "reaction");
        jw_open(w, "reaction", '{');
        jw_str(w, "message_id", m->quoted);
        jw_str(w, "emoji", m->emoji.p == NULL ? STR("") : m->emoji);
        jw_close(w, '}');
        break;
    case MESSAGE_READ:
        break;
    }
}

static void put_read(struct jw *w, const struct message *m)
{
    jw_z(w, "status", "read");
    jw_str(w, "message_id", m->quoted);
    if (m->typing) {
        jw_open(w, "typing_indicator", '{');
        jw_z(w, "type", "text");
        jw_close(w, '}');
    }
}

static void put_message(struct jw *w, const struct message *m, struct str correlation)
{
    jw_z(w, "recipient_type", m->group.n > 0 ? "group" : "individual");
    if (m->group.n > 0) {
        jw_str(w, "to", m->group);
    } else if (m->phone.n > 0) {
        jw_str(w, "to", m->phone);
    }
    if (m->bsuid.n > 0 && m->group.n == 0) {
        jw_str(w, "recipient", m->bsuid);
    }
    if (m->quoted.n > 0 && m->kind != MESSAGE_REACTION) {
        jw_open(w, "context", '{');
        jw_str(w, "message_id", m->quoted);
        jw_close(w, '}');
    }
    put_content(w, m);
    if (correlation.n > 0) {
        jw_str(w, "biz_opaque_callback_data", correlation);
    }
}

bool meta_build(struct arena *a, const struct sender *s, const struct message *m,
                struct str correlation, struct str callback_base, struct outgoing *out,
                struct err *err)
{
    struct buf body;
    struct jw w;

    (void)callback_base; /* Meta's statuses go to the one webhook */
    if (!meta_check(m, err)) {
        return false;
    }
    if (m->kind != MESSAGE_READ && m->phone.n == 0 && m->bsuid.n == 0 && m->group.n == 0) {
        return refuse(err, "to", "has neither phone nor id");
    }
    if (m->kind == MESSAGE_TEMPLATE && m->template_.language.n == 0) {
        return refuse(err, "template.language", "is empty");
    }
    buf_init(&body, OUTGOING_MAX);
    buf_reserve(&body, BODY_USUAL + m->text.n);
    jw_init(&w, &body);
    jw_open(&w, NULL, '{');
    jw_z(&w, "messaging_product", "whatsapp");
    if (m->kind == MESSAGE_READ) {
        put_read(&w, m);
    } else {
        put_message(&w, m, correlation);
    }
    jw_close(&w, '}');
    *out = (struct outgoing){.method = "POST"};
    out->url = arena_printf(a, "%.*s/%.*s/%.*s/messages", STR_ARG(s->api_base),
                            STR_ARG(s->api_version), STR_ARG(s->phone_number_id));
    out->headers[out->nheaders++] = (struct pair){
        STR("Authorization"), arena_printf(a, "Bearer %.*s", STR_ARG(s->access_token))};
    out->headers[out->nheaders++] = (struct pair){STR("Content-Type"), STR("application/json")};
    out->body = buf_to_arena(a, &body);
    return true;
}
