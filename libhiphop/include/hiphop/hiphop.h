// libhiphop: session-based recommendation. All of its headers, in the order in which a click meets them; each
// is the manual of its part. A group uses those above it.
#ifndef HIPHOP_HIPHOP_H
#define HIPHOP_HIPHOP_H

#include <hiphop/option.h>    // settings as tables
#include <hiphop/processor.h> // OpenBLAS on a processor that it doesn't know
#include <hiphop/status.h>    // errors
#include <hiphop/text.h>      // strangers' bytes
#include <hiphop/time.h>      // milliseconds, durations, ISO 8601

#include <hiphop/click_file.h>   // logs of clicks
#include <hiphop/intern.h>       // ids as numbers
#include <hiphop/session.h>      // clicks into sessions
#include <hiphop/session_file.h> // sessions without a clock

#include <hiphop/graph.h>        // what was clicked in which session, asked as of any time
#include <hiphop/ranker.h>       // the last step to a list
#include <hiphop/ranker_shelf.h> // rankers as of any time
#include <hiphop/recommend.h>    // from a query to a list with reasons

#include <hiphop/model.h>        // the network
#include <hiphop/model_file.h>   // a model in a file or a topic
#include <hiphop/network_list.h> // what the network alone lists
#include <hiphop/train.h>        // a network from sessions

#include <hiphop/descriptions.h> // vectors that a graph knows, for a training
#include <hiphop/semantics.h>    // an item's fields as a sentence, and as a vector

#include <hiphop/fitted.h>   // mixture and ranker beside a network, in its model
#include <hiphop/foreseer.h> // the network among the graph's experts
#include <hiphop/lister.h>   // what a model recommends by itself

#include <hiphop/continual.h> // training as the stream goes
#include <hiphop/gate.h>      // whether what was trained may serve
#include <hiphop/window.h>    // what it is trained on

#include <hiphop/ablate.h>   // what each part is worth
#include <hiphop/evaluate.h> // how good lists are

#endif
