#include "fail_alloc.h"
#include "made_votes.h"

#include <hiphop/ranker_shelf.h>
#include <string.h>

#define BEGIN 1700000000000

static hh_ranker_options small_options(void)
{
    hh_ranker_options options = hh_ranker_defaults();
    options.candidates = 20;
    options.replays = 0;
    options.memory = 64;
    return options;
}

// A stage: a shelf, and a clock that each lesson moves by `step`.
typedef struct stage {
    hh_ranker_options options;
    hh_ranker_shelf *shelf;
    hh_shortlist *shortlist;
    hh_ranker *ranker; // a reader's
    uint64_t number;
    hh_time now;
} stage;

static stage stage_new(void)
{
    stage s = {.options = small_options(), .now = BEGIN};
    hh_error error;
    s.shelf = hh_ranker_shelf_new(&s.options, &error);
    s.ranker = hh_ranker_new(&s.options, &error);
    votes_made *made = votes_of(1);
    s.shortlist = list_of(&s.options, made);
    cr_assert(s.shelf && s.ranker);
    free(made);
    return s;
}

static void stage_free(stage *s)
{
    hh_shortlist_free(s->shortlist);
    hh_ranker_free(s->ranker);
    hh_ranker_shelf_free(s->shelf);
}

static void teach(stage *s, int lessons, hh_time step)
{
    for (int i = 0; i < lessons; i++)
        hh_ranker_shelf_learn(s->shelf, s->shortlist, 1000 + (hh_item)(i % CANDIDATES), s->now += step);
}

static bool read(stage *s, hh_time as_of)
{
    bool there = hh_ranker_shelf_read(s->shelf, as_of, s->ranker, &s->number);
    if (there)
        cr_assert_lt(hh_ranker_learned(s->ranker), as_of);
    return there;
}

static void check_same(hh_ranker *a, hh_ranker *b)
{
    hh_ranker_tensor of_a[HH_RANKER_TENSORS], of_b[HH_RANKER_TENSORS];
    hh_ranker_tensors(a, of_a);
    hh_ranker_tensors(b, of_b);
    for (int t = 0; t < HH_RANKER_TENSORS; t++)
        cr_assert_arr_eq(of_a[t].value, of_b[t].value, of_a[t].rows * of_a[t].cols * sizeof(float), "%s",
                         of_a[t].name);
    cr_assert_eq(hh_ranker_learned(a), hh_ranker_learned(b));
}

Test(ranker_shelf, what_is_asked_as_of_a_time_has_learned_from_earlier_clicks_alone)
{
    stage behind = stage_new(), ahead = stage_new();
    teach(&behind, 3000, HH_SECOND);
    teach(&ahead, 3000, HH_SECOND);
    hh_time as_of = behind.now + 1;
    teach(&ahead, 5000, HH_SECOND); // the future, of other clicks
    cr_assert_not(read(&ahead, BEGIN + 60 * HH_SECOND), "nothing is earlier");
    int found = 0;
    uint64_t newest = 0;
    for (hh_time at = BEGIN; at <= as_of; at += 7 * HH_SECOND) {
        bool there = read(&behind, at);
        cr_assert_eq(read(&ahead, at), there);
        if (!there)
            continue;
        check_same(behind.ranker, ahead.ranker);
        cr_assert_eq(behind.number, ahead.number);
        cr_assert_geq(behind.number, newest);
        newest = behind.number;
        found++;
    }
    cr_assert_gt(found, 400);
    cr_assert(read(&ahead, INT64_MAX));
    cr_assert_gt(ahead.number, newest);
    cr_assert(read(&ahead, as_of), "and back");
    cr_assert_eq(ahead.number, newest);
    cr_assert_gt(hh_ranker_learned(ahead.ranker), as_of - 2 * 64 * HH_SECOND, "no older than it must be");
    stage_free(&behind);
    stage_free(&ahead);
}

Test(ranker_shelf, a_ranker_says_what_the_teacher_had_learned)
{
    stage s = stage_new();
    hh_ranker_trainer *trainer = hh_ranker_trainer_new(&s.options, NULL);
    teach(&s, 64, HH_SECOND);
    cr_assert_not(read(&s, INT64_MAX), "it is put aside when the time moves on");
    for (int i = 0; i < 64; i++)
        hh_ranker_trainer_learn(trainer, s.shortlist, 1000 + (hh_item)i, BEGIN + (i + 1) * HH_SECOND);
    teach(&s, 1, HH_SECOND);
    cr_assert(read(&s, INT64_MAX));
    cr_assert_eq(hh_ranker_learned(s.ranker), BEGIN + 64 * HH_SECOND);
    cr_assert(read(&s, BEGIN + 64 * HH_SECOND + 1));
    cr_assert_not(read(&s, BEGIN + 64 * HH_SECOND));
    cr_assert(read(&s, INT64_MAX));
    hh_ranker *published = hh_ranker_trainer_publish(trainer);
    hh_ranker_tensor a[HH_RANKER_TENSORS], b[HH_RANKER_TENSORS];
    hh_ranker_tensors(published, a);
    hh_ranker_tensors(s.ranker, b);
    for (int t = 0; t < HH_RANKER_TENSORS; t++)
        cr_assert_arr_eq(a[t].value, b[t].value, a[t].rows * a[t].cols * sizeof(float));
    hh_ranker_free(published);
    hh_ranker_trainer_free(trainer);
    stage_free(&s);
}

Test(ranker_shelf, a_click_from_the_future_takes_nobody_what_was_learned)
{
    stage s = stage_new();
    teach(&s, 2000, HH_SECOND);
    hh_time present = s.now;
    s.now += 5 * HH_MINUTE;
    teach(&s, 1, 0);
    s.now = present;
    teach(&s, 20000, 10); // much in little time, three minutes
    cr_assert(read(&s, s.now));
    cr_assert_leq(hh_ranker_learned(s.ranker), present);
    cr_assert_gt(hh_ranker_learned(s.ranker), present - 3 * HH_MINUTE);
    teach(&s, 200, HH_SECOND * 2);
    cr_assert(read(&s, s.now));
    cr_assert_gt(hh_ranker_learned(s.ranker), present, "time has caught up");
    stage_free(&s);
}

Test(ranker_shelf, rankers_are_kept_for_an_hour_on_the_fastest_stream_and_no_more_of_them)
{
    stage s = stage_new();
    teach(&s, 2000, HH_SECOND);
    hh_time present = s.now;
    cr_assert(read(&s, BEGIN + 10 * HH_MINUTE));
    teach(&s, 36000, HH_SECOND / 10);
    cr_assert(read(&s, present));
    // Nor is memory needed for new ones, for readers, or for examples.
    teach(&s, 1000 * 10, HH_SECOND / 10);
    for (int i = 0; i < 20; i++) {
        fail_alloc_at(2); // the ranker that is being put aside, which goes again
        bool there = read(&s, s.now - i * HH_MINUTE);
        cr_assert_not(fail_alloc_done());
        cr_assert(there);
    }
    teach(&s, 40000, HH_SECOND);
    cr_assert_not(read(&s, present), "what is too old has gone");
    stage_free(&s);
}

Test(ranker_shelf, where_memory_runs_out_the_ranker_before_goes_on)
{
    stage s = stage_new();
    teach(&s, 2000, HH_SECOND);
    cr_assert(read(&s, INT64_MAX));
    uint64_t before = s.number;
    for (int i = 0; i < 64; i++) {
        fail_alloc_at(0);
        teach(&s, 1, HH_SECOND);
        fail_alloc_done();
    }
    cr_assert(read(&s, INT64_MAX));
    cr_assert_leq(s.number, before + 1);
    teach(&s, 2, HH_SECOND);
    cr_assert(read(&s, INT64_MAX));
    cr_assert_gt(s.number, before);
    for (long n = 0;; n++) {
        hh_error error = {0};
        fail_alloc_at(n);
        hh_ranker_shelf *shelf = hh_ranker_shelf_new(&s.options, &error);
        bool failed = fail_alloc_done();
        cr_assert_eq(failed, !shelf);
        hh_ranker_shelf_free(shelf);
        if (!failed)
            break;
        cr_assert_eq(error.status, HH_MEMORY);
    }
    hh_ranker_options wrong = s.options;
    wrong.candidates = 1;
    hh_error error;
    cr_assert_null(hh_ranker_shelf_new(&wrong, &error));
    cr_assert_eq(error.status, HH_ARGUMENT);
    stage_free(&s);
}
