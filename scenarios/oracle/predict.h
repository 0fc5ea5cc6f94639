#pragma once

#include "scenarios/oracle/model.h"
#include "scenarios/oracle/prediction.h"

// Predicts the outcomes of a session from its model. A cell without an expectation is judged by this prediction, so
// that no cell is left unjudged.
//
// The rule has three steps.
// - Whether a direct path exists over UDP: if each side is behind one NAT of its own, the closed form of udp_punching.h
//   decides. Otherwise, and for the kinds of path, reachability.h walks datagrams through the boxes, once for each
//   order of first packets and each draw of pooled addresses that is possible. tcp_outlook.h does the same for TCP.
// - Which path the agents select among several that work: the nomination policy decides. If both agents wait long
//   enough for the better path, the worse ones are excluded; otherwise all of them remain possible.
// - Everything that the model leaves open (loss, a box that forgets, ICMP errors that fail pairs) adds outcomes, and
//   `depends_on` and `reason` say why.
namespace pinhole::scenarios::oracle {

Prediction Predict(const Model& model);

}  // namespace pinhole::scenarios::oracle
