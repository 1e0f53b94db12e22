// What Swift imports poorly of libminiupnpc: arrays within structures, lists of texts, and what is kept together of one router.
#pragma once
#include <miniupnpc/miniupnpc.h>
#include <miniupnpc/upnpcommands.h>
#include <stdlib.h>

/// A router's description, read: where its service takes commands, and from which address the box speaks to it.
struct GatehouseRouter {
    struct UPNPUrls urls;
    struct IGDdatas data;
    char box[64];
};

/// Searches by SSDP (UDA 1.1, section 1.3) on an interface or the usual one; the daemon that caches answers is left out, it knows of no interfaces.
static inline struct UPNPDev *gatehouse_router_search(int milliseconds, const char *interface) {
    static const char *const kinds[] = {
        "urn:schemas-upnp-org:device:InternetGatewayDevice:1", "urn:schemas-upnp-org:device:InternetGatewayDevice:2", NULL};
    int error = 0;
    return upnpDiscoverDevices(kinds, milliseconds, interface, "", UPNP_LOCAL_PORT_ANY, 0, 2, &error, 0);
}
/// Reads the description at `url` and asks nothing else yet; NULL where there is none.
static inline struct GatehouseRouter *gatehouse_router_open(const char *url) {
    struct GatehouseRouter *router = (struct GatehouseRouter *)calloc(1, sizeof(struct GatehouseRouter));
    if (!router) return NULL;
    if (UPNP_GetIGDFromUrl(url, &router->urls, &router->data, router->box, sizeof(router->box)) == 1) return router;
    free(router);
    return NULL;
}
static inline void gatehouse_router_close(struct GatehouseRouter *router) {
    FreeUPNPUrls(&router->urls);
    free(router);
}
/// Goes on with the router's second service for connections (some have one for IP and one for PPP); 0 where it has none.
static inline int gatehouse_router_take_second(struct GatehouseRouter *router, const char *url) {
    if (!router->data.second.servicetype[0]) return 0;
    router->data.first = router->data.second;
    router->data.second.servicetype[0] = 0;
    FreeUPNPUrls(&router->urls);
    GetUPNPUrls(&router->urls, &router->data, url, 0);
    return 1;
}
static inline const char *gatehouse_router_control(const struct GatehouseRouter *router) { return router->urls.controlURL; }
static inline const char *gatehouse_router_service(const struct GatehouseRouter *router) { return router->data.first.servicetype; }
static inline const char *gatehouse_router_box(const struct GatehouseRouter *router) { return router->box; }
