#include <criterion/criterion.h>
#include <math.h>
#include <shop.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

static struct shop *open_shop(const shop_options *options)
{
    hh_error error;
    struct shop *shop;
    cr_assert_eq(shop_new(options, &shop, &error), HH_OK, "%s", error.message);
    return shop;
}

static shop_event next(struct shop *shop)
{
    shop_event event;
    cr_assert_eq(shop_next(shop, &event), HH_OK);
    return event;
}

// The events as text, without those that `leave_out` says, hashed: `count` clicks long.
static uint64_t fingerprint(const shop_options *options, int count)
{
    struct shop *shop = open_shop(options);
    uint64_t hash = 0;
    char line[256];
    while (count > 0) {
        shop_event event = next(shop);
        int length =
            snprintf(line, sizeof line, "%d %lld %lld %s %s %s %s %s %llu %u", (int)event.kind,
                     (long long)event.arrival, (long long)event.time, event.visitor, event.item, event.title,
                     event.category ? event.category : "", event.bytes ? event.bytes : "",
                     (unsigned long long)event.session, event.position);
        hash = XXH3_64bits_withSeed(line, (size_t)length, hash);
        count -= event.kind == SHOP_CLICK;
    }
    shop_free(shop);
    return hash;
}

static shop_options with_faults(void)
{
    shop_options options = shop_defaults();
    options.bots = 0.05;
    options.disorder = 0.04;
    options.late = 0.02;
    options.duplicates = 0.03;
    options.malformed = 0.01;
    options.turnover = 20;
    return options;
}

Test(shop, same_options_same_events_and_another_seed_another_shop)
{
    shop_options options = with_faults();
    uint64_t first = fingerprint(&options, 20000);
    cr_assert_eq(fingerprint(&options, 20000), first);
    options.best = true; // only adds knowledge
    cr_assert_eq(fingerprint(&options, 20000), first);
    options.seed = 2;
    cr_assert_neq(fingerprint(&options, 20000), first);
}

Test(shop, options_out_of_range_are_refused_with_the_reason)
{
    const struct {
        shop_options options;
        const char *word;
    } cases[] = {
        {{.items = 19, .density = 1}, "items"},
        {{.items = 100}, "clicks"},
        {{.items = 100, .density = NAN}, "clicks"},
        {{.items = 100, .density = 1, .late = 1.5}, "share"},
        {{.items = 100, .density = 1, .late = 0.6, .disorder = 0.6}, "more clicks"},
        {{.items = 100, .density = 1, .bots = 0.95}, "bots"},
        {{.items = 100, .density = 1, .turnover = -1}, "turnover"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        hh_error error = {0};
        struct shop *shop;
        cr_assert_eq(shop_new(&cases[i].options, &shop, &error), HH_ARGUMENT, "case %zu", i);
        cr_assert_null(shop);
        cr_assert_not_null(strstr(error.message, cases[i].word), "%s", error.message);
    }
}

// Counts over a stretch of the stream.
typedef struct tally {
    double clicks, bots, disordered, late, duplicates, malformed, seconds;
} tally;

// Of the clicks whose event time is in the first `length` of the stream.
static tally count_up(const shop_options *options, hh_time length)
{
    struct shop *shop = open_shop(options);
    tally sum = {.seconds = (double)length / 1000};
    hh_time before = 0, end = options->start + length;
    while (before < end + 31 * HH_MINUTE) {
        shop_event event = next(shop);
        cr_assert_geq(event.arrival, before, "arrivals never fall");
        cr_assert_leq(event.time, event.arrival);
        before = event.arrival;
        sum.malformed += event.kind == SHOP_MALFORMED && event.time < end;
        if (event.kind != SHOP_CLICK || event.time >= end)
            continue;
        hh_time delay = event.arrival - event.time;
        switch (event.fault) {
        case SHOP_ON_TIME:
            cr_assert_eq(delay, 0);
            break;
        case SHOP_DISORDERED:
            cr_assert(delay >= 100 && delay <= 5000);
            break;
        case SHOP_LATE:
            cr_assert(delay >= HH_MINUTE && delay <= 30 * HH_MINUTE);
            break;
        case SHOP_DUPLICATE:
            break;
        }
        sum.disordered += event.fault == SHOP_DISORDERED;
        sum.late += event.fault == SHOP_LATE;
        sum.duplicates += event.fault == SHOP_DUPLICATE;
        sum.clicks += event.fault != SHOP_DUPLICATE;
        sum.bots += event.fault != SHOP_DUPLICATE && strcmp(event.visitor, SHOP_BOT) == 0;
    }
    shop_free(shop);
    return sum;
}

static void assert_share(const char *name, double count, double of, double share)
{
    double sigma = sqrt(share * (1 - share) / of);
    cr_assert_float_eq(count / of, share, 5 * sigma, "%s: %g of %g, wanted %g", name, count, of, share);
}

Test(shop, traffic_and_faults_come_at_the_rates_asked_for)
{
    shop_options options = with_faults();
    options.start = 1700000000000;
    tally sum = count_up(&options, HH_HOUR);
    // clicks come in sessions, so that their number swings more than a Poisson one does
    cr_assert_float_eq(sum.clicks / sum.seconds, 100, 2, "%g clicks/s", sum.clicks / sum.seconds);
    assert_share("bots", sum.bots, sum.clicks, 0.05);
    assert_share("disordered", sum.disordered, sum.clicks, 0.04);
    assert_share("late", sum.late, sum.clicks, 0.02);
    assert_share("duplicates", sum.duplicates, sum.clicks, 0.03);
    assert_share("malformed", sum.malformed, sum.clicks, 0.01);

    options = shop_defaults();
    sum = count_up(&options, 3 * HH_MINUTE);
    cr_assert_eq(sum.disordered + sum.late + sum.duplicates + sum.malformed + sum.bots, 0,
                 "no faults unless asked for");
    cr_assert_float_eq(sum.clicks / sum.seconds, 100, 5, "steady from the first second: %g clicks/s",
                       sum.clicks / sum.seconds);
}

// A click in a few words, to compare streams.
typedef struct seen {
    char visitor[SHOP_ID_SIZE], item[SHOP_ID_SIZE];
    hh_time time;
} seen;

static int by_time(const void *one, const void *other)
{
    const seen *a = one, *b = other;
    if (a->time != b->time)
        return a->time < b->time ? -1 : 1;
    int order = strcmp(a->visitor, b->visitor);
    return order ? order : strcmp(a->item, b->item);
}

// The true clicks (no second copies) with event times before `until`, in time order.
static seen *true_clicks(const shop_options *options, hh_time until, size_t *count)
{
    struct shop *shop = open_shop(options);
    seen *clicks = calloc(100000, sizeof *clicks);
    *count = 0;
    for (;;) {
        shop_event event = next(shop);
        if (event.arrival > until + HH_HOUR)
            break;
        if (event.kind != SHOP_CLICK || event.fault == SHOP_DUPLICATE || event.time >= until)
            continue;
        cr_assert_lt(*count, 100000u);
        seen *click = &clicks[(*count)++];
        memcpy(click->visitor, event.visitor, SHOP_ID_SIZE);
        memcpy(click->item, event.item, SHOP_ID_SIZE);
        click->time = event.time;
    }
    shop_free(shop);
    qsort(clicks, *count, sizeof *clicks, by_time);
    return clicks;
}

Test(shop, faults_leave_the_true_clicks_alone)
{
    shop_options faulty = with_faults(), clean = faulty;
    clean.disorder = clean.late = clean.duplicates = clean.malformed = 0;
    size_t count, other_count;
    seen *clicks = true_clicks(&faulty, 5 * HH_MINUTE, &count);
    seen *others = true_clicks(&clean, 5 * HH_MINUTE, &other_count);
    cr_assert_gt(count, 20000);
    cr_assert_eq(count, other_count);
    for (size_t i = 0; i < count; i++)
        cr_assert_eq(by_time(&clicks[i], &others[i]), 0, "click %zu", i);
    free(clicks);
    free(others);
}

// ---- sessions ----

#define SESSIONS 60000
typedef struct course {
    char visitor[SHOP_ID_SIZE];
    hh_time last;
    uint32_t clicks;
} course;

Test(shop, sessions_have_the_promised_shape)
{
    shop_options options = shop_defaults();
    options.visitors = 200; // so few that they come again and again
    options.density = 5;
    struct shop *shop = open_shop(&options);
    course *sessions = calloc(SESSIONS, sizeof *sessions);
    hh_time left[201] = {0}; // a regular's last click
    uint64_t session_of[201] = {0};
    double clicks = 0, begun = 0, waited = 0, returns = 0;
    while (clicks < 100000) {
        shop_event event = next(shop);
        if (event.kind != SHOP_CLICK)
            continue;
        clicks++;
        cr_assert(event.session > 0 && event.session < SESSIONS);
        course *it = &sessions[event.session];
        cr_assert_eq(event.position, ++it->clicks);
        if (event.position > 1) {
            cr_assert_str_eq(event.visitor, it->visitor);
            cr_assert_leq(event.time - it->last, SHOP_PATIENCE);
            waited += (double)(event.time - it->last);
        }
        begun += event.position == 1;
        memcpy(it->visitor, event.visitor, SHOP_ID_SIZE);
        it->last = event.time;
        if (event.visitor[0] != 'v')
            continue;
        long regular = strtol(event.visitor + 1, NULL, 10);
        cr_assert(regular >= 1 && regular <= 200);
        if (session_of[regular] != 0 && session_of[regular] != event.session) {
            cr_assert_geq(event.time - left[regular], SHOP_REST);
            returns++;
        }
        session_of[regular] = event.session;
        left[regular] = event.time;
    }
    cr_assert_gt(returns, 500);
    cr_assert_float_eq(clicks / begun, SHOP_SESSION_CLICKS, 0.15, "%g clicks a session", clicks / begun);
    cr_assert_float_eq(waited / (clicks - begun), (double)SHOP_THINKING, 0.02 * (double)SHOP_THINKING);
    free(sessions);
    shop_free(shop);
}

Test(shop, items_are_clicked_only_while_they_are_on_sale)
{
    shop_options options = shop_defaults();
    options.items = 300;
    options.turnover = 100;
    struct shop *shop = open_shop(&options);
    enum { MOST = 100000 };
    char *on_sale = calloc(MOST, 1); // by serial number: 1 launched, 2 withdrawn
    int withdrawn = 0, sold = 0, clicks_of_new = 0;
    for (int i = 0; i < 100000; i++) {
        shop_event event = next(shop);
        long serial = strtol(event.item + 1, NULL, 10);
        cr_assert(serial > 0 && serial < MOST);
        if (event.kind == SHOP_LAUNCH) {
            cr_assert_eq(on_sale[serial], 0);
            cr_assert(strlen(event.title) > 10 && strlen(event.category) > 3);
            on_sale[serial] = 1;
            sold++;
        } else if (event.kind == SHOP_WITHDRAW) {
            cr_assert_eq(on_sale[serial], 1);
            on_sale[serial] = 2;
            withdrawn++;
        } else {
            cr_assert_eq(on_sale[serial], 1);
            clicks_of_new += serial > 300;
        }
    }
    cr_assert_gt(withdrawn, 100);
    cr_assert_geq(sold - withdrawn, 299);
    cr_assert_gt(clicks_of_new, 1000);
    free(on_sale);
    shop_free(shop);
}

// The forward algorithm claims to know the probability of every click. With the true distribution, and only
// with it, 1 / p(click) is on average the number of items (each of which has p > 0).
Test(shop, the_best_guess_is_good_and_calibrated)
{
    shop_options options = shop_defaults();
    options.best = true;
    options.items = 400;
    options.drift = options.turnover = 0;
    struct shop *shop = open_shop(&options);
    double graded = 0, hits = 0, popular_hits = 0, inverse = 0;
    uint32_t clicks[401] = {0};
    while (graded < 40000) {
        shop_event event = next(shop);
        if (event.kind != SHOP_CLICK)
            continue;
        long serial = strtol(event.item + 1, NULL, 10);
        if (event.position > 1) {
            cr_assert(event.best_rank >= 1 && event.best_rank <= 400);
            cr_assert(event.best_share > 0 && event.best_share < 1);
            graded++;
            hits += event.best_rank <= 20;
            inverse += 1 / event.best_share;
            int more = 0;
            for (int i = 1; i <= 400; i++)
                more += clicks[i] >= clicks[serial];
            popular_hits += more <= 20;
        } else
            cr_assert_eq(event.best_rank, 0);
        clicks[serial]++;
    }
    cr_assert_gt(hits / graded, 0.75, "best HR@20 %g", hits / graded);
    cr_assert_lt(popular_hits / graded, 0.35, "popularity HR@20 %g", popular_hits / graded);
    cr_assert_float_eq(inverse / graded, 400, 40, "%g", inverse / graded);
    shop_free(shop);
}
