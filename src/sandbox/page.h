/* page: the simulated phones in a browser. */
#ifndef CREWLINE_SANDBOX_PAGE_H
#define CREWLINE_SANDBOX_PAGE_H

#include "sandbox.h"

/** True when the path is one of the page's files; it is then answered. */
bool page_route(struct http_req *r);

#endif
