/* cmms_broadcast: the shape of cmms.broadcast.requested and .cancelled. What follows is no plan:
 * jobs. */
#include "cmms_int.h"
#include "domain/training.h"

static bool is_training(const struct cmms_event *e)
{
    return str_eqz(e->type, "cmms.training.published.v1");
}

const struct json *cmms_training_of(const struct cmms_event *e)
{
    return is_training(e) ? json_get(e->data, "training") : NULL;
}

enum cmms_broadcast cmms_broadcast_of(const struct cmms_event *e)
{
    return str_eqz(e->type, "cmms.broadcast.requested.v1") || is_training(e)
               ? CMMS_BROADCAST_REQUESTED
           : str_eqz(e->type, "cmms.broadcast.cancelled.v1") ? CMMS_BROADCAST_CANCELLED
                                                             : CMMS_BROADCAST_NONE;
}

struct str cmms_broadcast_id(struct arena *a, const struct cmms_event *e)
{
    struct str id = json_get_text(json_get(e->data, "broadcast"), "id", a);

    return id.n > 0 ? id : e->subject.n > 0 ? e->subject : e->id;
}

bool cmms_broadcast_read(struct arena *a, const struct cmms_event *e, struct wall now,
                         struct broadcast *out, struct err *err)
{
    if (is_training(e)) {
        if (!training_read(a, json_get(e->data, "training"), now, out, err)) {
            struct str inner = arena_dup(a, str_of(err->member));

            return err_member(err, "data.training.%.*s", STR_ARG(inner));
        }
        return true;
    }
    if (!broadcast_from_json(a, json_get(e->data, "broadcast"), now, out, err)) {
        struct str inner = arena_dup(a, str_of(err->member));

        return err_member(err, "data.broadcast%s%.*s", inner.n > 0 ? "." : "", STR_ARG(inner));
    }
    out->id = cmms_broadcast_id(a, e);
    out->by = STR("cmms");
    return true;
}

bool cmms_broadcast_subject(struct arena *a, struct cmms_event *out, struct err *err)
{
    struct str id = cmms_broadcast_id(a, out);
    struct broadcast b;

    if (is_training(out)) {
        if (!cmms_broadcast_read(a, out, wall_now(), &b, err)) {
            return false;
        }
        out->lane = arena_printf(a, "b:%.*s", STR_ARG(b.id));
        return true;
    }
    if (json_kind(json_get(out->data, "broadcast")) != JSON_OBJECT) {
        err_set(err, ERR_INVALID, "the event has no broadcast");
        return err_member(err, "data.broadcast");
    }
    if (!broadcast_id_ok(id)) {
        err_set(err, ERR_INVALID,
                "the id of a broadcast is 1 to 64 letters, digits, '.', '_' and '-'");
        return err_member(err, "data.broadcast.id");
    }
    out->lane = arena_printf(a, "b:%.*s", STR_ARG(id));
    return cmms_broadcast_of(out) == CMMS_BROADCAST_CANCELLED ||
           cmms_broadcast_read(a, out, wall_now(), &b, err);
}
