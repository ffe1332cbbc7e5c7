/*
 * training: material that the CMMS published (cmms.training.published.v1): told once to its audience, as a
 * broadcast of the class "training", and kept for whoever asks for it (TRAINING). Key: tr LIST of sealed
 * documents, the newest TRAINING_KEPT; of one id the newest counts.
 */
#ifndef CREWLINE_DOMAIN_TRAINING_H
#define CREWLINE_DOMAIN_TRAINING_H

#include "domain/broadcast.h"

#define TRAINING_KEY  "tr"
#define TRAINING_KEPT 100

struct training {
    struct str id;
    struct broadcast b; /* texts by language, media, audience */
};
/** data.training as a broadcast; its id is "training-<id>". ERR_INVALID naming the member. */
bool training_read(struct arena *a, const struct json *j, struct wall now, struct broadcast *out, struct err *err);
/** As kept: with the audience by name, which a broadcast's own record counts only. */
void training_encode(const struct json *j, struct wall at, struct buf *out);
bool training_decode(struct arena *a, struct str text, struct training *out);
bool training_is_for(const struct training *t, const struct user *u);

#endif
