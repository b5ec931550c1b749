// Timestamps that topics take; see stamp.h.
#include "stamp.h"

enum {
    MARGIN_MS = 30 * 60 * 1000, // between two clocks, and for the time that a record waits to be sent
    MOMENT_MS = 1000,           // the present is so long ago: rather behind a broker's clock than ahead of it
};

// Half of a small limit.
static hh_time part(hh_time limit, hh_time most)
{
    return limit / 2 < most ? limit / 2 : most;
}

hh_time hh_stamp_of(const hh_stamp *stamp, hh_time event, hh_time now)
{
    hh_time earliest = now - stamp->behind + part(stamp->behind, MARGIN_MS);
    hh_time latest = now + stamp->ahead - part(stamp->ahead, MARGIN_MS);
    if (stamp->present)
        earliest = latest = now - part(stamp->behind, MOMENT_MS);
    hh_time time = event < earliest ? earliest : event < latest ? event : latest;
    return time < 1 ? 1 : time; // no topic takes times before 1970
}

void hh_stamp_learn(hh_stamp *stamp, hh_time behind, hh_time ahead)
{
    bool same = behind == stamp->behind && ahead == stamp->ahead;
    *stamp =
        (hh_stamp){.behind = behind, .ahead = ahead, .present = same && (stamp->present || stamp->refused)};
}
