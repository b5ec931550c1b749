// Commits positions in a thread of its own.
#include "committer.h"

#include "transaction.h"
#include <pthread.h>
#include <stdlib.h>

struct hh_committer {
    hh_transaction transaction; // the thread's, but for given_up
    pthread_t thread;
    pthread_mutex_t mutex; // of what follows
    pthread_cond_t asked, answered;
    hh_commit_state state;
    bool ends;
    const rd_kafka_topic_partition_list_t *positions;
    rd_kafka_consumer_group_metadata_t *membership;
};

static hh_commit_state commit(hh_committer *committer)
{
    if (!hh_transaction_begin(&committer->transaction))
        return HH_COMMIT_BROKEN;
    switch (hh_transaction_commit(&committer->transaction, committer->positions, committer->membership)) {
    case HH_TRANSACTION_DONE:
        return HH_COMMIT_DONE;
    case HH_TRANSACTION_REFUSED:
        return hh_transaction_roll_back(&committer->transaction) ? HH_COMMIT_REFUSED : HH_COMMIT_BROKEN;
    case HH_TRANSACTION_BROKEN:
        break;
    }
    return HH_COMMIT_BROKEN;
}

static void *run(void *context)
{
    hh_committer *committer = context;
    pthread_setname_np(pthread_self(), "committer");
    pthread_mutex_lock(&committer->mutex);
    while (!committer->ends) {
        if (committer->state != HH_COMMIT_ASKED) {
            pthread_cond_wait(&committer->asked, &committer->mutex);
            continue;
        }
        pthread_mutex_unlock(&committer->mutex);
        hh_commit_state state = commit(committer);
        pthread_mutex_lock(&committer->mutex);
        rd_kafka_consumer_group_metadata_destroy(committer->membership);
        committer->membership = NULL;
        committer->state = state;
        pthread_cond_signal(&committer->answered);
    }
    pthread_mutex_unlock(&committer->mutex);
    return NULL;
}

hh_committer *hh_committer_new(hh_shared *shared, hh_pulse *pulse, unsigned worker, rd_kafka_t *producer,
                               hh_error *error)
{
    hh_committer *committer = calloc(1, sizeof *committer);
    if (!committer) {
        hh_fail(error, HH_MEMORY, NULL);
        return NULL;
    }
    committer->transaction.shared = shared;
    committer->transaction.pulse = pulse;
    committer->transaction.worker = worker;
    committer->transaction.producer = producer;
    pthread_condattr_t steady;
    pthread_condattr_init(&steady);
    pthread_condattr_setclock(&steady, CLOCK_MONOTONIC);
    pthread_mutex_init(&committer->mutex, NULL);
    pthread_cond_init(&committer->asked, NULL);
    pthread_cond_init(&committer->answered, &steady);
    pthread_condattr_destroy(&steady);
    if (pthread_create(&committer->thread, NULL, run, committer) == 0)
        return committer;
    hh_fail(error, HH_MEMORY, "no thread for commits");
    pthread_cond_destroy(&committer->asked);
    pthread_cond_destroy(&committer->answered);
    pthread_mutex_destroy(&committer->mutex);
    free(committer);
    return NULL;
}

void hh_committer_free(hh_committer *committer)
{
    if (!committer)
        return;
    atomic_store(&committer->transaction.given_up, true);
    pthread_mutex_lock(&committer->mutex);
    committer->ends = true;
    pthread_cond_signal(&committer->asked);
    pthread_mutex_unlock(&committer->mutex);
    pthread_join(committer->thread, NULL);
    if (committer->membership)
        rd_kafka_consumer_group_metadata_destroy(committer->membership);
    pthread_cond_destroy(&committer->asked);
    pthread_cond_destroy(&committer->answered);
    pthread_mutex_destroy(&committer->mutex);
    free(committer);
}

hh_status hh_committer_ask(hh_committer *committer, rd_kafka_t *consumer,
                           const rd_kafka_topic_partition_list_t *positions)
{
    // The membership as it is now: positions of a partition that was taken from us are refused by it.
    rd_kafka_consumer_group_metadata_t *membership = rd_kafka_consumer_group_metadata(consumer);
    if (!membership)
        return HH_MEMORY;
    pthread_mutex_lock(&committer->mutex);
    committer->positions = positions;
    committer->membership = membership;
    committer->state = HH_COMMIT_ASKED;
    pthread_cond_signal(&committer->asked);
    pthread_mutex_unlock(&committer->mutex);
    return HH_OK;
}

hh_commit_state hh_committer_answer(hh_committer *committer, hh_time wait)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += wait % 1000 * 1000000;
    until.tv_sec += wait / 1000 + until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    pthread_mutex_lock(&committer->mutex);
    while (committer->state == HH_COMMIT_ASKED && wait > 0 &&
           pthread_cond_timedwait(&committer->answered, &committer->mutex, &until) == 0)
        ;
    hh_commit_state state = committer->state;
    if (state == HH_COMMIT_DONE || state == HH_COMMIT_REFUSED)
        committer->state = HH_COMMIT_NONE;
    pthread_mutex_unlock(&committer->mutex);
    return state;
}
