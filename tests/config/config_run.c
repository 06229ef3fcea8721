/* SPDX-License-Identifier: MIT */
#include "tests/config/config_run.h"

#include "config/loader.h"
#include "config/value.h"
#include "tests/support/test.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { WORDS = 16 };

/* Where the tests' files are: removed again after each. */
static int
enter_scratch(char *dir)
{
    int cwd = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    strcpy(dir, "/tmp/yimmo-config-XXXXXX");
    if (cwd < 0 || !mkdtemp(dir) || chdir(dir) < 0)
        abort();
    return cwd;
}

static void
leave_scratch(const char *dir, int cwd)
{
    unlink("yimmo.yml");
    if (fchdir(cwd) < 0 || rmdir(dir) < 0)
        abort();
    close(cwd);
}

static void
write_file(const char *name, const char *bytes, size_t len)
{
    FILE *f = fopen(name, "w");
    if (!f || fwrite(bytes, 1, len, f) != len || fclose(f) != 0)
        abort();
}

int
ymo_config_run_load(struct ymo_settings *s, const char *const *args, const char *const *env,
                    const char *yaml, size_t yaml_len, char **out_r)
{
    char dir[64], *argv[WORDS] = {strdup("yimmo-wsgi")}, *environ_[WORDS] = {NULL};
    int argc = 1;
    size_t len;
    for (; args && *args; args++)
        argv[argc++] = strdup(*args);
    for (size_t i = 0; env && env[i]; i++)
        environ_[i] = strdup(env[i]);
    FILE *out = open_memstream(out_r, &len);
    int cwd = enter_scratch(dir);
    if (yaml)
        write_file("yimmo.yml", yaml, yaml_len);
    int err = ymo_loader_run(s, argc, argv, environ_, out);
    leave_scratch(dir, cwd);
    fclose(out);
    for (int i = 0; i < WORDS; i++) {
        free(argv[i]);
        free(environ_[i]);
    }
    return err;
}

char *
ymo_config_run_printed(const struct ymo_settings *s,
                       void (*print)(const struct ymo_settings *s, FILE *out))
{
    char *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);
    print(s, out);
    fclose(out);
    return text;
}

/* The messages without the program's name that each line must begin with. */
static void
check_messages(const char *out, const char *expected)
{
    static const char name[] = "yimmo-wsgi: ";
    char *text = NULL;
    size_t len;
    FILE *f = open_memstream(&text, &len);
    for (const char *p = out; *p;) {
        const char *end = strchr(p, '\n');
        CHECK(end && strncmp(p, name, strlen(name)) == 0);
        if (!end)
            break;
        p += strncmp(p, name, strlen(name)) == 0 ? strlen(name) : 0;
        fprintf(f, "%.*s\n", (int)(end - p), p);
        p = end + 1;
    }
    fclose(f);
    CHECK_STR(text, expected);
    free(text);
}

static void
check_value(const struct ymo_settings *s, const struct ymo_config_run_case *c)
{
    const struct ymo_table_row *row = ymo_table_by_name(c->name);
    char place[YMO_PLACE_MAX], *value = NULL;
    size_t len;
    REQUIRE(row != NULL);
    FILE *f = open_memstream(&value, &len);
    ymo_value_print(row, s, f);
    fclose(f);
    CHECK_STR(ymo_value_is_set(row, s) ? value : "-", c->value);
    free(value);
    ymo_loader_place(s, row, place, sizeof(place));
    if (c->place)
        CHECK_STR(place, c->place);
}

void
ymo_config_run_cases(const struct ymo_config_run_case *cases, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct ymo_config_run_case *c = &cases[i];
        struct ymo_settings s;
        char *out;
        ymo_test_context("case %zu: %s %s", i, c->args[0] ? c->args[0] : "",
                         c->args[1] ? c->args[1] : "");
        int err =
            ymo_config_run_load(&s, c->args, c->env, c->yaml, c->yaml ? strlen(c->yaml) : 0, &out);
        CHECK_INT(err, c->fails ? YMO_EINVAL : 0);
        check_messages(out, c->out ? c->out : "");
        if (err == 0 && c->name)
            check_value(&s, c);
        if (err == 0)
            ymo_settings_free(&s);
        free(out);
    }
    ymo_test_context(NULL);
}
