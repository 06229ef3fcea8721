/* SPDX-License-Identifier: MIT */
/*
 * Writes what is generated from the settings table (`make docs`): gen_docs TOP_SRCDIR. The tests
 * compare the committed files with what this would write.
 */
#include "config/settings_docs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *
slurp(const char *path)
{
    FILE *f = fopen(path, "r");
    char *text = NULL;
    size_t cap = 0;
    if (!f || getdelim(&text, &cap, '\0', f) < 0) {
        perror(path);
        exit(1);
    }
    fclose(f);
    return text;
}

static FILE *
create(const char *top, const char *name, char *path, size_t len)
{
    snprintf(path, len, "%s/%s", top, name);
    FILE *f = fopen(path, "w");
    if (!f) {
        perror(path);
        exit(1);
    }
    return f;
}

static void
finish(FILE *f, const char *path)
{
    if (fclose(f) != 0) {
        perror(path);
        exit(1);
    }
    printf("wrote %s\n", path);
}

int
main(int argc, char **argv)
{
    char path[4096];
    if (argc != 2) {
        fprintf(stderr, "usage: gen_docs TOP_SRCDIR\n");
        return 2;
    }
    FILE *f = create(argv[1], "docs/settings.md", path, sizeof(path));
    ymo_settings_docs_markdown(f);
    finish(f, path);
    f = create(argv[1], "contrib/completion/yimmo-wsgi.bash", path, sizeof(path));
    ymo_settings_docs_bash(f);
    finish(f, path);
    snprintf(path, sizeof(path), "%s/docs/yimmo-wsgi.1", argv[1]);
    char *page = slurp(path);
    f = create(argv[1], "docs/yimmo-wsgi.1", path, sizeof(path));
    if (!ymo_settings_docs_man_page(f, page)) {
        fputs(page, f);
        fprintf(stderr, "%s: the lines around the generated part are missing\n", path);
        return 1;
    }
    finish(f, path);
    free(page);
    return 0;
}
