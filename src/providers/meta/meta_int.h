/* Meta's Cloud API inside: what its files tell one another. */
#ifndef CREWLINE_PROVIDERS_META_INT_H
#define CREWLINE_PROVIDERS_META_INT_H

#include "../provider_int.h"

/* One webhook body being taken apart: meta_parse.c owns it, meta_account.c gets it. */
struct meta_parse {
    struct arena *a;
    struct inbound_batch *out;
    size_t cap;
    bool over; /* more items than INBOUND_ITEMS_MAX */
    /* of the entry and change at hand */
    struct str account, number_id;
    const char *field;
    struct wall at;
};

/** A new item with account, number and time set; NULL past the limit (then p->over is set). */
struct inbound *meta_item(struct meta_parse *p, enum inbound_kind kind);
/** The item's own JSON, for what is kept. */
struct str meta_raw(struct meta_parse *p, const struct json *j);
/** A member's text in the arena; integers are printed (template ids are numbers). */
struct str meta_text(struct meta_parse *p, const struct json *j, const char *name);
/** Unix seconds as text or integer; what is over 10^12 is milliseconds. 0 when absent. */
struct wall meta_time(const struct json *j, const char *name);
/** The first of @errors into in->error. */
void meta_error(struct meta_parse *p, const struct json *errors, struct inbound *in);

/** Takes a change of any field but "messages"; unknown ones are kept as INBOUND_OTHER. */
void meta_account_change(struct meta_parse *p, struct str field, const struct json *value);

bool meta_parse(struct arena *a, struct str body, struct inbound_batch *out, struct err *err);
bool meta_check(const struct message *m, struct err *err);
bool meta_build(struct arena *a, const struct sender *s, const struct message *m,
                struct str correlation, struct str callback_base, struct outgoing *out,
                struct err *err);
bool meta_probe(struct arena *a, const struct sender *s, struct outgoing *out);
void meta_outcome(struct arena *a, int status, struct str body, int64_t retry_after_s,
                  const struct err *err, struct outcome *out);
const struct provider_error *meta_error_find(int64_t code, int64_t subcode);

/* The table itself, for the test that it is sorted and complete. */
extern const struct provider_error meta_errors[];
extern const size_t meta_nerrors;

/** What a media type is sent as: image, video, audio, sticker, document; NULL: not at all. */
const char *meta_media_member(struct str mime);

#endif
