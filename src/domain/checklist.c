#include "domain/checklist.h"

#include "domain/media.h"
#include "matter_int.h"

#define BODY_BYTES_MAX ((size_t)1 << 20)
#define LABEL_CHARS    700 /* fits into a message with buttons */
#define ID_BYTES_MAX   128

static const char *const kinds[ITEM_KINDS] = {[ITEM_CHECK] = "check",
                                              [ITEM_YES_NO_NA] = "yes_no_na",
                                              [ITEM_PASS_FLAG_FAIL] = "pass_flag_fail",
                                              [ITEM_NUMBER] = "number",
                                              [ITEM_TEXT] = "text",
                                              [ITEM_CHOICE] = "choice",
                                              [ITEM_PHOTO] = "photo"};

static int name_of(const char *const *names, size_t n, struct str name, int otherwise)
{
    for (size_t i = 0; i < n; i++) {
        if (str_eqz(name, names[i])) {
            return (int)i;
        }
    }
    return otherwise;
}

/* ---- from the CMMS ---- */

/* The member as it is called in the event, item by item. */
struct place {
    struct err *err;
    const char *list;
    size_t i;
};

static bool wrong(const struct place *p, const char *name, const char *what)
{
    err_set(p->err, ERR_INVALID, "%s", what);
    return err_member(p->err, "%s.%zu.%s", p->list, p->i, name);
}

static bool limit_of(const struct json *j, const char *name, double *out)
{
    const struct json *v = json_get(j, name);

    if (json_kind(v) != JSON_INT && json_kind(v) != JSON_REAL) {
        return false;
    }
    *out = json_as_real(v, 0);
    return true;
}

static bool read_choices(struct arena *a, const struct json *j, struct checklist_item *out,
                         const struct place *p)
{
    const struct json *list = json_get(j, "options");

    list = list != NULL ? list : json_get(j, "choices");
    for (size_t i = 0; i < json_len(list); i++) {
        const struct json *v = json_at(list, i);
        struct str label = json_kind(v) == JSON_OBJECT ? json_get_str(v, "label") : json_str(v);
        struct str id = json_kind(v) == JSON_OBJECT ? json_get_text(v, "id", a) : label;

        if (label.n == 0 || out->nchoices == CHECKLIST_CHOICES_MAX) {
            return wrong(p, "options",
                         "\"options\" is a list of 2 to 10 texts, or objects with "
                         "\"id\" and \"label\"");
        }
        label = i18n_cut(a, arena_dup(a, label), LABEL_CHARS);
        out->choices[out->nchoices++] =
            (struct item_choice){id.n > 0 ? arena_dup(a, id) : label, label};
    }
    return out->nchoices >= 2 ||
           wrong(p, "options", "an item of kind \"choice\" has no \"options\" to choose from");
}

static struct str value_of(struct arena *a, const struct json *j)
{
    const struct json *v = json_get(j, "value");

    if (json_kind(v) == JSON_REAL) {
        struct buf text;
        struct str out;

        buf_init(&text, 64); /* it goes back to the CMMS: not a digit less than it came with */
        json_dump(v, &text);
        out = arena_dup(a, buf_str(&text));
        buf_fini(&text);
        return out;
    }
    if (json_kind(v) == JSON_BOOL) {
        return json_as_bool(v, false) ? STR("done") : STR("not_done");
    }
    return arena_dup(a, json_get_text(j, "value", a));
}

static bool read_item(struct arena *a, const struct json *j, struct checklist_item *out,
                      const struct place *p)
{
    int kind = name_of(kinds, ITEM_KINDS, json_get_str(j, "kind"), -1);

    *out = (struct checklist_item){.id = arena_dup(a, json_get_text(j, "id", a)),
                                   .unit = arena_dup(a, json_get_str(j, "unit")),
                                   .required = json_get_bool(j, "required", false)};
    out->label = i18n_cut(a, arena_dup(a, str_trim(json_get_str(j, "label"))), LABEL_CHARS);
    if (out->id.n == 0 || out->id.n > ID_BYTES_MAX) {
        return wrong(p, "id", "an item's \"id\" is 1 to 128 bytes");
    }
    if (out->label.n == 0) {
        return wrong(p, "label", "an item has no \"label\"");
    }
    if (json_get(j, "kind") != NULL && kind < 0) {
        return wrong(p, "kind",
                     "\"kind\" is none of check, yes_no_na, pass_flag_fail, number, "
                     "text, choice, photo");
    }
    out->kind = kind < 0 ? ITEM_CHECK : (enum item_kind)kind;
    out->has_min = limit_of(j, "min", &out->min);
    out->has_max = limit_of(j, "max", &out->max);
    out->value = value_of(a, j);
    out->state = out->value.n > 0 ? ITEM_ANSWERED : ITEM_OPEN;
    return out->kind != ITEM_CHOICE || read_choices(a, j, out, p);
}

static bool read_items(struct arena *a, const struct json *list, const char *name,
                       struct checklist *out, struct err *err)
{
    size_t n = json_len(list);

    if (json_kind(list) != JSON_ARRAY || n == 0 || n > CHECKLIST_ITEMS_MAX) {
        err_set(err, ERR_INVALID, "\"items\" is a list of 1 to %d items", CHECKLIST_ITEMS_MAX);
        return err_member(err, "%s", name);
    }
    out->items = ARENA_ARRAY(a, struct checklist_item, n);
    for (size_t i = 0; i < n; i++) {
        struct place p = {err, name, i};

        if (!read_item(a, json_at(list, i), &out->items[i], &p)) {
            return false;
        }
        for (size_t k = 0; k < i; k++) {
            if (str_eq(out->items[k].id, out->items[i].id)) {
                return wrong(&p, "id", "two items have the same \"id\"");
            }
        }
    }
    out->nitems = n;
    return true;
}

static bool member(struct err *err, const char *name, const char *what)
{
    err_set(err, ERR_INVALID, "%s", what);
    return err_member(err, "data.checklist.%s", name);
}

bool checklist_from_json(struct arena *a, const struct json *j, struct checklist *out,
                         struct err *err)
{
    struct str due = json_get_str(j, "due_at");

    *out = (struct checklist){.id = arena_dup(a, json_get_text(j, "id", a)),
                              .name = arena_dup(a, str_trim(json_get_str(j, "name"))),
                              .period = arena_dup(a, json_get_str(j, "period")),
                              .round = 1};
    if (!matter_id_ok(out->id)) {
        return member(err, "id", "\"id\" is 1 to 128 bytes without blanks and '|'");
    }
    if (out->name.n == 0) {
        return member(err, "name", "\"name\" is missing");
    }
    out->name = i18n_cut(a, out->name, 100);
    if (due.n > 0 && !wall_parse(due, &out->due)) {
        return member(err, "due_at", "\"due_at\" is not an RFC 3339 time");
    }
    return read_items(a, json_get(j, "items"), "data.checklist.items", out, err) &&
           matter_assignees(a, json_get(j, "assignees"), "data.checklist.assignees", out->people,
                            &out->npeople, err);
}

bool checklist_of_order(struct arena *a, const struct order *o, struct checklist *out)
{
    struct json *j = NULL;
    struct err err = {0};
    bool ok;

    *out = (struct checklist){
        .id = o->id, .name = o->title, .order_id = o->id, .order_number = o->number, .round = 1};
    /* What could not be asked is the CMMS's own business: its orders are kept word for word. */
    ok = matter_id_ok(o->id) && json_parse(o->source, BODY_BYTES_MAX, &j, &err) &&
         read_items(a, json_get(j, "checklist"), "checklist", out, &err);
    json_free(&j);
    out->name = i18n_cut(a, out->name, 100);
    return ok;
}

/* ---- stored ---- */

static const char *const states[] = {
    [CHECKLIST_DUE] = "due", [CHECKLIST_RUNNING] = "running", [CHECKLIST_SUBMITTED] = "submitted"};
static const char *const asked[] = {
    [ASKED_ITEM] = "item", [ASKED_WHY] = "why", [ASKED_SURE] = "sure"};
static const char *const item_states[] = {
    [ITEM_OPEN] = "open", [ITEM_ANSWERED] = "answered", [ITEM_SKIPPED] = "skipped"};

static void encode_item(const struct checklist_item *item, struct jw *w)
{
    jw_open(w, NULL, '{');
    jw_str(w, "id", item->id);
    jw_str(w, "label", item->label);
    jw_z(w, "kind", kinds[item->kind]);
    jw_bool(w, "required", item->required);
    jw_str(w, "unit", item->unit);
    if (item->has_min) {
        jw_real(w, "min", item->min);
    }
    if (item->has_max) {
        jw_real(w, "max", item->max);
    }
    jw_open(w, "options", '[');
    for (size_t i = 0; i < item->nchoices; i++) {
        jw_open(w, NULL, '{');
        jw_str(w, "id", item->choices[i].value);
        jw_str(w, "label", item->choices[i].label);
        jw_close(w, '}');
    }
    jw_close(w, ']');
    jw_z(w, "state", item_states[item->state]);
    jw_str(w, "value", item->value);
    jw_str(w, "note", item->note);
    jw_str(w, "by", item->by);
    jw_str(w, "by_name", item->by_name);
    jw_int(w, "at", item->at.ms);
    jw_close(w, '}');
}

static void encode_people(struct jw *w, const char *name, const struct str *ids, size_t n)
{
    jw_open(w, name, '[');
    for (size_t i = 0; i < n; i++) {
        jw_str(w, NULL, ids[i]);
    }
    jw_close(w, ']');
}

void checklist_encode(const struct checklist *c, struct buf *out)
{
    struct jw w;

    jw_init(&w, out);
    jw_open(&w, NULL, '{');
    jw_str(&w, "id", c->id);
    jw_str(&w, "name", c->name);
    jw_str(&w, "period", c->period);
    jw_str(&w, "order_id", c->order_id);
    jw_str(&w, "order_number", c->order_number);
    jw_int(&w, "round", c->round);
    jw_int(&w, "due", c->due.ms);
    jw_int(&w, "overdue", c->overdue.ms);
    encode_people(&w, "people", c->people, c->npeople);
    encode_people(&w, "bosses", c->bosses, c->nbosses);
    jw_str(&w, "holder", c->holder);
    jw_str(&w, "holder_name", c->holder_name);
    jw_open(&w, "items", '[');
    for (size_t i = 0; i < c->nitems; i++) {
        encode_item(&c->items[i], &w);
    }
    jw_close(&w, ']');
    jw_int(&w, "at", (int64_t)c->at);
    jw_z(&w, "state", states[c->state]);
    jw_z(&w, "asked", asked[c->asked]);
    jw_str(&w, "pending", c->pending);
    jw_int(&w, "asked_at", c->asked_at.ms);
    jw_int(&w, "submitted", c->submitted.ms);
    jw_bool(&w, "told", c->told);
    jw_bool(&w, "taken_told", c->taken_told);
    jw_bool(&w, "overdue_told", c->overdue_told);
    jw_close(&w, '}');
}

static void decode_item(struct arena *a, const struct json *j, struct checklist_item *out)
{
    struct err err = {0};
    struct place p = {&err, "", 0};

    read_item(a, j, out, &p);
    out->value = arena_dup(a, json_get_str(j, "value"));
    out->state = (enum item_state)name_of(item_states, ARRAY_LEN(item_states),
                                          json_get_str(j, "state"), ITEM_OPEN);
    out->note = arena_dup(a, json_get_str(j, "note"));
    out->by = arena_dup(a, json_get_str(j, "by"));
    out->by_name = arena_dup(a, json_get_str(j, "by_name"));
    out->at.ms = json_get_int(j, "at", 0);
}

static size_t decode_people(struct arena *a, const struct json *list, struct str *out, size_t max)
{
    size_t n = 0;

    while (n < json_len(list) && n < max) {
        out[n] = arena_dup(a, json_str(json_at(list, n)));
        n++;
    }
    return n;
}

static void decode_lists(struct arena *a, const struct json *j, struct checklist *out)
{
    const struct json *items = json_get(j, "items");

    out->npeople = decode_people(a, json_get(j, "people"), out->people, CHECKLIST_PEOPLE_MAX);
    out->nbosses = decode_people(a, json_get(j, "bosses"), out->bosses, CHECKLIST_BOSSES_MAX);
    out->nitems = json_len(items);
    out->items = ARENA_ARRAY(a, struct checklist_item, out->nitems + 1);
    for (size_t i = 0; i < out->nitems; i++) {
        decode_item(a, json_at(items, i), &out->items[i]);
    }
    out->at = (size_t)json_get_int(j, "at", 0);
    out->at = out->at < out->nitems ? out->at : 0;
}

bool checklist_decode(struct arena *a, struct str text, struct checklist *out, struct err *err)
{
    struct json *j;

    if (!json_parse(text, BODY_BYTES_MAX, &j, err)) {
        return false;
    }
    *out = (struct checklist){.id = arena_dup(a, json_get_str(j, "id")),
                              .name = arena_dup(a, json_get_str(j, "name")),
                              .period = arena_dup(a, json_get_str(j, "period")),
                              .order_id = arena_dup(a, json_get_str(j, "order_id")),
                              .order_number = arena_dup(a, json_get_str(j, "order_number")),
                              .round = json_get_int(j, "round", 1),
                              .due = {json_get_int(j, "due", 0)},
                              .overdue = {json_get_int(j, "overdue", 0)},
                              .holder = arena_dup(a, json_get_str(j, "holder")),
                              .holder_name = arena_dup(a, json_get_str(j, "holder_name")),
                              .pending = arena_dup(a, json_get_str(j, "pending")),
                              .asked_at = {json_get_int(j, "asked_at", 0)},
                              .submitted = {json_get_int(j, "submitted", 0)},
                              .told = json_get_bool(j, "told", false),
                              .taken_told = json_get_bool(j, "taken_told", false),
                              .overdue_told = json_get_bool(j, "overdue_told", false)};
    out->state = (enum checklist_state)name_of(states, ARRAY_LEN(states), json_get_str(j, "state"),
                                               CHECKLIST_DUE);
    out->asked = (enum checklist_asked)name_of(asked, ARRAY_LEN(asked), json_get_str(j, "asked"),
                                               ASKED_ITEM);
    decode_lists(a, j, out);
    json_free(&j);
    return true;
}

/* ---- where it stands ---- */

size_t checklist_open_item(const struct checklist *c)
{
    size_t i = 0;

    while (i < c->nitems && c->items[i].state != ITEM_OPEN) {
        i++;
    }
    return i;
}

size_t checklist_count(const struct checklist *c, enum item_state state)
{
    size_t n = 0;

    for (size_t i = 0; i < c->nitems; i++) {
        n += c->items[i].state == state;
    }
    return n;
}

size_t checklist_missing(const struct checklist *c)
{
    size_t n = 0;

    for (size_t i = 0; i < c->nitems; i++) {
        n += c->items[i].required && c->items[i].state == ITEM_OPEN;
    }
    return n;
}

static void write_value(const struct checklist_item *item, struct jw *w)
{
    double number;

    if (item->state != ITEM_ANSWERED || item->kind == ITEM_PHOTO) {
        jw_null(w, "value");
    } else if (item->kind == ITEM_NUMBER && str_to_double(item->value, &number)) {
        jw_real(w, "value", number);
    } else {
        jw_str(w, "value", item->value);
    }
}

static void write_item(const struct checklist_item *item, struct str link, struct jw *w)
{
    jw_open(w, NULL, '{');
    jw_str(w, "id", item->id);
    jw_str(w, "label", item->label);
    jw_z(w, "kind", kinds[item->kind]);
    jw_z(w, "state", item_states[item->state]);
    write_value(item, w);
    if (item->unit.n > 0) {
        jw_str(w, "unit", item->unit);
    }
    if (item->note.n > 0) {
        jw_str(w, "note", item->note);
    }
    if (item->kind == ITEM_PHOTO && item->state == ITEM_ANSWERED) {
        jw_open(w, "media", '{');
        jw_str(w, "id", item->value);
        jw_str(w, "url", link);
        jw_close(w, '}');
    }
    if (item->by.n > 0) {
        jw_open(w, "by", '{');
        jw_str(w, "id", item->by);
        jw_str(w, "name", item->by_name);
        jw_close(w, '}');
        jw_wall(w, "at", item->at);
    }
    jw_close(w, '}');
}

void checklist_write_items(struct arena *a, const struct tenant *t, struct wall now,
                           const struct checklist *c, const struct checklist_item *only,
                           struct jw *w)
{
    struct wall until = {now.ms + t->settings->media_link_s * 1000};

    jw_open(w, "items", '[');
    for (size_t i = 0; i < c->nitems; i++) {
        const struct checklist_item *item = &c->items[i];
        struct str link = STR_NONE;

        if (only != NULL && only != item) {
            continue;
        }
        if (item->kind == ITEM_PHOTO && item->state == ITEM_ANSWERED) {
            link = media_link(a, t, item->value, until);
        }
        write_item(item, link, w);
    }
    jw_close(w, ']');
}
