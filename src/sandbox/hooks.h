/*
 * hooks: the webhooks on their way to the gateway. Meta repeats what was not answered 200, at once
 * and then with growing gaps, for seven days. Twilio repeats once, and only when no connection came
 * about, unless the configured URL's fragment says otherwise (#rc=3&rp=all).
 */
#ifndef CREWLINE_SANDBOX_HOOKS_H
#define CREWLINE_SANDBOX_HOOKS_H

#include "base/text.h"
#include "sandbox.h"

/** @status of the first attempt's answer; 0: none came. Called once. */
typedef void hook_done_fn(void *ctx, int status);

#define HOOK_HEADERS_MAX 6
struct hook_spec {
    enum dialect dialect;
    struct str url; /* a fragment is policy, not sent */
    struct pair headers[HOOK_HEADERS_MAX];
    size_t nheaders;
    struct str body;
};

struct hooks *hooks_new(struct sandbox *sb);
void hooks_free(struct hooks **owner);
/** Everything is copied. @done may be NULL. */
void hooks_post(struct hooks *h, const struct hook_spec *spec, hook_done_fn *done, void *ctx);
/** Drops what waits; what is under way is abandoned. */
void hooks_clear(struct hooks *h);
void hooks_stats(const struct hooks *h, struct jw *w);
/** GET for Meta's handshake. Calls @done with the answer. */
struct op *hooks_get(struct hooks *h, struct str url, http_done_fn *done, void *ctx);

#endif
