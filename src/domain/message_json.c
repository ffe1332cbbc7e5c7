/*
 * message, as POST /api/v1/messages takes it. Only the shape is judged here: whether the provider
 * takes such a message is its check(), whether a URL may be fetched is net's, who the person is,
 * the store's.
 */
#include "domain/message.h"

#include <math.h>
#include <stdio.h>

#include "base/buf.h"

static bool invalid(struct err *err, const char *member, const char *why)
{
    err_set(err, ERR_INVALID, "%s %s", member, why);
    return err_member(err, "%s", member);
}

/* A text member of @j, called @member in messages; absent and null are empty. */
static bool take_text(struct arena *a, const struct json *j, const char *name, const char *member,
                      struct str *out, struct err *err)
{
    const struct json *v = json_get(j, name);

    if (json_kind(v) == JSON_NONE || json_kind(v) == JSON_NULL) {
        return true;
    }
    if (json_kind(v) != JSON_STRING) {
        return invalid(err, member, "is not a text");
    }
    *out = arena_dup(a, json_str(v));
    return true;
}

static bool need_text(struct arena *a, const struct json *j, const char *name, const char *member,
                      struct str *out, struct err *err)
{
    if (!take_text(a, j, name, member, out, err)) {
        return false;
    }
    return str_trim(*out).n > 0 || invalid(err, member, "is missing or empty");
}

static bool take_time(const struct json *j, const char *name, struct wall *out, struct err *err)
{
    const struct json *v = json_get(j, name);

    if (json_kind(v) == JSON_NONE || json_kind(v) == JSON_NULL) {
        return true;
    }
    return wall_parse(json_str(v), out) || invalid(err, name, "is not an RFC 3339 time");
}

static bool take_prio(const struct json *j, enum prio *out, struct err *err)
{
    static const struct {
        const char *name;
        enum prio prio;
    } names[] = {
        {"low",      PRIO_LOW     },
        {"medium",   PRIO_NORMAL  },
        {"normal",   PRIO_NORMAL  },
        {"high",     PRIO_HIGH    },
        {"critical", PRIO_CRITICAL}
    };
    const struct json *v = json_get(j, "priority");

    *out = PRIO_NORMAL;
    if (json_kind(v) == JSON_NONE || json_kind(v) == JSON_NULL) {
        return true;
    }
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (str_eqz(json_str(v), names[i].name)) {
            *out = names[i].prio;
            return true;
        }
    }
    return invalid(err, "priority", "is none of low, medium, normal, high, critical");
}

static bool take_to(struct arena *a, const struct json *j, struct message *m, struct err *err)
{
    const struct json *to = json_get(j, "to");

    if (json_kind(to) != JSON_OBJECT) {
        return invalid(err, "to", "is missing or not an object with user or phone");
    }
    if (!take_text(a, to, "user", "to.user", &m->user, err) ||
        !take_text(a, to, "phone", "to.phone", &m->phone, err)) {
        return false;
    }
    if ((m->user.n > 0) == (m->phone.n > 0)) {
        return invalid(err, "to", "needs exactly one of user and phone");
    }
    return m->phone.n == 0 || str_is_e164(m->phone) ||
           invalid(err, "to.phone", "is not E.164 (+ and 8 to 15 digits)");
}

static bool take_option(struct arena *a, const struct json *j, const char *member,
                        struct str section, struct message *m, struct err *err)
{
    struct message_option *o = &m->options[m->noptions++];
    char name[64];

    if (json_kind(j) != JSON_OBJECT) {
        return invalid(err, member, "is not an object");
    }
    o->section = section;
    snprintf(name, sizeof(name), "%s.id", member);
    if (!need_text(a, j, "id", name, &o->id, err)) {
        return false;
    }
    snprintf(name, sizeof(name), "%s.title", member);
    if (!need_text(a, j, "title", name, &o->title, err)) {
        return false;
    }
    snprintf(name, sizeof(name), "%s.description", member);
    return take_text(a, j, "description", name, &o->description, err);
}

static bool take_buttons(struct arena *a, const struct json *j, struct message *m, struct err *err)
{
    const struct json *buttons = json_get(j, "buttons");

    if (json_kind(buttons) != JSON_ARRAY || json_len(buttons) == 0 ||
        json_len(buttons) > MESSAGE_BUTTONS_MAX) {
        return invalid(err, "buttons", "is not a list of 1 to 3 buttons");
    }
    for (size_t i = 0; i < json_len(buttons); i++) {
        char member[32];

        snprintf(member, sizeof(member), "buttons.%zu", i);
        if (!take_option(a, json_at(buttons, i), member, STR_NONE, m, err)) {
            return false;
        }
    }
    return need_text(a, j, "text", "text", &m->text, err);
}

static bool take_section(struct arena *a, const struct json *section, size_t i, struct message *m,
                         struct err *err)
{
    const struct json *rows = json_get(section, "rows");
    struct str title = STR_NONE;
    char member[64];

    snprintf(member, sizeof(member), "list.sections.%zu.title", i);
    if (!take_text(a, section, "title", member, &title, err)) {
        return false;
    }
    snprintf(member, sizeof(member), "list.sections.%zu.rows", i);
    if (json_kind(rows) != JSON_ARRAY || json_len(rows) == 0) {
        return invalid(err, member, "is not a list of rows");
    }
    for (size_t k = 0; k < json_len(rows); k++) {
        snprintf(member, sizeof(member), "list.sections.%zu.rows.%zu", i, k);
        if (m->noptions == MESSAGE_ROWS_MAX) {
            return invalid(err, member, "is one row too many: a list has 1 to 10 in all");
        }
        if (!take_option(a, json_at(rows, k), member, title, m, err)) {
            return false;
        }
    }
    return true;
}

static bool take_list(struct arena *a, const struct json *j, struct message *m, struct err *err)
{
    const struct json *list = json_get(j, "list"), *sections = json_get(list, "sections");

    if (json_kind(list) != JSON_OBJECT) {
        return invalid(err, "list", "is missing or not an object");
    }
    if (json_kind(sections) != JSON_ARRAY || json_len(sections) == 0) {
        return invalid(err, "list.sections", "is not a list of sections");
    }
    for (size_t i = 0; i < json_len(sections); i++) {
        if (!take_section(a, json_at(sections, i), i, m, err)) {
            return false;
        }
    }
    return need_text(a, list, "button", "list.button", &m->list_button, err) &&
           need_text(a, j, "text", "text", &m->text, err);
}

/* What a media type is taken for where the caller leaves it out: the name's ending. */
static struct str mime_of(struct str name)
{
    static const struct {
        const char *ending, *mime;
    } known[] = {
        {".jpg",  "image/jpeg"                                                               },
        {".jpeg", "image/jpeg"                                                               },
        {".png",  "image/png"                                                                },
        {".webp", "image/webp"                                                               },
        {".mp4",  "video/mp4"                                                                },
        {".3gp",  "video/3gpp"                                                               },
        {".mp3",  "audio/mpeg"                                                               },
        {".aac",  "audio/aac"                                                                },
        {".amr",  "audio/amr"                                                                },
        {".m4a",  "audio/mp4"                                                                },
        {".ogg",  "audio/ogg"                                                                },
        {".pdf",  "application/pdf"                                                          },
        {".txt",  "text/plain"                                                               },
        {".doc",  "application/msword"                                                       },
        {".docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"  },
        {".xls",  "application/vnd.ms-excel"                                                 },
        {".xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"        },
        {".ppt",  "application/vnd.ms-powerpoint"                                            },
        {".pptx", "application/vnd.openxmlformats-officedocument.presentationml.presentation"},
    };
    struct str path, rest;

    str_cut(name, '?', &path, &rest);
    str_cut(path, '#', &path, &rest);
    for (size_t i = 0; i < ARRAY_LEN(known); i++) {
        size_t n = strlen(known[i].ending);

        if (path.n > n && str_ieq(str_slice(path, path.n - n, path.n), str_of(known[i].ending))) {
            return str_of(known[i].mime);
        }
    }
    return STR_NONE;
}

static bool take_media(struct arena *a, const struct json *j, struct message *m, struct err *err)
{
    const struct json *media = json_get(j, "media");

    if (json_kind(media) != JSON_OBJECT) {
        return invalid(err, "media", "is missing or not an object");
    }
    if (!need_text(a, media, "url", "media.url", &m->media.url, err) ||
        !take_text(a, media, "mime", "media.mime", &m->media.mime, err) ||
        !take_text(a, media, "filename", "media.filename", &m->media.filename, err) ||
        !take_text(a, j, "text", "text", &m->text, err) ||
        !take_text(a, media, "caption", "media.caption", &m->text, err)) {
        return false;
    }
    if (!str_starts(m->media.url, STR("https://")) && !str_starts(m->media.url, STR("http://"))) {
        return invalid(err, "media.url", "is not an http or https URL");
    }
    if (m->media.mime.n == 0) {
        m->media.mime = mime_of(m->media.filename);
    }
    if (m->media.mime.n == 0) {
        m->media.mime = mime_of(m->media.url);
    }
    return m->media.mime.n > 0 ||
           invalid(err, "media.mime", "is missing and the name does not tell the type");
}

static bool take_degrees(const struct json *j, const char *name, const char *member, double max,
                         double *out, struct err *err)
{
    *out = json_get_real(j, name, NAN);
    return fabs(*out) <= max || invalid(err, member, "is not a number of degrees");
}

static bool take_location(struct arena *a, const struct json *j, struct message *m, struct err *err)
{
    const struct json *at = json_get(j, "location");

    return take_degrees(at, "latitude", "location.latitude", 90, &m->location.latitude, err) &&
           take_degrees(at, "longitude", "location.longitude", 180, &m->location.longitude, err) &&
           take_text(a, at, "name", "location.name", &m->location.name, err) &&
           take_text(a, at, "address", "location.address", &m->location.address, err);
}

/* A value of a template's parameter: numbers are printed as they are. */
static bool take_param(struct arena *a, const struct json *v, struct str name, struct message *m,
                       struct err *err)
{
    struct message_param *p = &m->template_.params[m->template_.nparams++];

    p->name = arena_dup(a, name);
    if (json_kind(v) == JSON_STRING) {
        p->value = arena_dup(a, json_str(v));
        return true;
    }
    if (json_kind(v) == JSON_INT || json_kind(v) == JSON_REAL) {
        struct buf b;

        buf_init(&b, 64);
        json_dump(v, &b);
        p->value = arena_dup(a, buf_str(&b));
        buf_fini(&b);
        return true;
    }
    return invalid(err, "template.params", "has a value that is neither text nor number");
}

/* Parameters come as ["Ada", 7], as [{"name":"who","value":"Ada"}] or as {"who":"Ada"}. */
static bool take_params(struct arena *a, const struct json *params, struct message *m,
                        struct err *err)
{
    if (json_kind(params) == JSON_NONE || json_kind(params) == JSON_NULL) {
        return true;
    }
    if (json_kind(params) != JSON_ARRAY && json_kind(params) != JSON_OBJECT) {
        return invalid(err, "template.params", "is neither a list nor an object");
    }
    if (json_len(params) > MESSAGE_PARAMS_MAX) {
        return invalid(err, "template.params", "has more than 16 values");
    }
    for (size_t i = 0; i < json_len(params); i++) {
        struct str name = STR_NONE;
        const struct json *v =
            json_kind(params) == JSON_ARRAY ? json_at(params, i) : json_member_at(params, i, &name);

        if (json_kind(v) == JSON_OBJECT) {
            name = json_get_str(v, "name");
            v = json_get(v, "value");
        }
        if (!take_param(a, v, name, m, err)) {
            return false;
        }
    }
    return true;
}

static bool take_template(struct arena *a, const struct json *j, struct message *m, struct err *err)
{
    const struct json *t = json_get(j, "template");

    if (json_kind(t) != JSON_OBJECT) {
        return invalid(err, "template", "is missing or not an object");
    }
    return need_text(a, t, "name", "template.name", &m->template_.name, err) &&
           take_text(a, t, "language", "template.language", &m->template_.language, err) &&
           take_params(a, json_get(t, "params"), m, err);
}

static bool take_content(struct arena *a, const struct json *j, struct message *m, struct err *err)
{
    switch (m->kind) {
    case MESSAGE_TEXT:
        return need_text(a, j, "text", "text", &m->text, err);
    case MESSAGE_BUTTONS:
        return take_buttons(a, j, m, err);
    case MESSAGE_LIST:
        return take_list(a, j, m, err);
    case MESSAGE_MEDIA:
        return take_media(a, j, m, err);
    case MESSAGE_LOCATION:
        return take_location(a, j, m, err);
    case MESSAGE_TEMPLATE:
        return take_template(a, j, m, err);
    case MESSAGE_REACTION:
    case MESSAGE_READ:
        break; /* ours alone: they answer something a person said */
    }
    return invalid(err, "kind",
                   "is none of text, template, media, buttons, list, location, document");
}

bool message_from_json(struct arena *a, const struct json *j, struct message *out, struct err *err)
{
    struct message m = {0};
    struct str kind = json_get_str(j, "kind");

    if (json_kind(j) != JSON_OBJECT) {
        return err_set(err, ERR_INVALID, "message is not an object");
    }
    if (!message_kind_parse(kind, &m.kind)) {
        m.kind = MESSAGE_READ; /* refused below, with the list of kinds */
    }
    if (!take_content(a, j, &m, err) || !take_to(a, j, &m, err) || !take_prio(j, &m.prio, err) ||
        !take_text(a, j, "header", "header", &m.header, err) ||
        !take_text(a, j, "footer", "footer", &m.footer, err) ||
        !take_text(a, j, "work_order", "work_order", &m.order_number, err) ||
        !take_text(a, j, "sender", "sender", &m.sender, err) ||
        !take_time(j, "send_at", &m.send_at, err) || !take_time(j, "expires_at", &m.expires, err)) {
        return false;
    }
    *out = m;
    return true;
}
