/* The conversation, turn by turn: a view and what was said in, a plan out. No Redis, no clock of its own. */
#include "domain/talk.h"

#include "base/mem.h"
#include "domain/media.h"
#include "harness.h"

static struct i18n *i18n;
static struct arena *a;
static const struct wall now = {1798000000000};

/* A technician with up to four orders; status letters: o open, a acknowledged, p in progress, c completed, h on hold. */
struct scene {
    struct settings settings;
    struct tenant_settings conf;
    struct tenant tenant;
    struct view view;
    struct user user, boss;
    struct order orders[6];
    struct inbound in;
    struct plan plan;
};

static enum order_status status_of(char c)
{
    return c == 'o'   ? ORDER_OPEN
           : c == 'a' ? ORDER_ACKNOWLEDGED
           : c == 'p' ? ORDER_IN_PROGRESS
           : c == 'h' ? ORDER_ON_HOLD
                      : ORDER_COMPLETED;
}

static struct scene *scene(const char *states)
{
    static const char *const ids[] = {"w1", "w2", "w3", "w4", "w5", "w6"};
    static const char *const numbers[] = {"WO-2024-001", "WO-2024-002", "WO-2024-003", "WO-2024-104", "WO-2024-105", "WO-2024-106"};
    struct scene *s = ARENA_NEW(a, struct scene);

    s->settings.public_url = STR("https://wa.example.com");
    s->conf = (struct tenant_settings){.id = STR("acme"), .name = STR("Acme Plant"), .timezone = STR("Europe/Madrid"),
                                       .default_language = STR("en")};
    s->tenant = (struct tenant){.conf = &s->conf, .id = s->conf.id, .settings = &s->settings, .i18n = i18n};
    s->user = (struct user){.id = STR("u1"), .name = STR("Ana"), .phone = STR("+12025550117"), .roles = ROLE_TECHNICIAN,
                            .verified = true, .language = STR("en"), .sender = STR("main"), .version = 3};
    s->boss = (struct user){.id = STR("u9"), .name = STR("Maria"), .phone = STR("+12025550199"), .roles = ROLE_SUPERVISOR,
                            .verified = true, .language = STR("es"), .version = 1};
    s->view = (struct view){.tenant = &s->tenant, .user = &s->user, .person = STR("u1")};
    for (size_t i = 0; states[i] != '\0'; i++) {
        s->orders[i] = (struct order){.id = str_of(ids[i]), .number = str_of(numbers[i]), .title = STR("Replace motor bearing"),
                                      .status = status_of(states[i]), .priority = ORDER_PRIO_HIGH, .rev = 7, .version = 2,
                                      .nassignees = 1, .assignees = {{.id = STR("u1")}}};
        s->view.orders[s->view.norders++] = (struct view_order){&s->orders[i], VIEW_ASSIGNED};
    }
    s->in = (struct inbound){.kind = INBOUND_MESSAGE, .type = INBOUND_TEXT, .at = now, .phone = s->user.phone};
    return s;
}

static void decide(struct scene *s)
{
    plan_init(&s->plan, a, &s->tenant, now, STR("in1"));
    talk_decide(&s->view, &s->in, STR("main"), &s->plan);
}

static void say(struct scene *s, const char *text)
{
    s->in.type = INBOUND_TEXT;
    s->in.text = str_of(text);
    decide(s);
}

static void tap(struct scene *s, const char *payload)
{
    s->in.type = INBOUND_TAP;
    s->in.text = STR("a title");
    s->in.payload = str_of(payload);
    decide(s);
}

static struct str reply(const struct scene *s, size_t i)
{
    return i < s->plan.nmessages ? s->plan.messages[i].m.text : STR("(no message)");
}

static bool has(struct str text, const char *part)
{
    return str_find(text, str_of(part)) != SIZE_MAX;
}

/* ---- commands on one order ---- */

static const struct {
    const char *label, *states, *text;
    const char *event;  /* type of the only event, or NULL: none */
    int becomes;        /* status of the changed order, or -1 */
    const char *says;   /* part of the answer */
} rows[] = {
    {"ack the only open one",        "o",  "ACK",                          "gateway.workorder.acknowledged.v1",     ORDER_ACKNOWLEDGED, "acknowledged" },
    {"slash, case, punctuation",     "o",  " /ack. ",                      "gateway.workorder.acknowledged.v1",     ORDER_ACKNOWLEDGED, "acknowledged" },
    {"ack twice",                    "a",  "ACK WO-2024-001",              NULL,                                    -1,                 "already"      },
    {"nothing to ack",               "p",  "ACK",                          NULL,                                    -1,                 "already"      },
    {"none at all",                  "c",  "ACK",                          NULL,                                    -1,                 "No work order"},
    {"none fits, several open",      "ap", "ACK",                          NULL,                                    -1,                 "No work order"},
    {"complete the only, not begun", "o",  "COMPLETE",                     NULL,                                    -1,                 "anyway"       },
    {"done, but never begun",        "a",  "done",                         NULL,                                    -1,                 "anyway"       },
    {"complete the only on hold",    "h",  "COMPLETE",                     NULL,                                    -1,                 "Which"        },
    {"start the only one again",     "p",  "START",                        NULL,                                    -1,                 "already"      },
    {"complete with none open",      "c",  "COMPLETE",                     NULL,                                    -1,                 "in progress"  },
    {"start the acknowledged",       "ap", "START WO-2024-001",            "gateway.workorder.status_requested.v1", ORDER_IN_PROGRESS,  "started"      },
    {"start by unique ending",       "oo", "start 002",                    "gateway.workorder.status_requested.v1", ORDER_IN_PROGRESS,  "WO-2024-002"  },
    {"complete what is in progress", "op", "COMPLETE",                     "gateway.workorder.status_requested.v1", ORDER_COMPLETED,    "completed"    },
    {"complete without a start",     "o",  "COMPLETE WO-2024-001",         NULL,                                    -1,                 "anyway"       },
    {"status is explicit",           "o",  "/status WO-2024-001 completed", "gateway.workorder.status_requested.v1", ORDER_COMPLETED,    "completed"    },
    {"status in words",              "o",  "STATUS WO-2024-001 in progress", "gateway.workorder.status_requested.v1", ORDER_IN_PROGRESS, "started"      },
    {"status unknown",               "o",  "STATUS WO-2024-001 banana",    NULL,                                    -1,                 "no status"    },
    {"closed",                       "c",  "START WO-2024-001",            NULL,                                    -1,                 "closed"       },
    {"no such order",                "o",  "ACK WO-9999-777",              NULL,                                    -1,                 "WO-9999-777"  },
    {"note on the current one",      "po", "NOTE Replaced bearing, needs alignment", "gateway.workorder.note_added.v1", -1,             "Note added"   },
    {"note of a named one",          "po", "note WO-2024-002 oil is low",  "gateway.workorder.note_added.v1",       -1,                 "WO-2024-002"  },
    {"a number in a note is text",   "p",  "NOTE 1500 rpm is too fast",    "gateway.workorder.note_added.v1",       -1,                 "Note added"   },
    {"delay",                        "p",  "DELAY Waiting for spare parts", "gateway.workorder.delay_reported.v1",  -1,                 "Waiting"      },
    {"show",                         "o",  "/wo WO-2024-001",              NULL,                                    -1,                 "Replace motor"},
    {"counts",                       "oap", "STATUS",                      NULL,                                    -1,                 "Assigned: 3"  },
    {"help",                         "o",  "HELP",                         NULL,                                    -1,                 "MY WORK"      },
    {"help in groups",               "o",  "HELP",                         NULL,                                    -1,                 "*Faults & training*\n• *REPORT"},
    {"help of one",                  "o",  "HELP NOTE",                    NULL,                                    -1,                 "NOTE text"    },
    {"no alert",                     "o",  "RESPONDING",                   NULL,                                    -1,                 "No alert"     },
    {"free text done",               "p",  "done ✅",                      "gateway.workorder.status_requested.v1", ORDER_COMPLETED,    "completed"    },
    {"unknown word",                 "p",  "strat",                        NULL,                                    -1,                 "START"        },
    {"stop the machine is no stop",  "p",  "stop the machine",             NULL,                                    -1,                 "understand"   },
};

static void test_rows(void)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct scene *s = scene(rows[i].states);

        say(s, rows[i].text);
        CHECK_INT(rows[i].label, s->plan.nevents, rows[i].event != NULL);
        if (rows[i].event != NULL && s->plan.nevents == 1) {
            CHECK_Z(rows[i].label, s->plan.events[0].type, rows[i].event);
        }
        CHECK_INT(rows[i].label, s->plan.norders, rows[i].becomes >= 0);
        if (rows[i].becomes >= 0 && s->plan.norders == 1) {
            CHECK_INT(rows[i].label, s->plan.orders[0]->status, rows[i].becomes);
        }
        if (!has(reply(s, 0), rows[i].says)) {
            test_fail(__FILE__, __LINE__, "%s: \"%s\" is not in \"%.*s\"", rows[i].label, rows[i].says, STR_ARG(reply(s, 0)));
        }
    }
}

/* ---- asking, and the answer ---- */

static void test_asks_which_and_remembers(void)
{
    struct scene *s = scene("oo");

    say(s, "ACK");
    CHECK_INT("a list", s->plan.messages[0].m.kind, MESSAGE_LIST);
    CHECK_INT("both rows", s->plan.messages[0].m.noptions, 2);
    CHECK_Z("payload", s->plan.messages[0].m.options[1].id, "pick@1798000000000:ack:w2");
    CHECK_INT("nothing changed", s->plan.norders, 0);
    CHECK("remembered", s->plan.conversation != NULL);
    s->view.conversation = *s->plan.conversation;
    say(s, "002");
    CHECK_INT("the number answers", s->plan.norders, 1);
    CHECK_Z("the right one", s->plan.orders[0]->id, "w2");
    s->view.conversation.question = STR("ack");
    tap(s, "pick:ack:w1");
    CHECK_Z("the tap answers", s->plan.orders[0]->id, "w1");
}

static void test_note_waits_for_its_order(void)
{
    struct scene *s = scene("pp");

    say(s, "NOTE bearing replaced");
    CHECK_INT("asked", s->plan.nevents, 0);
    s->view.conversation = *s->plan.conversation;
    tap(s, "pick:note:w2");
    CHECK_INT("booked", s->plan.nevents, 1);
    CHECK("with the words", has(s->plan.events[0].data, "bearing replaced"));
    s->view.conversation.question_at.ms = now.ms - QUESTION_MS - 1;
    tap(s, "pick:note:w2");
    CHECK_INT("after 15 minutes not", s->plan.nevents, 0);
    CHECK("says so", has(reply(s, 0), "expired"));
}

static void test_words_behind_complete(void)
{
    struct scene *s = scene("p");

    say(s, "COMPLETE WO-2024-001 new seal fitted");
    CHECK_INT("status and note", s->plan.nevents, 2);
    CHECK("the words", has(s->plan.events[1].data, "new seal fitted"));
}

/* Several, none of them begun: a list, and the tapped one asks once more. */
static void test_complete_of_none_begun(void)
{
    struct scene *s = scene("oa");
    const struct message *m;

    say(s, "COMPLETE");
    CHECK_INT("a list", s->plan.messages[0].m.kind, MESSAGE_LIST);
    CHECK_INT("of both", s->plan.messages[0].m.noptions, 2);
    CHECK_INT("nothing changed", s->plan.norders + s->plan.nevents, 0);
    s->view.conversation = *s->plan.conversation;
    tap(s, s->plan.messages[0].m.options[1].id.p);
    m = &s->plan.messages[0].m;
    CHECK_INT("nothing yet", s->plan.norders + s->plan.nevents, 0);
    CHECK_INT("two buttons", m->noptions, 2);
    CHECK_Z("complete", m->options[0].id, "complete_anyway:w2");
    CHECK_Z("start", m->options[1].id, "start:w2");
}

/* The words behind a command that waits for an answer are its note when the answer comes, once. */
static void test_words_wait(void)
{
    static const char *const taps[] = {"complete_anyway:w1", "start:w1"};

    for (size_t i = 0; i < ARRAY_LEN(taps); i++) {
        struct scene *s = scene("o");

        say(s, "COMPLETE WO-2024-001 new seal fitted");
        CHECK_INT("nothing changed", s->plan.norders + s->plan.nevents, 0);
        s->view.conversation = *s->plan.conversation;
        tap(s, taps[i]);
        CHECK_INT("status and note", s->plan.nevents, 2);
        CHECK("the words", s->plan.nevents == 2 && has(s->plan.events[1].data, "new seal fitted"));
        s->view.conversation = *s->plan.conversation;
        tap(s, taps[i]);
        CHECK_INT("once", s->plan.nevents, 1);
        s = scene("c");
        say(s, "COMPLETE WO-2024-001 new seal fitted");
        CHECK_INT("refused: no note", s->plan.nevents, 0);
    }
}

static void test_note_without_text_asks(void)
{
    struct scene *s = scene("p");

    say(s, "NOTE");
    CHECK_INT("nothing yet", s->plan.nevents, 0);
    s->view.conversation = *s->plan.conversation;
    say(s, "oil is leaking at the gearbox");
    CHECK_INT("the next words are it", s->plan.nevents, 1);
    CHECK("its text", has(s->plan.events[0].data, "gearbox"));
}

/* ---- buttons ---- */

static void test_taps(void)
{
    struct scene *s = scene("oo");

    tap(s, "start:w2");
    CHECK_Z("the button's order", s->plan.orders[0]->id, "w2");
    CHECK("via", has(s->plan.events[0].data, "\"via\":\"button\""));
    s->orders[1].status = ORDER_COMPLETED;
    tap(s, "start:w2");
    CHECK_INT("overtaken: nothing changes", s->plan.norders, 0);
    CHECK("says so", has(reply(s, 0), "out of date: work order WO-2024-002 is now *Completed*"));
    s->orders[1].status = ORDER_IN_PROGRESS;
    tap(s, "start:w2");
    CHECK_INT("tapped again: nothing changes", s->plan.norders, 0);
    CHECK("and says so", has(reply(s, 0), "already in progress"));
    tap(s, "start:w77");
    CHECK_INT("of an order that is gone", s->plan.norders, 0);
    tap(s, "complete_anyway:w1");
    CHECK_INT("complete anyway", s->plan.orders[0]->status, ORDER_COMPLETED);
    tap(s, "nonsense");
    CHECK_INT("unknown payload", s->plan.norders, 0);
}

/* Buttons whose effect does not show on the order: known by the message they stand under. */
static void test_tapped_twice(void)
{
    static const struct {
        const char *label, *words, *payload;
    } buttons[] = {
        {"escalate", NULL,                    "escalate:w1" },
        {"a note",   "NOTE bearing replaced", "pick:note:w1"},
    };

    for (size_t i = 0; i < ARRAY_LEN(buttons); i++) {
        struct scene *s = scene("pp");

        s->view.supervisor = &s->boss;
        if (buttons[i].words != NULL) {
            say(s, buttons[i].words);
            s->view.conversation = *s->plan.conversation;
        }
        s->in.quoted = STR("wamid.1");
        tap(s, buttons[i].payload);
        CHECK_INT(buttons[i].label, s->plan.nevents, 1);
        s->view.conversation = *s->plan.conversation;
        tap(s, buttons[i].payload);
        CHECK_INT(buttons[i].label, s->plan.nevents, 0);
        CHECK("says so", has(reply(s, 0), "done already"));
    }
    struct scene *s = scene("p");

    s->view.supervisor = &s->boss;
    for (int i = 0; i < 18; i++) {
        s->in.quoted = arena_printf(a, "wamid.%d", i);
        tap(s, "escalate:w1");
        CHECK_INT("under another message it is another button", s->plan.nevents, 1);
        s->view.conversation = *s->plan.conversation;
    }
    s->in.quoted = STR("wamid.2");
    tap(s, "escalate:w1");
    CHECK("the last ones are known", has(reply(s, 0), "done already"));
}

/* The CMMS takes nothing just now: what is booked says why it is late, what only asks does not. */
static void test_late(void)
{
    struct scene *s = scene("p");

    s->tenant.cmms_away = true;
    say(s, "NOTE bearing replaced");
    CHECK("noted", has(reply(s, 0), "Note added") && has(reply(s, 0), "unreachable"));
    say(s, "STATUS");
    CHECK("asked", !has(reply(s, 0), "unreachable"));
    s->tenant.cmms_away = false;
    say(s, "NOTE bearing replaced");
    CHECK("back", !has(reply(s, 0), "unreachable"));
}

static void test_number_counts_as_tap(void)
{
    struct scene *s = scene("o");

    s->view.conversation.options[0] = STR("ack:w1");
    s->view.conversation.options[1] = STR("start:w1");
    s->view.conversation.noptions = 2;
    say(s, "2");
    CHECK_INT("started", s->plan.norders, 1);
    CHECK_INT("in progress", s->plan.orders[0]->status, ORDER_IN_PROGRESS);
}

/* ---- replies to an order's message ---- */

static void test_quoted(void)
{
    struct scene *s = scene("po");

    s->view.orders[1].flags |= VIEW_QUOTED;
    say(s, "ACK");
    CHECK_Z("the quoted one", s->plan.orders[0]->id, "w2");
    say(s, "llegaron las piezas");
    CHECK_INT("words are a note", s->plan.nevents, 1);
    CHECK_Z("note", s->plan.events[0].type, "gateway.workorder.note_added.v1");
    say(s, "hmm");
    CHECK_INT("one word: one question", s->plan.nevents, 0);
    CHECK_INT("with buttons", s->plan.messages[0].m.kind, MESSAGE_BUTTONS);
    say(s, "HELP");
    CHECK_Z("assistance", s->plan.messages[0].m.options[0].id, "escalate:w2");
}

/* ---- who may what ---- */

static void test_foreign_order(void)
{
    struct scene *s = scene("o");

    s->orders[0].assignees[0].id = STR("u2");
    s->view.orders[0].flags = VIEW_NAMED;
    say(s, "ACK WO-2024-001");
    CHECK_INT("not his", s->plan.norders, 0);
    CHECK("says so", has(reply(s, 0), "not assigned to you"));
    s->user.roles = ROLE_SUPERVISOR;
    s->user.site = s->orders[0].site = STR("north");
    say(s, "ACK WO-2024-001");
    CHECK_INT("his site's", s->plan.norders, 1);
}

static void test_stakeholder(void)
{
    struct scene *s = scene("o");

    s->user.roles = ROLE_STAKEHOLDER;
    say(s, "ACK");
    CHECK_INT("no commands", s->plan.norders, 0);
    CHECK("says so", has(reply(s, 0), "maintenance team"));
}

static void test_escalate(void)
{
    struct scene *s = scene("p");

    s->view.supervisor = &s->boss;
    say(s, "ESCALATE need a crane");
    CHECK_INT("two messages", s->plan.nmessages, 2);
    CHECK_Z("to the supervisor", s->plan.messages[0].m.user, "u9");
    CHECK("event", has(s->plan.events[0].data, "need a crane"));
    CHECK("the answer names her", has(reply(s, 1), "Maria"));
    s->view.supervisor = NULL;
    say(s, "ESCALATE");
    CHECK("without one", has(reply(s, 0), "No supervisor"));
}

/* ---- strangers, consent, language ---- */

static void test_stranger(void)
{
    struct scene *s = scene("");

    s->view.user = NULL;
    s->view.person = STR("~abc");
    say(s, "MY WORK");
    CHECK_INT("one answer", s->plan.nmessages, 1);
    CHECK("how to register", has(reply(s, 0), "Acme Plant"));
    s->view.conversation = *s->plan.conversation;
    say(s, "hello?");
    CHECK_INT("once a day", s->plan.nmessages, 0);
}

static void test_verifies_by_speaking(void)
{
    struct scene *s = scene("o");

    s->user.verified = false;
    say(s, "Hi");
    CHECK_INT("changed", s->plan.nusers, 1);
    CHECK("verified", s->plan.users[0]->verified);
    CHECK_Z("event", s->plan.events[0].type, "gateway.person.verified.v1");
    say(s, "ACK");
    CHECK_INT("a command goes on", s->plan.norders, 1);
    s->conf.require_code = true;
    say(s, "ACK");
    CHECK_INT("with the code demanded nothing happens", s->plan.norders + s->plan.nusers, 0);
    CHECK("told where", has(reply(s, 0), "https://wa.example.com/whatsapp/verify"));
}

static void test_stop_and_start(void)
{
    struct scene *s = scene("");

    say(s, "STOP");
    CHECK("off but for safety", s->plan.users[0]->opted_out == (((1u << CLASS_COUNT) - 1) & ~(1u << CLASS_EMERGENCY)));
    CHECK_Z("event", s->plan.events[0].type, "gateway.person.opted_out.v1");
    s->user.opted_out = s->plan.users[0]->opted_out;
    say(s, "START");
    CHECK_INT("in again", s->plan.users[0]->opted_out, 0);
    CHECK("a second START begins", has(reply(s, 0), "START"));
    say(s, "STOP ALL");
    CHECK("all", (s->plan.users[0]->opted_out & OPTED_OUT_ALL) != 0);
    s = scene("o");
    say(s, "STOP");
    CHECK_INT("with open orders: asked", s->plan.nusers, 0);
    CHECK_INT("a list", s->plan.messages[0].m.kind, MESSAGE_LIST);
    tap(s, "optout:assignments");
    CHECK_INT("one class", s->plan.users[0]->opted_out, 1u << CLASS_ASSIGNMENTS);
}

static void test_language(void)
{
    struct scene *s = scene("o");

    say(s, "LANGUAGE español");
    CHECK_Z("changed", s->plan.users[0]->language, "es");
    CHECK("answered in it", !has(reply(s, 0), "English"));
    say(s, "language klingon");
    CHECK_INT("unknown", s->plan.nusers, 0);
    s->user.language = STR("es");
    say(s, "TERMINAR WO-2024-001");
    CHECK("its words work", has(reply(s, 0), "WO-2024-001"));
}

static void test_my_work_pages(void)
{
    struct scene *s = scene("oooooo");

    for (size_t i = 0; i < 8; i++) { /* fourteen in all */
        struct order *o = ARENA_NEW(a, struct order);

        *o = s->orders[0];
        o->id = arena_printf(a, "x%zu", i);
        o->number = arena_printf(a, "WO-X%zu", i);
        o->priority = ORDER_PRIO_LOW;
        s->view.orders[s->view.norders++] = (struct view_order){o, VIEW_ASSIGNED};
    }
    say(s, "MY WORK");
    CHECK_INT("ten rows", s->plan.messages[0].m.noptions, 10);
    CHECK("more", has(reply(s, 0), "MORE"));
    s->view.conversation = *s->plan.conversation;
    say(s, "MORE");
    CHECK_INT("the rest", s->plan.messages[0].m.noptions, 4);
    s->view.conversation = *s->plan.conversation;
    say(s, "MORE");
    CHECK("the end", has(reply(s, 0), "nothing more"));
}

/* ---- files ---- */

static const struct {
    const char *label, *states, *caption, *quoted; /* quoted: number of the order whose message he answers, or NULL */
    const char *to;   /* the order that gets it; NULL: none yet */
    const char *says;
    size_t fetches;   /* 1: it is fetched */
} files[] = {
    {"the only one in progress",     "op",  "",                             NULL, "w2", "Got your photo", 1},
    {"else the only open one",       "c",   "",                             NULL, NULL, "no open work",   0},
    {"the only open one",            "o",   "",                             NULL, "w1", "WO-2024-001",    1},
    {"quoted before all others",     "op",  "WO-2024-002",                  "1",  "w1", "WO-2024-001",    1},
    {"named in the caption",         "pp",  "the seal of wo-2024-002, worn", NULL, "w2", "WO-2024-002",   1},
    {"a number alone",               "pp",  "WO-2024-001",                  NULL, "w1", "Got your photo", 1},
    {"a part's number is no order's", "pp", "bearing 6204",                 NULL, NULL, "Which work order", 1},
    {"several in progress",          "pp",  "",                             NULL, NULL, "Which work order", 1},
    {"no such order",                "oo",  "WO-9999-777",                  NULL, NULL, "WO-9999-777",    1},
    {"a command too",                "oo",  "START WO-2024-002",            NULL, "w2", "started",        1},
    {"done, quoted",                 "p",   "done",                         "1",  "w1", "completed",      1},
};

static void photo(struct scene *s, const char *caption)
{
    s->in.type = INBOUND_MEDIA;
    s->in.type_name = STR("image");
    s->in.media.mime = STR("image/jpeg");
    s->in.text = str_of(caption);
    decide(s);
}

static void test_files(void)
{
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        struct scene *s = scene(files[i].states);
        const struct medium *m;

        if (files[i].quoted != NULL) {
            s->view.orders[files[i].quoted[0] - '1'].flags |= VIEW_QUOTED;
        }
        photo(s, files[i].caption);
        CHECK_INT(files[i].label, s->plan.nmedia, files[i].fetches);
        CHECK(files[i].label, has(reply(s, 0), files[i].says));
        if (s->plan.nmedia == 1) {
            m = s->plan.media[0].medium;
            CHECK_Z(files[i].label, m->order_id, files[i].to != NULL ? files[i].to : "");
            CHECK(files[i].label, str_starts(s->plan.media[0].todo, STR("fetch ")));
            CHECK_INT(files[i].label, s->plan.conversation != NULL && s->plan.conversation->nmedia == 1,
                      files[i].to == NULL);
        }
    }
}

/* Several wait for one answer; later than 15 minutes they are forgotten. */
static void test_files_wait(void)
{
    struct scene *s = scene("oo");

    photo(s, "");
    s->view.conversation = *s->plan.conversation;
    photo(s, "");
    CHECK("not asked again", has(reply(s, 0), "2 files wait"));
    CHECK_INT("both", s->plan.conversation->nmedia, 2);
    s->view.conversation = *s->plan.conversation;
    tap(s, "pick:media:w2");
    CHECK("told", has(reply(s, 0), "2 files") && has(reply(s, 0), "WO-2024-002"));
    CHECK_INT("both go there", s->plan.nmedia, 2);
    CHECK("by items of theirs", str_starts(s->plan.media[0].todo, STR("attach ")) && s->plan.media[0].medium == NULL);
    say(s, "001");
    CHECK("typed", has(reply(s, 0), "WO-2024-001") && s->plan.nmedia == 2);
    s->view.conversation.media_at.ms -= QUESTION_MS;
    tap(s, "pick:media:w2");
    CHECK("too late", has(reply(s, 0), "expired") && s->plan.nmedia == 0);
    s->view.conversation.media_at.ms += QUESTION_MS;
    s->view.conversation.nmedia = CONVERSATION_MEDIA_MAX;
    photo(s, "");
    CHECK("no more than that", has(reply(s, 0), "already") && s->plan.nmedia == 0);
    s->user.roles = ROLE_STAKEHOLDER;
    photo(s, "");
    CHECK_INT("a stakeholder's", s->plan.nmedia, 0);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        TEST(test_rows),           TEST(test_asks_which_and_remembers), TEST(test_note_waits_for_its_order),
        TEST(test_note_without_text_asks), TEST(test_words_behind_complete), TEST(test_complete_of_none_begun), TEST(test_words_wait), TEST(test_taps), TEST(test_tapped_twice), TEST(test_late),             TEST(test_number_counts_as_tap),
        TEST(test_quoted),         TEST(test_foreign_order),            TEST(test_stakeholder),
        TEST(test_escalate),       TEST(test_stranger),                 TEST(test_verifies_by_speaking),
        TEST(test_stop_and_start), TEST(test_language),                 TEST(test_my_work_pages),
        TEST(test_files), TEST(test_files_wait),
    };
    struct err err = {0};
    int code;

    if (!i18n_new(NULL, &i18n, &err)) {
        printf("%s\n", err.msg);
        return 1;
    }
    a = arena_new();
    code = test_main(argc, argv, tests, ARRAY_LEN(tests));
    arena_free(&a);
    i18n_free(&i18n);
    return code;
}
