/** Wires every behaviour once; all of them listen on the document, so swapped fragments need no second wiring. */

import { startCopy } from "./copy.js";
import { startDialogs } from "./dialog.js";
import { startDisplay } from "./display.js";
import { startFilters } from "./filters.js";
import { startForms } from "./forms.js";
import { startKeyboard } from "./keyboard.js";
import { startMenus } from "./menu.js";
import { startReveal } from "./reveal.js";
import { startSelection } from "./selection.js";
import { startToasts } from "./toast.js";
import { startWaits } from "./wait.js";

startToasts();
startDisplay();
startMenus();
startDialogs();
startFilters();
startForms();
startCopy();
startSelection();
startReveal();
startKeyboard();
startWaits();
