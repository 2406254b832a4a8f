/* SPDX-License-Identifier: MIT
 * Style and script of the page, as they stand in page.css and page.js beside this file.
 */
#pragma once

extern const char report_css[], report_js[]; /* NUL-terminated */
