// What the tables of settings and metrics look like to a reader: --help, config/hiphopd.conf,
// docs/configuration.md and docs/metrics.md. The committed files are these functions' output, which a test
// holds them to.
#ifndef DAEMON_MANUAL_H
#define DAEMON_MANUAL_H

#include <stdio.h>

void hh_print_help(FILE *out);
void hh_print_config(FILE *out);             // config/hiphopd.conf
void hh_print_configuration_page(FILE *out); // docs/configuration.md
void hh_print_metrics_page(FILE *out);       // docs/metrics.md

#endif
