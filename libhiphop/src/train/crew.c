#include "train/crew.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

typedef struct member {
    hh_crew *crew;
    uint32_t number;
    pthread_t thread;
} member;

struct hh_crew {
    uint32_t threads, started; // the caller is number 0
    pthread_mutex_t lock;
    pthread_cond_t begin, end;
    uint64_t task; // tasks given out so far
    uint32_t busy;
    bool over;
    void (*work)(void *context, uint32_t number);
    void *context;
    member members[];
};

static void *live(void *context)
{
    member *self = context;
    hh_crew *crew = self->crew;
    uint64_t done = 0;
    pthread_mutex_lock(&crew->lock);
    for (;;) {
        while (crew->task == done && !crew->over)
            pthread_cond_wait(&crew->begin, &crew->lock);
        if (crew->over)
            break;
        done = crew->task;
        pthread_mutex_unlock(&crew->lock);
        crew->work(crew->context, self->number);
        pthread_mutex_lock(&crew->lock);
        if (--crew->busy == 0)
            pthread_cond_signal(&crew->end);
    }
    pthread_mutex_unlock(&crew->lock);
    return NULL;
}

hh_crew *hh_crew_new(uint32_t threads)
{
    hh_crew *crew = calloc(1, sizeof *crew + threads * sizeof *crew->members);
    if (!crew)
        return NULL;
    crew->threads = threads;
    crew->started = 1;
    pthread_mutex_init(&crew->lock, NULL);
    pthread_cond_init(&crew->begin, NULL);
    pthread_cond_init(&crew->end, NULL);
    for (; crew->started < threads; crew->started++) {
        member *self = &crew->members[crew->started];
        *self = (member){.crew = crew, .number = crew->started};
        if (pthread_create(&self->thread, NULL, live, self) != 0) {
            hh_crew_free(crew);
            return NULL;
        }
    }
    return crew;
}

void hh_crew_free(hh_crew *crew)
{
    if (!crew)
        return;
    pthread_mutex_lock(&crew->lock);
    crew->over = true;
    pthread_cond_broadcast(&crew->begin);
    pthread_mutex_unlock(&crew->lock);
    for (uint32_t i = 1; i < crew->started; i++)
        pthread_join(crew->members[i].thread, NULL);
    pthread_cond_destroy(&crew->begin);
    pthread_cond_destroy(&crew->end);
    pthread_mutex_destroy(&crew->lock);
    free(crew);
}

void hh_crew_run(hh_crew *crew, void (*work)(void *context, uint32_t number), void *context)
{
    pthread_mutex_lock(&crew->lock);
    crew->work = work;
    crew->context = context;
    crew->busy = crew->threads - 1;
    crew->task++;
    pthread_cond_broadcast(&crew->begin);
    pthread_mutex_unlock(&crew->lock);
    work(context, 0);
    pthread_mutex_lock(&crew->lock);
    while (crew->busy > 0)
        pthread_cond_wait(&crew->end, &crew->lock);
    pthread_mutex_unlock(&crew->lock);
}
