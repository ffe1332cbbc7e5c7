/*
 * cli_prove: `crewline prove`: balances the books of all tenants or of one (jobs/books.h), beside
 * running gateways or without. Exit 0: every accepted input is in exactly one end state; 1: the ids
 * of those that are not are told.
 */
#include "cli_evidence.h"
#include "main.h"

#include "base/mem.h"
#include "jobs/books.h"

#include <stdio.h>

struct prove {
    struct command *c;
    struct op *pending;
    struct wall since;
    size_t at; /* tenant */
    int64_t unbalanced;
    bool json;
    struct buf out; /* --json */
    struct jw w;
};

static const struct tenant *tenant(const struct prove *p)
{
    return engine_tenant(engine_tenant_at(p->c->engine, p->at));
}

static void on_found(void *ctx, const char *kind, struct str id, const char *reason)
{
    struct prove *p = ctx;

    if (p->json) {
        jw_open(&p->w, NULL, '{');
        jw_z(&p->w, "kind", kind);
        jw_str(&p->w, "id", id);
        jw_z(&p->w, "reason", reason);
        jw_close(&p->w, '}');
    } else {
        printf("%.*s: %s %.*s does not balance: %s\n", STR_ARG(tenant(p)->id), kind, STR_ARG(id),
               reason);
    }
}

static void next_tenant(struct prove *p);

/* One line a kind: "  inputs 17: 12 done, 5 waiting". */
static void print_counts(const struct prove *p, const struct books_result *r)
{
    const char *kind = "";

    printf("%.*s: %s\n", STR_ARG(tenant(p)->id),
           r->unbalanced == 0 ? "balanced" : "does not balance");
    for (int s = 0; s < BOOKS_STATES; s++) {
        bool first = strcmp(kind, books_kind(s)) != 0;
        int64_t all = 0;

        kind = books_kind(s);
        for (int k = s; first && k < BOOKS_STATES && strcmp(kind, books_kind(k)) == 0; k++) {
            all += r->counts[k];
        }
        if (first) {
            printf("%s  %-8s %lld:", s > 0 ? "\n" : "", kind, (long long)all);
        }
        printf("%s %lld %s", first ? "" : ",", (long long)r->counts[s], books_word(s));
    }
    printf("\n");
}

static void write_counts(struct prove *p, const struct books_result *r)
{
    const char *kind = "";

    jw_close(&p->w, ']');
    for (int s = 0; s < BOOKS_STATES; s++) {
        if (strcmp(kind, books_kind(s)) != 0) {
            if (s > 0) {
                jw_close(&p->w, '}');
            }
            kind = books_kind(s);
            jw_open(&p->w, kind, '{');
        }
        jw_int(&p->w, books_word(s), r->counts[s]);
    }
    jw_close(&p->w, '}');
    jw_close(&p->w, '}');
}

static void on_proved(void *ctx, const struct err *err, const struct books_result *r)
{
    struct prove *p = ctx;

    p->pending = NULL;
    if (err != NULL) {
        fprintf(stderr, "crewline: the books could not be read to their end: %s\n", err->msg);
        command_end(p->c, EXIT_UNAVAILABLE);
        return;
    }
    p->unbalanced += r->unbalanced;
    if (p->json) {
        write_counts(p, r);
    } else {
        print_counts(p, r);
    }
    p->at++;
    next_tenant(p);
}

static void finish(struct prove *p)
{
    if (p->json) {
        jw_close(&p->w, ']');
        jw_bool(&p->w, "balanced", p->unbalanced == 0);
        jw_close(&p->w, '}');
        printf("%.*s\n", STR_ARG(buf_str(&p->out)));
    }
    command_end(p->c, p->unbalanced == 0 ? EXIT_OK : EXIT_FAIL);
}

static void next_tenant(struct prove *p)
{
    struct str only = args_flag(p->c->args, "--tenant");
    struct books_options o = {p->since, on_found, on_proved, p};

    while (p->at < engine_tenants(p->c->engine) && only.n > 0 && !str_eq(only, tenant(p)->id)) {
        p->at++;
    }
    if (p->at == engine_tenants(p->c->engine)) {
        finish(p);
        return;
    }
    if (p->json) {
        jw_open(&p->w, NULL, '{');
        jw_str(&p->w, "id", tenant(p)->id);
        jw_open(&p->w, "unbalanced", '[');
    }
    p->pending = books_prove(p->c->engine, engine_tenant_at(p->c->engine, p->at), &o);
}

static void on_ready(struct command *c)
{
    struct prove *p = c->user;
    struct str only = args_flag(c->args, "--tenant");

    p->c = c;
    if (only.n > 0 && engine_tenant_find(c->engine, only) == NULL) {
        fprintf(stderr, "crewline: there is no tenant \"%.*s\"\n", STR_ARG(only));
        command_end(c, EXIT_FAIL);
        return;
    }
    if (p->json) {
        jw_init(&p->w, &p->out);
        jw_open(&p->w, NULL, '{');
        jw_open(&p->w, "tenants", '[');
    }
    next_tenant(p);
}

static void on_end(struct command *c)
{
    op_cancel(&((struct prove *)c->user)->pending);
}

int cmd_prove(const struct args *a)
{
    static const struct command_hooks hooks = {.on_ready = on_ready, .on_end = on_end};
    struct prove p = {.json = args_has(a, "--json")};
    struct str since = args_flag(a, "--since");
    struct str order = args_flag(a, "--order");
    int code;

    if (order.n > 0) {
        return prove_order(a, order);
    }
    if (since.n > 0 && !args_time(since, &p.since)) {
        fprintf(stderr, "crewline: --since is \"%.*s\"; it is " ARGS_TIME_FORMS "\n",
                STR_ARG(since));
        return EXIT_USAGE;
    }
    buf_init(&p.out, (size_t)256 << 20);
    code = command_run(a, &hooks, &p);
    buf_fini(&p.out);
    return code;
}
