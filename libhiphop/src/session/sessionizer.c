// The rules of <hiphop/session.h>: what a click joins, what closes, what merges. A click is looked at first,
// then everything that it needs memory for is had, and only then something is changed: so HH_MEMORY leaves
// the state, and the sink, without a trace.
#include "sessionizer_state.h"
#include <stdlib.h>
#include <string.h>

hh_sessionizer_options hh_sessionizer_defaults(void)
{
    return (hh_sessionizer_options){.gap = 30 * HH_MINUTE,
                                    .lateness = 10 * HH_SECOND,
                                    .max_duration = 12 * HH_HOUR,
                                    .max_clicks = 500,
                                    .max_skew = 5 * HH_MINUTE,
                                    .idle_timeout = HH_MINUTE};
}

// ---- life of a sessionizer

static hh_status check_options(const hh_sessionizer_options *o, hh_error *error)
{
    const hh_time most = HH_TIME_LIMIT;
    if (o->gap <= 0 || o->gap > most)
        return hh_fail(error, HH_ARGUMENT, "gap must be longer than 0, and 2^53 ms at most");
    if (o->lateness < 0 || o->lateness > most)
        return hh_fail(error, HH_ARGUMENT, "lateness must be from 0 to 2^53 ms");
    if (o->max_duration <= 0)
        return hh_fail(error, HH_ARGUMENT, "max_duration must be longer than 0");
    if (o->max_clicks < 1 || o->max_clicks > 1u << 24)
        return hh_fail(error, HH_ARGUMENT, "max_clicks must be between 1 and 16777216");
    if (o->max_skew < 0 || o->max_skew > most)
        return hh_fail(error, HH_ARGUMENT, "max_skew must be from 0 to 2^53 ms");
    if (o->idle_timeout < 0 || o->idle_timeout > most)
        return hh_fail(error, HH_ARGUMENT, "idle_timeout must be from 0 to 2^53 ms");
    return HH_OK;
}

hh_sessionizer *hh_sessionizer_new(const hh_sessionizer_options *options, hh_session_sink *sink,
                                   void *context, hh_error *error)
{
    if (check_options(options, error))
        return NULL;
    hh_sessionizer *s = calloc(1, sizeof *s);
    if (!s) {
        hh_fail(error, HH_MEMORY, NULL);
        return NULL;
    }
    s->options = *options;
    s->sink = sink;
    s->context = context;
    s->offset = -1;
    s->watermark = s->sure_watermark = s->latest_taken = HH_TIME_MIN;
    s->unused = s->oldest = s->newest = HH_RECORD_NONE;
    hh_sessionizer_limit_lists(s, HH_FLOORS, HH_CEILINGS, HH_CUTS);
    hh_wheel_init(&s->wheel, options->gap, options->lateness);
    return s;
}

void hh_sessionizer_limit_lists(hh_sessionizer *s, size_t floors, size_t ceilings, size_t cuts)
{
    s->floor_limit = floors;
    s->ceiling_limit = ceilings;
    s->cut_limit = cuts;
}

static hh_session view(const hh_sessionizer *s, uint32_t number)
{
    hh_record *record = hh_record_at(s, number);
    return (hh_session){.id = record->id,
                        .visitor = hh_record_visitor(record),
                        .visitor_length = record->visitor_length,
                        .clicks = hh_record_clicks(record),
                        .count = record->count,
                        .attachment = &hh_record_rest_at(s, number)->of.attachment};
}

void hh_sessionizer_free(hh_sessionizer *s, void (*release)(void *context, const hh_session *session))
{
    if (!s)
        return;
    for (uint32_t number = s->oldest; release && number != HH_RECORD_NONE;) {
        hh_session session = view(s, number);
        if (!hh_record_is_cut(hh_record_at(s, number)))
            release(s->context, &session);
        number = hh_record_rest_at(s, number)->newer;
    }
    hh_records_free(s);
    free(s->replay.text);
    free(s);
}

// ---- closing

static void tell_closed(hh_sessionizer *s, uint32_t number, hh_close_reason reason)
{
    hh_session session = view(s, number);
    s->sink(s->context,
            &(hh_session_event){
                .kind = HH_SESSION_CLOSED, .muted = s->muted, .session = &session, .reason = reason});
    s->open--;
}

void hh_sessionizer_due(hh_sessionizer *s, uint32_t number)
{
    hh_record *record = hh_record_at(s, number);
    if (!hh_record_is_cut(record)) {
        tell_closed(s, number, HH_CLOSE_GAP);
        hh_records_remove(s, number);
        return;
    }
    // A cut goes with the last session of its visitor.
    uint32_t first = hh_records_find(s, hh_records_tag(s, hh_record_visitor(record), record->visitor_length),
                                     hh_record_visitor(record), record->visitor_length, NULL);
    if (first == number && record->sibling == HH_RECORD_NONE)
        hh_records_remove(s, number);
}

// The open session of a chain of siblings that closes first; HH_RECORD_NONE.
static uint32_t first_to_close(const hh_sessionizer *s, uint32_t number)
{
    uint32_t best = HH_RECORD_NONE;
    for (; number != HH_RECORD_NONE; number = hh_record_at(s, number)->sibling) {
        const hh_record *record = hh_record_at(s, number);
        const hh_record *other = best == HH_RECORD_NONE ? NULL : hh_record_at(s, best);
        if (!hh_record_is_cut(record) &&
            (!other || record->last < other->last || (record->last == other->last && record->id < other->id)))
            best = number;
    }
    return best;
}

// Starts a visitor afresh: closes all that he has open, and leaves a cut in place of the oldest. The cut
// stands where that stood in the order, so that a replay may begin there and find it by itself. Returns the
// cut, or HH_RECORD_NONE when there was nothing to cut off.
static uint32_t cut_off(hh_sessionizer *s, uint32_t tag, const char *visitor, size_t length, int64_t offset,
                        bool after, hh_close_reason reason)
{
    uint32_t first = hh_records_find(s, tag, visitor, length, NULL);
    uint32_t heir = HH_RECORD_NONE; // what is or becomes the cut
    hh_time last = HH_TIME_MIN;
    for (uint32_t number = first; number != HH_RECORD_NONE; number = hh_record_at(s, number)->sibling) {
        const hh_record *record = hh_record_at(s, number);
        if (record->last > last)
            last = record->last;
        if (heir == HH_RECORD_NONE || hh_record_is_cut(record) ||
            (!hh_record_is_cut(hh_record_at(s, heir)) && record->id < hh_record_at(s, heir)->id))
            heir = number;
    }
    if (heir == HH_RECORD_NONE)
        return HH_RECORD_NONE;

    uint32_t number;
    while ((number = first_to_close(s, hh_records_find(s, tag, visitor, length, NULL))) != HH_RECORD_NONE) {
        hh_record *record = hh_record_at(s, number);
        hh_wheel_remove(s, number);
        tell_closed(s, number, reason);
        if (number == heir) {
            hh_records_drop_clicks(s, record);
            hh_record_rest_at(s, number)->of.chain = record->id;
        }
        // A cut must be in the wheel before others are removed: outside, it would go with the last of them.
        hh_record *cut = hh_record_at(s, heir);
        if (hh_record_is_cut(cut)) {
            hh_wheel_remove(s, heir);
            cut->last = last;
            hh_wheel_add(s, heir);
        }
        if (number != heir)
            hh_records_remove(s, number);
    }
    hh_record *cut = hh_record_at(s, heir);
    cut->id = offset;
    cut->cut_after = after;
    return heir;
}

// ---- taking a click

// All that a click will do, and the memory that it needs, in hand before anything is changed.
typedef struct click_plan {
    uint32_t tag;
    bool cut_before;
    bool cut_after;           // told so in replay; otherwise max_clicks says it
    bool told;                // by the checkpoint
    hh_close_reason reason;   // of cut_before
    uint32_t earlier;         // session that it joins; HH_RECORD_NONE: it begins one
    uint32_t later;           // the second that it joins, all of it later than the click
    hh_session_click *clicks; // for the session, when its list must grow
    char *visitor;            // for an id that doesn't fit into the record
} click_plan;

// At most one open session less than gap away on either side, or one around the click.
static void find_neighbours(const hh_sessionizer *s, uint32_t number, hh_time time, click_plan *plan)
{
    plan->earlier = plan->later = HH_RECORD_NONE;
    for (; number != HH_RECORD_NONE; number = hh_record_at(s, number)->sibling) {
        const hh_record *record = hh_record_at(s, number);
        if (hh_record_is_cut(record) || time - record->last >= s->options.gap)
            continue;
        hh_time first = hh_record_first(record);
        if (time >= first)
            plan->earlier = number;
        else if (first - time < s->options.gap)
            plan->later = number;
    }
}

// Whether a session of the click and its neighbours would break a cap.
static bool breaks_cap(const hh_sessionizer *s, hh_time time, click_plan *plan)
{
    hh_time first = time;
    hh_time last = time;
    uint64_t count = 1;
    if (plan->earlier != HH_RECORD_NONE) {
        const hh_record *record = hh_record_at(s, plan->earlier);
        first = hh_record_first(record);
        last = record->last > last ? record->last : last;
        count += record->count;
    }
    if (plan->later != HH_RECORD_NONE) {
        last = hh_record_at(s, plan->later)->last;
        count += hh_record_at(s, plan->later)->count;
    }
    plan->reason = last - first > s->options.max_duration ? HH_CLOSE_MAX_DURATION : HH_CLOSE_MAX_CLICKS;
    return last - first > s->options.max_duration || count > s->options.max_clicks;
}

static void told_cut(const hh_sessionizer *s, int64_t offset, click_plan *plan)
{
    const hh_replay *replay = &s->replay;
    if (!replay->running || offset >= replay->position)
        return;
    for (size_t i = replay->cut; i < replay->cut_count && replay->cuts[i].offset <= offset; i++)
        if (replay->cuts[i].offset == offset) {
            plan->told = plan->cut_before = true;
            plan->cut_after = replay->cuts[i].after;
            plan->reason = plan->cut_after ? HH_CLOSE_MAX_CLICKS : HH_CLOSE_MAX_DURATION;
        }
}

static void drop_plan(hh_sessionizer *s, click_plan *plan, size_t length, size_t clicks)
{
    hh_blocks_give(&s->blocks, plan->visitor, length);
    hh_blocks_give(&s->blocks, plan->clicks, clicks * sizeof *plan->clicks);
}

static hh_status make_plan(hh_sessionizer *s, int64_t offset, const char *visitor, size_t length,
                           hh_time time, click_plan *plan)
{
    *plan = (struct click_plan){.tag = hh_records_tag(s, visitor, length)};
    find_neighbours(s, hh_records_find(s, plan->tag, visitor, length, NULL), time, plan);
    told_cut(s, offset, plan);
    if (!plan->told)
        plan->cut_before = breaks_cap(s, time, plan);
    if (plan->cut_before)
        plan->earlier = plan->later = HH_RECORD_NONE;

    size_t held = 1; // clicks that there is room for
    size_t count = 1;
    bool begins = plan->earlier == HH_RECORD_NONE && plan->later == HH_RECORD_NONE;
    if (plan->earlier == HH_RECORD_NONE) {
        plan->earlier = plan->later;
        plan->later = HH_RECORD_NONE;
    }
    if (plan->earlier != HH_RECORD_NONE) {
        count += hh_record_at(s, plan->earlier)->count;
        held = hh_clicks_capacity(count - 1);
    }
    if (plan->later != HH_RECORD_NONE)
        count += hh_record_at(s, plan->later)->count;

    size_t capacity = hh_clicks_capacity(count);
    if (capacity > held) {
        plan->clicks = hh_blocks_take(&s->blocks, capacity * sizeof *plan->clicks);
        if (!plan->clicks)
            return HH_MEMORY;
    }
    if (!begins)
        return HH_OK;
    if (length > HH_VISITOR_INLINE)
        plan->visitor = hh_blocks_take(&s->blocks, length);
    if ((length > HH_VISITOR_INLINE && !plan->visitor) || hh_records_reserve(s)) {
        drop_plan(s, plan, length, capacity);
        return HH_MEMORY;
    }
    return HH_OK;
}

static void use_list(hh_sessionizer *s, hh_record *record, const click_plan *plan)
{
    if (!plan->clicks)
        return;
    uint32_t count = record->count;
    memcpy(plan->clicks, hh_record_clicks(record), count * sizeof *plan->clicks);
    hh_records_drop_clicks(s, record);
    record->list = plan->clicks;
    record->count = count; // which may be 1 until the click is in
}

// Joins plan->later into plan->earlier, or the other way round where that is older by id.
static uint32_t merge(hh_sessionizer *s, const click_plan *plan)
{
    hh_record *earlier = hh_record_at(s, plan->earlier);
    hh_record *later = hh_record_at(s, plan->later);
    bool swap = later->id < earlier->id;
    uint32_t number = swap ? plan->later : plan->earlier;
    uint32_t other = swap ? plan->earlier : plan->later;
    hh_session shown = view(s, number);
    hh_session shown_other = view(s, other);
    s->sink(s->context,
            &(hh_session_event){
                .kind = HH_SESSION_MERGED, .muted = s->muted, .session = &shown, .other = &shown_other});

    // All go to the plan's list, or stay in the earlier session's where that is long enough.
    hh_session_click *clicks = plan->clicks;
    uint32_t count = earlier->count + later->count;
    hh_time last = later->last;
    memcpy((clicks ? clicks : earlier->list) + earlier->count, hh_record_clicks(later),
           later->count * sizeof *clicks);
    hh_records_drop_clicks(s, later);
    if (clicks) {
        memcpy(clicks, hh_record_clicks(earlier), earlier->count * sizeof *clicks);
        hh_records_drop_clicks(s, earlier);
    } else {
        clicks = earlier->list;
        earlier->count = 0;
    }
    hh_record *record = hh_record_at(s, number);
    record->list = clicks;
    record->count = count;
    record->last = last;
    s->open--;
    hh_wheel_remove(s, other);
    hh_records_remove(s, other);
    hh_wheel_touch(s, number);
    return number;
}

// In order of time, after equal ones. Returns its position.
static uint32_t insert_click(hh_record *record, hh_time time, uint32_t item)
{
    uint32_t position = record->count++;
    hh_session_click *clicks = hh_record_clicks(record);
    for (; position > 0 && clicks[position - 1].time > time; position--)
        clicks[position] = clicks[position - 1];
    clicks[position] = (hh_session_click){.time = time, .item = item};
    return position;
}

static void take(hh_sessionizer *s, const click_plan *plan, int64_t offset, const char *visitor,
                 size_t length, uint32_t item, hh_time time)
{
    uint32_t cut = HH_RECORD_NONE;
    if (plan->cut_before)
        cut = cut_off(s, plan->tag, visitor, length, offset, false, plan->reason);

    uint32_t number = plan->earlier;
    if (number == HH_RECORD_NONE) {
        number = hh_records_add(s, plan->tag, visitor, length, plan->visitor, offset);
        s->open++;
    } else if (plan->later != HH_RECORD_NONE) {
        number = merge(s, plan);
    }
    hh_record *record = hh_record_at(s, number);
    if (plan->later == HH_RECORD_NONE)
        use_list(s, record, plan);
    bool begins = record->count == 0;
    uint32_t position = insert_click(record, time, item);
    if (begins || time > record->last)
        record->last = time;
    if (begins)
        hh_wheel_add(s, number);
    else
        hh_wheel_touch(s, number);

    hh_session session = view(s, number);
    s->sink(s->context,
            &(hh_session_event){
                .kind = HH_SESSION_CLICK, .muted = s->muted, .session = &session, .position = position});
    if (plan->cut_after || record->count >= s->options.max_clicks)
        cut = cut_off(s, plan->tag, visitor, length, offset, true, HH_CLOSE_MAX_CLICKS);
    if (plan->told && cut != HH_RECORD_NONE)
        hh_records_move_to_oldest(s, cut);
}

// ---- time

void hh_sessionizer_end_replay(hh_sessionizer *s)
{
    if (!s->replay.running)
        return;
    s->replay.running = false;
    free(s->replay.text);
    s->replay.text = NULL;
    s->sure_watermark = s->watermark;
    s->muted = true;
    hh_wheel_advance(s, s->replay.watermark);
    s->muted = false;
    // Nothing taken so far was later than this, or the watermark would be too.
    s->latest_taken = s->watermark == HH_TIME_MIN ? HH_TIME_MIN : s->watermark + s->options.lateness;
}

hh_status hh_sessionizer_push(hh_sessionizer *s, int64_t offset, const char *visitor, size_t length,
                              uint32_t item, hh_time time, hh_time now, hh_click_fate *fate, bool *muted)
{
    if (offset <= s->offset || length > UINT32_MAX / 2)
        return HH_ARGUMENT;
    if (length == 0)
        visitor = "";
    bool replayed = s->replay.running && offset < s->replay.position;
    hh_time watermark;
    click_plan plan = {0};
    *fate = hh_clock_fate(s, offset, time, now, &watermark);
    if (*fate == HH_CLICK_TAKEN) {
        hh_status status = make_plan(s, offset, visitor, length, time, &plan);
        if (status)
            return status;
    }

    // From here on nothing fails.
    if (muted)
        *muted = replayed;
    if (!replayed)
        hh_sessionizer_end_replay(s);
    s->offset = offset;
    s->muted = replayed;
    if (replayed)
        hh_clock_replayed(s, offset);
    else
        hh_clock_note(s, offset, time, *fate);
    if (*fate == HH_CLICK_TAKEN && time - s->options.lateness > watermark)
        watermark = time - s->options.lateness;
    hh_wheel_advance(s, watermark);
    if (*fate == HH_CLICK_TAKEN)
        take(s, &plan, offset, visitor, length, item, time);
    s->muted = false;
    hh_wheel_look_ahead(s);
    return HH_OK;
}

hh_status hh_sessionizer_tick(hh_sessionizer *s, hh_time now, hh_time idle_since)
{
    hh_sessionizer_end_replay(s);
    if (s->options.idle_timeout == 0 || s->watermark == HH_TIME_MIN)
        return HH_OK;
    if (now > HH_TIME_LIMIT)
        now = HH_TIME_LIMIT;
    if (now <= s->watermark || idle_since > now - s->options.idle_timeout)
        return HH_OK;
    if (s->open && hh_clock_may_tick(s))
        hh_wheel_settle(s, now - s->options.lateness);
    return HH_OK;
}

// ---- what there is to see

hh_time hh_sessionizer_watermark(const hh_sessionizer *s)
{
    return s->watermark;
}

size_t hh_sessionizer_open(const hh_sessionizer *s)
{
    return s->open;
}

size_t hh_sessionizer_memory(const hh_sessionizer *s)
{
    return sizeof *s + hh_records_memory(s);
}

bool hh_sessionizer_replaying(const hh_sessionizer *s)
{
    return s->replay.running;
}

uint64_t hh_sessionizer_inexact(const hh_sessionizer *s)
{
    return s->inexact;
}
