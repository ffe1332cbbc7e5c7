#include "domain/training.h"

#include "base/mem.h"

static struct str training_id(struct arena *a, struct str id)
{
    return arena_printf(a, "training-%.*s", STR_ARG(id));
}

static bool wrong(struct err *err, const char *member, const char *why)
{
    err_set(err, ERR_INVALID, "training.%s %s", member, why);
    return err_member(err, "%s", member);
}

static bool read_media(struct arena *a, const struct json *j, struct broadcast *b, struct err *err)
{
    const struct json *media = json_get(j, "media");

    if (json_kind(media) == JSON_NONE || json_kind(media) == JSON_NULL) {
        return true;
    }
    b->media.url = json_get_text(media, "url", a);
    b->media.mime = json_get_text(media, "mime", a);
    b->media.filename = json_get_text(media, "filename", a);
    if (!str_starts(b->media.url, STR("https://")) && !str_starts(b->media.url, STR("http://"))) {
        return wrong(err, "media.url", "is missing or no URL");
    }
    return b->media.mime.n > 0 || wrong(err, "media.mime", "is missing, as in video/mp4");
}

bool training_read(struct arena *a, const struct json *j, struct wall now, struct broadcast *out,
                   struct err *err)
{
    struct str id = json_get_text(j, "id", a);
    struct json *form = json_dup(j);
    struct broadcast b;
    bool ok;

    /* Some material is its file and its title. */
    if (json_get(j, "texts") == NULL && json_get_str(j, "text").n == 0) {
        json_set_str(form, "text", json_get_str(j, "title"));
    }
    json_set_str(form, "priority", STR("low"));
    json_del(form, "ask");
    ok = broadcast_from_json(a, form, now, &b, err) && read_media(a, j, &b, err);
    json_free(&form);
    if (!ok) {
        return false;
    }
    b.training = true;
    b.ask = json_get_bool(j, "ask_read", false) ? BROADCAST_ASK_READ : BROADCAST_ASK_NONE;
    b.id = training_id(a, id);
    b.by = STR("cmms");
    if (id.n == 0 || !broadcast_id_ok(b.id)) {
        return wrong(err, "id", "is not 1 to 55 letters, digits, '.', '_' and '-'");
    }
    *out = b;
    return true;
}

void training_encode(const struct json *j, struct wall at, struct buf *out)
{
    struct jw w;

    jw_init(&w, out);
    jw_open(&w, NULL, '{');
    jw_wall(&w, "at", at);
    jw_json(&w, "training", j);
    jw_close(&w, '}');
}

bool training_decode(struct arena *a, struct str text, struct training *out)
{
    struct json *j = NULL;
    struct wall at;
    bool ok = json_parse(text, (size_t)1 << 20, &j, NULL) &&
              wall_parse(json_get_str(j, "at"), &at) &&
              training_read(a, json_get(j, "training"), at, &out->b, &(struct err){0});

    if (ok) {
        out->id = json_get_text(json_get(j, "training"), "id", a);
    }
    json_free(&j);
    return ok;
}

bool training_is_for(const struct training *t, const struct user *u)
{
    const struct audience *to = &t->b.to;

    for (size_t i = 0; i < to->nusers; i++) {
        if (str_eq(to->users[i], u->id)) {
            return true;
        }
    }
    for (size_t i = 0; i < to->nphones; i++) {
        if (str_eq(to->phones[i], u->phone)) {
            return true;
        }
    }
    return audience_fits(to, u);
}
