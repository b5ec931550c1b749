// The graph's cost on one core: insert, query with the best 20, bytes a click, at the size of a stream and at
// the first so many clicks of it played again and again, shifted in time and with other visitors.
//
// The stream is $HIPHOP_DATA/globo/clicks.tsv.gz where it is, and otherwise made up. The last QUERIES clicks
// that have a session before them are asked about just before they come, as in a prequential evaluation.
// What the ranker adds to a query, and what learning from one click costs it, is measured on the same votes.
// Sessions close when they have rested for half an hour. CPU time of the thread, the bench's own
// book-keeping included.
//
//     bench_graph [clicks ...]       default: the stream once (1.5 million), then 12000000
#include "bench.h"

#include <hiphop/click_file.h>
#include <hiphop/intern.h>
#include <hiphop/recommend.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

#define QUERIES 20000
#define GAP     (30 * HH_MINUTE)
#define RECENT  (1 << 20) // clicks in one gap, at most

typedef struct bench_click {
    uint32_t visitor, item;
    hh_time time;
} bench_click;

typedef struct stream {
    bench_click *clicks; // [count] by time
    size_t count;
    uint32_t visitors, items;
} stream;

typedef struct visit { // a visitor's open session
    hh_graph_session *session;
    hh_time first, last;
    hh_item *items;
    uint32_t count, capacity;
} visit;

static int by_time(const void *a, const void *b)
{
    const bench_click *x = a, *y = b;
    return x->time != y->time ? (x->time > y->time) - (x->time < y->time) : (x > y) - (x < y);
}

static bool read_stream(stream *s, const char *path)
{
    hh_error error;
    hh_click_file *file = hh_click_file_open(path, &error);
    if (!file)
        return false;
    hh_intern *visitors = need(hh_intern_new(1)), *items = need(hh_intern_new(2));
    size_t capacity = 0;
    bool end = false;
    hh_click_row row;
    while (!hh_click_file_next(file, &row, &end, &error) && !end) {
        if (s->count == capacity) {
            capacity = capacity ? 2 * capacity : 1 << 20;
            s->clicks = need(realloc(s->clicks, capacity * sizeof *s->clicks));
        }
        s->clicks[s->count++] = (bench_click){hh_intern_acquire(visitors, row.visitor, row.visitor_length),
                                              hh_intern_acquire(items, row.item, row.item_length), row.time};
    }
    s->visitors = (uint32_t)hh_intern_count(visitors);
    s->items = (uint32_t)hh_intern_count(items);
    hh_click_file_close(file);
    hh_intern_free(visitors);
    hh_intern_free(items);
    return true;
}

// Eight days, items of Zipf-like popularity that drifts.
static void make_stream(stream *s)
{
    s->count = 1500000;
    s->visitors = 240000;
    s->items = 26000;
    s->clicks = need(malloc(s->count * sizeof *s->clicks));
    uint64_t random = 1;
    for (size_t i = 0; i < s->count; i++) {
        random = random * 6364136223846793005u + 1442695040888963407u;
        double u = (double)(random >> 11) / 9007199254740992.0;
        uint32_t rank = (uint32_t)(pow(3000, u) - 1), drift = (uint32_t)(i / 65);
        uint32_t visitor = (uint32_t)((i / 3 + (random >> 50)) % s->visitors);
        s->clicks[i] = (bench_click){visitor, (rank + drift) % s->items, 1506826800000 + (hh_time)i * 460};
    }
}

static void append(visit *v, hh_item item)
{
    if (v->count == v->capacity) {
        v->capacity = v->capacity ? 2 * v->capacity : 4;
        v->items = need(realloc(v->items, v->capacity * sizeof *v->items));
    }
    v->items[v->count++] = item;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

typedef struct ranking { // the ranker's part
    hh_shortlist *shortlist;
    hh_ranker *ranker;
    hh_ranker_trainer *trainer;
    float *mixture, *scores; // [room]
    size_t room;
    double asking, learning; // seconds
} ranking;

static ranking ranking_new(void)
{
    hh_ranker_options options = hh_ranker_defaults();
    ranking r = {.shortlist = need(hh_shortlist_new(&options, NULL)),
                 .ranker = need(hh_ranker_new(&options, NULL)),
                 .trainer = need(hh_ranker_trainer_new(&options, NULL))};
    hh_ranker_tensor tensors[HH_RANKER_TENSORS];
    hh_ranker_tensors(r.ranker, tensors);
    tensors[HH_RANKER_TENSORS - 1].value[0] = 1; // untrained it works as hard
    return r;
}

static void ranking_free(ranking *r)
{
    hh_shortlist_free(r->shortlist);
    hh_ranker_free(r->ranker);
    hh_ranker_trainer_free(r->trainer);
    free(r->mixture);
    free(r->scores);
}

static void rank(ranking *r, const hh_query *query, const hh_votes *votes, const hh_mixture *mixture,
                 hh_item clicked, hh_time time)
{
    if (votes->count > r->room) {
        r->room = 2 * votes->count;
        r->mixture = need(realloc(r->mixture, r->room * sizeof *r->mixture));
        r->scores = need(realloc(r->scores, r->room * sizeof *r->scores));
    }
    hh_mixture_scores(mixture, votes, r->mixture);
    double start = seconds();
    hh_shortlist_make(r->shortlist, query, votes, r->mixture, NULL);
    hh_ranker_scores(r->ranker, r->shortlist, r->mixture, votes->count, r->scores);
    double asked = seconds();
    hh_ranker_trainer_learn(r->trainer, r->shortlist, clicked, time);
    r->asking += asked - start;
    r->learning += seconds() - asked;
}

static void run(const stream *s, size_t clicks)
{
    hh_error error;
    hh_graph_options options = hh_graph_defaults();
    options.max_clicks = (uint32_t)clicks;
    hh_graph *graph = hh_graph_new(&options, &error);
    hh_mixture *mixture = hh_mixture_new();
    hh_recommend_options list_options = hh_recommend_defaults();
    hh_recommender *recommender = graph ? hh_recommender_new(graph, mixture, &list_options, &error) : NULL;
    if (!recommender) {
        fprintf(stderr, "bench_graph: %s\n", error.message);
        exit(1);
    }
    ranking ranks = ranking_new();
    size_t rounds = (clicks + s->count - 1) / s->count;
    visit *visits = need(calloc(s->visitors, sizeof *visits));
    hh_item *numbers = need(malloc(s->items * sizeof *numbers));
    char id[24];
    for (uint32_t i = 0; i < s->items; i++)
        numbers[i] = HH_ITEM_NONE;
    double *took = need(malloc(QUERIES * sizeof *took)), insert = 0, asking = 0, clock_cost = seconds();
    for (int i = 0; i < 1000; i++)
        asking = seconds();
    clock_cost = (asking - clock_cost) / 1000, asking = 0;
    size_t asked = 0, done = 0, due = 0;
    bench_click *recent = need(malloc(RECENT * sizeof *recent));
    double before = seconds();
    hh_time span = s->clicks[s->count - 1].time - s->clicks[0].time + HH_MINUTE;
    for (size_t round = 0; round < rounds; round++)
        for (size_t i = 0; i < s->count && done < clicks; i++, done++) {
            bench_click click = s->clicks[i];
            click.time += (hh_time)round * span;
            visit *v = &visits[click.visitor];
            for (; due < done && recent[due % RECENT].time + GAP <= click.time; due++) { // their last click?
                visit *rested = &visits[recent[due % RECENT].visitor];
                if (rested->session && rested->last + GAP <= click.time) {
                    hh_graph_close(graph, rested->session);
                    rested->session = NULL;
                }
            }
            if (done - due == RECENT) {
                fprintf(stderr, "bench_graph: more than %d clicks in half an hour\n", RECENT);
                exit(1);
            }
            recent[done % RECENT] = click;
            uint64_t visitor = (uint64_t)round << 32 | click.visitor;
            if (v->session && done + 3 * QUERIES > clicks && asked < QUERIES) {
                hh_query query = {v->items, v->count, click.time, visitor, v->first, NULL};
                hh_recommendation list[20];
                size_t count;
                double start = seconds();
                check(hh_recommend(recommender, &query, list, &count), "a query");
                took[asked] = seconds() - start - clock_cost;
                asking += took[asked++] + 2 * clock_cost;
                double ranked = seconds();
                rank(&ranks, &query, hh_recommender_votes(recommender), mixture, numbers[click.item],
                     click.time);
                asking += seconds() - ranked;
            }
            if (!v->session) {
                v->session = need(hh_graph_open(graph, visitor));
                v->first = click.time;
                v->count = 0;
            }
            if (numbers[click.item] == HH_ITEM_NONE) {
                int length = snprintf(id, sizeof id, "%u", click.item);
                numbers[click.item] = hh_graph_intern(graph, id, (size_t)length);
            }
            check(hh_graph_click(graph, v->session, numbers[click.item], click.time), "a click");
            v->last = click.time;
            append(v, numbers[click.item]);
        }
    insert = seconds() - before - asking;
    double sum = 0;
    for (size_t i = 0; i < asked; i++)
        sum += took[i];
    qsort(took, asked, sizeof *took, ascending);
    hh_graph_stats stats;
    hh_graph_stats_read(graph, &stats);
    printf("%10" PRIu64
           " clicks: insert %.3f us, query %.1f us mean, %.1f p50, %.1f p99, %.1f bytes a click\n",
           stats.clicks, 1e6 * insert / (double)done, 1e6 * sum / (double)asked, 1e6 * took[asked / 2],
           1e6 * took[asked * 99 / 100], (double)stats.memory_bytes / (double)stats.clicks);
    printf("%10s ranker: %.1f us more a query, learning %.1f us a click\n", "",
           1e6 * (ranks.asking / (double)asked - clock_cost),
           1e6 * (ranks.learning / (double)asked - clock_cost));
    ranking_free(&ranks);
    for (uint32_t i = 0; i < s->visitors; i++)
        free(visits[i].items);
    free(visits);
    free(recent);
    free(numbers);
    free(took);
    hh_recommender_free(recommender);
    hh_mixture_free(mixture);
    hh_graph_free(graph);
}

int main(int count, char **arguments)
{
    char path[4096];
    const char *data = getenv("HIPHOP_DATA");
    snprintf(path, sizeof path, "%s/globo/clicks.tsv.gz", data ? data : "data");
    stream s = {0};
    if (!read_stream(&s, path)) {
        printf("skipped: no data at %s; a made-up stream instead\n", path);
        make_stream(&s);
    }
    qsort(s.clicks, s.count, sizeof *s.clicks, by_time);
    if (count < 2) {
        run(&s, s.count);
        run(&s, 12000000);
    }
    for (int i = 1; i < count; i++)
        run(&s, strtoul(arguments[i], NULL, 10));
    free(s.clicks);
    return 0;
}
