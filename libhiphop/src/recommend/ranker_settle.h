// Where nothing more will be learned there is time to go through what was learned from again.
#ifndef RECOMMEND_RANKER_SETTLE_H
#define RECOMMEND_RANKER_SETTLE_H

#include <hiphop/ranker.h>

#define HH_SETTLE_MEMORY 32768 // lessons that are gone through, the latest: options.memory of the trainer
#define HH_SETTLE_EPOCHS 3
#define HH_SETTLE_EVERY  64 // lessons from one ranker to the next, before

// After the last lesson, as long as go_on (may be NULL) says so. One that has not been better than the
// mixture so far stays as it is: nobody would see if it were worse.
static inline void hh_ranker_settle(hh_ranker_trainer *trainer, bool (*go_on)(void *context), void *context)
{
    hh_ranker_progress progress;
    hh_ranker_trainer_progress(trainer, &progress);
    if (progress.active)
        hh_ranker_trainer_fit(trainer, HH_SETTLE_EPOCHS, go_on, context);
}

#endif
