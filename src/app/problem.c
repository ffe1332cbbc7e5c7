/* problem: RFC 9457 problem+json, rendered here alone, from the one table of errors (base/err.h).
 */
#include "app_int.h"

#include <stdio.h>

static struct str title_of(int status)
{
    static const struct {
        int status;
        const char *title;
    } titles[] = {
        {400, "Bad Request"               },
        {401, "Unauthorized"              },
        {403, "Forbidden"                 },
        {404, "Not Found"                 },
        {405, "Method Not Allowed"        },
        {406, "Not Acceptable"            },
        {408, "Request Timeout"           },
        {409, "Conflict"                  },
        {411, "Length Required"           },
        {413, "Content Too Large"         },
        {414, "URI Too Long"              },
        {415, "Unsupported Media Type"    },
        {422, "Unprocessable Content"     },
        {429, "Too Many Requests"         },
        {431, "Header Fields Too Large"   },
        {500, "Internal Server Error"     },
        {501, "Not Implemented"           },
        {502, "Bad Gateway"               },
        {503, "Service Unavailable"       },
        {504, "Gateway Timeout"           },
        {505, "HTTP Version Not Supported"},
    };

    for (size_t i = 0; i < ARRAY_LEN(titles); i++) {
        if (titles[i].status == status) {
            return str_of(titles[i].title);
        }
    }
    return STR("Error");
}

void problem_render(const struct err *err, struct buf *body)
{
    char type[96];
    struct jw w;

    snprintf(type, sizeof(type), "urn:crewline:problem:%s", err_slug(err->code));
    jw_init(&w, body);
    jw_open(&w, NULL, '{');
    jw_z(&w, "type", type);
    jw_str(&w, "title", title_of(err_status(err->code)));
    jw_int(&w, "status", err_status(err->code));
    jw_z(&w, "detail", err->msg);
    if (err->member[0] != '\0') {
        jw_z(&w, "member", err->member);
    }
    jw_close(&w, '}');
}
