// Candidates that have nothing but a description, among those that the ranker has scored.
#include "made_votes.h"
#include "recommend/by_text.h"
#include "recommend/ranker_inputs.h"

#define RANKED 5

// By the mixture, and by a ranker that is surer of the first; not in order.
static const float shares[RANKED] = {0.05f, 0.4f, 0.1f, 0.02f, 0.2f};
static const float ranked[RANKED] = {0.12f, 0.6f, 0.005f, 0.03f, 0.015f};

typedef struct placed {
    votes_made *made;
    hh_shortlist *shortlist;
    float scores[CANDIDATES];
} placed;

// RANKED candidates that clicks speak for, and behind them some that have the shares by_text.
static void place(placed *of, const float *by_text, uint32_t count)
{
    votes_made *made = of->made = votes_of(1);
    made->votes.count = RANKED + count;
    made->votes.mass[HH_EXPERT_COSINE] = 1;
    memset(made->shares, 0, sizeof made->shares);
    for (uint32_t i = 0; i < RANKED + count; i++) {
        made->shares[i][i < RANKED ? HH_EXPERT_NEXT : HH_EXPERT_COSINE] = 0.01f;
        made->mixture[i] = i < RANKED ? shares[i] : by_text[i - RANKED];
        of->scores[i] = i < RANKED ? ranked[i] : 0;
    }
    hh_ranker_options options = hh_ranker_defaults();
    of->shortlist = list_of(&options, made);
    cr_assert_eq(of->shortlist->count, RANKED, "%u are ranked", of->shortlist->count);
    hh_place_by_text(of->shortlist, &made->votes, made->mixture, of->scores);
}

static void drop(placed *of)
{
    hh_shortlist_free(of->shortlist);
    free(of->made);
}

Test(by_text, what_the_network_reads_out_of_a_description_is_no_click)
{
    float row[HH_EXPERTS] = {0};
    row[HH_EXPERT_NETWORK] = 0.1f;
    cr_expect_not(hh_by_text_alone(row), "known by the network alone");
    row[HH_EXPERT_COSINE] = 0.1f;
    cr_expect(hh_by_text_alone(row));
    row[HH_EXPERT_POP_LONG] = 0.01f;
    cr_expect_not(hh_by_text_alone(row), "somebody has clicked it, and the network learned of that");
    row[HH_EXPERT_NETWORK] = 0;
    cr_expect(hh_by_text_alone(row));
    row[HH_EXPERT_KNN_SHORT] = 0.01f;
    cr_expect_not(hh_by_text_alone(row));
}

Test(by_text, between_its_share_and_the_score_of_its_place)
{
    // Shares in order: 0.4 0.2 0.1 0.05 0.02, scores in order: 0.6 0.12 0.03 0.015 0.005.
    const float by_text[] = {0.3f, 0.5f, 0.2f, 0.15f, 0.001f, 9.0f};
    const float expected[] = {
        sqrtf(0.3f * 0.36f), // half way between the first two scores, as between the first two shares
        sqrtf(0.5f * 0.75f), // before all: so much more than the first as its share is
        0.2f,                // the second score is less than its share
        0.15f,
        0.001f,             // behind all
        sqrtf(9.0f * 9.6f), // so much more than the first that the two together are the bound
    };
    placed of;
    place(&of, by_text, 6);
    for (int i = 0; i < RANKED; i++)
        cr_expect_eq(of.scores[i], ranked[i], "the ranker's own");
    for (int i = 0; i < 6; i++)
        cr_expect_float_eq(of.scores[RANKED + i], expected[i], 1e-5f, "share %g: %g", (double)by_text[i],
                           (double)of.scores[RANKED + i]);
    drop(&of);
}

Test(by_text, their_order_among_each_other_stays)
{
    enum { MANY = 100 };
    float by_text[MANY];
    uint64_t seed = 3;
    for (int i = 0; i < MANY; i++)
        by_text[i] = powf(noise(&seed), 3) / 2;
    placed of;
    place(&of, by_text, MANY);
    for (int i = 0; i < MANY; i++)
        for (int j = 0; j < MANY; j++)
            if (by_text[i] > by_text[j])
                cr_assert(of.scores[RANKED + i] > of.scores[RANKED + j], "%g and %g", (double)by_text[i],
                          (double)by_text[j]);
    drop(&of);
}

Test(by_text, where_nobody_is_ranked_the_share_counts)
{
    votes_made *made = votes_of(1);
    made->votes.mass[HH_EXPERT_INHERIT] = 1;
    memset(made->shares, 0, sizeof made->shares);
    for (int i = 0; i < CANDIDATES; i++)
        made->shares[i][HH_EXPERT_INHERIT] = 0.001f;
    mix(made);
    hh_ranker_options options = hh_ranker_defaults();
    hh_shortlist *shortlist = list_of(&options, made);
    float scores[CANDIDATES] = {0};
    cr_assert_eq(shortlist->count, 0);
    hh_place_by_text(shortlist, &made->votes, made->mixture, scores);
    for (int i = 0; i < CANDIDATES; i++)
        cr_assert_eq(scores[i], made->mixture[i]);
    hh_shortlist_free(shortlist);
    free(made);
}
