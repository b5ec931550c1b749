// Threads that do a piece of work together: the caller is one of them, the others sleep in between.
#ifndef TRAIN_CREW_H
#define TRAIN_CREW_H

#include <stdint.h>

typedef struct hh_crew hh_crew;

hh_crew *hh_crew_new(uint32_t threads); // >= 1, the caller included; NULL: out of memory or threads
void hh_crew_free(hh_crew *crew);
// work(context, i) for i from 0 to threads - 1, each on its own thread; returns when all are done.
void hh_crew_run(hh_crew *crew, void (*work)(void *context, uint32_t number), void *context);

#endif
