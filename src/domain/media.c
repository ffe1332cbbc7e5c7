#include "domain/media.h"

#include "base/mem.h"
#include "base/text.h"
#include "domain/notice.h"

#include <stddef.h>

#define RECORD_BYTES_MAX (256 * 1024)
#define CAPTION_MAX      1024 /* characters; WhatsApp's own limit */
#define FILENAME_MAX     100
#define TAG_CHARS        6

static const char *const kind_names[MEDIA_KIND_COUNT] = {"photo", "video", "voice", "document"};

const char *media_kind_name(enum media_kind kind)
{
    return kind_names[kind];
}

static enum media_kind kind_named(struct str name)
{
    for (size_t i = 0; i < MEDIA_KIND_COUNT; i++) {
        if (str_eqz(name, kind_names[i])) {
            return (enum media_kind)i;
        }
    }
    return MEDIA_DOCUMENT;
}

enum media_kind media_kind_told(const struct inbound *in)
{
    if (in->media.voice || str_starts(in->media.mime, STR("audio/"))) {
        return MEDIA_VOICE;
    }
    if (str_eqz(in->type_name, "document")) {
        return MEDIA_DOCUMENT;
    }
    if (str_starts(in->media.mime, STR("image/"))) {
        return MEDIA_PHOTO;
    }
    return str_starts(in->media.mime, STR("video/")) ? MEDIA_VIDEO : MEDIA_DOCUMENT;
}

int64_t media_bytes_max(const struct settings *s, enum media_kind kind)
{
    int64_t own = s->media_kind_bytes[kind];

    return own < s->media_bytes ? own : s->media_bytes;
}

/* ---- the document ---- */

#define AT(member) offsetof(struct medium, member)
static const struct {
    const char *name;
    size_t at;
} texts[] = {
    {"id",           AT(id)          },
    {"order_id",     AT(order_id)    },
    {"order_number", AT(order_number)},
    {"person",       AT(person)      },
    {"name",         AT(name)        },
    {"sender",       AT(sender)      },
    {"provider_id",  AT(provider_id) },
    {"caption",      AT(caption)     },
    {"filename",     AT(filename)    },
    {"state",        AT(state)       },
    {"reason",       AT(reason)      },
    {"mime",         AT(mime)        },
    {"sha256",       AT(sha256)      },
    {"blob",         AT(blob)        },
};

static struct str *text_at(const struct medium *m, size_t at)
{
    return (struct str *)((uintptr_t)m + at);
}

struct str medium_key(struct arena *a, struct str id)
{
    return arena_printf(a, "me:%.*s", STR_ARG(id));
}

void medium_encode(const struct medium *m, struct buf *out)
{
    struct jw w;

    jw_init(&w, out);
    jw_open(&w, NULL, '{');
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        jw_str(&w, texts[i].name, *text_at(m, texts[i].at));
    }
    jw_z(&w, "kind", media_kind_name(m->kind));
    jw_int(&w, "at", m->at.ms);
    jw_int(&w, "stored", m->stored.ms);
    jw_int(&w, "bytes", m->bytes);
    if (m->quoted) {
        jw_bool(&w, "quoted", true);
    }
    jw_close(&w, '}');
}

bool medium_decode(struct arena *a, struct str text, int64_t version, struct medium *out,
                   struct err *err)
{
    struct json *j;

    if (!json_parse(text, RECORD_BYTES_MAX, &j, err)) {
        return err_wrap(err, "medium");
    }
    *out = (struct medium){.version = version};
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        *text_at(out, texts[i].at) = arena_dup(a, json_get_str(j, texts[i].name));
    }
    out->kind = kind_named(json_get_str(j, "kind"));
    out->at.ms = json_get_int(j, "at", 0);
    out->stored.ms = json_get_int(j, "stored", 0);
    out->bytes = json_get_int(j, "bytes", 0);
    out->quoted = json_get_bool(j, "quoted", false);
    json_free(&j);
    return true;
}

bool medium_open(const struct tenant *t, struct arena *a, struct str id, const struct doc *doc,
                 struct medium *out, struct err *err)
{
    struct str text;

    return vault_open_arena(t->vault, a, medium_key(a, id), "b", doc->body, &text, err) &&
           medium_decode(a, text, doc->version, out, err);
}

void medium_check(const struct medium *m, struct commit *c)
{
    struct arena *a = arena_new();

    commit_check_version(c, medium_key(a, m->id), m->version);
    arena_free(&a);
}

void medium_put(const struct tenant *t, struct arena *a, const struct medium *m, struct commit *c)
{
    struct str key = medium_key(a, m->id);
    struct medium cut = *m;
    struct buf text, sealed;

    cut.caption = i18n_cut(a, m->caption, CAPTION_MAX);
    cut.filename = i18n_cut(a, m->filename, FILENAME_MAX);
    buf_init(&text, RECORD_BYTES_MAX);
    buf_init(&sealed, RECORD_BYTES_MAX + SEAL_EXTRA_BYTES);
    medium_encode(&cut, &text);
    vault_seal(t->vault, key, "b", buf_str(&text), &sealed);
    commit_doc(c, key, m->version + 1, buf_str(&sealed));
    commit_zadd(c, STR("mx:media"), (double)m->at.ms, m->id);
    commit_zadd(c, arena_printf(a, "mp:%.*s", STR_ARG(m->person)), (double)m->at.ms, m->id);
    if (m->order_id.n > 0) {
        commit_zadd(c, arena_printf(a, "om:%.*s", STR_ARG(m->order_id)), (double)m->at.ms, m->id);
    }
    mem_wipe(text.p, text.n);
    buf_fini(&text);
    buf_fini(&sealed);
}

void medium_write(const struct tenant *t, const struct medium *m, struct wall now, struct jw *w,
                  const char *name)
{
    struct wall until = {now.ms + t->settings->media_link_s * 1000};
    bool kept = str_eqz(m->state, "kept");
    struct arena *a = arena_new();

    jw_open(w, name, '{');
    jw_str(w, "id", m->id);
    jw_str(w, "work_order", m->order_number);
    jw_z(w, "kind", media_kind_name(m->kind));
    jw_str(w, "state", m->state);
    if (m->reason.n > 0) {
        jw_str(w, "reason", m->reason);
    }
    jw_str(w, "caption", m->caption);
    jw_open(w, "person", '{');
    jw_str(w, "id", m->person);
    jw_str(w, "name", m->name);
    jw_close(w, '}');
    jw_wall(w, "at", m->at);
    if (kept) {
        jw_wall(w, "stored_at", m->stored);
        jw_str(w, "mime", m->mime);
        jw_int(w, "size", m->bytes);
        jw_str(w, "sha256", m->sha256);
        jw_str(w, "filename", media_filename(a, m));
        jw_str(w, "url", media_link(a, t, m->id, until));
        jw_wall(w, "url_expires_at", until);
    }
    jw_close(w, '}');
    arena_free(&a);
}

/* ---- names and links ---- */

/* The first letters of a hash of the tenant's id: no secret, and no two tenants' ids are told apart
 * by hand. */
static void tenant_tag(const struct tenant *t, struct buf *out)
{
    uint8_t digest[SHA256_BYTES];

    sha256(t->id, digest);
    hex_add(out, str_make(digest, TAG_CHARS / 2));
}

struct str media_id_new(struct arena *a, const struct tenant *t)
{
    char id[ID_BYTES];
    struct buf out;
    struct str made;

    id_new(id);
    buf_init(&out, 64);
    buf_addz(&out, id);
    tenant_tag(t, &out);
    made = arena_dup(a, buf_str(&out));
    buf_fini(&out);
    return made;
}

bool media_id_is_of(struct str id, const struct tenant *t)
{
    struct buf tag;
    bool is;

    buf_init(&tag, 16);
    tenant_tag(t, &tag);
    is = id.n == ID_BYTES - 1 + TAG_CHARS && id_is(str_slice(id, 0, ID_BYTES - 1)) &&
         str_ends(id, buf_str(&tag));
    buf_fini(&tag);
    return is;
}

static void sign(const struct tenant *t, struct str id, struct str exp, struct buf *out)
{
    uint8_t mac[SHA256_BYTES];
    struct hasher h;

    hasher_init_keyed(&h, vault_mac_key(t->vault));
    hasher_add(&h, STR("media|"));
    hasher_add(&h, id);
    hasher_add(&h, STR("|"));
    hasher_add(&h, exp);
    hasher_done(&h, mac);
    base64url_add(out, str_make(mac, sizeof(mac)));
}

struct str media_link(struct arena *a, const struct tenant *t, struct str id, struct wall expires)
{
    struct str exp = arena_printf(a, "%lld", (long long)(expires.ms / 1000)), link;
    struct buf sig;

    buf_init(&sig, 64);
    sign(t, id, exp, &sig);
    link = arena_printf(a, "%.*s/media/%.*s?exp=%.*s&sig=%s", STR_ARG(t->settings->public_url),
                        STR_ARG(id), STR_ARG(exp), sig.p);
    buf_fini(&sig);
    return link;
}

bool media_link_signed(const struct tenant *t, struct str id, struct str exp, struct str sig)
{
    struct buf want;
    bool good;

    buf_init(&want, 64);
    sign(t, id, exp, &want);
    good = str_eq_secret(sig, buf_str(&want));
    buf_fini(&want);
    return good;
}

static bool plain(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
           c == '_' || c == '.';
}

struct str media_filename(struct arena *a, const struct medium *m)
{
    const struct media_type *type = media_type_named(m->mime);
    const char *ending = type != NULL ? type->ending : "bin";
    struct str end = arena_printf(a, ".%s", ending), name = m->filename;
    char *out;

    if (name.n == 0) {
        name = arena_printf(a, "%s-%.*s", media_kind_name(m->kind), STR_ARG(m->id));
    }
    name = str_slice(name, 0, FILENAME_MAX);
    out = arena_alloc(a, name.n + 1);
    for (size_t i = 0; i < name.n; i++) {
        /* No path, no hidden file, no quote, nothing outside ASCII. */
        out[i] = plain(name.p[i]) && !(i == 0 && name.p[i] == '.') ? name.p[i] : '_';
    }
    name = str_make(out, name.n);
    return name.n > end.n && str_ieq(str_slice(name, name.n - end.n, name.n), end)
               ? name
               : arena_printf(a, "%.*s%.*s", STR_ARG(name), STR_ARG(end));
}

/* ---- what follows ---- */

static void write_file(const struct medium *m, struct jw *w)
{
    jw_str(w, "sha256", m->sha256);
    jw_str(w, "mime", m->mime);
    jw_int(w, "size", m->bytes);
    jw_str(w, "caption", m->caption);
    jw_z(w, "kind", media_kind_name(m->kind));
    jw_close(w, '}');
}

static struct str event_data(struct plan *p, const struct medium *m, const struct order *o)
{
    struct wall until = {p->now.ms + p->tenant->settings->media_link_s * 1000};
    struct buf data;
    struct str out;
    struct jw w;

    buf_init(&data, RECORD_BYTES_MAX);
    jw_init(&w, &data);
    jw_open(&w, NULL, '{');
    jw_open(&w, "person", '{');
    jw_str(&w, "id", m->person);
    jw_str(&w, "name", m->name);
    jw_close(&w, '}');
    order_write_ref(o, &w, "workorder");
    jw_z(&w, "via", "media");
    jw_open(&w, "media", '{');
    jw_str(&w, "id", m->id);
    jw_str(&w, "url", media_link(p->a, p->tenant, m->id, until));
    write_file(m, &w);
    jw_close(&w, '}');
    out = arena_dup(p->a, buf_str(&data));
    buf_fini(&data);
    return out;
}

/* In the timeline the link would only expire; the hash says for good which bytes it was. */
static struct str entry_more(struct plan *p, const struct medium *m)
{
    struct buf more;
    struct str out;
    struct jw w;

    buf_init(&more, RECORD_BYTES_MAX);
    jw_init(&w, &more);
    w.comma[0] = true;
    jw_open(&w, "media", '{');
    jw_str(&w, "id", m->id);
    write_file(m, &w);
    out = arena_dup(p->a, buf_str(&more));
    buf_fini(&more);
    return out;
}

void media_announce(struct plan *p, const struct medium *m, const struct order *o)
{
    plan_event(p, "gateway.workorder.media_attached.v1", o->number, event_data(p, m, o), STR_NONE);
    plan_entry_more(p, o->id, "media", m->person,
                    arena_printf(p->a, "%s%s%.*s", media_kind_name(m->kind),
                                 m->caption.n > 0 ? ": " : "", STR_ARG(m->caption)),
                    entry_more(p, m));
}

void media_lost(struct plan *p, const struct medium *m, const struct user *u)
{
    const struct lang *l;
    struct message *said;
    int64_t most = media_bytes_max(p->tenant->settings, m->kind);

    if (m->order_id.n > 0) {
        plan_entry(
            p, m->order_id, "media", m->person,
            arena_printf(p->a, "%s not kept (%.*s)", media_kind_name(m->kind), STR_ARG(m->reason)));
    }
    if (u == NULL || u->removed) {
        return;
    }
    l = notice_lang(p, u);
    said = plan_message(p, u, MESSAGE_TEXT);
    said->prio = PRIO_REPLY;
    said->sender = m->sender;
    said->quoted = m->provider_id;
    said->order_id = m->order_id;
    said->order_number = m->order_number;
    said->lang = lang_code(l);
    said->text = I18N(p->a, l, notice_timezone(p, u),
                      arena_printf(p->a, "reply.media_lost.%.*s", STR_ARG(m->reason)).p,
                      ARG_S("kind", str_of(media_kind_name(m->kind))),
                      ARG_N("most", most >> 20 > 0 ? most >> 20 : 1));
}
