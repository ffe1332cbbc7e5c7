/* templates: what others may wish of a tenant's templates and read of them; the work itself is
 * template_sync.c's. */
#include "jobs/templates.h"

#include "approvals.h"
#include "base/log.h"

#include <stdio.h>

/* ---- wishes ---- */

void templates_want(struct commit *c)
{
    char now[24];
    int n = snprintf(now, sizeof(now), "%lld", (long long)wall_now().ms);

    commit_hset(c, STR("ts"), STR("want"), str_make(now, (size_t)n));
    commit_hdel(c, STR("ts"), STR("later"));
}

void templates_unwant(struct arena *a, struct commit *c, struct str name)
{
    commit_hset(c, STR("ts"), arena_printf(a, "rm|%.*s", STR_ARG(name)), STR("1"));
}

/* ---- reading ---- */

size_t templates_accounts(const struct engine_tenant *et, struct template_account *out, size_t max)
{
    const struct tenant_settings *conf = et->t.conf;
    size_t n = 0;

    for (size_t i = 0; i < conf->nsenders && n < max; i++) {
        struct template_account one = {conf->senders[i].provider,
                                       sender_account(&conf->senders[i])};
        bool known = one.id.n == 0;

        for (size_t k = 0; k < n && !known; k++) {
            known = str_eq(out[k].id, one.id);
        }
        if (!known) {
            out[n++] = one;
        }
    }
    return n;
}

const struct template_state *templates_state(const struct engine_tenant *et, struct str account,
                                             struct str name, struct str language)
{
    return approvals_find(et, account, name, language);
}

const struct template_state *templates_next(const struct engine_tenant *et, struct str account,
                                            size_t *it, struct str *name, struct str *language)
{
    struct str key;
    const struct template_state *s = approvals_next(et, account, it, &key);

    if (s != NULL) {
        str_cut(key, '|', name, language);
    }
    return s;
}

size_t templates_made(struct arena *a, const struct reply *reply, struct template_def *out,
                      size_t max)
{
    size_t n = 0;

    for (size_t i = 0; i + 1 < reply_len(reply) && n < max; i += 2) {
        struct str name, language;
        struct json *j = NULL;
        struct err err = {0};

        str_cut(reply_str(reply_at(reply, i)), '|', &name, &language);
        if (json_parse(reply_str(reply_at(reply, i + 1)), 1 << 20, &j, &err) &&
            template_from_json(a, name, language, j, &out[n], &err)) {
            n++;
        } else {
            log_error("a template of the operator does not open", LF_STR("template", name),
                      LF_Z("reason", err.msg));
        }
        json_free(&j);
    }
    return n;
}
