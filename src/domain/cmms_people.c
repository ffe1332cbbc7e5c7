/* cmms_people: whom the CMMS names: known, met for the first time, changed, gone. */
#include "base/mem.h"
#include "cmms_int.h"
#include "domain/consent.h"
#include "domain/notice.h"
#include "domain/user_store.h"

#define NAME_CHARS_MAX 100

/* ---- phones and ids ---- */

struct str cmms_phone_owner(const struct cmms_reads *reads, struct str phone)
{
    for (size_t i = 0; i < reads->nphones; i++) {
        if (str_eq(reads->phones[i], phone)) {
            return reads->owners[i];
        }
    }
    return STR_NONE;
}

struct str cmms_person_phone(struct arena *a, const struct order_person *named)
{
    struct str phone = STR_NONE;

    return named->phone.n > 0 && user_phone_parse(a, named->phone, &phone) ? phone : STR_NONE;
}

struct str cmms_person_id(struct arena *a, const struct tenant *t, const struct cmms_reads *reads,
                          const struct order_person *named)
{
    struct str phone = cmms_person_phone(a, named), owner;

    if (named->id.n > 0 || phone.n == 0) {
        return named->id;
    }
    owner = cmms_phone_owner(reads, phone);
    if (owner.n > 0) {
        return owner;
    }
    return arena_printf(a, "tel-%.*s", 16, vault_hash_arena(t->vault, a, "person", phone).p);
}

static size_t find_read(const struct turn *t, struct str id)
{
    for (size_t i = 0; i < t->reads->nusers && id.n > 0; i++) {
        if (str_eq(t->reads->users[i], id)) {
            return i;
        }
    }
    return SIZE_MAX;
}

struct user *cmms_person_of(const struct turn *t, struct str id)
{
    size_t i = find_read(t, id);

    return i != SIZE_MAX && t->people[i] != NULL && !t->people[i]->removed ? t->people[i] : NULL;
}

/*
 * Who really has a phone, other than @id. Where the index names somebody who is gone or has another
 * phone by now, it is behind: the commit may put it right.
 */
static struct str holder_of(struct turn *t, struct str phone, struct str id)
{
    struct str owner = cmms_phone_owner(t->reads, phone);
    size_t at;

    if (owner.n == 0 || str_eq(owner, id)) {
        return STR_NONE;
    }
    at = find_read(t, owner);
    if (at != SIZE_MAX &&
        (t->view->damaged[at] || (t->people[at] != NULL && str_eq(t->people[at]->phone, phone)))) {
        return owner;
    }
    plan_phone(t->p, phone, owner);
    return STR_NONE;
}

/* ---- met in an order ---- */

/* Who has it among those whom this very event has made known: no index names him yet. */
static struct str just_met(const struct turn *t, struct str phone)
{
    for (size_t i = 0; i < t->p->nusers && phone.n > 0; i++) {
        if (str_eq(t->p->users[i]->phone, phone)) {
            return t->p->users[i]->id;
        }
    }
    return STR_NONE;
}

/* Named by his phone alone he may be one of them, too. */
static struct str id_of(const struct turn *t, const struct order_person *named)
{
    struct str id = named->id.n > 0 ? STR_NONE : just_met(t, cmms_person_phone(t->p->a, named));

    return id.n > 0 ? id : cmms_person_id(t->p->a, t->p->tenant, t->reads, named);
}

/* The CMMS says that somebody known wants news about his requests. */
static void consent(struct turn *t, size_t at)
{
    struct user *u = ARENA_NEW(t->p->a, struct user);

    *u = *t->people[at];
    u->consented = true;
    plan_user(t->p, u, t->people[at]);
    t->people[at] = u;
}

static void not_told(struct turn *t, struct str id, struct str holder)
{
    if (t->fresh != NULL) {
        plan_entry(t->p, t->fresh->id, "not_told", id,
                   arena_printf(t->p->a, "his phone is that of person \"%.*s\"", STR_ARG(holder)));
    }
}

/*
 * Somebody whom the CMMS names with a phone and whom we do not know: created, not verified,
 * welcomed once. A phone that is another person's already stays his, if only since a line before: to
 * be named in an order is no reason to take it; cmms.person.upserted.v1 is.
 */
static void meet(struct turn *t, const struct order_person *named, struct str id, unsigned role)
{
    struct str phone = cmms_person_phone(t->p->a, named), holder;
    size_t at = find_read(t, id);
    struct user *u;

    if (at == SIZE_MAX || t->view->damaged[at]) {
        return;
    }
    if (t->people[at] != NULL && !t->people[at]->removed) {
        if (named->consented && role == ROLE_STAKEHOLDER && !t->people[at]->consented) {
            consent(t, at);
        }
        return;
    }
    if (phone.n == 0) {
        return;
    }
    holder = just_met(t, phone);
    holder = holder.n > 0 ? holder : holder_of(t, phone, id);
    if (holder.n > 0) {
        not_told(t, id, holder);
        return;
    }
    u = ARENA_NEW(t->p->a, struct user);
    *u = (struct user){.id = id,
                       .name = i18n_cut(t->p->a, named->name, NAME_CHARS_MAX),
                       .phone = phone,
                       .language = named->language,
                       .roles = role,
                       .consented = named->consented,
                       .version = t->people[at] != NULL ? t->people[at]->version : 0};
    /* A stakeholder's consent given to the CMMS counts for his own updates. */
    u->verified = named->consented && role == ROLE_STAKEHOLDER;
    u->welcomed = true;
    plan_user(t->p, u, t->people[at]);
    t->people[at] = u;
    if (!u->verified) {
        notice_welcome(t->p, u);
    }
}

void cmms_meet(struct turn *t)
{
    struct order *o = t->fresh;

    for (size_t i = 0; i < o->nassignees; i++) {
        meet(t, &o->assignees[i], o->assignees[i].id, ROLE_TECHNICIAN);
    }
    for (size_t i = 0; i < o->nstakeholders; i++) {
        o->stakeholders[i].id = id_of(t, &o->stakeholders[i]);
        meet(t, &o->stakeholders[i], o->stakeholders[i].id, ROLE_STAKEHOLDER);
    }
    o->requester.id = id_of(t, &o->requester);
    meet(t, &o->requester, o->requester.id, ROLE_STAKEHOLDER);
}

const struct user *cmms_meet_requester(struct turn *t, struct order_person *who)
{
    who->id = cmms_person_id(t->p->a, t->p->tenant, t->reads, who);
    meet(t, who, who->id, ROLE_STAKEHOLDER);
    return cmms_person_of(t, who->id);
}

/* ---- told about a person ---- */

/* The newer word about a phone counts: who had it loses it, and the audit trail says so. */
static void take_phone(struct turn *t, const struct user *u)
{
    struct str owner = holder_of(t, u->phone, u->id);
    struct user *loser;
    size_t at;

    if (owner.n == 0) {
        return;
    }
    plan_phone(t->p, u->phone, owner);
    plan_audit(
        t->p, "person.phone_taken",
        arena_printf(t->p->a, "%.*s has now the phone of %.*s", STR_ARG(u->id), STR_ARG(owner)));
    at = find_read(t, owner);
    if (t->people[at] == NULL) {
        return; /* a damaged record: it goes without */
    }
    loser = ARENA_NEW(t->p->a, struct user);
    *loser = *t->people[at];
    loser->phone = STR("");
    loser->verified = false;
    loser->welcomed = false;
    plan_user(t->p, loser, t->people[at]);
}

/* Consent is the person's own: what he stopped, an older copy in the CMMS does not start again. */
static void keep_own(struct user *u, const struct user *kept, const struct json *person)
{
    u->opted_out |= kept->opted_out;
    if (u->phone.n > 0 && !str_eq(u->phone, kept->phone)) {
        u->verified =
            json_get_bool(person, "verified", false); /* another number is not proven yet */
        u->welcomed = false;
    }
}

bool cmms_person_upserted(struct turn *t, struct err *err)
{
    const struct json *person = json_get(t->e->data, "person");
    const struct user *kept = t->people[0] != NULL && !t->people[0]->removed ? t->people[0] : NULL;
    struct user *u = ARENA_NEW(t->p->a, struct user);
    struct user base = {.id = t->reads->users[0], .roles = ROLE_TECHNICIAN};

    if (!user_from_json(t->p->a, person, kept != NULL ? kept : &base, u, err)) {
        return false;
    }
    u->id = t->reads->users[0];
    u->version = t->view->versions[0];
    u->removed = false;
    if (kept != NULL) {
        keep_own(u, kept, person);
        consent_withdraw(t->p, u, kept);
    }
    /* Whom the CMMS knows to consent to news about his requests needs no asking. */
    if (!u->verified && !u->welcomed && u->phone.n > 0 &&
        !(u->consented && (u->roles & ROLE_CREW) == 0)) {
        u->welcomed = true;
        notice_welcome(t->p, u);
    }
    if (kept == NULL || !kept->verified) {
        notice_onboarding(t->p, u);
    }
    if (kept == NULL || !str_eq(u->phone, kept->phone)) {
        take_phone(t, u);
    }
    plan_user(t->p, u, kept);
    return true;
}

bool cmms_person_removed(struct turn *t, struct err *err)
{
    struct user *gone = t->people[0];

    (void)err;
    if (gone == NULL && t->view->damaged[0]) {
        gone = ARENA_NEW(t->p->a, struct user);
        *gone = (struct user){.id = t->reads->users[0], .version = t->view->versions[0]};
    }
    if (gone != NULL) {
        plan_user_gone(t->p, gone);
        plan_audit(
            t->p, "person.removed",
            arena_printf(
                t->p->a, "~%.*s", 32,
                vault_hash_arena(t->p->tenant->vault, t->p->a, "phone", t->reads->users[0]).p));
    }
    return true;
}
