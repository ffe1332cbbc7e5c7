/*
 * fetch: the way to a file that a person sent. Pure, as provider.h: jobs do the HTTP.
 *
 *   Meta    fetch_locate() asks where the file is; fetch_located() reads the answer: an address that
 *           lives five minutes; fetch_file() gets it with the token.
 *   Twilio  fetch_file() gets the webhook's address with the account's password and is answered by a
 *           redirect; fetch_redirect() follows it without, at most FETCH_HOPS_MAX times.
 *
 * Credentials go to nobody but the provider: an address from a webhook or an answer is used only where
 * its host is one of the provider's own, or the host of the configured API. Names that lead to private
 * addresses are the HTTP client's to refuse (HTTP_PUBLIC_ONLY, unless the API itself is private).
 */
#ifndef CREWLINE_PROVIDERS_FETCH_H
#define CREWLINE_PROVIDERS_FETCH_H

#include "providers/provider.h"

#define FETCH_HOPS_MAX  3
#define FETCH_BYTES_MAX (100 * 1024 * 1024) /* what people may send; Twilio's files end at 16 MB */

struct fetch_place {
    struct str url, mime, sha256_hex; /* the hash may be empty */
    int64_t bytes;                    /* 0: not told */
};

/** Is @url at the configured API itself, whose place is the operator's choice? Else it must be public. */
bool fetch_from_api(const struct sender *s, struct str url);
/** Whether fetch_locate() comes first (Meta). */
bool fetch_needs_place(const struct sender *s);
/** ERR_INVALID when @in has no medium. */
bool fetch_locate(struct arena *a, const struct sender *s, const struct inbound *in, struct outgoing *out,
                  struct err *err);
/**
 * Its answer. ERR_NOT_FOUND: expired or not ours, asking again is no use; ERR_PROVIDER: refused, @err says
 * why; ERR_NET_NOT_SENT: later.
 */
bool fetch_located(struct arena *a, int status, struct str body, struct fetch_place *out, struct err *err);
/** The request for the file at @url (Meta: place.url; Twilio: in->media.url). ERR_INVALID: not theirs. */
bool fetch_file(struct arena *a, const struct sender *s, struct str url, struct outgoing *out,
                struct err *err);
/** The next hop, without credentials. ERR_INVALID: no address that a file may come from. */
bool fetch_redirect(struct arena *a, const struct sender *s, struct str location, struct outgoing *out,
                    struct err *err);

#endif
