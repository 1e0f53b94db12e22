// libzbar, which finds QR codes in pictures. It is opened by name, in the worker alone: it draws in libraries of displays and cameras
// that the box has no business with.
#pragma once
#include <dlfcn.h>
#include <stddef.h>

enum { gatehouse_zbar_qr = 64, gatehouse_zbar_enable = 0 };

typedef struct {
    void *(*scanner_create)(void);
    void (*scanner_destroy)(void *);
    int (*scanner_configure)(void *, int symbology, int setting, int value);
    void *(*image_create)(void);
    void (*image_destroy)(void *);
    void (*image_set_format)(void *, unsigned long);
    void (*image_set_size)(void *, unsigned, unsigned);
    void (*image_set_data)(void *, const void *, unsigned long, void (*)(void *));
    int (*scan)(void *, void *);
    const void *(*first_symbol)(const void *);
    const void *(*next_symbol)(const void *);
    const char *(*symbol_data)(const void *);
    unsigned (*symbol_length)(const void *);
} gatehouse_zbar;

// Whether the library is there with all that is used of it.
static inline int gatehouse_zbar_open(gatehouse_zbar *zbar) {
    void *library = dlopen("libzbar.so.0", RTLD_NOW | RTLD_LOCAL);
    if (!library) return 0;
    struct { void **place; const char *name; } wanted[] = {
        {(void **)&zbar->scanner_create, "zbar_image_scanner_create"},
        {(void **)&zbar->scanner_destroy, "zbar_image_scanner_destroy"},
        {(void **)&zbar->scanner_configure, "zbar_image_scanner_set_config"},
        {(void **)&zbar->image_create, "zbar_image_create"},
        {(void **)&zbar->image_destroy, "zbar_image_destroy"},
        {(void **)&zbar->image_set_format, "zbar_image_set_format"},
        {(void **)&zbar->image_set_size, "zbar_image_set_size"},
        {(void **)&zbar->image_set_data, "zbar_image_set_data"},
        {(void **)&zbar->scan, "zbar_scan_image"},
        {(void **)&zbar->first_symbol, "zbar_image_first_symbol"},
        {(void **)&zbar->next_symbol, "zbar_symbol_next"},
        {(void **)&zbar->symbol_data, "zbar_symbol_get_data"},
        {(void **)&zbar->symbol_length, "zbar_symbol_get_data_length"},
    };
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
        if (!(*wanted[i].place = dlsym(library, wanted[i].name))) return 0;
    return 1;
}
