/* api_broadcasts: what the handlers of broadcasts share. */
#ifndef CREWLINE_APP_API_BROADCASTS_H
#define CREWLINE_APP_API_BROADCASTS_H

#include "app_int.h"
#include "jobs/broadcast.h"

struct broadcast_look { /* a broadcast as kept, with its counts; in the arena, as r->user */
    struct broadcast_state state;
    struct broadcast b;
    handler_fn *then;
    int64_t confirm;   /* of a resend: the number told, or -1 */
    struct str reply;  /* and what it answers */
    struct mono since; /* cancelling: what is in flight is waited for */
    struct timer *timer;
};
/** Reads the broadcast of r->args[0] and goes on with @l->then, or answers 404. */
void broadcast_look(struct request *r, struct broadcast_look *l);
/** Has the key the right? Answers 403 itself. */
bool broadcast_allowed(struct request *r);
/** POST of @j, as the API takes it. */
void broadcast_post(struct request *r, const struct json *j);

#endif
