// The text of schemas/*.avsc, NUL-terminated, taken from the files when hiphop is built.
#ifndef WIRE_SCHEMAS_H
#define WIRE_SCHEMAS_H

extern const char hh_schema_click[];
extern const char hh_schema_embedding[];
extern const char hh_schema_item_vector[];
extern const char hh_schema_recommendations[];
extern const char hh_schema_session[];
extern const char hh_schema_quality[];

#endif
