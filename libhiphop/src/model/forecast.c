#include "model/forecast.h"

#include "nn/vector.h"

bool hh_forecast_init(hh_forecast *forecast, const hh_network *network, size_t k)
{
    *forecast = (hh_forecast){0};
    return hh_scorer_init(&forecast->scorer, network) &&
           hh_search_init(&forecast->search, forecast->scorer.x, network->item.rows, network->d, k,
                          network->options.scale, &forecast->arena);
}

void hh_forecast_free(hh_forecast *forecast)
{
    hh_scorer_free(&forecast->scorer);
    hh_arena_free(&forecast->arena);
}

bool hh_forecast_read(hh_forecast *forecast, const uint32_t *items, uint32_t length)
{
    const hh_session_view session = {items, length};
    hh_scorer *scorer = &forecast->scorer;
    if (!hh_scorer_read(scorer, &session, 1, true))
        return false;
    hh_search_run(&forecast->search, scorer->pass.session, 1, &scorer->batch.exact, 0, scorer->pass.bias);
    return true;
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
