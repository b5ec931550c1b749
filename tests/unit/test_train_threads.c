// Training by several threads: the crew, and that what it learns does not depend on who did which part.
#include "model/network.h"
#include "planted.h"
#include "train/step.h"

#include <math.h>
#include <string.h>

// ---- crew ----

typedef struct tally {
    uint32_t threads;
    uint64_t rounds;
    uint64_t done[16]; // by number; each written by its own thread alone
    uint64_t sum;      // of the caller, between the rounds
} tally;

static void count_up(void *context, uint32_t number)
{
    tally *self = context;
    self->done[number] += self->sum + number;
}

Test(crew, everybody_works_once_a_round_and_the_caller_sees_it)
{
    for (uint32_t threads = 1; threads <= 16; threads *= 4) {
        hh_crew *crew = hh_crew_new(threads);
        cr_assert_not_null(crew);
        tally it = {.threads = threads};
        uint64_t expected[16] = {0};
        for (int round = 0; round < 500; round++) {
            hh_crew_run(crew, count_up, &it);
            for (uint32_t t = 0; t < threads; t++) {
                expected[t] += it.sum + t;
                cr_assert_eq(it.done[t], expected[t]);
            }
            it.sum += it.done[threads - 1];
        }
        hh_crew_free(crew);
    }
}

Test(crew, can_end_without_having_worked)
{
    for (int i = 0; i < 50; i++)
        hh_crew_free(hh_crew_new(3));
    hh_crew_free(NULL);
}

// ---- steps ----

static hh_network *run_steps(uint32_t threads, uint32_t negatives, const planted *it, double *loss)
{
    hh_network_options options = hh_network_defaults();
    options.d = 12;
    options.item_dropout = options.state_dropout = 0; // drawn by each thread for its part
    hh_network *network = hh_network_new(&options, it->data.items, 3, NULL);
    hh_stepper *stepper = hh_stepper_new(network, threads, negatives, 4);
    cr_assert(network && stepper);
    hh_session_view views[200];
    uint32_t count = 0;
    for (uint32_t s = 0; s < it->data.sessions && count < 200; s++)
        if (it->first[s + 1] - it->first[s] >= 2)
            views[count++] = (hh_session_view){it->item + it->first[s], it->first[s + 1] - it->first[s]};
    *loss = 0;
    for (uint64_t step = 1; step <= 10; step++) {
        // An epsilon this large takes rounding as it is, not blown up to whole steps.
        hh_adam adam = {1e-2f, 0.9f, 0.999f, 1e-3f, 0, step};
        double mean;
        cr_assert(hh_stepper_step(stepper, views, count, &adam, &mean));
        *loss += mean;
    }
    hh_stepper_free(stepper);
    return network;
}

static double largest_difference(const hh_tensor *one, const hh_tensor *two)
{
    double largest = 0;
    for (size_t i = 0; i < one->rows * one->cols; i++)
        largest = fmax(largest, fabs((double)one->value[i] - (double)two->value[i]));
    return largest;
}

Test(train_threads, agree_to_rounding)
{
    planted it = plant(120, 30, 1);
    for (uint32_t negatives = 0; negatives <= 8; negatives += 8) {
        double loss[3];
        hh_network *one = run_steps(1, negatives, &it, &loss[0]);
        for (uint32_t threads = 2; threads <= 3; threads++) {
            hh_network *other = run_steps(threads, negatives, &it, &loss[1]);
            cr_assert_float_eq(loss[0], loss[1], 1e-5 * loss[0], "%g and %g", loss[0], loss[1]);
            cr_assert_lt(largest_difference(&one->item, &other->item), 2e-5);
            for (int t = 0; t < HH_TENSOR_COUNT; t++)
                cr_assert_lt(largest_difference(&one->tensor[t], &other->tensor[t]), 2e-5, "%s",
                             one->tensor[t].name);
            hh_network_free(other);
        }
        hh_network_free(one);
    }
    uproot(&it);
}

Test(train_threads, more_threads_than_sessions)
{
    planted it = plant(4, 30, 2);
    double loss[2];
    hh_network_free(run_steps(1, 0, &it, &loss[0]));
    hh_network_free(run_steps(7, 0, &it, &loss[1]));
    cr_assert_float_eq(loss[0], loss[1], 1e-5 * loss[0]);
    uproot(&it);
}

Test(train_threads, the_same_number_of_threads_gives_the_same_bytes)
{
    planted it = plant(150, 30, 3);
    hh_train_options options = small_training();
    options.threads = 2;
    options.epochs = 2;
    hh_train_record record;
    hh_network *one = hh_train(&it.data, &options, &record, NULL),
               *two = hh_train(&it.data, &options, &record, NULL);
    cr_assert(one && two);
    cr_assert_arr_eq(one->item.value, two->item.value, one->item.rows * one->item.cols * sizeof(float));
    for (int t = 0; t < HH_TENSOR_COUNT; t++)
        cr_assert_arr_eq(one->tensor[t].value, two->tensor[t].value,
                         one->tensor[t].rows * one->tensor[t].cols * sizeof(float), "%s",
                         one->tensor[t].name);
    hh_network_free(one);
    hh_network_free(two);
    uproot(&it);
}
