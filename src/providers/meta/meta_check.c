/*
 * Meta's limits, in characters (code points), before anything is sent.
 * Source: Cloud API, "Interactive messages", "Media", "Message templates". Where pages disagree the
 * smaller figure stands (list body 1024, quick-reply payload of a template 128).
 */
#include <stdio.h>

#include "meta_int.h"

#define ID_MAX        256 /* of a reply button */
#define ROW_ID_MAX    200
#define PAYLOAD_MAX   128
#define BODY_MAX      1024
#define WAMID_MAX     512
#define GROUP_MAX     256
#define URL_MAX       2000
#define FILE_NAME_MAX 240

static bool check_header(const struct message *m, struct err *err)
{
    const char *member = meta_media_member(m->media.mime);
    bool media = m->media.url.n > 0 || m->media.provider_id.n > 0;

    if (media && (m->kind == MESSAGE_LIST || member == NULL || strcmp(member, "audio") == 0 ||
                  strcmp(member, "sticker") == 0)) {
        return refuse(err, "media", "is none of image, video, document, which headers may be");
    }
    return limit_chars(m->header, "header", 0, 60, err) &&
           limit_chars(m->footer, "footer", 0, 60, err) &&
           limit_chars(m->text, "text", 1, BODY_MAX, err);
}

static bool check_buttons(const struct message *m, struct err *err)
{
    if (m->noptions < 1 || m->noptions > MESSAGE_BUTTONS_MAX) {
        return refuse(err, "buttons", "must be 1 to 3");
    }
    return check_header(m, err) && limit_options(m, ID_MAX, 20, err);
}

static bool check_list(const struct message *m, struct err *err)
{
    bool several = false;
    char member[48];

    if (m->noptions < 1 || m->noptions > MESSAGE_ROWS_MAX) {
        return refuse(err, "list.rows", "must be 1 to 10");
    }
    for (size_t i = 1; i < m->noptions; i++) {
        several |= !str_eq(m->options[i].section, m->options[0].section);
    }
    for (size_t i = 0; i < m->noptions; i++) {
        snprintf(member, sizeof(member), "list.rows.%zu.description", i);
        if (!limit_chars(m->options[i].description, member, 0, 72, err)) {
            return false;
        }
        snprintf(member, sizeof(member), "list.rows.%zu.section", i);
        if (!limit_chars(m->options[i].section, member, several ? 1 : 0, 24, err)) {
            return false;
        }
    }
    return check_header(m, err) && limit_chars(m->list_button, "list.button", 1, 20, err) &&
           limit_options(m, ROW_ID_MAX, 24, err);
}

static bool check_media(const struct message *m, struct err *err)
{
    const char *member = meta_media_member(m->media.mime);

    if (member == NULL) {
        err_set(err, ERR_INVALID, "media.mime \"%.*s\" is none that WhatsApp takes",
                STR_ARG(m->media.mime));
        return err_member(err, "media.mime");
    }
    if (m->media.provider_id.n == 0 && m->media.url.n == 0) {
        return refuse(err, "media.url", "is empty");
    }
    if (m->text.n > 0 && (strcmp(member, "audio") == 0 || strcmp(member, "sticker") == 0)) {
        return refuse(err, "media.caption", "is not possible with audio or a sticker");
    }
    return limit_chars(m->media.url, "media.url", 0, URL_MAX, err) &&
           limit_chars(m->media.filename, "media.filename", 0, FILE_NAME_MAX, err) &&
           limit_chars(m->text, "media.caption", 0, BODY_MAX, err);
}

static bool check_name(struct str name, struct err *err)
{
    if (!limit_chars(name, "template.name", 1, 512, err)) {
        return false;
    }
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];

        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '_') {
            return refuse(err, "template.name", "has more than small letters, digits and _");
        }
    }
    return true;
}

/* button.<0-9>.url|payload|code and header.text are ours; Meta's own names have no dot. */
static bool special_ok(struct str name)
{
    struct str head, rest, index, kind;
    int64_t i;

    str_cut(name, '.', &head, &rest);
    if (str_eqz(head, "header")) {
        return str_eqz(rest, "text");
    }
    str_cut(rest, '.', &index, &kind);
    return str_to_i64(index, 0, 9, &i) && index.n == 1 &&
           (str_eqz(kind, "url") || str_eqz(kind, "payload") || str_eqz(kind, "code"));
}

static bool check_params(const struct message *m, struct err *err)
{
    size_t named = 0, positional = 0;
    char member[48];

    for (size_t i = 0; i < m->template_.nparams; i++) {
        const struct message_param *p = &m->template_.params[i];
        bool special = str_starts(p->name, STR("header.")) || str_starts(p->name, STR("button."));

        snprintf(member, sizeof(member), "template.params.%zu", i);
        if (special && !special_ok(p->name)) {
            return refuse(err, member, "has an unknown name");
        }
        named += !special && p->name.n > 0;
        positional += !special && p->name.n == 0;
        if (!limit_param(p->value, member, BODY_MAX, err)) {
            return false;
        }
    }
    if (named > 0 && positional > 0) {
        return refuse(err, "template.params", "are partly named and partly positional");
    }
    return true;
}

static bool check_template(const struct message *m, struct err *err)
{
    const char *media = meta_media_member(m->media.mime);
    char member[48];

    if (!check_name(m->template_.name, err) ||
        !limit_chars(m->template_.language, "template.language", 0, 15, err) ||
        !check_params(m, err)) {
        return false;
    }
    if ((m->media.url.n > 0 || m->media.provider_id.n > 0) &&
        (media == NULL || strcmp(media, "audio") == 0 || strcmp(media, "sticker") == 0)) {
        return refuse(err, "media", "is none of image, video, document, which headers may be");
    }
    for (size_t i = 0; i < m->noptions; i++) {
        snprintf(member, sizeof(member), "buttons.%zu.id", i);
        if (!limit_chars(m->options[i].id, member, 1, PAYLOAD_MAX, err)) {
            return false;
        }
    }
    return true;
}

static bool check_content(const struct message *m, struct err *err)
{
    switch (m->kind) {
    case MESSAGE_TEXT:
        return limit_chars(m->text, "text", 1, 4096, err);
    case MESSAGE_BUTTONS:
        return check_buttons(m, err);
    case MESSAGE_LIST:
        return check_list(m, err);
    case MESSAGE_MEDIA:
        return check_media(m, err);
    case MESSAGE_LOCATION:
        return limit_place(m, err);
    case MESSAGE_TEMPLATE:
        return check_template(m, err);
    case MESSAGE_REACTION:
        return limit_chars(m->quoted, "quoted", 1, WAMID_MAX, err) &&
               limit_chars(m->emoji, "emoji", 0, 16, err);
    case MESSAGE_READ:
        return limit_chars(m->quoted, "quoted", 1, WAMID_MAX, err);
    }
    return refuse(err, "kind", "is unknown");
}

/* Source: Groups API: "Text, media, text-based templates, and media-based templates". */
static bool check_group(const struct message *m, struct err *err)
{
    bool fits = m->kind == MESSAGE_TEXT || m->kind == MESSAGE_MEDIA ||
                m->kind == MESSAGE_TEMPLATE || m->kind == MESSAGE_READ;

    return m->group.n == 0 ||
           (limit_chars(m->group, "to.group", 1, GROUP_MAX, err) &&
            (fits || refuse(err, "kind", "is none of text, media, template, which groups carry")));
}

/*
 * Who it is for may still be unknown when the limits are asked, so a missing address or template
 * language is meta_build()'s to refuse.
 */
bool meta_check(const struct message *m, struct err *err)
{
    return limit_address(m, err) && check_group(m, err) && check_content(m, err);
}
