// The model in service: swapped while many threads use it; each is freed when its last reader has let it go.
#include "daemon/service.h"
#include "unit/small_model.h"

#include <pthread.h>

enum { READERS = 4, SWAPS = 200 };

typedef struct reader {
    hh_service *service;
    atomic_bool *over;
    int64_t seen; // swaps
} reader;

static void *read_on(void *context)
{
    reader *it = context;
    hh_served *held = NULL, *next;
    while (!atomic_load(it->over)) {
        if (hh_service_follow(it->service, held ? held->version : 0, &next)) {
            cr_assert(!held || next->version > held->version);
            hh_served_release(&held);
            held = next;
            it->seen++;
        }
        if (held)
            cr_assert_eq(hh_model_items(held->model), SMALL_ITEMS);
    }
    hh_served_release(&held);
    return NULL;
}

Test(service, is_swapped_while_it_is_used)
{
    hh_service *service = hh_service_new();
    atomic_bool over = false;
    pthread_t threads[READERS];
    reader readers[READERS];
    hh_served *none = NULL;
    cr_assert_not(hh_service_follow(service, 0, &none));
    cr_assert_not(hh_service_follow(service, -1, &none), "there is none yet");
    for (int i = 0; i < READERS; i++) {
        readers[i] = (reader){service, &over, 0};
        cr_assert_eq(pthread_create(&threads[i], NULL, read_on, &readers[i]), 0);
    }
    for (int64_t version = 1; version <= SWAPS; version++)
        cr_assert_eq(hh_service_put(service, small_model(), NULL, version, version * 10), HH_OK);
    hh_served *newest = NULL;
    while (!hh_service_follow(service, 0, &newest))
        ;
    cr_assert(newest->version == SWAPS && newest->as_of == SWAPS * 10);
    cr_assert_not(hh_service_follow(service, SWAPS, &none));
    hh_served_release(&newest);
    atomic_store(&over, true);
    for (int i = 0; i < READERS; i++)
        pthread_join(threads[i], NULL);
    hh_service_free(service);
}
