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

bool notice_pm(struct plan *p, const struct pm *pm, const struct matter *m, const struct user *to)
{
    struct message *out;
    struct page g;

    page_init(&g, p, to);
    page_add(&g, "notice.pm");
    page_blank(&g);
    if (pm->asset.n > 0) {
        page_add(&g, "line.equipment", ARG_S("asset", pm->asset));
    }
    page_add(&g, "line.task", ARG_S("task", pm->task));
    if (pm->due.ms > 0) {
        page_add(&g, "line.pm_due", ARG_T("due", pm->due));
    }
    out = notice_tell(p, NULL, to, CLASS_REMINDERS, page_end(&g));
    if (out == NULL) {
        return false;
    }
    out->text = i18n_cut(p->a, out->text, BODY_MAX);
    TEMPLATE_SET(p->a, out, TEMPLATE_PM, pm->asset, pm->task,
                 page_moment(&g, "value.moment", pm->due));
    notice_matter_button(p, m, to, out, "done", "button.pm_done");
    notice_matter_button(p, m, to, out, "confirm", "button.confirm");
    return true;
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
