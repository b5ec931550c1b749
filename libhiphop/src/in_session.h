// Whether a session holds an item.
#ifndef IN_SESSION_H
#define IN_SESSION_H

#include <hiphop/graph.h>

static inline bool hh_in_session(const hh_item *items, size_t length, hh_item item)
{
    for (size_t i = 0; i < length; i++)
        if (items[i] == item)
            return true;
    return false;
}

#endif
