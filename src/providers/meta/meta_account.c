/*
 * Webhook fields about the account, its numbers, templates and people; "messages" is in
 * meta_parse.c.
 *
 * Each item keeps its JSON in `raw` ({"id","time","field","value"}) and has the field as type_name.
 * What jobs decide by:
 *
 *   template   subject: its name; language; event: APPROVED, PAUSED, ..., QUALITY, COMPONENTS,
 *              CATEGORY and CATEGORY_PENDING (these two with previous_id -> current_id);
 *              detail: the reason or pause in Meta's word; text: the sentence for people
 *   account    event: Meta's word for it; detail: what it is about. A number's own events have the
 *              number as subject ("+" and digits), since they carry no phone_number_id, and its
 *              tier as current_id
 *   opt-out    event: stop, resume or signup; subject: the category
 *   id change  previous_id -> current_id; phone where it is told
 *   group      group_id; event: Meta's word; detail, where it matters to us: "joined" and "left"
 * with the people in subject, a phone or business-scoped id a line, "suspended", "restored",
 *              "gone"; the error of what was asked of it and failed
 */
#include "base/buf.h"
#include "base/json.h"
#include "meta_int.h"

/*
 * These items have no id: whoever tells repetitions apart has only `raw`. So it carries the entry's
 * id and time and the field, for the same template may be paused, released and paused again within
 * days.
 */
static struct str raw_of(struct meta_parse *p, struct str field, const struct json *j)
{
    struct buf b;
    struct jw w;

    buf_init(&b, 2 * WEBHOOK_BYTES_MAX);
    jw_init(&w, &b);
    jw_open(&w, NULL, '{');
    jw_str(&w, "id", p->account);
    jw_int(&w, "time", p->at.ms / 1000);
    jw_str(&w, "field", field);
    jw_json(&w, "value", j);
    jw_close(&w, '}');
    return buf_to_arena(p->a, &b);
}

static struct inbound *kept(struct meta_parse *p, enum inbound_kind kind, const struct json *j)
{
    struct inbound *in = meta_item(p, kind);

    if (in != NULL) {
        in->type_name = str_of(p->field);
        in->raw = raw_of(p, in->type_name, j);
    }
    return in;
}

/* One webhook example spells en-US where the API says en_US; the API's spelling wins. */
static struct str language_of(struct meta_parse *p, const struct json *value)
{
    struct str s = json_get_str(value, "message_template_language");
    struct buf b;

    buf_init(&b, s.n + 1);
    for (size_t i = 0; i < s.n; i++) {
        buf_add_char(&b, s.p[i] == '-' ? '_' : s.p[i]);
    }
    return buf_to_arena(p->a, &b);
}

static struct inbound *template_item(struct meta_parse *p, const struct json *value)
{
    struct inbound *in = kept(p, INBOUND_TEMPLATE, value);

    if (in != NULL) {
        in->subject = meta_text(p, value, "message_template_name");
        in->language = language_of(p, value);
    }
    return in;
}

static void template_status(struct meta_parse *p, const struct json *value)
{
    const struct json *rejection = json_get(value, "rejection_info");
    const struct json *other = json_get(value, "other_info");
    struct inbound *in = template_item(p, value);
    struct str advice;

    if (in == NULL) {
        return;
    }
    in->event = meta_text(p, value, "event");
    in->detail = meta_text(p, other, "title");
    in->text = meta_text(p, other, "description");
    if (in->detail.n == 0 && !str_eqz(json_get_str(value, "reason"), "NONE")) {
        in->detail = meta_text(p, value, "reason");
    }
    if (rejection != NULL) {
        advice = json_get_str(rejection, "recommendation");
        in->text = arena_printf(p->a, "%.*s%s%.*s", STR_ARG(json_get_str(rejection, "reason")),
                                advice.n > 0 ? " " : "", STR_ARG(advice));
    }
}

static void template_quality(struct meta_parse *p, const struct json *value)
{
    struct inbound *in = template_item(p, value);

    if (in != NULL) {
        in->event = STR("QUALITY");
        in->previous_id = meta_text(p, value, "previous_quality_score");
        in->current_id = meta_text(p, value, "new_quality_score");
        in->detail = in->current_id;
    }
}

/* Impending: new_category names the present one, correct_category the one to come. */
static void template_category(struct meta_parse *p, const struct json *value)
{
    struct inbound *in = template_item(p, value);

    if (in == NULL) {
        return;
    }
    if (json_get(value, "correct_category") != NULL) {
        in->event = STR("CATEGORY_PENDING");
        in->previous_id = meta_text(p, value, "new_category");
        in->current_id = meta_text(p, value, "correct_category");
    } else {
        in->event = STR("CATEGORY");
        in->previous_id = meta_text(p, value, "previous_category");
        in->current_id = meta_text(p, value, "new_category");
    }
    in->detail = in->current_id;
}

static void template_components(struct meta_parse *p, const struct json *value)
{
    struct inbound *in = template_item(p, value);

    if (in != NULL) {
        in->event = STR("COMPONENTS");
        in->text = meta_text(p, value, "message_template_element");
    }
}

static struct str restrictions(struct meta_parse *p, const struct json *list)
{
    struct buf b;

    buf_init(&b, 4096);
    for (size_t i = 0; i < json_len(list); i++) {
        buf_addz(&b, i == 0 ? "" : ", ");
        buf_add(&b, json_get_str(json_at(list, i), "restriction_type"));
    }
    return buf_to_arena(p->a, &b);
}

static void account_update(struct meta_parse *p, const struct json *value)
{
    struct inbound *in = kept(p, INBOUND_ACCOUNT, value);

    if (in == NULL) {
        return;
    }
    in->event = meta_text(p, value, "event");
    in->detail = meta_text(p, json_get(value, "violation_info"), "violation_type");
    if (in->detail.n == 0) {
        in->detail = meta_text(p, json_get(value, "ban_info"), "waba_ban_state");
    }
    if (in->detail.n == 0) {
        in->detail = restrictions(p, json_get(value, "restriction_info"));
    }
}

static void account_alert(struct meta_parse *p, const struct json *value)
{
    const struct json *alert = json_get(value, "alert_info");
    struct inbound *in = kept(p, INBOUND_ACCOUNT, value);

    if (in != NULL) {
        in->subject = meta_text(p, value, "entity_id");
        in->event = meta_text(p, alert, "alert_type");
        in->detail = meta_text(p, alert, "alert_severity");
        in->text = meta_text(p, alert, "alert_description");
    }
}

static void account_review(struct meta_parse *p, const struct json *value)
{
    struct inbound *in = kept(p, INBOUND_ACCOUNT, value);

    if (in != NULL) {
        in->event = STR("REVIEW");
        in->detail = meta_text(p, value, "decision");
    }
}

static void capability(struct meta_parse *p, const struct json *value)
{
    struct inbound *in = kept(p, INBOUND_ACCOUNT, value);

    if (in != NULL) {
        in->event = STR("CAPABILITY");
        in->current_id = meta_text(p, value, "max_daily_conversations_per_business");
        in->detail = in->current_id;
    }
}

static void number_quality(struct meta_parse *p, const struct json *value)
{
    struct inbound *in = kept(p, INBOUND_ACCOUNT, value);

    if (in == NULL) {
        return;
    }
    in->subject = phone_of(p->a, json_get_str(value, "display_phone_number"));
    in->event = meta_text(p, value, "event");
    in->previous_id = meta_text(p, value, "old_limit");
    in->current_id = meta_text(p, value, "max_daily_conversations_per_business");
    if (in->current_id.n == 0) {
        in->current_id = meta_text(p, value, "current_limit");
    }
    in->detail = in->current_id;
}

static void number_name(struct meta_parse *p, const struct json *value)
{
    struct inbound *in = kept(p, INBOUND_ACCOUNT, value);

    if (in != NULL) {
        in->subject = phone_of(p->a, json_get_str(value, "display_phone_number"));
        in->event = STR("NAME");
        in->detail = meta_text(p, value, "decision");
        in->text = meta_text(p, value, "requested_verified_name");
    }
}

static void security(struct meta_parse *p, const struct json *value)
{
    struct inbound *in = kept(p, INBOUND_ACCOUNT, value);

    if (in != NULL) {
        in->subject = phone_of(p->a, json_get_str(value, "display_phone_number"));
        in->event = meta_text(p, value, "event");
    }
}

static void preferences(struct meta_parse *p, const struct json *value)
{
    const struct json *list = json_get(value, "user_preferences");

    for (size_t i = 0; i < json_len(list); i++) {
        const struct json *one = json_at(list, i);
        struct inbound *in = kept(p, INBOUND_OPT_OUT, one);

        if (in != NULL) {
            in->phone = phone_of(p->a, json_get_str(one, "wa_id"));
            in->bsuid = meta_text(p, one, "user_id");
            in->subject = meta_text(p, one, "category");
            in->event = meta_text(p, one, "value");
            in->detail = meta_text(p, one, "detail");
            in->at = meta_time(one, "timestamp");
        }
    }
}

static void user_ids(struct meta_parse *p, const struct json *value)
{
    const struct json *list = json_get(value, "user_id_update");

    for (size_t i = 0; i < json_len(list); i++) {
        const struct json *one = json_at(list, i), *ids = json_get(one, "user_id");
        struct inbound *in = kept(p, INBOUND_ID_CHANGE, one);

        if (in != NULL) {
            in->phone = phone_of(p->a, json_get_str(one, "wa_id"));
            in->event = STR("user_id_update");
            in->previous_id = meta_text(p, ids, "previous");
            in->current_id = meta_text(p, ids, "current");
            in->bsuid = in->current_id;
            in->detail = meta_text(p, one, "detail");
            in->at = meta_time(one, "timestamp");
        }
    }
}

/*
 * One word for each that matters. Source: Groups API, Webhooks; the OpenAPI spells two otherwise.
 * Whoever did not get in for an error did not.
 */
static const struct {
    const char *event, *detail, *people;
} group_words[] = {
    {"group_participants_add",    "joined",    "added_participants"  },
    {"group_add_participants",    "joined",    "added_participants"  },
    {"group_participants_remove", "left",      "removed_participants"},
    {"group_remove_participants", "left",      "removed_participants"},
    {"group_suspend",             "suspended", NULL                  },
    {"group_suspend_cleared",     "restored",  NULL                  },
    {"group_delete",              "gone",      NULL                  },
};

/* By wa_id; of one whom we had removed the number that we asked with. */
static void add_participant(struct meta_parse *p, const struct json *one, struct buf *out)
{
    struct str who = phone_of(p->a, json_get_str(one, "wa_id"));

    if (who.n == 0) {
        who = phone_of(p->a, json_get_str(one, "input"));
    }
    if (who.n == 0 && bsuid_is(json_get_str(one, "user_id"))) {
        who = json_get_str(one, "user_id");
    }
    if (who.n > 0) {
        buf_addf(out, "%s%.*s", out->n > 0 ? "\n" : "", STR_ARG(who));
    }
}

static void take_group(struct meta_parse *p, const struct json *one, struct inbound *in)
{
    struct buf people;

    buf_init(&people, WEBHOOK_BYTES_MAX);
    for (size_t i = 0; i < ARRAY_LEN(group_words) && in->error.code == 0; i++) {
        if (str_eqz(in->event, group_words[i].event)) {
            const struct json *list =
                json_get(one, group_words[i].people != NULL ? group_words[i].people : "");

            in->detail = str_of(group_words[i].detail);
            for (size_t k = 0; k < json_len(list); k++) {
                add_participant(p, json_at(list, k), &people);
            }
        }
    }
    in->subject = buf_to_arena(p->a, &people);
}

static void groups(struct meta_parse *p, const struct json *value)
{
    const struct json *list = json_get(value, "groups");

    for (size_t i = 0; i < json_len(list); i++) {
        const struct json *one = json_at(list, i);
        struct inbound *in = kept(p, INBOUND_GROUP, one);

        if (in != NULL) {
            in->group_id = meta_text(p, one, "group_id");
            in->event = meta_text(p, one, "type");
            in->at = meta_time(one, "timestamp");
            meta_error(p, json_get(one, "errors"), in);
            take_group(p, one, in);
        }
    }
}

static const struct {
    const char *name;
    void (*take)(struct meta_parse *p, const struct json *value);
} fields[] = {
    {"message_template_status_update",     template_status    },
    {"message_template_quality_update",    template_quality   },
    {"message_template_components_update", template_components},
    {"template_category_update",           template_category  },
    {"account_update",                     account_update     },
    {"account_alerts",                     account_alert      },
    {"account_review_update",              account_review     },
    {"business_capability_update",         capability         },
    {"phone_number_quality_update",        number_quality     },
    {"phone_number_name_update",           number_name        },
    {"security",                           security           },
    {"user_preferences",                   preferences        },
    {"user_id_update",                     user_ids           },
    {"group_lifecycle_update",             groups             },
    {"group_participants_update",          groups             },
    {"group_participant_update",           groups             },
    {"group_settings_update",              groups             },
    {"group_status_update",                groups             },
};

void meta_account_change(struct meta_parse *p, struct str field, const struct json *value)
{
    size_t before = p->out->n;
    struct inbound *in;

    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        if (str_eqz(field, fields[i].name) && json_kind(value) == JSON_OBJECT) {
            p->field = fields[i].name;
            fields[i].take(p, value);
            break;
        }
    }
    if (p->out->n > before || p->over) {
        return;
    }
    in = meta_item(p, INBOUND_OTHER);
    if (in != NULL) {
        in->type_name = arena_dup(p->a, field);
        in->raw = raw_of(p, field, value);
    }
}
