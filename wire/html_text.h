// Text in a page.
#ifndef WIRE_HTML_TEXT_H
#define WIRE_HTML_TEXT_H

#include <stdio.h>

// The text with what HTML would take for markup written out, so that it may stand in an element or in quotes.
void hh_html_text(FILE *out, const char *text);

#endif
