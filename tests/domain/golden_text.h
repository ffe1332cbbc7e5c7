/*
 * golden_text: what every text that people read must keep to (limits, whole characters, directions that end),
 * and how it is written into a golden file.
 */
#ifndef CREWLINE_TESTS_GOLDEN_TEXT_H
#define CREWLINE_TESTS_GOLDEN_TEXT_H

#include "domain/message.h"

#define GOLDEN_MAX (1 << 20) /* bytes of a golden file */

/** At most @max UTF-16 units; in right-to-left text "WO-2024-001" stands in isolates. */
void golden_check_text(const char *label, struct str text, size_t max, bool rtl);
/** Text and options, by the message's kind. */
void golden_check_message(const char *label, const struct message *m, bool rtl);
void golden_add_message(const struct message *m, struct buf *out);
void golden_add_options(const struct message *m, struct buf *out);
/** Against tests/data/golden/notices/<code>.txt; with GOLDEN_WRITE=1 that file is written. */
void golden_compare(const char *code, struct str got);

#endif
