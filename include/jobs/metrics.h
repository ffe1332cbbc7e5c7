/*
 * metrics: counters and histograms of this process, for /metrics. One table of rows; adding is a row and a
 * call. Counts start at 0 with the process (Prometheus handles restarts).
 */
#ifndef CREWLINE_JOBS_METRICS_H
#define CREWLINE_JOBS_METRICS_H

#include <stdint.h>

#include "base/buf.h"

#define METRIC_LIST(X)                                                                             \
    X(WEBHOOKS, "webhooks_total", "Webhooks verified and stored")                                  \
    X(WEBHOOKS_REFUSED, "webhooks_refused_total", "Webhooks refused: signature missing or wrong")  \
    X(INBOUND, "inbound_messages_total", "Messages from people accepted")                          \
    X(STATUSES, "statuses_total", "Delivery statuses accepted")                                    \
    X(INBOUND_DUPLICATE, "inbound_duplicates_total", "Inbound items seen before")                  \
    X(INBOUND_UNKNOWN, "inbound_unknown_total", "Webhook items kept but not understood")           \
    X(EVENTS_IN, "events_in_total", "Events of the CMMS accepted")                                 \
    X(EVENTS_DUPLICATE, "events_duplicate_total", "Events of the CMMS seen before or stale")       \
    X(EVENTS_REJECTED, "events_rejected_total", "Events of the CMMS refused")                      \
    X(QUEUED, "messages_queued_total", "Messages accepted for delivery")                           \
    X(BROADCASTS, "broadcasts_total", "Broadcasts accepted")                                       \
    X(SENT, "messages_sent_total", "Messages accepted by a provider")                              \
    X(SEND_FAILED, "messages_failed_total", "Messages that ended failed")                          \
    X(SEND_EXPIRED, "messages_expired_total", "Messages that ended expired")                       \
    X(SEND_RETRIED, "send_retries_total", "Attempts certainly not accepted and put off")           \
    X(SEND_THROTTLED, "send_throttled_total", "Attempts refused for a limit")                      \
    X(SEND_AMBIGUOUS, "send_ambiguous_total", "Attempts with an unknown end")                      \
    X(MERGED, "messages_merged_total", "Changes of an order told with the one before")              \
    X(SEND_RESENT, "send_possible_duplicates_total", "Messages handed over once more")             \
    X(SAID_AGAIN, "messages_said_again_total", "Critical messages said again by another way")      \
    X(MEDIA_KEPT, "media_kept_total", "Files of people fetched and kept")                          \
    X(MEDIA_LOST, "media_lost_total", "Files of people that could not be kept")                    \
    X(CALLBACKS_OK, "callbacks_delivered_total", "Events delivered to the CMMS")                   \
    X(CALLBACKS_RETRIED, "callbacks_retried_total", "Callbacks put off")                           \
    X(CALLBACKS_REFUSED, "callbacks_refused_total", "Events refused by the CMMS (409, 422)")       \
    X(CALLBACKS_DEAD, "callbacks_dead_total", "Events given up on: dead letters")                  \
    X(CONFLICTS, "commit_conflicts_total", "Decisions made again because a document had moved")    \
    X(FENCED, "lease_fenced_total", "Completions refused because the lease was lost")              \
    X(DAMAGED, "damaged_records_total", "Records set aside because they do not open")

enum metric {
#define X(name, text, help) METRIC_##name,
    METRIC_LIST(X)
#undef X
    METRIC_COUNT
};
void metric_add(enum metric m, int64_t n);
int64_t metric_get(enum metric m);

#define HISTOGRAM_LIST(X)                                                                  \
    X(WEBHOOK, "webhook_seconds", "From the headers of a webhook to its answer")           \
    X(SEND, "send_seconds", "From the first byte to a provider to its answer")             \
    X(QUEUE, "queue_seconds", "From the acceptance of a message to its hand-over")         \
    X(CALLBACK, "callback_seconds", "From the first byte of a callback to its answer")     \
    X(COMMAND, "command_seconds", "From the acceptance of an inbound message to its plan") \
    X(ALERT, "alert_response_seconds", "From the acceptance of an alert to a response")
enum histogram {
#define X(name, text, help) HISTOGRAM_##name,
    HISTOGRAM_LIST(X)
#undef X
    HISTOGRAM_COUNT
};
void histogram_add(enum histogram h, int64_t us);

/** Prometheus text: every row of both tables, names start with crewline_. */
void metrics_write(struct buf *out);

#endif
