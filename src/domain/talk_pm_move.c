/*
 * talk_pm_move: another time for a scheduled maintenance. RESCHEDULE, its list of times, and dates
 * as people type them (when.h). The open question is "pm_date:<id>": a typed date answers it for 15
 * minutes. "pm_move" waits for which maintenance is meant, with the date that was typed already.
 */
#include "domain/when.h"
#include "matter_int.h"
#include "talk_pm_int.h"

#define CHOICES_MAX MESSAGE_ROWS_MAX
#define HOUR_MS     ((int64_t)3600 * 1000)
#define DAY_MS      (24 * HOUR_MS)
#define EIGHT       (8 * 60) /* when a day is named, and nothing says at what time */
#define LATEST      (20 * 60)

static void question(struct talk *t, struct str what, struct str rest)
{
    t->conv.question = what;
    t->conv.question_rest = rest;
    t->conv.question_at = t->p->now;
    t->conv_changed = true;
}

/* He may have answered it already: from now on it waits for a word of his again. */
static void ask_him(struct talk *t, const struct matter *m)
{
    plan_ask(t->p, m, t->u->id, true);
    question(t, arena_printf(t->a, "pm_date:%.*s", STR_ARG(m->id)), STR_NONE);
}

static void question_over(struct talk *t)
{
    t->conv.question = STR_NONE;
    t->conv_changed = true;
}

static bool asked(const struct talk *t, const char *prefix)
{
    return str_starts(t->conv.question, str_of(prefix)) &&
           t->conv.question_at.ms + QUESTION_MS > t->p->now.ms;
}

/* ---- times ---- */

/* At which minute of the day it was to be done. */
static int32_t usual_minutes(const struct talk *t, const struct pm *pm)
{
    struct wall midnight;
    int32_t minutes = EIGHT;

    if (pm->due.ms > 0) {
        timezone_local(t->timezone, pm->due, &minutes, &midnight);
    }
    return minutes;
}

/* In about four hours, at a full hour; 0: the day is over by then. */
static struct wall later_today(const struct talk *t)
{
    struct wall midnight;
    int32_t minutes;

    timezone_local(t->timezone, t->p->now, &minutes, &midnight);
    minutes = (minutes + 4 * 60 + 59) / 60 * 60;
    return minutes <= LATEST ? talk_at_clock(t, midnight, minutes) : (struct wall){0};
}

static struct wall in_days(const struct talk *t, const struct pm *pm, int days)
{
    struct wall midnight;
    int32_t minutes;

    /* From noon on: a day of 23 or 25 hours in between ends on the right one. */
    timezone_local(t->timezone, t->p->now, &minutes, &midnight);
    timezone_local(t->timezone, (struct wall){midnight.ms + 12 * HOUR_MS + days * DAY_MS}, &minutes,
                   &midnight);
    return talk_at_clock(t, midnight, usual_minutes(t, pm));
}

/* ---- asking ---- */

static void add_time(struct talk *t, struct message *m, const struct matter *of, const char *key,
                     struct wall at)
{
    if (at.ms > t->p->now.ms) {
        talk_add_option(t, m,
                        matter_payload(t->a, of, arena_printf(t->a, "at,%lld", (long long)at.ms).p),
                        i18n_text(t->a, t->l, t->timezone, key, NULL, 0),
                        I18N(t->a, t->l, t->timezone, "value.moment", ARG_T("at", at)));
    }
}

void talk_pm_ask_when(struct talk *t, const struct matter *m, const struct pm *pm)
{
    struct message *out = talk_say(t, "reply.pm_when", ARG_S("task", pm->task));

    out->kind = MESSAGE_LIST;
    out->matter = matter_ref(t->a, m->kind, m->id);
    out->list_button = I18N(t->a, t->l, t->timezone, "list.choose");
    add_time(t, out, m, "row.later_today", later_today(t));
    add_time(t, out, m, "row.tomorrow", in_days(t, pm, 1));
    add_time(t, out, m, "row.next_week", in_days(t, pm, 7));
    talk_add_option(t, out, matter_payload(t->a, m, "date"),
                    I18N(t->a, t->l, t->timezone, "row.other_date"), STR_NONE);
    ask_him(t, m);
}

static void ask_date(struct talk *t, const struct matter *m, const char *why, struct str typed)
{
    struct str ask = I18N(t->a, t->l, t->timezone, "reply.pm_date");
    struct message *out;

    if (why != NULL) {
        ask = arena_printf(t->a, "%.*s\n%.*s",
                           STR_ARG(i18n_text(t->a, t->l, t->timezone, why,
                                             (const struct text_arg[]){ARG_S("typed", typed)}, 1)),
                           STR_ARG(ask));
    }
    out = talk_say_text(t, ask);
    out->matter = matter_ref(t->a, m->kind, m->id);
    if (t->conv.noptions > 0) {
        t->conv.options_over = true; /* a day is a number too */
    }
    ask_him(t, m);
}

static void ask_which_time(struct talk *t, const struct matter *m, struct wall a, struct wall b)
{
    const struct wall both[] = {a, b};
    struct message *out = talk_say(t, "reply.pm_which_time");

    out->kind = MESSAGE_LIST;
    out->matter = matter_ref(t->a, m->kind, m->id);
    out->list_button = I18N(t->a, t->l, t->timezone, "list.choose");
    for (size_t i = 0; i < ARRAY_LEN(both); i++) {
        talk_add_option(
            t, out, matter_payload(t->a, m, arena_printf(t->a, "at,%lld", (long long)both[i].ms).p),
            I18N(t->a, t->l, t->timezone, "value.moment", ARG_T("at", both[i])), STR_NONE);
    }
    ask_him(t, m);
}

/* ---- answered ---- */

static void move(struct talk *t, const struct matter *m, struct pm *pm, struct wall at)
{
    if (m->over || pm->state == PM_DONE) {
        talk_say(t, "reply.pm_done_by", ARG_S("task", pm->task), ARG_S("name", pm->by));
    } else if (at.ms <= t->p->now.ms) {
        ask_date(t, m, "reply.pm_past",
                 I18N(t->a, t->l, t->timezone, "value.moment", ARG_T("at", at)));
        return;
    } else if (pm->state == PM_MOVED && pm->due.ms == at.ms) {
        talk_say(t, "reply.pm_moved_by", ARG_S("task", pm->task), ARG_S("name", pm->by),
                 ARG_T("at", pm->due));
    } else {
        talk_pm_settle(t, m, pm, PM_MOVED, at);
    }
    if (asked(t, "pm_")) {
        question_over(t);
    }
}

/* A day is meant at the hour it was to be done; today, when that is over, in some hours. */
static struct wall moment_of(const struct talk *t, const struct pm *pm, struct wall at,
                             enum when_grain grain)
{
    struct wall moment;

    if (grain == WHEN_TIME) {
        return at;
    }
    moment = talk_at_clock(t, at, usual_minutes(t, pm));
    if (moment.ms <= t->p->now.ms && at.ms + DAY_MS > t->p->now.ms) {
        moment = later_today(t);
        moment.ms = moment.ms > 0 ? moment.ms : t->p->now.ms + HOUR_MS;
    }
    return moment;
}

static void read_date(struct talk *t, const struct matter *m, struct pm *pm, struct str text)
{
    struct when when;
    enum when_result result = when_parse(text, t->l, t->timezone, t->p->now, &when);

    if (result == WHEN_OK || result == WHEN_PAST) {
        move(t, m, pm, result == WHEN_OK ? moment_of(t, pm, when.at, when.grain) : when.at);
    } else if (result == WHEN_AMBIGUOUS) {
        ask_which_time(t, m, moment_of(t, pm, when.at, when.grain),
                       moment_of(t, pm, when.other, when.grain));
    } else {
        ask_date(t, m, result == WHEN_NO_SUCH_DAY ? "reply.pm_no_day" : "reply.pm_no_date", text);
    }
}

void talk_pm_tap_move(struct talk *t, const struct matter *m, struct pm *pm, struct str action)
{
    struct wall at = {0};

    if (m->over || pm->state == PM_DONE) {
        talk_say(t, "reply.pm_done_by", ARG_S("task", pm->task), ARG_S("name", pm->by));
    } else if (str_eqz(action, "move") && str_eqz(t->conv.question, "pm_move") &&
               asked(t, "pm_move") && t->conv.question_rest.n > 0) {
        read_date(t, m, pm, t->conv.question_rest);
    } else if (str_eqz(action, "move")) {
        talk_pm_ask_when(t, m, pm);
    } else if (str_eqz(action, "date")) {
        ask_date(t, m, NULL, STR_NONE);
    } else if (str_starts(action, STR("at,")) &&
               str_to_i64(str_slice(action, 3, action.n), 1, INT64_MAX / 2, &at.ms)) {
        move(t, m, pm, at);
    } else {
        talk_say(t, "reply.tap_unknown");
    }
}

bool talk_pm_typed(struct talk *t)
{
    struct str kind, id, text = str_trim(t->in->text);
    const struct matter *m;
    struct when when;
    struct pm pm;

    if (!asked(t, "pm_date:") || text.n == 0 ||
        (t->call.number >= 1 && t->call.number <= (int64_t)t->conv.noptions)) {
        return false;
    }
    str_cut(t->conv.question, ':', &kind, &id);
    m = talk_matter_meant(t, MATTER_PM, id);
    if (m == NULL || (when_parse(text, t->l, t->timezone, t->p->now, &when) == WHEN_NOT &&
                      (t->call.id != CMD_NONE || t->in->quoted.n > 0))) {
        return false; /* said to something else */
    }
    if (talk_pm_open(t, m, &pm)) {
        t->via = "reply";
        read_date(t, m, &pm, text);
    }
    return true;
}

/* "RESCHEDULE PM-7 friday": its id, if there is one of his, before the date. */
static const struct matter *named(struct talk *t, struct str text, struct str *date)
{
    struct str word, rest;
    const struct matter *m;

    str_cut(text, ' ', &word, &rest);
    m = talk_matter_meant(t, MATTER_PM, word);
    *date = m != NULL && str_ieq(m->id, word) ? str_trim(rest) : text;
    return m;
}

void talk_cmd_reschedule(struct talk *t)
{
    const struct matter *open[CHOICES_MAX];
    size_t n = talk_matters_open(t, MATTER_PM, open, CHOICES_MAX);
    struct str date;
    const struct matter *m = named(t, str_trim(t->call.whole), &date);
    struct pm pm;

    m = m == NULL && n == 1 ? open[0] : m;
    if (m == NULL && n == 0) {
        talk_say(t, "reply.no_pm");
    } else if (m == NULL) {
        talk_pm_which(t, open, n, "move");
        question(t, STR("pm_move"), date);
    } else if (!talk_pm_open(t, m, &pm)) {
        return;
    } else if (m->over || pm.state == PM_DONE) {
        talk_say(t, "reply.pm_done_by", ARG_S("task", pm.task), ARG_S("name", pm.by));
    } else if (date.n == 0) {
        talk_pm_ask_when(t, m, &pm);
    } else {
        read_date(t, m, &pm, date);
    }
}
