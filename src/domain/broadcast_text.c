/* broadcast_text: what one person of the audience is told, and what his answer looks like. */
#include "domain/broadcast.h"

#include "domain/template.h"

#define PLACE_CHARS 6
#define CAPTION_MAX 1024

_Static_assert(sizeof(((struct broadcast_ids *)0)->stem) + PLACE_CHARS +
                       sizeof(((struct broadcast_ids *)0)->tail) ==
                   ID_BYTES - 1,
               "an id");

static const struct {
    struct {
        const char *answer, *title;
    } options[2];
    const char *question;
} forms[] = {
    [BROADCAST_ASK_NONE] = {{{NULL, NULL}, {NULL, NULL}},                          NULL                },
    [BROADCAST_ASK_ACK] = {{{"ack", "button.ack"}, {NULL, NULL}},                 "broadcast.ask_ack" },
    [BROADCAST_ASK_SAFETY] = {{{"safe", "button.safe"}, {"help", "button.help_me"}},
                            "broadcast.ask_safety"                                                     },
    [BROADCAST_ASK_READ] = {{{"read", "button.read"}, {NULL, NULL}},               "broadcast.ask_read"},
};

/* ---- which language ---- */

/* By the whole code, else by its first part: "es-MX" of the person and "es" of the text. */
static size_t text_in(const struct broadcast *b, struct str code)
{
    struct str mine, theirs, rest;

    for (size_t i = 0; i < b->ntexts; i++) {
        if (str_ieq(b->langs[i], code)) {
            return i;
        }
    }
    str_cut(code, '-', &theirs, &rest);
    for (size_t i = 0; i < b->ntexts && theirs.n > 0; i++) {
        str_cut(b->langs[i], '-', &mine, &rest);
        if (str_ieq(mine, theirs)) {
            return i;
        }
    }
    return SIZE_MAX;
}

size_t broadcast_text_for(const struct broadcast *b, const struct tenant *t, const struct user *u)
{
    size_t i = SIZE_MAX;

    if (b->ntexts == 1) {
        return 0;
    }
    if (u->language.n > 0) {
        i = text_in(b, u->language);
    }
    if (i == SIZE_MAX) {
        i = text_in(b, t->conf->default_language);
    }
    return i == SIZE_MAX ? 0 : i;
}

const struct lang *broadcast_lang(const struct broadcast *b, const struct tenant *t,
                                  const struct user *u)
{
    struct str of_text = b->langs[broadcast_text_for(b, t, u)];

    /* Header, question and buttons are in the language of the text; of one that is for all, his. */
    return i18n_lang(t->i18n, of_text.n > 0 ? of_text : u->language, t->conf->default_language);
}

/* ---- the message ---- */

static bool is_emergency(const struct broadcast *b)
{
    return b->prio < PRIO_NORMAL;
}

static void add_line(struct buf *out, const struct lang *l, struct str timezone, const char *key)
{
    i18n_add(l, timezone, key, NULL, 0, out);
}

/* Title, text, question: nothing of it is urgent. */
static struct str compose_training(struct arena *a, const struct tenant *t,
                                   const struct broadcast *b, const struct lang *l, size_t nth)
{
    const struct text_arg title = ARG_S("title", b->title);
    struct str out;
    struct buf text;

    buf_init(&text, 64 * 1024);
    if (b->title.n > 0) {
        i18n_add(l, t->conf->timezone, "broadcast.training", &title, 1, &text);
    }
    if (!str_eq(b->texts[nth], b->title)) {
        buf_addz(&text, text.n > 0 ? "\n\n" : "");
        buf_add(&text, b->texts[nth]);
    }
    if (forms[b->ask].question != NULL) {
        buf_addz(&text, "\n\n");
        add_line(&text, l, t->conf->timezone, forms[b->ask].question);
    }
    out = arena_dup(a, buf_str(&text));
    buf_fini(&text);
    return out;
}

/* Header, text, question, priority: the layout of the emergency message in the seeds. */
static struct str compose(struct arena *a, const struct tenant *t, const struct broadcast *b,
                          const struct lang *l, size_t nth)
{
    const struct text_arg title = ARG_S("title", b->title);
    struct str tz = t->conf->timezone, out;
    struct buf text;

    buf_init(&text, 64 * 1024);
    if (b->title.n > 0) {
        i18n_add(l, tz, is_emergency(b) ? "broadcast.emergency" : "broadcast.notice", &title, 1,
                 &text);
        buf_addz(&text, "\n\n");
    } else if (is_emergency(b)) {
        add_line(&text, l, tz, "broadcast.emergency_untitled");
        buf_addz(&text, "\n\n");
    }
    buf_add(&text, i18n_paragraph(a, b->texts[nth]));
    buf_addz(&text, "\n\n");
    if (forms[b->ask].question != NULL) {
        add_line(&text, l, tz, forms[b->ask].question);
        buf_addz(&text, "\n\n");
    }
    add_line(&text, l, tz,
             arena_printf(a, "broadcast.priority.%s", broadcast_priority_name(b->prio)).p);
    out = arena_dup(a, buf_str(&text));
    buf_fini(&text);
    return out;
}

/* Of the template form, which has no place for a header and a priority of its own. */
static struct str headline(struct arena *a, const struct tenant *t, const struct broadcast *b,
                           const struct lang *l)
{
    struct str tz = t->conf->timezone;

    if (b->title.n == 0) {
        return is_emergency(b)
                   ? I18N(a, l, tz, "broadcast.emergency_untitled")
                   : I18N(a, l, tz, "broadcast.untitled", ARG_S("company", t->conf->name));
    }
    return is_emergency(b) ? I18N(a, l, tz, "broadcast.emergency", ARG_S("title", b->title))
                           : b->title;
}

void broadcast_message(struct arena *a, const struct tenant *t, const struct broadcast *b,
                       const struct lang *l, size_t nth, struct message *out)
{
    struct str tz = t->conf->timezone;
    struct message m = {.kind = MESSAGE_TEXT, .prio = b->prio, .expires = b->expires};

    m.cls = str_of(user_class_name(b->training ? CLASS_TRAINING : CLASS_EMERGENCY));
    m.lang = lang_code(l);
    m.broadcast = b->id;
    m.text = b->training ? compose_training(a, t, b, l, nth) : compose(a, t, b, l, nth);
    for (size_t i = 0; i < ARRAY_LEN(forms[b->ask].options); i++) {
        const char *answer = forms[b->ask].options[i].answer;

        if (answer != NULL) {
            m.kind = MESSAGE_BUTTONS;
            m.options[m.noptions++] = (struct message_option){
                arena_printf(a, "bc:%s:%.*s", answer, STR_ARG(b->id)),
                i18n_text(a, l, tz, forms[b->ask].options[i].title, NULL, 0), STR_NONE, STR_NONE};
        }
    }
    if (b->training && b->media.url.n > 0 && !broadcast_media_apart(b)) {
        broadcast_media(a, b,
                        &m); /* outside the window it waits for his word: no form has a file */
    } else if (b->training) {
        template_set(
            a, &m, b->ask == BROADCAST_ASK_READ ? TEMPLATE_TRAINING_READ : TEMPLATE_TRAINING,
            (const struct str[]){b->title.n > 0 ? b->title : t->conf->name, b->texts[nth]}, 2);
    } else {
        template_set_broadcast(a, &m, headline(a, t, b, l), b->texts[nth]);
    }
    *out = m;
}

void broadcast_media(struct arena *a, const struct broadcast *b, struct message *m)
{
    m->kind = MESSAGE_MEDIA;
    m->text = i18n_cut(a, m->text, CAPTION_MAX);
    m->media.url = b->media.url;
    m->media.mime = b->media.mime;
    m->media.filename = b->media.filename;
}

bool broadcast_captioned(struct str mime)
{
    return str_starts(mime, STR("image/")) || str_starts(mime, STR("video/"));
}

bool broadcast_media_apart(const struct broadcast *b)
{
    return b->media.url.n > 0 &&
           (b->ask != BROADCAST_ASK_NONE || !broadcast_captioned(b->media.mime));
}

/* ---- ids and payloads ---- */

void broadcast_ids(struct arena *a, const struct tenant *t, struct str id, int64_t round,
                   struct str stem, struct broadcast_ids *out)
{
    struct str hash = vault_hash_arena(t->vault, a, "broadcast",
                                       arena_printf(a, "%.*s|%lld", STR_ARG(id), (long long)round));

    for (size_t i = 0; i < sizeof(out->stem); i++) {
        out->stem[i] = i < stem.n ? stem.p[i] : '0';
    }
    for (size_t i = 0; i < sizeof(out->tail); i++) {
        char digit = hash.p[i]; /* hexadecimal: of the digits of an id, but for the case */

        out->tail[i] = (char)(digit >= 'a' ? digit - 'a' + 'A' : digit);
    }
}

struct str broadcast_message_id(struct arena *a, const struct broadcast_ids *of, int64_t place)
{
    static const char digits[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    char *out = arena_alloc(a, ID_BYTES - 1);
    uint64_t rest = (uint64_t)place;

    memcpy(out, of->stem, sizeof(of->stem));
    for (size_t i = PLACE_CHARS; i-- > 0; rest /= 32) {
        out[sizeof(of->stem) + i] = digits[rest % 32];
    }
    memcpy(out + sizeof(of->stem) + PLACE_CHARS, of->tail, sizeof(of->tail));
    return str_make(out, ID_BYTES - 1);
}

bool broadcast_payload(struct str payload, struct str *answer, struct str *id)
{
    struct str head, rest;

    return str_cut(payload, ':', &head, &rest) && str_eqz(head, "bc") &&
           str_cut(rest, ':', answer, id) &&
           (str_eqz(*answer, "ack") || str_eqz(*answer, "safe") || str_eqz(*answer, "help") ||
            str_eqz(*answer, "read")) &&
           broadcast_id_ok(*id);
}
