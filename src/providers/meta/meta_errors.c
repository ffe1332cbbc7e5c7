/*
 * Meta's error codes: what each means for the message, the number and the account, in words an
 * operator can act on. HTTP status and `type` are not stable, so everything hangs on the code, then
 * on the subcode.
 *
 * Source: Cloud API, "Error codes" and "Throughput", July 2026; Graph API, "Handle errors".
 */
#include "../provider_actions.h"
#include "meta_int.h"

#define NEW_TOKEN                                                                                  \
    "Create a new system-user token in Meta Business settings, put it into the configuration and " \
    "reload. Queued messages wait and go out then."
#define OUR_BUG                                                                                \
    "The request was not as Meta wants it. Please report this message's id; sending it again " \
    "does not help."
#define TOO_LONG_ADVICE  "Shorten it: header and footer 60 characters, body 1024, button labels 25."
#define USER_NAME_ADVICE "WhatsApp Manager tells the reason and which names are possible."
#define PIN_ADVICE                                                                                 \
    "Check the two-step verification PIN of the number in WhatsApp Manager, and do not try again " \
    "and again: Meta locks it."

/* clang-format off */ /* version 14 crashes on this table */
/* Sorted by code, then subcode; the row with subcode 0 stands for every other subcode. */
const struct provider_error meta_errors[] = {
    {0, 0, STOP_ACCOUNT, "Meta does not know the access token", NEW_TOKEN},
    {1, 0, RETRY_UP_TO(3), "Meta could not process the request",
     "It is tried again up to three times. If it goes on, look at metastatus.com."},
    {2, 0, RETRY, "Meta's service is down or overloaded",
     "It is tried again by itself. If it lasts, look at metastatus.com."},
    {3, 0, DROP_ALERT, "The app lacks a capability or permission",
     "Give the app whatsapp_business_messaging in the Meta dashboard, then send the message "
     "again."},
    {4, 0, THROTTLE(SCOPE_ACCOUNT), "The app makes too many calls",
     "Sending slows down by itself; nothing is lost. If it happens often, lower the rate of the "
     "sender."},
    {10, 0, STOP_ACCOUNT, "A permission is missing or was taken away",
     "Check that the system user is assigned to the WhatsApp Business account and that the token "
     "has whatsapp_business_messaging."},
    {33, 0, STOP_SENDER, "The business phone number was deleted",
     "Check the phone number id of this sender in WhatsApp Manager and correct the configuration."},
    {100, 0, DROP, "A parameter is invalid or not supported", OUR_BUG},
    {100, 33, STOP_SENDER, "Meta does not know this number, or the token may not use it",
     "Compare the phone number id with WhatsApp Manager, and assign the system user to the "
     "WhatsApp Business account."},
    {100, 2388019, DROP, "The account has too many templates",
     "Delete templates that are no longer used in WhatsApp Manager, then register this one again."},
    {100, 2388024, DROP, "A template of this name and language exists already",
     "Choose another name, or edit the existing template."},
    {100, 2388039, DROP, "A field of the template is too long", TOO_LONG_ADVICE},
    {100, 2388040, DROP, "A field of the template is too long", TOO_LONG_ADVICE},
    {100, 2388047, DROP, "The template's header has the wrong format",
     "A text header has at most 60 characters, one variable, no line break and no emphasis marks."},
    {100, 2388072, DROP, "The template's body has the wrong format",
     "Check the numbering of its variables, and remove more than two line breaks in a row."},
    {100, 2388073, DROP, "The template's footer has the wrong format",
     "A footer has at most 60 characters and no variables."},
    {100, 2388293, DROP, "The template has too many variables for its length",
     "Add words around the variables or use fewer of them."},
    {100, 2388299, DROP, "The template begins or ends with a variable",
     "Put words before the first and after the last variable."},
    {102, 0, STOP_ACCOUNT, "The session of the access token has ended", NEW_TOKEN},
    {104, 0, STOP_ACCOUNT, "The request had no access token", NEW_TOKEN},
    {190, 0, STOP_ACCOUNT, "The access token has expired or is invalid", NEW_TOKEN},
    {190, 458, STOP_ACCOUNT, "The app was removed from the account",
     "Add the app to the business again, create a new token, put it into the configuration and "
     "reload."},
    {190, 459, STOP_ACCOUNT, "Meta wants the token's owner to sign in and confirm something",
     "Sign in to Facebook as the owner of the token, settle what is asked, then reload."},
    {190, 460, STOP_ACCOUNT, "The access token ended because a password was changed", NEW_TOKEN},
    {190, 463, STOP_ACCOUNT, "The access token has expired", NEW_TOKEN},
    {190, 467, STOP_ACCOUNT, "The access token is invalid", NEW_TOKEN},
    {200, 0, STOP_ACCOUNT, "A permission is missing or was taken away",
     "Assign the system user to the WhatsApp Business account and give the token "
     "whatsapp_business_messaging."},
    {368, 0, STOP_ACCOUNT, "The account is blocked for breaking a policy",
     "Open Business Support in Meta Business Manager, read the reason and ask for a review."},
    {613, 0, DROP_ALERT, "An administrative call was made too often",
     "Wait an hour before you verify or register numbers again."},
    {80007, 0, THROTTLE(SCOPE_ACCOUNT), "The WhatsApp Business account makes too many calls",
     "Sending slows down by itself; nothing is lost. If it happens often, lower the rates of its "
     "senders."},
    {130403, 0, DROP, "Your business has blocked this person",
     "Unblock the person in WhatsApp Manager if messages should reach them again."},
    {130429, 0, THROTTLE(SCOPE_SENDER), "The number sends faster than Meta allows",
     "Sending slows down by itself; nothing is lost. Check rate_per_second of this sender."},
    {130472, 0, DROP, "Meta keeps marketing messages from this person in an experiment",
     "Do not send it again. A utility template or a reply to the person's own message can reach "
     "them."},
    {130497, 0, DROP_ALERT, "Your business may not send messages to this country",
     "Check the country restrictions for your line of business in Meta's messaging policy."},
    {131000, 0, RETRY_UP_TO(3), "Something went wrong at Meta",
     "It is tried again up to three times. If it goes on, look at metastatus.com or ask Meta's "
     "support."},
    {131005, 0, STOP_ACCOUNT, "Meta refuses access",
     "Check the permissions of the token and that the system user is assigned to the WhatsApp "
     "Business account."},
    {131008, 0, DROP, "A required parameter is missing", OUR_BUG},
    {131009, 0, DROP, "A value of the message is not valid",
     "Look at the details: often a number that is not on WhatsApp, or a reaction to a message "
     "that is too old or deleted."},
    {131016, 0, RETRY, "Meta's service is unavailable for the moment",
     "It is tried again by itself. If it lasts, look at metastatus.com."},
    {131020, 0, DROP, "The group has no other member", "Invite people to the group first."},
    {131021, 0, DROP, "Sender and recipient are the same number",
     "Correct the person's phone number: it is the number of this sender."},
    {131026, 0, DROP, "WhatsApp could not deliver to this number",
     "The person may not use WhatsApp, runs an old version, has not accepted the terms or has "
     "blocked you. Reach them another way and check the number."},
    {131030, 0, DROP_ALERT, "The number is not on the list of the test number",
     "Add the recipient to the allowed list of the test number in the Meta dashboard, or use a "
     "real number."},
    {131031, 0, STOP_ACCOUNT, "The account is locked or restricted",
     "Open Business Support in Meta Business Manager, read the reason and ask for a review."},
    {131037, 0, STOP_SENDER, "The display name of the number is not approved yet",
     "Have the display name approved in WhatsApp Manager; messages wait until then."},
    {131041, 0, DROP, "The group is unknown, or your number has left it",
     "Check the group in WhatsApp."},
    {131042, 0, STOP_ACCOUNT, "There is a problem with the payment",
     "Check the payment method and the credit line in Meta's billing settings; messages wait "
     "until then."},
    {131045, 0, STOP_SENDER, "The phone number is not properly registered",
     "Register the number again in WhatsApp Manager (its certificate is missing or wrong)."},
    {131047, 0, NEED_TEMPLATE, "More than 24 hours since the person's last message",
     "Only an approved template can be sent now. Any message from the person opens the window "
     "again."},
    {131048, 0, PAUSE_1H(SCOPE_SENDER),
     "Meta limits the number because people blocked or reported it",
     "Sending pauses. Look at the quality rating in WhatsApp Manager and send fewer messages "
     "that were not asked for."},
    {131049, 0, DROP, "Meta withheld a marketing message",
     "The person gets too many marketing messages. Wait at least a day, or use a utility "
     "template where it fits."},
    {131050, 0, OPTED_OUT, "The person stopped marketing messages from your business",
     "Respect it. Utility templates and replies are still possible."},
    {131051, 0, DROP, "WhatsApp does not support this type of message",
     "Send it as text or as another kind."},
    {131052, 0, DROP, "The person's file could not be downloaded",
     "Ask the person to send it again; files over 100 MB are not possible."},
    {131053, 0, RETRY_UP_TO(2), "The file could not be fetched or has a wrong type",
     "Check that the link is public, that the type is one WhatsApp takes, and its size (image 5 "
     "MB, video and audio 16 MB, document 100 MB)."},
    {131055, 0, DROP_ALERT, "This call is not allowed for the account",
     "Check in the Meta dashboard what the account may do, or ask Meta's support."},
    {131056, 0, THROTTLE(SCOPE_PAIR), "Too many messages to one person in a short time",
     "The next ones to this person wait by themselves; all others go on."},
    {131057, 0, WAIT_1MIN(SCOPE_SENDER), "The number is in maintenance for a minute",
     "Meta raises its throughput; sending goes on by itself."},
    {131059, 0, DROP, "The list of groups changed while it was read", "Read the list again."},
    {131060, 0, DROP, "The message is not available to us",
     "Usual with the first messages of a number that the WhatsApp Business app uses too. Ask the "
     "person to send it again."},
    {131062, 0, DROP, "Not possible without the person's phone number",
     "Login codes cannot go to people who hide their number. Ask for the number and send it "
     "there."},
    {131063, 0, DROP_ALERT, "Marketing templates are switched off for this interface",
     "The account sends marketing over Meta's Marketing Messages API. Change that in WhatsApp "
     "Manager or use a utility template."},
    {131064, 0, PAUSE_1H(SCOPE_ACCOUNT),
     "The account is limited because templates had the wrong category",
     "Correct the categories of the templates in WhatsApp Manager."},
    {131201, 0, DROP, "The group call worked only in part",
     "Look at the group for what is missing."},
    {131202, 0, DROP, "The group call was already made", "Nothing needs to be done."},
    {131204, 0, DROP, "Too many people in one group call",
     "At most 8 people take part in a group."},
    {131207, 0, DROP_ALERT, "The group is suspended",
     "WhatsApp found a violation in this group. Use another way to reach its members."},
    {131208, 0, THROTTLE(SCOPE_SENDER), "Too many group calls",
     "They go on more slowly by themselves."},
    {131209, 0, DROP, "The group's picture is not square",
     "Use a square JPEG of 192 pixels or more."},
    {131210, 0, DROP, "The group's picture is too small",
     "Use a square JPEG of 192 pixels or more."},
    {131211, 0, DROP_ALERT, "The number has too many groups",
     "Delete groups that are no longer used."},
    {131212, 0, DROP, "The person is not in the group", "Invite the person to the group first."},
    {131213, 0, DROP, "There is no such request to join", "It was answered or withdrawn already."},
    {131214, 0, DROP_ALERT, "The account may not create groups at present",
     "Look at the account's restrictions in WhatsApp Manager."},
    {131215, 0, DROP_ALERT, "The number may not use groups",
     "Groups are for official business accounts only."},
    {132000, 0, DROP, "The template wants another number of values",
     "Compare the template's variables with the values sent, then sync the templates."},
    {132001, 0, DROP_ALERT, "The template does not exist in this language or is not approved",
     "Check name and language (en and en_US are two) in WhatsApp Manager, then sync the "
     "templates."},
    {132005, 0, DROP, "The filled template is too long", "Use shorter values."},
    {132007, 0, DROP_ALERT, "The template breaks a policy",
     "Read the reason in WhatsApp Manager and change the template."},
    {132008, 0, DROP, "A value put into the template breaks a policy",
     "Use other words; values may not carry what a template could not."},
    {132012, 0, DROP, "A value has not the form the template wants",
     "Compare the kinds of the variables (text, image, named or numbered), then sync the "
     "templates."},
    {132015, 0, DROP_ALERT, "The template is paused because people did not like it",
     "It comes back by itself after 3 or 6 hours. Until then another template is used where "
     "there is one."},
    {132016, 0, DROP_ALERT, "The template is disabled for good",
     "Write a new template with another text and name."},
    {132018, 0, DROP, "A value of the template is not valid",
     "Look at the details: often a line break, a tab or more than four blanks in a value."},
    {132068, 0, DROP_ALERT, "The flow is blocked", "Look at the flow in WhatsApp Manager."},
    {132069, 0, RETRY_IN_1H, "The flow is limited to 10 messages an hour",
     "It is tried again in an hour. Look at the flow's health in WhatsApp Manager."},
    {133000, 0, DROP_ALERT, "The number was not completely deregistered",
     "Deregister it again, then register."},
    {133004, 0, DROP_ALERT, "Meta's registration service is busy",
     "Try to register again in a while."},
    {133005, 0, DROP_ALERT, "The two-step verification PIN is wrong", PIN_ADVICE},
    {133006, 0, DROP_ALERT, "The number must be verified before it is registered",
     "Verify it by SMS or call in WhatsApp Manager."},
    {133008, 0, DROP_ALERT, "The PIN was entered wrongly too often", PIN_ADVICE},
    {133009, 0, DROP_ALERT, "The PIN was entered too fast", PIN_ADVICE},
    {133010, 0, STOP_SENDER, "The phone number is not registered",
     "Register the number in WhatsApp Manager; messages wait until then."},
    {133015, 0, DROP_ALERT, "The number was deleted a moment ago",
     "Wait five minutes, then register it again."},
    {133016, 0, DROP_ALERT, "The number was registered too often",
     "Wait 72 hours; Meta allows ten registrations in that time."},
    {134011, 0, DROP_ALERT, "The terms for payments are not accepted",
     "Accept them in WhatsApp Manager."},
    {134100, 0, DROP_ALERT, "Only marketing messages can be sent this way",
     "Use a template of the category marketing, or send it the usual way."},
    {134101, 0, DROP_ALERT, "The template is not ready for marketing messages yet",
     "Wait up to ten minutes for Meta to copy it."},
    {134102, 0, DROP_ALERT, "The template cannot be used for marketing messages",
     "Send it the usual way."},
    {135000, 0, DROP, "Meta found an error in the message without naming it", OUR_BUG},
    {137000, 0, DROP, "The person's WhatsApp was set up anew since the last message",
     "Make sure that the number still belongs to the same person."},
    {138024, 0, DROP_ALERT, "Calls over this number do not work",
     "Messages are not concerned. Check the number's SIP settings if you use calls."},
    {141006, 0, DROP_ALERT, "There is a problem with the payment",
     "Check the payment method in Meta's billing settings."},
    {141010, 0, DROP_ALERT, "The business is not verified",
     "Complete the business verification in Meta Business settings."},
    {147001, 0, DROP_ALERT, "The user name of the number could not be changed", USER_NAME_ADVICE},
    {147002, 0, DROP_ALERT, "The user name of the number could not be changed", USER_NAME_ADVICE},
    {147003, 0, DROP_ALERT, "The user name of the number could not be changed", USER_NAME_ADVICE},
    {147004, 0, DROP_ALERT, "The user name of the number could not be changed", USER_NAME_ADVICE},
    {147005, 0, DROP_ALERT, "The user name of the number could not be changed", USER_NAME_ADVICE},
};
/* clang-format on */
const size_t meta_nerrors = ARRAY_LEN(meta_errors);

const struct provider_error *meta_error_find(int64_t code, int64_t subcode)
{
    static const struct provider_error unknown = {
        0, 0, DROP_ALERT, "Meta refused the message for a reason we do not know",
        "Look up the code in Meta's list of error codes; the details may say more."};
    static const struct provider_error silent = {
        0, 0, DROP, "Meta could not deliver the message and gave no reason",
        "Reach the person another way, or send it again."};
    const struct provider_error *row;

    /* Every code from 200 to 299 is a permission; 0 without more is no code at all. */
    if (code == 0) {
        return &silent;
    }
    row = error_row(meta_errors, meta_nerrors, code >= 200 && code <= 299 ? 200 : code, subcode);
    return row == NULL ? &unknown : row;
}
