/* notice_alert: what people are told of an alert: that it is there, who responds, that it is over.
 */
#include "base/mem.h"
#include "domain/template.h"
#include "matter_int.h"
#include "notice_int.h"

#include <stdio.h>

#define BODY_MAX 1024

/* Emergency at critical: past switches and quiet hours, not past STOP ALL. */
static struct message *tell(struct plan *p, const struct user *to, const struct matter *m,
                            enum prio prio, struct page *g)
{
    struct message *out;
    struct str text = page_end(g);

    if (user_notify(to, CLASS_EMERGENCY, true) != NOTIFY_YES) {
        return NULL;
    }
    out = plan_message(p, to, MESSAGE_TEXT);
    out->text = i18n_cut(p->a, text, BODY_MAX);
    out->cls = str_of(user_class_name(CLASS_EMERGENCY));
    out->prio = prio;
    out->matter = matter_ref(p->a, m->kind, m->id);
    return out;
}

struct str notice_alert_text(const struct plan *p, const struct alert *al, const struct user *to)
{
    const struct lang *l = notice_lang(p, to);
    struct str zone = notice_timezone(p, to), level;

    if (al->text.n > 0) {
        return al->text;
    }
    level = arena_printf(p->a, "%.10g%.*s", al->threshold, STR_ARG(al->unit));
    return al->below ? I18N(p->a, l, zone, "alert.below", ARG_S("metric", al->metric),
                            ARG_S("level", level))
                     : I18N(p->a, l, zone, "alert.above", ARG_S("metric", al->metric),
                            ARG_S("level", level));
}

static struct str asset_of(const struct alert *al)
{
    return al->asset_name.n > 0 ? al->asset_name : al->id;
}

static void add_lines(struct page *g, const struct alert *al, const struct user *to)
{
    struct str text = notice_alert_text(g->p, al, to);

    if (al->asset_name.n > 0) {
        page_add(g, "line.asset", ARG_S("asset", al->asset_name));
    }
    page_add(g, "line.alert", ARG_S("text", text));
    page_add(g, "line.alert_time", ARG_T("at", al->at.ms > 0 ? al->at : al->raised));
}

/* Why it comes to him now: nobody below responded, or somebody wants help. */
static void add_reason(struct page *g, const struct alert *al)
{
    if (al->escalated_by.n > 0 && al->why.n > 0) {
        page_add(g, "alert.escalated_why", ARG_S("name", al->escalated_by), ARG_S("why", al->why));
    } else if (al->escalated_by.n > 0) {
        page_add(g, "alert.escalated", ARG_S("name", al->escalated_by));
    } else if (al->rung > 0) {
        page_add(g, "alert.silence");
    }
}

void notice_alert_raised(struct plan *p, const struct alert *al, const struct matter *m,
                         const struct user *to)
{
    struct message *out;
    struct page g;

    page_init(&g, p, to);
    page_add(&g, "notice.alert_raised");
    page_blank(&g);
    add_lines(&g, al, to);
    page_blank(&g);
    add_reason(&g, al);
    page_add(&g, "alert.attention");
    page_blank(&g);
    page_add(&g, "reply_with.title");
    page_add(&g, "reply_with.responding");
    page_add(&g, "reply_with.escalate");
    out = tell(p, to, m, PRIO_CRITICAL, &g);
    if (out == NULL) {
        return;
    }
    TEMPLATE_SET(p->a, out, TEMPLATE_ALERT, asset_of(al), notice_alert_text(p, al, to),
                 page_moment(&g, "value.moment", al->at.ms > 0 ? al->at : al->raised));
    notice_matter_button(p, m, to, out, "respond", "button.responding");
    notice_matter_button(p, m, to, out, arena_printf(p->a, "escalate,%zu", al->rung + 1).p,
                         "button.escalate");
}

void notice_alert_taken(struct plan *p, const struct alert *al, const struct matter *m,
                        const struct user *to, struct str name)
{
    struct message *out;
    struct page g;

    page_init(&g, p, to);
    page_add(&g, "notice.alert_taken", ARG_S("name", name));
    page_blank(&g);
    add_lines(&g, al, to);
    out = tell(p, to, m, PRIO_CRITICAL, &g);
    if (out != NULL) {
        TEMPLATE_SET(p->a, out, TEMPLATE_ALERT_TAKEN, name, asset_of(al),
                     notice_alert_text(p, al, to));
    }
}

void notice_alert_cleared(struct plan *p, const struct alert *al, const struct matter *m,
                          const struct user *to)
{
    struct message *out;
    struct page g;

    page_init(&g, p, to);
    page_add(&g, "notice.alert_cleared");
    page_blank(&g);
    add_lines(&g, al, to);
    out = tell(p, to, m, PRIO_HIGH, &g);
    if (out != NULL) {
        TEMPLATE_SET(p->a, out, TEMPLATE_ALERT_CLEARED, asset_of(al), notice_alert_text(p, al, to));
    }
}

void notice_alert_still(struct plan *p, const struct alert *al, const struct matter *m,
                        const struct user *to)
{
    struct message *out;
    struct page g;

    page_init(&g, p, to);
    page_add(&g, "notice.alert_still");
    page_blank(&g);
    add_lines(&g, al, to);
    out = tell(p, to, m, PRIO_CRITICAL, &g);
    if (out == NULL) {
        return;
    }
    TEMPLATE_SET(p->a, out, TEMPLATE_ALERT_STILL, asset_of(al), notice_alert_text(p, al, to));
    notice_matter_button(p, m, to, out, "respond", "button.still_on_it");
    notice_matter_button(p, m, to, out, arena_printf(p->a, "escalate,%zu", al->rung + 1).p,
                         "button.escalate");
}
