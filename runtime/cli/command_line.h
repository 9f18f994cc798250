/* command_line.h - from words of a command line to the line that a CT's shell runs. Pure. */
#pragma once

/*
 * Joins words as vzctl does: with blanks between, unquoted, so that the CT's shell expands them; an
 * empty word becomes ''. What vzctl tore apart is kept whole: a word with blanks in it among
 * several, and the word after -c of a shell, are quoted. One word alone is the line itself.
 * malloc'ed; NULL: no memory.
 */
char *command_line_join(const char *const *words);

/* Runs LINE, if not NULL, then a login shell: bash when the CT has it, else sh. malloc'ed. */
char *command_line_login(const char *line);

/*
 * The interpreter and its argument, out of the first line of a script: "#!/usr/bin/python3 -u".
 * buf holds the text that argv (3 entries) points into. /bin/sh without such a line.
 */
void command_line_interpreter(const char *script, char *buf, unsigned int size, const char **argv);
