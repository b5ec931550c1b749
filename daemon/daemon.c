// Until the pipeline lands: says so and stops.
#include "daemon.h"

int hh_daemon_run(hh_settings *settings)
{
    (void)settings;
    return HH_EXIT_FAILURE;
}
