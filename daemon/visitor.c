#include "visitor.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

uint64_t hh_visitor_hash(const char *visitor, size_t length)
{
    return XXH3_64bits(visitor, length);
}
