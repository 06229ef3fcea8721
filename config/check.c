/* SPDX-License-Identifier: MIT */
#include "config/check.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

int
ymo_check_refuse(char *why, size_t why_len, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(why, why_len, fmt, ap);
    va_end(ap);
    return YMO_EINVAL;
}

/* Any byte beyond ASCII counts as a letter: Python decides what it makes of it. */
static bool
is_dotted_name(const char *text, size_t len)
{
    bool at_start = true;
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        bool letter = c == '_' || c >= 0x80 || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
        if (c == '.' && !at_start)
            at_start = true;
        else if (letter || (c >= '0' && c <= '9' && !at_start))
            at_start = false;
        else
            return false;
    }
    return !at_start;
}

int
ymo_check_module(const char *text, size_t *len_r, char *why, size_t why_len)
{
    const char *colon = strchr(text, ':');
    size_t len = *len_r = colon ? (size_t)(colon - text) : strlen(text);
    if (colon && colon[1 + strspn(colon + 1, " \t")] == '\0')
        return ymo_check_refuse(why, why_len,
                                "nothing after ':'; give MODULE:EXPRESSION, or only MODULE");
    if (memchr(text, '/', len))
        return ymo_check_refuse(
            why, why_len,
            "a file, not a module; give the module's dotted name, and its folder as "
            "--pythonpath");
    if (!is_dotted_name(text, len))
        return ymo_check_refuse(why, why_len,
                                "not a Python module's dotted name; give something like "
                                "hello:app or package.module:app");
    if (len > 3 && memcmp(text + len - 3, ".py", 3) == 0)
        return ymo_check_refuse(why, why_len, "a file, not a module; did you mean %.*s%s?",
                                (int)(len > 100 ? 100 : len) - 3, text,
                                len <= 100 && colon ? colon : "");
    return 0;
}

int
ymo_check_dir(const char *text, char *why, size_t why_len)
{
    struct stat st;
    if (stat(text, &st) < 0)
        return ymo_check_refuse(why, why_len, "cannot be used: %s; give an existing directory",
                                strerror(errno));
    if (!S_ISDIR(st.st_mode))
        return ymo_check_refuse(why, why_len, "not a directory");
    return 0;
}

int
ymo_check_writable_dir(const char *text, char *why, size_t why_len)
{
    int err = ymo_check_dir(text, why, why_len);
    if (err == 0 && access(text, W_OK | X_OK) < 0)
        return ymo_check_refuse(why, why_len, "cannot be written to: %s; give a writable directory",
                                strerror(errno));
    return err;
}

int
ymo_check_mode(const char *text, char *why, size_t why_len)
{
    size_t digits = strspn(text, "01234567");
    if (digits == 0 || digits > 4 || text[digits] != '\0' || (digits == 4 && text[0] != '0'))
        return ymo_check_refuse(why, why_len,
                                "not permission bits in octal; give something like "
                                "0660");
    return 0;
}

int
ymo_check_script_name(const char *text, char *why, size_t why_len)
{
    if (text[0] != '\0' && text[0] != '/')
        return ymo_check_refuse(why, why_len,
                                "does not begin with '/'; give something like /prefix");
    if (strpbrk(text, "?#"))
        return ymo_check_refuse(why, why_len, "'?' and '#' cannot be part of a path prefix");
    return 0;
}

int
ymo_check_hsts(const char *text, char *why, size_t why_len)
{
    static const char want[] = "max-age=";
    size_t digits = strncasecmp(text, want, sizeof(want) - 1) == 0
                        ? strspn(text + sizeof(want) - 1, "0123456789")
                        : 0;
    const char *rest = text + sizeof(want) - 1 + digits;
    rest += digits ? strspn(rest, " ") : 0;
    if (digits == 0 || (*rest != '\0' && *rest != ';'))
        return ymo_check_refuse(why, why_len,
                                "does not begin with max-age=SECONDS; give something like "
                                "max-age=63072000");
    for (const char *c = text; *c; c++) {
        if ((unsigned char)*c < 0x20 || (unsigned char)*c >= 0x7f)
            return ymo_check_refuse(why, why_len, "has a byte that no header value may have");
    }
    return 0;
}

int
ymo_check_sni(const char *text, char *why, size_t why_len)
{
    int parts = 1;
    for (const char *c = strchr(text, ','); c; c = strchr(c + 1, ','))
        parts++;
    if (text[0] == '\0' || text[0] == ',')
        return ymo_check_refuse(why, why_len, "names no certificate; give CERT, or CERT,KEY");
    if (parts > 2)
        return ymo_check_refuse(why, why_len,
                                "more than CERT,KEY; further certificates are values of their own");
    return 0;
}
