/*
 * books_read: takes stock of one tenant, piece by piece: what was accepted, what is kept, what
 * waits and what has ended. In this order: where a thing comes from is read before where it goes
 * to, so that nothing which moves meanwhile looks lost.
 */
#include "base/mem.h"
#include "books_int.h"

#include <stdio.h>

#define PIECE       200 /* keys looked at in one round trip: about a millisecond of Redis */
#define FIELDS      1000
#define ID_LINES    2000
#define SEEN_TURNS  3
#define ENDED_TURNS 4

/* ids are born with their time; one that tells none is of no time. */
static bool in_time(const struct books *b, struct str id)
{
    return b->o.since.ms == 0 || id_time(id).ms >= b->o.since.ms;
}

static struct books_entry *entry_of(struct books *b, struct map *in, struct books_entry **all,
                                    struct str id)
{
    struct books_entry *e = map_get(in, id);

    if (e == NULL) {
        e = ARENA_NEW(b->a, struct books_entry);
        *e = (struct books_entry){.next = *all, .id = arena_dup(b->a, id)};
        *all = e;
        map_put(in, e->id, e);
    }
    return e;
}

static struct books_entry *input(struct books *b, struct str id)
{
    return entry_of(b, b->inputs, &b->all_inputs, id);
}

static struct books_entry *event(struct books *b, struct str id)
{
    return entry_of(b, b->events, &b->all_events, id);
}

static bool once(struct books *b, struct map *in, struct str id)
{
    bool fresh = map_get(in, id) == NULL;

    if (fresh) {
        map_put(in, id, b);
    }
    return fresh;
}

static bool opens(struct books *b, const char *prefix, struct str id, struct str sealed)
{
    struct str text;
    struct err err = {0};
    struct str key =
        id.n == 0 ? str_of(prefix) : arena_printf(b->scratch, "%s:%.*s", prefix, STR_ARG(id));

    return vault_open_arena(b->et->t.vault, b->scratch, key, "b", sealed, &text, &err);
}

/* ---- asking ---- */

/* @key, or of what is kept in turns the @turn-th. */
static void begin_call(struct books *b, struct call *call, const char *command, const char *key,
                       int64_t turn)
{
    call_init(call);
    call_str(call, str_of(command));
    call_str(call, turn > 0 ? arena_printf(b->scratch, "%.*s:%lld", STR_ARG(books_key(b, key)),
                                           (long long)turn)
                            : books_key(b, key));
}

static void ask_get(struct books *b, const char *key)
{
    struct call call;

    begin_call(b, &call, "GET", key, 0);
    books_send(b, &call);
}

static void ask_fields(struct books *b, const char *command, const char *key, int64_t turn)
{
    struct call call;

    begin_call(b, &call, command, key, turn);
    call_str(&call, str_of(b->cursor[0] == '\0' ? "0" : b->cursor));
    call_str(&call, STR("COUNT"));
    call_int(&call, FIELDS);
    books_send(b, &call);
}

static void ask_script(struct books *b, const char *script, const char *from, const char *what)
{
    struct call call;

    call_init_script(&call, script, books_key(b, ""));
    call_str(&call, str_of(from));
    call_int(&call, PIECE);
    if (what != NULL) {
        call_str(&call, str_of(what));
    }
    books_send(b, &call);
}

static bool cursor_moves(struct books *b, struct str to)
{
    snprintf(b->cursor, sizeof(b->cursor), "%.*s", STR_ARG(to));
    return !str_eqz(to, "0") && to.n > 0;
}

/* "<number of the newest> <since>": what is kept in turns is read from the newest back. */
static bool take_newest(struct books *b, const struct reply *reply)
{
    struct str number, since;

    str_cut(reply_str(reply), ' ', &number, &since);
    if (!str_to_i64(number, 1, INT64_MAX, &b->newest)) {
        b->newest = 0;
    }
    return false;
}

static bool turn_back(struct books *b, int turns)
{
    b->cursor[0] = '\0';
    b->offset = 0;
    b->turn++;
    return b->turn < turns && b->newest - b->turn > 0;
}

/* ---- what was accepted ---- */

static void ask_seen_newest(struct books *b)
{
    ask_get(b, "dn");
}

static void ask_seen(struct books *b)
{
    if (b->newest > 0) {
        ask_fields(b, "HSCAN", "d", b->newest - b->turn);
    }
}

/* Of all that must not come twice, the inputs: webhooks (w), statuses (s), events (e). */
static bool take_seen(struct books *b, const struct reply *reply)
{
    const struct reply *list = reply_at(reply, 1);
    struct str key, print, id;

    for (size_t i = 0; i + 1 < reply_len(list); i += 2) {
        key = reply_str(reply_at(list, i));
        if (key.n > 2 && key.p[1] == ':' && strchr("wse", key.p[0]) != NULL &&
            str_cut(reply_str(reply_at(list, i + 1)), '|', &print, &id) && id.n > 0 &&
            in_time(b, id)) {
            input(b, id)->accepted = true;
        }
    }
    return cursor_moves(b, reply_str(reply_at(reply, 0))) || turn_back(b, SEEN_TURNS);
}

/* ---- records ---- */

static void ask_records(struct books *b)
{
    ask_script(b, "books_records", b->cursor[0] == '\0' ? "0" : b->cursor, "records");
}

static enum books_state message_counts_as(struct str state, bool waits)
{
    if (str_eqz(state, "uncertain")) {
        return waits ? BOOKS_OUT_HELD : BOOKS_OUT_UNCERTAIN;
    }
    for (int s = BOOKS_OUT_QUEUED; s <= BOOKS_OUT_CANCELLED; s++) {
        if (str_eqz(state, books_word((enum books_state)s))) {
            return (enum books_state)s;
        }
    }
    return BOOKS_STATES;
}

static void take_message(struct books *b, struct str id, const struct reply *row)
{
    struct str fault = reply_str(reply_at(row, 4));
    enum books_state s =
        message_counts_as(reply_str(reply_at(row, 2)), reply_int(reply_at(row, 5)) == 1);

    if (!in_time(b, id) || !once(b, b->messages, id)) {
        return;
    }
    if (fault.n > 0) {
        books_found(b, "message", id, arena_dup(b->scratch, fault).p);
    } else if (!opens(b, "m", id, reply_str(reply_at(row, 3)))) {
        books_found(b, "message", id, BOOKS_DAMAGED);
    }
    if (s < BOOKS_STATES) {
        b->result.counts[s]++;
    }
}

static bool take_records(struct books *b, const struct reply *reply)
{
    for (size_t i = 1; i < reply_len(reply); i++) {
        const struct reply *row = reply_at(reply, i);
        struct str id = reply_str(reply_at(row, 1));

        if (reply_str(reply_at(row, 0)).p[0] == 'm') {
            take_message(b, id, row);
        } else if (in_time(b, id)) {
            input(b, id)->record = true;
            input(b, id)->damaged = !opens(b, "i", id, reply_str(reply_at(row, 2)));
        }
    }
    return cursor_moves(b, reply_str(reply_at(reply, 0)));
}

static void ask_listed(struct books *b)
{
    ask_script(b, "books_listed",
               b->cursor[0] == '\0' ? "-" : arena_printf(b->scratch, "(%s", b->cursor).p, NULL);
}

static bool take_listed(struct books *b, const struct reply *reply)
{
    for (size_t i = 1; i < reply_len(reply); i++) {
        struct str id = reply_str(reply_at(reply, i));

        if (in_time(b, id) && once(b, b->messages, id)) {
            books_found(b, "message", id, "it is listed, but its record is gone");
        }
    }
    return cursor_moves(b, reply_str(reply_at(reply, 0)));
}

/* ---- dead letters, and what waits for its time ---- */

static void ask_dead(struct books *b)
{
    ask_fields(b, "ZSCAN", "dl", 0);
}

static bool take_dead(struct books *b, const struct reply *reply)
{
    const struct reply *list = reply_at(reply, 1);

    for (size_t i = 0; i + 1 < reply_len(list); i += 2) {
        struct str kind, id;

        str_cut(reply_str(reply_at(list, i)), ':', &kind, &id);
        if (str_eqz(kind, QUEUE_IN) && in_time(b, id)) {
            input(b, id)->dead = true;
        } else if (str_eqz(kind, QUEUE_CB)) {
            event(b, id)->dead = true;
        }
    }
    return cursor_moves(b, reply_str(reply_at(reply, 0)));
}

static void ask_later(struct books *b)
{
    ask_fields(b, "ZSCAN", "s:" QUEUE_IN, 0);
}

static bool take_later(struct books *b, const struct reply *reply)
{
    const struct reply *list = reply_at(reply, 1);

    for (size_t i = 0; i + 1 < reply_len(list); i += 2) {
        struct str lane, id;

        if (str_cut(reply_str(reply_at(list, i)), '\n', &lane, &id) && in_time(b, id)) {
            input(b, id)->lane = true;
        }
    }
    return cursor_moves(b, reply_str(reply_at(reply, 0)));
}

/* ---- events ---- */

static void ask_events(struct books *b)
{
    ask_script(b, "books_events", b->cursor[0] == '\0' ? "-" : b->cursor, NULL);
}

static bool event_in_time(struct books *b, struct str text)
{
    struct json *j = NULL;
    struct wall at = {0};

    if (b->o.since.ms == 0 || !json_parse(text, (size_t)4 << 20, &j, NULL)) {
        return true;
    }
    if (!wall_parse(json_get_str(j, "time"), &at)) {
        at = b->o.since;
    }
    json_free(&j);
    return at.ms >= b->o.since.ms;
}

/* From the oldest kept on there is no gap up to @last. */
static void missing(struct books *b, int64_t last, const char *reason)
{
    int64_t first = b->sequence + 1;

    if (first <= last) {
        books_found(b, "event",
                    first == last ? arena_printf(b->scratch, "%lld", (long long)first)
                                  : arena_printf(b->scratch, "%lld to %lld", (long long)first,
                                                 (long long)last),
                    reason);
    }
}

static void take_event(struct books *b, const struct reply *row)
{
    struct str id = reply_str(reply_at(row, 0)), text = STR_NONE;
    int64_t sequence = reply_int(reply_at(row, 0));
    struct err err = {0};
    bool whole = vault_open_arena(b->et->t.vault, b->scratch, STR("ev"), "b",
                                  reply_str(reply_at(row, 3)), &text, &err);

    missing(b, sequence - 1, "it is missing between others");
    b->sequence = sequence;
    if (whole && !event_in_time(b, text)) {
        return;
    }
    if (!whole) {
        books_found(b, "event", id, BOOKS_DAMAGED);
    }
    if (reply_int(reply_at(row, 2)) == 1) {
        b->result.counts[BOOKS_EV_TAKEN]++;
    } else if (reply_int(reply_at(row, 1)) == 0) {
        b->result.counts[BOOKS_EV_POLLED]++;
    } else {
        event(b, id)->record = true;
    }
}

static bool take_events(struct books *b, const struct reply *reply)
{
    size_t n = reply_len(reply);

    if (b->cursor[0] == '\0') {
        b->sequence =
            reply_int(reply_at(reply, 1)); /* what is older was dropped when its time came */
    }
    for (size_t i = 2; i < n; i++) {
        take_event(b, reply_at(reply, i));
    }
    if (n > 2) {
        snprintf(b->cursor, sizeof(b->cursor), "(%lld-0", (long long)b->sequence);
        return true;
    }
    missing(b, reply_int(reply_at(reply, 0)), "it was given, but is not kept");
    return false;
}

/* ---- lanes ---- */

static void ask_lanes(struct books *b)
{
    ask_script(b, "books_records", b->cursor[0] == '\0' ? "0" : b->cursor, "lanes");
}

static bool take_lanes(struct books *b, const struct reply *reply)
{
    for (size_t i = 1; i < reply_len(reply); i++) {
        const struct reply *row = reply_at(reply, i);
        struct str queue = reply_str(reply_at(row, 1)), id = reply_str(reply_at(row, 2)),
                   fault = reply_str(reply_at(row, 3));
        bool in = str_eqz(queue, QUEUE_IN);

        if (in && !in_time(b, id)) {
            continue;
        }
        (in ? input(b, id) : event(b, id))->lane = true;
        if (fault.n > 0 &&
            once(b, b->lanes, arena_printf(b->scratch, "%.*s:%.*s", STR_ARG(queue), STR_ARG(id)))) {
            books_found(b, in ? "input" : "event", id, arena_dup(b->scratch, fault).p);
        }
    }
    return cursor_moves(b, reply_str(reply_at(reply, 0)));
}

/* ---- ends ---- */

static void ask_ended_newest(struct books *b)
{
    ask_get(b, "ein");
}

static void ask_ended(struct books *b)
{
    struct call call;

    if (b->newest > 0) {
        begin_call(b, &call, "GETRANGE", "ei", b->newest - b->turn);
        call_int(&call, b->offset);
        call_int(&call, b->offset + ID_LINES * ID_BYTES - 1);
        books_send(b, &call);
    }
}

static bool take_ended(struct books *b, const struct reply *reply)
{
    struct str piece = reply_str(reply), line, rest;

    b->offset += (int64_t)piece.n;
    rest = arena_printf(b->scratch, "%s%.*s", b->cut, STR_ARG(piece));
    b->cut[0] = '\0';
    while (rest.n > 0) {
        if (!str_cut(rest, '\n', &line, &rest)) {
            snprintf(b->cut, sizeof(b->cut), "%.*s", STR_ARG(line));
            break;
        }
        if (in_time(b, line)) {
            input(b, line)->ended++;
        }
    }
    return piece.n > 0 || turn_back(b, ENDED_TURNS);
}

const struct books_step books_reads[] = {
    {ask_seen_newest,  take_newest },
    {ask_seen,         take_seen   },
    {ask_records,      take_records},
    {ask_listed,       take_listed },
    {ask_dead,         take_dead   },
    {ask_later,        take_later  },
    {ask_events,       take_events },
    {ask_lanes,        take_lanes  },
    {ask_ended_newest, take_newest },
    {ask_ended,        take_ended  },
    {NULL,             NULL        },
};
