/*
 * status: what becomes of an accepted message: sent, delivered, read, or failed, each at its
 * moment, told to the gateway in the number's own dialect and to the page.
 */
#ifndef CREWLINE_SANDBOX_STATUS_H
#define CREWLINE_SANDBOX_STATUS_H

#include "ledger.h"

/** Plans the statuses of @e. Its fails_with and no_statuses are decided here. */
void status_begin(struct sandbox *sb, struct entry *e);
/** It fails now, with @e->fails_with, unless it was delivered or failed already. */
void status_fail(struct sandbox *sb, struct entry *e);
/** By hand: takes @step at once. False when it was taken before. */
bool status_force(struct sandbox *sb, struct entry *e, enum status_step step);
/** The person looked: everything delivered to @phone counts as read. Returns how many. */
size_t status_read_all(struct sandbox *sb, struct str phone);

#endif
