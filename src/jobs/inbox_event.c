/*
 * inbox_event: an event of the CMMS, or its refusal of one of ours: whose phones are named, then
 * the documents, then the decision of domain/cmms_event. A document that does not open is reported
 * and left out; what the CMMS tells about it now mends it.
 */
#include "base/log.h"
#include "base/mem.h"
#include "domain/order_store.h"
#include "domain/user_store.h"
#include "inbox_int.h"

#include <stdlib.h>

#define EVENT_BYTES_MAX ((size_t)4 << 20)

/* ---- deciding ---- */

void inbox_decide_event(struct inbox_job *j)
{
    struct err err = {0};

    inbox_plan(j, j->reason.n > 0 ? json_get_str(json_get(j->json, "event"), "id") : j->event.id);
    inbox_translated(j);
    if (j->reason.n > 0) {
        cmms_refused(json_get(j->json, "event"), j->reason, &j->view, j->reads->nusers, &j->plan);
    } else if (!cmms_event_decide(&j->event, j->reads, &j->view, &j->plan, &err)) {
        inbox_set_aside(j, &err);
        return;
    }
    if (str_eqz(j->event.type, "cmms.person.removed.v1")) {
        inbox_read_removal(j);
    } else {
        inbox_run(j);
    }
}

/* ---- documents ---- */

static void damaged(struct inbox_job *j, const struct err *err)
{
    log_error("record left out: it does not open", LF_STR("tenant", j->et->t.id),
              LF_Z("reason", err->msg));
    metric_add(METRIC_DAMAGED, 1);
}

static void open_order_doc(struct inbox_job *j, const struct doc *doc)
{
    struct order *o = ARENA_NEW(j->work, struct order);
    struct err err = {0};

    j->view.order_version = doc->version;
    if (doc->version == 0) {
        return;
    }
    if (order_open(&j->et->t, j->work, j->reads->order_id, doc, o, &err)) {
        j->view.order = o;
    } else {
        damaged(j, &err);
    }
}

static void open_matter_doc(struct inbox_job *j, const struct doc *doc)
{
    struct matter *m = ARENA_NEW(j->work, struct matter);
    struct err err = {0};

    j->view.matter_version = doc->version;
    if (doc->version == 0) {
        return;
    }
    if (matter_open(&j->et->t, j->work, j->reads->matter, doc, m, &err)) {
        j->view.matter = m;
    } else {
        damaged(j, &err);
    }
}

static void open_user_doc(struct inbox_job *j, size_t i, const struct doc *doc)
{
    struct user *u = ARENA_NEW(j->work, struct user);
    struct err err = {0};

    j->view.versions[i] = doc->version;
    if (doc->version == 0) {
        return;
    }
    if (user_open(&j->et->t, j->work, j->reads->users[i], doc, u, &err)) {
        j->view.users[i] = u;
    } else {
        j->view.damaged[i] = true;
        damaged(j, &err);
    }
}

static void open_docs(struct inbox_job *j, const struct doc *docs)
{
    size_t n = j->reads->nusers, at = 0;

    j->view = (struct cmms_view){.users = ARENA_ARRAY(j->work, struct user *, n + 1),
                                 .versions = ARENA_ARRAY(j->work, int64_t, n + 1),
                                 .damaged = ARENA_ARRAY(j->work, bool, n + 1)};
    if (j->reads->order_id.n > 0) {
        open_order_doc(j, &docs[at++]);
    }
    if (j->reads->matter.n > 0) {
        open_matter_doc(j, &docs[at++]);
    }
    for (size_t i = 0; i < n; i++) {
        open_user_doc(j, i, &docs[at++]);
    }
}

static void on_docs(void *ctx, const struct err *err, const struct doc *docs, size_t n)
{
    struct inbox_job *j = obj_check(ctx, INBOX_MAGIC);

    (void)n;
    j->pending = NULL;
    if (err != NULL) {
        inbox_again(j, err);
        return;
    }
    open_docs(j, docs);
    if (j->decide != inbox_decide_event || !inbox_translate(j)) {
        j->decide(j);
    }
}

void inbox_read_docs(struct inbox_job *j)
{
    struct str *keys = ARENA_ARRAY(j->work, struct str, j->reads->nusers + 2);
    size_t n = 0;

    if (j->reads->order_id.n > 0) {
        keys[n++] = order_key(j->work, j->reads->order_id);
    }
    if (j->reads->matter.n > 0) {
        keys[n++] = matter_key(j->work, j->reads->matter);
    }
    for (size_t i = 0; i < j->reads->nusers; i++) {
        keys[n++] = user_key(j->work, j->reads->users[i]);
    }
    if (n == 0) { /* a refusal that names neither order nor person */
        open_docs(j, NULL);
        j->decide(j);
        return;
    }
    j->pending = fetch_run(j->et->e->store, j->et->t.id, keys, n, on_docs, j);
}

/* ---- who follows what it is about: in slices, by their ids ---- */

static void people_known(struct inbox_job *j)
{
    cmms_event_reads(j->a, &j->et->t, &j->event, j->reads);
    inbox_read_docs(j);
}

static int by_id(const void *a, const void *b)
{
    return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

/* Of all sets the first CMMS_SLICE, each once: of no set more were read, so none of them is left out. */
static void cut_slice(struct inbox_job *j, bool more)
{
    struct cmms_reads *r = j->reads;
    size_t n = 0;

    qsort(r->members, r->nmembers, sizeof(*r->members), by_id);
    for (size_t i = 0; i < r->nmembers; i++) {
        if (n == 0 || !str_eq(r->members[n - 1], r->members[i])) {
            r->members[n++] = r->members[i];
        }
    }
    j->followers_more = more || n > CMMS_SLICE;
    r->nmembers = n < CMMS_SLICE ? n : CMMS_SLICE;
    if (r->nmembers > 0) {
        j->followers_after = arena_dup(j->a, r->members[r->nmembers - 1]);
    }
    people_known(j);
}

static void on_members(void *ctx, const struct err *err, const struct reply *reply)
{
    struct inbox_job *j = obj_check(ctx, INBOX_MAGIC);
    struct cmms_reads *r = j->reads;
    bool more = false;

    j->pending = NULL;
    if (err != NULL) {
        inbox_again(j, err);
        return;
    }
    r->members = ARENA_ARRAY(j->work, struct str, r->nsets * CMMS_SLICE + 1);
    for (size_t k = 0; k < r->nsets; k++) {
        const struct reply *set = reply_at(reply, k);

        more = more || reply_len(set) == CMMS_SLICE;
        for (size_t i = 0; i < reply_len(set) && i < CMMS_SLICE; i++) {
            r->members[r->nmembers++] = arena_dup(j->work, reply_str(reply_at(set, i)));
        }
    }
    cut_slice(j, more);
}
static void read_people(struct inbox_job *j)
{
    struct cmms_reads *r = j->reads;
    struct call call;

    cmms_event_sets(j->a, &j->event, r);
    r->nmembers = 0;
    if (r->nsets == 0) {
        people_known(j);
        return;
    }
    call_init_script(&call, "followers", arena_printf(j->work, "{%.*s}:", STR_ARG(j->et->t.id)));
    call_str(&call, j->item->id);
    call_str(&call, j->followers_after);
    call_int(&call, CMMS_SLICE);
    for (size_t i = 0; i < r->nsets; i++) {
        call_str(&call, r->sets[i]);
    }
    j->pending = store_run(j->et->e->store, &call, on_members, j);
}

/* ---- phones ---- */

static void on_owners(void *ctx, const struct err *err, const struct reply *reply)
{
    struct inbox_job *j = obj_check(ctx, INBOX_MAGIC);

    j->pending = NULL;
    if (err != NULL) {
        inbox_again(j, err);
        return;
    }
    for (size_t i = 0; i < j->reads->nphones; i++) {
        j->reads->owners[i] = arena_dup(j->a, reply_str(reply_at(reply, i)));
    }
    read_people(j);
}

static void read_event(struct inbox_job *j)
{
    struct call call;

    cmms_event_phones(j->a, &j->event, j->reads);
    if (j->reads->nphones == 0) {
        read_people(j);
        return;
    }
    call_init(&call);
    call_str(&call, STR("HMGET"));
    call_str(&call, arena_printf(j->work, "{%.*s}:ux", STR_ARG(j->et->t.id)));
    for (size_t i = 0; i < j->reads->nphones; i++) {
        call_str(&call, vault_hash_arena(j->et->t.vault, j->work, "phone", j->reads->phones[i]));
    }
    j->pending = store_run(j->et->e->store, &call, on_owners, j);
}

/* ---- opening ---- */

bool inbox_open_event(struct inbox_job *j, struct str text, struct err *err)
{
    if (!json_parse(text, EVENT_BYTES_MAX, &j->json, err) ||
        !cmms_event_parse(j->a, j->json, &j->event, err)) {
        return false;
    }
    j->event.accepted = id_time(j->item->id);
    j->reads = ARENA_NEW(j->a, struct cmms_reads);
    j->decide = inbox_decide_event;
    if (!inbox_is_broadcast(j)) {
        j->read = read_event;
    }
    return true;
}

bool inbox_open_refusal(struct inbox_job *j, struct str text, struct err *err)
{
    const struct json *data;
    struct str person;

    if (!json_parse(text, EVENT_BYTES_MAX, &j->json, err)) {
        return false;
    }
    j->reason = json_get_str(j->json, "reason");
    if (j->reason.n == 0) {
        return err_set(err, ERR_DAMAGED, "a refusal without a reason");
    }
    data = json_path(j->json, "event.data");
    j->reads = ARENA_NEW(j->a, struct cmms_reads);
    j->reads->order_id = json_str(json_path(data, "workorder.id"));
    j->reads->matter = cmms_refused_matter(j->a, json_get(j->json, "event"));
    person = json_str(json_path(data, "person.id"));
    if (user_id_ok(person)) {
        j->reads->users[j->reads->nusers++] = person;
    }
    j->read = inbox_read_docs;
    j->decide = inbox_decide_event;
    return true;
}
