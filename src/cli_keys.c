/* cli_keys: `crewline keys create|list|revoke`. The secret alone goes to stdout, once. */
#include "main.h"

#include "base/mem.h"
#include "domain/api_key.h"

#include <stdio.h>
#include <stdlib.h>

#define NAME_MAX_BYTES 200

struct keys_command {
    struct arena *a;
    struct engine_tenant *et;
    struct api_key key;
    unsigned role; /* of the key to be made */
    struct buf secret;
    struct op *pending;
};

static struct engine_tenant *tenant_of(struct command *c)
{
    struct str id = args_flag(c->args, "--tenant");
    struct engine_tenant *et =
        id.n > 0 ? engine_tenant_find(c->engine, id) : engine_tenant_at(c->engine, 0);

    if (et == NULL) {
        fprintf(stderr, "crewline: there is no tenant \"%.*s\"\n", STR_ARG(id));
        command_end(c, EXIT_FAIL);
    }
    return et;
}

static void print_json(const struct api_key *key, struct str secret)
{
    struct buf text;
    struct jw w;

    buf_init(&text, 4096);
    jw_init(&w, &text);
    api_key_write(key, secret, &w, NULL);
    printf("%.*s\n", STR_ARG(buf_str(&text)));
    buf_fini(&text);
}

static void on_created(void *ctx, const struct err *err, const struct commit_outcome *outcome)
{
    struct command *c = ctx;
    struct keys_command *k = c->user;

    (void)outcome;
    k->pending = NULL;
    if (err != NULL) {
        fprintf(stderr, "crewline: the key was not stored: %s\n", err->msg);
        command_end(c, EXIT_UNAVAILABLE);
        return;
    }
    if (args_has(c->args, "--json")) {
        print_json(&k->key, buf_str(&k->secret));
    } else {
        printf("%.*s\n", STR_ARG(buf_str(&k->secret)));
    }
    command_end(c, EXIT_OK);
}

static void create(struct command *c)
{
    struct keys_command *k = c->user;
    struct str name = args_flag(c->args, "--name");
    struct commit *commit;

    k->et = tenant_of(c);
    if (k->et == NULL) {
        return;
    }
    api_key_make(k->a, engine_tenant(k->et)->id, name, k->role,
                 !args_has(c->args, "--no-broadcast"), &k->key, &k->secret);
    commit = commit_new(engine_tenant(k->et)->id);
    commit_once(commit, k->key.id);
    api_key_put(&k->key, commit);
    k->pending = commit_run(engine_store(c->engine), &commit, on_created, c);
}

/* Ids begin with the time: the oldest first. */
static int by_id(const void *a, const void *b)
{
    return str_cmp(((const struct api_key *)a)->id, ((const struct api_key *)b)->id);
}

static void print_line(const struct api_key *key)
{
    char at[WALL_TEXT_BYTES];

    printf("%.*s  %-6s  %s  %.*s\n", STR_ARG(key->id), api_key_role_name(key->role),
           wall_format(key->created, at), STR_ARG(key->name));
}

static void on_list(void *ctx, const struct err *err, const struct reply *reply)
{
    struct command *c = ctx;
    struct keys_command *k = c->user;
    struct api_key *keys;
    size_t n = 0;

    k->pending = NULL;
    if (err != NULL) {
        fprintf(stderr, "crewline: %s\n", err->msg);
        command_end(c, EXIT_UNAVAILABLE);
        return;
    }
    keys = ARENA_ARRAY(k->a, struct api_key, reply_len(reply) / 2 + 1);
    for (size_t i = 1; i < reply_len(reply); i += 2) {
        n += api_key_decode(k->a, reply_str(reply_at(reply, i)), &keys[n]) ? 1 : 0;
    }
    qsort(keys, n, sizeof(*keys), by_id);
    for (size_t i = 0; i < n; i++) {
        if (args_has(c->args, "--json")) {
            print_json(&keys[i], STR_NONE);
        } else {
            print_line(&keys[i]);
        }
    }
    command_end(c, EXIT_OK);
}

static void list(struct command *c)
{
    struct keys_command *k = c->user;
    struct call call;

    k->et = tenant_of(c);
    if (k->et == NULL) {
        return;
    }
    call_init(&call);
    call_str(&call, STR("HGETALL"));
    call_str(&call, arena_printf(k->a, "{%.*s}:ak", STR_ARG(engine_tenant(k->et)->id)));
    k->pending = store_run(engine_store(c->engine), &call, on_list, c);
}

static void on_revoked(void *ctx, const struct err *err, const struct reply *reply)
{
    struct command *c = ctx;
    struct keys_command *k = c->user;

    k->pending = NULL;
    if (err != NULL) {
        fprintf(stderr, "crewline: %s\n", err->msg);
        command_end(c, EXIT_UNAVAILABLE);
    } else if (reply_int(reply) == 0) {
        fprintf(stderr, "crewline: there is no such key\n");
        command_end(c, EXIT_FAIL);
    } else {
        command_end(c, EXIT_OK);
    }
}

static void revoke(struct command *c)
{
    struct keys_command *k = c->user;
    struct call call;

    k->et = tenant_of(c);
    if (k->et == NULL) {
        return;
    }
    call_init(&call);
    call_str(&call, STR("HDEL"));
    call_str(&call, arena_printf(k->a, "{%.*s}:ak", STR_ARG(engine_tenant(k->et)->id)));
    call_str(&call, str_of(c->args->rest[1]));
    k->pending = store_run(engine_store(c->engine), &call, on_revoked, c);
}

int cmd_keys(const struct args *a)
{
    struct keys_command k = {0};
    struct str what = a->nrest > 0 ? str_of(a->rest[0]) : STR_NONE;
    void (*run)(struct command * c) = str_eqz(what, "create") && a->nrest == 1   ? create
                                      : str_eqz(what, "list") && a->nrest == 1   ? list
                                      : str_eqz(what, "revoke") && a->nrest == 2 ? revoke
                                                                                 : NULL;
    int code;

    if (run == NULL) {
        fprintf(stderr, "usage: crewline keys create --tenant T --role cmms|admin|viewer --name N "
                        "| list | revoke ID\n");
        return EXIT_USAGE;
    }
    if (run == create &&
        (!api_key_role_parse(args_flag(a, "--role"), &k.role) || args_flag(a, "--name").n == 0 ||
         args_flag(a, "--name").n > NAME_MAX_BYTES)) {
        fprintf(
            stderr,
            "crewline: keys create needs --role cmms|admin|viewer and --name NAME (to %d bytes)\n",
            NAME_MAX_BYTES);
        return EXIT_USAGE;
    }
    k.a = arena_new();
    buf_init(&k.secret, 512);
    code = command_run(a, &(const struct command_hooks){.on_ready = run}, &k);
    mem_wipe(k.secret.p, k.secret.n);
    buf_fini(&k.secret);
    arena_free(&k.a);
    return code;
}
