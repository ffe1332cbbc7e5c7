/*
 * Twilio's error codes: what each means for the message, the sender and the account, in words an
 * operator can act on. They come in answers (`code`) and in status callbacks (`ErrorCode`).
 *
 * Source: Twilio, "Error and warning dictionary", July 2026.
 */
#include "../provider_actions.h"
#include "twilio_int.h"

#define OUR_BUG                                                                                  \
    "The request was not as Twilio wants it. Please report this message's id; sending it again " \
    "does not help."
#define OUR_ADDRESS                                                                               \
    "Twilio could not deliver its webhook to us. Check CREWLINE_PUBLIC_URL, the certificate and " \
    "the firewall from outside."
#define SERVICE "Check the Messaging Service in the Twilio console: it needs this WhatsApp sender."
#define FROM                                                                                     \
    "Check the sender's number in the configuration against the WhatsApp senders in the Twilio " \
    "console."
#define SCHEDULE "Messages are not scheduled at Twilio by us. Please report this message's id."

/* clang-format off */ /* version 14 crashes on this table */
/* Sorted by code. */
const struct provider_error twilio_errors[] = {
    {11200, 0, DROP_ALERT, "Our webhook gave Twilio no usable answer", OUR_ADDRESS},
    {11205, 0, DROP_ALERT, "Twilio could not connect to our webhook", OUR_ADDRESS},
    {11220, 0, DROP_ALERT, "Twilio could not agree on TLS with our webhook", OUR_ADDRESS},
    {11750, 0, DROP_ALERT, "Our webhook's answer was too large", OUR_ADDRESS},
    {11751, 0, DROP, "The file is too large", "Send at most 16 MB, pictures at most 5 MB."},
    {11770, 0, DROP_ALERT, "Our webhook's answer was empty", OUR_ADDRESS},
    {12100, 0, DROP_ALERT, "Our webhook's answer was not valid XML", OUR_ADDRESS},
    {12200, 0, DROP_ALERT, "Our webhook's answer was not valid TwiML", OUR_ADDRESS},
    {12300, 0, RETRY_UP_TO(3), "The file's type is wrong or could not be told",
     "Check that the link is public and answers with the right Content-Type."},
    {20001, 0, DROP_ALERT, "A parameter is not known to Twilio", OUR_BUG},
    {20003, 0, STOP_ACCOUNT, "Twilio does not accept the account sid or auth token",
     "Copy both from the Twilio console into the configuration (and mind the region), then "
     "reload. Queued messages wait and go out then."},
    {20005, 0, STOP_ACCOUNT, "The Twilio account is not active",
     "Sign in to the Twilio console: the account may be suspended or without credit."},
    {20404, 0, DROP_ALERT, "Twilio does not know this address or id",
     "Check account sid and TWILIO_API_BASE in the configuration."},
    {20422, 0, DROP_ALERT, "A parameter of the request is invalid", OUR_BUG},
    {20429, 0, THROTTLE(SCOPE_ACCOUNT), "Too many requests to Twilio at once",
     "Sending slows down by itself; nothing is lost."},
    {20500, 0, AMBIGUOUS, "Something went wrong at Twilio",
     "The message may have been accepted. A delivery status decides; if this goes on, look at "
     "status.twilio.com."},
    {20503, 0, AMBIGUOUS, "Twilio is unavailable for the moment",
     "The message may have been accepted. A delivery status decides; if this goes on, look at "
     "status.twilio.com."},
    {21211, 0, DROP, "The recipient's number is not valid", "Correct the person's phone number."},
    {21212, 0, STOP_SENDER, "The sender's number is not valid", FROM},
    {21401, 0, DROP, "The recipient's number is not valid", "Correct the person's phone number."},
    {21408, 0, DROP_ALERT, "Messages to this region are not enabled",
     "Enable the country under Messaging, Settings, Geo permissions in the Twilio console."},
    {21602, 0, DROP_ALERT, "The message has no content", OUR_BUG},
    {21603, 0, DROP_ALERT, "The message has no sender", OUR_BUG},
    {21604, 0, DROP_ALERT, "The message has no recipient", OUR_BUG},
    {21606, 0, STOP_SENDER, "The sender's number cannot send to WhatsApp", FROM},
    {21608, 0, DROP_ALERT, "The trial account may not send to this number",
     "Verify the number in the Twilio console, or upgrade the account."},
    {21609, 0, STOP_SENDER, "Twilio does not accept the address for statuses",
     "CREWLINE_PUBLIC_URL must be an absolute URL that the internet can reach; its host may have "
     "no underscore."},
    {21610, 0, OPTED_OUT, "The person does not want messages from this number",
     "Respect it. The person can start again by writing START to the number."},
    {21611, 0, THROTTLE(SCOPE_SENDER), "Too many messages of this sender wait at Twilio",
     "Sending slows down by itself; nothing is lost. Check rate_per_second of this sender."},
    {21614, 0, DROP, "The recipient's number is no mobile number",
     "Correct the person's phone number."},
    {21617, 0, DROP, "The text is longer than 1600 characters", "Shorten it or send it in parts."},
    {21620, 0, DROP, "The link to the file is not valid",
     "Check that the link is public and complete."},
    {21623, 0, DROP, "Too many files in one message", "Send one file per message."},
    {21624, 0, DROP_ALERT, "The validity period is not valid", OUR_BUG},
    {21654, 0, NEED_TEMPLATE, "Only an approved template can be sent now",
     "Trial and sandbox accounts may refuse free text. Use a template, or wait until the person "
     "writes."},
    {21655, 0, DROP_ALERT, "The Content template is unknown",
     "It may have been deleted in the Twilio console; sync the templates."},
    {21656, 0, DROP, "The template's values are not valid",
     "Look at the message's texts: a value may be empty or missing. Sync the templates."},
    {21701, 0, STOP_SENDER, "The Messaging Service does not exist", SERVICE},
    {21702, 0, STOP_SENDER, "The Messaging Service is not available", SERVICE},
    {21703, 0, STOP_SENDER, "The Messaging Service has no number to send from", SERVICE},
    {21704, 0, STOP_SENDER, "The Messaging Service has no senders", SERVICE},
    {21705, 0, STOP_SENDER, "The Messaging Service is not valid", SERVICE},
    {21910, 0, STOP_SENDER, "Sender and recipient are of different channels", FROM},
    {30001, 0, THROTTLE(SCOPE_SENDER), "Twilio's queue for this sender is full",
     "Sending slows down by itself; nothing is lost. Check rate_per_second of this sender."},
    {30002, 0, STOP_ACCOUNT, "The Twilio account is suspended",
     "Sign in to the Twilio console and settle what is asked there."},
    {30003, 0, RETRY_UP_TO(2), "The phone could not be reached",
     "It is tried once more. The phone may be off or without network."},
    {30004, 0, DROP_ALERT, "The message was blocked",
     "Look at the content and at the sender's quality rating in the Twilio console."},
    {30005, 0, DROP, "The recipient's number is unknown", "Correct the person's phone number."},
    {30006, 0, DROP, "The recipient's number cannot receive messages",
     "Correct the person's phone number: it may be a landline."},
    {30007, 0, DROP_ALERT, "The message was filtered as unwanted",
     "Look at the content and at the sender's quality rating in the Twilio console."},
    {30008, 0, RETRY_UP_TO(2), "The message was not delivered for an unknown reason",
     "It is tried once more."},
    {30036, 0, DROP, "The message was too old when its turn came",
     "Sending is too slow for what is queued; check the sender's rate, then send it again."},
    {35111, 0, DROP_ALERT, "A parameter for scheduling is not valid", SCHEDULE},
    {63001, 0, STOP_SENDER, "WhatsApp does not accept the sender's credentials",
     "Open the WhatsApp sender in the Twilio console and follow what it asks."},
    {63002, 0, STOP_SENDER, "The sender is not a WhatsApp sender of this account", FROM},
    {63003, 0, DROP, "The number is not on WhatsApp",
     "Reach the person another way and check the number."},
    {63005, 0, DROP, "WhatsApp did not accept the content",
     "Look at the details; send it as plain text."},
    {63006, 0, DROP, "The message's form is not supported", "Send it as plain text."},
    {63007, 0, STOP_SENDER, "Twilio finds no WhatsApp sender with this number", FROM},
    {63008, 0, STOP_SENDER, "The WhatsApp sender is not set up correctly",
     "Open the WhatsApp sender in the Twilio console and follow what it asks."},
    {63009, 0, RETRY, "WhatsApp answered with a failure",
     "It is tried again by itself. If it lasts, look at status.twilio.com and metastatus.com."},
    {63010, 0, RETRY_UP_TO(4), "Twilio had an internal failure with WhatsApp",
     "It is tried again up to three times."},
    {63011, 0, RETRY_UP_TO(4), "The request to WhatsApp failed",
     "It is tried again up to three times."},
    {63012, 0, RETRY, "WhatsApp failed internally",
     "It is tried again by itself. If it lasts, look at metastatus.com."},
    {63013, 0, DROP_ALERT, "The content breaks one of WhatsApp's rules",
     "Values of templates may not be empty, hold line breaks or more than four blanks in a row."},
    {63014, 0, OPTED_OUT, "The person has blocked this number",
     "Respect it, and reach the person another way if you must."},
    {63015, 0, DROP, "The person has not joined Twilio's sandbox",
     "Let the person send \"join\" and the two words of your sandbox; it lasts three days."},
    {63016, 0, NEED_TEMPLATE, "More than 24 hours since the person's last message",
     "Only an approved template can be sent now. Any message from the person opens the window "
     "again."},
    {63017, 0, THROTTLE(SCOPE_ACCOUNT), "The account sends faster than Twilio allows",
     "Sending slows down by itself; nothing is lost."},
    {63018, 0, THROTTLE(SCOPE_SENDER), "WhatsApp's rate limit is reached",
     "Sending slows down by itself; nothing is lost. It may also be the daily limit of new "
     "people: see the sender in the Twilio console."},
    {63019, 0, RETRY_UP_TO(3), "The file could not be fetched",
     "It is tried again up to twice. Check that the link is public and answers quickly."},
    {63020, 0, STOP_SENDER, "Meta has a problem with the business account",
     "Accept Twilio's invitation in Meta Business Manager and check the payment there."},
    {63021, 0, DROP, "WhatsApp found an error in the content",
     "Look at the details; send it as plain text."},
    {63022, 0, STOP_SENDER, "The certificate of the WhatsApp sender is not valid",
     "Open the WhatsApp sender in the Twilio console and register it again."},
    {63023, 0, RETRY_UP_TO(4), "WhatsApp gave a general error",
     "It is tried again up to three times."},
    {63024, 0, DROP, "The person cannot receive this message",
     "The person may have to update WhatsApp or accept its terms. Reach them another way."},
    {63025, 0, RETRY_UP_TO(2), "The file exists already at WhatsApp", "It is tried once more."},
    {63026, 0, DROP_ALERT, "The message was blocked as unwanted",
     "Look at the content and at the sender's quality rating in the Twilio console."},
    {63027, 0, DROP_ALERT, "The template does not exist in this language",
     "Check its approval in the Twilio console, then sync the templates."},
    {63028, 0, DROP, "The template wants another number of values",
     "Compare the template's variables with the values sent, then sync the templates."},
    {63029, 0, RETRY_UP_TO(2), "The person's phone could not load the template",
     "It is tried once more."},
    {63030, 0, DROP, "The combination of contents is not supported",
     "Send file and text as two messages."},
    {63031, 0, DROP, "Sender and recipient are the same number",
     "Correct the person's phone number: it is the number of this sender."},
    {63032, 0, DROP, "WhatsApp keeps messages from this person for a while",
     "The person is in one of Meta's experiments. A reply to the person's own message can reach "
     "them."},
    {63033, 0, OPTED_OUT, "The person has blocked this number",
     "Respect it, and reach the person another way if you must."},
    {63034, 0, DROP, "The file is larger than WhatsApp allows",
     "Send at most 16 MB, pictures at most 5 MB."},
    {63035, 0, DROP, "The message's form is not possible on this channel",
     "Send it as plain text."},
    {63036, 0, DROP, "The person cannot be reached on this channel",
     "Reach the person another way."},
    {63037, 0, RETRY_UP_TO(3), "The file could not be uploaded to WhatsApp",
     "It is tried again up to twice. Check its type and size."},
    {63038, 0, PAUSE_1H(SCOPE_ACCOUNT), "The account's daily limit of messages is used up",
     "Sending goes on when Twilio lets it. Raise the limit in the Twilio console or leave the "
     "trial."},
    {63039, 0, DROP, "The message's form is not possible on this channel",
     "Send it as plain text."},
    {63040, 0, DROP_ALERT, "The template was rejected",
     "Read the reason in the Twilio console and submit it anew."},
    {63041, 0, DROP_ALERT, "The template is paused because people did not like it",
     "It comes back by itself after 3 to 6 hours. Until then another template is used where "
     "there is one."},
    {63042, 0, DROP_ALERT, "The template is disabled for good",
     "Write a new template with another text and name."},
    {63046, 0, DROP, "The template was approved", "A notice only; nothing needs to be done."},
    {63049, 0, DROP, "Meta withheld a marketing message",
     "The person gets too many marketing messages, or lives in the USA. Wait at least a day, or "
     "use a utility template where it fits."},
    {63050, 0, OPTED_OUT, "The person did not agree to marketing messages",
     "Respect it. Utility templates and replies are still possible."},
    {63051, 0, STOP_SENDER, "The sender is locked after about 30 days without messages",
     "Register the WhatsApp sender again in the Twilio console."},
    {63062, 0, DROP_ALERT, "The terms for marketing messages are not accepted",
     "Accept them in Meta Business Manager; other messages are not concerned."},
    {63112, 0, STOP_ACCOUNT,
     "Meta has disabled the WhatsApp Business account or is still checking it",
     "Open Business Support in Meta Business Manager and read what is asked."},
    {90010, 0, STOP_ACCOUNT, "The Twilio account is not active",
     "Sign in to the Twilio console and settle what is asked there."},
    {92002, 0, DROP_ALERT, "A Content template has the wrong form", OUR_BUG},
    {92006, 0, DROP_ALERT, "The Content template is unknown",
     "It may have been deleted in the Twilio console; sync the templates."},
    {92007, 0, DROP, "The template's values are not valid",
     "Look at the message's texts: a value may be empty or missing. Sync the templates."},
    {92009, 0, DROP, "The template was submitted for approval before",
     "Nothing needs to be done; look at its approval."},
};
/* clang-format on */
const size_t twilio_nerrors = ARRAY_LEN(twilio_errors);

const struct provider_error *twilio_error_find(int64_t code, int64_t subcode)
{
    static const struct provider_error unknown = {
        0, 0, DROP_ALERT, "Twilio could not send the message for a reason we do not know",
        "Look up the code in Twilio's error dictionary; the details may say more."};
    static const struct provider_error silent = {
        0, 0, DROP, "The message was not delivered and no reason was given",
        "Reach the person another way, or send it again."};
    const struct provider_error *row;

    if (code == 0) {
        return &silent;
    }
    /* Families of one meaning: TLS towards us, and scheduling. */
    if (code >= 11230 && code <= 11239) {
        code = 11220;
    } else if (code >= 35111 && code <= 35126) {
        code = 35111;
    }
    row = error_row(twilio_errors, twilio_nerrors, code, subcode);
    return row == NULL ? &unknown : row;
}
