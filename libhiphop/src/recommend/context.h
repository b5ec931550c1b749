// The table that the mixture's weights are made of: one block of rows for each thing that a query is asked,
// and a query takes one row of each.
#ifndef RECOMMEND_CONTEXT_H
#define RECOMMEND_CONTEXT_H

#include <hiphop/recommend.h>

// X(name, rows)
#define HH_CONTEXT_TABLE(X)                                                                 \
    X(ALL, 1)         /* every query */                                                     \
    X(LENGTH, 6)      /* of the session, up to 5 */                                         \
    X(RETURN, 3)      /* its last item is new to it, or was the click before, or earlier */ \
    X(NEIGHBOURS, 6)  /* nearest sessions found; this and what follows by magnitude */      \
    X(LAST_CLICKS, 8) /* of the last item */                                                \
    X(NEXT, 6)        /* what next goes by */                                               \
    X(PAIR, 6)        /* what pair goes by */

enum {
#define HH_CONTEXT_BLOCK(name, rows) CONTEXT_##name, CONTEXT_##name##_LAST = CONTEXT_##name + (rows)-1,
    HH_CONTEXT_TABLE(HH_CONTEXT_BLOCK)
#undef HH_CONTEXT_BLOCK
        CONTEXTS
};

#endif
