// Items of tests that describe them, and numbers by lot.
#ifndef TESTS_DESCRIBED_ITEMS_H
#define TESTS_DESCRIBED_ITEMS_H

#include <hiphop/graph.h>
#include <stdint.h>
#include <stdio.h>

static inline hh_item item(hh_graph *graph, int number)
{
    char id[16];
    int length = snprintf(id, sizeof id, "%d", number);
    return hh_graph_intern(graph, id, (size_t)length);
}

static inline float uniform(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (float)(*state >> 40) / (float)(1 << 23) - 1;
}

#endif
