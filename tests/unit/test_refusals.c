// What Kafka refuses, in words, and for how long a pulse shows it.
#include "daemon/rights.h"
#include "daemon/settings.h"
#include <criterion/criterion.h>
#include <string.h>

typedef struct stage {
    hh_settings *settings;
    hh_shared shared;
    hh_pulse pulse;
} stage;

static void begin(stage *s)
{
    *s = (stage){.settings = hh_settings_new()};
    cr_assert_eq(hh_settings_set(s->settings, "kafka.group=shop", NULL, NULL), HH_OK);
    cr_assert_eq(hh_settings_set(s->settings, "instance.id=one", NULL, NULL), HH_OK);
    s->shared.config = hh_settings_config(s->settings);
    s->pulse.shared = &s->shared;
}

Test(refusals, name_the_right_and_what_it_is_missing_on)
{
    static const struct {
        rd_kafka_resp_err_t code;
        hh_right right;
        const char *sentence;
    } cases[] = {
        {RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED,
         {0},
         "Kafka's user lacks the right Read on the group shop"},
        {RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED,
         {.office = "trainer"},
         "Kafka's user lacks the right Read on the group shop.trainer"},
        {RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
         {0},
         "Kafka's user lacks the right Write on transactional ids that begin with shop-one-w"},
        {RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
         {.office = "trainer"},
         "Kafka's user lacks the right Write on the transactional id shop.trainer"},
        {RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED,
         {.topic = "clicks", .operation = "Read"},
         "Kafka's user lacks the right Read on the topic clicks"},
        {RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED,
         {.operation = "Write"},
         "Kafka's user lacks the right Write on a topic; the log says which"},
        {RD_KAFKA_RESP_ERR_INVALID_SESSION_TIMEOUT,
         {0},
         "the brokers refuse session.timeout.ms in kafka.properties: theirs are "
         "group.min.session.timeout.ms to group.max.session.timeout.ms"},
        {RD_KAFKA_RESP_ERR_INVALID_TRANSACTION_TIMEOUT,
         {0},
         "the brokers refuse transaction.timeout.ms in kafka.properties: it is more than their "
         "transaction.max.timeout.ms"},
        {RD_KAFKA_RESP_ERR_INCONSISTENT_GROUP_PROTOCOL,
         {0},
         "the group shop has members that share partitions out in another way: if they are no hiphopd, "
         "choose another kafka.group"},
        {RD_KAFKA_RESP_ERR__AUTHENTICATION,
         {0},
         "Kafka refuses the login: sasl.mechanism, sasl.username or sasl.password is wrong"},
    };
    stage s;
    begin(&s);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[HH_REFUSAL_SIZE], shown[HH_REFUSAL_SIZE];
        cr_expect_str_eq(hh_refusal(&s.pulse, cases[i].code, "said", &cases[i].right, text),
                         cases[i].sentence);
        cr_expect(hh_refused(&s.pulse, 0, shown));
        if (!cases[i].right.office) // an office's pulse is not what /ready looks at
            cr_expect_str_eq(shown, cases[i].sentence);
    }
    hh_settings_free(s.settings);
}

Test(refusals, are_shown_until_it_works_again)
{
    stage s;
    char text[HH_REFUSAL_SIZE];
    begin(&s);
    cr_assert_not(hh_refused(&s.pulse, 0, text));
    const char *said = "nothing of the kind";
    cr_assert_eq(hh_refusal(&s.pulse, RD_KAFKA_RESP_ERR__TRANSPORT, said, &(hh_right){0}, text), said);
    cr_assert_not(hh_refused(&s.pulse, 0, text));
    hh_refusal(&s.pulse, RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED, said, &(hh_right){0}, text);
    cr_assert(hh_refused(&s.pulse, 10000, text));
    atomic_store(&s.pulse.refused_at, hh_steady_clock() - 10001);
    cr_assert_not(hh_refused(&s.pulse, 10000, text));
    cr_assert(hh_refused(&s.pulse, 0, text));
    hh_not_refused(&s.pulse);
    cr_assert_not(hh_refused(&s.pulse, 0, text));
    hh_settings_free(s.settings);
}

Test(refusals, of_long_names_fit)
{
    stage s;
    char long_name[300] = "kafka.group=", text[HH_REFUSAL_SIZE];
    begin(&s);
    memset(long_name + 12, 'g', 249);
    long_name[12 + 249] = '\0';
    cr_assert_eq(hh_settings_set(s.settings, long_name, NULL, NULL), HH_OK);
    hh_refusal(&s.pulse, RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED, "", &(hh_right){.office = "semantics"},
               text);
    cr_assert(strstr(text, "gggg.semantics"), "%s", text);
    hh_settings_free(s.settings);
}
