#include <stdio.h>

#include "base/mem.h"

#include "store_int.h"

/*
 * What is said first on a connection, in one write: who we are, whether this is a master, what it
 * does with what it accepts, and our scripts. Calls follow when all of it is answered.
 */
enum hello_step {
    HELLO_AUTH,
    HELLO_GUIDE_AUTH,
    HELLO_SENTINEL,
    HELLO_MAP,
    HELLO_SELECT,
    HELLO_NAME,
    HELLO_ROLE,
    HELLO_APPENDONLY,
    HELLO_APPENDFSYNC,
    HELLO_MAXMEMORY,
    HELLO_SCRIPT /* + index */
};

static void fail(struct conn *c, const char *what, struct str why)
{
    struct hello *h = &c->hello;

    if (!h->failed) {
        h->failed = true;
        snprintf(h->why, sizeof(h->why), "%s: %.*s", what, (int)(why.n < 200 ? why.n : 200), why.p);
    }
}

static void on_error(struct conn *c, enum hello_step step, struct str text)
{
    if (store_action_of(text) == ACT_WAIT && c->node != NULL) {
        c->hello.loading = true;
        return;
    }
    if (str_starts(text, STR("NOAUTH"))) {
        /* Whatever it says next: before AUTH it takes no script over 16 KB either. */
        fail(c, "it wants user and password", text);
        return;
    }
    switch (step) {
    case HELLO_AUTH:
        fail(c, "it refuses user or password", text);
        break;
    case HELLO_SELECT:
        fail(c, "it refuses the database", text);
        break;
    case HELLO_MAP:
        fail(c, "it refuses to tell the map of the cluster", text);
        break;
    case HELLO_SENTINEL:
        fail(c, "it refuses to tell the master", text);
        break;
    case HELLO_GUIDE_AUTH: /* a Sentinel may have no password though its servers have one */
    case HELLO_NAME:
    case HELLO_ROLE:
        /* A convenience, and a check that an ACL may forbid. If it hangs up next, this was why. */
        if (c->hello.why[0] == '\0') {
            snprintf(c->hello.why, sizeof(c->hello.why), "%.*s", STR_ARG(text));
        }
        break;
    case HELLO_APPENDONLY:
    case HELLO_APPENDFSYNC:
    case HELLO_MAXMEMORY:
        c->hello.policy_hidden = true;
        break;
    default:
        fail(c, scripts_at((size_t)(step - HELLO_SCRIPT))->name, text);
    }
}

/* CONFIG GET answers {name, value}, or {} for a name that it does not know. */
static void take_setting(struct conn *c, const struct reply *r, char *out, size_t out_bytes)
{
    struct str value = reply_str(reply_at(r, 1));

    if (value.n == 0) {
        c->hello.policy_hidden = true;
    }
    snprintf(out, out_bytes, "%.*s", STR_ARG(value));
}

static void take(struct conn *c, enum hello_step step, const struct reply *r)
{
    struct hello *h = &c->hello;

    switch (step) {
    case HELLO_ROLE:
        if (reply_len(r) > 0 && !str_eqz(reply_str(reply_at(r, 0)), "master")) {
            fail(c, "it is not a master, its role is", reply_str(reply_at(r, 0)));
        }
        break;
    case HELLO_SENTINEL:
        if (!sentinel_take(c, r)) {
            fail(c, "it knows no master of the name", str_of(c->s->url.master));
        }
        break;
    case HELLO_MAP:
        if (!cluster_take(c, r)) {
            fail(c, "its map of the cluster is", STR("empty"));
        }
        break;
    case HELLO_APPENDONLY:
        take_setting(c, r, h->appendonly, sizeof(h->appendonly));
        break;
    case HELLO_APPENDFSYNC:
        take_setting(c, r, h->appendfsync, sizeof(h->appendfsync));
        break;
    case HELLO_MAXMEMORY:
        take_setting(c, r, h->maxmemory_policy, sizeof(h->maxmemory_policy));
        break;
    default:
        break;
    }
}

static void on_hello(redisAsyncContext *ac, void *reply, void *privdata)
{
    struct conn *c = ac->data;
    enum hello_step step = (enum hello_step)(intptr_t)privdata;
    const struct reply *error;

    conn_answered(c);
    if (reply == NULL || c->s->closing) {
        return;
    }
    error = reply_failure(reply);
    if (error != NULL) {
        on_error(c, step, reply_error_text(error));
    } else {
        take(c, step, reply);
    }
    if (--c->hello.due == 0) {
        conn_hello_done(c);
    }
}

static void say(struct conn *c, enum hello_step step, struct str a, struct str b, struct str d)
{
    const struct str words[] = {a, b, d};
    struct call call;

    call_init(&call);
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (words[i].p != NULL) {
            call_str(&call, words[i]);
        }
    }
    c->hello.due++;
    conn_send_call(c, &call, on_hello, (void *)(intptr_t)step);
}

static void say_auth_as(struct conn *c, enum hello_step step)
{
    const struct store_url *u = &c->s->url;

    if (u->password == NULL) {
        return;
    }
    if (u->user != NULL) {
        say(c, step, STR("AUTH"), str_of(u->user), str_of(u->password));
    } else {
        say(c, step, STR("AUTH"), str_of(u->password), STR_NONE);
    }
}

static void say_auth(struct conn *c)
{
    say_auth_as(c, HELLO_AUTH);
}

void hello_main(struct conn *c)
{
    char db[24];

    say_auth(c);
    if (c->s->url.db != 0) {
        snprintf(db, sizeof(db), "%d", (int)c->s->url.db);
        say(c, HELLO_SELECT, STR("SELECT"), str_of(db), STR_NONE);
    }
    say(c, HELLO_NAME, STR("CLIENT"), STR("SETNAME"), STR("crewline"));
    say(c, HELLO_ROLE, STR("ROLE"), STR_NONE, STR_NONE);
    say(c, HELLO_APPENDONLY, STR("CONFIG"), STR("GET"), STR("appendonly"));
    say(c, HELLO_APPENDFSYNC, STR("CONFIG"), STR("GET"), STR("appendfsync"));
    say(c, HELLO_MAXMEMORY, STR("CONFIG"), STR("GET"), STR("maxmemory-policy"));
    for (size_t i = 0; i < scripts_count(); i++) {
        const struct script *s = scripts_at(i);

        say(c, (enum hello_step)(HELLO_SCRIPT + i), STR("SCRIPT"), STR("LOAD"),
            str_make(s->text, s->bytes));
    }
}

void hello_sub(struct conn *c)
{
    say_auth(c);
    say(c, HELLO_NAME, STR("CLIENT"), STR("SETNAME"), STR("crewline-sub"));
}

void hello_sentinel(struct conn *c)
{
    say_auth_as(c, HELLO_GUIDE_AUTH);
    say(c, HELLO_SENTINEL, STR("SENTINEL"), STR("GET-MASTER-ADDR-BY-NAME"),
        str_of(c->s->url.master));
}

void hello_map(struct conn *c)
{
    say_auth(c);
    say(c, HELLO_MAP, STR("CLUSTER"), STR("SLOTS"), STR_NONE);
}

static void on_loaded(redisAsyncContext *ac, void *reply, void *privdata)
{
    struct conn *c = ac->data;
    size_t i = (size_t)(intptr_t)privdata;
    const struct reply *error = reply == NULL ? NULL : reply_failure(reply);

    conn_answered(c);
    if (error == NULL || c->s->closing) {
        return;
    }
    if (store_action_of(reply_error_text(error)) == ACT_FAIL) {
        /* Asked again and again it would go round until every deadline: let people read why. */
        conn_drop(c, "it refuses the script %s: %.*s", scripts_at(i)->name,
                  STR_ARG(reply_error_text(error)));
        return;
    }
    c->node->script_missing[i] = true;
}

void hello_load_script(struct conn *c, size_t script)
{
    struct call call;

    call_init(&call);
    call_str(&call, STR("SCRIPT"));
    call_str(&call, STR("LOAD"));
    call_str(&call, str_make(scripts_at(script)->text, scripts_at(script)->bytes));
    conn_send_call(c, &call, on_loaded, (void *)(intptr_t)script);
}

static void add_fault(struct buf *out, const char *name, const char *is, const char *must)
{
    if (is[0] != '\0' && strcmp(is, must) != 0) {
        buf_addf(out, "%s%s is \"%s\" and must be \"%s\"", out->n == 0 ? "" : ", ", name, is, must);
    }
}

void hello_policy(const struct hello *h, enum store_durability asked, const char *where, char *out,
                  size_t out_bytes)
{
    struct buf faults;

    buf_init(&faults, REASON_BYTES);
    if (asked == STORE_ALWAYS) {
        add_fault(&faults, "appendonly", h->appendonly, "yes");
        add_fault(&faults, "appendfsync", h->appendfsync, "always");
    }
    add_fault(&faults, "maxmemory-policy", h->maxmemory_policy, "noeviction");
    out[0] = '\0';
    if (faults.n > 0) {
        snprintf(
            out, out_bytes,
            "redis at %s may lose accepted work: %s; change it in redis.conf or with CONFIG SET%s",
            where, faults.p, asked == STORE_ALWAYS ? ", or ask for durability \"relaxed\"" : "");
    } else if (h->policy_hidden && asked == STORE_ALWAYS) {
        snprintf(
            out, out_bytes,
            "redis at %s does not tell whether it keeps what it accepts (CONFIG GET is refused): "
            "allow it to this user (ACL +config|get) or ask for durability \"relaxed\"",
            where);
    }
    buf_fini(&faults);
}
