/* cli_evidence: what `crewline prove --order` does; see cli_evidence.c. */
#ifndef CREWLINE_CLI_EVIDENCE_H
#define CREWLINE_CLI_EVIDENCE_H

#include "main.h"

/** @what: the path of an export, else the number of a work order. */
int prove_order(const struct args *a, struct str what);

#endif
