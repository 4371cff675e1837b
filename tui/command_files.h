/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The commands of command.c that write files; argument is the name of one. Lists and graphs are
 * written beside the interface and into files that are not there yet. */
#ifndef NEC_TUI_COMMAND_FILES_H
#define NEC_TUI_COMMAND_FILES_H

#include "tui/app.h"

struct nec_error *nec_tui_run_export(struct nec_app *app, const char *argument);
struct nec_error *nec_tui_run_draw(struct nec_app *app, const char *argument);
struct nec_error *nec_tui_run_save_display(struct nec_app *app, const char *argument);
struct nec_error *nec_tui_run_save_picture(struct nec_app *app, const char *argument);

#endif
