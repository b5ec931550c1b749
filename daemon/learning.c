// Window and slice, between two threads.
#include "learning.h"

#include "inputs.h"
#include "wire/records.h"
#include <pthread.h>
#include <stdlib.h>

struct hh_learning {
    pthread_mutex_t lock; // of all below; held by the trainer while it copies
    hh_window *window;
    hh_slice *slice; // NULL: the gate is off
    hh_time newest;  // event time of the newest click in either
    uint64_t sessions;
    atomic_bool begun;
    // settings
    bool gate, hide;
    uint32_t gate_lists, items;     // items: with a vector, at most
    hh_text names[HH_DESCRIPTIONS]; // [name_count] of the graph's sources
    uint32_t name_count;
    // the keeper's own
    hh_window_click *clicks; // [room] of a session
    char *ids;               // [room x (HH_ID_MAX + 1)]
    size_t room;
};

hh_continual_options hh_learning_options(const hh_config *config)
{
    hh_continual_options options = hh_continual_defaults();
    options.window.window = config->training.window;
    options.window.clicks = config->training.clicks;
    options.window.older = config->training.older;
    options.window.visitor_clicks = config->training.visitor_clicks;
    options.window.item_share = config->training.item_share;
    options.window.admit = config->training.admit;
    options.window.items = config->training.items;
    options.refit = config->training.refit_every;
    options.gate = config->training.gate;
    options.gate_lists = config->training.gate_lists;
    options.train.network.d = config->training.dimension;
    options.train.threads = config->training.threads;
    options.window.longest = options.train.longest;
    return options;
}

hh_learning *hh_learning_new(const hh_config *config, hh_error *error)
{
    hh_continual_options options = hh_learning_options(config);
    hh_learning *learning = calloc(1, sizeof *learning);
    if (!learning) {
        hh_fail(error, HH_MEMORY, NULL);
        return NULL;
    }
    pthread_mutex_init(&learning->lock, NULL);
    learning->newest = HH_TIME_MIN;
    learning->gate = options.gate;
    learning->gate_lists = options.gate_lists;
    learning->items = options.window.items;
    learning->name_count = hh_vector_names(config, learning->names);
    learning->hide = config->recommend.hide_session_items;
    learning->window = hh_window_new(&options.window, error);
    if (learning->window && options.gate)
        learning->slice = hh_slice_new(options.gate_lists, learning->hide, error);
    if (learning->window && (learning->slice || !options.gate))
        return learning;
    hh_learning_free(learning);
    return NULL;
}

void hh_learning_free(hh_learning *learning)
{
    if (!learning)
        return;
    hh_window_free(learning->window);
    hh_slice_free(learning->slice);
    pthread_mutex_destroy(&learning->lock);
    free(learning->clicks);
    free(learning->ids);
    free(learning);
}

// ---- the keeper ----

static bool make_room(hh_learning *learning, size_t count)
{
    if (count <= learning->room)
        return true;
    size_t room = count + count / 2 + 8;
    hh_window_click *clicks = realloc(learning->clicks, room * sizeof *clicks);
    if (!clicks)
        return false;
    learning->clicks = clicks;
    char *ids = realloc(learning->ids, room * (HH_ID_MAX + 1));
    if (!ids)
        return false;
    learning->ids = ids;
    learning->room = room;
    return true;
}

hh_status hh_learning_closed(hh_learning *learning, hh_reader *reader, const hh_session *session,
                             uint64_t visitor)
{
    if (session->count < 2)
        return HH_OK;
    if (!make_room(learning, session->count))
        return HH_MEMORY;
    hh_reader_hold(reader);
    for (uint32_t i = 0; i < session->count; i++) {
        char *id = learning->ids + i * (HH_ID_MAX + (size_t)1);
        learning->clicks[i].id = id;
        learning->clicks[i].length = hh_graph_id(reader, session->clicks[i].item, id, HH_ID_MAX + 1);
    }
    hh_reader_release(reader);
    hh_time last = session->clicks[session->count - 1].time;
    pthread_mutex_lock(&learning->lock);
    hh_status status = hh_window_add(learning->window, visitor, last, learning->clicks, session->count);
    if (last > learning->newest)
        learning->newest = last;
    learning->sessions++;
    pthread_mutex_unlock(&learning->lock);
    return status;
}

void hh_learning_trial(hh_learning *learning, const hh_gate_trial *trial)
{
    if (!learning->slice || pthread_mutex_trylock(&learning->lock))
        return;
    hh_slice_add(learning->slice, trial);
    if (trial->as_of > learning->newest)
        learning->newest = trial->as_of;
    pthread_mutex_unlock(&learning->lock);
}

void hh_learning_begin(hh_learning *learning)
{
    atomic_store(&learning->begun, true);
}

// ---- the trainer ----

bool hh_learning_begun(hh_learning *learning)
{
    return atomic_load(&learning->begun);
}

uint64_t hh_learning_sessions(hh_learning *learning)
{
    pthread_mutex_lock(&learning->lock);
    uint64_t sessions = learning->sessions;
    pthread_mutex_unlock(&learning->lock);
    return sessions;
}

uint64_t hh_learning_since(hh_learning *learning, hh_time time)
{
    pthread_mutex_lock(&learning->lock);
    size_t since = hh_window_since(learning->window, time);
    pthread_mutex_unlock(&learning->lock);
    return since;
}

// Under the lock: only what is the keeper's, too.
static hh_status take_sessions(hh_learning *learning, const hh_continual *continual, const hh_item_ids *known,
                               hh_lesson_plan *plan, hh_error *error)
{
    plan->now = learning->newest;
    if (plan->slice) {
        hh_slice_copy(plan->slice, learning->slice);
        hh_continual_trim(continual, learning->window, plan->slice);
    }
    return hh_window_take(learning->window, hh_continual_until(continual, plan->now, plan->slice),
                          hh_continual_model(continual), known, &plan->sessions, error);
}

hh_status hh_learning_take(hh_learning *learning, hh_reader *reader, const hh_continual *continual,
                           hh_lesson_plan *plan, hh_error *error)
{
    hh_described_items known = {0};
    *plan = (hh_lesson_plan){0};
    if (learning->gate) {
        plan->slice = hh_slice_new(learning->gate_lists, learning->hide, error);
        if (!plan->slice)
            return HH_MEMORY;
    }
    hh_status status =
        learning->name_count ? hh_described_items_take(reader, learning->items, &known, error) : HH_OK;
    if (status == HH_OK) {
        pthread_mutex_lock(&learning->lock);
        status = take_sessions(learning, continual, &known.ids, plan, error);
        pthread_mutex_unlock(&learning->lock);
    }
    if (status == HH_OK)
        status = hh_descriptions_take(reader, learning->names, learning->name_count, &plan->sessions.ids,
                                      &plan->descriptions, error);
    hh_described_items_free(&known);
    return status;
}

void hh_lesson_plan_free(hh_lesson_plan *plan)
{
    hh_window_sessions_free(&plan->sessions);
    hh_descriptions_free(&plan->descriptions);
    hh_slice_free(plan->slice);
    *plan = (hh_lesson_plan){0};
}
