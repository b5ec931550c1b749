// The shop as a discrete-event simulation: an agenda of what is due when (sessions to begin, clicks to come,
// delayed records to arrive, popularity to drift), worked off in time order; every step may yield an event.
#include "shop.h"

#include "shop_agenda.h"
#include "shop_best.h"
#include "shop_catalogue.h"
#include "shop_titles.h"

#include <stdlib.h>
#include <string.h>

typedef enum visitor_kind { REGULAR, GUEST, BOT } visitor_kind;

typedef struct session {
    uint64_t number;
    visitor_kind kind;
    uint64_t visitor; // number of the regular or guest
    uint32_t intent;
    uint32_t position; // clicks so far
    shop_taste taste;
    shop_trail trail;
} session;

// A click on its way to the log.
typedef struct record {
    shop_event_kind kind; // CLICK or MALFORMED
    shop_fault fault;
    visitor_kind visitor_kind;
    uint64_t visitor, item; // numbers
    hh_time time;
    uint64_t session;
    uint32_t position, intent, best_rank;
    double best_share;
    const char *bytes;
} record;

enum duty { BEGIN_SESSION, NEXT_CLICK, BOT_CLICK, ARRIVAL, DRIFT, REPLACEMENT };

struct shop {
    shop_options options;
    shop_catalogue catalogue;
    shop_best best;
    struct chance behaviour, faults, changes, bot; // one each, so that what one does leaves the others alone
    struct agenda agenda;
    struct pool session, record;
    uint64_t sessions, guests; // so far
    float *beliefs;            // [session.capacity x intents], only with options.best
    hh_time *rested;           // [visitors] from when on a regular may come again
    hh_time now;               // of the last event
    uint32_t opening;          // items launched so far at the opening
    uint32_t launch;           // item to be launched next, in the place of a withdrawn one; POOL_NONE
};

shop_options shop_defaults(void)
{
    return (shop_options){
        .seed = 1, .items = 2000, .visitors = 10000, .density = 100, .turnover = 0.05, .drift = 0.5};
}

// ---- opening and closing ----

static const char *out_of_range(const shop_options *options)
{
    const double shares[] = {options->disorder, options->late, options->duplicates, options->malformed};
    for (size_t i = 0; i < sizeof shares / sizeof *shares; i++)
        if (!(shares[i] >= 0 && shares[i] <= 1))
            return "the share of a fault must be from 0 to 1";
    if (options->disorder + options->late > 1)
        return "more clicks would be disordered or late than there are";
    if (options->items < INTENT_HOME || options->items > 1000000)
        return "a shop has 20 to 1000000 items";
    if (options->visitors > 100000000)
        return "a shop has at most 100000000 regular visitors";
    if (!(options->density > 0 && options->density <= 1e7))
        return "clicks per second of event time must be above 0 and at most 10000000";
    if (!(options->turnover >= 0 && options->turnover <= 1e4 && options->drift >= 0 && options->drift <= 1e4))
        return "turnover and drift must be from 0 to 10000 a day";
    if (!(options->bots >= 0 && options->bots <= 0.9))
        return "the share of bots must be from 0 to 0.9";
    if (options->start < 0 || options->start > INT64_MAX / 4)
        return "the start is not a time";
    return NULL;
}

static double people_density(const struct shop *shop)
{
    return shop->options.density * (1 - shop->options.bots) / 1000; // clicks per ms
}

static hh_time soon(struct chance *chance, double mean)
{
    double waiting = chance_waiting(chance, mean);
    return waiting < 1e15 ? (hh_time)waiting : (hh_time)1e15;
}

static hh_status note_change(struct shop *shop, hh_time now, enum duty duty, double per_day)
{
    return per_day > 0
               ? agenda_note(&shop->agenda, now + soon(&shop->changes, (double)HH_DAY / per_day), duty, 0)
               : HH_OK;
}

static hh_status begin_session(struct shop *shop, hh_time now);

static hh_status open_shop(struct shop *shop)
{
    const shop_options *options = &shop->options;
    hh_time start = options->start;
    if (!catalogue_init(&shop->catalogue, options->items, &shop->changes))
        return HH_MEMORY;
    if (options->best && !shop_best_init(&shop->best, &shop->catalogue))
        return HH_MEMORY;
    shop->rested = malloc((options->visitors ? options->visitors : 1) * sizeof *shop->rested);
    if (!shop->rested)
        return HH_MEMORY;
    for (uint32_t visitor = 0; visitor < options->visitors; visitor++)
        shop->rested[visitor] = start;

    // As many sessions under way as there will be on average. Lengths and waiting times have no memory, so a
    // session in its middle goes on like one that begins: traffic is steady from the first second.
    double sessions = people_density(shop) / SHOP_SESSION_CLICKS;
    double under_way = sessions * (double)SHOP_THINKING * SHOP_SESSION_CLICKS;
    hh_status status = HH_OK;
    for (double i = 0; i < under_way && status == HH_OK; i++)
        status = begin_session(shop, start);
    if (status == HH_OK)
        status = agenda_note(&shop->agenda, start + soon(&shop->behaviour, 1 / sessions), BEGIN_SESSION, 0);
    if (status == HH_OK && options->bots > 0)
        status = agenda_note(
            &shop->agenda, start + soon(&shop->bot, 1000 / (options->density * options->bots)), BOT_CLICK, 0);
    if (status == HH_OK)
        status = note_change(shop, start, DRIFT, options->drift * options->items);
    if (status == HH_OK)
        status = note_change(shop, start, REPLACEMENT, options->turnover * options->items);
    return status;
}

hh_status shop_new(const shop_options *options, struct shop **made, hh_error *error)
{
    *made = NULL;
    const char *trouble = out_of_range(options);
    if (trouble)
        return hh_fail(error, HH_ARGUMENT, "%s", trouble);
    struct shop *shop = calloc(1, sizeof *shop);
    if (!shop)
        return hh_fail(error, HH_MEMORY, NULL);
    shop->options = *options;
    shop->launch = POOL_NONE;
    shop->session.size = sizeof(session);
    shop->record.size = sizeof(record);
    struct chance *chances[] = {&shop->behaviour, &shop->faults, &shop->changes, &shop->bot};
    for (size_t i = 0; i < sizeof chances / sizeof *chances; i++)
        chances[i]->state = chance_hash(options->seed, i + 1);
    hh_status status = open_shop(shop);
    if (status != HH_OK) {
        shop_free(shop);
        return hh_fail(error, status, NULL);
    }
    *made = shop;
    return HH_OK;
}

void shop_free(struct shop *shop)
{
    if (!shop)
        return;
    catalogue_clear(&shop->catalogue);
    shop_best_clear(&shop->best);
    agenda_clear(&shop->agenda);
    pool_clear(&shop->session);
    pool_clear(&shop->record);
    free(shop->beliefs);
    free(shop->rested);
    free(shop);
}

// ---- visitors ----

// A regular who has rested, if one is found soon; else a guest.
static void choose_visitor(struct shop *shop, session *it, hh_time now)
{
    uint32_t visitors = shop->options.visitors;
    for (int try = 0; visitors > 0 && try < 4; try++) {
        uint32_t visitor = chance_below(&shop->behaviour, visitors);
        if (shop->rested[visitor] > now)
            continue;
        shop->rested[visitor] = INT64_MAX;
        it->kind = REGULAR;
        it->visitor = visitor + 1;
        uint64_t taste = chance_hash(shop->options.seed, visitor);
        it->taste = (shop_taste){true,
                                 {(uint32_t)(taste % shop->catalogue.intents),
                                  (uint32_t)((taste >> 32) % shop->catalogue.intents)}};
        return;
    }
    it->kind = GUEST;
    it->visitor = ++shop->guests;
    it->taste.regular = false;
}

static uint32_t choose_intent(struct shop *shop, const session *it)
{
    if (it->taste.regular) {
        double share = chance_share(&shop->behaviour);
        if (share < FIRST_FAVOURITE)
            return it->taste.favourite[0];
        if (share < FIRST_FAVOURITE + SECOND_FAVOURITE)
            return it->taste.favourite[1];
    }
    return catalogue_draw_intent(&shop->catalogue, &shop->behaviour);
}

static uint32_t popular_item(struct shop *shop, uint32_t number)
{
    const shop_intent *intent = &shop->catalogue.intent[number];
    return intent->items[catalogue_draw_member(intent, &shop->catalogue, &shop->behaviour)];
}

// By the probabilities that shop_best.c reckons with.
static uint32_t choose_item(struct shop *shop, const session *it)
{
    const shop_trail *trail = &it->trail;
    if (trail->count > 1 && chance_share(&shop->behaviour) < AGAIN)
        return trail->recent[chance_below(&shop->behaviour, trail->count - 1)];
    if (chance_share(&shop->behaviour) < WANDER)
        return popular_item(shop, catalogue_draw_intent(&shop->catalogue, &shop->behaviour));
    if (trail->count == 0)
        return popular_item(shop, it->intent);
    uint32_t at = trail->recent[trail->count - 1];
    uint32_t from = catalogue_member(&shop->catalogue, at, it->intent);
    if (from == INTENT_MEMBERS)
        return popular_item(shop, it->intent);
    const shop_intent *intent = &shop->catalogue.intent[it->intent];
    if (chance_share(&shop->behaviour) < FOLLOW) {
        double share = chance_share(&shop->behaviour);
        int i = 0;
        while (i < FOLLOWERS - 1 && share >= follower_share[i])
            share -= follower_share[i++];
        return intent->items[intent->followers[from][i]];
    }
    uint32_t item;
    do
        item = popular_item(shop, it->intent);
    while (item == at);
    return item;
}

static void remember(shop_trail *trail, uint32_t item)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < trail->count; i++)
        if (trail->recent[i] != item)
            trail->recent[kept++] = trail->recent[i];
    if (kept == RECENT) {
        memmove(trail->recent, trail->recent + 1, (RECENT - 1) * sizeof *trail->recent);
        kept--;
    }
    trail->recent[kept++] = item;
    trail->count = kept;
}

static hh_time thinking(struct shop *shop)
{
    hh_time time = soon(&shop->behaviour, (double)SHOP_THINKING);
    return time < SHOP_PATIENCE ? time : SHOP_PATIENCE;
}

static hh_status begin_session(struct shop *shop, hh_time now)
{
    uint32_t before = shop->session.capacity, slot = pool_take(&shop->session);
    if (slot == POOL_NONE)
        return HH_MEMORY;
    if (shop->options.best && shop->session.capacity != before) {
        size_t size = (size_t)shop->session.capacity * shop->catalogue.intents * sizeof(float);
        float *beliefs = realloc(shop->beliefs, size);
        if (!beliefs)
            return HH_MEMORY;
        shop->beliefs = beliefs;
    }
    session *it = (session *)shop->session.slots + slot;
    *it = (session){.number = ++shop->sessions};
    choose_visitor(shop, it, now);
    it->intent = choose_intent(shop, it);
    return agenda_note(&shop->agenda, now + thinking(shop), NEXT_CLICK, slot);
}

// ---- records ----

static size_t put_text(char *out, const char *text)
{
    size_t length = strlen(text);
    memcpy(out, text, length + 1);
    return length;
}

// prefix and decimal digits, NUL-terminated in out[SHOP_ID_SIZE]
static void put_id(char *out, const char *prefix, uint64_t number)
{
    char digits[20];
    size_t count = 0, length = put_text(out, prefix);
    do
        digits[count++] = (char)('0' + number % 10);
    while ((number /= 10) > 0);
    while (count > 0)
        out[length++] = digits[--count];
    out[length] = '\0';
}

static void put_visitor(char *out, visitor_kind kind, uint64_t visitor)
{
    if (kind == BOT)
        put_text(out, SHOP_BOT);
    else
        put_id(out, kind == REGULAR ? "v" : "g", visitor);
}

static void yield_record(const record *it, hh_time arrival, shop_event *event)
{
    event->kind = it->kind;
    event->arrival = arrival;
    event->time = it->time;
    event->fault = it->fault;
    event->session = it->session;
    event->position = it->position;
    event->intent = it->intent;
    event->best_rank = it->best_rank;
    event->best_share = it->best_share;
    event->bytes = it->bytes;
    put_visitor(event->visitor, it->visitor_kind, it->visitor);
    if (it->kind == SHOP_CLICK)
        put_id(event->item, "i", it->item);
}

static hh_status delay(struct shop *shop, const record *it, hh_time arrival)
{
    uint32_t slot = pool_take(&shop->record);
    if (slot == POOL_NONE)
        return HH_MEMORY;
    ((record *)shop->record.slots)[slot] = *it;
    return agenda_note(&shop->agenda, arrival, ARRIVAL, slot);
}

static const char *malformed_bytes(struct chance *chance)
{
    static const char *const samples[] = {
        "this is not a click",
        "{\"visitor\":\"v1\",\"item\":\"i1\",\"timest",
        "{\"visitor\":\"v1\",\"timestamp\":1700000000000}",
        "{\"visitor\":\"\",\"item\":\"i1\",\"timestamp\":1700000000000}",
        "{\"visitor\":\"v1\",\"item\":\"i1\",\"timestamp\":\"yesterday\"}",
        "{\"visitor\":\"v1\",\"item\":[\"i1\"],\"timestamp\":1700000000000}",
        "{\"visitor\":\"v\xff\xfe\",\"item\":\"i1\",\"timestamp\":1700000000000}",
        "[]",
    };
    return samples[chance_below(chance, sizeof samples / sizeof *samples)];
}

// The click happens now; *now_too says whether it is also in the log now, or comes later.
static hh_status send(struct shop *shop, record *it, bool *now_too)
{
    const shop_options *options = &shop->options;
    struct chance *faults = &shop->faults;
    hh_time arrival = it->time;
    if (options->disorder + options->late > 0) {
        double share = chance_share(faults);
        if (share < options->late) {
            it->fault = SHOP_LATE;
            arrival += HH_MINUTE + chance_below(faults, 29 * (uint32_t)HH_MINUTE);
        } else if (share < options->late + options->disorder) {
            it->fault = SHOP_DISORDERED;
            arrival += 100 + chance_below(faults, 4900);
        }
    }
    *now_too = arrival == it->time;
    hh_status status = *now_too ? HH_OK : delay(shop, it, arrival);
    if (status == HH_OK && options->duplicates > 0 && chance_share(faults) < options->duplicates) {
        record again = *it;
        again.fault = SHOP_DUPLICATE;
        again.best_rank = 0;
        status = delay(shop, &again, arrival + 1 + chance_below(faults, 2000));
    }
    if (status == HH_OK && options->malformed > 0 && chance_share(faults) < options->malformed) {
        record bad = {.kind = SHOP_MALFORMED,
                      .visitor_kind = it->visitor_kind,
                      .visitor = it->visitor,
                      .time = it->time,
                      .bytes = malformed_bytes(faults)};
        status = delay(shop, &bad, it->time);
    }
    return status;
}

// ---- what is due ----

static hh_status end_session(struct shop *shop, const session *it, uint32_t slot, hh_time now)
{
    if (it->kind == REGULAR)
        shop->rested[it->visitor - 1] = now + SHOP_REST;
    pool_give(&shop->session, slot);
    return HH_OK;
}

static hh_status click(struct shop *shop, uint32_t slot, hh_time now, shop_event *event, bool *yielded)
{
    session *it = (session *)shop->session.slots + slot;
    if (it->position > 0 && chance_share(&shop->behaviour) < SWITCH)
        it->intent = choose_intent(shop, it);
    uint32_t item = choose_item(shop, it);
    record made = {.kind = SHOP_CLICK,
                   .visitor_kind = it->kind,
                   .visitor = it->visitor,
                   .item = shop->catalogue.item[item].serial,
                   .time = now,
                   .session = it->number,
                   .position = ++it->position,
                   .intent = it->intent};
    if (shop->options.best)
        shop_best_see(&shop->best, shop->beliefs + (size_t)slot * shop->catalogue.intents, &it->taste,
                      &it->trail, item, &made.best_rank, &made.best_share);
    remember(&it->trail, item);
    hh_status status = send(shop, &made, yielded);
    if (status != HH_OK)
        return status;
    if (*yielded)
        yield_record(&made, now, event);
    if (chance_share(&shop->behaviour) < 1 / SHOP_SESSION_CLICKS)
        return end_session(shop, it, slot, now);
    return agenda_note(&shop->agenda, now + thinking(shop), NEXT_CLICK, slot);
}

static hh_status bot_click(struct shop *shop, hh_time now, shop_event *event, bool *yielded)
{
    uint32_t item = chance_below(&shop->bot, shop->catalogue.items);
    record made = {
        .kind = SHOP_CLICK, .visitor_kind = BOT, .item = shop->catalogue.item[item].serial, .time = now};
    hh_status status = send(shop, &made, yielded);
    if (status != HH_OK)
        return status;
    if (*yielded)
        yield_record(&made, now, event);
    return agenda_note(&shop->agenda,
                       now + soon(&shop->bot, 1000 / (shop->options.density * shop->options.bots)), BOT_CLICK,
                       0);
}

static void launch(struct shop *shop, uint32_t item, hh_time now, shop_event *event)
{
    const shop_item *it = &shop->catalogue.item[item];
    event->kind = SHOP_LAUNCH;
    event->time = event->arrival = now;
    put_id(event->item, "i", it->serial);
    shop_title(it->home, chance_hash(shop->options.seed, it->serial), event->title, sizeof event->title);
    event->category = shop_category(it->home);
}

// The old item goes; the new one is launched by the next event.
static void withdraw(struct shop *shop, hh_time now, shop_event *event)
{
    uint32_t item = chance_below(&shop->changes, shop->catalogue.items);
    event->kind = SHOP_WITHDRAW;
    event->time = event->arrival = now;
    put_id(event->item, "i", shop->catalogue.item[item].serial);
    catalogue_replace(&shop->catalogue, item, &shop->changes);
    shop->launch = item;
}

static hh_status step(struct shop *shop, const task *due, shop_event *event, bool *yielded)
{
    hh_status status;
    switch (due->duty) {
    case BEGIN_SESSION:
        status = begin_session(shop, due->time);
        if (status != HH_OK)
            return status;
        return agenda_note(&shop->agenda,
                           due->time + soon(&shop->behaviour, SHOP_SESSION_CLICKS / people_density(shop)),
                           BEGIN_SESSION, 0);
    case NEXT_CLICK:
        return click(shop, due->index, due->time, event, yielded);
    case BOT_CLICK:
        return bot_click(shop, due->time, event, yielded);
    case ARRIVAL:
        yield_record((record *)shop->record.slots + due->index, due->time, event);
        pool_give(&shop->record, due->index);
        *yielded = true;
        return HH_OK;
    case DRIFT:
        catalogue_drift(&shop->catalogue, &shop->changes);
        return note_change(shop, due->time, DRIFT, shop->options.drift * shop->options.items);
    case REPLACEMENT:
        withdraw(shop, due->time, event);
        *yielded = true;
        return note_change(shop, due->time, REPLACEMENT, shop->options.turnover * shop->options.items);
    }
    return HH_ARGUMENT;
}

hh_status shop_next(struct shop *shop, shop_event *event)
{
    *event = (shop_event){0};
    if (shop->opening < shop->catalogue.items) {
        launch(shop, shop->opening++, shop->options.start, event);
        return HH_OK;
    }
    if (shop->launch != POOL_NONE) {
        launch(shop, shop->launch, shop->now, event);
        shop->launch = POOL_NONE;
        return HH_OK;
    }
    for (bool yielded = false; !yielded;) {
        task due = agenda_next(&shop->agenda);
        hh_status status = step(shop, &due, event, &yielded);
        if (status != HH_OK)
            return status;
    }
    shop->now = event->arrival;
    return HH_OK;
}
