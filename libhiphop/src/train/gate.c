#include "nn/random.h"
#include "train/contest.h"
#include "train/slice.h"

#include <stdio.h>
#include <stdlib.h>

hh_gate_options hh_gate_defaults(void)
{
    return (hh_gate_options){.rounds = 1000, .confidence = 0.95, .least = 100, .seed = 1};
}

// ---- the bootstrap ----

static int rising(const void *a, const void *b)
{
    double first = *(const double *)a, second = *(const double *)b;
    return (first > second) - (first < second);
}

hh_status hh_gate_interval(const double *difference, uint32_t count, const hh_gate_options *options,
                           hh_gate_difference *result)
{
    double *means = malloc((options->rounds + (size_t)1) * sizeof *means), sum = 0;
    if (!means)
        return HH_MEMORY;
    for (uint32_t i = 0; i < count; i++)
        sum += difference[i];
    for (uint32_t round = 0; round < options->rounds; round++) {
        hh_random random = hh_random_of(options->seed, round);
        double drawn = 0;
        for (uint32_t i = 0; i < count; i++)
            drawn += difference[hh_random_below(&random, count)];
        means[round] = drawn / count;
    }
    qsort(means, options->rounds, sizeof *means, rising);
    uint32_t outside = (uint32_t)(options->rounds * (1 - options->confidence) / 2);
    *result = (hh_gate_difference){.mean = sum / count, .low = sum / count, .high = sum / count};
    if (options->rounds > 0) {
        result->low = means[outside];
        result->high = means[options->rounds - 1 - outside];
    }
    free(means);
    return HH_OK;
}

static hh_status compare(const double *candidate, const double *other, uint32_t count,
                         const hh_gate_options *options, hh_gate_difference *result)
{
    double *difference = malloc((count + (size_t)1) * sizeof *difference);
    if (!difference)
        return HH_MEMORY;
    for (uint32_t i = 0; i < count; i++)
        difference[i] = candidate[i] - other[i];
    hh_status status = hh_gate_interval(difference, count, options, result);
    free(difference);
    return status;
}

// ---- the judgement ----

static bool worse(const hh_gate_difference *difference)
{
    return difference->high < 0;
}

static hh_status judge(const hh_contest *graph, const hh_contest *candidate, const hh_contest *service,
                       const hh_gate_options *options, hh_gate_result *result)
{
    uint32_t count = result->trials;
    result->graph = graph->mixed;
    result->with_candidate = candidate->mixed;
    result->candidate_alone = candidate->alone;
    result->candidate_weight = candidate->weight;
    hh_status status = compare(candidate->mixed_ndcg, graph->mixed_ndcg, count, options, &result->over_graph);
    if (result->service && status == HH_OK) {
        result->with_service = service->mixed;
        result->service_alone = service->alone;
        result->service_weight = service->weight;
        status = compare(candidate->mixed_ndcg, service->mixed_ndcg, count, options, &result->over_service);
        if (status == HH_OK)
            status = compare(candidate->alone_ndcg, service->alone_ndcg, count, options, &result->alone);
    }
    bool refused = worse(&result->over_graph) || worse(&result->over_service) || worse(&result->alone);
    result->verdict = refused ? HH_GATE_REFUSED : HH_GATE_PROMOTED;
    return status;
}

hh_status hh_gate_judge(const hh_slice *slice, hh_row_of *row_of, void *context, const hh_model *candidate,
                        const hh_model *service, const hh_gate_options *options, hh_gate_result *result,
                        hh_error *error)
{
    *result = (hh_gate_result){.trials = slice->count, .service = service != NULL};
    if (slice->count < options->least || slice->count == 0) {
        result->verdict = HH_GATE_UNJUDGED;
        return HH_OK;
    }
    hh_contest contests[3] = {0};
    bool done = hh_contest_run(&contests[0], slice, row_of, context, NULL) &&
                hh_contest_run(&contests[1], slice, row_of, context, candidate) &&
                (!service || hh_contest_run(&contests[2], slice, row_of, context, service));
    hh_status status = done ? judge(&contests[0], &contests[1], &contests[2], options, result) : HH_MEMORY;
    for (int i = 0; i < 3; i++)
        hh_contest_free(&contests[i]);
    return status ? hh_fail(error, status, NULL) : HH_OK;
}

// ---- the sentence ----

static void say(char *text, size_t size, const char *verdict, const hh_gate_figures *candidate,
                const char *name, const hh_gate_figures *other, const hh_gate_difference *difference,
                uint32_t trials)
{
    snprintf(text, size,
             "%s: NDCG@20 of %u lists %.2f, %s %.2f (%+.2f, %+.2f to %+.2f); HR@20/MRR@20 %.1f/%.1f, %s "
             "%.1f/%.1f",
             verdict, trials, 100 * candidate->ndcg, name, 100 * other->ndcg, 100 * difference->mean,
             100 * difference->low, 100 * difference->high, 100 * candidate->hr, 100 * candidate->mrr, name,
             100 * other->hr, 100 * other->mrr);
}

// Of what decided, or else of what it would take the place of.
void hh_gate_text(const hh_gate_result *result, char *text, size_t size)
{
    const char *verdict = result->verdict == HH_GATE_REFUSED ? "refused" : "promoted";
    if (result->verdict == HH_GATE_UNJUDGED)
        snprintf(text, size, "not judged: %u lists have their outcome, which is too few", result->trials);
    else if (!result->service || worse(&result->over_graph))
        say(text, size, verdict, &result->with_candidate, "the graph alone", &result->graph,
            &result->over_graph, result->trials);
    else if (worse(&result->alone) && !worse(&result->over_service))
        say(text, size, "refused, without the graph", &result->candidate_alone, "in service",
            &result->service_alone, &result->alone, result->trials);
    else
        say(text, size, verdict, &result->with_candidate, "in service", &result->with_service,
            &result->over_service, result->trials);
}
