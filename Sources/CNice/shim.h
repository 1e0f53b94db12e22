// What Swift cannot import of GLib and libnice: macros, variadic functions and signals with their untyped callbacks.
#pragma once
#include <glib.h>
#include <nice/agent.h>

typedef void (*GatehouseGatheringDone)(NiceAgent *agent, guint stream, gpointer data);
typedef void (*GatehouseStateChanged)(NiceAgent *agent, guint stream, guint component, guint state, gpointer data);

/// An agent for one viewer: it answers checks, asks for consent as long as it lives (RFC 7675), and opens no ports in routers.
static inline NiceAgent *gatehouse_nice_agent(GMainContext *context) {
    NiceAgent *agent = nice_agent_new_full(
        context, NICE_COMPATIBILITY_RFC5245, NICE_AGENT_OPTION_ICE_TRICKLE | NICE_AGENT_OPTION_CONSENT_FRESHNESS);
    if (agent) g_object_set(agent, "controlling-mode", FALSE, "upnp", FALSE, "ice-tcp", FALSE, NULL);
    return agent;
}
static inline void gatehouse_nice_set_stun(NiceAgent *agent, const char *address, guint port) {
    g_object_set(agent, "stun-server", address, "stun-server-port", port, NULL);
}
static inline void gatehouse_nice_follow(
    NiceAgent *agent, GatehouseGatheringDone gathered, GatehouseStateChanged changed, gpointer data) {
    g_signal_connect(agent, "candidate-gathering-done", G_CALLBACK(gathered), data);
    g_signal_connect(agent, "component-state-changed", G_CALLBACK(changed), data);
}
static inline void gatehouse_nice_unfollow(NiceAgent *agent, gpointer data) {
    g_signal_handlers_disconnect_matched(agent, G_SIGNAL_MATCH_DATA, 0, 0, NULL, NULL, data);
}
static inline void gatehouse_nice_unref(void *agent) { g_object_unref(agent); }
static inline void gatehouse_free(void *memory) { g_free(memory); }

/// Whether an address is written as numbers: names are not looked up for whoever sends an offer.
static inline int gatehouse_nice_is_numeric(const char *text) {
    NiceAddress address;
    nice_address_init(&address);
    return nice_address_set_from_string(&address, text) && nice_address_is_valid(&address);
}
static inline int gatehouse_nice_add_address(NiceAgent *agent, const char *text) {
    NiceAddress address;
    nice_address_init(&address);
    return nice_address_set_from_string(&address, text) && nice_agent_add_local_address(agent, &address);
}
