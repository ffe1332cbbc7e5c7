/* cli_check: `crewline check`, `migrate`, `completion`: tables of ok, warn, fail for people. */
#include "main.h"

#include "base/mem.h"
#include "jobs/templates.h"

#include <stdio.h>

#define CONFIGURATION_READ "read, every key known"

struct check_command {
    struct arena *a;
    size_t waiting, failed;
};

struct probe {
    struct command *c;
    const struct tenant *tenant;
    const struct sender *sender;
};

static void line(struct check_command *k, const char *verdict, const char *what, const char *detail)
{
    printf("%-5s %-28s %s\n", verdict, what, detail);
    if (strcmp(verdict, "fail") == 0) {
        k->failed++;
    }
}

static void done_one(struct command *c)
{
    struct check_command *k = c->user;

    if (--k->waiting == 0) {
        command_end(c, k->failed == 0 ? EXIT_OK : EXIT_FAIL);
    }
}

static void on_probed(void *ctx, const struct err *err, const struct http_answer *answer)
{
    struct probe *p = ctx;
    struct check_command *k = p->c->user;
    char what[120], detail[300];

    snprintf(what, sizeof(what), "%.*s/%.*s", STR_ARG(p->tenant->id), STR_ARG(p->sender->id));
    if (err != NULL) {
        line(k, "fail", what, err->msg);
    } else if (answer->status >= 200 && answer->status < 300) {
        line(k, "ok", what, "the provider accepts the credentials");
    } else {
        struct outcome o = {0};

        provider_of(p->sender->provider)->outcome(k->a, answer->status, answer->body, 0, NULL, &o);
        snprintf(detail, sizeof(detail), "the provider answered %d: %.*s; %.*s", answer->status,
                 STR_ARG(o.title), STR_ARG(o.advice));
        line(k, "fail", what, detail);
    }
    done_one(p->c);
}

static void check_sender(struct command *c, const struct tenant *t, const struct sender *s)
{
    struct check_command *k = c->user;
    struct probe *p = ARENA_NEW(k->a, struct probe);
    struct outgoing out = {0};
    struct http_call call;

    *p = (struct probe){c, t, s};
    if (!provider_of(s->provider)->probe(k->a, s, &out)) {
        return;
    }
    call = outgoing_call(&out, HTTP_IDEMPOTENT, 10000);
    k->waiting++;
    http_call_start(engine_http(c->engine), &call, on_probed, p);
}

/* ---- templates ---- */

struct approvals {
    struct command *c;
    const struct tenant *tenant;
    struct str account;
};

static enum template_status stored(struct arena *a, const struct reply *reply, struct str key)
{
    struct template_state s;
    struct err err = {0};

    for (size_t i = 0; i + 1 < reply_len(reply); i += 2) {
        if (str_eq(reply_str(reply_at(reply, i)), key)) {
            return template_state_decode(a, reply_str(reply_at(reply, i + 1)), &s, &err)
                       ? s.status
                       : TEMPLATE_UNKNOWN;
        }
    }
    return TEMPLATE_UNKNOWN;
}

/* As the gateway has heard last; "65 of 76 approved, 3 paused, …". */
static void on_approvals(void *ctx, const struct err *err, const struct reply *reply)
{
    struct approvals *p = ctx;
    struct check_command *k = p->c->user;
    const struct templates *all = p->tenant->templates;
    size_t counts[TEMPLATE_MISSING + 1] = {0}, n = templates_count(all), used;
    char what[160], detail[300];

    snprintf(what, sizeof(what), "%.*s templates", STR_ARG(p->tenant->id));
    if (err != NULL) {
        line(k, "fail", what, err->msg);
        done_one(p->c);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        const struct template_def *d = templates_at(all, i);

        counts[stored(k->a, reply,
                      arena_printf(k->a, "%.*s|%.*s", STR_ARG(d->name), STR_ARG(d->language)))]++;
    }
    used = (size_t)snprintf(detail, sizeof(detail), "account %.*s: %zu of %zu approved",
                            STR_ARG(str_slice(p->account, 0, 60)), counts[TEMPLATE_APPROVED], n);
    for (int s = TEMPLATE_UNKNOWN; s <= TEMPLATE_MISSING; s++) {
        if (s != TEMPLATE_APPROVED && counts[s] > 0) {
            used += (size_t)snprintf(detail + used, sizeof(detail) - used, ", %zu %s", counts[s],
                                     template_status_name((enum template_status)s));
        }
    }
    if (counts[TEMPLATE_APPROVED] < n) {
        snprintf(detail + used, sizeof(detail) - used, "; POST /api/v1/templates/sync registers");
    }
    line(k, counts[TEMPLATE_APPROVED] == n ? "ok" : "warn", what, detail);
    done_one(p->c);
}

static void check_templates(struct command *c, const struct tenant *t, struct engine_tenant *et)
{
    struct check_command *k = c->user;
    struct template_account accounts[16];
    size_t n = templates_accounts(et, accounts, ARRAY_LEN(accounts));
    char what[100];

    if (n == 0 && t->conf->nsenders > 0) {
        snprintf(what, sizeof(what), "%.*s templates", STR_ARG(t->id));
        line(k, "warn", what,
             "no sender has business_account_id: outside the 24-hour window nothing can be sent");
    }
    for (size_t i = 0; i < n; i++) {
        struct approvals *p = ARENA_NEW(k->a, struct approvals);
        struct call call;

        *p = (struct approvals){c, t, accounts[i].id};
        call_init(&call);
        call_str(&call, STR("HGETALL"));
        call_str(&call,
                 arena_printf(k->a, "{%.*s}:ap:%.*s", STR_ARG(t->id), STR_ARG(accounts[i].id)));
        k->waiting++;
        store_run(engine_store(c->engine), &call, on_approvals, p);
    }
}

static void check_url(struct check_command *k, struct str url)
{
    char detail[300];

    snprintf(detail, sizeof(detail), "%.*s", STR_ARG(str_slice(url, 0, 200)));
    if (str_starts(url, STR("https://"))) {
        line(k, "ok", "public_url", detail);
    } else {
        line(k, "warn", "public_url", "it is not https: providers will not call it");
    }
}

static void on_ready(struct command *c)
{
    struct check_command *k = c->user;
    const char *reason = NULL;
    enum store_health health = store_health(engine_store(c->engine), &reason);

    line(k, "ok", "configuration", CONFIGURATION_READ);
    if (health == STORE_WEAK) {
        line(k, "fail", "redis", reason);
    } else {
        line(k, "ok", "redis", "reached; it keeps what was asked for");
    }
    check_url(k, c->settings->public_url);
    k->waiting = 1;
    for (size_t i = 0; i < engine_tenants(c->engine); i++) {
        const struct tenant *t = engine_tenant(engine_tenant_at(c->engine, i));
        char what[100];

        snprintf(what, sizeof(what), "tenant %.*s", STR_ARG(t->id));
        line(k, t->conf->nsenders > 0 ? "ok" : "warn", what,
             t->conf->nsenders > 0 ? "its data key opens"
                                   : "it has no sender: nothing can be sent or received");
        line(k, t->conf->callback_url.n > 0 ? "ok" : "warn", what,
             t->conf->callback_url.n > 0 ? "events go to its callback URL"
                                         : "no callback URL: the CMMS must poll /api/v1/outbox");
        for (size_t n = 0; n < t->conf->nsenders; n++) {
            check_sender(c, t, &t->conf->senders[n]);
        }
        check_templates(c, t, engine_tenant_at(c->engine, i));
    }
    done_one(c);
}

/* The table ends here: what comes behind needs it. */
static int on_down(struct command *c, const char *what, const char *reason)
{
    struct check_command *k = c->user;

    if (strcmp(what, "configuration") != 0) {
        line(k, "ok", "configuration", CONFIGURATION_READ);
    }
    line(k, "fail", what, reason);
    return EXIT_FAIL;
}

int cmd_check(const struct args *a)
{
    struct check_command k = {.a = arena_new()};
    int code =
        command_run(a, &(const struct command_hooks){.on_ready = on_ready, .on_down = on_down}, &k);

    arena_free(&k.a);
    return code;
}

/* ---- migrate: opening the store migrates; here it is only told ---- */

static void on_migrated(struct command *c)
{
    for (size_t i = 0; i < engine_tenants(c->engine); i++) {
        struct engine_tenant *et = engine_tenant_at(c->engine, i);

        printf("%.*s: schema %lld, this version writes %d\n", STR_ARG(engine_tenant(et)->id),
               (long long)engine_schema(et), ENGINE_SCHEMA);
    }
    command_end(c, EXIT_OK);
}

int cmd_migrate(const struct args *a)
{
    return command_run(a, &(const struct command_hooks){.on_ready = on_migrated}, NULL);
}

int cmd_completion(const struct args *a)
{
    if (a->nrest != 1 || strcmp(a->rest[0], "bash") != 0) {
        fprintf(stderr, "usage: crewline completion bash\n");
        return EXIT_USAGE;
    }
    printf(
        "_crewline() {\n"
        "  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} words=\n"
        "  COMPREPLY=()\n"
        "  case $prev in\n"
        "    --config|--data-dir|--config-dir) COMPREPLY=($(compgen -f -- \"$cur\")); return;;\n"
        "    --role) COMPREPLY=($(compgen -W 'cmms admin viewer' -- \"$cur\")); return;;\n"
        "    --kind) COMPREPLY=($(compgen -W 'callback inbound message' -- \"$cur\")); return;;\n"
        "    --log-level) COMPREPLY=($(compgen -W 'debug info warn error' -- \"$cur\")); return;;\n"
        "    "
        "--tenant|--since|--until|--type|--subject|--user|--reason|--name|--to|--text|--texts|--"
        "title|--send-at|--expires-at|--confirm|--listen|--"
        "redis-url|--public-url) return;;\n"
        "    import) COMPREPLY=($(compgen -f -- \"$cur\")); return;;\n"
        "  esac\n"
        "  if [ \"$COMP_CWORD\" = 1 ]; then\n"
        "    words='serve check keys users send-test broadcast replay prove migrate completion "
        "--help "
        "--version'\n"
        "  else\n"
        "    case ${COMP_WORDS[1]} in\n"
        "      keys) words='create list revoke --tenant --role --name --json --no-broadcast';;\n"
        "      users) words='import --tenant';;\n"
        "      send-test) words='--to --text --tenant';;\n"
        "      broadcast) words='show cancel resend --to --text --texts --title --priority --ask "
        "--send-at "
        "--expires-at --confirm --dry-run --json --tenant';;\n"
        "      replay) words='--all --kind --type --subject --user --reason --since --until "
        "--dry-run --tenant';;\n"
        "      prove) words='--since --tenant --json --order --seal';;\n"
        "      migrate) words='--status';;\n"
        "      completion) words='bash';;\n"
        "      serve) words='--listen --public-url --log-level';;\n"
        "    esac\n"
        "    [ \"${COMP_WORDS[1]}\" = completion ] || words=\"$words --config --data-dir "
        "--redis-url --help\"\n"
        "  fi\n"
        "  COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
        "}\n"
        "complete -F _crewline crewline\n");
    return EXIT_OK;
}
