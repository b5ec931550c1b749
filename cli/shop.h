// A synthetic shop that never closes: what `hiphop simulate` publishes, and a stream whose right answer is
// known.
//
// Items belong to intents ("camping", "nursery"): each intent has its own popularity and its own habits of
// what follows what, and many items serve two intents, so that the last click alone does not tell what comes
// next: the session does. A visitor comes with an intent, mostly follows it, now and then looks back at
// something seen, wanders off, or changes his mind. Popularity drifts, items are launched and withdrawn.
//
// On top of that come the faults of real streams, each by a rate of its own and from a random generator of
// its own: the clicks of a seed are the same with and without faults.
//
// Pure computation: no clock, no output, no globals. The same options give the same events.
#ifndef CLI_SHOP_H
#define CLI_SHOP_H

#include <hiphop/status.h>
#include <hiphop/time.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct shop_options {
    uint64_t seed;
    uint32_t items;    // on sale at any time, 20 .. 1,000,000
    uint32_t visitors; // regulars, who come back; guests come once. 0 .. 100,000,000
    hh_time start;     // event time of the opening
    double density;    // clicks per second of event time, > 0
    double turnover;   // share of the catalogue that is replaced per day of event time, >= 0
    double drift;      // share of the popularity ranks that change hands per day of event time, >= 0
    double bots;       // share of the clicks that are one bot's, 0 .. 0.9
    double disorder;   // share of the clicks that arrive 0.1 .. 5 s late: within everybody's lateness
    double late;       // share of the clicks that arrive 1 .. 30 minutes late
    double duplicates; // share of the clicks that arrive twice
    double malformed;  // records that are no click, per click, 0 .. 1
    bool best;         // work out best_rank and best_share (slower)
} shop_options;

// What holds for every shop, whatever its options.
#define SHOP_SESSION_CLICKS 5.0              // mean number of clicks in a session (geometric)
#define SHOP_THINKING       (30 * HH_SECOND) // mean time between two clicks of a session (exponential)
#define SHOP_PATIENCE       (15 * HH_MINUTE) // no two clicks of a session are further apart ...
#define SHOP_REST           (60 * HH_MINUTE) // ... and no two sessions of a visitor are closer than this
#define SHOP_BOT            "bot"            // the visitor that the bot calls himself

shop_options
shop_defaults(void); // 2,000 items, 10,000 regulars, 100 clicks/s, a slow drift, no faults, start 0

typedef enum shop_event_kind {
    SHOP_LAUNCH,    // the item is on sale from now on: all items at the opening, then now and then one
    SHOP_WITHDRAW,  // it is no longer: no click with a later event time has it
    SHOP_CLICK,     // visitor, item, time
    SHOP_MALFORMED, // bytes that are no click, in JSON, Avro or TSV
} shop_event_kind;

typedef enum shop_fault { SHOP_ON_TIME, SHOP_DISORDERED, SHOP_LATE, SHOP_DUPLICATE } shop_fault;

#define SHOP_ID_SIZE    24
#define SHOP_TITLE_SIZE 96

// The strings are NUL-terminated, plain ASCII without quotes, backslashes, tabs or newlines (but for
// `bytes`).
typedef struct shop_event {
    shop_event_kind kind;
    hh_time arrival;             // when it reaches the log: never falls from one event to the next
    hh_time time;                // event time; arrival - time is how late a click comes
    char visitor[SHOP_ID_SIZE];  // CLICK, MALFORMED
    char item[SHOP_ID_SIZE];     // all but MALFORMED
    char title[SHOP_TITLE_SIZE]; // LAUNCH
    const char *category;        // LAUNCH; static
    const char *bytes;           // MALFORMED, NUL-terminated, no tab, no newline; static
    shop_fault fault;            // CLICK
    // the truth about a click
    uint64_t session;   // number of its session, 1 and up; 0: the bot's
    uint32_t position;  // of the click in its session by event time, 1 = first
    uint32_t intent;    // what the visitor had in mind
    uint32_t best_rank; // rank of the item (1 = best, ties against it) among all items, by the probabilities
                        // of one who knows the shop and has seen the session up to here: nobody can do better
                        // in the long run. 0: the first click of a session, the bot's, or not asked for
    double best_share;  // its probability there
} shop_event;

struct shop;

// HH_ARGUMENT names the option that is outside its range.
hh_status shop_new(const shop_options *options, struct shop **made, hh_error *error);
void shop_free(struct shop *shop);
// The next event; there is always one. Only fails with HH_MEMORY.
hh_status shop_next(struct shop *shop, shop_event *event);

#endif
