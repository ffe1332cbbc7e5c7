/*
 * inbox_failover: looks after a critical message (domain/failover.h). The item comes when the
 * message should have been delivered, and at once when it failed: is it delivered, has he answered,
 * was it cancelled, nothing is left to do; else it is said again by the next way, as a message of
 * its own that is looked after in turn. The new message has the same id however often this runs,
 * and the old one names it, so it is said once.
 */
#include "base/log.h"
#include "base/mem.h"
#include "domain/failover.h"
#include "inbox_int.h"

#define LOOK_AGAIN_MS 10000
#define SENDERS_MAX   64
#define GIVE_UP_MS    ((int64_t)24 * 3600 * 1000)

struct late { /* what is read */
    struct message m;
    struct str state, next;
    struct wall since; /* of its state */
    bool stays;        /* no other sender can say it as it is */
    bool held;         /* until he writes */
    bool no_more;      /* his lane waits for the tier: so many people were written to today */
    bool needless;     /* its broadcast was cancelled, or tells him again in another round */
    struct wall spoke; /* he, to whichever number */
    bool paused[SENDERS_MAX], rests[SENDERS_MAX], usable[SENDERS_MAX];
    size_t n;
};

static bool is_one_of(struct str s, const char *const *words, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (str_eqz(s, words[i])) {
            return true;
        }
    }
    return false;
}

/* ---- the decision ---- */

enum verdict { OVER, WAIT, SAY_AGAIN };

/*
 * Not handed over: that it waits for his word is a reason, and a sender that stands still, if no
 * other one says it in that one's place. That others are before it is none.
 */
static enum verdict judge_queued(const struct tenant_settings *t, const struct late *l,
                                 struct wall now)
{
    bool late = now.ms - l->since.ms >= t->failover_critical_after_ms;
    const struct sender *by = tenant_sender(t, l->m.sender);
    bool other = false;

    if (l->held || (late && l->no_more)) {
        return SAY_AGAIN;
    }
    if (by != NULL && !l->paused[by - t->senders]) {
        return late && l->rests[by - t->senders] ? SAY_AGAIN : WAIT;
    }
    for (size_t i = 0; i < l->n; i++) {
        other = other || l->usable[i];
    }
    return l->stays || !other || t->failover_paused_after_ms == 0 ? SAY_AGAIN : WAIT;
}

static enum verdict judge(const struct tenant_settings *t, const struct late *l, struct wall now)
{
    static const char *const over[] = {"delivered", "read", "cancelled", "expired"};
    static const char *const queued[] = {"queued", "sending"};
    struct wall due = l->m.send_at.ms > l->m.created.ms ? l->m.send_at : l->m.created;

    if (l->next.n > 0 || l->needless || is_one_of(l->state, over, ARRAY_LEN(over)) ||
        (l->m.expires.ms > 0 && l->m.expires.ms <= now.ms) ||
        now.ms - due.ms > GIVE_UP_MS) {
        return OVER;
    }
    if (str_eqz(l->state, "failed")) {
        return SAY_AGAIN;
    }
    if (is_one_of(l->state, queued, ARRAY_LEN(queued))) {
        return judge_queued(t, l, now);
    }
    if (l->spoke.ms > l->since.ms) {
        return OVER; /* he is there, and has it before his eyes */
    }
    return now.ms - l->since.ms >= t->failover_critical_after_ms ? SAY_AGAIN : WAIT;
}

/* ---- saying it again ---- */

static struct str why_of(struct inbox_job *j, const struct late *l)
{
    const struct sender *by;

    if (str_eqz(l->state, "failed")) {
        return STR("failed");
    }
    if (l->held) {
        return STR("outside the 24-hour window");
    }
    if (str_eqz(l->state, "queued") || str_eqz(l->state, "sending")) {
        by = tenant_sender(j->et->t.conf, l->m.sender);
        return l->no_more    ? STR("its sender may write to nobody new today")
               : by == NULL ? STR("its sender is not in the configuration")
               : l->rests[by - j->et->t.conf->senders] ? STR("its sender was asked for silence")
                                                       : STR("its sender is paused");
    }
    return arena_printf(j->work, "not delivered in %lld s",
                        (long long)((wall_now().ms - l->since.ms) / 1000));
}

static struct str answer_of(struct inbox_job *j, const struct message *m)
{
    const struct tenant *t = &j->et->t;
    const struct lang *l = i18n_lang(t->i18n, m->lang, t->conf->default_language);
    const struct sender *s = tenant_sender_for(t->conf, m->sender, STR_NONE);

    return s->number.n == 0
               ? STR_NONE
               : I18N(j->work, l, t->conf->timezone, "sms.answer", ARG_S("number", s->number));
}

static void say_again(struct inbox_job *j, const struct late *l, const struct failover_step *step)
{
    struct str why = why_of(j, l), way, said;
    struct message m = l->m;

    failover_take(j->work, &m, step, wall_now(), step->sms ? answer_of(j, &l->m) : STR_NONE);
    way = step->sms ? arena_printf(j->work, "by SMS (%.*s)", STR_ARG(m.sender))
                    : arena_printf(j->work, "by %.*s", STR_ARG(m.sender));
    plan_message_ready(&j->plan, &m,
                       arena_printf(j->work, "%.*s instead of %.*s: %.*s", STR_ARG(way),
                                    STR_ARG(l->m.id), STR_ARG(why)));
    said = arena_printf(j->work, "said again %.*s as %.*s", STR_ARG(way), STR_ARG(m.id));
    j->late_detail = arena_printf(j->work, "%.*s: %.*s", STR_ARG(why), STR_ARG(said));
    j->late_next = m.id;
    if (m.order_id.n > 0) {
        plan_entry(
            &j->plan, m.order_id, "message", m.user,
            arena_printf(j->work, "message %.*s %.*s", STR_ARG(l->m.id), STR_ARG(j->late_detail)));
    }
    log_info("critical message said again", LF_STR("tenant", j->et->t.id),
             LF_STR("message", l->m.id), LF_STR("as", m.id), LF_STR("way", way),
             LF_STR("reason", why));
    metric_add(METRIC_SAID_AGAIN, 1);
}

static void decide(struct inbox_job *j, const struct late *l)
{
    const struct tenant_settings *t = j->et->t.conf;
    int64_t after = t->failover_critical_after_ms, waited = wall_now().ms - l->since.ms;
    int64_t look = after < LOOK_AGAIN_MS ? after : LOOK_AGAIN_MS;
    enum verdict v = judge(t, l, wall_now());
    struct failover_step step;

    if (v == SAY_AGAIN && failover_next(t, &l->m, l->usable, &step)) {
        say_again(j, l, &step);
    } else if (v == SAY_AGAIN && failover_next(t, &l->m, NULL, &step)) {
        j->later_ms = LOOK_AGAIN_MS; /* the next sender is paused too */
    } else if (v == WAIT) {
        /* Not less often than its time: what comes into its state between two looks is not late. */
        j->later_ms = waited < after && after - waited < look ? after - waited : look;
    }
    inbox_run(j);
}

void inbox_failover_check(struct inbox_job *j, struct commit *c)
{
    if (j->late_detail.n > 0) {
        commit_check_version(c, arena_printf(j->work, "m:%.*s", STR_ARG(j->late_id)), 1);
    }
    if (j->late_next.n > 0) {
        commit_check_version(c, arena_printf(j->work, "m:%.*s", STR_ARG(j->late_next)), 0);
    }
}

void inbox_failover_write(struct inbox_job *j, struct commit *c)
{
    struct str key = arena_printf(j->work, "m:%.*s", STR_ARG(j->late_id));

    if (j->late_detail.n > 0) {
        commit_message_note(c, j->late_id, wall_now(), j->late_detail);
    }
    if (j->late_next.n > 0) {
        commit_hset(c, key, STR("fb"), j->late_next);
        commit_broadcast_copy(c, j->late_id, j->late_next);
    }
}

/* ---- reading ---- */

/* When it came into the state it is in: the time of the last line that begins with that word. */
static struct wall since_of(struct str timeline, struct str state)
{
    struct str line, word, rest, ms;
    struct wall since = {0};
    int64_t at;
    bool same = false;

    while (timeline.n > 0) {
        bool was = same;

        str_cut(timeline, '\n', &line, &timeline);
        str_cut(line, ',', &word, &rest);
        str_cut(rest, ',', &ms, &rest);
        same = str_eq(word, state);
        if (same && !was && str_to_i64(ms, 0, INT64_MAX, &at)) {
            since.ms = at;
        }
    }
    return since;
}

static bool open_late(struct inbox_job *j, const struct reply *reply, struct late *l,
                      struct err *err)
{
    const struct tenant_settings *t = j->et->t.conf;
    struct str key = arena_printf(j->work, "m:%.*s", STR_ARG(j->late_id)), text;
    struct wall now = wall_now();

    *l = (struct late){.state = arena_dup(j->work, reply_str(reply_at(reply, 1))),
                       .next = arena_dup(j->work, reply_str(reply_at(reply, 3))),
                       .stays = reply_str(reply_at(reply, 4)).n > 0,
                       .held = reply_str(reply_at(reply, 5)).n > 0,
                       .n = t->nsenders < SENDERS_MAX ? t->nsenders : SENDERS_MAX};
    l->since = since_of(reply_str(reply_at(reply, 2)), l->state);
    for (size_t i = 0; i < l->n; i++) {
        const struct reply *row = reply_at(reply, 8 + i);
        int64_t spoke = reply_int(reply_at(row, 1));

        l->paused[i] = reply_int(reply_at(row, 0)) > 0;
        l->rests[i] = reply_int(reply_at(row, 2)) > now.ms + LOOK_AGAIN_MS;
        l->no_more = l->no_more || reply_int(reply_at(row, 3)) > 0;
        l->usable[i] = !l->paused[i] && !l->rests[i];
        l->spoke.ms = spoke > l->spoke.ms ? spoke : l->spoke.ms;
    }
    if (!vault_open_arena(j->et->t.vault, j->work, key, "b", reply_str(reply_at(reply, 0)), &text,
                          err) ||
        !message_decode(j->work, text, &l->m, err)) {
        return false;
    }
    l->needless = l->m.broadcast.n > 0 && (reply_str(reply_at(reply, 6)).n == 0 ||
                                           str_eqz(reply_str(reply_at(reply, 7)), "cancelled"));
    return true;
}

static void on_message(void *ctx, const struct err *err, const struct reply *reply)
{
    struct inbox_job *j = obj_check(ctx, INBOX_MAGIC);
    struct err damaged = {0};
    struct late late;

    j->pending = NULL;
    if (err != NULL) {
        inbox_again(j, err);
        return;
    }
    inbox_plan(j, STR_NONE);
    j->later_ms = 0;
    j->late_next = j->late_detail = STR_NONE;
    if (reply_len(reply) == 0) {
        inbox_run(j); /* the message is gone, with its person or by age */
    } else if (open_late(j, reply, &late, &damaged)) {
        j->plan.cause = late.m.cause;
        decide(j, &late);
    } else {
        inbox_set_aside(j, &damaged);
    }
}

static void read_late(struct inbox_job *j)
{
    const struct tenant_settings *t = j->et->t.conf;
    struct call call;

    call_init_script(&call, "failover", arena_printf(j->work, "{%.*s}:", STR_ARG(j->et->t.id)));
    call_str(&call, j->late_id);
    for (size_t i = 0; i < t->nsenders && i < SENDERS_MAX; i++) {
        call_str(&call, t->senders[i].id);
    }
    j->pending = store_run(j->et->e->store, &call, on_message, j);
}

bool inbox_open_failover(struct inbox_job *j, struct str text, struct err *err)
{
    if (text.n == 0) {
        return err_set(err, ERR_DAMAGED, "it names no message");
    }
    j->late_id = text;
    j->read = read_late;
    return true;
}
