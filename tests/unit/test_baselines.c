// Each baseline against a reference that goes through the whole log for every list, by the definition.
#include "unit/small_log.h"

#include <math.h>

#define GAP (5 * HH_MINUTE)

enum { CLICKS = 900, VISITORS = 25, ITEMS = 40 };

// ---- the log, the slow way ----

typedef struct plain_session {
    uint32_t items[CLICKS], count;
    hh_time times[CLICKS];
} plain_session;

typedef struct plain_log {
    small_click clicks[CLICKS];
    plain_session sessions[CLICKS];
    uint32_t session_count;
    bool closed;       // memory
    hh_time half_life; // of what fills lists up
} plain_log;

static plain_log *plain(uint64_t seed)
{
    plain_log *log = calloc(1, sizeof *log);
    cr_assert_not_null(log);
    small_clicks(log->clicks, CLICKS, VISITORS, ITEMS, seed);
    int open[VISITORS];
    for (uint32_t v = 0; v < VISITORS; v++)
        open[v] = -1;
    for (uint32_t i = 0; i < CLICKS; i++) {
        small_click click = log->clicks[i];
        plain_session *session = open[click.visitor] >= 0 ? &log->sessions[open[click.visitor]] : NULL;
        if (!session || click.time - session->times[session->count - 1] >= GAP) {
            open[click.visitor] = (int)log->session_count;
            session = &log->sessions[log->session_count++];
        }
        session->items[session->count] = click.item;
        session->times[session->count++] = click.time;
    }
    return log;
}

// How many clicks of the session are known at a time.
static uint32_t known(const plain_log *log, const plain_session *session, hh_time as_of)
{
    if (log->closed)
        return session->times[session->count - 1] + GAP <= as_of ? session->count : 0;
    uint32_t count = 0;
    while (count < session->count && session->times[count] < as_of)
        count++;
    return count;
}

static double decay(hh_time age, hh_time half_life)
{
    return half_life ? exp2(-(double)age / (double)half_life) : 1;
}

static bool holds(const plain_session *session, uint32_t count, uint32_t item)
{
    for (uint32_t i = 0; i < count; i++)
        if (session->items[i] == item)
            return true;
    return false;
}

// ---- the definitions: scores[ITEMS] as of a time for a session of which `length` clicks are shown ----

typedef void definition(const plain_log *log, const plain_session *asking, uint32_t length, hh_time as_of,
                        double *scores);

static void pop(const plain_log *log, const plain_session *asking, uint32_t length, hh_time as_of,
                double *scores)
{
    (void)asking;
    (void)length;
    for (uint32_t s = 0; s < log->session_count; s++)
        for (uint32_t i = 0; i < known(log, &log->sessions[s], as_of); i++)
            scores[log->sessions[s].items[i]] += decay(as_of - log->sessions[s].times[i], log->half_life);
}

static void rules(const plain_log *log, const plain_session *asking, uint32_t length, hh_time as_of,
                  double *scores, uint32_t steps, uint32_t prefix, double prefix_decay, hh_time half_life)
{
    for (uint32_t back = 0; back < prefix && back < length; back++)
        for (uint32_t s = 0; s < log->session_count; s++) {
            const plain_session *other = &log->sessions[s];
            for (uint32_t i = 0; i < known(log, other, as_of); i++)
                for (uint32_t step = 1; step <= steps && step <= i; step++)
                    if (other->items[i - step] == asking->items[length - 1 - back])
                        scores[other->items[i]] +=
                            pow(prefix_decay, back) / step * decay(as_of - other->times[i], half_life);
        }
}

static void transitions(const plain_log *log, const plain_session *asking, uint32_t length, hh_time as_of,
                        double *scores)
{
    rules(log, asking, length, as_of, scores, 1, 1, 1, HH_HOUR);
    scores[asking->items[length - 1]] *= 0.5;
}

static void sr(const plain_log *log, const plain_session *asking, uint32_t length, hh_time as_of,
               double *scores)
{
    rules(log, asking, length, as_of, scores, 4, 3, 0.3, HH_DAY);
    for (uint32_t item = 0; item < ITEMS; item++)
        if (item != asking->items[length - 1] && holds(asking, length, item))
            scores[item] *= 0.25;
}

// The most clicks shared up to the one before, and a little for each further time that as many were.
static void lookup(const plain_log *log, const plain_session *asking, uint32_t length, hh_time as_of,
                   double *scores)
{
    for (uint32_t most = length + 1; most > 0; most--)
        for (uint32_t s = 0; s < log->session_count; s++) {
            const plain_session *other = &log->sessions[s];
            uint32_t count = other == asking ? 0 : known(log, other, as_of);
            for (uint32_t i = 1; i < count; i++) {
                uint32_t shared = 0;
                while (shared < length && shared < i &&
                       other->items[i - 1 - shared] == asking->items[length - 1 - shared])
                    shared++;
                shared += shared == length && shared == i;
                double *score = &scores[other->items[i]];
                if (shared == most && (*score == 0 || floor(*score) == most))
                    *score += *score > 0 ? 1e-4 : most;
            }
        }
}

// The neighbours: similarity of each session, 0 for those that share nothing; their latest shared item's
// distance from the asking session's end in match[].
static void similar(const plain_log *log, const plain_session *asking, uint32_t length, hh_time as_of,
                    uint32_t depth, double (*weight)(uint32_t back, uint32_t depth), double *similarity,
                    uint32_t *match)
{
    for (uint32_t s = 0; s < log->session_count; s++) {
        const plain_session *other = &log->sessions[s];
        uint32_t count = other == asking ? 0 : known(log, other, as_of);
        similarity[s] = 0;
        for (uint32_t back = 0; back < depth && back < length; back++) {
            uint32_t item = asking->items[length - 1 - back];
            bool later = false; // an item counts by its last click
            for (uint32_t k = 0; k < back; k++)
                later = later || asking->items[length - 1 - k] == item;
            if (later || !holds(other, count, item))
                continue;
            if (similarity[s] == 0)
                match[s] = back;
            // In floats, as the model has it: whether (3/5)^2 + (4/5)^2 is 1 decides who is a neighbour.
            similarity[s] = (float)similarity[s] + (float)weight(back, depth);
        }
    }
}

// All but the best k by value, the later last click where equal, get 0.
static void keep_best(const plain_log *log, hh_time as_of, const double *by, double *similarity, uint32_t k)
{
    double *result = calloc(log->session_count, sizeof *result);
    cr_assert_not_null(result);
    for (uint32_t s = 0; s < log->session_count; s++) {
        uint32_t better = 0, count = known(log, &log->sessions[s], as_of);
        for (uint32_t o = 0; o < log->session_count && similarity[s] > 0; o++) {
            if (similarity[o] == 0 || o == s)
                continue;
            hh_time last = log->sessions[s].times[count - 1];
            hh_time other = log->sessions[o].times[known(log, &log->sessions[o], as_of) - 1];
            better += by[o] > by[s] + 1e-9 || (fabs(by[o] - by[s]) <= 1e-9 && other > last);
        }
        result[s] = better < k ? similarity[s] : 0;
    }
    memcpy(similarity, result, log->session_count * sizeof *result);
    free(result);
}

static void keep_newest(const plain_log *log, hh_time as_of, double *similarity, uint32_t sample)
{
    double *equal = calloc(log->session_count, sizeof *equal);
    keep_best(log, as_of, equal, similarity, sample);
    free(equal);
}

static void rare(const plain_log *log, hh_time as_of, double exponent, double *scores)
{
    uint32_t sessions = 0, with[ITEMS] = {0};
    for (uint32_t s = 0; s < log->session_count; s++) {
        uint32_t count = known(log, &log->sessions[s], as_of);
        sessions += count > 0;
        for (uint32_t item = 0; item < ITEMS; item++)
            with[item] += holds(&log->sessions[s], count, item);
    }
    for (uint32_t item = 0; item < ITEMS; item++)
        if (scores[item] > 0)
            scores[item] *= pow(log1p((sessions + 1.0 - with[item]) / with[item]), exponent);
}

static double squared(uint32_t back, uint32_t depth)
{
    float share = (float)(depth - back) / (float)depth;
    return share * share;
}

static double linear(uint32_t back, uint32_t depth)
{
    return (double)(depth - back) / depth;
}

static double falling(uint32_t back, uint32_t depth)
{
    (void)depth;
    return exp(-(double)back / 1.5);
}

static void vsknn(const plain_log *log, const plain_session *asking, uint32_t length, hh_time as_of,
                  double *scores)
{
    double similarity[CLICKS];
    uint32_t match[CLICKS];
    similar(log, asking, length, as_of, length, squared, similarity, match);
    keep_newest(log, as_of, similarity, 60);
    keep_best(log, as_of, similarity, similarity, 20);
    for (uint32_t s = 0; s < log->session_count; s++)
        for (uint32_t item = 0; item < ITEMS; item++)
            if (similarity[s] > 0 && holds(&log->sessions[s], known(log, &log->sessions[s], as_of), item))
                scores[item] += similarity[s] / (match[s] + 1);
    rare(log, as_of, 0.7, scores);
}

static void vmis(const plain_log *log, const plain_session *asking, uint32_t length, hh_time as_of,
                 double *scores)
{
    double similarity[CLICKS];
    uint32_t match[CLICKS];
    similar(log, asking, length, as_of, length < 4 ? length : 4, linear, similarity, match);
    keep_newest(log, as_of, similarity, 60);
    keep_best(log, as_of, similarity, similarity, 20);
    for (uint32_t s = 0; s < log->session_count; s++)
        for (uint32_t item = 0; item < ITEMS; item++)
            if (similarity[s] > 0 && holds(&log->sessions[s], known(log, &log->sessions[s], as_of), item))
                scores[item] += similarity[s] * (1 - 0.1 * match[s]);
    rare(log, as_of, 1, scores);
}

static void stan(const plain_log *log, const plain_session *asking, uint32_t length, hh_time as_of,
                 double *scores)
{
    double similarity[CLICKS];
    uint32_t match[CLICKS];
    similar(log, asking, length, as_of, length < 64 ? length : 64, falling, similarity, match);
    keep_newest(log, as_of, similarity, 60);
    for (uint32_t s = 0; s < log->session_count; s++) {
        uint32_t count = known(log, &log->sessions[s], as_of);
        if (similarity[s] > 0)
            similarity[s] *= decay(as_of - log->sessions[s].times[count - 1], HH_HOUR) / sqrt(count);
    }
    keep_best(log, as_of, similarity, similarity, 20);
    for (uint32_t s = 0; s < log->session_count; s++) {
        if (similarity[s] == 0)
            continue;
        uint32_t count = known(log, &log->sessions[s], as_of), shared = count - 1;
        while (log->sessions[s].items[shared] != asking->items[length - 1 - match[s]])
            shared--;
        for (uint32_t item = 0; item < ITEMS; item++) {
            double nearest = 0;
            for (uint32_t i = 0; i < count; i++)
                if (log->sessions[s].items[i] == item) {
                    double near = exp(-fabs((double)i - shared) / 2);
                    nearest = near > nearest ? near : nearest;
                }
            scores[item] += similarity[s] * nearest;
        }
    }
}

// ---- the comparison ----

// What is popular comes behind everything that was found.
static void fill(const plain_log *log, const plain_session *asking, uint32_t length, hh_time as_of,
                 double *scores)
{
    double popular[ITEMS] = {0}, most = 1e-300;
    pop(log, asking, length, as_of, popular);
    for (uint32_t item = 0; item < ITEMS; item++)
        most = popular[item] > most ? popular[item] : most;
    for (uint32_t item = 0; item < ITEMS; item++)
        if (scores[item] == 0)
            scores[item] = 1e-40 * popular[item] / most;
}

static bool nearly(double a, double b)
{
    return fabs(a - b) <= 1e-4 * fmax(fabs(a), fabs(b));
}

static int downwards(const void *a, const void *b)
{
    return (*(const double *)a < *(const double *)b) - (*(const double *)a > *(const double *)b);
}

// The list must hold, place by place, what has the reference's score of that place; the rank must be the
// target's, where no score is so near the target's that a float can't tell.
static void compare(const kept_list *list, const double *scores, const char *model)
{
    double sorted[ITEMS];
    memcpy(sorted, scores, sizeof sorted);
    qsort(sorted, ITEMS, sizeof *sorted, downwards);
    uint32_t candidates = 0, rank = 0;
    bool clear = true;
    for (uint32_t item = 0; item < ITEMS; item++) {
        candidates += scores[item] > 0;
        rank += scores[item] >= scores[list->target];
        clear = clear && (item == list->target || !nearly(scores[item], scores[list->target]));
    }
    cr_assert_eq(list->count, candidates < HH_LIST ? candidates : HH_LIST, "%s: %u of %u", model, list->count,
                 candidates);
    for (uint32_t i = 0; i < list->count; i++)
        cr_assert(nearly(scores[list->items[i]], sorted[i]), "%s, place %u: %g instead of %g", model, i,
                  scores[list->items[i]], sorted[i]);
    if (scores[list->target] == 0)
        cr_assert_eq(list->rank, UINT32_MAX);
    else if (clear && rank <= HH_LIST)
        cr_assert_eq(list->rank, rank, "%s: rank %u instead of %u", model, list->rank, rank);
}

static void check(const char *model, definition *define, bool fills, bool closed,
                  const hh_setting_value *settings, size_t setting_count)
{
    plain_log *log = plain(closed ? 11 : 12);
    log->closed = closed;
    log->half_life = HH_HOUR;
    hh_log *fast = small_log(log->clicks, CLICKS, GAP, 0);
    // Item n of the log is the nth id that occurs; with so many clicks on few items all of them do.
    hh_log_stats stats;
    hh_log_stats_read(fast, &stats);
    cr_assert_eq(stats.items, ITEMS);
    hh_evaluate_options options = hh_evaluate_defaults();
    options.memory = closed ? HH_REMEMBER_CLOSED : HH_REMEMBER_CLICKS;
    options.from = 0;
    options.settings = settings;
    options.setting_count = setting_count;
    kept_lists lists = small_run(fast, options, model);
    cr_assert_gt(lists.count, 400);
    for (size_t i = 0; i < lists.count; i++) {
        const kept_list *list = &lists.lists[i];
        const plain_session *asking = log->sessions;
        while (asking->times[0] != list->session_start)
            asking++;
        double scores[ITEMS] = {0};
        define(log, asking, list->position, list->as_of, scores);
        if (fills)
            fill(log, asking, list->position, list->as_of, scores);
        compare(list, scores, model);
    }
    free(lists.lists);
    hh_log_free(fast);
    free(log);
}

static void check_both(const char *model, definition *define, bool fills, const hh_setting_value *settings,
                       size_t setting_count)
{
    check(model, define, fills, false, settings, setting_count);
    check(model, define, fills, true, settings, setting_count);
}

#define CHECK(model, define, fills, ...)                                                \
    do {                                                                                \
        const hh_setting_value settings[] = {{"pop.half_life", HH_HOUR}, __VA_ARGS__};  \
        check_both(model, define, fills, settings, sizeof settings / sizeof *settings); \
    } while (0)

Test(baselines, pop_is_its_definition)
{
    CHECK("pop", pop, false, {"pop.half_life", HH_HOUR});
}

Test(baselines, transitions_are_their_definition)
{
    CHECK("transitions", transitions, true, {"transitions.half_life", HH_HOUR},
          {"transitions.damp_last", 0.5});
}

Test(baselines, sequential_rules_are_their_definition)
{
    CHECK("sr", sr, true, {"sr.half_life", HH_DAY}, {"sr.steps", 4}, {"sr.prefix", 3}, {"sr.decay", 0.3},
          {"sr.damp_own", 0.25});
}

Test(baselines, vsknn_is_its_definition)
{
    CHECK("vsknn", vsknn, true, {"vsknn.neighbours", 20}, {"vsknn.sample", 60}, {"vsknn.idf", 0.7});
}

Test(baselines, vmis_is_its_definition)
{
    CHECK("vmis", vmis, true, {"vmis.neighbours", 20}, {"vmis.sample", 60}, {"vmis.length", 4},
          {"vmis.idf", 1});
}

Test(baselines, stan_is_its_definition)
{
    CHECK("stan", stan, true, {"stan.neighbours", 20}, {"stan.sample", 60}, {"stan.half_life", HH_HOUR},
          {"stan.position", 1.5}, {"stan.nearness", 2}, {"stan.idf", 0});
}

Test(baselines, lookup_is_its_definition)
{
    CHECK("lookup", lookup, true, {"lookup.damp_last", 1});
}

Test(baselines, popularity_survives_the_end_of_a_double)
{
    // A half-life of a minute over three weeks: 30,000 half-lives, thousands of rescalings away from
    // overflow.
    enum { WEEKS = 3, COUNT = 500 };
    small_click clicks[COUNT];
    for (uint32_t i = 0; i < COUNT; i++)
        clicks[i] = (small_click){i % 3, i % 7, 1000 + (hh_time)i * (WEEKS * 7 * HH_DAY / COUNT)};
    hh_log *log = small_log(clicks, COUNT, 2 * HH_DAY, 0);
    const hh_setting_value setting = {"pop.half_life", HH_MINUTE};
    hh_evaluate_options options = hh_evaluate_defaults();
    options.settings = &setting;
    options.setting_count = 1;
    kept_lists lists = small_run(log, options, "pop");
    cr_assert_gt(lists.count, 180); // of 250 clicks; a session of 12 h has four
    for (size_t i = 0; i < lists.count; i++) {
        cr_assert_eq(lists.lists[i].count, 7);
        // The items go round: best is the one clicked last, the target was clicked longest ago.
        cr_assert_eq(lists.lists[i].items[0], (lists.lists[i].target + 6) % 7);
        cr_assert_eq(lists.lists[i].rank, 7);
    }
    free(lists.lists);
    hh_log_free(log);
}
