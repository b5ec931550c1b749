#include "model/forecast.h"

#include "nn/vector.h"

static bool init_rest(hh_forecast *forecast, const hh_vector_table *table, size_t k)
{
    return hh_scorer_init_with(&forecast->scorer, table->network, table->x, table->length) &&
           hh_search_init_one(&forecast->search, table, k, table->network->options.scale, &forecast->arena);
}

bool hh_forecast_init(hh_forecast *forecast, const hh_network *network, size_t k)
{
    *forecast = (hh_forecast){0};
    return hh_vector_table_init(&forecast->own, network) && init_rest(forecast, &forecast->own, k);
}

bool hh_forecast_init_with(hh_forecast *forecast, const hh_vector_table *table, size_t k)
{
    *forecast = (hh_forecast){0};
    return init_rest(forecast, table, k);
}

void hh_forecast_free(hh_forecast *forecast)
{
    hh_scorer_free(&forecast->scorer);
    hh_vector_table_clear(&forecast->own);
    hh_arena_free(&forecast->arena);
}

bool hh_forecast_read(hh_forecast *forecast, const uint32_t *items, uint32_t length)
{
    const hh_session_view session = {items, length};
    hh_scorer *scorer = &forecast->scorer;
    if (!hh_scorer_read(scorer, &session, 1, true))
        return false;
    hh_search_run_one(&forecast->search, scorer->pass.session, &scorer->batch.exact, scorer->pass.bias);
    return true;
}

const float *hh_forecast_intent(const hh_forecast *forecast, size_t *width)
{
    const hh_network *network = forecast->scorer.network;
    *width = network->options.intents > 0 ? network->d : 0;
    return *width > 0 ? forecast->scorer.pass.parts.intent : NULL;
}

float hh_forecast_share(const hh_forecast *forecast, uint32_t item)
{
    const hh_scorer *scorer = &forecast->scorer;
    const hh_ragged *exact = &scorer->batch.exact;
    size_t d = scorer->network->d;
    float logit = scorer->network->options.scale * hh_dot(scorer->pass.session, scorer->x + item * d, d);
    for (uint32_t e = exact->begin[0]; e < exact->begin[1]; e++)
        if (exact->at[e] == item)
            logit += scorer->pass.bias[e];
    return hh_exp(logit - forecast->search.log_sum[0]);
}

float hh_forecast_share_of(const hh_forecast *forecast, const float *x)
{
    const hh_scorer *scorer = &forecast->scorer;
    float logit = scorer->network->options.scale * hh_dot(scorer->pass.session, x, scorer->network->d);
    float odds = hh_exp(logit - forecast->search.log_sum[0]); // against all others
    return odds / (1 + odds);
}
