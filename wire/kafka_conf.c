// The settings of librdkafka's clients: ours, and what users may not change. Everything else is theirs.
#include "wire/kafka.h"

#include <string.h>

// ---- what is refused ----

static const hh_kafka_refusal refusals[] = {
    {"bootstrap.servers", "the brokers are an option of their own, kafka.brokers"},
    {"metadata.broker.list", "the brokers are an option of their own, kafka.brokers"},
    {"group.id", "the group holds hiphop's position in the clicks; it is an option of its own"},
    {"group.instance.id", "each worker must have its own, the same after a restart; hiphop makes it from the "
                          "name of the instance"},
    {"transactional.id",
     "each worker must have its own, the same after a restart, so that Kafka can fence off a "
     "worker that only seems dead"},
    {"enable.auto.commit",
     "a position may only be committed together with everything made of the clicks before it"},
    {"auto.commit.enable",
     "a position may only be committed together with everything made of the clicks before it"},
    {"offset.store.method", "positions are kept in Kafka, with what the open sessions need"},
    {"enable.auto.offset.store",
     "a position may only be committed together with everything made of the clicks "
     "before it"},
    {"auto.offset.reset",
     "hiphop knows where to begin: at the committed position or at the beginning of the log"},
    {"isolation.level", "a record of an aborted transaction never happened and must not be read"},
    {"enable.partition.eof",
     "hiphop must know when it stands at the end of a partition, to close idle sessions"},
    {"partition.assignment.strategy",
     "all workers of a group must share one, and another one stops all of them "
     "whenever a single one comes or goes"},
    {"enable.idempotence", "without it a retry may write a record twice, or two records in the wrong order"},
    {"acks", "a record counts as written when all replicas in sync have it"},
    {"request.required.acks", "a record counts as written when all replicas in sync have it"},
    {"partitioner",
     "records are partitioned as Java clients do, so that other teams can join them by their key"},
    {"delivery.report.only.error", "hiphop must hear of every record that was written"},
    {"allow.auto.create.topics", "a topic that comes into being by being read has the wrong settings"},
};

const hh_kafka_refusal *hh_kafka_refusals(size_t *count)
{
    *count = sizeof refusals / sizeof *refusals;
    return refusals;
}

// ---- what is set ----

enum {
    WORKER = 1 << HH_KAFKA_WORKER,
    KEEPER = 1 << HH_KAFKA_KEEPER,
    READER = 1 << HH_KAFKA_READER | KEEPER,
    TRANSACTIONAL = 1 << HH_KAFKA_TRANSACTIONAL,
    PRODUCER = 1 << HH_KAFKA_PRODUCER | TRANSACTIONAL,
    ADMIN = 1 << HH_KAFKA_ADMIN,
    CONSUMER = WORKER | READER,
    ANY = CONSUMER | PRODUCER | ADMIN
};

static const struct {
    int roles;
    const char *property, *value;
} settings[] = {
    {ANY, "client.id", "hiphop"},
    {ANY, "log.connection.close", "false"}, // brokers close idle connections all the time
    {ANY, "socket.nagle.disable", "true"},  // a small record must not wait for the next one
    {ANY, "socket.keepalive.enable", "true"},
    {ANY, "reconnect.backoff.max.ms", "2000"}, // 10 s by default: a broker that is back should be used

    {CONSUMER, "enable.auto.commit", "false"},
    {CONSUMER, "enable.auto.offset.store", "false"},
    {CONSUMER, "auto.offset.reset", "earliest"},
    {CONSUMER, "isolation.level", "read_committed"},
    {CONSUMER, "enable.partition.eof", "true"},
    // The fetcher backs off for a second whenever this many messages wait, 100000 by default: with small
    // clicks that halves the throughput. Memory is bounded by the kilobytes instead.
    {CONSUMER, "queued.min.messages", "1000000"},
    {CONSUMER, "queued.max.messages.kbytes", "65536"},
    {CONSUMER, "fetch.error.backoff.ms", "50"},
    {WORKER, "partition.assignment.strategy", "cooperative-sticky"},
    // Workers are static members: whoever is back within this time finds its partitions untouched, and only
    // after it others take them over. 45 s by default: too long to leave visitors without lists.
    {WORKER, "session.timeout.ms", "10000"},
    // How often it looks for partitions that a topic was given: clicks wait in them till then. 5 min by
    // default.
    {WORKER, "topic.metadata.refresh.interval.ms", "10000"},
    // A broker answers the requests of a client in turn: whoever asks for the end of an idle log, as the
    // worker does before it lets time pass, waits until the fetch before it is answered. 500 ms by default.
    {WORKER, "fetch.wait.max.ms", "100"},
    // librdkafka insists on a group for any consumer; readers assign partitions and never commit.
    {READER, "group.id", "hiphop-reader"},
    // A click is in the graph within 20 ms, in answers that hold many: an answer for each click is as much
    // work for the broker as its list.
    {KEEPER, "fetch.min.bytes", "65536"},
    {KEEPER, "fetch.wait.max.ms", "20"},

    {PRODUCER, "enable.idempotence", "true"}, // implies acks=all
    {PRODUCER, "partitioner", "murmur2_random"},
    {PRODUCER, "compression.type", "lz4"}, // lists of recommendations shrink to a fifth
    // Records that come within a millisecond of each other go out together: at 1,000 a second a request for
    // each keeps a broker's core busy, and what waits for the core is later than that.
    {PRODUCER, "linger.ms", "1"},
    // Nobody reads a record before the commit, which sends what waits: in larger batches, at less work.
    {TRANSACTIONAL, "linger.ms", "30"},
    {PRODUCER, "queue.buffering.max.messages", "200000"},
    {PRODUCER, "queue.buffering.max.kbytes", "262144"},
    // A transaction that begins while the broker still settles the last one is told to try again, and 100 ms
    // (the default) are five transactions.
    {PRODUCER, "retry.backoff.ms", "10"},
    // Who was killed in mid-transaction and does not come back keeps readers waiting for this long.
    {PRODUCER, "transaction.timeout.ms", "10000"},
};

// Where the key of "key=value" ends, or NULL.
static const char *equals_sign(const char *property)
{
    const char *sign = property ? strchr(property, '=') : NULL;
    return sign == property ? NULL : sign;
}

// librdkafka takes a property of topics with "topic." before it, too.
static const hh_kafka_refusal *refusal_of(const char *key)
{
    key += strncmp(key, "topic.", 6) == 0 ? 6 : 0;
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++)
        if (strcmp(key, refusals[i].property) == 0)
            return &refusals[i];
    return NULL;
}

static hh_status apply(rd_kafka_conf_t *conf, const char *property, hh_error *error)
{
    char key[128], trouble[300];
    const char *sign = equals_sign(property);
    if (!sign) // might hold a password: show no more than what looks like a key
        return hh_fail(error, HH_ARGUMENT, "a Kafka property must be written as key=value, unlike \"%.*s\"",
                       property ? (int)strspn(property, "abcdefghijklmnopqrstuvwxyz._") : 0,
                       property ? property : "");
    size_t length = (size_t)(sign - property);
    if (length >= sizeof key)
        return hh_fail(error, HH_ARGUMENT, "no Kafka property has a name of %zu bytes", length);
    memcpy(key, property, length);
    key[length] = '\0';
    const hh_kafka_refusal *refusal = refusal_of(key);
    if (refusal)
        return hh_fail(error, HH_ARGUMENT, "the Kafka property %s can't be set: %s", key, refusal->reason);
    if (rd_kafka_conf_set(conf, key, sign + 1, trouble, sizeof trouble) != RD_KAFKA_CONF_OK)
        return hh_fail(error, HH_ARGUMENT, "the Kafka property %s can't be set: %s", key, trouble);
    return HH_OK;
}

rd_kafka_conf_t *hh_kafka_conf(hh_kafka_role role, const char *brokers, const char *const *properties,
                               size_t count, hh_error *error)
{
    char trouble[300];
    if (!brokers || !*brokers) {
        hh_fail(error, HH_ARGUMENT, "no Kafka broker is named");
        return NULL;
    }
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    hh_status status = HH_OK;
    if (rd_kafka_conf_set(conf, "bootstrap.servers", brokers, trouble, sizeof trouble) != RD_KAFKA_CONF_OK)
        status = hh_fail(error, HH_ARGUMENT, "the Kafka brokers can't be used: %s", trouble);
    for (size_t i = 0; i < sizeof settings / sizeof *settings && status == HH_OK; i++)
        if (settings[i].roles & 1 << role && rd_kafka_conf_set(conf, settings[i].property, settings[i].value,
                                                               trouble, sizeof trouble) != RD_KAFKA_CONF_OK)
            status = hh_fail(error, HH_ARGUMENT, "this librdkafka (%s) can't set %s: %s",
                             rd_kafka_version_str(), settings[i].property, trouble);
    for (size_t i = 0; i < count && status == HH_OK; i++)
        status = apply(conf, properties[i], error);
    if (status == HH_OK)
        return conf;
    rd_kafka_conf_destroy(conf);
    return NULL;
}
