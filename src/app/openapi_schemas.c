/*
 * openapi_schemas: the shapes of the API as JSON Schema (2020-12), for the OpenAPI document. Names
 * are those that routes.c uses. Sorted by name; tests/app/test_openapi.c reads them all and follows
 * every reference.
 */
#include "app_int.h"

/* clang-format off */
const struct openapi_schema openapi_schemas[] = {
    {"Accepted",
     "{\"type\":\"object\",\"properties\":{\"id\":{\"type\":\"string\"},\"state\":{\"const\":\"queued\"}},"
     "\"required\":[\"id\",\"state\"]}"},
    {"Alert",
     "{\"type\":\"object\",\"properties\":{\"id\":{\"type\":\"string\"},"
     "\"asset\":{\"type\":\"object\",\"properties\":{\"id\":{\"type\":\"string\"},"
     "\"name\":{\"type\":\"string\"}}},\"site\":{\"type\":\"string\"},"
     "\"severity\":{\"enum\":[\"info\",\"low\",\"minor\",\"warning\",\"medium\",\"major\",\"high\","
     "\"critical\"]},\"text\":{\"type\":\"string\",\"description\":\"Empty: metric, threshold and below "
     "say it\"},\"value\":{\"type\":\"number\"},\"unit\":{\"type\":\"string\"},"
     "\"threshold\":{\"type\":\"number\"},\"metric\":{\"type\":\"string\"},"
     "\"below\":{\"type\":\"boolean\"},\"state\":{\"enum\":[\"open\",\"responded\",\"unanswered\","
     "\"cleared\"]},\"rung\":{\"type\":\"integer\",\"description\":\"The one at hand, from 1\"},"
     "\"of_rungs\":{\"type\":\"integer\"},\"raised_at\":{\"type\":[\"string\",\"null\"],"
     "\"format\":\"date-time\"},\"cleared_at\":{\"type\":[\"string\",\"null\"],"
     "\"format\":\"date-time\"},\"responders\":{\"type\":\"array\",\"items\":{\"type\":\"object\","
     "\"properties\":{\"id\":{\"type\":\"string\"},\"name\":{\"type\":\"string\"},"
     "\"at\":{\"type\":\"string\",\"format\":\"date-time\"},\"after_ms\":{\"type\":\"integer\","
     "\"description\":\"Since its event was accepted\"}}}},\"rungs\":{\"type\":\"array\","
     "\"description\":\"Of one alert: those begun\",\"items\":{\"type\":\"object\","
     "\"properties\":{\"rung\":{\"type\":\"integer\"},\"at\":{\"type\":\"string\","
     "\"format\":\"date-time\"},\"to\":{\"type\":\"object\"},\"wait_s\":{\"type\":\"integer\"},"
     "\"need\":{\"type\":\"integer\"},\"told\":{\"type\":\"array\",\"items\":{\"type\":\"object\"}},"
     "\"not_told\":{\"type\":\"array\",\"items\":{\"type\":\"object\",\"properties\":{"
     "\"id\":{\"type\":\"string\"},\"name\":{\"type\":\"string\"},"
     "\"reason\":{\"type\":\"string\"}}}}}}},\"ladder\":{\"type\":\"object\"}},"
     "\"required\":[\"id\",\"severity\",\"state\",\"raised_at\",\"responders\"]}"},
    {"Alerts",
     "{\"type\":\"object\",\"properties\":{\"items\":{\"type\":\"array\","
     "\"items\":{\"$ref\":\"#/components/schemas/Alert\"}},\"next_cursor\":{\"type\":[\"string\","
     "\"null\"],"
     "\"description\":\"Give it as ?cursor= for the next page; null: this was the last\"}},"
     "\"required\":[\"items\",\"next_cursor\"]}"},
    {"Alive",
     "{\"type\":\"object\",\"properties\":{\"status\":{\"const\":\"ok\"}},\"required\":[\"status\"]}"},
    {"Attachment",
     "{\"type\":\"object\",\"properties\":{\"id\":{\"type\":\"string\"},"
     "\"work_order\":{\"type\":\"string\"},"
     "\"kind\":{\"enum\":[\"photo\",\"video\",\"voice\",\"document\"]},"
     "\"state\":{\"enum\":[\"fetching\",\"kept\",\"failed\"]},"
     "\"reason\":{\"enum\":[\"expired\",\"too_large\",\"type\",\"full\",\"lost\"],"
     "\"description\":\"Why it failed\"},\"caption\":{\"type\":\"string\"},"
     "\"person\":{\"type\":\"object\",\"properties\":{\"id\":{\"type\":\"string\"},"
     "\"name\":{\"type\":\"string\"}}},\"at\":{\"type\":\"string\",\"format\":\"date-time\"},"
     "\"stored_at\":{\"type\":\"string\",\"format\":\"date-time\"},"
     "\"mime\":{\"type\":\"string\",\"description\":\"By its bytes\"},"
     "\"size\":{\"type\":\"integer\"},"
     "\"sha256\":{\"type\":\"string\",\"pattern\":\"^[0-9a-f]{64}$\"},"
     "\"filename\":{\"type\":\"string\"},\"url\":{\"type\":\"string\",\"format\":\"uri\","
     "\"description\":\"A signed link: needs no key, and expires\"},"
     "\"url_expires_at\":{\"type\":\"string\",\"format\":\"date-time\"}},"
     "\"required\":[\"id\",\"kind\",\"state\",\"at\"]}"},
    {"Audit",
     "{\"type\":\"object\",\"properties\":{\"items\":{\"type\":\"array\",\"items\":{\"type\":\"object\","
     "\"properties\":{\"id\":{\"type\":\"string\"},\"at\":{\"type\":\"string\",\"format\":\"date-time\"},"
     "\"key\":{\"type\":\"string\"},\"by\":{\"type\":\"string\"},\"role\":{\"type\":\"string\"},"
     "\"from\":{\"type\":\"string\"},\"what\":{\"type\":\"string\"},\"subject\":{\"type\":\"string\"}},"
     "\"required\":[\"id\",\"at\",\"what\"]}},\"next_cursor\":{\"type\":[\"string\",\"null\"],"
     "\"description\":\"Give it as ?cursor= for the next page; null: this was the last\"}},"
     "\"required\":[\"items\",\"next_cursor\"]}"},
    {"Broadcast",
     "{\"type\":\"object\",\"properties\":{\"id\":{\"type\":\"string\"},"
     "\"title\":{\"type\":\"string\"},\"text\":{\"type\":\"string\"},"
     "\"texts\":{\"type\":\"object\",\"additionalProperties\":{\"type\":\"string\"},"
     "\"description\":\"By language: en, es, pt-BR\"},\"priority\":{\"enum\":[\"low\","
     "\"medium\",\"high\",\"critical\"]},\"ask\":{\"enum\":[\"none\",\"ack\",\"safety\",\"read\"]},"
     "\"audience\":{\"type\":\"object\","
     "\"description\":\"As it was asked for; of people named one by one how many\"},"
     "\"by\":{\"type\":\"string\"},\"created_at\":{\"type\":[\"string\",\"null\"],"
     "\"format\":\"date-time\"},\"send_at\":{\"type\":[\"string\",\"null\"],"
     "\"format\":\"date-time\"},\"expires_at\":{\"type\":[\"string\",\"null\"],"
     "\"format\":\"date-time\"},\"state\":{\"enum\":[\"scheduled\",\"sending\",\"closed\","
     "\"cancelled\"]},\"round\":{\"type\":\"integer\"},\"counts\":{\"type\":\"object\","
     "\"properties\":{\"total\":{\"type\":\"integer\"},\"queued\":{\"type\":\"integer\"},"
     "\"sent\":{\"type\":\"integer\"},\"delivered\":{\"type\":\"integer\"},"
     "\"read\":{\"type\":\"integer\"},\"failed\":{\"type\":\"integer\"},"
     "\"answered\":{\"type\":\"integer\"},\"safe\":{\"type\":\"integer\"},"
     "\"help\":{\"type\":\"integer\"},\"silent\":{\"type\":\"integer\"},"
     "\"skipped\":{\"type\":\"integer\"},\"cancelled\":{\"type\":\"integer\"}}},"
     "\"rate\":{\"type\":\"integer\","
     "\"description\":\"Messages a second at the present limits; 0: no limit\"},"
     "\"eta_s\":{\"type\":\"integer\","
     "\"description\":\"Seconds until nothing is queued any more\"},"
     "\"recipients\":{\"type\":\"integer\",\"description\":\"Of a resend: to how many\"},"
     "\"skipped\":{\"type\":\"array\",\"items\":{\"$ref\":\"#/components/schemas/Skipped\"}}},"
     "\"required\":[\"id\",\"state\"]}"},
    {"BroadcastAccepted",
     "{\"type\":\"object\",\"properties\":{\"id\":{\"type\":\"string\","
     "\"description\":\"Not of a dry run\"},\"recipients\":{\"type\":\"integer\"},"
     "\"skipped\":{\"type\":\"array\",\"items\":{\"$ref\":\"#/components/schemas/Skipped\"}},"
     "\"skipped_total\":{\"type\":\"integer\","
     "\"description\":\"When they are more than are listed here\"},"
     "\"languages\":{\"type\":\"object\",\"additionalProperties\":{\"type\":\"integer\"},"
     "\"description\":\"Dry run: recipients by language of the text\"},"
     "\"session\":{\"type\":\"integer\","
     "\"description\":\"Dry run: inside the 24-hour window\"},"
     "\"template\":{\"type\":\"integer\",\"description\":\"Dry run: outside of it\"},"
     "\"seconds\":{\"type\":\"integer\","
     "\"description\":\"Dry run: how long it takes at the present limits\"}},"
     "\"required\":[\"recipients\",\"skipped\"]}"},
    {"BroadcastRequest",
     "{\"type\":\"object\",\"properties\":{\"title\":{\"type\":\"string\",\"maxLength\":200},"
     "\"text\":{\"type\":\"string\"},\"texts\":{\"type\":\"object\","
     "\"additionalProperties\":{\"type\":\"string\"},\"description\":\"By language: en, es,"
     " pt-BR\"},\"priority\":{\"enum\":[\"low\",\"medium\",\"high\",\"critical\"],"
     "\"default\":\"medium\"},\"audience\":{\"type\":\"object\","
     "\"properties\":{\"all\":{\"type\":\"boolean\"},\"users\":{\"type\":\"array\","
     "\"items\":{\"type\":\"string\"}},\"teams\":{\"type\":\"array\","
     "\"items\":{\"type\":\"string\"}},\"roles\":{\"type\":\"array\","
     "\"items\":{\"enum\":[\"technician\",\"supervisor\",\"admin\",\"stakeholder\"]}},"
     "\"sites\":{\"type\":\"array\",\"items\":{\"type\":\"string\"}},"
     "\"phones\":{\"type\":\"array\",\"items\":{\"type\":\"string\"}}}},"
     "\"ask\":{\"enum\":[\"none\",\"ack\",\"safety\"],\"default\":\"none\"},"
     "\"send_at\":{\"type\":\"string\",\"format\":\"date-time\"},"
     "\"expires_at\":{\"type\":\"string\",\"format\":\"date-time\"},"
     "\"confirm\":{\"type\":\"integer\",\"description\":\"The number of recipients,"
     " where it is above broadcast_confirm_above\"}},\"required\":[\"audience\"],"
     "\"oneOf\":[{\"required\":[\"text\"]},{\"required\":[\"texts\"]}]}"},
    {"BroadcastResend",
     "{\"type\":\"object\",\"properties\":{\"confirm\":{\"type\":\"integer\",\"minimum\":0,"
     "\"description\":\"How many are silent; needed above the tenant's broadcast_confirm_above\"}}}"},
    {"Broadcasts",
     "{\"type\":\"object\",\"properties\":{\"items\":{\"type\":\"array\","
     "\"items\":{\"$ref\":\"#/components/schemas/Broadcast\"}},"
     "\"next_cursor\":{\"type\":[\"string\",\"null\"],"
     "\"description\":\"Give it as ?cursor= for the next page; null: this was the last\"}},"
     "\"required\":[\"items\",\"next_cursor\"]}"},
    {"Callbacks",
     "{\"type\":\"object\",\"properties\":{\"items\":{\"type\":\"array\",\"items\":{\"type\":\"object\","
     "\"properties\":{\"id\":{\"type\":\"string\"},\"sequence\":{\"type\":\"string\"},"
     "\"state\":{\"enum\":[\"waiting\",\"trying\"]},\"tries\":{\"type\":\"integer\"},"
     "\"reason\":{\"type\":\"string\"},\"next_try_at\":{\"type\":[\"string\",\"null\"],"
     "\"format\":\"date-time\"},\"waiting_behind\":{\"type\":\"integer\"},"
     "\"event\":{\"$ref\":\"#/components/schemas/EventRef\"}},\"required\":[\"id\",\"tries\","
     "\"reason\"]}},\"next_cursor\":{\"type\":[\"string\",\"null\"],"
     "\"description\":\"Give it as ?cursor= for the next page; null: this was the last\"}},"
     "\"required\":[\"items\",\"next_cursor\"]}"},
    {"CloudEvent",
     "{\"type\":\"object\",\"properties\":{\"specversion\":{\"const\":\"1.0\"},\"id\":{\"type\":\"string\"},"
     "\"source\":{\"type\":\"string\",\"format\":\"uri-reference\"},\"type\":{\"type\":\"string\","
     "\"examples\":[\"cmms.workorder.created.v1\"]},\"subject\":{\"type\":\"string\"},"
     "\"time\":{\"type\":\"string\",\"format\":\"date-time\"},\"datacontenttype\":{\"type\":\"string\"},"
     "\"data\":{\"type\":\"object\"}},\"required\":[\"id\",\"source\",\"type\",\"data\"],"
     "\"additionalProperties\":true}"},
    {"DeadLetterKind", "{\"enum\":[\"callback\",\"inbound\",\"message\"]}"},
    {"DeadLetters",
     "{\"type\":\"object\",\"properties\":{\"items\":{\"type\":\"array\",\"items\":{\"type\":\"object\","
     "\"properties\":{\"id\":{\"type\":\"string\"},\"kind\":{\"$ref\":\"#/components/schemas/DeadLetterKind\"},"
     "\"sequence\":{\"type\":\"string\"},\"reason\":{\"type\":\"string\"},\"tries\":{\"type\":\"integer\"},"
     "\"at\":{\"type\":\"string\",\"format\":\"date-time\"},"
     "\"event\":{\"$ref\":\"#/components/schemas/EventRef\"},"
     "\"message\":{\"$ref\":\"#/components/schemas/Message\"}},\"required\":[\"id\",\"kind\","
     "\"reason\"]}},\"next_cursor\":{\"type\":[\"string\",\"null\"],"
     "\"description\":\"Give it as ?cursor= for the next page; null: this was the last\"}},"
     "\"required\":[\"items\",\"next_cursor\"]}"},
    {"Emergency",
     "{\"type\":\"object\",\"properties\":{\"title\":{\"type\":\"string\"},"
     "\"message\":{\"type\":\"string\"},\"priority\":{\"enum\":[\"low\",\"medium\",\"high\","
     "\"critical\"],\"default\":\"critical\"},\"audience\":{\"description\":\"all, users,"
     " teams, roles or sites; or an object as of BroadcastRequest\"},"
     "\"targets\":{\"description\":\"Which ones, separated by commas, or a list of them\"},"
     "\"ask\":{\"enum\":[\"none\",\"ack\",\"safety\"]},\"send_at\":{\"type\":\"string\"},"
     "\"expires_at\":{\"type\":\"string\"},\"confirm\":{\"type\":[\"integer\",\"string\"]}},"
     "\"required\":[\"message\"]}"},
    {"EventRef",
     "{\"type\":[\"object\",\"null\"],\"properties\":{\"id\":{\"type\":\"string\"},"
     "\"type\":{\"type\":\"string\"},\"subject\":{\"type\":\"string\"},\"time\":{\"type\":\"string\","
     "\"format\":\"date-time\"}}}"},
    {"EventResults",
     "{\"type\":\"object\",\"properties\":{\"results\":{\"type\":\"array\",\"items\":{\"type\":\"object\","
     "\"properties\":{\"id\":{\"type\":\"string\"},\"status\":{\"enum\":[\"accepted\",\"duplicate\","
     "\"rejected\"]},\"error\":{\"type\":\"string\"}},\"required\":[\"id\",\"status\"]}}},"
     "\"required\":[\"results\"]}"},
    {"Events",
     "{\"oneOf\":[{\"$ref\":\"#/components/schemas/CloudEvent\"},{\"type\":\"array\","
     "\"items\":{\"$ref\":\"#/components/schemas/CloudEvent\"},\"maxItems\":1000}]}"},
    {"Evidence",
     "{\"type\":\"object\",\"description\":\"With ?export=evidence: the whole timeline, each hash the "
     "SHA-256 of the one before, a line feed and the compact JSON of the entry; the first one of the "
     "compact JSON of format, tenant, work_order and exported_at. crewline prove --order checks it. Of "
     "more than 5000 messages the first are in it, and its last entry has the kind cut\","
     "\"properties\":{\"format\":{\"const\":\"crewline-evidence-1\"},\"tenant\":{\"type\":\"string\"},"
     "\"work_order\":{\"type\":\"string\"},"
     "\"exported_at\":{\"type\":\"string\",\"format\":\"date-time\"},"
     "\"items\":{\"type\":\"array\",\"items\":{\"type\":\"object\",\"properties\":{"
     "\"n\":{\"type\":\"integer\"},\"entry\":{\"type\":\"object\"},"
     "\"hash\":{\"type\":\"string\",\"pattern\":\"^[0-9a-f]{64}$\"}},"
     "\"required\":[\"n\",\"entry\",\"hash\"]}},\"count\":{\"type\":\"integer\"},"
     "\"stored_chain\":{\"enum\":[\"intact\",\"broken\"],"
     "\"description\":\"Whether the chain held that is made when entries are stored\"},"
     "\"head\":{\"type\":\"string\",\"description\":\"The last hash: keep it apart\"},"
     "\"seal\":{\"type\":\"string\",\"description\":\"HMAC-SHA256 of the head by the tenant's key\"}},"
     "\"required\":[\"format\",\"items\",\"count\",\"head\",\"seal\"]}"},
    {"GatewayEvent",
     "{\"allOf\":[{\"$ref\":\"#/components/schemas/CloudEvent\"},{\"type\":\"object\","
     "\"properties\":{\"sequence\":{\"type\":\"string\","
     "\"description\":\"Gap-free decimal per tenant\"},\"tenantid\":{\"type\":\"string\"},"
     "\"correlationid\":{\"type\":\"string\"},\"causationid\":{\"type\":\"string\"}},"
     "\"required\":[\"sequence\"]}]}"},
    {"Health",
     "{\"type\":\"object\",\"properties\":{\"status\":{\"enum\":[\"ok\",\"degraded\",\"down\"]},"
     "\"checks\":{\"type\":\"object\","
     "\"properties\":{\"redis\":{\"$ref\":\"#/components/schemas/HealthCheck\"},"
     "\"queues\":{\"$ref\":\"#/components/schemas/HealthCheck\"},\"senders\":{\"type\":\"object\","
     "\"additionalProperties\":{\"$ref\":\"#/components/schemas/HealthCheck\"}},"
     "\"cmms\":{\"$ref\":\"#/components/schemas/HealthCheck\"},"
     "\"alarms\":{\"type\":\"array\",\"items\":{\"type\":\"object\",\"properties\":{"
     "\"component\":{\"type\":\"string\"},\"severity\":{\"type\":\"string\"},"
     "\"text\":{\"type\":\"string\"},\"advice\":{\"type\":\"string\"},"
     "\"since\":{\"type\":\"string\",\"format\":\"date-time\"}}}}}},\"version\":{\"type\":\"string\"}},"
     "\"required\":[\"status\"]}"},
    {"HealthCheck",
     "{\"type\":\"object\",\"properties\":{\"status\":{\"type\":\"string\"},"
     "\"reason\":{\"type\":\"string\"}},\"required\":[\"status\"]}"},
    {"Import",
     "{\"type\":\"array\",\"items\":{\"$ref\":\"#/components/schemas/User\"}}"},
    {"ImportResult",
     "{\"type\":\"object\",\"properties\":{\"created\":{\"type\":\"integer\"},"
     "\"updated\":{\"type\":\"integer\"},\"failed\":{\"type\":\"array\",\"items\":{\"type\":\"object\","
     "\"properties\":{\"row\":{\"type\":\"integer\","
     "\"description\":\"From 1; the header of a CSV is not counted\"},"
     "\"error\":{\"type\":\"string\"}},\"required\":[\"row\",\"error\"]}},"
     "\"failed_total\":{\"type\":\"integer\",\"description\":\"Where more than 1000 rows failed\"}},"
     "\"required\":[\"created\",\"updated\",\"failed\"]}"},
    {"Key",
     "{\"type\":\"object\",\"properties\":{\"id\":{\"type\":\"string\"},\"role\":{\"enum\":[\"cmms\","
     "\"admin\",\"viewer\"]},\"name\":{\"type\":\"string\"},\"broadcast\":{\"type\":\"boolean\"},"
     "\"created_at\":{\"type\":\"string\",\"format\":\"date-time\"}},\"required\":[\"id\",\"role\","
     "\"name\"]}"},
    {"KeyRequest",
     "{\"type\":\"object\",\"properties\":{\"role\":{\"enum\":[\"cmms\",\"admin\",\"viewer\"]},"
     "\"name\":{\"type\":\"string\",\"maxLength\":100},\"broadcast\":{\"type\":\"boolean\","
     "\"default\":true,\"description\":\"May it broadcast? Never for viewers\"}},"
     "\"required\":[\"role\",\"name\"]}"},
    {"Keys",
     "{\"type\":\"object\",\"properties\":{\"items\":{\"type\":\"array\","
     "\"items\":{\"$ref\":\"#/components/schemas/Key\"}},\"next_cursor\":{\"type\":[\"string\","
     "\"null\"],"
     "\"description\":\"Give it as ?cursor= for the next page; null: this was the last\"}},"
     "\"required\":[\"items\",\"next_cursor\"]}"},
    {"List",
     "{\"type\":\"object\",\"properties\":{\"button\":{\"type\":\"string\",\"maxLength\":20},"
     "\"sections\":{\"type\":\"array\",\"items\":{\"type\":\"object\","
     "\"properties\":{\"title\":{\"type\":\"string\"},\"rows\":{\"type\":\"array\","
     "\"items\":{\"type\":\"object\",\"properties\":{\"id\":{\"type\":\"string\"},"
     "\"title\":{\"type\":\"string\",\"maxLength\":24},\"description\":{\"type\":\"string\","
     "\"maxLength\":72}},\"required\":[\"id\",\"title\"]}}},\"required\":[\"rows\"]}}},"
     "\"required\":[\"button\",\"sections\"]}"},
    {"Location",
     "{\"type\":\"object\",\"properties\":{\"latitude\":{\"type\":\"number\",\"minimum\":-90,"
     "\"maximum\":90},\"longitude\":{\"type\":\"number\",\"minimum\":-180,\"maximum\":180},"
     "\"name\":{\"type\":\"string\"},\"address\":{\"type\":\"string\"}},\"required\":[\"latitude\","
     "\"longitude\"]}"},
    {"Media",
     "{\"type\":\"object\",\"properties\":{\"url\":{\"type\":\"string\",\"format\":\"uri\"},"
     "\"mime\":{\"type\":\"string\"},\"caption\":{\"type\":\"string\"},\"filename\":{\"type\":\"string\"}},"
     "\"required\":[\"url\"]}"},
    {"MediaList",
     "{\"type\":\"object\",\"properties\":{\"items\":{\"type\":\"array\","
     "\"items\":{\"$ref\":\"#/components/schemas/Attachment\"}},"
     "\"next_cursor\":{\"type\":[\"string\",\"null\"],"
     "\"description\":\"Give it as ?cursor= for the next page; null: this was the last\"}},"
     "\"required\":[\"items\",\"next_cursor\"]}"},
    {"Message",
     "{\"type\":\"object\",\"properties\":{\"id\":{\"type\":\"string\"},"
     "\"state\":{\"$ref\":\"#/components/schemas/MessageState\"},\"direction\":{\"enum\":[\"out\","
     "\"in\"]},\"kind\":{\"$ref\":\"#/components/schemas/MessageKind\"},\"to\":{\"type\":\"object\","
     "\"properties\":{\"user\":{\"type\":\"string\"},\"phone\":{\"type\":\"string\","
     "\"pattern\":\"^\\\\+[1-9][0-9]{7,14}$\",\"examples\":[\"+12025550117\"]},"
     "\"team\":{\"type\":\"string\",\"description\":\"Said once, in the team's group on WhatsApp\"}}},"
     "\"priority\":{\"enum\":[\"low\",\"medium\",\"high\",\"reply\",\"critical\"]},"
     "\"class\":{\"type\":\"string\"},\"text\":{\"type\":\"string\"},\"header\":{\"type\":\"string\"},"
     "\"footer\":{\"type\":\"string\"},\"buttons\":{\"type\":\"array\",\"items\":{\"type\":\"object\","
     "\"properties\":{\"id\":{\"type\":\"string\"},\"title\":{\"type\":\"string\"}}}},"
     "\"list\":{\"$ref\":\"#/components/schemas/List\"},"
     "\"location\":{\"$ref\":\"#/components/schemas/Location\"},"
     "\"template\":{\"$ref\":\"#/components/schemas/Template\"},"
     "\"media\":{\"$ref\":\"#/components/schemas/Media\"},\"work_order\":{\"type\":\"string\"},"
     "\"sender\":{\"type\":\"string\"},\"created_at\":{\"type\":\"string\",\"format\":\"date-time\"},"
     "\"send_at\":{\"type\":\"string\",\"format\":\"date-time\"},\"expires_at\":{\"type\":\"string\","
     "\"format\":\"date-time\"},\"attempts\":{\"type\":\"integer\"},"
     "\"channel\":{\"enum\":[\"whatsapp\",\"sms\"]},"
     "\"instead_of\":{\"type\":\"string\",\"description\":\"The critical message that did not reach its "
     "person, which this one says again by another way\"},\"said_again_as\":{\"type\":\"string\","
     "\"description\":\"The message that says this one again by another way\"},"
     "\"possible_duplicate\":{\"type\":\"boolean\",\"description\":\"Handed over again after an attempt "
     "that nobody answered\"},\"updated_at\":{\"type\":[\"string\","
     "\"null\"],\"format\":\"date-time\"},\"error\":{\"$ref\":\"#/components/schemas/MessageError\"},"
     "\"timeline\":{\"type\":\"array\",\"items\":{\"type\":\"object\","
     "\"properties\":{\"state\":{\"$ref\":\"#/components/schemas/MessageState\"},"
     "\"at\":{\"type\":\"string\",\"format\":\"date-time\"},\"detail\":{\"type\":\"string\"},"
     "\"error\":{\"$ref\":\"#/components/schemas/MessageError\"}},\"required\":[\"state\",\"at\"]}}},"
     "\"required\":[\"id\",\"state\",\"direction\",\"kind\",\"to\",\"created_at\"]}"},
    {"MessageError",
     "{\"type\":\"object\",\"properties\":{\"code\":{\"type\":\"string\"},\"title\":{\"type\":\"string\"},"
     "\"advice\":{\"type\":\"string\"}},\"required\":[\"code\",\"title\"]}"},
    {"MessageKind",
     "{\"enum\":[\"text\",\"template\",\"media\",\"buttons\",\"list\",\"location\",\"reaction\"]}"},
    {"MessageRequest",
     "{\"type\":\"object\",\"properties\":{\"to\":{\"oneOf\":[{\"type\":\"object\","
     "\"properties\":{\"user\":{\"type\":\"string\"}},\"required\":[\"user\"]},{\"type\":\"object\","
     "\"properties\":{\"phone\":{\"type\":\"string\",\"pattern\":\"^\\\\+[1-9][0-9]{7,14}$\","
     "\"examples\":[\"+12025550117\"]}},\"required\":[\"phone\"]}]},\"kind\":{\"enum\":[\"text\","
     "\"template\",\"media\",\"buttons\",\"list\",\"location\",\"document\"]},\"text\":{\"type\":\"string\","
     "\"maxLength\":4096},\"header\":{\"type\":\"string\"},\"footer\":{\"type\":\"string\"},"
     "\"buttons\":{\"type\":\"array\",\"minItems\":1,\"maxItems\":3,\"items\":{\"type\":\"object\","
     "\"properties\":{\"id\":{\"type\":\"string\"},\"title\":{\"type\":\"string\",\"maxLength\":20}},"
     "\"required\":[\"id\",\"title\"]}},\"list\":{\"$ref\":\"#/components/schemas/List\"},"
     "\"location\":{\"$ref\":\"#/components/schemas/Location\"},"
     "\"template\":{\"$ref\":\"#/components/schemas/Template\"},"
     "\"media\":{\"$ref\":\"#/components/schemas/Media\"},\"priority\":{\"enum\":[\"low\",\"medium\","
     "\"normal\",\"high\",\"critical\"],\"default\":\"medium\"},\"work_order\":{\"type\":\"string\"},"
     "\"sender\":{\"type\":\"string\"},\"send_at\":{\"type\":\"string\",\"format\":\"date-time\"},"
     "\"expires_at\":{\"type\":\"string\",\"format\":\"date-time\"}},\"required\":[\"to\",\"kind\"]}"},
    {"MessageState",
     "{\"enum\":[\"queued\",\"sending\",\"sent\",\"delivered\",\"read\",\"failed\",\"uncertain\","
     "\"expired\",\"cancelled\"]}"},
    {"MessageTemplate",
     "{\"type\":\"object\",\"properties\":{\"name\":{\"type\":\"string\"},\"category\":{\"type\":\"str"
     "ing\"},\"built_in\":{\"type\":\"boolean\",\"description\":\"One of the gateway's own\"},\"langua"
     "ges\":{\"type\":\"array\",\"items\":{\"type\":\"object\",\"properties\":{\"language\":{\"type\":"
     "\"string\",\"examples\":[\"en_US\"]},\"category\":{\"enum\":[\"UTILITY\",\"MARKETING\",\"AUTHENT"
     "ICATION\"]},\"header\":{\"type\":\"string\"},\"body\":{\"type\":\"string\"},\"footer\":{\"type\""
     ":\"string\"},\"buttons\":{\"type\":\"array\",\"items\":{\"type\":\"object\"}},\"examples\":{\"ty"
     "pe\":\"array\",\"items\":{\"type\":\"string\"}},\"approvals\":{\"type\":\"array\",\"items\":{\"t"
     "ype\":\"object\",\"properties\":{\"provider\":{\"enum\":[\"meta\",\"twilio\"]},\"account\":{\"ty"
     "pe\":\"string\"},\"status\":{\"enum\":[\"unregistered\",\"pending\",\"approved\",\"rejected\",\""
     "paused\",\"disabled\",\"missing\"]},\"category\":{\"type\":\"string\"},\"reason\":{\"type\":\"st"
     "ring\"},\"id\":{\"type\":\"string\"},\"at\":{\"type\":\"string\",\"format\":\"date-time\"}},\"re"
     "quired\":[\"provider\",\"account\",\"status\"]}}},\"required\":[\"language\",\"approvals\"]}}},"
     "\"required\":[\"name\",\"built_in\",\"languages\"]}"},
    {"MessageTemplateRequest",
     "{\"type\":\"object\",\"properties\":{\"name\":{\"type\":\"string\",\"pattern\":\"^[a-z0-9_]{1,10"
     "0}$\"},\"language\":{\"type\":\"string\",\"examples\":[\"en_US\"]},\"category\":{\"enum\":[\"UTI"
     "LITY\",\"MARKETING\",\"AUTHENTICATION\"]},\"body\":{\"type\":\"string\",\"maxLength\":1024,\"des"
     "cription\":\"Parameters are {{1}}, {{2}}, not at its ends and not side by side\"},\"header\":{\""
     "type\":\"string\",\"maxLength\":60},\"footer\":{\"type\":\"string\",\"maxLength\":60},\"buttons"
     "\":{\"type\":\"array\",\"maxItems\":3,\"items\":{\"oneOf\":[{\"type\":\"string\",\"maxLength\":2"
     "5},{\"type\":\"object\",\"properties\":{\"text\":{\"type\":\"string\",\"maxLength\":25},\"url\":"
     "{\"type\":\"string\"},\"phone\":{\"type\":\"string\"},\"action\":{\"type\":\"string\"}},\"requir"
     "ed\":[\"text\"]}]}},\"examples\":{\"type\":\"array\",\"items\":{\"type\":\"string\"},\"descripti"
     "on\":\"One for each parameter\"}},\"required\":[\"name\",\"language\",\"category\"]}"},
    {"MessageTemplateSync",
     "{\"type\":\"object\",\"properties\":{\"state\":{\"const\":\"started\"},\"accounts\":{\"type\":\""
     "array\",\"items\":{\"type\":\"object\",\"properties\":{\"provider\":{\"enum\":[\"meta\",\"twilio"
     "\"]},\"account\":{\"type\":\"string\"}}}}},\"required\":[\"state\",\"accounts\"]}"},
    {"MessageTemplates",
     "{\"type\":\"object\",\"properties\":{\"items\":{\"type\":\"array\",\"items\":{\"$ref\":\"#/compo"
     "nents/schemas/MessageTemplate\"}},\"next_cursor\":{\"type\":[\"string\",\"null\"],\"description"
     "\":\"Give it as ?cursor= for the next page; null: this was the last\"}},\"required\":[\"items\","
     "\"next_cursor\"]}"},
    {"Messages",
     "{\"type\":\"object\",\"properties\":{\"items\":{\"type\":\"array\","
     "\"items\":{\"$ref\":\"#/components/schemas/Message\"}},\"next_cursor\":{\"type\":[\"string\","
     "\"null\"],"
     "\"description\":\"Give it as ?cursor= for the next page; null: this was the last\"}},"
     "\"required\":[\"items\",\"next_cursor\"]}"},
    {"MetaWebhook",
     "{\"type\":\"object\",\"properties\":{\"object\":{\"type\":\"string\"},\"entry\":{\"type\":\"array\","
     "\"items\":{\"type\":\"object\"}}}}"},
    {"NewKey",
     "{\"allOf\":[{\"$ref\":\"#/components/schemas/Key\"},{\"type\":\"object\","
     "\"properties\":{\"secret\":{\"type\":\"string\","
     "\"description\":\"Shown this once; only its hash is kept\"}},\"required\":[\"secret\"]}]}"},
    {"Outbox",
     "{\"type\":\"object\",\"properties\":{\"items\":{\"type\":\"array\","
     "\"items\":{\"$ref\":\"#/components/schemas/GatewayEvent\"}},"
     "\"next_cursor\":{\"type\":\"string\"}},\"required\":[\"items\",\"next_cursor\"]}"},
    {"Problem",
     "{\"type\":\"object\",\"properties\":{\"type\":{\"type\":\"string\",\"format\":\"uri\"},"
     "\"title\":{\"type\":\"string\"},\"status\":{\"type\":\"integer\"},\"detail\":{\"type\":\"string\"},"
     "\"member\":{\"type\":\"string\",\"description\":\"The member or parameter that is wrong\"}},"
     "\"required\":[\"type\",\"title\",\"status\",\"detail\"]}"},
    {"Recipients",
     "{\"type\":\"object\",\"properties\":{\"items\":{\"type\":\"array\","
     "\"items\":{\"type\":\"object\",\"properties\":{\"user\":{\"type\":\"string\"},"
     "\"name\":{\"type\":\"string\"},\"phone\":{\"type\":\"string\"},"
     "\"language\":{\"type\":\"string\"},\"state\":{\"type\":\"string\"},"
     "\"reason\":{\"type\":\"string\"},\"message\":{\"type\":[\"string\",\"null\"]},"
     "\"answer\":{\"enum\":[\"ack\",\"safe\",\"help\",null]},"
     "\"answered_at\":{\"type\":[\"string\",\"null\"],\"format\":\"date-time\"}},"
     "\"required\":[\"user\",\"state\"]}},\"next_cursor\":{\"type\":[\"string\",\"null\"],"
     "\"description\":\"Give it as ?cursor= for the next page; null: this was the last\"}},"
     "\"required\":[\"items\",\"next_cursor\"]}"},
    {"ReplayFilter",
     "{\"type\":\"object\",\"description\":\"Members left out fit everything\",\"properties\":{"
     "\"kind\":{\"$ref\":\"#/components/schemas/DeadLetterKind\"},\"type\":{\"type\":\"string\","
     "\"description\":\"Type of the event\"},\"subject\":{\"type\":\"string\",\"description\":\"Of "
     "the event\"},\"user\":{\"type\":\"string\",\"description\":\"Whom the message was for\"},"
     "\"reason\":{\"type\":\"string\",\"description\":\"Part of the reason\"},\"from\":{\"type\":"
     "\"string\",\"format\":\"date-time\"},\"to\":{\"type\":\"string\",\"format\":\"date-time\"}},"
     "\"additionalProperties\":false}"},
    {"Replayed",
     "{\"type\":\"object\",\"properties\":{\"matched\":{\"type\":\"integer\"},\"replayed\":{\"type\":"
     "\"integer\"},\"failed\":{\"type\":\"integer\"},\"failures\":{\"type\":\"array\",\"description\":"
     "\"The first 100\",\"items\":{\"type\":\"object\",\"properties\":{\"id\":{\"type\":\"string\"},"
     "\"reason\":{\"type\":\"string\"}}}}},\"required\":[\"matched\",\"replayed\",\"failed\"]}"},
    {"SendTest",
     "{\"type\":\"object\",\"properties\":{\"to\":{\"type\":\"string\",\"pattern\":\"^\\\\+[1-9][0-9]{7,"
     "14}$\",\"examples\":[\"+12025550117\"]},\"message\":{\"type\":\"string\"}},\"required\":[\"to\"]}"},
    {"Sender",
     "{\"type\":\"object\",\"properties\":{\"id\":{\"type\":\"string\"},\"provider\":{\"enum\":[\"meta\","
     "\"twilio\"]},\"number\":{\"type\":\"string\"},\"state\":{\"enum\":[\"ok\",\"paused\"]},"
     "\"reason\":{\"type\":[\"string\",\"null\"]},\"advice\":{\"type\":[\"string\",\"null\"]},"
     "\"until\":{\"type\":[\"string\",\"null\"],\"format\":\"date-time\",\"description\":\"It rests until "
     "then; null: until it is resumed\"},"
     "\"percent\":{\"type\":\"integer\",\"description\":\"Of rate_per_second, in force now\"},"
     "\"quality\":{\"type\":[\"string\",\"null\"]},"
     "\"replaced_by\":{\"type\":[\"object\",\"null\"],\"description\":\"Who speaks in its place while it "
     "is paused\",\"properties\":{\"sender\":{\"type\":\"string\"},\"since\":{\"type\":\"string\","
     "\"format\":\"date-time\"}}},"
     "\"portfolio\":{\"type\":\"string\",\"description\":\"Whose senders share limit and "
     "used_today\"},"
     "\"limit\":{\"type\":[\"integer\",\"null\"],\"description\":\"People in 24 h outside their "
     "window; null: no tier\"},\"used_today\":{\"type\":[\"integer\",\"null\"]},"
     "\"limit_from\":{\"enum\":[\"provider\",\"configuration\",null],\"description\":\"What Meta's "
     "webhooks told goes before daily_people, until that is changed\"},"
     "\"rate_per_second\":{\"type\":\"integer\"},\"in_flight\":{\"type\":\"integer\"},"
     "\"queued\":{\"type\":\"integer\"}},\"required\":[\"id\",\"provider\",\"state\"]}"},
    {"Senders",
     "{\"type\":\"object\",\"properties\":{\"items\":{\"type\":\"array\","
     "\"items\":{\"$ref\":\"#/components/schemas/Sender\"}},\"next_cursor\":{\"type\":[\"string\","
     "\"null\"],"
     "\"description\":\"Give it as ?cursor= for the next page; null: this was the last\"}},"
     "\"required\":[\"items\",\"next_cursor\"]}"},
    {"SettingsForm",
     "{\"type\":\"object\",\"description\":\"In a form a class that is left out is off; in JSON"
     " with true and false it stays as it is\",\"properties\":{"
     "\"csrf_token\":{\"type\":\"string\",\"description\":\"Of the page, unless X-CSRF-Token"
     " brings it\"},"
     "\"assignments\":{\"$ref\":\"#/components/schemas/Switch\"},"
     "\"escalations\":{\"$ref\":\"#/components/schemas/Switch\"},"
     "\"parts\":{\"$ref\":\"#/components/schemas/Switch\"},"
     "\"reminders\":{\"$ref\":\"#/components/schemas/Switch\"},"
     "\"emergency\":{\"$ref\":\"#/components/schemas/Switch\"},"
     "\"checklists\":{\"$ref\":\"#/components/schemas/Switch\"},"
     "\"updates\":{\"$ref\":\"#/components/schemas/Switch\"},"
     "\"training\":{\"$ref\":\"#/components/schemas/Switch\"},"
     "\"language\":{\"type\":\"string\"},\"timezone\":{\"type\":\"string\"},"
     "\"quiet_from\":{\"type\":[\"string\",\"null\"]},"
     "\"quiet_to\":{\"type\":[\"string\",\"null\"]}}}"},
    {"Skipped",
     "{\"type\":\"object\",\"properties\":{\"user\":{\"type\":\"string\","
     "\"description\":\"Or the phone that nobody has\"},\"reason\":{\"type\":\"string\"}},"
     "\"required\":[\"user\",\"reason\"]}"},
    {"Switch", "{\"anyOf\":[{\"type\":\"boolean\"},{\"enum\":[\"on\",\"off\"]}]}"},
    {"TeamMessage",
     "{\"type\":\"object\",\"properties\":{\"text\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":3000},"
     "\"from\":{\"type\":\"string\",\"maxLength\":200,"
     "\"description\":\"Name that stands in front; the tenant's when left out\"}},"
     "\"required\":[\"text\"],\"additionalProperties\":false}"},
    {"Template",
     "{\"type\":\"object\",\"properties\":{\"name\":{\"type\":\"string\"},"
     "\"language\":{\"type\":\"string\"},\"params\":{\"oneOf\":[{\"type\":\"array\",\"maxItems\":16},"
     "{\"type\":\"object\"}]}},\"required\":[\"name\"]}"},
    {"Timeline",
     "{\"type\":\"object\",\"properties\":{\"items\":{\"type\":\"array\",\"items\":{\"type\":\"object\","
     "\"properties\":{\"at\":{\"type\":\"string\",\"format\":\"date-time\"},\"kind\":{\"type\":\"string\"},"
     "\"who\":{\"type\":\"string\"},\"text\":{\"type\":\"string\"},"
     "\"media\":{\"type\":\"object\",\"properties\":{\"id\":{\"type\":\"string\"},"
     "\"sha256\":{\"type\":\"string\"},\"mime\":{\"type\":\"string\"},\"size\":{\"type\":\"integer\"},"
     "\"caption\":{\"type\":\"string\"},\"kind\":{\"type\":\"string\"}}},"
     "\"message\":{\"type\":\"object\",\"properties\":{\"id\":{\"type\":\"string\"},"
     "\"kind\":{\"$ref\":\"#/components/schemas/MessageKind\"},"
     "\"state\":{\"$ref\":\"#/components/schemas/MessageState\"}}}},\"required\":[\"at\",\"kind\"]}},"
     "\"next_cursor\":{\"type\":[\"string\",\"null\"],"
     "\"description\":\"Give it as ?cursor= for the next page; null: this was the last\"}},"
     "\"required\":[\"items\",\"next_cursor\"]}"},
    {"TwilioForm",
     "{\"type\":\"object\",\"properties\":{\"AccountSid\":{\"type\":\"string\"},"
     "\"MessageSid\":{\"type\":\"string\"},\"From\":{\"type\":\"string\"},\"To\":{\"type\":\"string\"},"
     "\"Body\":{\"type\":\"string\"}},\"additionalProperties\":true}"},
    {"User",
     "{\"type\":\"object\",\"properties\":{\"id\":{\"type\":\"string\",\"maxLength\":128},"
     "\"name\":{\"type\":\"string\"},\"phone\":{\"type\":\"string\",\"pattern\":\"^\\\\+[1-9][0-9]{7,14}$\","
     "\"examples\":[\"+12025550117\"]},\"roles\":{\"type\":\"array\",\"items\":{\"enum\":[\"technician\","
     "\"supervisor\",\"admin\",\"stakeholder\"]}},\"teams\":{\"type\":\"array\","
     "\"items\":{\"type\":\"string\"}},\"site\":{\"type\":\"string\"},\"language\":{\"type\":\"string\","
     "\"examples\":[\"es\"]},\"timezone\":{\"type\":\"string\",\"examples\":[\"Europe/Madrid\"]},"
     "\"supervisor\":{\"type\":\"string\"},\"verified\":{\"type\":\"boolean\"},"
     "\"subscriptions\":{\"type\":\"object\",\"description\":\"Machines and sites of whose changes he is told; "
     "a supervisor follows his own site\",\"properties\":{\"assets\":{\"type\":\"array\",\"maxItems\":64,"
     "\"items\":{\"type\":\"string\"}},\"sites\":{\"type\":\"array\",\"maxItems\":64,"
     "\"items\":{\"type\":\"string\"}}}},"
     "\"consented\":{\"type\":\"boolean\"},\"preferences\":{\"type\":\"object\","
     "\"properties\":{\"classes\":{\"type\":\"object\","
     "\"properties\":{\"assignments\":{\"type\":\"boolean\"},\"escalations\":{\"type\":\"boolean\"},"
     "\"parts\":{\"type\":\"boolean\"},\"reminders\":{\"type\":\"boolean\"},"
     "\"emergency\":{\"type\":\"boolean\"},\"checklists\":{\"type\":\"boolean\"},"
     "\"updates\":{\"type\":\"boolean\"},\"training\":{\"type\":\"boolean\"}}},"
     "\"quiet_hours\":{\"type\":[\"object\",\"null\"],\"properties\":{\"from\":{\"type\":\"string\","
     "\"examples\":[\"22:00\"]},\"to\":{\"type\":\"string\",\"examples\":[\"06:00\"]}}}}},"
     "\"opted_out\":{\"oneOf\":[{\"const\":\"all\"},{\"type\":\"array\",\"items\":{\"type\":\"string\"}}]}}}"},
    {"Users",
     "{\"type\":\"object\",\"properties\":{\"items\":{\"type\":\"array\","
     "\"items\":{\"$ref\":\"#/components/schemas/User\"}},\"next_cursor\":{\"type\":[\"string\","
     "\"null\"],"
     "\"description\":\"Give it as ?cursor= for the next page; null: this was the last\"}},"
     "\"required\":[\"items\",\"next_cursor\"]}"},
    {"Verified",
     "{\"type\":\"object\",\"properties\":{\"status\":{\"enum\":[\"sent\",\"verified\"]},"
     "\"expires_s\":{\"type\":\"integer\",\"description\":\"How long the code holds\"},"
     "\"csrf_token\":{\"type\":\"string\",\"description\":\"For the settings, with the cookie that"
     " comes along\"}},\"required\":[\"status\"]}"},
    {"VerifyForm",
     "{\"type\":\"object\",\"properties\":{\"phone\":{\"type\":\"string\"},\"code\":{"
     "\"type\":\"string\",\"description\":\"Left out: send one\"}},\"required\":[\"phone\"]}"},
    {"WorkOrder",
     "{\"type\":\"object\",\"properties\":{\"id\":{\"type\":\"string\"},\"number\":{\"type\":\"string\"},"
     "\"title\":{\"type\":\"string\"},\"status\":{\"enum\":[\"open\",\"acknowledged\",\"in_progress\","
     "\"on_hold\",\"completed\",\"cancelled\"]},\"description\":{\"type\":\"string\"},"
     "\"priority\":{\"enum\":[\"none\",\"low\",\"medium\",\"high\",\"critical\"]},"
     "\"type\":{\"type\":\"string\"},\"asset\":{\"type\":\"object\"},\"location\":{\"type\":\"object\"},"
     "\"due_at\":{\"type\":\"string\",\"format\":\"date-time\"},\"assignees\":{\"type\":\"array\","
     "\"items\":{\"type\":\"object\"}},\"team\":{\"type\":\"object\"},\"url\":{\"type\":\"string\"},"
     "\"rev\":{\"type\":\"integer\"},\"updated_at\":{\"type\":\"string\",\"format\":\"date-time\"},"
     "\"completed_at\":{\"type\":\"string\",\"format\":\"date-time\"},\"deleted\":{\"type\":\"boolean\"}},"
     "\"required\":[\"id\",\"number\",\"title\",\"status\"],\"additionalProperties\":true}"},
    {"WorkOrders",
     "{\"type\":\"object\",\"properties\":{\"items\":{\"type\":\"array\","
     "\"items\":{\"$ref\":\"#/components/schemas/WorkOrder\"}},\"next_cursor\":{\"type\":[\"string\","
     "\"null\"],"
     "\"description\":\"Give it as ?cursor= for the next page; null: this was the last\"}},"
     "\"required\":[\"items\",\"next_cursor\"]}"},
};
/* clang-format on */
const size_t nopenapi_schemas = ARRAY_LEN(openapi_schemas);
