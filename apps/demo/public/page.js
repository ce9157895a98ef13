import { showChat } from "./chat.js";
import { showEvents } from "./events.js";
import { showFiles } from "./files.js";
import { showHello } from "./hello.js";
import { showNotes } from "./notes.js";
import { showProcesses } from "./processes.js";
import { showTale } from "./tale.js";

showProcesses();
showFiles();
showEvents();
showHello();
showChat();
showNotes();
showTale();
