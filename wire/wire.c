// Placeholder of the room until its first file lands.
extern int hh_wire_version;
int hh_wire_version = 1;
