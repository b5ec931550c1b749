// Placeholder of the room until its first file lands.
extern int hh_daemon_version;
int hh_daemon_version = 1;
