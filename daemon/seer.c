// Following the model in service.
#include "seer.h"

#include "inputs.h"
#include "service.h"
#include <hiphop/foreseer.h>
#include <stdlib.h>

enum { BEST = 100 }; // of the network's items, so many become candidates

struct hh_seer {
    hh_shared *shared;
    hh_reader *reader;
    hh_served *held;
    hh_foreseer *foreseer;          // of held->model; NULL: there is none
    hh_text names[HH_DESCRIPTIONS]; // [name_count] of the graph's sources
    uint32_t name_count;
};

hh_seer *hh_seer_new(hh_shared *shared, hh_reader *reader)
{
    hh_seer *seer = calloc(1, sizeof *seer);
    if (!seer)
        return NULL;
    seer->shared = shared;
    seer->reader = reader;
    seer->name_count = hh_vector_names(shared->config, seer->names);
    return seer;
}

void hh_seer_free(hh_seer *seer)
{
    if (!seer)
        return;
    hh_foreseer_free(seer->foreseer);
    hh_served_release(&seer->held);
    free(seer);
}

static void follow(hh_seer *seer)
{
    hh_error error;
    hh_served *next = NULL;
    if (!hh_service_follow(seer->shared->service, seer->held ? seer->held->version : 0, &next))
        return;
    hh_foreseer_free(seer->foreseer);
    hh_served_release(&seer->held);
    seer->held = next;
    seer->foreseer = hh_foreseer_new(next->items, seer->reader, BEST, &error);
    if (seer->foreseer && hh_foreseer_describe(seer->foreseer, seer->names, seer->name_count)) {
        hh_foreseer_free(seer->foreseer);
        seer->foreseer = NULL;
        hh_fail(&error, HH_MEMORY, NULL);
    }
    if (!seer->foreseer)
        HH_COMPLAIN(seer->shared->log, HH_LOG_ERROR, "a model can't be used: the graph alone recommends",
                    HH_NUMBER("version", next->version), HH_TEXT("reason", error.message));
}

const hh_foresight *hh_seer_read(hh_seer *seer, const hh_query *query, int64_t *version)
{
    *version = 0;
    if (!seer->shared->service)
        return NULL;
    follow(seer);
    if (!seer->foreseer || query->as_of < seer->held->as_of || atomic_load(&seer->held->out))
        return NULL;
    const hh_foresight *foresight = hh_foreseer_read(seer->foreseer, query->items, query->length, NULL);
    if (foresight)
        *version = seer->held->version;
    return foresight;
}
