/* talk_training: TRAINING [word], and taps on what it lists. */
#include "domain/link.h"
#include "domain/training.h"
#include "talk_int.h"

#define DAY_MS ((int64_t)24 * 3600 * 1000)

/* What is kept for him, the newest first, each once. */
static size_t material(const struct talk *t, const struct training **out, size_t max)
{
    int64_t oldest = t->p->now.ms - t->v->tenant->settings->retention_days * DAY_MS;
    size_t n = 0;

    for (size_t i = t->v->ntraining; i > 0 && n < max; i--) {
        const struct training *one = &t->v->training[i - 1];
        bool again = one->b.created.ms < oldest || !training_is_for(one, t->u);

        for (size_t k = 0; k < n && !again; k++) {
            again = str_eq(out[k]->id, one->id);
        }
        if (!again) {
            out[n++] = one;
        }
    }
    return n;
}

static bool is_about(struct talk *t, const struct training *one, struct str word)
{
    struct buf wanted, text;
    bool found;

    buf_init(&wanted, 1024);
    buf_init(&text, 64 * 1024);
    i18n_normalize(str_slice(word, 0, 200), &wanted);
    i18n_normalize(one->b.title, &text);
    buf_add_char(&text, '\n');
    i18n_normalize(one->b.texts[broadcast_text_for(&one->b, t->v->tenant, t->u)], &text);
    found = str_find(buf_str(&text), buf_str(&wanted)) != SIZE_MAX;
    buf_fini(&wanted);
    buf_fini(&text);
    return found;
}

static void send(struct talk *t, const struct training *one)
{
    struct broadcast b = one->b;
    struct message form, *m;

    b.ask = BROADCAST_ASK_NONE;
    broadcast_message(t->a, t->v->tenant, &b, t->l, broadcast_text_for(&b, t->v->tenant, t->u),
                      &form);
    m = talk_say_text(t, form.text);
    if (b.media.url.n > 0 && broadcast_media_apart(&b)) {
        m = talk_say_text(t, STR_NONE);
    }
    if (b.media.url.n > 0) {
        broadcast_media(t->a, &b, m);
    }
}

static void list(struct talk *t, struct message *m, const struct training *const *all, size_t n)
{
    m->kind = MESSAGE_LIST;
    m->list_button = I18N(t->a, t->l, t->timezone, "list.training");
    for (size_t i = 0; i < n; i++) {
        talk_add_option(t, m, arena_printf(t->a, "training:%.*s", STR_ARG(all[i]->id)),
                        all[i]->b.title.n > 0 ? all[i]->b.title : all[i]->id,
                        all[i]->b.texts[broadcast_text_for(&all[i]->b, t->v->tenant, t->u)]);
    }
}

void talk_cmd_training(struct talk *t)
{
    const struct training *all[TRAINING_KEPT], *fit[TRAINING_KEPT];
    size_t n = material(t, all, TRAINING_KEPT), nfit = 0;
    struct str word = str_trim(t->call.rest);

    for (size_t i = 0; i < n && word.n > 0; i++) {
        if (is_about(t, all[i], word)) {
            fit[nfit++] = all[i];
        }
    }
    if (n == 0) {
        talk_say(t, "reply.training_none");
    } else if (word.n == 0) {
        list(t, talk_say(t, "reply.training"), all, n);
    } else if (nfit == 0) {
        list(t, talk_say(t, "reply.training_not_found", ARG_S("word", word)), all, n);
    } else if (nfit == 1) {
        send(t, fit[0]);
    } else {
        list(t, talk_say(t, "reply.training"), fit, nfit);
    }
}

void talk_tap_training(struct talk *t, struct str id)
{
    const struct training *all[TRAINING_KEPT];
    size_t n = material(t, all, TRAINING_KEPT);

    for (size_t i = 0; i < n; i++) {
        if (str_eq(all[i]->id, id)) {
            send(t, all[i]);
            return;
        }
    }
    talk_say(t, "reply.tap_unknown");
}

void talk_cmd_settings(struct talk *t)
{
    struct str token = link_token(t->a, t->v->tenant, LINK_SETTINGS, t->u->id,
                                  (struct wall){t->p->now.ms + LINK_SETTINGS_MS});

    talk_say(t, "reply.settings",
             ARG_IDENT("url",
                       arena_printf(t->a, "%.*s/whatsapp/settings?token=%.*s",
                                    STR_ARG(t->v->tenant->settings->public_url), STR_ARG(token))));
}
