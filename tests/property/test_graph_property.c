// The graph against a slow, obvious one, which computes every expert from the raw list of clicks strictly
// before the query's time: on random logs with clicks out of order, merges, clicks read ahead, expiry,
// withdrawals, and the same log in another order of arrival.
#include "graph/internal.h"

#include <criterion/criterion.h>
#include <hiphop/recommend.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ITEMS        12
#define VISITORS     8
#define MAX_SESSIONS 4000
#define MAX_LENGTH   64
#define DEPTH        10
#define REACH        5
#define FALL         0.35f
#define FEWEST       10
#define MATCHES      4
#define THIN         150 // of pair's second step: with so many sessions it isn't taken
#define STEPS        20  // sessions that are read of an item that it starts from

static uint64_t next_random(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

static int below(uint64_t *state, int bound)
{
    return (int)(next_random(state) % (uint64_t)bound);
}

// ---- the log, as the slow graph sees it

typedef struct log_click {
    int item;
    hh_time time;
} log_click;

typedef struct log_session {
    uint64_t visitor;
    bool live;            // neither merged away nor expired
    long touched, closed; // when, in arrivals; closed 0: open
    int count;
    log_click clicks[MAX_LENGTH];
    hh_graph_session *handle;
} log_session;

typedef struct world {
    uint64_t random;
    hh_graph_options options;
    hh_graph *graph;
    hh_mixture *mixture;
    hh_recommender *recommender;
    hh_item numbers[ITEMS];
    bool withdrawn[ITEMS];
    log_session *sessions; // [MAX_SESSIONS]
    int count;
    long arrivals;
    hh_time now;
} world;

static const char *name_of(int item)
{
    static const char *const names[ITEMS] = {"ant", "bee",  "cat",    "dog", "eel",  "fox",
                                             "gnu", "gnat", "gnatty", "hen", "ibis", "jay"};
    return names[item];
}

static void start(world *w, uint64_t seed)
{
    *w = (world){.random = seed, .now = 1700000000000, .arrivals = 1};
    w->options = hh_graph_defaults();
    w->options.max_clicks = (uint32_t)(int[]){40, 300, 5000}[below(&w->random, 3)];
    w->options.sessions = (uint32_t)(int[]){3, 15, 100}[below(&w->random, 3)];
    w->options.neighbours = (uint32_t)(int[]){4, 1000}[below(&w->random, 2)];
    w->options.pair_backward = (double[]){0.2, 0}[below(&w->random, 2)];
    w->options.knn_idf = (double[]){0.5, 1, 0}[below(&w->random, 3)];
    w->options.pop_half_life[0] = 20 * HH_SECOND;
    w->options.pop_half_life[1] = 5 * HH_MINUTE;
    w->options.pair_half_life[0] = HH_MINUTE;
    w->options.knn_half_life[0] = 3 * HH_MINUTE;
    hh_error error;
    w->graph = hh_graph_new(&w->options, &error);
    w->mixture = hh_mixture_new();
    hh_recommend_options list = {.k = 5, .hide_session_items = below(&w->random, 2)};
    w->recommender = hh_recommender_new(w->graph, w->mixture, &list, &error);
    w->sessions = calloc(MAX_SESSIONS, sizeof *w->sessions);
    for (int i = 0; i < ITEMS; i++)
        w->numbers[i] = hh_graph_intern(w->graph, name_of(i), strlen(name_of(i)));
}

static void stop(world *w)
{
    hh_recommender_free(w->recommender);
    hh_mixture_free(w->mixture);
    hh_graph_free(w->graph);
    free(w->sessions);
}

static int held(const world *w)
{
    int clicks = 0;
    for (int s = 0; s < w->count; s++)
        clicks += w->sessions[s].live ? w->sessions[s].count : 0;
    return clicks;
}

// The session that goes first: closed before open, then by when it was closed or last clicked.
static log_session *oldest(const world *w)
{
    log_session *first = NULL;
    for (int s = 0; s < w->count; s++) {
        log_session *session = &w->sessions[s];
        if (!session->live || !session->count)
            continue;
        long key = session->closed ? session->closed : session->touched + (1L << 40);
        if (!first || key < (first->closed ? first->closed : first->touched + (1L << 40)))
            first = session;
    }
    return first;
}

static void insert(log_session *session, int item, hh_time time)
{
    int at = session->count++;
    for (; at > 0 && session->clicks[at - 1].time > time; at--)
        session->clicks[at] = session->clicks[at - 1];
    session->clicks[at] = (log_click){item, time};
}

static void click(world *w, log_session *session, int item, hh_time time)
{
    while (held(w) >= (int)w->options.max_clicks) {
        log_session *gone = oldest(w);
        gone->count = 0;
        gone->live = !gone->closed;
    }
    cr_assert_eq(hh_graph_click(w->graph, session->handle, w->numbers[item], time), HH_OK);
    insert(session, item, time);
    session->touched = w->arrivals++;
}

// A visitor does not click the same item twice in one millisecond: the order of two such sessions is
// undefined.
static hh_time without_tie(const world *w, uint64_t visitor, int item, hh_time time)
{
    for (int s = 0; s < w->count; s++)
        for (int i = 0; w->sessions[s].visitor == visitor && i < w->sessions[s].count; i++)
            if (w->sessions[s].clicks[i].item == item && w->sessions[s].clicks[i].time == time)
                return without_tie(w, visitor, item, time - 1);
    return time;
}

static log_session *open_session(world *w, uint64_t visitor)
{
    cr_assert_lt(w->count, MAX_SESSIONS);
    log_session *session = &w->sessions[w->count++];
    *session = (log_session){.visitor = visitor, .live = true, .touched = w->arrivals++};
    session->handle = hh_graph_open(w->graph, visitor);
    cr_assert_not_null(session->handle);
    return session;
}

static void close_session(world *w, log_session *session)
{
    hh_graph_close(w->graph, session->handle);
    session->closed = w->arrivals++;
    session->live = session->count > 0;
}

static log_session *some_open(world *w)
{
    int from = w->count ? below(&w->random, w->count) : 0;
    for (int i = 0; i < w->count; i++) {
        log_session *session = &w->sessions[(from + i) % w->count];
        if (session->live && !session->closed)
            return session;
    }
    return open_session(w, (uint64_t)below(&w->random, VISITORS));
}

static void step(world *w)
{
    uint64_t *r = &w->random;
    int what = below(r, 100);
    if (what < 70) {
        log_session *session = below(r, 4) ? some_open(w) : open_session(w, (uint64_t)below(r, VISITORS));
        w->now += below(r, 3) ? below(r, 5000) : 0; // ties are common
        hh_time late = below(r, 5) ? 0 : below(r, 20000);
        int item = below(r, 3) ? below(r, ITEMS / 3) : below(r, ITEMS);
        if (session->count < MAX_LENGTH / 4)
            click(w, session, item, without_tie(w, session->visitor, item, w->now - late));
        else
            close_session(w, session);
    } else if (what < 85) {
        close_session(w, some_open(w));
    } else if (what < 92) {
        log_session *into = some_open(w), *from = NULL;
        for (int s = 0; s < w->count && !from; s++)
            if (&w->sessions[s] != into && w->sessions[s].live && !w->sessions[s].closed &&
                w->sessions[s].visitor == into->visitor)
                from = &w->sessions[s];
        if (!from || into->count + from->count > MAX_LENGTH)
            return;
        cr_assert_eq(hh_graph_merge(w->graph, into->handle, from->handle), HH_OK);
        if (!into->count)
            into->touched = from->touched;
        for (int i = 0; i < from->count; i++)
            insert(into, from->clicks[i].item, from->clicks[i].time);
        from->live = false;
    } else if (what < 95) {
        int item = below(r, ITEMS);
        w->withdrawn[item] = below(r, 2);
        cr_assert_eq(hh_graph_withdraw(w->graph, w->numbers[item], w->withdrawn[item]), HH_OK);
    }
}

// ---- the slow experts

typedef struct question {
    int length;
    int items[MAX_LENGTH];
    hh_time as_of, session_start;
    uint64_t visitor;
} question;

typedef struct answer {
    double shares[ITEMS][HH_EXPERTS];
    unsigned followed[ITEMS], neighbours[ITEMS], onward[ITEMS];
    bool exists[ITEMS]; // has a click that the query may see
    bool knn_doubtful;  // two neighbours at the edge of the choice are too near to tell in floats
} answer;

// The clicks of the session that the question may see.
static int visible(const log_session *session, const question *q)
{
    int clicks = 0;
    while (session->live && clicks < session->count && session->clicks[clicks].time < q->as_of)
        clicks++;
    bool own =
        session->visitor == q->visitor && clicks && session->clicks[clicks - 1].time >= q->session_start;
    return own ? 0 : clicks;
}

static int first_click(const log_session *session, int clicks, int item)
{
    for (int i = 0; i < clicks; i++)
        if (session->clicks[i].item == item)
            return i;
    return -1;
}

static double left(double age, hh_time half_life)
{
    return exp2(-age / (double)half_life);
}

static const world *sorting;
static const question *sorting_for;
static int sorting_item;

static int newest_first(const void *a, const void *b)
{
    const log_session *x = &sorting->sessions[*(const int *)a], *y = &sorting->sessions[*(const int *)b];
    hh_time s = x->clicks[first_click(x, visible(x, sorting_for), sorting_item)].time;
    hh_time t = y->clicks[first_click(y, visible(y, sorting_for), sorting_item)].time;
    if (s != t)
        return s < t ? 1 : -1;
    uint32_t tag = hh_visitor_tag(x->visitor), other = hh_visitor_tag(y->visitor);
    return (tag < other) - (tag > other);
}

typedef struct near {
    int session, match;
    double similarity, rank, recent[2];
} near;

// The sessions that hold the item and that the question may see, newest first.
static int sessions_with(const world *w, const question *q, int item, int *order)
{
    int count = 0;
    for (int s = 0; s < w->count; s++)
        if (first_click(&w->sessions[s], visible(&w->sessions[s], q), item) >= 0)
            order[count++] = s;
    sorting = w, sorting_for = q, sorting_item = item;
    qsort(order, (size_t)count, sizeof *order, newest_first);
    return count;
}

// The second step of pair: from what it leads to, onwards. All items are looked at, which are no more than
// the ten that it starts from, but for two.
static void slow_onward(const world *w, const question *q, const bool *own, answer *a)
{
    double onward[ITEMS] = {0}, sum = 0;
    int *order = malloc(MAX_SESSIONS * sizeof *order), from[ITEMS], sources = 0;
    for (int y = 0; y < ITEMS; y++) { // best first, equals by their ids, whose order is that of their numbers
        int at = sources++;
        for (; at && a->shares[y][HH_EXPERT_PAIR_LONG] > a->shares[from[at - 1]][HH_EXPERT_PAIR_LONG]; at--)
            from[at] = from[at - 1];
        from[at] = y;
    }
    for (int k = 0; k < 10 && a->shares[from[k]][HH_EXPERT_PAIR_LONG] > 0; k++) {
        double row[ITEMS] = {0}, all = 0;
        int y = from[k], count = sessions_with(w, q, y, order);
        for (int n = 0; n < count && n < STEPS; n++) {
            const log_session *s = &w->sessions[order[n]];
            int clicks = visible(s, q), at = clicks - 1;
            while (s->clicks[at].item != y)
                at--;
            for (int i = 0; i < clicks; i++) {
                int item = s->clicks[i].item;
                if (abs(i - at) > REACH || item == y)
                    continue;
                double part = i > at ? 1.0 / (i - at) : 0.5 / (at - i);
                row[item] += part;
                all += part;
                a->onward[item] += i > at && a->followed[y] && !own[item] && !w->withdrawn[item];
            }
        }
        for (int i = 0; i < ITEMS && all > 0; i++)
            if (!own[i] && !w->withdrawn[i]) {
                onward[i] += a->shares[y][HH_EXPERT_PAIR_LONG] * row[i] / all;
                sum += a->shares[y][HH_EXPERT_PAIR_LONG] * row[i] / all;
            }
    }
    for (int i = 0; i < ITEMS && sum > 0; i++)
        a->shares[i][HH_EXPERT_PAIR_LONG] = (a->shares[i][HH_EXPERT_PAIR_LONG] + onward[i] / sum) / 2;
    free(order);
}

static void slow_answer(const world *w, const question *q, answer *a)
{
    const hh_graph_options *o = &w->options;
    memset(a, 0, sizeof *a);
    double all = 0, clicks_on[ITEMS] = {0}, pop_total[HH_POPS] = {0};
    bool own[ITEMS] = {false};
    for (int i = 0; i < q->length; i++)
        own[q->items[i]] = true;
    for (int s = 0; s < w->count; s++)
        for (int i = 0, n = visible(&w->sessions[s], q); i < n; i++) {
            log_click c = w->sessions[s].clicks[i];
            all++;
            clicks_on[c.item]++;
            a->exists[c.item] = true;
            for (int p = 0; p < HH_POPS && !w->withdrawn[c.item]; p++) {
                double weight = left((double)(q->as_of - c.time), o->pop_half_life[p]);
                a->shares[c.item][HH_EXPERT_POP_SHORT + p] += weight;
                pop_total[p] += weight;
            }
        }

    static near nears[MAX_SESSIONS];
    int near_count = 0, *order = malloc(MAX_SESSIONS * sizeof *order);
    for (int d = 0; d < DEPTH && d < q->length; d++) {
        int item = q->items[q->length - 1 - d], count = 0;
        bool again = false;
        for (int e = 0; e < d; e++)
            again = again || q->items[q->length - 1 - e] == item;
        if (again)
            continue;
        count = sessions_with(w, q, item, order);
        int most = (int)o->sessions, wanted = (int)((float)most * powf(FALL, (float)d));
        wanted = wanted > FEWEST ? wanted : FEWEST < most ? FEWEST : most;
        double rows[2][ITEMS] = {0}, sums[2] = {0};
        for (int n = 0; n < count && n < wanted; n++) {
            const log_session *s = &w->sessions[order[n]];
            int clicks = visible(s, q), last = -1;
            double age = (double)(q->as_of - s->clicks[clicks - 1].time), weight[2];
            for (int h = 0; h < 2; h++)
                weight[h] = left(age, o->pair_half_life[h]);
            for (int i = clicks - 1, matches = 0; i >= 0 && matches < MATCHES; i--) {
                if (s->clicks[i].item != item)
                    continue;
                last = matches++ ? last : i;
                for (int j = 0; j < clicks; j++) {
                    int distance = abs(j - i);
                    if (j == i || distance > REACH)
                        continue;
                    for (int h = 0; h < 2; h++) {
                        double part = weight[h] / distance * (j > i ? 1 : h ? o->pair_backward : 0);
                        rows[h][s->clicks[j].item] += part;
                        sums[h] += part;
                    }
                    a->followed[s->clicks[j].item] += j > i;
                }
                if (d == 0 && i + 1 < clicks)
                    a->shares[s->clicks[i + 1].item][HH_EXPERT_NEXT] += weight[0] + 0.1 * weight[1];
            }
            int at = 0;
            while (at < near_count && nears[at].session != order[n])
                at++;
            if (at == near_count)
                nears[near_count++] = (near){.session = order[n], .match = 0};
            nears[at].similarity += exp(-d / o->knn_decay) * log(1 + all / fmax(1, clicks_on[item]));
            nears[at].match = last > nears[at].match ? last : nears[at].match;
        }
        for (int h = 0; h < 2; h++)
            for (int i = 0; i < ITEMS && sums[h] > 1e-30; i++)
                a->shares[i][HH_EXPERT_PAIR_SHORT + h] +=
                    pow(o->pair_decay, d) * rows[h][i] / pow(sums[h], o->pair_norm);
    }
    free(order);

    for (int n = 0; n < near_count; n++) {
        const log_session *s = &w->sessions[nears[n].session];
        int clicks = visible(s, q);
        for (int h = 0; h < 2; h++)
            nears[n].recent[h] = left((double)(q->as_of - s->clicks[clicks - 1].time), o->knn_half_life[h]);
        nears[n].rank = nears[n].similarity * (nears[n].recent[0] + nears[n].recent[1]) / pow(clicks, 0.25);
    }
    for (int n = 0; n < near_count; n++) {
        int ahead = 0; // how many are chosen before this one
        for (int m = 0; m < near_count; m++) {
            bool tie = fabs(nears[m].rank - nears[n].rank) <= 1e-12 * nears[n].rank;
            ahead += tie ? m < n : nears[m].rank > nears[n].rank;
            if (m != n && near_count > (int)o->neighbours &&
                fabs(nears[m].rank - nears[n].rank) <= 1e-4 * nears[n].rank)
                a->knn_doubtful = true;
        }
        if (ahead >= (int)o->neighbours)
            continue;
        const log_session *s = &w->sessions[nears[n].session];
        bool counted[ITEMS] = {false};
        for (int i = 0, clicks = visible(s, q); i < clicks; i++) {
            int distance = abs(i - nears[n].match), item = s->clicks[i].item;
            if (distance == 0 || distance > 32)
                continue;
            double part = exp(-(distance - 1) / o->knn_reach) * (i > nears[n].match ? 1 : o->knn_backward);
            for (int h = 0; h < 2; h++)
                a->shares[item][HH_EXPERT_KNN_SHORT + h] +=
                    part * nears[n].similarity * nears[n].recent[h] / pow(clicks, 0.25);
            a->neighbours[item] += i > nears[n].match && !counted[item];
            counted[item] = counted[item] || i > nears[n].match;
        }
    }
    double part = 1, sums[HH_EXPERTS] = {0};
    for (int d = 0; d < q->length; d++, part *= o->repeat_decay) {
        int item = q->items[q->length - 1 - d];
        if (d == 0)
            a->shares[item][HH_EXPERT_REPEAT_LAST] = 1;
        else if (a->shares[item][HH_EXPERT_REPEAT] == 0 && item != q->items[q->length - 1])
            a->shares[item][HH_EXPERT_REPEAT] = part;
    }
    for (int i = 0; i < ITEMS; i++) {
        double rarity = pow(log(1 + all / fmax(1, clicks_on[i])), o->knn_idf);
        for (int e = 0; e < HH_EXPERTS; e++) {
            if (e == HH_EXPERT_KNN_SHORT || e == HH_EXPERT_KNN_LONG)
                a->shares[i][e] *= rarity;
            if ((own[i] && e <= HH_EXPERT_KNN_LONG && e != HH_EXPERT_NEXT) || w->withdrawn[i])
                a->shares[i][e] = 0;
            sums[e] += a->shares[i][e];
        }
    }
    for (int i = 0; i < ITEMS; i++)
        for (int e = 0; e < HH_EXPERTS; e++)
            a->shares[i][e] = sums[e] > 1e-30 ? a->shares[i][e] / sums[e] : 0;
    if (q->length && near_count < THIN)
        slow_onward(w, q, own, a);
}

// ---- questions and comparing

static void ask_something(world *w, question *q)
{
    uint64_t *r = &w->random;
    *q = (question){.visitor = (uint64_t)below(r, VISITORS + 2)};
    q->as_of = w->now + 1 - (below(r, 2) ? 0 : below(r, 30000));
    q->session_start = q->as_of;
    for (int s = 0; s < w->count; s++) { // mostly by a visitor in the middle of a session
        const log_session *session = &w->sessions[s];
        if (session->live && !session->closed && session->count && session->visitor == q->visitor &&
            below(r, 4)) {
            q->session_start = session->clicks[0].time;
            for (int i = 0; i < session->count && session->clicks[i].time < q->as_of; i++)
                q->items[q->length++] = session->clicks[i].item;
            return;
        }
    }
    for (int i = below(r, 5); i > 0; i--)
        q->items[q->length++] = below(r, ITEMS);
}

typedef struct given {
    float shares[ITEMS][HH_EXPERTS];
    hh_evidence evidence[ITEMS];
    bool there[ITEMS];
    uint32_t neighbours;
} given;

// The expert from outside: what it says of an item is a function of the item, and it names one in three.
static double foreseen(int item)
{
    return (item + 1) / (ITEMS * (ITEMS + 1) / 2.0);
}

static void foresee(void *context, const hh_item *items, size_t count, float *share)
{
    const world *w = context;
    for (size_t i = 0; i < count; i++)
        for (int item = 0; item < ITEMS; item++)
            if (w->numbers[item] == items[i])
                share[i * HH_EXPERTS] = (float)foreseen(item);
}

static hh_query query_of(const world *w, const question *q, hh_item numbers[MAX_LENGTH])
{
    for (int i = 0; i < q->length; i++)
        numbers[i] = w->numbers[q->items[i]];
    return (hh_query){numbers, (size_t)q->length, q->as_of, q->visitor, q->session_start, NULL};
}

static void fast_answer(const world *w, const question *q, given *g)
{
    hh_item numbers[MAX_LENGTH];
    hh_query query = query_of(w, q, numbers);
    hh_item named[ITEMS / 3];
    for (int i = 0; i < ITEMS / 3; i++)
        named[i] = w->numbers[3 * i];
    world *context = (world *)(uintptr_t)w;
    hh_foresight foresight = {.items = named, .count = ITEMS / 3, .shares = foresee, .context = context};
    query.foresight = &foresight;
    hh_votes votes;
    memset(g, 0, sizeof *g);
    cr_assert_eq(hh_graph_query(hh_recommender_reader(w->recommender), &query, ITEMS, &votes), HH_OK);
    g->neighbours = votes.neighbours;
    for (size_t i = 0; i < votes.count; i++) {
        int item = 0;
        while (w->numbers[item] != votes.items[i])
            item++;
        cr_assert_lt(item, ITEMS);
        cr_assert(!g->there[item], "%s is a candidate twice", name_of(item));
        g->there[item] = true;
        g->evidence[item] = votes.evidence[i];
        memcpy(g->shares[item], votes.shares[i], sizeof g->shares[item]);
    }
}

static int compared[HH_EXPERTS];

static void compare(const world *w, const question *q, uint64_t seed)
{
    answer *slow = malloc(sizeof *slow);
    given fast;
    slow_answer(w, q, slow);
    fast_answer(w, q, &fast);
    for (int i = 0; i < ITEMS; i++) {
        cr_assert(!(fast.there[i] && w->withdrawn[i]), "seed %lu: %s is withdrawn", (unsigned long)seed,
                  name_of(i));
        cr_assert(fast.there[i] || !(slow->exists[i] || (i % 3 == 0 && i / 3 < ITEMS / 3)) || w->withdrawn[i],
                  "seed %lu: %s is missing", (unsigned long)seed, name_of(i));
        slow->shares[i][HH_EXPERT_NETWORK] = fast.there[i] ? foreseen(i) : 0;
        for (int e = 0; e < HH_EXPERTS; e++) {
            if ((e == HH_EXPERT_KNN_SHORT || e == HH_EXPERT_KNN_LONG) && slow->knn_doubtful)
                continue;
            cr_assert_float_eq(fast.shares[i][e], slow->shares[i][e], 2e-4,
                               "seed %lu: expert %d gives %s %g, the slow one %g", (unsigned long)seed, e,
                               name_of(i), (double)fast.shares[i][e], slow->shares[i][e]);
            compared[e] += slow->shares[i][e] > 0;
        }
        if (!fast.there[i])
            continue;
        cr_assert_eq(fast.evidence[i].followed, slow->followed[i], "seed %lu: %s followed %u times, not %u",
                     (unsigned long)seed, name_of(i), fast.evidence[i].followed, slow->followed[i]);
        cr_assert_eq(fast.evidence[i].onward, slow->onward[i], "seed %lu: %s came onwards %u times, not %u",
                     (unsigned long)seed, name_of(i), fast.evidence[i].onward, slow->onward[i]);
        if (!slow->knn_doubtful)
            cr_assert_eq(fast.evidence[i].neighbours, slow->neighbours[i]);
    }
    free(slow);
}

Test(graph_property, every_expert_is_what_the_slow_one_says)
{
    memset(compared, 0, sizeof compared);
    for (uint64_t seed = 1; seed <= 300; seed++) {
        world w;
        start(&w, seed);
        for (int i = 0; i < 400; i++) {
            step(&w);
            if (i % 7)
                continue;
            question q;
            ask_something(&w, &q);
            compare(&w, &q, seed);
        }
        stop(&w);
    }
    for (int e = 0; e < HH_MIXED_EXPERTS; e++)
        cr_assert_gt(compared[e], 1000, "expert %d was hardly tested", e);
}

// Bit for bit; but for pop, whose sums lose their last bit at a time of their own when they are rescaled.
static void cr_assert_same(const given *a, const given *b, const char *what, uint64_t seed)
{
    cr_assert_eq(a->neighbours, b->neighbours, "seed %lu, %s: neighbours", (unsigned long)seed, what);
    for (int i = 0; i < ITEMS; i++) {
        for (int p = 0; p < HH_POPS; p++)
            cr_assert_float_eq(a->shares[i][p], b->shares[i][p], 1e-6);
        cr_assert(memcmp(a->shares[i] + HH_POPS, b->shares[i] + HH_POPS,
                         sizeof a->shares[i] - HH_POPS * sizeof(float)) == 0,
                  "seed %lu, %s: shares of %s", (unsigned long)seed, what, name_of(i));
        cr_assert(memcmp(&a->evidence[i], &b->evidence[i], sizeof a->evidence[i]) == 0);
    }
}

Test(graph_property, what_comes_later_changes_no_answer)
{
    for (uint64_t seed = 1; seed <= 300; seed++) {
        world w;
        start(&w, seed);
        for (int i = 0; i < 150; i++)
            step(&w);
        w.now += HH_MINUTE;
        question q;
        ask_something(&w, &q);
        given before, after;
        fast_answer(&w, &q, &before);
        if (held(&w) + 40 < (int)w.graph->options.max_clicks) {
            for (int i = 0; i < 40; i++) { // by anybody, the asking visitor too, in any session
                log_session *session = below(&w.random, 2) ? some_open(&w) : open_session(&w, q.visitor);
                if (session->count < MAX_LENGTH)
                    click(&w, session, below(&w.random, ITEMS), q.as_of + below(&w.random, 100000));
                if (below(&w.random, 3) == 0)
                    close_session(&w, some_open(&w));
            }
            fast_answer(&w, &q, &after);
            cr_assert_same(&before, &after, "read ahead", seed);
            hh_recommender *other = w.recommender; // and to a reader that comes late
            hh_error error;
            hh_recommend_options list = hh_recommend_defaults();
            w.recommender = hh_recommender_new(w.graph, w.mixture, &list, &error);
            fast_answer(&w, &q, &after);
            for (int i = 0; i < ITEMS;
                 i++) // whose sums were scaled for the newest click, so rounded elsewhere
                for (int e = 0; e < HH_EXPERTS; e++)
                    cr_assert_float_eq(before.shares[i][e], after.shares[i][e], 1e-5);
            hh_recommender_free(other);
        }
        stop(&w);
    }
}

// The same clicks, each visitor's in order, the visitors mixed differently.
Test(graph_property, the_order_in_which_visitors_arrive_changes_no_answer)
{
    for (uint64_t seed = 1; seed <= 300; seed++) {
        enum { CLICKS = 300 };
        struct {
            int visitor, item;
            hh_time time;
        } log[CLICKS];
        uint64_t random = seed;
        hh_time now = 1700000000000;
        for (int i = 0; i < CLICKS; i++) {
            now += below(&random, 3) ? below(&random, 4000) : 0;
            log[i].visitor = below(&random, VISITORS);
            log[i].item = below(&random, ITEMS);
            log[i].time = now - (below(&random, 5) ? 0 : below(&random, 10000));
        }
        given answers[2];
        for (int pass = 0; pass < 2; pass++) {
            world w;
            start(&w, seed);
            log_session *open[VISITORS] = {NULL};
            int next[VISITORS] = {0}, done = 0;
            uint64_t order = seed * 77;
            if (w.options.max_clicks < CLICKS + 1) { // what expires depends on what arrived
                stop(&w);
                memset(&answers[pass], 0, sizeof answers[pass]);
                continue;
            }
            while (done < CLICKS) {
                int i = done;
                if (pass) { // the next click of some visitor
                    int visitor = below(&order, VISITORS);
                    for (i = next[visitor]; i < CLICKS && log[i].visitor != visitor; i++)
                        ;
                    if (i == CLICKS)
                        continue;
                    next[visitor] = i + 1;
                }
                int visitor = log[i].visitor;
                if (!open[visitor])
                    open[visitor] = open_session(&w, (uint64_t)visitor);
                click(&w, open[visitor], log[i].item, log[i].time);
                done++;
                if (open[visitor]->count == 12) {
                    close_session(&w, open[visitor]);
                    open[visitor] = NULL;
                }
            }
            w.now = now;
            question q = {.visitor = 3,
                          .as_of = now - 5000,
                          .session_start = now - 20000,
                          .length = 3,
                          .items = {1, 5, 2}};
            fast_answer(&w, &q, &answers[pass]);
            stop(&w);
        }
        cr_assert_same(&answers[0], &answers[1], "shuffled", seed);
    }
}

Test(graph_property, a_list_is_the_exact_best_and_full)
{
    int full = 0;
    for (uint64_t seed = 1; seed <= 300; seed++) {
        world w;
        start(&w, seed);
        for (int i = 0; i < 300; i++) {
            step(&w);
            if (i % 9)
                continue;
            question q;
            ask_something(&w, &q);
            hh_item numbers[MAX_LENGTH];
            hh_query query = query_of(&w, &q, numbers);
            hh_recommendation list[5];
            size_t count;
            cr_assert_eq(hh_recommend(w.recommender, &query, list, &count), HH_OK);
            answer *slow = malloc(sizeof *slow);
            slow_answer(&w, &q, slow);
            size_t exist = 0;
            for (int item = 0; item < ITEMS; item++) {
                bool own = false;
                for (int j = 0; j < q.length; j++)
                    own = own || q.items[j] == item;
                exist += slow->exists[item] && !w.withdrawn[item] && !own;
            }
            free(slow);
            cr_assert_geq(count, exist < 5 ? exist : 5, "seed %lu: %zu of %zu", (unsigned long)seed, count,
                          exist);
            full += count == 5;
            for (size_t j = 1; j < count; j++)
                cr_assert(list[j - 1].score > list[j].score ||
                          (list[j - 1].score == list[j].score &&
                           hh_graph_compare(hh_recommender_reader(w.recommender), list[j - 1].item,
                                            list[j].item) < 0));
            const hh_votes *votes = hh_recommender_votes(w.recommender);
            float *scores = malloc((votes->count + 1) * sizeof *scores);
            hh_mixture_scores(w.mixture, votes, scores);
            for (size_t c = 0; c < votes->count && count == 5; c++) { // nobody better was left out
                bool listed = false, own = false;
                for (size_t j = 0; j < count; j++)
                    listed = listed || list[j].item == votes->items[c];
                for (int j = 0; j < q.length; j++)
                    own = own || numbers[j] == votes->items[c];
                cr_assert(listed || scores[c] <= list[4].score || own);
            }
            free(scores);
        }
        stop(&w);
    }
    cr_assert_gt(full, 500);
}
