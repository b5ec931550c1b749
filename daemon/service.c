// Swapping models.
#include "service.h"

#include <pthread.h>
#include <stdlib.h>

struct hh_service {
    pthread_mutex_t lock; // of `current`, for as long as it takes to count one holder more
    hh_served *current;
    atomic_int_fast64_t version; // of it: what readers look at
};

hh_service *hh_service_new(void)
{
    hh_service *service = calloc(1, sizeof *service);
    if (service)
        pthread_mutex_init(&service->lock, NULL);
    return service;
}

void hh_service_free(hh_service *service)
{
    if (!service)
        return;
    hh_served_release(&service->current);
    pthread_mutex_destroy(&service->lock);
    free(service);
}

void hh_served_release(hh_served **held)
{
    hh_served *served = *held;
    *held = NULL;
    if (!served || atomic_fetch_sub(&served->refs, 1) > 1)
        return;
    hh_vector_table_free(served->items);
    hh_model_free(served->model);
    free(served);
}

hh_status hh_service_put(hh_service *service, hh_model *model, hh_vector_table *items, int64_t version,
                         hh_time as_of)
{
    hh_served *served = calloc(1, sizeof *served);
    if (!served) {
        hh_vector_table_free(items);
        hh_model_free(model);
        return HH_MEMORY;
    }
    served->model = model;
    served->items = items;
    served->version = version;
    served->as_of = as_of;
    atomic_init(&served->refs, 1);
    pthread_mutex_lock(&service->lock);
    hh_served *before = service->current;
    service->current = served;
    atomic_store(&service->version, version);
    pthread_mutex_unlock(&service->lock);
    hh_served_release(&before);
    return HH_OK;
}

// Counts one holder more, under the lock.
static hh_served *hold(hh_service *service)
{
    if (service->current)
        atomic_fetch_add(&service->current->refs, 1);
    return service->current;
}

hh_served *hh_service_hold(hh_service *service)
{
    pthread_mutex_lock(&service->lock);
    hh_served *served = hold(service);
    pthread_mutex_unlock(&service->lock);
    return served;
}

bool hh_service_follow(hh_service *service, int64_t version, hh_served **next)
{
    if (atomic_load_explicit(&service->version, memory_order_acquire) == version ||
        pthread_mutex_trylock(&service->lock))
        return false;
    *next = hold(service);
    pthread_mutex_unlock(&service->lock);
    return *next != NULL;
}

bool hh_service_take_out(hh_service *service, int64_t version)
{
    pthread_mutex_lock(&service->lock);
    bool is_this = service->current && service->current->version == version;
    if (is_this)
        atomic_store(&service->current->out, true);
    pthread_mutex_unlock(&service->lock);
    return is_this;
}
