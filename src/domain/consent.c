#include "domain/consent.h"

#include "base/mem.h"

#define ALL_CLASSES ((1u << CLASS_COUNT) - 1)
#define MARKETING   (1u << CLASS_TRAINING)

/* Codes that speak of marketing only; each other refusal for lack of consent means everything. */
static const int64_t marketing_codes[] = {131050, 63050};

unsigned consent_refused(int64_t code, struct str cls)
{
    enum user_class c;

    for (size_t i = 0; i < ARRAY_LEN(marketing_codes); i++) {
        if (code == marketing_codes[i]) {
            return MARKETING | (user_class_parse(cls, &c) ? 1u << c : 0);
        }
    }
    return OPTED_OUT_ALL;
}

static struct str lane_of(const struct tenant *t, struct arena *a, struct str person)
{
    struct str hash = vault_hash_arena(t->vault, a, "lane", person);

    return arena_printf(a, "%dc:%.*s", PRIO_HIGH, STR_ARG(hash));
}

struct plan_input consent_input(const struct tenant *t, struct arena *a, char item,
                                struct str person, unsigned classes)
{
    return (struct plan_input){lane_of(t, a, person),
                               arena_printf(a, "%c%.*s\n%u", item, STR_ARG(person), classes)};
}

void consent_moved(struct plan *p)
{
    for (size_t i = 0; i < p->nusers; i++) {
        const struct user *before = p->users_before[i];

        if (before != NULL && before->phone.n > 0 && !str_eq(before->phone, p->users[i]->phone)) {
            plan_input(p, lane_of(p->tenant, p->a, before->id),
                       arena_printf(p->a, "%c%.*s\n%.*s", MOVED_ITEM, STR_ARG(before->id),
                                    STR_ARG(before->phone)));
        }
    }
}

bool consent_item_read(struct str text, struct str *person, unsigned *classes)
{
    struct str bits;
    int64_t v;

    if (!str_cut(text, '\n', person, &bits) || !str_to_i64(bits, 1, UINT32_MAX, &v)) {
        return false;
    }
    *classes = (unsigned)v;
    return person->n > 0;
}

bool consent_told(const struct inbound *in, bool *stops, unsigned *classes)
{
    *stops = str_ieq(in->event, STR("stop"));
    *classes = str_eqz(in->subject, "all") ? OPTED_OUT_ALL : MARKETING;
    return *stops || str_ieq(in->event, STR("resume")) || str_ieq(in->event, STR("start")) ||
           str_ieq(in->event, STR("signup"));
}

bool consent_stops(unsigned classes, const struct message *m)
{
    enum user_class c;

    if (m->prio == PRIO_REPLY || m->kind == MESSAGE_READ) {
        return false;
    }
    if ((classes & OPTED_OUT_ALL) != 0) {
        return true;
    }
    return user_class_parse(m->cls, &c) && (classes & (1u << c)) != 0 &&
           !(c == CLASS_EMERGENCY && m->prio == PRIO_CRITICAL);
}

/* ---- events ---- */

static void write_classes(unsigned classes, struct jw *w)
{
    jw_open(w, "classes", '[');
    if ((classes & OPTED_OUT_ALL) != 0) {
        jw_z(w, NULL, "all");
    }
    for (unsigned c = 0; c < CLASS_COUNT; c++) {
        if ((classes & (1u << c)) != 0) {
            jw_z(w, NULL, user_class_name((enum user_class)c));
        }
    }
    jw_close(w, ']');
}

static void tell(struct plan *p, const char *type, const struct user *u, unsigned classes,
                 const char *via)
{
    struct buf data;
    struct jw w;

    buf_init(&data, 256 * 1024);
    jw_init(&w, &data);
    jw_open(&w, NULL, '{');
    jw_open(&w, "person", '{');
    jw_str(&w, "id", u->id);
    jw_str(&w, "name", u->name);
    jw_close(&w, '}');
    jw_z(&w, "via", via);
    write_classes(classes, &w);
    if (u->language.n > 0) {
        jw_str(&w, "language", u->language);
    }
    jw_close(&w, '}');
    plan_event(p, type, u->id, arena_dup(p->a, buf_str(&data)), STR_NONE);
    buf_fini(&data);
}

void consent_verified(struct plan *p, const struct user *u, const char *via)
{
    tell(p, "gateway.person.verified.v1", u, 0, via);
}

static bool same_quiet(const struct user *a, const struct user *b)
{
    return a->has_quiet == b->has_quiet &&
           (!a->has_quiet ||
            (a->quiet_from_min == b->quiet_from_min && a->quiet_to_min == b->quiet_to_min));
}

void consent_withdraw(struct plan *p, const struct user *now, const struct user *before)
{
    p->stopped = (now->opted_out & ~before->opted_out) | (now->off & ~before->off & ALL_CLASSES);
    p->stopped_person = now->id;
}

void consent_changed(struct plan *p, const struct user *now, const struct user *before,
                     const char *via)
{
    unsigned stopped = now->opted_out & ~before->opted_out;
    unsigned resumed = before->opted_out & ~now->opted_out;
    unsigned switched = (now->off ^ before->off) & ALL_CLASSES;

    consent_withdraw(p, now, before);
    if (stopped != 0) {
        tell(p, "gateway.person.opted_out.v1", now, stopped, via);
    }
    if (resumed != 0) {
        tell(p, "gateway.person.opted_in.v1", now, resumed, via);
    }
    if (switched != 0 || !same_quiet(now, before) || !str_eq(now->language, before->language)) {
        tell(p, "gateway.person.preferences_changed.v1", now, switched, via);
    }
}

/* ---- changes ---- */

static void change(struct plan *p, const struct user *kept, unsigned opted_out, const char *via)
{
    struct user *u;

    if (opted_out == kept->opted_out) {
        return;
    }
    u = ARENA_NEW(p->a, struct user);
    *u = *kept;
    u->opted_out = opted_out;
    plan_user(p, u, kept);
    consent_changed(p, u, kept, via);
}

void consent_stop(struct plan *p, const struct user *kept, unsigned classes, const char *via)
{
    change(p, kept, kept->opted_out | classes, via);
}

void consent_resume(struct plan *p, const struct user *kept, unsigned classes, const char *via)
{
    change(p, kept, (classes & OPTED_OUT_ALL) != 0 ? 0 : kept->opted_out & ~classes, via);
}
