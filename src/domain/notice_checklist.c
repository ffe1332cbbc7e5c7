/* notice_checklist: what people are told of rounds of checklists without having asked. */
#include "domain/checklist.h"
#include "domain/template.h"
#include "matter_int.h"
#include "notice_int.h"

bool notice_checklist(struct plan *p, const struct checklist *c, const struct matter *m,
                      const struct user *to)
{
    struct message *out;
    struct page g;

    page_init(&g, p, to);
    page_add(&g, "notice.checklist", ARG_S("name", c->name));
    page_blank(&g);
    page_add(&g, "line.checklist_items", ARG_N("n", (int64_t)c->nitems));
    if (c->due.ms > 0) {
        page_add(&g, "line.pm_due", ARG_T("due", c->due));
    }
    page_add(&g, "notice.checklist_ask");
    out = notice_tell(p, NULL, to, CLASS_CHECKLISTS, page_end(&g));
    if (out == NULL) {
        return false;
    }
    TEMPLATE_SET(p->a, out, TEMPLATE_CHECKLIST, c->name);
    notice_matter_button(p, m, to, out, arena_printf(p->a, "go,%lld", (long long)c->round).p,
                         "button.start_short");
    return true;
}

void notice_checklist_taken(struct plan *p, const struct checklist *c, const struct user *to)
{
    struct message *out;
    struct page g;

    page_init(&g, p, to);
    page_add(&g, "notice.checklist_taken", ARG_S("name", c->holder_name),
             ARG_S("checklist", c->name));
    out = notice_tell(p, NULL, to, CLASS_CHECKLISTS, page_end(&g));
    if (out != NULL) {
        TEMPLATE_SET(p->a, out, TEMPLATE_CHECKLIST_TAKEN, c->name, c->holder_name);
    }
}

void notice_checklist_overdue(struct plan *p, const struct checklist *c, const struct matter *m,
                              const struct user *to, struct str names)
{
    int64_t answered = (int64_t)(c->nitems - checklist_count(c, ITEM_OPEN));
    struct message *out;
    struct page g;

    page_init(&g, p, to);
    page_add(&g, "notice.checklist_overdue", ARG_S("name", c->name));
    page_blank(&g);
    if (c->due.ms > 0) {
        page_add(&g, "line.pm_due", ARG_T("due", c->due));
    }
    page_add(&g, "line.checklist_progress", ARG_N("n", answered),
             ARG_N("total", (int64_t)c->nitems));
    page_add(&g, "line.checklist_who", ARG_S("names", names));
    out = notice_tell(p, NULL, to, CLASS_CHECKLISTS, page_end(&g));
    if (out != NULL) {
        out->matter = matter_ref(p->a, m->kind, m->id);
        TEMPLATE_SET(p->a, out, TEMPLATE_CHECKLIST_LATE, c->name,
                     arena_printf(p->a, "%lld/%zu", (long long)answered, c->nitems), names);
    }
}

void notice_checklist_refused(struct plan *p, struct str name, const struct user *to,
                              struct str reason)
{
    struct message *out;
    struct page g;

    page_init(&g, p, to);
    page_add(&g, "notice.checklist_refused", ARG_S("name", name), ARG_S("reason", reason));
    out = notice_tell(p, NULL, to, CLASS_CHECKLISTS, page_end(&g));
    if (out != NULL) {
        TEMPLATE_SET(p->a, out, TEMPLATE_PM_REFUSED, name, reason);
    }
}
