// What descriptions cost the graph, on one core: the time until all items are described, memory, what one
// more item takes and what 16 together, a click, and a query with the best 20, beside the same without
// descriptions. Sessions stay within groups of 50 items, and a third of the items is never clicked. Vectors,
//
//     hashing   512 numbers, those of hashing. Titles are made up: a group shares two words, the other six
//     are
//               drawn from 20,000, common ones more often. So items are near by little more than by chance,
//               which is the worst case: many are to be compared to find out who is nearest.
//     WIDTH     so many numbers, as of a language model, made of 64 that say all, as its vectors are of far
//               fewer directions than numbers; those of a group share much of them.
//
//     bench_described [hashing|WIDTH [items ...]]    default: hashing 20000 100000
#include "bench.h"

#include <hiphop/recommend.h>
#include <hiphop/semantics.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { GROUP = 50, WORDS = 20000, SESSIONS = 60000, CLICKS = 5, QUERIES = 10000, MORE = 320, FACTORS = 64 };

typedef struct made_shop {
    uint32_t items;
    uint64_t random;
    hh_hashing *hashing;
    uint32_t width; // of vectors as of a language model; 0: those of hashing
    hh_graph *graph;
} made_shop;

static double unit(made_shop *shop)
{
    shop->random = shop->random * 6364136223846793005u + 1442695040888963407u;
    return (double)(shop->random >> 11) / 0x1p53;
}

static hh_item item_of(made_shop *shop, uint32_t item)
{
    char id[16];
    return hh_graph_intern(shop->graph, id, (size_t)snprintf(id, sizeof id, "%u", item));
}

static hh_text title(made_shop *shop, uint32_t item, char *text, size_t size)
{
    int length = snprintf(text, size, "kind%u sort%u", item / GROUP, item / GROUP * 7919 % 997);
    for (int i = 0; i < 6; i++) {
        double x = unit(shop);
        length += snprintf(text + length, size - (size_t)length, " w%u", (uint32_t)(WORDS * x * x * x));
    }
    return (hh_text){text, (size_t)length};
}

// Two of a group have a cosine of about 0.6, others one of 0 +- 0.12.
static void make_vector(made_shop *shop, uint32_t item, float *vector)
{
    made_shop group = {.random = 0x9e3779b97f4a7c15u * (item / GROUP + 1)}, all = {.random = 7};
    double factors[FACTORS];
    for (int f = 0; f < FACTORS; f++)
        factors[f] = 1.22 * (unit(&group) - 0.5) + unit(shop) - 0.5;
    memset(vector, 0, shop->width * sizeof *vector);
    for (int f = 0; f < FACTORS; f++)
        for (uint32_t i = 0; i < shop->width; i++)
            vector[i] += (float)(factors[f] * (unit(&all) - 0.5));
}

static void embed(made_shop *shop, uint32_t item, float *vector)
{
    char text[256];
    bool any;
    if (shop->width)
        make_vector(shop, item, vector);
    else
        check(hh_hashing_embed(shop->hashing, title(shop, item, text, sizeof text), vector, &any), "hashing");
}

static void count_words(made_shop *shop)
{
    char text[256];
    for (uint32_t i = 0; i < shop->items && !shop->width; i++)
        check(hh_hashing_count(shop->hashing, title(shop, i, text, sizeof text)), "counting");
}

// Returns what the graph took of it, in seconds, settled each time that `at_once` items are described;
// *longest: what other things would have waited for at most.
static double describe(made_shop *shop, uint32_t from, uint32_t to, uint32_t at_once, double *longest)
{
    uint32_t width = shop->width ? shop->width : HH_HASHING_WIDTH;
    float *vector = need(malloc(width * sizeof *vector));
    double all = 0, took;
    *longest = 0;
    for (uint32_t i = from; i < to; i++) {
        embed(shop, i, vector);
        bool more = (i - from) % at_once == at_once - 1 || i == to - 1;
        double begin = seconds();
        check(hh_graph_describe(shop->graph, item_of(shop, i), 0, vector, width), "describing");
        do {
            more = more && hh_graph_settle_some(shop->graph);
            took = seconds() - begin;
            all += took;
            *longest = took > *longest ? took : *longest;
            begin = seconds();
        } while (more);
    }
    free(vector);
    return all;
}

static size_t memory_of(const made_shop *shop)
{
    hh_graph_stats stats;
    hh_graph_stats_read(shop->graph, &stats);
    return stats.memory_bytes;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

// Sessions as they come; the last QUERIES clicks are asked about.
static void play(made_shop *shop)
{
    hh_error error;
    hh_mixture *mixture = need(hh_mixture_new());
    hh_recommend_options options = hh_recommend_defaults();
    hh_recommender *recommender = need(hh_recommender_new(shop->graph, mixture, &options, &error));
    double *took = need(malloc(QUERIES * sizeof *took)), inserting = 0, sum = 0;
    shop->random = 2;
    size_t asked = 0;
    for (uint32_t s = 0; s < SESSIONS; s++) {
        uint32_t group = (uint32_t)(unit(shop) * (shop->items / GROUP));
        hh_graph_session *session = need(hh_graph_open(shop->graph, s));
        hh_item items[CLICKS];
        for (uint32_t c = 0; c < CLICKS; c++) {
            hh_time now = (hh_time)s * HH_SECOND + c;
            items[c] = item_of(shop, group * GROUP + (uint32_t)(unit(shop) * GROUP * 2 / 3));
            double begin = seconds();
            check(hh_graph_click(shop->graph, session, items[c], now), "a click");
            inserting += seconds() - begin;
            if (s < SESSIONS - QUERIES / CLICKS)
                continue;
            hh_query query = {items, c + 1, now, s, (hh_time)s * HH_SECOND, NULL};
            hh_recommendation list[20];
            size_t count;
            begin = seconds();
            check(hh_recommend(recommender, &query, list, &count), "a query");
            sum += took[asked++] = seconds() - begin;
        }
        hh_graph_close(shop->graph, session);
    }
    qsort(took, asked, sizeof *took, ascending);
    printf("  click %.2f us, query %.1f us mean, %.1f p50, %.1f p99\n", 1e6 * inserting / (SESSIONS * CLICKS),
           1e6 * sum / (double)asked, 1e6 * took[asked / 2], 1e6 * took[asked * 99 / 100]);
    free(took);
    hh_recommender_free(recommender);
    hh_mixture_free(mixture);
}

static void run(uint32_t width, uint32_t items, bool described)
{
    hh_error error;
    hh_graph_options options = hh_graph_defaults();
    made_shop shop = {.items = items, .random = 1, .width = width};
    shop.graph = need(hh_graph_new(&options, &error));
    shop.hashing = need(hh_hashing_new(HH_HASHING_WIDTH, &error));
    size_t before = memory_of(&shop);
    if (described) {
        double longest, longest_one, longest_more;
        count_words(&shop);
        double all = describe(&shop, 0, items, 64, &longest);
        size_t memory = memory_of(&shop) - before;
        double one = describe(&shop, items, items + MORE, 1, &longest_one) / MORE;
        double more = describe(&shop, items + MORE, items + 2 * MORE, 16, &longest_more) / MORE * 16;
        double again = describe(&shop, 0, items / 4, 16, &longest) / (items / 4) * 16;
        printf("%u items described: %.1f s, %.1f MB; one more %.2f ms, its longest part %.2f; 16 more %.2f, "
               "%.2f; "
               "16 described anew %.2f, %.2f\n",
               items, all, (double)memory / 1e6, 1e3 * one, 1e3 * longest_one, 1e3 * more, 1e3 * longest_more,
               1e3 * again, 1e3 * longest);
    } else {
        printf("%u items, not described\n", items);
    }
    play(&shop);
    hh_hashing_free(shop.hashing);
    hh_graph_free(shop.graph);
}

int main(int count, char **arguments)
{
    static char *standard[] = {"", "hashing", "20000", "100000"};
    if (count < 3) {
        standard[1] = count > 1 ? arguments[1] : standard[1];
        count = 4;
        arguments = standard;
    }
    uint32_t width = (uint32_t)strtoul(arguments[1], NULL, 10); // 0: hashing
    for (int i = 2; i < count; i++)
        for (int described = 0; described < 2; described++)
            run(width, (uint32_t)strtoul(arguments[i], NULL, 10), described != 0);
    return 0;
}
