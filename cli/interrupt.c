#include "interrupt.h"

#include <signal.h>
#include <stddef.h>

static volatile sig_atomic_t caught; // a signal handler has nothing else to write to

static void catch_it(int signal_number)
{
    (void)signal_number;
    caught = 1;
}

void interrupt_catch(void)
{
    struct sigaction action = {.sa_handler = catch_it, .sa_flags = SA_RESETHAND};
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

bool interrupted(void)
{
    return caught != 0;
}
