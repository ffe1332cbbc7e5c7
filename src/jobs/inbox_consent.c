/*
 * inbox_consent: somebody stopped or resumed messages at the provider: told by a webhook, or by the
 * refusal of one (an item of its own, put in by whoever heard it).
 */
#include "base/mem.h"
#include "domain/consent.h"
#include "domain/view.h"
#include "inbox_int.h"

static void decide(struct inbox_job *j, const struct user *u)
{
    bool stops = true;
    unsigned classes = j->stopped;

    inbox_plan(j, STR_NONE);
    if (u == NULL || u->removed) {
        j->keep = classes == 0; /* a webhook about nobody we know */
    } else if (classes != 0) {
        consent_stop(&j->plan, u, classes, "provider");
    } else if (!consent_told(&j->in, &stops, &classes)) {
        j->keep = true;
    } else if (stops) {
        consent_stop(&j->plan, u, classes, "provider");
    } else {
        consent_resume(&j->plan, u, classes, "provider");
    }
    if (u != NULL && j->in.provider_id.n > 0) { /* he wrote it: his window is open */
        j->plan.speaker = u->id;
        j->plan.spoken_to = j->sender_id;
        j->plan.spoken_at = j->in.at;
    }
    inbox_run(j);
}

static void on_view(void *ctx, const struct err *err, const struct view *view)
{
    struct inbox_job *j = obj_check(ctx, INBOX_MAGIC);

    j->pending = NULL;
    if (err != NULL && err->code == ERR_DAMAGED) {
        inbox_set_aside(j, err);
    } else if (err != NULL) {
        inbox_again(j, err);
    } else {
        decide(j, view->user);
    }
}

void inbox_read_consent(struct inbox_job *j)
{
    const struct view_query query = {
        .user = j->stopped_person, .phone = j->in.phone, .bsuid = j->in.bsuid};

    j->pending = view_load(j->et->e->store, &j->et->t, j->work, &query, on_view, j);
}

bool inbox_open_consent(struct inbox_job *j, struct str text, struct err *err)
{
    if (!consent_item_read(text, &j->stopped_person, &j->stopped)) {
        return err_set(err, ERR_DAMAGED, "it does not say who stopped what");
    }
    j->read = inbox_read_consent;
    return true;
}

void consent_put(struct engine_tenant *et, struct arena *a, struct commit *c, struct str person,
                 unsigned classes)
{
    struct plan_input in = consent_input(&et->t, a, ITEM_CONSENT, person, classes);
    char id[ID_BYTES];

    id_new(id);
    inbox_put(et, a, c, in.lane, arena_dup(a, str_of(id)), in.text, false);
}
