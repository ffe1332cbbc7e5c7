/* sender_resume: what an operator may do to one sender; its own pauses and probes are in outbox.c. */
#include "jobs_int.h"

bool engine_sender_resume(struct engine_tenant *et, struct str id)
{
    for (size_t i = 0; i < et->noutboxes; i++) {
        if (str_eq(et->outboxes[i].sender->id, id)) {
            outbox_resume(&et->outboxes[i]);
            return true;
        }
    }
    return false;
}
