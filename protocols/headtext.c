/* SPDX-License-Identifier: MIT */
#include "protocols/headtext.h"

#include "base/err.h"

char *
ymo_headtext_decimal(char *at, uint64_t n)
{
    char digits[20];
    size_t i = sizeof(digits);
    do {
        digits[--i] = (char)('0' + n % 10);
        n /= 10;
    } while (n);
    return ymo_headtext_put(at, ymo_slice_of(digits + i, sizeof(digits) - i));
}

char *
ymo_headtext_status(char *at, int status)
{
    YMO_ASSERT(status >= 100 && status <= 999);
    *at++ = (char)('0' + status / 100);
    *at++ = (char)('0' + status / 10 % 10);
    *at++ = (char)('0' + status % 10);
    *at++ = ' ';
    return at;
}

struct ymo_slice
ymo_headtext_reason(int status)
{
    switch (status) {
    case 400:
        return YMO_SLICE("Bad Request");
    case 403:
        return YMO_SLICE("Forbidden");
    case 404:
        return YMO_SLICE("Not Found");
    case 405:
        return YMO_SLICE("Method Not Allowed");
    case 408:
        return YMO_SLICE("Request Timeout");
    case 411:
        return YMO_SLICE("Length Required");
    case 413:
        return YMO_SLICE("Content Too Large");
    case 414:
        return YMO_SLICE("URI Too Long");
    case 417:
        return YMO_SLICE("Expectation Failed");
    case 431:
        return YMO_SLICE("Request Header Fields Too Large");
    case 500:
        return YMO_SLICE("Internal Server Error");
    case 501:
        return YMO_SLICE("Not Implemented");
    case 502:
        return YMO_SLICE("Bad Gateway");
    case 503:
        return YMO_SLICE("Service Unavailable");
    case 504:
        return YMO_SLICE("Gateway Timeout");
    case 505:
        return YMO_SLICE("HTTP Version Not Supported");
    default:
        return YMO_SLICE("Error");
    }
}
