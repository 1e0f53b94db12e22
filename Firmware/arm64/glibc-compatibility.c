// Functions of glibc 2.38 that Debian sid's static Swift libraries were built over, for systems whose glibc is older.
// The conversions are those of before C23: they take no "0b" for a binary number.
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

long __isoc23_strtol(const char *text, char **end, int base) { return strtol(text, end, base); }
long long __isoc23_strtoll(const char *text, char **end, int base) { return strtoll(text, end, base); }
unsigned long __isoc23_strtoul(const char *text, char **end, int base) { return strtoul(text, end, base); }

int __isoc23_sscanf(const char *text, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    int count = vsscanf(text, format, arguments);
    va_end(arguments);
    return count;
}

size_t strlcpy(char *to, const char *from, size_t room) {
    size_t length = strlen(from);
    if (room) {
        size_t count = length < room ? length : room - 1;
        memcpy(to, from, count);
        to[count] = 0;
    }
    return length;
}

size_t strlcat(char *to, const char *from, size_t room) {
    size_t length = strnlen(to, room);
    return length == room ? room + strlen(from) : length + strlcpy(to + length, from, room - length);
}
