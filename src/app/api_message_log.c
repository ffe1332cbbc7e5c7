/* api_message_log: GET /api/v1/messages and /{id}: one message, the log newest first, its export as
 * CSV. */
#include "app_int.h"
#include "domain/command.h"

static const char *const fields[] = {MESSAGE_RECORD_FIELDS, "fb", NULL};

static const struct provider *provider_for(struct request *r, const struct message *m)
{
    const struct sender *s = tenant_sender(r->who.tenant->conf, m->sender);

    return s == NULL ? NULL : provider_of(s->provider);
}

/* ---- one ---- */

static void on_message(void *ctx, const struct err *err, const struct reply *reply)
{
    struct message_record rec = message_record_of(reply, 0);
    struct request *r;
    struct message m;
    struct jw w;

    rec.again = reply_str(reply_at(reply, 4));
    if (!request_resume(ctx, err, &r)) {
        return;
    }
    if (reply_kind(reply_at(reply, 0)) == REPLY_NIL) {
        err_set(&r->err, ERR_NOT_FOUND, "there is no message \"%.*s\"",
                STR_ARG(str_slice(r->args[0], 0, 60)));
        reply_error(r, &r->err);
    } else if (!message_record_open(r, r->a, r->args[0], &rec, &m)) {
        err_set(&r->err, ERR_DAMAGED, "the record of this message is damaged; see the log");
        reply_error(r, &r->err);
    } else {
        reply_begin(r, &w);
        message_view_write(&m, &rec, provider_for(r, &m), true, &w, NULL);
        reply_built(r, 200, &r->out);
    }
}

void api_message_get(struct request *r)
{
    struct call call;

    call_script(r, &call, "record");
    call_str(&call, r->args[0]);
    for (size_t i = 0; fields[i] != NULL; i++) {
        call_str(&call, str_of(fields[i]));
    }
    r->pending = store_run(engine_store(r->e), &call, on_message, r);
}

/* ---- the log ---- */

struct message_log {
    struct listing l;
    bool any_kind;
    enum message_kind kind;
    struct str person; /* or empty */
    struct str order;  /* canonical number, where there is no copy of the order; or empty */
};

static void csv_time(struct buf *out, struct wall t)
{
    char text[WALL_TEXT_BYTES];

    csv_cell(out, t.ms > 0 ? str_of(wall_format(t, text)) : STR_NONE, false);
}

static void csv_line(struct request *r, struct listing *l, const struct message *m,
                     const struct message_record *rec)
{
    struct str timeline = rec->timeline, line = STR_NONE, state, tail, ms, detail, title, advice,
               code;
    struct buf *out = &r->out;

    while (timeline.n > 0) {
        str_cut(timeline, '\n', &line, &timeline);
    }
    str_cut(line, ',', &state, &tail);
    str_cut(tail, ',', &ms, &detail);
    code = message_state_error(l->a, state, detail, provider_for(r, m), &title, &advice);
    csv_cell(out, m->id, false);
    csv_time(out, m->created);
    csv_cell(out, STR("out"), false);
    csv_cell(out, rec->state, false);
    csv_cell(out, str_of(message_kind_name(m->kind)), false);
    csv_cell(out, m->user.n > 0 && m->user.p[0] != '~' ? m->user : STR_NONE, false);
    csv_cell(out, m->phone, false);
    csv_cell(out, m->order_number, false);
    csv_cell(out, m->sender, false);
    csv_cell(out, m->kind == MESSAGE_TEMPLATE ? m->template_.name : m->text, false);
    csv_cell(out, code, false);
    csv_cell(out, title, true);
}

static bool log_row(struct request *r, struct listing *l, struct str id, const struct reply *row)
{
    struct message_record rec = message_record_of(row, 2); /* behind id and score */
    struct message_log *log = l->user;
    struct message m;

    rec.again = reply_str(reply_at(row, 6));
    /* A receipt ("read") is a message to the provider, not to the person. */
    if (!message_record_open(r, l->a, id, &rec, &m) || m.kind == MESSAGE_READ ||
        (!log->any_kind && m.kind != log->kind) ||
        (log->person.n > 0 && !str_eq(log->person, m.user)) ||
        (log->order.n > 0 && !str_eq(log->order, command_order_canonical(l->a, m.order_number)))) {
        return false;
    }
    if (l->csv_head != NULL) {
        csv_line(r, l, &m, &rec);
    } else {
        message_view_write(&m, &rec, provider_for(r, &m), false, &l->w, NULL);
    }
    return true;
}

static struct str id_bound(struct arena *a, const char *fmt, struct wall t)
{
    char text[ID_TIME_BYTES];

    id_of_time(t, text);
    return arena_printf(a, fmt, text);
}

static void run_log(struct request *r, struct message_log *log, struct str order_id)
{
    struct listing *l = &log->l;

    l->index = STR("mx");
    if (order_id.n > 0) {
        l->index = arena_printf(r->a, "mo:%.*s", STR_ARG(order_id));
        log->order = STR_NONE;
    } else if (log->person.n > 0) {
        l->index = arena_printf(r->a, "mu:%.*s", STR_ARG(log->person));
    }
    listing_start(r, l);
}

static void on_order(void *ctx, const struct err *err, const struct reply *reply)
{
    struct request *r;

    if (request_resume(ctx, err, &r)) {
        run_log(r, r->user, arena_dup(r->a, reply_str(reply)));
    }
}

static void refuse(struct request *r, const char *name, const char *want)
{
    err_set(&r->err, ERR_BAD_REQUEST, "?%s= is \"%.*s\"; it is %s", name,
            STR_ARG(str_slice(request_param(r, name), 0, 60)), want);
    err_member(&r->err, "%s", name);
    reply_error(r, &r->err);
}

static bool state_known(struct str state)
{
    static const char *const states[] = {"queued", "sending",   "sent",    "delivered", "read",
                                         "failed", "uncertain", "expired", "cancelled"};

    for (size_t i = 0; i < ARRAY_LEN(states); i++) {
        if (str_eqz(state, states[i])) {
            return true;
        }
    }
    return state.n == 0;
}

static bool filters(struct request *r, struct message_log *log)
{
    struct str kind = request_param(r, "kind"), direction = request_param(r, "direction");
    struct wall from, to;

    log->l.value = request_param(r, "state");
    log->l.filter = log->l.value.n > 0 ? "s" : NULL;
    log->person = request_param(r, "user");
    log->any_kind = kind.n == 0;
    if (!request_time(r, "from", &from) || !request_time(r, "to", &to)) {
        return false;
    }
    if (!state_known(log->l.value)) {
        refuse(r, "state",
               "queued, sending, sent, delivered, read, failed, uncertain, expired or cancelled");
    } else if (kind.n > 0 && !message_kind_parse(kind, &log->kind)) {
        refuse(r, "kind", "text, template, media, buttons, list, location or reaction");
    } else if (direction.n > 0 && !str_eqz(direction, "out") && !str_eqz(direction, "in")) {
        refuse(r, "direction", "in or out");
    } else {
        log->l.from = to.ms > 0 ? id_bound(r->a, "(%s", (struct wall){to.ms + 1}) : STR_NONE;
        log->l.to = from.ms > 0 ? id_bound(r->a, "[%s", from) : STR_NONE;
        return true;
    }
    return false;
}

void api_message_list(struct request *r)
{
    struct message_log *log = ARENA_NEW(r->a, struct message_log);
    struct str order = request_param(r, "work_order");
    struct call call;

    log->l = (struct listing){
        .order = "down", .prefix = "m:", .fields = fields, .row = log_row, .user = log};
    if (!filters(r, log)) {
        return;
    }
    if (request_wants_csv(r)) {
        log->l.csv_head = "id,created_at,direction,state,kind,user,phone,work_order,sender,text,"
                          "error_code,error\r\n";
        log->l.csv_file = "messages.csv";
    }
    if (str_eqz(request_param(r, "direction"), "in")) {
        log->l.to =
            STR("(~"); /* what people said is kept with the work orders: none of it is here */
        log->l.from = STR("-");
        run_log(r, log, STR_NONE);
        return;
    }
    if (order.n == 0) {
        run_log(r, log, STR_NONE);
        return;
    }
    log->order = command_order_canonical(r->a, order);
    r->user = log;
    call_init(&call);
    call_str(&call, STR("HGET"));
    call_str(&call, tenant_key(r, "on"));
    call_str(&call, log->order);
    r->pending = store_run(engine_store(r->e), &call, on_order, r);
}
