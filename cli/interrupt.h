// Ctrl-C and SIGTERM end a running command in good order: what was sent is waited for, the summary is
// printed. A second signal ends it at once.
#ifndef CLI_INTERRUPT_H
#define CLI_INTERRUPT_H

#include <stdbool.h>

void interrupt_catch(void); // from now on
bool interrupted(void);

#endif
