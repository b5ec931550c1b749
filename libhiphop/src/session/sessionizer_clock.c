// What the wall clock decided. A replay reads the same log at another time of the day, so where the clock
// made a difference, it must be told:
//
//   floors    The watermark of an idle partition follows the clock. That matters only once a click is late by
//             it that would not be late by the log: then, and only then, the floor is noted at that click.
//   ceilings  Which clicks were future. Between two ceilings every click that was future is later than the
//             ceiling and every other is not, so one number stands for all decisions of a stretch of the log.
//             A stretch ends when event time has caught up with a click that was future in it: clocks wrong
//             by an hour need one ceiling an hour, however many clicks they stamp.
//
// Where the list of floors is full the watermark stops following the clock. Where the list of ceilings is
// full, the last one is raised and the loss counted: a replay may take what was future, it never loses what
// was taken.
#include "sessionizer_state.h"

static hh_time later_of(hh_time a, hh_time b)
{
    return a > b ? a : b;
}

// What a replay from `resume` on need not know.
static void prune(hh_sessionizer *s)
{
    hh_time watermark;
    int64_t resume = hh_checkpoint_resume(s, s->offset, &watermark, NULL, NULL);
    size_t kept = 0;
    for (size_t i = 0; i < s->floor_count; i++)
        if (s->floors[i].offset >= resume)
            s->floors[kept++] = s->floors[i];
    s->floor_count = kept;
    kept = 0;
    for (size_t i = 0; i < s->ceiling_count; i++)
        if (i + 1 == s->ceiling_count || s->ceilings[i + 1].offset > resume)
            s->ceilings[kept++] = s->ceilings[i];
    s->ceiling_count = kept;
}

static bool room_for_ceiling(hh_sessionizer *s)
{
    if (s->ceiling_count >= s->ceiling_limit)
        prune(s);
    return s->ceiling_count < s->ceiling_limit;
}

bool hh_clock_may_tick(hh_sessionizer *s)
{
    if (s->floor_count >= s->floor_limit)
        prune(s);
    return s->floor_count < s->floor_limit;
}

static hh_click_fate replayed_fate(const hh_sessionizer *s, int64_t offset, hh_time time, hh_time *watermark)
{
    const hh_replay *replay = &s->replay;
    for (size_t i = replay->floor; i < s->floor_count && s->floors[i].offset <= offset; i++)
        *watermark = later_of(*watermark, s->floors[i].time);
    hh_time ceiling = replay->ceiling ? s->ceilings[replay->ceiling - 1].time : HH_TIME_LIMIT;
    for (size_t i = replay->ceiling; i < s->ceiling_count && s->ceilings[i].offset <= offset; i++)
        ceiling = s->ceilings[i].time;
    if (time < *watermark || time < -HH_TIME_LIMIT)
        return HH_CLICK_LATE;
    return time > ceiling || time > HH_TIME_LIMIT ? HH_CLICK_FUTURE : HH_CLICK_TAKEN;
}

hh_click_fate hh_clock_fate(const hh_sessionizer *s, int64_t offset, hh_time time, hh_time now,
                            hh_time *watermark)
{
    *watermark = s->watermark;
    if (s->replay.running) {
        if (offset < s->replay.position)
            return replayed_fate(s, offset, time, watermark);
        *watermark = later_of(s->watermark, s->replay.watermark);
    }
    if (time < *watermark || time < -HH_TIME_LIMIT)
        return HH_CLICK_LATE;
    // Not time > now + max_skew: now may be anything.
    return time > HH_TIME_LIMIT || time - s->options.max_skew > now ? HH_CLICK_FUTURE : HH_CLICK_TAKEN;
}

void hh_clock_replayed(hh_sessionizer *s, int64_t offset)
{
    hh_replay *replay = &s->replay;
    while (replay->floor < s->floor_count && s->floors[replay->floor].offset <= offset)
        replay->floor++;
    while (replay->ceiling < s->ceiling_count && s->ceilings[replay->ceiling].offset <= offset)
        replay->ceiling++;
    while (replay->cut < replay->cut_count && replay->cuts[replay->cut].offset <= offset)
        replay->cut++;
}

static void note_future(hh_sessionizer *s, int64_t offset, hh_time time)
{
    hh_clock_mark *ceiling = s->ceiling_count ? &s->ceilings[s->ceiling_count - 1] : NULL;
    if (ceiling && time > ceiling->time)
        return;
    if (ceiling && time > s->latest_taken) {
        ceiling->time = time - 1;
    } else if (room_for_ceiling(s)) {
        s->ceilings[s->ceiling_count++] = (hh_clock_mark){offset, time - 1};
        s->latest_taken = HH_TIME_MIN;
    } else {
        s->inexact++;
    }
}

static void note_taken(hh_sessionizer *s, int64_t offset, hh_time time)
{
    if (s->ceiling_count && time > s->ceilings[s->ceiling_count - 1].time) {
        if (room_for_ceiling(s)) {
            s->ceilings[s->ceiling_count++] = (hh_clock_mark){offset, HH_TIME_LIMIT};
            s->latest_taken = HH_TIME_MIN;
        } else {
            s->ceilings[s->ceiling_count - 1].time = time;
            s->inexact++;
        }
    }
    s->latest_taken = later_of(s->latest_taken, time);
}

void hh_clock_note(hh_sessionizer *s, int64_t offset, hh_time time, hh_click_fate fate)
{
    if (time < -HH_TIME_LIMIT || time > HH_TIME_LIMIT)
        return;
    switch (fate) {
    case HH_CLICK_LATE:
        // tick has left room: the watermark only leaves the sure one behind where there is some.
        if (time >= s->sure_watermark && s->floor_count < s->floor_limit) {
            s->floors[s->floor_count++] = (hh_clock_mark){offset, s->watermark};
            s->sure_watermark = s->watermark;
        }
        break;
    case HH_CLICK_FUTURE:
        note_future(s, offset, time);
        break;
    case HH_CLICK_TAKEN:
        note_taken(s, offset, time);
        s->sure_watermark = later_of(s->sure_watermark, time - s->options.lateness);
        break;
    }
}
