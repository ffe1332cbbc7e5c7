/* What a Content resource shows as on WhatsApp once its variables are filled in. */
#include "twilio.h"

#define VARS_MAX 100

struct fill {
    struct arena *a;
    const struct json *samples, *vars;
    struct jw *w;
    bool trouble; /* over WhatsApp's limits: found out by the channel, later */
};

/* Values are texts without line ends or runs of blanks; WhatsApp refuses others. */
static bool vars_ok(const struct json *vars)
{
    for (size_t i = 0; i < json_len(vars); i++) {
        struct str name, v;
        const struct json *value = json_member_at(vars, i, &name);

        v = json_str(value);
        if (json_kind(value) != JSON_STRING || v.n == 0 || name.n == 0 || name.n > 16 ||
            str_utf8_len(v) > 1600 || str_find_char(v, '\n', 0) != SIZE_MAX ||
            str_find_char(v, '\r', 0) != SIZE_MAX || str_find(v, STR("     ")) != SIZE_MAX) {
            return false;
        }
    }
    return json_len(vars) <= VARS_MAX;
}

static struct str filled(struct fill *f, struct str text)
{
    struct buf b;

    buf_init(&b, 65536);
    while (text.n > 0) {
        size_t open = str_find(text, STR("{{")), close = str_find(text, STR("}}"));
        const char *name;
        struct str value;

        if (open == SIZE_MAX || close == SIZE_MAX || close < open) {
            break;
        }
        name = arena_dup(f->a, str_trim(str_slice(text, open + 2, close))).p;
        value = json_get_str(f->vars, name);
        /* Left out: the sample of the template goes to the person, as at Twilio. */
        value = value.n > 0 ? value : json_get_str(f->samples, name);
        buf_add(&b, str_slice(text, 0, open));
        buf_add(&b, value);
        text = str_slice(text, close + 2, text.n);
    }
    buf_add(&b, text);
    struct str out = arena_dup(f->a, buf_str(&b));

    buf_fini(&b);
    return out;
}

static struct str member(struct fill *f, const struct json *j, const char *name, size_t max)
{
    struct str s = filled(f, json_get_str(j, name));

    f->trouble = f->trouble || str_utf8_len(s) > max;
    return s;
}

static void actions(struct fill *f, const struct json *list)
{
    jw_open(f->w, "buttons", '[');
    for (size_t i = 0; i < json_len(list); i++) {
        const struct json *a = json_at(list, i);
        struct str title = member(f, a, "title", 25), id = member(f, a, "id", 200);
        struct str url = member(f, a, "url", 2000);

        f->trouble = f->trouble || title.n == 0;
        jw_open(f->w, NULL, '{');
        jw_str(f->w, "title", title);
        if (url.n > 0) {
            jw_str(f->w, "url", url);
        } else {
            jw_str(f->w, "id", id.n > 0 ? id : title);
        }
        jw_close(f->w, '}');
    }
    jw_close(f->w, ']');
}

static struct str quick_reply(struct fill *f, const struct json *t, struct str *kind)
{
    *kind = STR("button");
    f->trouble = f->trouble || json_len(json_get(t, "actions")) > 10;
    actions(f, json_get(t, "actions"));
    return member(f, t, "body", 1024);
}

static struct str list_picker(struct fill *f, const struct json *t, struct str *kind)
{
    const struct json *items = json_get(t, "items");

    *kind = STR("list");
    f->trouble = f->trouble || json_len(items) < 1 || json_len(items) > 10;
    jw_str(f->w, "list_button", member(f, t, "button", 20));
    jw_open(f->w, "rows", '[');
    for (size_t i = 0; i < json_len(items); i++) {
        const struct json *it = json_at(items, i);
        struct str title = member(f, it, "item", 24), about = member(f, it, "description", 72);

        f->trouble = f->trouble || title.n == 0;
        jw_open(f->w, NULL, '{');
        jw_str(f->w, "id", member(f, it, "id", 200));
        jw_str(f->w, "title", title);
        if (about.n > 0) {
            jw_str(f->w, "description", about);
        }
        jw_close(f->w, '}');
    }
    jw_close(f->w, ']');
    return member(f, t, "body", 1024);
}

static struct str card(struct fill *f, const struct json *t, struct str *kind)
{
    struct str title = member(f, t, "title", 1024), header = member(f, t, "header_text", 60);
    struct str footer = member(f, t, "footer", 60);

    *kind = STR("button");
    if (header.n > 0) {
        jw_str(f->w, "header", header);
    }
    if (footer.n > 0) {
        jw_str(f->w, "footer", footer);
    }
    actions(f, json_get(t, "actions"));
    return title.n > 0 ? title : member(f, t, "body", 1024);
}

static struct str media(struct fill *f, const struct json *t, struct str *kind)
{
    *kind = STR("media");
    jw_open(f->w, "media", '{');
    jw_z(f->w, "kind", "file");
    jw_str(f->w, "link", filled(f, json_str(json_at(json_get(t, "media"), 0))));
    jw_close(f->w, '}');
    return member(f, t, "body", 1024);
}

static struct str location(struct fill *f, const struct json *t, struct str *kind)
{
    *kind = STR("location");
    jw_open(f->w, "location", '{');
    jw_real(f->w, "latitude", json_get_real(t, "latitude", 0));
    jw_real(f->w, "longitude", json_get_real(t, "longitude", 0));
    jw_str(f->w, "name", member(f, t, "label", 1000));
    jw_str(f->w, "address", member(f, t, "address", 1000));
    jw_close(f->w, '}');
    return member(f, t, "label", 1000);
}

static struct str plain(struct fill *f, const struct json *t, struct str *kind)
{
    *kind = STR("text");
    return member(f, t, "body", 1600);
}

/* One-time codes: WhatsApp's own words around the only variable, and a button that copies it. */
static struct str code(struct fill *f, const struct json *t, struct str *kind)
{
    struct str text = filled(f, STR("{{1}} is your verification code."));

    (void)t;
    *kind = STR("text");
    return text;
}

/* The richest type comes first: WhatsApp shows that one. */
static const struct {
    const char *name;
    struct str (*render)(struct fill *f, const struct json *t, struct str *kind);
} renders[] = {
    {"twilio/list-picker",      list_picker},
    {"twilio/quick-reply",      quick_reply},
    {"twilio/call-to-action",   quick_reply},
    {"whatsapp/card",           card       },
    {"twilio/card",             card       },
    {"twilio/media",            media      },
    {"twilio/location",         location   },
    {"twilio/text",             plain      },
    {"whatsapp/authentication", code       },
};

bool content_render(struct arena *a, const struct content *c, const struct json *vars,
                    struct str *kind, struct str *text, struct jw *extra, int64_t *code)
{
    const struct json *types = json_get(c->spec, "types");
    struct fill f = {.a = a, .samples = json_get(c->spec, "variables"), .vars = vars, .w = extra};
    bool approved = strcmp(c->approval, "approved") == 0;

    if (vars != NULL && !vars_ok(vars)) {
        *code = 21656;
        return false;
    }
    for (size_t i = 0; i < ARRAY_LEN(renders); i++) {
        const struct json *t = json_get(types, renders[i].name);

        if (t != NULL) {
            *text = renders[i].render(&f, t, kind);
            /* In session three buttons are shown; more need an approved template. */
            f.trouble = f.trouble || (!approved && str_eqz(*kind, "button") &&
                                      json_len(json_get(t, "actions")) > 3);
            break;
        }
    }
    jw_open(extra, "content", '{');
    jw_z(extra, "sid", c->sid);
    jw_z(extra, "approval", c->approval);
    jw_close(extra, '}');
    *code = f.trouble                              ? 63005
            : strcmp(c->approval, "paused") == 0   ? 63041
            : strcmp(c->approval, "disabled") == 0 ? 63042
                                                   : 0;
    return true;
}
