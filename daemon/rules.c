// What must hold between settings. Each rule is a sentence that says what to change.
#include "rules.h"

#include "inputs.h"
#include "values.h"
#include "wire/kafka.h"
#include "wire/records.h"
#include <arpa/inet.h>
#include <hiphop/semantics.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct rules {
    const hh_settings *settings;
    const hh_config *config;
    hh_say *complain;
    void *context;
    bool failed;
} rules;

static void complain(rules *check, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static void complain(rules *check, const char *name, const char *format, ...)
{
    char sentence[1024];
    hh_settings_place(check->settings, hh_config_find(name), sentence, sizeof sentence / 2);
    size_t used = strlen(sentence);
    va_list arguments;
    va_start(arguments, format);
    used += (size_t)snprintf(sentence + used, sizeof sentence - used, ": ");
    vsnprintf(sentence + used, sizeof sentence - used, format, arguments);
    va_end(arguments);
    check->failed = true;
    check->complain(check->context, sentence);
}

static void value(const rules *check, const char *name, char *text, size_t size)
{
    hh_value_print(hh_config_find(name), check->config, text, size);
}

// Complains where the duration `name` is longer than `bound`.
static void not_longer(rules *check, const char *name, hh_time duration, const char *bound, hh_time limit,
                       const char *why)
{
    char is[64], may[64];
    if (duration <= limit)
        return;
    value(check, name, is, sizeof is);
    value(check, bound, may, sizeof may);
    complain(check, name, "%s is longer than %s, %s: %s", is, bound, may, why);
}

static void check_session(rules *check)
{
    const hh_sessionizer_options *session = &check->config->session;
    not_longer(check, "session.gap", session->gap, "session.max_duration", session->max_duration,
               "sessions would end before a pause could end them");
    not_longer(check, "session.lateness", session->lateness, "session.max_duration", session->max_duration,
               "waiting for late clicks would keep sessions open longer than a session may last");
}

static void check_graph(rules *check)
{
    const hh_time *half_life = check->config->graph.pop_half_life;
    if (half_life[0] > half_life[1] || half_life[1] > half_life[2])
        complain(check, "graph.pop_half_life", "the half-lives go from short to long");
}

static void not_empty(rules *check, const char *name, const char *text, const char *what)
{
    if (text[0] == '\0')
        complain(check, name, "this is empty; %s", what);
}

static void check_clicks(rules *check)
{
    const hh_config *config = check->config;
    bool avro = config->clicks.format == 1;
    if (avro && config->clicks.schema[0] == '\0')
        complain(check, "clicks.format", "to read avro, name the file of its schema in clicks.schema");
    if (!avro && config->clicks.schema[0] != '\0')
        complain(check, "clicks.schema", "json needs no schema; remove this, or set clicks.format to avro");
    not_empty(check, "clicks.fields.visitor", config->clicks.fields.visitor, "name the field of the visitor");
    not_empty(check, "clicks.fields.item", config->clicks.fields.item, "name the field of the item");
    not_empty(check, "clicks.fields.timestamp", config->clicks.fields.timestamp,
              "name the field of the time");
}

static void check_items(rules *check)
{
    const hh_config *config = check->config;
    bool avro = config->items.format == HH_FORMAT_AVRO;
    if (avro && config->items.schema[0] == '\0')
        complain(check, "items.format", "to read avro, name the file of its schema in items.schema");
    if (!avro && config->items.schema[0] != '\0')
        complain(check, "items.schema", "json needs no schema; remove this, or set items.format to avro");
}

static void check_sources(rules *check)
{
    const hh_config *config = check->config;
    const hh_list *sources = &config->semantics.sources;
    bool own = config->semantics.provider != HH_SEMANTICS_TOPIC;
    hh_vector_source known[HH_DESCRIPTIONS];
    hh_error error;
    if (!hh_source_name_valid((hh_text){config->semantics.source, strlen(config->semantics.source)}))
        complain(check, "semantics.source", "\"%.100s\" is not 1 to %d letters, digits, '.', '_' and '-'",
                 config->semantics.source, HH_SOURCE_MAX);
    if (!own && sources->count == 0)
        complain(check, "semantics.provider",
                 "topic uses the vectors that others write; name their sources in semantics.sources");
    if (hh_vector_sources(config, known, &error) == 0)
        complain(check, "semantics.sources", "%s", error.message);
}

// A password in it would be shown wherever settings are.
static void check_url(rules *check)
{
    const char *url = check->config->semantics.url;
    const char *host = strstr(url, "://");
    if (url[0] == '\0') {
        complain(check, "semantics.provider",
                 "http needs an address in semantics.url, as https://api.example.com/v1/embeddings");
        return;
    }
    if (strncmp(url, "http://", 7) != 0 && strncmp(url, "https://", 8) != 0) {
        complain(check, "semantics.url", "it begins with neither https:// nor http://");
        return;
    }
    host += 3;
    if (memchr(host, '@', strcspn(host, "/?#")))
        complain(check, "semantics.url", "a user or password must not stand in it; see semantics.key_file");
}

static void check_semantics(rules *check)
{
    const hh_config *config = check->config;
    hh_error error;
    if (config->semantics.provider == HH_SEMANTICS_NONE)
        return;
    check_items(check);
    check_sources(check);
    if (config->topics.item_vectors[0] == '\0')
        complain(check, "semantics.provider",
                 "vectors stand in topics.item_vectors, which is empty; name it, or set this to none");
    if (config->topics.items[0] == '\0' && config->semantics.provider != HH_SEMANTICS_TOPIC)
        complain(check, "semantics.provider",
                 "vectors are made of what is in topics.items, which is empty; name it, or set this to "
                 "topic or none");
    if (config->semantics.provider == HH_SEMANTICS_HTTP)
        check_url(check);
    hh_template *template = hh_template_new(config->semantics.template, &error);
    if (!template)
        complain(check, "semantics.template", "%s", error.message);
    hh_template_free(template);
}

// A topic that is read and written would feed the daemon with its own output.
static void check_topics(rules *check)
{
    static const char *const names[] = {"topics.clicks",     "topics.items",        "topics.recommendations",
                                        "topics.sessions",   "topics.item_vectors", "topics.models",
                                        "topics.embeddings", "topics.quality",      "topics.dead_letters"};
    enum { COUNT = sizeof names / sizeof *names };
    char topics[COUNT][256];
    for (size_t i = 0; i < COUNT; i++) {
        value(check, names[i], topics[i], sizeof topics[i]);
        for (size_t j = 0; j < i; j++)
            if (topics[i][0] != '\0' && strcmp(topics[i], topics[j]) == 0)
                complain(check, names[i], "\"%s\" is %s already; each needs a topic of its own", topics[i],
                         names[j]);
    }
}

// librdkafka looks at some properties, and at what they are together, only as it makes a client. Takes the
// configuration over.
static bool can_be_made(rules *check, hh_kafka_role role, rd_kafka_conf_t *conf)
{
    char trouble[300];
    bool producer = role >= HH_KAFKA_PRODUCER;
    const char *name = role == HH_KAFKA_WORKER          ? "group.id"
                       : role == HH_KAFKA_TRANSACTIONAL ? "transactional.id"
                                                        : "client.id";
    rd_kafka_conf_set_log_cb(conf, NULL);
    rd_kafka_t *client = NULL;
    if (rd_kafka_conf_set(conf, name, "hiphop-check", trouble, sizeof trouble) == RD_KAFKA_CONF_OK)
        client =
            rd_kafka_new(producer ? RD_KAFKA_PRODUCER : RD_KAFKA_CONSUMER, conf, trouble, sizeof trouble);
    if (client) {
        rd_kafka_destroy_flags(client, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
        return true;
    }
    rd_kafka_conf_destroy(conf);
    complain(check, "kafka.properties", "no Kafka client can be made: %s", trouble);
    return false;
}

// Each property by itself, so that all that is wrong is told at once.
static bool can_be_set(rules *check)
{
    const hh_config *config = check->config;
    bool good = true;
    for (size_t i = 0; i < config->kafka.properties.count; i++) {
        hh_error error;
        rd_kafka_conf_t *conf = hh_kafka_conf(HH_KAFKA_WORKER, config->kafka.brokers,
                                              &config->kafka.properties.items[i], 1, &error);
        if (conf)
            rd_kafka_conf_destroy(conf);
        else
            complain(check, "kafka.properties", "%s", error.message);
        good = good && conf;
    }
    return good;
}

static void check_kafka(rules *check)
{
    const hh_config *config = check->config;
    not_empty(check, "kafka.brokers", config->kafka.brokers, "name at least one broker, host:port");
    not_empty(check, "kafka.group", config->kafka.group, "name the consumer group");
    if (config->kafka.brokers[0] == '\0' || !can_be_set(check))
        return;
    for (hh_kafka_role role = HH_KAFKA_WORKER; role <= HH_KAFKA_ADMIN; role++) {
        hh_error error;
        rd_kafka_conf_t *conf = hh_kafka_conf(role, config->kafka.brokers, config->kafka.properties.items,
                                              config->kafka.properties.count, &error);
        if (!conf) {
            complain(check, "kafka.properties", "%s", error.message);
            return; // the other roles have the same to say
        }
        if (!can_be_made(check, role, conf))
            return;
    }
}

static void check_instance(rules *check)
{
    const char *id = check->config->instance.id;
    size_t length = strlen(id);
    for (size_t i = 0; i < length; i++)
        if (id[i] <= ' ' || id[i] > '~') {
            complain(check, "instance.id", "\"%.200s\" has blanks or other than ASCII letters in it", id);
            return;
        }
    if (length > 200)
        complain(check, "instance.id", "this is longer than 200 letters");
}

hh_status hh_address_split(const char *address, char host[HH_HOST_SIZE], uint16_t *port, hh_error *error)
{
    const char *colon = strrchr(address, ':');
    const char *begin = address, *end = colon;
    if (colon && address[0] == '[' && colon > address && colon[-1] == ']') {
        begin++;
        end--;
    }
    unsigned long number = colon ? strtoul(colon + 1, NULL, 10) : 0;
    bool digits = colon && colon[1] != '\0' && strspn(colon + 1, "0123456789") == strlen(colon + 1);
    unsigned char binary[sizeof(struct in6_addr)];
    if (!digits || number > 65535 || end - begin >= HH_HOST_SIZE || end <= begin)
        return hh_fail(error, HH_FORMAT,
                       "\"%.100s\" is not an address and port; write 127.0.0.1:9464 or "
                       "[::1]:9464",
                       address);
    snprintf(host, HH_HOST_SIZE, "%.*s", (int)(end - begin), begin);
    *port = (uint16_t)number;
    if (inet_pton(begin > address ? AF_INET6 : AF_INET, host, binary) != 1)
        return hh_fail(error, HH_FORMAT,
                       "\"%s\" is not a numeric address; write 127.0.0.1:9464, [::1]:9464, or "
                       "0.0.0.0:9464 for all",
                       host);
    return HH_OK;
}

static void check_http(rules *check)
{
    char host[HH_HOST_SIZE];
    uint16_t port;
    hh_error error;
    if (check->config->http.listen[0] != '\0' &&
        hh_address_split(check->config->http.listen, host, &port, &error) != HH_OK)
        complain(check, "http.listen", "%s", error.message);
}

hh_status hh_rules_check(const hh_settings *settings, hh_say *complain_to, void *context)
{
    rules check = {settings, hh_settings_config(settings), complain_to, context, false};
    check_instance(&check);
    check_kafka(&check);
    check_topics(&check);
    check_clicks(&check);
    check_semantics(&check);
    check_session(&check);
    check_graph(&check);
    check_http(&check);
    return check.failed ? HH_ARGUMENT : HH_OK;
}
