// Reports of quality.
#include "report.h"

#include <stdio.h>
#include <string.h>

static void show(hh_metrics *metrics, const hh_score *score)
{
    for (size_t list = 0; score->targets > 0 && list < HH_SCORE_LISTS; list++) {
        hh_metrics_set(metrics, HH_METRIC_MODEL_HR, list, score->hr[list]);
        hh_metrics_set(metrics, HH_METRIC_MODEL_MRR, list, score->mrr[list]);
    }
    hh_metrics_set(metrics, HH_METRIC_MODEL_COVERAGE, 0, score->coverage);
    hh_metrics_set(metrics, HH_METRIC_MODEL_OUT, 0, score->out);
}

static hh_status put_score(hh_shared *shared, hh_outbox *outbox, hh_encoder *encoder, const hh_score *score,
                           hh_time now)
{
    const char *instance = shared->config->instance.id;
    char key[512];
    int key_length = snprintf(key, sizeof key, "%s/%lld", instance, (long long)score->version);
    hh_quality_record record = {
        .instance = {instance, strlen(instance)},
        .model_version = score->version,
        .timestamp = now,
        .begin = score->begin,
        .lists = (int64_t)score->lists,
        .targets = (int64_t)score->targets,
        .hr20 = (float)score->hr[HH_LIST_HIPHOP],
        .mrr20 = (float)score->mrr[HH_LIST_HIPHOP],
        .graph_hr20 = (float)score->hr[HH_LIST_GRAPH],
        .graph_mrr20 = (float)score->mrr[HH_LIST_GRAPH],
        .popularity_hr20 = (float)score->hr[HH_LIST_POPULARITY],
        .popularity_mrr20 = (float)score->mrr[HH_LIST_POPULARITY],
        .items = (int64_t)score->coverage,
        .out = score->out,
    };
    hh_text bytes;
    hh_status status = hh_encode_quality(encoder, &record, &bytes);
    if (status == HH_OK && key_length > 0 && (size_t)key_length < sizeof key)
        hh_outbox_put(outbox, &(hh_outgoing){.to = HH_OUTPUT_QUALITY,
                                             .key = key,
                                             .key_length = (size_t)key_length,
                                             .value = bytes.bytes,
                                             .value_length = bytes.length,
                                             .timestamp = now});
    return status == HH_MEMORY ? status : HH_OK;
}

hh_status hh_report(hh_shared *shared, hh_outbox *outbox, hh_encoder *encoder, size_t *put)
{
    *put = 0;
    hh_score scores[HH_SCORED_VERSIONS];
    hh_status status = HH_OK;
    if (!hh_scoreboard_due(shared->scoreboard, hh_steady_clock(),
                           hh_now_duration(&shared->config->quality.interval)))
        return HH_OK;
    size_t count = hh_scoreboard_read(shared->scoreboard, scores);
    hh_time now = hh_wall_clock();
    if (count > 0 && scores[0].version > 0)
        show(shared->metrics, &scores[0]);
    for (; encoder && *put < count && status == HH_OK; ++*put)
        status = put_score(shared, outbox, encoder, &scores[*put], now);
    return status;
}
