#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "net/ip_address.h"
#include "scenarios/oracle/model.h"

// Models that several tests of the oracle use.
namespace pinhole::scenarios::oracle {

inline net::IpAddress Ip(const char* text) { return *net::IpAddress::Parse(text); }

inline Interface On(int network, std::vector<const char*> addresses, int delay_ms = 0) {
  Interface interface;
  interface.network = network;
  for (const char* address : addresses) interface.addresses.push_back(Ip(address));
  interface.up = interface.down = std::chrono::milliseconds(delay_ms);
  return interface;
}

inline Interface Behind(int box, Interface interface) {
  interface.gateway = box;
  return interface;
}

// Adds a host `name` with a STUN and TURN server. Returns the index of the server.
inline int AddServer(Model& model, const char* name, const char* address, int network = 0) {
  model.hosts.push_back({name, {On(network, {address}, 10)}});
  Server server;
  server.name = name;
  server.host = static_cast<int>(model.hosts.size()) - 1;
  server.listens = {net::SocketAddress(Ip(address), 3478)};
  server.listens_tcp = {net::SocketAddress(Ip(address), 443)};
  server.relay_addresses = {Ip(address)};
  model.servers.push_back(server);
  return static_cast<int>(model.servers.size()) - 1;
}

inline Model Core() {
  Model model;
  model.networks = {{"internet", 0, true}};
  AddServer(model, "stun", "198.51.100.10");
  model.a.name = "alice";
  model.b.name = "bob";
  model.a.controlling = true;
  model.a.stun_servers = model.b.stun_servers = {0};
  model.referral_host = model.servers[0].host;
  return model;
}

inline int AddNetwork(Model& model, const char* name) {
  const int index = static_cast<int>(model.networks.size());
  model.networks.push_back({name, index, false});
  return index;
}

// alice - home_a - internet - home_b - bob, 20 ms between any two on the internet. Both homes use the same subnet.
inline Model TwoHomes(const NatBehavior& a, const NatBehavior& b) {
  Model model = Core();
  const int lan_a = AddNetwork(model, "lan_a");
  const int lan_b = AddNetwork(model, "lan_b");
  model.boxes.push_back({"home_a", On(0, {"192.0.2.1"}, 10), {On(lan_a, {"192.168.1.1"})}, true, true, a, {}});
  model.boxes.push_back({"home_b", On(0, {"192.0.2.2"}, 10), {On(lan_b, {"192.168.1.1"})}, true, true, b, {}});
  model.a.host = static_cast<int>(model.hosts.size());
  model.hosts.push_back({"alice", {Behind(0, On(lan_a, {"192.168.1.10"}))}});
  model.b.host = static_cast<int>(model.hosts.size());
  model.hosts.push_back({"bob", {Behind(1, On(lan_b, {"192.168.1.10"}))}});
  return model;
}

// Both peers get a TURN server at the address of the STUN server.
inline void GiveTurn(Model& model) { model.a.turn_servers = model.b.turn_servers = {0}; }

inline constexpr auto EI = Dependence::kEndpointIndependent;
inline constexpr auto AD = Dependence::kAddressDependent;
inline constexpr auto APD = Dependence::kAddressAndPortDependent;

inline NatBehavior Generic(Dependence mapping, Dependence filtering, FilterMemory memory = FilterMemory::kPerEndpoint,
                           bool sessions = false) {
  NatBehavior nat;
  nat.mapping = mapping;
  nat.filtering = filtering;
  nat.memory = memory;
  nat.inbound_sessions = sessions;
  return nat;
}

inline NatBehavior LinuxMasquerade() {
  NatBehavior nat;
  nat.per_tuple = true;
  return nat;
}

inline NatBehavior LinuxInputAccept() {
  NatBehavior nat = LinuxMasquerade();
  nat.claims_tuple = true;
  return nat;
}

inline NatBehavior LinuxRandomFully() {
  NatBehavior nat = LinuxMasquerade();
  nat.keeps_port = false;
  return nat;
}

// All 36 behaviors: each combination of mapping, filtering, memory and sessions.
inline std::vector<NatBehavior> AllGeneric() {
  std::vector<NatBehavior> all;
  for (FilterMemory memory : {FilterMemory::kPerEndpoint, FilterMemory::kPerMapping}) {
    for (bool sessions : {false, true}) {
      for (Dependence mapping : {EI, AD, APD}) {
        for (Dependence filtering : {EI, AD, APD}) all.push_back(Generic(mapping, filtering, memory, sessions));
      }
    }
  }
  return all;
}

inline std::string Describe(const NatBehavior& nat) {
  return std::string("maps by ") + ToString(nat.mapping) + ", filters by " + ToString(nat.filtering) +
         (nat.memory == FilterMemory::kPerMapping ? ", memory per mapping" : ", memory per endpoint") +
         (nat.inbound_sessions ? ", sessions" : ", no sessions");
}

}  // namespace pinhole::scenarios::oracle
