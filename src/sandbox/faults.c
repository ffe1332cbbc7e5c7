#include "faults.h"

#include "base/mem.h"

#define TRIGGERS_MAX 64

static const char *const names[FAULT_COUNT] = {
    [FAULT_ERROR] = "error",
    [FAULT_RESET] = "reset",
    [FAULT_CLOSE_REUSED] = "close_reused",
    [FAULT_ACCEPT_TIMEOUT] = "accept_then_timeout",
    [FAULT_ACCEPT_RESET] = "accept_then_reset",
    [FAULT_HALF_ANSWER] = "half_answer",
    [FAULT_ACCEPT_5XX] = "accept_then_5xx",
    [FAULT_ACCEPT_EMPTY] = "accept_then_empty",
    [FAULT_ACCEPT_CLOSE_REUSED] = "accept_then_close_reused",
    [FAULT_SWAP_STATUSES] = "swap_statuses",
    [FAULT_DOUBLE_STATUSES] = "double_statuses",
    [FAULT_NO_STATUSES] = "no_statuses",
    [FAULT_FAIL_LATER] = "fail_later",
    [FAULT_DOUBLE_WEBHOOKS] = "double_webhooks",
    [FAULT_MEDIA_404] = "media_404",
    [FAULT_EXPIRED_TOKEN] = "expired_token",
};
static const char *const bodies[] = {"json", "html", "empty", "cut"};

struct faults {
    int64_t seed, latency_ms, accept_latency_ms, jitter_ms, webhook_delay_ms, media_delay_ms,
        media_rate;
    uint64_t state;
    struct trigger v[TRIGGERS_MAX];
    size_t n;
};

static const struct {
    const char *name;
    size_t at;
    int64_t max;
} settings[] = {
    {"seed",                   offsetof(struct faults, seed),              INT64_MAX    },
    {"latency_ms",             offsetof(struct faults, latency_ms),        600000       },
    {"accept_latency_ms",      offsetof(struct faults, accept_latency_ms), 600000       },
    {"jitter_ms",              offsetof(struct faults, jitter_ms),         600000       },
    {"webhook_delay_ms",       offsetof(struct faults, webhook_delay_ms),  86400000     },
    {"media_delay_ms",         offsetof(struct faults, media_delay_ms),    600000       },
    {"media_bytes_per_second", offsetof(struct faults, media_rate),        1000000000000},
};

static int64_t *setting(struct faults *f, size_t i)
{
    return (int64_t *)(void *)((char *)f + settings[i].at);
}

static uint64_t draw(struct faults *f)
{
    uint64_t z = (f->state += 0x9E3779B97F4A7C15u);

    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

struct faults *faults_new(void)
{
    return MEM_NEW(struct faults);
}

void faults_free(struct faults **owner)
{
    mem_free(owner);
}

void faults_clear(struct faults *f)
{
    memset(f, 0, sizeof(*f));
}

static bool trigger_load(struct faults *f, enum fault kind, const struct json *j, struct err *err)
{
    struct trigger t = {
        .fault = kind, .next = -1, .probability = 1.0, .provider = -1, .statuses = true};
    struct str s, name;

    if (json_kind(j) == JSON_BOOL) {
        return true; /* "x": false says the same as leaving it out; true was handled by the caller
                      */
    }
    if (json_kind(j) != JSON_OBJECT) {
        return err_set(err, ERR_INVALID, "%s is not true, an object or a list", names[kind]);
    }
    for (size_t i = 0; i < json_len(j); i++) {
        static const char *const known[] = {"next", "after",  "probability", "provider",
                                            "to",   "status", "retry_after", "statuses",
                                            "code", "body"};
        bool found = false;

        json_member_at(j, i, &name);
        for (size_t k = 0; k < ARRAY_LEN(known); k++) {
            found = found || str_eqz(name, known[k]);
        }
        if (!found) {
            return err_set(err, ERR_INVALID, "%s.%.*s is not known", names[kind], STR_ARG(name));
        }
    }
    t.next = json_get_int(j, "next", -1);
    t.after = json_get_int(j, "after", 0);
    t.probability = json_get_real(j, "probability", 1.0);
    t.code = json_get_int(j, "code", 0);
    t.status = json_get_int(j, "status", 0);
    t.retry_after = json_get_int(j, "retry_after", 0);
    t.statuses = json_get_bool(j, "statuses", true);
    if (t.status != 0 && (t.status < 200 || t.status > 599)) {
        return err_set(err, ERR_INVALID, "%s.status is not from 200 to 599", names[kind]);
    }
    s = json_get_str(j, "provider");
    t.provider = s.n == 0 ? -1 : str_eqz(s, "meta") ? (int)DIALECT_META : (int)DIALECT_TWILIO;
    s = json_get_str(j, "to");
    memcpy(t.to, s.n > 0 ? s.p : "", s.n < sizeof(t.to) ? s.n : 0);
    s = json_get_str(j, "body");
    for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
        t.body = str_eqz(s, bodies[i]) ? (enum fault_body)i : t.body;
    }
    if (f->n == TRIGGERS_MAX) {
        return err_set(err, ERR_INVALID, "more than %d triggers", TRIGGERS_MAX);
    }
    f->v[f->n++] = t;
    return true;
}

static bool member_load(struct faults *f, struct str name, const struct json *root,
                        const struct json *j, struct err *err)
{
    for (size_t i = 0; i < ARRAY_LEN(settings); i++) {
        if (str_eqz(name, settings[i].name)) {
            int64_t v = json_get_int(root, settings[i].name, -1);

            if (v < 0 || v > settings[i].max) {
                return err_set(err, ERR_INVALID, "%s is not a whole number from 0 to %lld",
                               settings[i].name, (long long)settings[i].max);
            }
            *setting(f, i) = v;
            return true;
        }
    }
    for (int k = 0; k < FAULT_COUNT; k++) {
        if (!str_eqz(name, names[k])) {
            continue;
        }
        if (json_get_bool(root, names[k], false)) {
            struct json *always = json_new_object();
            bool ok = trigger_load(f, (enum fault)k, always, err);

            json_free(&always);
            return ok;
        }
        if (json_kind(j) != JSON_ARRAY) {
            return trigger_load(f, (enum fault)k, j, err);
        }
        for (size_t i = 0; i < json_len(j); i++) {
            if (!trigger_load(f, (enum fault)k, json_at(j, i), err)) {
                return false;
            }
        }
        return true;
    }
    return err_set(err, ERR_INVALID, "%.*s is not a fault", STR_ARG(name));
}

bool faults_load(struct faults *f, const struct json *j, struct err *err)
{
    struct faults fresh = {0};

    if (json_kind(j) != JSON_OBJECT) {
        return err_set(err, ERR_INVALID, "the faults are not an object");
    }
    for (size_t i = 0; i < json_len(j); i++) {
        struct str name;
        const struct json *value = json_member_at(j, i, &name);

        if (!member_load(&fresh, name, j, value, err)) {
            return false;
        }
    }
    fresh.state = (uint64_t)fresh.seed;
    *f = fresh;
    return true;
}

void faults_json(const struct faults *f, struct jw *w)
{
    jw_open(w, NULL, '{');
    for (size_t i = 0; i < ARRAY_LEN(settings); i++) {
        jw_int(w, settings[i].name,
               *(const int64_t *)(const void *)((const char *)f + settings[i].at));
    }
    for (int k = 0; k < FAULT_COUNT; k++) {
        bool open = false;

        for (size_t i = 0; i < f->n; i++) {
            const struct trigger *t = &f->v[i];

            if (t->fault != (enum fault)k) {
                continue;
            }
            if (!open) {
                jw_open(w, names[k], '[');
                open = true;
            }
            jw_open(w, NULL, '{');
            if (t->next >= 0) {
                jw_int(w, "next", t->next);
            }
            jw_int(w, "after", t->after);
            jw_real(w, "probability", t->probability);
            if (t->provider >= 0) {
                jw_z(w, "provider", t->provider == (int)DIALECT_META ? "meta" : "twilio");
            }
            if (t->to[0] != '\0') {
                jw_z(w, "to", t->to);
            }
            jw_int(w, "code", t->code);
            jw_int(w, "status", t->status);
            jw_z(w, "body", bodies[t->body]);
            jw_bool(w, "statuses", t->statuses);
            jw_int(w, "hits", t->hits);
            jw_close(w, '}');
        }
        if (open) {
            jw_close(w, ']');
        }
    }
    jw_close(w, '}');
}

const struct trigger *fault_hit(struct sandbox *sb, enum fault kind, enum dialect d, struct str to)
{
    struct faults *f = sb->faults;

    for (size_t i = 0; i < f->n; i++) {
        struct trigger *t = &f->v[i];

        if (t->fault != kind || t->next == 0 || (t->provider >= 0 && t->provider != (int)d) ||
            (t->to[0] != '\0' && !str_eqz(to, t->to))) {
            continue;
        }
        if (t->after > 0) {
            t->after--;
            continue;
        }
        if (t->probability < 1.0 && (double)(draw(f) >> 11) * 0x1p-53 >= t->probability) {
            continue;
        }
        t->next -= t->next > 0 ? 1 : 0;
        t->hits++;
        return t;
    }
    return NULL;
}

int64_t fault_accept_latency_ms(const struct faults *f)
{
    return f->accept_latency_ms;
}

int64_t fault_latency_ms(struct faults *f)
{
    return f->latency_ms + (f->jitter_ms > 0 ? (int64_t)(draw(f) % (uint64_t)f->jitter_ms) : 0);
}

int64_t fault_webhook_delay_ms(const struct faults *f)
{
    return f->webhook_delay_ms;
}

int64_t fault_media_delay_ms(const struct faults *f)
{
    return f->media_delay_ms;
}

int64_t fault_media_rate(const struct faults *f)
{
    return f->media_rate;
}
