/*
 * sandbox: the simulated world: business numbers of both providers, phones, and what was said
 * between them. One struct owns everything; modules hold pointers into it for as long as the
 * process runs. Numbers and phones are never removed, only changed, so pointers to them stay good.
 * This binary judges what the gateway sends, so it shares no provider code with it.
 */
#ifndef CREWLINE_SANDBOX_SANDBOX_H
#define CREWLINE_SANDBOX_SANDBOX_H

#include "base/buf.h"
#include "base/json.h"
#include "base/list.h"
#include "base/map.h"
#include "net/http_client.h"
#include "net/http_server.h"
#include "net/loop.h"
#include "rate.h"
#include "sched.h"

#define NUMBERS_MAX     256
#define PHONES_MAX      10000 /* kept by name; more people than that only show in the ledger */
#define WINDOW_MS       (24 * 3600 * 1000LL)
#define TYPING_SHOWN_MS 25000

enum dialect { DIALECT_META, DIALECT_TWILIO };

/* A business number: a Meta phone number id or a Twilio WhatsApp sender. */
struct number {
    enum dialect dialect;
    char *id;                        /* Meta: phone_number_id; Twilio: the XE sid of the sender */
    char *e164;                      /* "+12025550100" */
    char *account;                   /* WABA id or account sid */
    char *token;                     /* bearer token or auth token */
    char *app_secret, *verify_token; /* Meta only */
    char *inbound_url;               /* Meta: the webhook */
    char *status_url;                /* Twilio's default status callback, or NULL */
    char *name, *tier;
    bool official;             /* Meta: an official business account: only that may use groups */
    int64_t rate_per_second;   /* 0: no limit */
    struct rate second, tenth; /* accepted sends */
    int64_t next_slot_us;      /* Twilio: when its queue hands over the next message */
    /* Meta statuses gathered for one POST */
    struct buf statuses, contacts;
    size_t nstatuses;
    bool flush_armed;
};

struct phone {
    char *e164; /* "+12025550117", or NULL for one that hides it */
    char *bsuid;
    char *name;
    char *language;
    bool receipts;     /* blue ticks are on */
    int64_t fail_code; /* messages to it fail with this code later (131026, 63024 …); 0: fine */
    int64_t seq;
};

/* Number and phone together: the 24-hour window and the pace between the two. */
struct pair_state {
    int64_t last_inbound_ms;
    double tokens;
    int64_t refilled_us;
};

struct timing {
    int64_t sent_ms, delivered_ms, read_ms; /* after the message was accepted; below 0: never */
    int64_t batch_ms, batch_max;            /* statuses of one number gathered for that long */
    int64_t review_ms;                      /* a template's review; below 0: by hand */
    int64_t retry_ms, retry_max_ms;         /* first gap and largest gap of Meta's retries */
    int64_t url_life_ms;                    /* of a media URL */
};

struct ledger;
struct faults;
struct hooks;
struct events;
struct media_store;
struct templates;
struct contents;
struct groups;

struct sandbox {
    struct loop *loop;
    struct http_server *server;
    struct http_client *client;
    struct sched *sched;
    char *public_url; /* where we are reached, no slash at the end */
    char *gateway;    /* default base of webhook URLs */
    struct timing timing;
    bool window_open;        /* the 24-hour window never closes */
    bool fetch_links;        /* links of messages are fetched before delivery */
    bool pair_limit;         /* Meta's 1 message in 6 s, burst 45 */
    int64_t concurrency_max; /* Twilio requests in flight for one account; 0: no limit */
    struct number *numbers[NUMBERS_MAX];
    size_t nnumbers;
    struct map *phones; /* by E.164 and by BSUID */
    struct phone *phone_list[PHONES_MAX];
    size_t nphones;
    struct map *pairs;
    struct ledger *ledger;
    struct faults *faults;
    struct hooks *hooks;
    struct events *events;
    struct media_store *media;
    struct templates *templates;
    struct contents *contents;
    struct groups *groups;
    struct list held;    /* requests whose answer waits for its moment */
    struct list fetches; /* links being fetched */
    int64_t in_flight;   /* requests accepted and not yet answered */
    uint64_t random;     /* for ids */
};

struct sandbox *sandbox_new(struct loop *l);
void sandbox_free(struct sandbox **owner);

/* Look-ups; NULL: none. */
struct number *number_by_meta_id(struct sandbox *sb, struct str id);
struct number *number_by_e164(struct sandbox *sb, enum dialect d, struct str e164);
struct number *number_by_token(struct sandbox *sb, enum dialect d, struct str token);
struct number *number_by_account(struct sandbox *sb, enum dialect d, struct str account);
/** By Meta id, E.164 or "whatsapp:+…"; empty: the first number there is. */
struct number *number_any(struct sandbox *sb, struct str what);
struct phone *phone_find(struct sandbox *sb, struct str e164_or_bsuid);
/** Finds or makes the phone; NULL when PHONES_MAX is reached. */
struct phone *phone_need(struct sandbox *sb, struct str e164_or_bsuid);
/** What messages to @p are addressed to: its number, or the BSUID of one that hides it. */
struct str phone_address(const struct phone *p);

struct pair_state *pair_need(struct sandbox *sb, const struct number *n, struct str phone);
bool pair_window_open(struct sandbox *sb, const struct number *n, struct str phone);
/** Takes one of the pair's tokens: 1 in 6 s, 45 saved up at most. */
bool pair_take(struct sandbox *sb, struct pair_state *p);

/* Ids in the providers' own forms, into @a. */
struct str id_wamid(struct sandbox *sb, struct arena *a, struct str phone, bool inbound);
struct str id_sid(struct sandbox *sb, struct arena *a, const char *prefix);
struct str id_digits(struct sandbox *sb, struct arena *a, int digits);
uint64_t sandbox_random(struct sandbox *sb);

int64_t wall_us(void); /* Unix time in microseconds */

/** Replaces the zero-ended copy in *@slot; STR_NONE clears it. */
void set_text(char **slot, struct str value);

#endif
