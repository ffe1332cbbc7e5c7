/*
 * What can follow from a provider's refusal, as the middle of a row of struct provider_error:
 * class, scope, alert, most tries (0: until it expires), wait in ms (0: the caller's own back-off).
 */
#ifndef CREWLINE_PROVIDERS_ACTIONS_H
#define CREWLINE_PROVIDERS_ACTIONS_H

#define DROP           OUTCOME_REFUSED, SCOPE_MESSAGE, false, 0, 0
#define DROP_ALERT     OUTCOME_REFUSED, SCOPE_MESSAGE, true, 0, 0
#define OPTED_OUT      OUTCOME_OPTED_OUT, SCOPE_MESSAGE, false, 0, 0
#define NEED_TEMPLATE  OUTCOME_NEED_TEMPLATE, SCOPE_MESSAGE, false, 0, 0
#define AMBIGUOUS      OUTCOME_AMBIGUOUS, SCOPE_MESSAGE, false, 0, 0
#define RETRY          OUTCOME_NOT_SENT, SCOPE_MESSAGE, false, 0, 0
#define RETRY_UP_TO(n) OUTCOME_NOT_SENT, SCOPE_MESSAGE, false, n, 0
#define RETRY_IN_1H    OUTCOME_NOT_SENT, SCOPE_MESSAGE, true, 0, 3600000
#define THROTTLE(s)    OUTCOME_THROTTLED, s, false, 0, 0
#define WAIT_1MIN(s)   OUTCOME_THROTTLED, s, false, 0, 60000
#define PAUSE_1H(s)    OUTCOME_THROTTLED, s, true, 0, 3600000
#define STOP_SENDER    OUTCOME_SENDER_STOPPED, SCOPE_SENDER, true, 0, 0
#define STOP_ACCOUNT   OUTCOME_SENDER_STOPPED, SCOPE_ACCOUNT, true, 0, 0

#endif
