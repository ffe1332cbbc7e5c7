/* meta_template: the calls that manage templates. */
#ifndef CREWLINE_SANDBOX_META_TEMPLATE_H
#define CREWLINE_SANDBOX_META_TEMPLATE_H

#include "meta.h"
#include "template.h"

void meta_templates(struct sandbox *sb, struct http_req *r, struct str waba);
void meta_template_node(struct sandbox *sb, struct http_req *r, struct template *t);

#endif
