// The clock of sessions that have none: the order in which they stand is the order of time. A session a
// second, its clicks a millisecond apart; so a half-life counts sessions.
#ifndef SESSION_LINE_CLOCK_H
#define SESSION_LINE_CLOCK_H

#include <hiphop/time.h>

#define HH_LINE_STEP 1 // ms from one click of a session to the next

typedef struct hh_line_clock {
    hh_time session, click; // of the session at hand: when it began, and when its next click is
} hh_line_clock;

static inline hh_line_clock hh_line_clock_new(void)
{
    return (hh_line_clock){.session = -HH_SECOND};
}

// The next session begins: when. None before it has a click as late as that.
static inline hh_time hh_line_clock_session(hh_line_clock *clock)
{
    if (clock->click < clock->session + HH_SECOND)
        clock->click = clock->session + HH_SECOND;
    return clock->session = clock->click;
}

// The next click of the session.
static inline hh_time hh_line_clock_click(hh_line_clock *clock)
{
    hh_time time = clock->click;
    clock->click += HH_LINE_STEP;
    return time;
}

#endif
