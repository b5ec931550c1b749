// The page of hiphop ablate: drawn by us as SVG, one file, readable in light and dark, on paper and years
// from now.
#include "ablate_output.h"
#include "pace.h"
#include "wire/html_text.h"

#include <hiphop/model_file.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct page {
    FILE *out;
    const ablation *all;
} page;

static const struct {
    hh_ablate_list list;
    const char *title, *style;
} shown[] = {{HH_LIST_NETWORK, "network alone", "a"},
             {HH_LIST_HIPHOP, "hiphop: graph, network and ranker", "b"}};
#define SHOWN 2

static void put_head(const page *self, const cli_args *args)
{
    char when[MOMENT_SIZE];
    fputs(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
        "<title>hiphop ablate</title>\n<style>\n"
        ":root { color-scheme: light dark; --ink: #1b1f24; --soft: #6a737d; --line: #d5d9de; --paper: #fff;\n"
        "  --a: #0b62b8; --b: #b3450f }\n"
        "@media (prefers-color-scheme: dark) { :root { --ink: #e6e8eb; --soft: #9aa4af; --line: #3a414a;\n"
        "  --paper: #14171b; --a: #6cb3ff; --b: #ff9d66 } }\n"
        "body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper);\n"
        "  max-width: 74rem; margin: 2rem auto; padding: 0 1rem }\n"
        "h1 { font-size: 1.5rem } h2 { font-size: 1.15rem; margin-top: 2.5rem }\n"
        "code, pre { font: 13px/1.4 ui-monospace, monospace } pre { white-space: pre-wrap }\n"
        "p.soft, figcaption { color: var(--soft) } figure { margin: 1rem 0; overflow-x: auto }\n"
        "table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: 13px }\n"
        "th, td { padding: .2rem .45rem; border-bottom: 1px solid var(--line); text-align: right;\n"
        "  white-space: nowrap } th:first-child, td:first-child { text-align: left }\n"
        "svg { font: 12px system-ui, sans-serif; fill: var(--ink); max-width: 100%; height: auto }\n"
        "svg .soft { fill: var(--soft) } svg .grid { stroke: var(--line) } svg .zero { stroke: var(--soft) "
        "}\n"
        "svg .a { stroke: var(--a); fill: var(--a) } svg .b { stroke: var(--b); fill: var(--paper) }\n"
        "svg polyline { fill: none !important } svg .b.bar { fill: none }\n"
        "</style>\n</head>\n<body>\n<h1>What each part earns</h1>\n<p>",
        self->out);
    hh_html_text(self->out, self->all->data);
    fputs(".</p>\n<pre>hiphop ablate", self->out);
    for (int i = 0; i < args->argc; i++) {
        fputc(' ', self->out);
        hh_html_text(self->out, args->argv[i]);
    }
    fprintf(self->out, "</pre>\n<p class=\"soft\">hiphop %s, %s; %zu of %u runs. ", HH_VERSION,
            moment(wall_now(), when), self->all->count, self->all->planned);
    hh_html_text(self->out, self->all->protocol);
    fputs(".</p>\n", self->out);
}

// ---- scales ----

typedef struct axis {
    double low, high, step; // of the figures
    double from, to;        // in the picture
} axis;

static double place(const axis *scale, double value)
{
    return scale->from + (value - scale->low) / (scale->high - scale->low) * (scale->to - scale->from);
}

// Widens it to round numbers, four steps or a few more.
static void make_round(axis *scale)
{
    double span = scale->high - scale->low;
    if (!(span > 1e-9))
        span = 0.1;
    double step = pow(10, floor(log10(span / 4)));
    step *= span / 4 / step > 5 ? 10 : span / 4 / step > 2 ? 5 : span / 4 / step > 1 ? 2 : 1;
    scale->low = step * floor(scale->low / step - 1e-9);
    scale->high = step * ceil(scale->high / step + 1e-9);
    scale->step = step;
}

static void include(axis *scale, const hh_spread *spread)
{
    if (spread->count == 0)
        return;
    scale->low = fmin(scale->low, 100 * (spread->mean - spread->deviation));
    scale->high = fmax(scale->high, 100 * (spread->mean + spread->deviation));
}

// ---- a group of parts: how much more each has than what it is held against ----

static const hh_spread *more_of(const hh_trial_summary *row, int metric, hh_ablate_list list)
{
    return metric == 0 ? &row->hr_more[list] : &row->mrr_more[list];
}

static const hh_spread *figure_of(const hh_trial_summary *row, int metric, hh_ablate_list list)
{
    return metric == 0 ? &row->hr[list] : &row->mrr[list];
}

static const char *const metrics[] = {"HR@20", "MRR@20"};

typedef struct group_rows {
    const hh_trial *trial[64];
    hh_trial_summary row[64];
    size_t count;
} group_rows;

static void find_rows(const ablation *all, hh_trial_group group, bool held, group_rows *rows)
{
    const hh_trial *trial;
    rows->count = 0;
    for (size_t i = 0; (trial = hh_ablate_trial(i)) && rows->count < 64; i++) {
        if (trial->group != group || (held && !trial->against))
            continue;
        rows->trial[rows->count] = trial;
        hh_ablate_summary(all->runs, all->count, trial, &rows->row[rows->count]);
        rows->count += rows->row[rows->count].runs > 0;
    }
}

#define ROW_HEIGHT 30
#define TOP        30

static void put_parts_panel(const page *self, const group_rows *rows, int metric, double from, double to)
{
    axis scale = {0, 0, 1, from, to};
    double bottom = TOP + (double)rows->count * ROW_HEIGHT;
    for (size_t r = 0; r < rows->count; r++)
        for (int s = 0; s < SHOWN; s++)
            include(&scale, more_of(&rows->row[r], metric, shown[s].list));
    make_round(&scale);
    fprintf(self->out, "<text x=\"%.0f\" y=\"16\" text-anchor=\"middle\">%s, points more</text>\n",
            (from + to) / 2, metrics[metric]);
    for (double tick = scale.low; tick < scale.high + scale.step / 2; tick += scale.step) {
        bool zero = fabs(tick) < scale.step / 2;
        fprintf(self->out,
                "<line class=\"%s\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%d\" y2=\"%.1f\"/>"
                "<text class=\"soft\" x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">%s%.3g</text>\n",
                zero ? "zero" : "grid", place(&scale, tick), place(&scale, tick), TOP - 6, bottom,
                place(&scale, tick), bottom + 16, !zero && tick > 0 ? "+" : "", zero ? 0 : tick);
    }
    for (size_t r = 0; r < rows->count; r++)
        for (int s = 0; s < SHOWN; s++) {
            const hh_spread *more = more_of(&rows->row[r], metric, shown[s].list);
            double y = TOP + ((double)r + 0.5) * ROW_HEIGHT + (s - 0.5) * 9 - 3;
            double mean = 100 * more->mean, deviation = 100 * more->deviation;
            if (more->count == 0)
                continue;
            fprintf(self->out,
                    "<line class=\"%s bar\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\"/>"
                    "<circle class=\"%s\" cx=\"%.1f\" cy=\"%.1f\" r=\"3.5\"><title>%+.2f ± %.2f</title>"
                    "</circle>\n",
                    shown[s].style, place(&scale, mean - deviation), place(&scale, mean + deviation), y, y,
                    shown[s].style, place(&scale, mean), y, mean, deviation);
        }
}

static void put_key(const page *self, double x, double y)
{
    for (int s = 0; s < SHOWN; s++)
        fprintf(
            self->out,
            "<circle class=\"%s\" cx=\"%.0f\" cy=\"%.0f\" r=\"3.5\"/><text x=\"%.0f\" y=\"%.0f\">%s</text>\n",
            shown[s].style, x + s * 150, y - 4, x + 8 + s * 150, y, shown[s].title);
}

static void put_parts(const page *self, const group_rows *rows)
{
    double height = TOP + (double)rows->count * ROW_HEIGHT + 48;
    fprintf(self->out, "<figure><svg role=\"img\" viewBox=\"0 0 900 %.0f\" width=\"900\" height=\"%.0f\">\n",
            height, height);
    for (size_t r = 0; r < rows->count; r++) {
        fprintf(self->out, "<text x=\"0\" y=\"%.0f\">", TOP + ((double)r + 0.5) * ROW_HEIGHT + 1);
        hh_html_text(self->out, rows->trial[r]->name);
        fputs("</text>\n", self->out);
    }
    put_parts_panel(self, rows, 0, 220, 530);
    put_parts_panel(self, rows, 1, 580, 880);
    put_key(self, 225, height - 6);
    fputs("</svg><figcaption>Each against the trial without (or with) it alone, seed by seed; bars: one "
          "standard deviation over the seeds.</figcaption></figure>\n",
          self->out);
}

// ---- a sweep: the figures by the number of something ----

#define SWEEP_BOTTOM 220

static void put_series(const page *self, const group_rows *rows, int metric, int s, const axis *across,
                       const axis *up)
{
    fprintf(self->out, "<polyline class=\"%s\" points=\"", shown[s].style);
    for (size_t r = 0; r < rows->count; r++)
        fprintf(self->out, "%.1f,%.1f ", place(across, (double)r),
                place(up, 100 * figure_of(&rows->row[r], metric, shown[s].list)->mean));
    fputs("\"/>\n", self->out);
    for (size_t r = 0; r < rows->count; r++) {
        const hh_spread *figure = figure_of(&rows->row[r], metric, shown[s].list);
        double mean = 100 * figure->mean, deviation = 100 * figure->deviation, x = place(across, (double)r);
        fprintf(
            self->out,
            "<line class=\"%s bar\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\"/>"
            "<circle class=\"%s\" cx=\"%.1f\" cy=\"%.1f\" r=\"3.5\"><title>%.2f ± %.2f</title></circle>\n",
            shown[s].style, x, x, place(up, mean - deviation), place(up, mean + deviation), shown[s].style, x,
            place(up, mean), mean, deviation);
    }
}

static void put_sweep_panel(const page *self, const group_rows *rows, int metric, double from, double to)
{
    axis across = {0, rows->count > 1 ? (double)rows->count - 1 : 1, 1, from + 20, to - 20};
    axis up = {INFINITY, -INFINITY, 1, SWEEP_BOTTOM, TOP};
    for (size_t r = 0; r < rows->count; r++)
        for (int s = 0; s < SHOWN; s++)
            include(&up, figure_of(&rows->row[r], metric, shown[s].list));
    make_round(&up);
    fprintf(self->out, "<text x=\"%.0f\" y=\"16\" text-anchor=\"middle\">%s, per cent</text>\n",
            (from + to) / 2, metrics[metric]);
    for (double tick = up.low; tick < up.high + up.step / 2; tick += up.step)
        fprintf(self->out,
                "<line class=\"grid\" x1=\"%.0f\" x2=\"%.0f\" y1=\"%.1f\" y2=\"%.1f\"/>"
                "<text class=\"soft\" x=\"%.0f\" y=\"%.1f\" text-anchor=\"end\">%.4g</text>\n",
                from, to, place(&up, tick), place(&up, tick), from - 6, place(&up, tick) + 4, tick);
    for (size_t r = 0; r < rows->count; r++)
        fprintf(self->out, "<text class=\"soft\" x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%g</text>\n",
                place(&across, (double)r), SWEEP_BOTTOM + 18, rows->trial[r]->number);
    for (int s = 0; s < SHOWN; s++)
        put_series(self, rows, metric, s, &across, &up);
}

static void put_sweep(const page *self, const group_rows *rows, hh_trial_group group)
{
    fputs("<figure><svg role=\"img\" viewBox=\"0 0 900 280\" width=\"900\" height=\"280\">\n", self->out);
    put_sweep_panel(self, rows, 0, 50, 430);
    put_sweep_panel(self, rows, 1, 500, 880);
    for (int panel = 0; panel < 2; panel++) {
        fprintf(self->out, "<text class=\"soft\" x=\"%d\" y=\"256\" text-anchor=\"middle\">",
                panel ? 690 : 240);
        hh_html_text(self->out, hh_trial_group_text(group));
        fputs("</text>\n", self->out);
    }
    put_key(self, 50, 276);
    fputs("</svg><figcaption>Bars: one standard deviation over the seeds.</figcaption></figure>\n",
          self->out);
}

// ---- the tables ----

static void put_cell(const page *self, const hh_spread *spread, bool sign)
{
    fputs("<td>", self->out);
    if (spread->count > 0)
        fprintf(self->out, sign ? "%+.2f" : "%.2f", 100 * spread->mean);
    if (spread->count > 1)
        fprintf(self->out, " ± %.2f", 100 * spread->deviation);
    fputs("</td>", self->out);
}

static void put_table(const page *self, const group_rows *rows)
{
    fputs("<figure><table><thead><tr><th></th><th>network HR@20</th><th>more</th><th>MRR@20</th>"
          "<th>more</th><th>hiphop HR@20</th><th>more</th><th>MRR@20</th><th>more</th><th>CPU s</th>"
          "<th>seeds</th></tr></thead>\n<tbody>\n",
          self->out);
    for (size_t r = 0; r < rows->count; r++) {
        const hh_trial_summary *row = &rows->row[r];
        fputs("<tr><td>", self->out);
        hh_html_text(self->out, rows->trial[r]->name);
        fputs("</td>", self->out);
        for (int s = 0; s < SHOWN; s++)
            for (int metric = 0; metric < 2; metric++) {
                put_cell(self, figure_of(row, metric, shown[s].list), false);
                put_cell(self, more_of(row, metric, shown[s].list), true);
            }
        fprintf(self->out, "<td>%.1f</td><td>%u</td></tr>\n", row->seconds.mean, row->runs);
    }
    fputs("</tbody></table></figure>\n", self->out);
}

static void put_lists(const page *self)
{
    const hh_trial *trial;
    hh_trial_summary row;
    fputs("<h2>The lists: graph, network, both mixed, and with the ranker</h2>\n<figure><table><thead><tr>"
          "<th></th>",
          self->out);
    for (int list = 0; list < HH_LISTS; list++)
        fprintf(self->out, "<th>%s HR@20</th><th>MRR@20</th>", hh_ablate_lists[list]);
    fputs("</tr></thead>\n<tbody>\n", self->out);
    for (size_t i = 0; (trial = hh_ablate_trial(i)); i++) {
        hh_ablate_summary(self->all->runs, self->all->count, trial, &row);
        if (row.runs == 0 || trial->against)
            continue;
        fputs("<tr><td>", self->out);
        hh_html_text(self->out, trial->name);
        fputs("</td>", self->out);
        for (int list = 0; list < HH_LISTS; list++) {
            put_cell(self, &row.hr[list], false);
            put_cell(self, &row.mrr[list], false);
        }
        fputs("</tr>\n", self->out);
    }
    fputs("</tbody></table></figure>\n", self->out);
}

static void put_group(const page *self, hh_trial_group group)
{
    group_rows *rows = malloc(sizeof *rows);
    if (!rows)
        return;
    find_rows(self->all, group, true, rows);
    if (rows->count > 0) {
        fputs("<h2>", self->out);
        hh_html_text(self->out, hh_trial_group_text(group));
        fputs("</h2>\n", self->out);
        if (isnan(rows->trial[0]->number))
            put_parts(self, rows);
        else
            put_sweep(self, rows, group);
        find_rows(self->all, group, false, rows);
        put_table(self, rows);
    }
    free(rows);
}

hh_status ablate_write_page(const ablation *all, const cli_args *args, const char *path, hh_error *error)
{
    char *text = NULL;
    size_t size = 0;
    page self = {.out = open_memstream(&text, &size), .all = all};
    if (!self.out)
        return hh_fail(error, HH_MEMORY, NULL);
    put_head(&self, args);
    put_lists(&self);
    for (int group = 0; group < HH_TRIAL_GROUP_COUNT; group++)
        put_group(&self, group);
    fputs("</body>\n</html>\n", self.out);
    bool whole = !ferror(self.out);
    whole = fclose(self.out) == 0 && whole;
    hh_status status = whole ? hh_file_write(path, text, size, error) : hh_fail(error, HH_MEMORY, NULL);
    free(text);
    return status;
}
