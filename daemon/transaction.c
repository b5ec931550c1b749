// A producer's transactions: each step is tried again as long as that may help.
#include "transaction.h"

#include "log.h"
#include "rights.h"
#include <time.h>

static void say(const hh_transaction *transaction, const char *what, rd_kafka_error_t *trouble)
{
    char refusal[HH_REFUSAL_SIZE];
    HH_COMPLAIN(transaction->shared->log, HH_LOG_WARNING, what, HH_NUMBER("worker", transaction->worker),
                HH_TEXT("error", rd_kafka_error_name(trouble)),
                HH_TEXT("reason", hh_refusal(transaction->pulse, rd_kafka_error_code(trouble),
                                             rd_kafka_error_string(trouble),
                                             &(hh_right){.operation = "Write"}, refusal)));
    rd_kafka_error_destroy(trouble);
}

static bool is_over(const hh_transaction *transaction)
{
    return hh_out_of_time(transaction->shared) || atomic_load(&transaction->given_up);
}

static void sleep_ms(hh_time ms)
{
    nanosleep(&(struct timespec){.tv_nsec = ms * 1000000}, NULL);
}

bool hh_transaction_pause(const hh_transaction *transaction)
{
    if (transaction->beats)
        hh_pulse_beat(transaction->pulse);
    if (is_over(transaction))
        return false;
    sleep_ms(HH_RETRY_MS);
    return true;
}

bool hh_transaction_begin(hh_transaction *transaction)
{
    if (transaction->begun)
        return true;
    hh_time since = hh_steady_clock() - transaction->committed;
    if (transaction->committed && since < HH_SETTLE_MS)
        sleep_ms(HH_SETTLE_MS - since);
    rd_kafka_error_t *trouble = rd_kafka_begin_transaction(transaction->producer);
    if (!trouble)
        return transaction->begun = true;
    say(transaction, "transaction can't begin", trouble);
    return false;
}

bool hh_transaction_roll_back(hh_transaction *transaction)
{
    while (transaction->begun) {
        rd_kafka_error_t *trouble = rd_kafka_abort_transaction(transaction->producer, HH_CALL_MS);
        if (!trouble) {
            transaction->begun = false;
            break;
        }
        bool again = rd_kafka_error_is_retriable(trouble);
        say(transaction, "transaction not aborted", trouble);
        if (!again || !hh_transaction_pause(transaction))
            return false;
    }
    return true;
}

// What to do about an error of the two steps of a commit: true to try the same step again. Else *end says how
// it has ended.
static bool try_again(hh_transaction *transaction, const char *what, rd_kafka_error_t *trouble,
                      hh_transaction_end *end)
{
    bool again = rd_kafka_error_is_retriable(trouble), abort = rd_kafka_error_txn_requires_abort(trouble);
    say(transaction, what, trouble);
    if (again && hh_transaction_pause(transaction))
        return true;
    *end = abort && !is_over(transaction) ? HH_TRANSACTION_REFUSED : HH_TRANSACTION_BROKEN;
    return false;
}

hh_transaction_end hh_transaction_commit(hh_transaction *transaction,
                                         const rd_kafka_topic_partition_list_t *positions,
                                         const rd_kafka_consumer_group_metadata_t *membership)
{
    rd_kafka_error_t *trouble;
    hh_transaction_end end = HH_TRANSACTION_DONE;
    do {
        trouble =
            rd_kafka_send_offsets_to_transaction(transaction->producer, positions, membership, HH_CALL_MS);
    } while (trouble && try_again(transaction, "positions not sent", trouble, &end));
    if (end != HH_TRANSACTION_DONE)
        return end;
    do {
        trouble = rd_kafka_commit_transaction(transaction->producer, HH_CALL_MS);
    } while (trouble && try_again(transaction, "transaction not committed", trouble, &end));
    transaction->begun = end != HH_TRANSACTION_DONE;
    transaction->committed = hh_steady_clock();
    return end;
}
