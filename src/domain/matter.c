#include "domain/matter.h"

#include "base/buf.h"
#include "base/json.h"
#include "base/mem.h"
#include "domain/order_store.h"
#include "domain/plan.h"
#include "domain/user_store.h"
#include "matter_int.h"

#define BODY_BYTES_MAX ((size_t)1 << 20)

/* Every kind there is, and the one place to add one. */
static const struct {
    char letter;
    enum prio prio; /* of its lane */
    matter_wants_fn *wants;
    matter_strike_fn *strike;
    const char *list; /* ZSET of its ids by the time they were first seen, or NULL */
} kinds[] = {
    [MATTER_PM] = {'p', PRIO_NORMAL,   pm_wants,        pm_strike,        NULL},
    [MATTER_TEAM] = {'t', PRIO_NORMAL,   team_wants,      team_strike,      NULL},
    [MATTER_CHECKLIST] = {'c', PRIO_NORMAL,   checklist_wants, checklist_strike, NULL},
    [MATTER_ORDER_CHECKLIST] = {'o', PRIO_NORMAL,   checklist_wants, checklist_strike, NULL},
    [MATTER_ALERT] = {'a', PRIO_CRITICAL, alert_wants,     alert_strike,     "ya"},
    [MATTER_READING] = {'r', PRIO_CRITICAL, reading_wants,   reading_strike,   NULL},
};

/* ---- names ---- */

bool matter_id_ok(struct str id)
{
    bool ok = id.n > 0 && id.n <= MATTER_ID_MAX;

    for (size_t i = 0; ok && i < id.n; i++) {
        ok = (unsigned char)id.p[i] > ' ' && id.p[i] != 0x7f && id.p[i] != '|';
    }
    return ok;
}

bool matter_assignees(struct arena *a, const struct json *list, const char *name, struct str *out,
                      size_t *n, struct err *err)
{
    for (size_t i = 0; i < json_len(list); i++) {
        const struct json *item = json_at(list, i);
        struct str id =
            json_kind(item) == JSON_STRING ? json_str(item) : json_get_text(item, "id", a);

        if (!user_id_ok(id)) {
            err_set(err, ERR_INVALID, "an assignee is the id of a person, or an object with one");
            return err_member(err, "%s", name);
        }
        if (*n == MATTER_ASSIGNEES_MAX) {
            err_set(err, ERR_INVALID, "there are more than %d assignees", MATTER_ASSIGNEES_MAX);
            return err_member(err, "%s", name);
        }
        out[(*n)++] = arena_dup(a, id);
    }
    if (*n == 0) {
        err_set(err, ERR_INVALID, "\"assignees\" names nobody");
        return err_member(err, "%s", name);
    }
    return true;
}

struct str matter_ref(struct arena *a, enum matter_kind kind, struct str id)
{
    return arena_printf(a, "%c:%.*s", kinds[kind].letter, STR_ARG(id));
}

bool matter_ref_parse(struct str ref, enum matter_kind *kind, struct str *id)
{
    if (ref.n < 3 || ref.p[1] != ':' || !matter_id_ok(str_slice(ref, 2, ref.n))) {
        return false;
    }
    for (int k = 0; k < MATTER_KINDS; k++) {
        if (kinds[k].letter == ref.p[0]) {
            *kind = (enum matter_kind)k;
            *id = str_slice(ref, 2, ref.n);
            return true;
        }
    }
    return false;
}

struct str matter_key(struct arena *a, struct str ref)
{
    return arena_printf(a, "y:%.*s", STR_ARG(ref));
}

struct str matter_lane(const struct tenant *t, struct arena *a, struct str ref)
{
    enum matter_kind kind = MATTER_PM;
    struct str id;

    matter_ref_parse(ref, &kind, &id);
    return arena_printf(a, "%dy:%.*s", (int)kinds[kind].prio,
                        STR_ARG(vault_hash_arena(t->vault, a, "matter", ref)));
}

/* ---- the document ---- */

static bool decode(struct arena *a, struct str text, struct matter *out, struct err *err)
{
    struct json *j;
    struct buf body;

    if (!json_parse(text, 2 * BODY_BYTES_MAX, &j, err)) {
        return false;
    }
    buf_init(&body, 2 * BODY_BYTES_MAX);
    json_dump(json_get(j, "is"), &body);
    out->body = arena_dup(a, buf_str(&body));
    out->clock.ms = json_get_int(j, "clock", 0);
    out->over = json_get_bool(j, "over", false);
    buf_fini(&body);
    json_free(&j);
    return true;
}

bool matter_open(const struct tenant *t, struct arena *a, struct str ref, const struct doc *doc,
                 struct matter *out, struct err *err)
{
    struct str text;

    *out = (struct matter){.version = doc->version};
    if (!matter_ref_parse(ref, &out->kind, &out->id)) {
        return err_set(err, ERR_DAMAGED, "\"%.*s\" is no matter, or one of a newer version",
                       STR_ARG(str_slice(ref, 0, 64)));
    }
    out->id = arena_dup(a, out->id);
    return vault_open_arena(t->vault, a, matter_key(a, ref), "b", doc->body, &text, err) &&
           decode(a, text, out, err);
}

void matter_check(const struct matter *m, struct commit *c)
{
    struct arena *a = arena_new();

    commit_check_version(c, matter_key(a, matter_ref(a, m->kind, m->id)), m->version);
    arena_free(&a);
}

/* By the version too: a clock that is set to the same time again strikes again. */
static void put_clock(const struct tenant *t, struct arena *a, const struct matter *m,
                      struct str ref, struct commit *c)
{
    struct str id =
        arena_printf(a, "y-%.*s-%lld", STR_ARG(vault_hash_arena(t->vault, a, "matter", ref)),
                     (long long)(m->version + 1));
    struct str text =
        arena_printf(a, "%c%.*s\n%lld", MATTER_ITEM, STR_ARG(ref), (long long)m->clock.ms);
    const struct plan_input item = {matter_lane(t, a, ref), text};

    plan_input_put(t, a, id, &item, m->clock, c);
}

bool matter_put(const struct tenant *t, struct arena *a, const struct matter *m, struct wall now,
                struct commit *c)
{
    struct str ref = matter_ref(a, m->kind, m->id), key = matter_key(a, ref);
    struct buf text, sealed;
    struct jw w;

    buf_init(&text, 2 * BODY_BYTES_MAX);
    buf_init(&sealed, 2 * BODY_BYTES_MAX + SEAL_EXTRA_BYTES);
    jw_init(&w, &text);
    jw_open(&w, NULL, '{');
    jw_int(&w, "clock", m->clock.ms);
    jw_bool(&w, "over", m->over);
    jw_raw(&w, "is", m->body);
    jw_close(&w, '}');
    vault_seal(t->vault, key, "b", buf_str(&text), &sealed);
    commit_doc(c, key, m->version + 1, buf_str(&sealed));
    commit_zadd(c, STR("yl"), (double)now.ms, ref);
    if (kinds[m->kind].list != NULL && m->version == 0) {
        commit_zadd(c, str_of(kinds[m->kind].list), (double)now.ms, m->id);
    }
    mem_wipe(text.p, text.n);
    buf_fini(&text);
    buf_fini(&sealed);
    if (m->kind == MATTER_ORDER_CHECKLIST && m->version == 0) {
        /* Who sees the order sees its round. */
        commit_hset(c, order_key(a, m->id), STR("ck"), STR("1"));
    }
    if (m->clock.ms == 0 || m->clock_kept) {
        return false;
    }
    put_clock(t, a, m, ref, c);
    return true;
}

/* ---- the clock strikes ---- */

void matter_wants(struct arena *a, const struct tenant *t, const struct matter *m,
                  struct matter_wants *out)
{
    *out = (struct matter_wants){0};
    kinds[m->kind].wants(a, t, m, out);
}

void matter_wants_person(struct matter_wants *w, struct str id)
{
    for (size_t i = 0; i < w->nids; i++) {
        if (str_eq(w->ids[i], id)) {
            return;
        }
    }
    if (id.n > 0 && w->nids < MATTER_PEOPLE_MAX) {
        w->ids[w->nids++] = id;
    }
}

const struct user *matter_person(const struct matter_view *v, struct str id)
{
    for (size_t i = 0; i < v->npeople; i++) {
        if (str_eq(v->people[i]->id, id)) {
            return v->people[i];
        }
    }
    return NULL;
}

void matter_strike(const struct matter_view *v, struct plan *p)
{
    struct err err = {0};

    if (!kinds[v->m->kind].strike(v, p, &err)) {
        struct matter *m = ARENA_NEW(p->a, struct matter);

        /* What does not decode would strike for ever. */
        *m = *v->m;
        m->clock = (struct wall){0};
        m->over = true;
        plan_matter(p, m);
    }
}

struct str matter_payload(struct arena *a, const struct matter *m, const char *action)
{
    return arena_printf(a, "y:%c:%s:%.*s", kinds[m->kind].letter, action, STR_ARG(m->id));
}

bool matter_payload_parse(struct str payload, struct str *ref, struct str *action, struct arena *a)
{
    struct str head, rest, id, letter;
    enum matter_kind kind;

    if (!str_cut(payload, ':', &head, &rest) || !str_eqz(head, "y") ||
        !str_cut(rest, ':', &letter, &rest) || !str_cut(rest, ':', action, &id)) {
        return false;
    }
    *ref = arena_printf(a, "%.*s:%.*s", STR_ARG(letter), STR_ARG(id));
    return matter_ref_parse(*ref, &kind, &id);
}
