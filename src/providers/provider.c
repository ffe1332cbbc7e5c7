#include "providers/provider.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/crypto.h"
#include "provider_actions.h"
#include "provider_int.h"
#include "providers/templates.h"

#define CORRELATION_MAC_BYTES 8
#define CORRELATION_ID_MAX    48
#define BSUID_MAX             160
#define RETRY_AFTER_MAX_S     86400

const struct provider *provider_of(enum provider_kind kind)
{
    return kind == PROVIDER_TWILIO ? &provider_twilio : &provider_meta;
}

extern const struct template_calls meta_template_calls, twilio_template_calls;

const struct template_calls *template_calls_of(enum provider_kind kind)
{
    return kind == PROVIDER_TWILIO ? &twilio_template_calls : &meta_template_calls;
}

/* The MAC covers the tenant, so what one tenant's account saw moves nothing of another's. */
static void correlation_mac(const struct hmac_key *key, struct str tenant, struct str head,
                            char out[17])
{
    static const char digits[] = "0123456789abcdef";
    uint8_t mac[SHA256_BYTES];
    struct hasher h;

    hasher_init_keyed(&h, key);
    hasher_add(&h, tenant);
    hasher_add(&h, STR("|"));
    hasher_add(&h, head);
    hasher_done(&h, mac);
    for (size_t i = 0; i < CORRELATION_MAC_BYTES; i++) {
        out[2 * i] = digits[mac[i] >> 4];
        out[2 * i + 1] = digits[mac[i] & 15];
    }
    out[2 * CORRELATION_MAC_BYTES] = '\0';
}

void correlation_make(const struct hmac_key *key, struct str tenant, struct str message_id,
                      int64_t attempt, char out[CORRELATION_MAX])
{
    struct buf text;
    char mac[17];

    assert(message_id.n <= CORRELATION_ID_MAX);
    buf_init(&text, CORRELATION_MAX - 1);
    buf_reserve(&text, CORRELATION_MAX - 1);
    buf_add(&text, message_id);
    buf_add_char(&text, '.');
    buf_add_i64(&text, attempt);
    correlation_mac(key, tenant, buf_str(&text), mac);
    buf_add_char(&text, '.');
    buf_addz(&text, mac);
    assert(buf_ok(&text));
    memcpy(out, text.p, text.n + 1);
    buf_fini(&text);
}

bool correlation_check(const struct hmac_key *key, struct str tenant, struct str text,
                       struct str *message_id, int64_t *attempt)
{
    struct str head, id, number;
    char mac[17];
    size_t dot;

    if (text.n >= CORRELATION_MAX || text.n < 2 * CORRELATION_MAC_BYTES + 4) {
        return false;
    }
    dot = text.n - 2 * CORRELATION_MAC_BYTES - 1;
    head = str_slice(text, 0, dot);
    correlation_mac(key, tenant, head, mac);
    if (text.p[dot] != '.' || !str_eq_secret(str_slice(text, dot + 1, text.n), str_of(mac))) {
        return false;
    }
    /* Ids have no dot, so the first one ends the id. */
    if (!str_cut(head, '.', &id, &number) || !str_to_i64(number, 0, INT64_MAX, attempt)) {
        return false;
    }
    *message_id = id;
    return true;
}

struct inbound *batch_add(struct arena *a, struct inbound_batch *out, size_t *cap)
{
    if (out->n == INBOUND_ITEMS_MAX) {
        return NULL;
    }
    if (out->n == *cap) {
        /* Most webhooks hold one item: start with that, then grow in steps worth a copy. */
        size_t grown = *cap == 0 ? 1 : *cap * 4;
        struct inbound *items = ARENA_ARRAY(a, struct inbound, grown);

        if (out->n > 0) {
            memcpy(items, out->items, out->n * sizeof(*items));
        }
        out->items = items;
        *cap = grown;
    }
    return &out->items[out->n++];
}

struct str phone_of(struct arena *a, struct str s)
{
    char digits[17] = "+";
    size_t n = 1;

    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];

        if (c >= '0' && c <= '9' && n < sizeof(digits) - 1) {
            digits[n++] = c;
        } else if (c == '\0' || strchr(" -.()+", c) == NULL) {
            return STR_NONE;
        }
    }
    return str_is_e164(str_make(digits, n)) ? arena_dup(a, str_make(digits, n)) : STR_NONE;
}

bool bsuid_is(struct str s)
{
    if (s.n < 4 || s.n > BSUID_MAX || s.p[2] != '.') {
        return false;
    }
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        bool upper = c >= 'A' && c <= 'Z';
        bool other = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.';

        if (!upper && (i < 2 || !other)) {
            return false;
        }
    }
    return true;
}

struct str buf_to_arena(struct arena *a, struct buf *b)
{
    struct str s = arena_dup(a, buf_str(b));

    buf_fini(b);
    return s.p == NULL ? STR("") : s;
}

struct str text_dup(struct arena *a, struct str s)
{
    struct buf b;

    if (str_is_utf8(s)) {
        return arena_dup(a, s);
    }
    buf_init(&b, 3 * s.n);
    for (size_t i = 0; i < s.n;) {
        size_t n = 1;

        while (n <= 4 && !str_is_utf8(str_slice(s, i, i + n))) {
            n++;
        }
        if (n > 4) {
            buf_addz(&b, "\xef\xbf\xbd");
            n = 1;
        } else {
            buf_add(&b, str_slice(s, i, i + n));
        }
        i += n;
    }
    return buf_to_arena(a, &b);
}

bool refuse(struct err *err, const char *member, const char *why)
{
    err_set(err, ERR_INVALID, "%s %s", member, why);
    return err_member(err, "%s", member);
}

bool limit_chars(struct str s, const char *member, size_t min, size_t max, struct err *err)
{
    size_t n;

    if (!str_is_utf8(s)) {
        return refuse(err, member, "is not UTF-8");
    }
    /* A text has no more characters than bytes, so nearly none needs to be counted. */
    n = s.n <= max && min <= 1 ? s.n : str_utf8_len(s);
    if (n < min || (min > 0 && str_trim(s).n == 0)) {
        return refuse(err, member, "is empty");
    }
    if (n > max) {
        err_set(err, ERR_INVALID, "%s has %zu characters, at most %zu are allowed", member, n, max);
        return err_member(err, "%s", member);
    }
    return true;
}

bool limit_param(struct str s, const char *member, size_t max, struct err *err)
{
    size_t blanks = 0;

    if (!limit_chars(s, member, 1, max, err)) {
        return false;
    }
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '\n' || s.p[i] == '\r' || s.p[i] == '\t') {
            return refuse(err, member, "has a line break or a tab, which templates do not allow");
        }
        blanks = s.p[i] == ' ' ? blanks + 1 : 0;
        if (blanks > 4) {
            return refuse(err, member, "has more than 4 blanks in a row");
        }
    }
    return true;
}

bool limit_options(const struct message *m, size_t id_max, size_t title_max, struct err *err)
{
    const char *what = m->kind == MESSAGE_LIST ? "list.rows" : "buttons";

    for (size_t i = 0; i < m->noptions; i++) {
        const struct message_option *o = &m->options[i];
        char member[48];

        snprintf(member, sizeof(member), "%s.%zu.id", what, i);
        if (!limit_chars(o->id, member, 1, id_max, err)) {
            return false;
        }
        for (size_t k = 0; k < i; k++) {
            if (str_eq(o->id, m->options[k].id)) {
                return refuse(err, member, "is not unique");
            }
        }
        snprintf(member, sizeof(member), "%s.%zu.title", what, i);
        if (!limit_chars(o->title, member, 1, title_max, err)) {
            return false;
        }
        /* Rows may repeat a title (two pumps of one name); buttons may not. */
        for (size_t k = 0; k < i && m->kind != MESSAGE_LIST; k++) {
            if (str_eq(str_trim(o->title), str_trim(m->options[k].title))) {
                return refuse(err, member, "is not unique");
            }
        }
    }
    return true;
}

bool limit_address(const struct message *m, struct err *err)
{
    if (m->phone.n > 0 && !str_is_e164(m->phone)) {
        return refuse(err, "to.phone", "is not E.164 (+ and 8 to 15 digits)");
    }
    return m->bsuid.n == 0 || bsuid_is(m->bsuid) ||
           refuse(err, "to.bsuid", "is no business-scoped id");
}

bool limit_place(const struct message *m, struct err *err)
{
    /* Written so that a NaN fails too. */
    if (!(m->location.latitude >= -90 && m->location.latitude <= 90)) {
        return refuse(err, "location.latitude", "is not within -90 and 90");
    }
    if (!(m->location.longitude >= -180 && m->location.longitude <= 180)) {
        return refuse(err, "location.longitude", "is not within -180 and 180");
    }
    return limit_chars(m->location.name, "location.name", 0, 1000, err) &&
           limit_chars(m->location.address, "location.address", 0, 1000, err);
}

const struct provider_error *error_row(const struct provider_error *rows, size_t n, int64_t code,
                                       int64_t subcode)
{
    const struct provider_error *general = NULL;
    size_t low = 0, high = n;

    while (low < high) {
        size_t mid = low + (high - low) / 2;

        if (rows[mid].code < code) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    for (; low < n && rows[low].code == code; low++) {
        if (rows[low].subcode == subcode) {
            return &rows[low];
        }
        if (rows[low].subcode == 0) {
            general = &rows[low];
        }
    }
    return general;
}

void outcome_of_row(const struct provider_error *row, int64_t retry_after_s, struct outcome *out)
{
    out->cls = row->cls;
    out->scope = row->scope;
    out->alert = row->alert;
    out->tries_max = row->tries_max;
    retry_after_s = retry_after_s > RETRY_AFTER_MAX_S ? RETRY_AFTER_MAX_S : retry_after_s;
    out->retry_after_ms = retry_after_s > 0 ? retry_after_s * 1000 : row->retry_after_ms;
    out->title = str_of(row->title);
    out->advice = str_of(row->advice);
}

void outcome_of_silence(struct arena *a, const struct err *err, struct outcome *out)
{
    /* clang-format off */
    static const struct provider_error
        not_sent = {0, 0, RETRY, "The provider could not be reached",
                    "Nothing was sent; it is tried again by itself. If this lasts, check the "
                    "network, DNS and firewall of this machine."},
        ambiguous = {0, 0, AMBIGUOUS, "No clear answer from the provider",
                     "The message may or may not have been accepted. A delivery status decides; "
                     "without one it is sent again as often as the settings allow."},
        forbidden = {0, 0, STOP_SENDER, "The provider's address is not allowed",
                     "The API address of this sender leads to a private network. Check its base "
                     "URL and the DNS of this machine."};
    /* clang-format on */
    enum err_code code = err == NULL ? ERR_NONE : err->code;

    outcome_of_row(code == ERR_NET_NOT_SENT            ? &not_sent
                   : code == ERR_NET_FORBIDDEN_ADDRESS ? &forbidden
                                                       : &ambiguous,
                   0, out);
    out->details = err == NULL ? STR_NONE : arena_dup(a, str_of(err->msg));
}

struct http_call outgoing_call(const struct outgoing *out, unsigned flags, int64_t timeout_ms)
{
    return (struct http_call){.method = out->method,
                              .url = out->url,
                              .headers = out->headers,
                              .nheaders = out->nheaders,
                              .basic_user = out->basic_user,
                              .basic_password = out->basic_password,
                              .body = out->body,
                              .flags = flags,
                              .timeout_ms = timeout_ms,
                              .response_bytes_max = 256 * 1024};
}
