#include "golden_scenes.h"

#include "base/json.h"
#include "domain/broadcast.h"
#include "domain/template.h"
#include "domain/translate.h"
#include "harness.h"

struct wall golden_moment(const char *text)
{
    struct wall t = {0};

    CHECK(text, wall_parse(str_of(text), &t));
    return t;
}

static const struct json *json_of(const char *text)
{
    struct json *j = NULL;

    CHECK(text, json_parse(str_of(text), 4096, &j, NULL));
    return j; /* to the end of the program */
}

/* ---- the notices ---- */

static void assigned(struct stage *s)
{
    notice_assigned(&s->p, &s->o, &s->to);
}

static void removed(struct stage *s)
{
    notice_removed(&s->p, &s->o, &s->to);
}

static void updated(struct stage *s)
{
    static const struct json *changed;

    changed = changed != NULL ? changed : json_of("[\"due_at\",\"priority\",\"x_cost\"]");
    notice_updated(&s->p, &s->o, &s->to, changed, NULL);
}

static void status_changed(struct stage *s)
{
    s->o.status = ORDER_IN_PROGRESS;
    notice_status(&s->p, &s->o, &s->to, ORDER_OPEN, STR(""));
    notice_status(&s->p, &s->o, &s->to, ORDER_OPEN, s->by);
}

static void priority_raised(struct stage *s)
{
    notice_priority(&s->p, &s->o, &s->to, ORDER_PRIO_MEDIUM);
}

static void stakeholder(struct stage *s)
{
    notice_stakeholder(&s->p, &s->o, &s->to, ORDER_OPEN, true);
    for (int status = ORDER_OPEN + 1; status < ORDER_STATUS_COUNT; status++) {
        s->o.status = (enum order_status)status;
        notice_stakeholder(&s->p, &s->o, &s->to, s->o.status, false);
    }
}

static void comment(struct stage *s)
{
    notice_comment(&s->p, &s->o, &s->to, STR(""), s->text);
    notice_comment(&s->p, &s->o, &s->to, s->by, s->text);
}

static void parts(struct stage *s)
{
    static const struct json *list;

    list = list != NULL ? list
                        : json_of("[{\"id\":\"p1\",\"name\":\"Bearing 6204\",\"qty\":2},{\"id\":"
                                  "\"p2\",\"name\":\"شحم\"}]");
    notice_parts(&s->p, &s->o, &s->to,
                 (const struct json *const[]){json_at(list, 0), json_at(list, 1)}, 2);
}

static void reminder(struct stage *s)
{
    static const char *const dues[] = {"2024-12-22T10:00:00Z", "2024-12-20T12:00:00Z",
                                       "2024-12-20T10:00:00Z", "2024-12-19T10:00:00Z"};

    for (size_t i = 0; i < ARRAY_LEN(dues); i++) {
        s->o.due = golden_moment(dues[i]);
        notice_reminder(&s->p, &s->o, &s->to);
    }
}

static void request(struct stage *s)
{
    for (int state = REQUEST_RECEIVED; state <= REQUEST_DONE; state++) {
        notice_request(&s->p, &s->to, (enum request_state)state, s->text,
                       state == REQUEST_REFUSED ? str_of(s->w->title) : STR(""), s->p.now);
    }
}

static void asset(struct stage *s)
{
    notice_asset(&s->p, &s->to, s->o.asset_name, STR("down"), s->p.now);
    notice_asset(&s->p, &s->to, s->o.asset_name, STR("being cleaned"), s->p.now);
}

static void welcome(struct stage *s)
{
    notice_welcome(&s->p, &s->to);
    s->to.name = STR("");
    notice_welcome(&s->p, &s->to);
    s->conf->require_code = true;
    notice_welcome(&s->p, &s->to);
    s->conf->require_code = false;
}

static void code(struct stage *s)
{
    notice_code(&s->p, &s->to, STR("048213"), s->p.now);
}

static void refused(struct stage *s)
{
    notice_refused(&s->p, &s->o, &s->to, s->text);
    notice_refused(&s->p, &s->o, &s->to, STR(""));
    notice_refused_words(&s->p, &s->o, &s->to, s->text);
}

static void escalated(struct stage *s)
{
    notice_escalated(&s->p, &s->o, &s->to, s->by, s->text);
    notice_escalated(&s->p, &s->o, &s->to, s->by, STR(""));
}

static void maintenance(struct stage *s)
{
    struct pm pm = {.id = STR("pm1"),
                    .task = str_of(s->w->title),
                    .asset = s->o.asset_name,
                    .due = golden_moment("2024-12-23T08:00:00Z")};
    struct matter m = {.kind = MATTER_PM, .id = STR("pm1")};

    notice_pm(&s->p, &pm, &m, &s->to, false);
    notice_pm(&s->p, &pm, &m, &s->to, true);
}

/* Done, and moved, by somebody else; and what the CMMS refused of it. */
static void maintenance_said(struct stage *s)
{
    struct pm pm = {.id = STR("pm1"),
                    .task = str_of(s->w->title),
                    .asset = s->o.asset_name,
                    .due = golden_moment("2024-12-23T08:00:00Z"),
                    .state = PM_DONE,
                    .by = s->by};
    struct matter m = {.kind = MATTER_PM, .id = STR("pm1")};

    notice_pm_said(&s->p, &pm, &s->to);
    pm.state = PM_MOVED;
    notice_pm_said(&s->p, &pm, &s->to);
    notice_pm_refused(&s->p, &pm, &m, &s->to, s->text);
}

static void checklists(struct stage *s)
{
    struct checklist_item items[] = {
        {.id = STR("i1"),            .label = str_of(s->w->title)},
        { .id = STR("i2"), .label = STR("Oil level"),             .required = true}
    };
    struct checklist c = {.id = STR("c1"),
                          .name = str_of(s->w->title),
                          .round = 1,
                          .due = golden_moment("2024-12-20T16:00:00Z"),
                          .items = items,
                          .nitems = ARRAY_LEN(items),
                          .holder = STR("u2"),
                          .holder_name = s->by};
    struct matter m = {.kind = MATTER_CHECKLIST, .id = STR("c1")};

    notice_checklist(&s->p, &c, &m, &s->to);
    notice_checklist_taken(&s->p, &c, &s->to);
    notice_checklist_overdue(&s->p, &c, &m, &s->to, s->by);
    notice_checklist_refused(&s->p, c.name, &s->to, s->text);
}

static void alert(struct stage *s)
{
    notice_alert(&s->p, &s->to, STR("redis"), "critical", STR("redis does not answer"),
                 STR("look at its log"));
    notice_alert(&s->p, &s->to, STR("redis"), "ok", STR(""), STR(""));
}

/* What a translation service said; here it says everything twice. */
static void translated(struct stage *s)
{
    struct translations *t = ARENA_NEW(s->p.a, struct translations);
    const struct str texts[] = {s->o.title, s->o.description};

    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        t->v[t->n++] = (struct translation){
            lang_code(s->l), str_trim(texts[i]),
            arena_printf(s->p.a, "%.*s / %.*s", STR_ARG(texts[i]), STR_ARG(texts[i]))};
    }
    s->p.translations = t;
    notice_assigned(&s->p, &s->o, &s->to);
    s->o.status = ORDER_ACKNOWLEDGED;
    notice_comment(&s->p, &s->o, &s->to, s->by, s->text);
}

/* Raised, on a higher rung, taken, over, and a question to whoever responded. */
static void alert_ladder(struct stage *s)
{
    struct matter m = {.kind = MATTER_ALERT, .id = STR("AL-7")};
    struct alert al = {.id = STR("AL-7"),
                       .asset_name = s->o.asset_name,
                       .metric = STR("Temperature"),
                       .unit = STR("\xc2\xb0"
                                   "C"),
                       .threshold = 95,
                       .at = s->p.now};

    ladder_builtin(s->p.a, &al.ladder);
    notice_alert_raised(&s->p, &al, &m, &s->to);
    al.text = s->text;
    al.rung = 1;
    notice_alert_raised(&s->p, &al, &m, &s->to);
    al.escalated_by = s->by;
    al.why = s->text;
    notice_alert_raised(&s->p, &al, &m, &s->to);
    notice_alert_taken(&s->p, &al, &m, &s->to, s->by);
    notice_alert_still(&s->p, &al, &m, &s->to);
    notice_alert_cleared(&s->p, &al, &m, &s->to);
}

static void broadcast(struct stage *s)
{
    static const enum prio prios[] = {PRIO_NORMAL, PRIO_HIGH, PRIO_CRITICAL};

    for (int ask = BROADCAST_ASK_NONE; ask <= BROADCAST_ASK_SAFETY; ask++) {
        struct broadcast b = {.id = STR("b1"),
                              .title = str_of(s->w->title),
                              .langs = {STR_NONE},
                              .texts = {s->text},
                              .ntexts = 1,
                              .prio = prios[ask],
                              .ask = (enum broadcast_ask)ask};

        broadcast_message(s->p.a, s->p.tenant, &b, s->l, 0,
                          plan_message(&s->p, &s->to, MESSAGE_TEXT));
    }
}

static void order_shown(struct stage *s)
{
    for (int status = 0; status < ORDER_STATUS_COUNT; status++) {
        struct message *m = plan_message(&s->p, &s->to, MESSAGE_TEXT);

        s->o.status = (enum order_status)status;
        m->text = notice_order_text(&s->p, &s->o, &s->to);
        notice_order_buttons(&s->p, &s->o, &s->to, m);
    }
}

const struct scene golden_scenes[] = {
    {"assigned",         assigned        },
    {"removed",          removed         },
    {"updated",          updated         },
    {"status changed",   status_changed  },
    {"priority",         priority_raised },
    {"stakeholder",      stakeholder     },
    {"comment",          comment         },
    {"parts",            parts           },
    {"reminder",         reminder        },
    {"request",          request         },
    {"asset",            asset           },
    {"welcome",          welcome         },
    {"code",             code            },
    {"refused",          refused         },
    {"escalated",        escalated       },
    {"maintenance",      maintenance     },
    {"maintenance said", maintenance_said},
    {"checklists",       checklists      },
    {"alert",            alert           },
    {"translated",       translated      },
    {"alert ladder",     alert_ladder    },
    {"broadcast",        broadcast       },
    {"order shown",      order_shown     },
    {NULL,               NULL            },
};
