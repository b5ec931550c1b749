// The trials of hh_ablate, as one table.
#include <hiphop/ablate.h>
#include <math.h>

#define SETTINGS(...)          \
    .settings = {__VA_ARGS__}, \
    .setting_count = sizeof((hh_setting_value[]){__VA_ARGS__}) / sizeof(hh_setting_value)
#define SET(name, value)       \
    {                          \
        "network." name, value \
    }

// As in the paper: neighbours of both kinds, which intents choose among, added whole.
#define PAPER                                                                                        \
    SET("intents", 4), SET("intent-readout", 0), SET("global", 1), SET("local", 1), SET("whole", 1), \
        SET("denoising", 1), SET("similar", 1), SET("gate", 0), SET("votes", 0), SET("contrastive", 1)
// As they lose nothing: behind a gate that opens from nothing, and voting for items.
#define HEARD      SET("similar", 1), SET("gate", 1), SET("votes", 1)
#define NEIGHBOURS SET("global", 1), SET("local", 1), HEARD

#define ON(title, than, ...)                                                               \
    {                                                                                      \
        HH_TRIALS_ON, .name = title, .against = than, .number = NAN, SETTINGS(__VA_ARGS__) \
    }
#define OFF(part, ...)                                                             \
    {                                                                              \
        HH_TRIALS_OFF, .name = "paper - " part, .against = "paper", .number = NAN, \
                       SETTINGS(PAPER, __VA_ARGS__)                                \
    }
#define PLUS(part, ...)                                                            \
    {                                                                              \
        HH_TRIALS_OFF, .name = "paper + " part, .against = "paper", .number = NAN, \
                       SETTINGS(PAPER, __VA_ARGS__)                                \
    }
#define SWEEP(GROUP, text, option, value)                                                      \
    {                                                                                          \
        HH_TRIALS_##GROUP, .name = "paper, " text #value, .against = "paper", .number = value, \
                           SETTINGS(PAPER, SET(option, value))                                 \
    }
#define SHUFFLED(title, than, ...)                                                       \
    {                                                                                    \
        HH_TRIALS_DATA, .name = title, .against = than, .number = NAN, .shuffled = true, \
                        SETTINGS(__VA_ARGS__)                                            \
    }

// The network reads them as sources, the graph holds them.
#define NOT_IN_NETWORK SET("sources", 0)
#define NOT_IN_GRAPH             \
    {                            \
        "graph.max_described", 0 \
    }
#define KNOWN(group, title, than, ...)                                                       \
    {                                                                                        \
        HH_TRIALS_##group, .name = title, .against = than, .number = NAN, .described = true, \
                           SETTINGS(__VA_ARGS__)                                             \
    }

static const hh_trial trials[] = {
    {HH_TRIALS_ON, .name = "default", .number = NAN},
    KNOWN(ON, "default - vectors", "default", NOT_IN_NETWORK, NOT_IN_GRAPH),
    ON("default - graph step", "default", SET("graph", 0)),
    ON("default - own bias", "default", SET("own-bias", 0)),
    ON("default + intents", "default", SET("intents", 4), SET("intent-readout", 1)),
    ON("intents + in ranker", "default + intents", SET("intents", 4), SET("intent-readout", 1),
       {"ranker.intents", 1}),
    ON("default + global", "default", SET("global", 1), HEARD),
    ON("default + local", "default", SET("local", 1), HEARD),
    ON("default + votes alone", "default", SET("global", 1), SET("local", 1), SET("votes", 1)),
    ON("default + neighbours", "default", NEIGHBOURS),
    ON("neighbours + denoising", "default + neighbours", NEIGHBOURS, SET("intents", 4), SET("denoising", 1)),
    ON("neighbours + intents", "default + neighbours", NEIGHBOURS, SET("intents", 4),
       SET("intent-readout", 1)),
    ON("neighbours + contrastive", "default + neighbours", NEIGHBOURS, SET("contrastive", 1)),

    {HH_TRIALS_OFF, .name = "paper", .number = NAN, SETTINGS(PAPER)},
    KNOWN(OFF, "paper - vectors", "paper", PAPER, NOT_IN_NETWORK, NOT_IN_GRAPH),
    OFF("graph step", SET("graph", 0)),
    OFF("intents", SET("intents", 0), SET("denoising", 0)),
    OFF("global", SET("global", 0)),
    OFF("local", SET("local", 0)),
    OFF("denoising", SET("denoising", 0)),
    OFF("contrastive", SET("contrastive", 0)),
    OFF("whole", SET("whole", 0)),
    PLUS("intents in ranker", {"ranker.intents", 1}),
    PLUS("gate", SET("gate", 1)),
    PLUS("votes", SET("votes", 1)),
    {HH_TRIALS_OFF, .name = "paper - all of these", .against = "paper", .number = NAN},

    SHUFFLED("default, shuffled", "default", SET("on", 1)),
    SHUFFLED("paper, shuffled", "paper", PAPER),

    KNOWN(SEMANTICS, "without vectors", NULL, NOT_IN_NETWORK, NOT_IN_GRAPH),
    KNOWN(SEMANTICS, "vectors", "without vectors", SET("on", 1)),
    KNOWN(SEMANTICS, "vectors in network alone", "without vectors", NOT_IN_GRAPH),
    KNOWN(SEMANTICS, "vectors in graph alone", "without vectors", NOT_IN_NETWORK),
    {HH_TRIALS_SEMANTICS, .name = "vectors by lot", .against = "without vectors", .number = NAN,
     .described = true, .lot = true},

    SWEEP(INTENTS, "M = ", "intents", 1),
    SWEEP(INTENTS, "M = ", "intents", 2),
    SWEEP(INTENTS, "M = ", "intents", 4),
    SWEEP(INTENTS, "M = ", "intents", 8),
    SWEEP(NEIGHBOURS, "k = ", "nearest", 3),
    SWEEP(NEIGHBOURS, "k = ", "nearest", 6),
    SWEEP(NEIGHBOURS, "k = ", "nearest", 12),
    SWEEP(NEIGHBOURS, "k = ", "nearest", 24),
    SWEEP(SIMILAR, "K_s = ", "most-similar", 1),
    SWEEP(SIMILAR, "K_s = ", "most-similar", 3),
    SWEEP(SIMILAR, "K_s = ", "most-similar", 6),
    SWEEP(SIMILAR, "K_s = ", "most-similar", 12),
    SWEEP(NEGATIVES, "N_neg = ", "others", 16),
    SWEEP(NEGATIVES, "N_neg = ", "others", 64),
    SWEEP(NEGATIVES, "N_neg = ", "others", 256),
    SWEEP(LAST, "last ", "last", 1),
    SWEEP(LAST, "last ", "last", 2),
    SWEEP(LAST, "last ", "last", 3),
    SWEEP(LAST, "last ", "last", 5),
};

const hh_trial *hh_ablate_trial(size_t index)
{
    return index < sizeof trials / sizeof *trials ? &trials[index] : NULL;
}

static const struct {
    const char *name, *text;
} groups[] = {
#define GROUP_ROW(GROUP, name, text) {name, text},
    HH_TRIAL_GROUPS(GROUP_ROW)
#undef GROUP_ROW
};

const char *hh_trial_group_name(hh_trial_group group)
{
    return groups[group].name;
}

const char *hh_trial_group_text(hh_trial_group group)
{
    return groups[group].text;
}
