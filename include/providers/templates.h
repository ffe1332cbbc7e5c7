/*
 * templates: what a provider knows of message templates: listed, registered, looked at, deleted. Pure, as
 * provider.h: jobs do the HTTP, and ask provider.outcome() what an answer that is not 2xx means.
 *
 *   Meta     the WhatsApp Business Account has them by name and language. create() submits them; what differs
 *            from what is there is put in its place. The list tells the state of each.
 *   Twilio   the account has Content resources by sid, which never change: what differs is another one, so
 *            its friendly_name carries the hash of the words ("<name>.<hash>"). create() makes it, submit()
 *            asks for approval; only look() tells the state.
 */
#ifndef CREWLINE_PROVIDERS_TEMPLATES_H
#define CREWLINE_PROVIDERS_TEMPLATES_H

#include "domain/template.h"
#include "providers/provider.h"

struct template_listed { /* state.hash: of its words, as template_hash() */
    struct str name, language;
    struct template_state state; /* Twilio: UNKNOWN until it was looked at */
};
struct template_page {
    struct template_listed *v;
    size_t n;
    struct outgoing next; /* method NULL: this was the last */
};

struct template_calls {
    void (*list)(struct arena *a, const struct sender *s, struct outgoing *out);
    /** Of a 2xx answer. ERR_PROVIDER: it is no list. Others' Content is left out. */
    bool (*listed)(struct arena *a, const struct sender *s, struct str body, struct template_page *out,
                   struct err *err);
    /** The state of one; NULL: the list tells. */
    void (*look)(struct arena *a, const struct sender *s, struct str id, struct outgoing *out);
    /** Registers @d; @known: what is there under its name and language, or NULL. */
    void (*create)(struct arena *a, const struct sender *s, const struct template_def *d,
                   const struct template_state *known, struct outgoing *out);
    /** NULL: create() asked for approval already. */
    void (*submit)(struct arena *a, const struct sender *s, const struct template_def *d, struct str id,
                   struct outgoing *out);
    /** What a 2xx answer to look(), create() or submit() says: into @state, whose other members stay. */
    bool (*answered)(struct arena *a, struct str body, struct template_state *state, struct err *err);
    /** Meta: with an @id that language alone, else all of the name. */
    void (*remove)(struct arena *a, const struct sender *s, struct str name, struct str id,
                   struct outgoing *out);
};
const struct template_calls *template_calls_of(enum provider_kind kind);

#endif
