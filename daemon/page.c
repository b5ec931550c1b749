// The status page. No script, no file from elsewhere: it is read where there is no internet. It says what the
// metrics say, in the order in which one asks: is it well, does it keep up, is it any good, what does it
// hold.
#include "page.h"

#include "inputs.h"
#include "wire/html_text.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct hh_page {
    FILE *out;
    hh_metrics *metrics;
} hh_page;

static const char head[] =
    "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
    "<meta http-equiv=\"refresh\" content=\"5\"><title>hiphopd</title>\n<style>\n"
    ":root{color-scheme:light dark}\n"
    "body{font:15px/1.5 system-ui,sans-serif;max-width:56rem;margin:2rem auto;padding:0 1rem}\n"
    "h1{font-size:1.5rem;margin:0}h2{font-size:1rem;margin:1.6rem 0 .3rem}\n"
    "p{margin:.2rem 0}.quiet{opacity:.7}\n"
    ".state{padding:.5rem .8rem;border-left:.35rem solid;margin:1rem 0}\n"
    ".good{border-color:#2a8a4a}.wait{border-color:#b8860b}.bad{border-color:#c0392b}\n"
    "table{border-collapse:collapse;width:100%}\n"
    "th{font-weight:normal;text-align:left}td,th{padding:.15rem .6rem .15rem 0;vertical-align:top}\n"
    "td{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}\n"
    "tr+tr{border-top:1px solid #8884}meter{width:8rem}\n</style></head><body>\n";

// 1234567 as "1 234 567", with blanks that don't break.
static void put_count(FILE *out, double count)
{
    char digits[32];
    snprintf(digits, sizeof digits, "%.0f", count);
    size_t length = strlen(digits);
    for (size_t i = 0; i < length; i++)
        fprintf(out, "%s%c", i > 0 && (length - i) % 3 == 0 && digits[i - 1] != '-' ? "&#8239;" : "",
                digits[i]);
}

static void row_count(const hh_page *page, const char *what, double count)
{
    fprintf(page->out, "<tr><th>%s</th><td>", what);
    if (isnan(count))
        fputs("–", page->out);
    else
        put_count(page->out, count);
    fputs("</td></tr>\n", page->out);
}

static void row_seconds(const hh_page *page, const char *what, double seconds)
{
    if (isnan(seconds))
        fprintf(page->out, "<tr><th>%s</th><td>–</td></tr>\n", what);
    else if (fabs(seconds) < 0.001)
        fprintf(page->out, "<tr><th>%s</th><td>%.0f µs</td></tr>\n", what, seconds * 1e6);
    else if (fabs(seconds) < 1)
        fprintf(page->out, "<tr><th>%s</th><td>%.3g ms</td></tr>\n", what, seconds * 1e3);
    else if (fabs(seconds) < 7200)
        fprintf(page->out, "<tr><th>%s</th><td>%.0f s</td></tr>\n", what, seconds);
    else
        fprintf(page->out, "<tr><th>%s</th><td>%.1f h</td></tr>\n", what, seconds / 3600);
}

static double largest(const hh_page *page, hh_metric metric)
{
    double most = NAN;
    for (size_t partition = 0; partition < HH_METRIC_PARTITIONS; partition++)
        most = fmax(most, hh_metrics_value(page->metrics, metric, partition));
    return most;
}

static void begin(const hh_page *page, const char *title)
{
    fprintf(page->out, "<h2>%s</h2>\n<table>\n", title);
}

static void end(const hh_page *page)
{
    fputs("</table>\n", page->out);
}

static void put_state(const hh_page *page, const hh_http_options *options)
{
    char health[256] = "", readiness[256] = "";
    bool healthy = options->healthy(options->context, health, sizeof health);
    bool ready = options->ready(options->context, readiness, sizeof readiness);
    fprintf(page->out, "<div class=\"state %s\"><p><b>%s</b> ",
            !healthy ? "bad"
            : ready  ? "good"
                     : "wait",
            !healthy ? "Not well:"
            : ready  ? "Ready:"
                     : "Not ready yet:");
    hh_html_text(page->out, healthy ? readiness : health);
    fputs("</p></div>\n", page->out);
}

static void put_stream(const hh_page *page)
{
    hh_metrics *metrics = page->metrics;
    begin(page, "Stream");
    row_count(page, "clicks taken", hh_metrics_value(metrics, HH_METRIC_CLICKS, HH_OUTCOME_TAKEN));
    row_count(page, "lists written", hh_metrics_value(metrics, HH_METRIC_RECOMMENDATIONS, 0));
    row_count(page, "clicks too old for a list", hh_metrics_value(metrics, HH_METRIC_STALE, 0));
    row_count(page, "sessions closed", hh_metrics_sum(metrics, HH_METRIC_SESSIONS_CLOSED));
    row_count(page, "sessions open", hh_metrics_sum(metrics, HH_METRIC_SESSIONS_OPEN));
    row_count(page, "records waiting", hh_metrics_sum(metrics, HH_METRIC_LAG));
    row_seconds(page, "event time behind the clock, at most", largest(page, HH_METRIC_WATERMARK));
    row_seconds(page, "from click to list, median", hh_metrics_quantile(metrics, HH_METRIC_LATENCY, 0.5));
    row_seconds(page, "from click to list, 99 %", hh_metrics_quantile(metrics, HH_METRIC_LATENCY, 0.99));
    row_seconds(page, "making one list, median", hh_metrics_quantile(metrics, HH_METRIC_RECOMMEND, 0.5));
    row_count(page, "transactions aborted", hh_metrics_value(metrics, HH_METRIC_TRANSACTIONS, HH_ABORTED));
    end(page);
}

static void put_quality(const hh_page *page)
{
    double hr = hh_metrics_value(page->metrics, HH_METRIC_LIVE_HR, HH_LIST_HIPHOP);
    begin(page, "Live quality");
    if (isnan(hr)) {
        fputs("<tr><th>No list has been followed by a click yet.</th></tr>\n", page->out);
    } else {
        static const char *const lists[] = {"what hiphop published", "what was popular"};
        fputs("<tr><th class=\"quiet\">the next click was among the first 20, newest 8192</th><td>HR@20</td>"
              "<td>MRR@20</td></tr>\n",
              page->out);
        for (size_t list = 0; list < 2; list++)
            fprintf(page->out, "<tr><th>%s</th><td>%.1f %%</td><td>%.1f %%</td></tr>\n", lists[list],
                    100 * hh_metrics_value(page->metrics, HH_METRIC_LIVE_HR, list),
                    100 * hh_metrics_value(page->metrics, HH_METRIC_LIVE_MRR, list));
        fputs("<tr><th>clicks judged since the start</th><td></td><td>", page->out);
        put_count(page->out, hh_metrics_value(page->metrics, HH_METRIC_LIVE_TARGETS, 0));
        fputs("</td></tr>\n", page->out);
    }
    end(page);
}

// Absent where there is no ranker, and before its first lessons.
static void put_ranker(const hh_page *page)
{
    hh_metrics *metrics = page->metrics;
    static const char *const orders[] = {"in the ranker's order", "in the mixture's"};
    if (isnan(hh_metrics_value(metrics, HH_METRIC_RANKER_HR, HH_BY_RANKER)))
        return;
    begin(page, "Ranker");
    fprintf(page->out, "<tr><th class=\"quiet\">%s makes the lists</th><td>HR@20</td><td>MRR@20</td></tr>\n",
            hh_metrics_value(metrics, HH_METRIC_RANKER_ACTIVE, 0) > 0 ? "it"
                                                                      : "it is no better: the mixture");
    for (size_t order = 0; order < 2; order++)
        fprintf(page->out, "<tr><th>its lessons, %s</th><td>%.1f %%</td><td>%.1f %%</td></tr>\n",
                orders[order], 100 * hh_metrics_value(metrics, HH_METRIC_RANKER_HR, order),
                100 * hh_metrics_value(metrics, HH_METRIC_RANKER_MRR, order));
    end(page);
}

static void put_graph(const hh_page *page)
{
    hh_metrics *metrics = page->metrics;
    begin(page, "Graph");
    row_count(page, "clicks", hh_metrics_value(metrics, HH_METRIC_GRAPH_CLICKS, 0));
    row_count(page, "sessions", hh_metrics_value(metrics, HH_METRIC_GRAPH_SESSIONS, 0));
    row_count(page, "items", hh_metrics_value(metrics, HH_METRIC_GRAPH_ITEMS, 0));
    row_count(page, "megabytes", hh_metrics_value(metrics, HH_METRIC_GRAPH_MEMORY, 0) / 1e6);
    row_count(page, "records to learn from", hh_metrics_value(metrics, HH_METRIC_KEEPER_LAG, 0));
    end(page);
    begin(page, "Whom the mixture trusts");
    for (size_t expert = 0; expert < HH_EXPERTS; expert++) {
        double weight = hh_metrics_value(metrics, HH_METRIC_MIXTURE, expert);
        if (isnan(weight))
            continue;
        size_t length;
        const char *name = hh_metric_label(HH_METRIC_MIXTURE, expert, &length);
        fprintf(page->out, "<tr><th>%.*s</th><td><meter value=\"%.4f\"></meter></td><td>%.1f %%</td></tr>\n",
                (int)length, name, weight, 100 * weight);
    }
    end(page);
}

// Absent where no vectors of items are read; the second half also where another instance makes them.
static void put_semantics(const hh_page *page)
{
    hh_metrics *metrics = page->metrics;
    double up = hh_metrics_value(metrics, HH_METRIC_SEMANTICS_UP, 0);
    begin(page, "What items are");
    row_count(page, "vectors of items taken into the graph",
              hh_metrics_value(metrics, HH_METRIC_ITEM_VECTORS, HH_VECTOR_TAKEN));
    if (!isnan(hh_metrics_value(metrics, HH_METRIC_SEMANTICS_QUEUE, 0))) {
        fprintf(page->out, "<tr><th>the provider of vectors</th><td>%s</td></tr>\n",
                isnan(up) ? "not asked yet"
                : up > 0  ? "answers"
                          : "does not answer; see the log");
        row_count(page, "items that wait for theirs",
                  hh_metrics_value(metrics, HH_METRIC_SEMANTICS_QUEUE, 0));
        row_count(page, "texts made vectors", hh_metrics_value(metrics, HH_METRIC_SEMANTICS_TEXTS, 0));
        row_count(page, "questions that failed", hh_metrics_sum(metrics, HH_METRIC_SEMANTICS_FAILURES));
        row_seconds(page, "a question, median",
                    hh_metrics_quantile(metrics, HH_METRIC_SEMANTICS_SECONDS, 0.5));
    }
    end(page);
}

static void put_dead_letters(const hh_page *page)
{
    begin(page, "Dead letters");
    for (hh_dead_letter reason = 0; reason < HH_DEAD_LETTER_COUNT; reason++)
        row_count(page, hh_dead_letter_word(reason),
                  hh_metrics_value(page->metrics, HH_METRIC_DEAD_LETTERS, reason));
    end(page);
}

char *hh_page_render(const hh_http_options *options, size_t *length)
{
    char *text = NULL;
    hh_page page = {open_memstream(&text, length), options->metrics};
    const hh_config *config = options->config;
    if (!page.out)
        return NULL;
    fputs(head, page.out);
    fputs("<h1>hiphopd</h1>\n<p class=\"quiet\">" HH_VERSION ", instance ", page.out);
    hh_html_text(page.out, config->instance.id);
    fputs(", group ", page.out);
    hh_html_text(page.out, config->kafka.group);
    fputs(": ", page.out);
    hh_html_text(page.out, config->topics.clicks);
    fputs(" → ", page.out);
    hh_html_text(page.out, config->topics.recommendations);
    fputs("</p>\n", page.out);
    put_state(&page, options);
    put_stream(&page);
    if (config->recommend.enabled) {
        put_quality(&page);
        put_ranker(&page);
        put_graph(&page);
        if (hh_vectors_read(config))
            put_semantics(&page);
    }
    put_dead_letters(&page);
    fputs("<p class=\"quiet\">Counts and latencies are since the start of the process. For machines: <a "
          "href=\"metrics\">/metrics</a>, <a href=\"health\">/health</a>, "
          "<a href=\"ready\">/ready</a>.</p>\n</body></html>\n",
          page.out);
    bool failed = ferror(page.out);
    if (fclose(page.out) != 0 || failed) {
        free(text);
        return NULL;
    }
    return text;
}
