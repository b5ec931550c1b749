#include "recommend/balance.h"

#include "larger.h"

#include <math.h>

#define LIST 20

bool hh_two_terms_make(hh_two_terms *terms, size_t count)
{
    terms->count = 0;
    uint32_t *item = hh_larger(terms->item, &terms->items_room, count, sizeof *item);
    if (!item && count)
        return false;
    terms->item = item;
    float *first = hh_larger(terms->first, &terms->room, 2 * count, sizeof *first);
    if (!first && count)
        return false;
    terms->first = first;
    terms->second = count ? first + count : NULL;
    terms->count = count;
    return true;
}

void hh_two_terms_free(hh_two_terms *terms)
{
    free(terms->item);
    free(terms->first);
    *terms = (hh_two_terms){0};
}

hh_balance hh_balance_new(const double *factor, int count)
{
    return (hh_balance){.factor = factor, .count = count};
}

// What the clicked item's place is worth, everything of its score standing before it.
static double worth(const hh_two_terms *terms, size_t row, float factor)
{
    float least = terms->first[row] + factor * terms->second[row];
    size_t rank = 0;
    for (size_t i = 0; i < terms->count; i++)
        rank += terms->first[i] + factor * terms->second[i] >= least;
    return rank <= LIST ? 1 + 1 / (double)rank : 0;
}

bool hh_balance_learn(hh_balance *balance, const hh_two_terms *terms, uint32_t clicked)
{
    size_t row = 0;
    while (row < terms->count && terms->item[row] != clicked)
        row++;
    if (row == terms->count)
        return false;
    double by_first = 0;
    for (int f = 0; f < balance->count; f++) {
        double by = worth(terms, row, (float)balance->factor[f]);
        by_first = f == 0 ? by : by_first;
        balance->worth[f] += by;
        balance->squares[f] += (by - by_first) * (by - by_first);
    }
    balance->lessons++;
    return true;
}

static int best(const hh_balance *balance)
{
    int best = 0;
    for (int f = 1; f < balance->count; f++)
        best = balance->worth[f] > balance->worth[best] ? f : best;
    return best;
}

double hh_balance_best(const hh_balance *balance)
{
    return balance->factor[best(balance)];
}

double hh_balance_surely_best(const hh_balance *balance, double errors)
{
    int f = best(balance);
    double gain = balance->worth[f] - balance->worth[0];
    return balance->factor[gain > errors * sqrt(balance->squares[f]) ? f : 0];
}
