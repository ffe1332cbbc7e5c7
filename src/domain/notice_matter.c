/* notice_matter: what people are told of matters, with the buttons that answer. */
#include "base/mem.h"
#include "domain/template.h"
#include "matter_int.h"
#include "notice_int.h"

#define BODY_MAX 1024 /* of a message with buttons */

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

bool notice_team(struct plan *p, const struct team_post *post, const struct matter *m,
                 const struct user *to)
{
    struct message *out;
    struct page g;

    page_init(&g, p, to);
    page_add(&g, "notice.team", ARG_S("team", post->team), ARG_S("name", post->name));
    buf_add(&g.text, post->text);
    out = notice_tell(p, NULL, to, CLASS_UPDATES, page_end(&g));
    if (out == NULL) {
        return false;
    }
    out->matter = matter_ref(p->a, m->kind, m->id);
    TEMPLATE_SET(p->a, out, TEMPLATE_TEAM, post->team, post->name, post->text);
    return true;
}

void notice_team_group(struct plan *p, const struct team_post *post, const struct matter *m,
                       const struct team_group *g)
{
    const struct user to = {.id = team_address(p->a, post->team), .sender = g->sender};
    struct message *out = plan_message(p, &to, MESSAGE_TEXT);
    struct page page;

    page_init(&page, p, &to);
    page_add(&page, "notice.team", ARG_S("team", post->team), ARG_S("name", post->name));
    buf_add(&page.text, post->text);
    out->text = page_end(&page);
    out->group = g->group;
    out->cls = str_of(user_class_name(CLASS_UPDATES));
    out->matter = matter_ref(p->a, m->kind, m->id);
    TEMPLATE_SET(p->a, out, TEMPLATE_TEAM, post->team, post->name, post->text);
}
