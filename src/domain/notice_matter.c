/* notice_matter: what people are told of matters, with the buttons that answer. */
#include "base/mem.h"
#include "domain/template.h"
#include "matter_int.h"
#include "notice_int.h"

#define BODY_MAX 1024 /* of a message with buttons */
#define MARKS    16   /* around and behind the words: what opens and closes a direction */

void notice_matter_button(struct plan *p, const struct matter *about, const struct user *to,
                          struct message *m, const char *action, const char *key)
{
    struct str title = i18n_text(p->a, notice_lang(p, to), notice_timezone(p, to), key, NULL, 0);

    m->kind = MESSAGE_BUTTONS;
    m->matter = matter_ref(p->a, about->kind, about->id);
    if (m->noptions < MESSAGE_BUTTONS_MAX) {
        m->options[m->noptions++] = (struct message_option){
            matter_payload(p->a, about, action), i18n_cut(p->a, title, 20), STR_NONE, STR_NONE};
    }
}

static bool say_piece(struct plan *p, const struct team_post *post, const struct matter *m,
                      const struct user *to, struct str piece)
{
    struct message *out;
    struct page g;

    page_init(&g, p, to);
    page_add(&g, "notice.team", ARG_S("team", post->team), ARG_S("name", post->name));
    buf_add(&g.text, piece);
    out = notice_tell(p, NULL, to, CLASS_UPDATES, page_end(&g));
    if (out == NULL) {
        return false;
    }
    out->matter = matter_ref(p->a, m->kind, m->id);
    TEMPLATE_SET(p->a, out, TEMPLATE_TEAM, post->team, post->name, piece);
    return true;
}

/* Characters of the words in one message, by what his sender takes. */
static size_t piece_max(struct plan *p, const struct team_post *post, const struct user *to)
{
    const struct message text = {.kind = MESSAGE_TEXT};
    const struct sender *by = tenant_sender_for(p->tenant->conf, to->sender, STR_NONE);
    size_t most = message_text_max(&text, by != NULL && by->provider == PROVIDER_TWILIO), head;
    struct page g;

    page_init(&g, p, to);
    page_add(&g, "notice.team", ARG_S("team", post->team), ARG_S("name", post->name));
    head = str_utf8_len(page_end(&g)) + MARKS;
    return most > 2 * head ? most - head : most / 2;
}

/* What comes behind a piece that was cut, with "…" and marks that close what runs the other way. */
static struct str behind(struct str text, struct str piece)
{
    size_t n = piece.n;

    if (piece.p == text.p) {
        return STR_NONE;
    }
    while (str_ends(str_slice(piece, 0, n), STR("\u2069"))) {
        n -= strlen("\u2069");
    }
    return str_trim(str_slice(text, n - strlen("\u2026"), text.n));
}

/* What is longer than one message goes in several. */
bool notice_team(struct plan *p, const struct team_post *post, const struct matter *m,
                 const struct user *to)
{
    size_t most = piece_max(p, post, to);
    struct str rest = post->text, piece;

    do {
        piece = i18n_cut(p->a, rest, most);
        if (!say_piece(p, post, m, to, piece)) {
            return false;
        }
        rest = behind(rest, piece);
    } while (rest.n > 0);
    return true;
}

static void say_piece_there(struct plan *p, const struct team_post *post, const struct matter *m,
                            const struct team_group *g, const struct user *to, struct str piece)
{
    struct message *out = plan_message(p, to, MESSAGE_TEXT);
    struct page page;

    page_init(&page, p, to);
    page_add(&page, "notice.team", ARG_S("team", post->team), ARG_S("name", post->name));
    buf_add(&page.text, piece);
    out->text = page_end(&page);
    out->group = g->group;
    out->cls = str_of(user_class_name(CLASS_UPDATES));
    out->matter = matter_ref(p->a, m->kind, m->id);
    TEMPLATE_SET(p->a, out, TEMPLATE_TEAM, post->team, post->name, piece);
}

void notice_team_group(struct plan *p, const struct team_post *post, const struct matter *m,
                       const struct team_group *g)
{
    const struct user to = {.id = team_address(p->a, post->team), .sender = g->sender};
    size_t most = piece_max(p, post, &to);
    struct str rest = post->text, piece;

    do {
        piece = i18n_cut(p->a, rest, most);
        say_piece_there(p, post, m, g, &to, piece);
        rest = behind(rest, piece);
    } while (rest.n > 0);
}
