/* notice_pm: what people are told of scheduled maintenance without having asked. */
#include "domain/pm.h"
#include "domain/template.h"
#include "matter_int.h"
#include "notice_int.h"

#define BODY_MAX 1024 /* of a message with buttons */

static void buttons(struct plan *p, const struct pm *pm, const struct matter *m,
                    const struct user *to, struct message *out)
{
    out->text = i18n_cut(p->a, out->text, BODY_MAX);
    notice_matter_button(p, m, to, out, "done", "button.pm_done");
    notice_matter_button(p, m, to, out, "move", "button.reschedule");
    if (pm->state != PM_CONFIRMED) {
        notice_matter_button(p, m, to, out, "confirm", "button.confirm");
    }
}

static void add_lines(struct page *g, const struct pm *pm)
{
    page_blank(g);
    if (pm->asset.n > 0) {
        page_add(g, "line.equipment", ARG_S("asset", pm->asset));
    }
    page_add(g, "line.task", ARG_S("task", pm->task));
    if (pm->due.ms > 0) {
        page_add(g, "line.pm_due", ARG_T("due", pm->due));
    }
}

struct str notice_pm_text(struct plan *p, const struct pm *pm, const struct user *to, bool now)
{
    struct page g;

    page_init(&g, p, to);
    if (now) {
        page_add(&g, "notice.pm_now");
    } else {
        page_add(&g, "notice.pm");
    }
    add_lines(&g, pm);
    return page_end(&g);
}

void notice_pm_buttons(struct plan *p, const struct pm *pm, const struct matter *m,
                       const struct user *to, struct message *out)
{
    buttons(p, pm, m, to, out);
}

bool notice_pm(struct plan *p, const struct pm *pm, const struct matter *m, const struct user *to,
               bool now)
{
    struct message *out = notice_tell(p, NULL, to, CLASS_REMINDERS, notice_pm_text(p, pm, to, now));
    struct page g;

    if (out == NULL) {
        return false;
    }
    page_init(&g, p, to);
    TEMPLATE_SET(p->a, out, TEMPLATE_PM, pm->asset, pm->task,
                 page_moment(&g, "value.moment", pm->due));
    page_end(&g);
    buttons(p, pm, m, to, out);
    return true;
}

void notice_pm_said(struct plan *p, const struct pm *pm, const struct user *to)
{
    struct message *out;
    struct str moment, by = pm->news_by.n > 0 ? pm->news_by : pm->by;
    struct page g;

    page_init(&g, p, to);
    moment = page_moment(&g, "value.moment", pm->due);
    if (pm->state == PM_DONE) {
        page_add(&g, "notice.pm_done", ARG_S("name", by), ARG_S("task", pm->task));
    } else {
        page_add(&g, "notice.pm_moved", ARG_S("name", by), ARG_S("task", pm->task),
                 ARG_S("moment", moment));
    }
    out = notice_tell(p, NULL, to, CLASS_REMINDERS, page_end(&g));
    if (out == NULL) {
        return;
    }
    if (pm->state == PM_DONE) {
        TEMPLATE_SET(p->a, out, TEMPLATE_PM_DONE, pm->task, by);
    } else {
        TEMPLATE_SET(p->a, out, TEMPLATE_PM_MOVED, pm->task, moment, by);
    }
}

void notice_pm_refused(struct plan *p, const struct pm *pm, const struct matter *m,
                       const struct user *to, struct str reason)
{
    struct message *out;
    struct page g;

    page_init(&g, p, to);
    page_add(&g, "notice.pm_refused", ARG_S("task", pm->task), ARG_S("reason", reason));
    add_lines(&g, pm);
    out = notice_tell(p, NULL, to, CLASS_REMINDERS, page_end(&g));
    if (out != NULL) {
        TEMPLATE_SET(p->a, out, TEMPLATE_PM_REFUSED, pm->task, reason);
        buttons(p, pm, m, to, out);
    }
}
