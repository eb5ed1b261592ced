import { effect } from "@preact/signals";
import { render } from "preact";
import "./style.css";
import { followSession, knowSession } from "./access/session";
import { isLive, start } from "./live/live";
import { knowService } from "./live/service";
import { noticeAbsence } from "./shell/away";
import { onKey } from "./shell/commands";
import { notifyOfFailures } from "./shell/notifications";
import { open } from "./shell/opened";
import { Page } from "./shell/Page";
import { keepPlaces } from "./shell/places";
import { wearTheme } from "./shell/theme";
import { tellByTitle } from "./shell/title";
import { tellOfConnection, tellOfScripts } from "./shell/telling";
import { language } from "./text/language";
import { loadAhead } from "./ui/later";

const root = document.getElementById("page")!;
root.replaceChildren();

wearTheme();
keepPlaces();
effect(() => {
  document.documentElement.lang = language.value;
});
addEventListener("keydown", (event) => {
  if ((event.ctrlKey || event.metaKey) && !event.shiftKey && !event.altKey && event.key.toLowerCase() === "k") {
    event.preventDefault();
    open("palette");
  } else onKey(event);
});
render(<Page />, root);
tellByTitle();
tellOfConnection();
tellOfScripts();
notifyOfFailures();
noticeAbsence();
followSession();
void knowSession();
knowService();
effect(() => {
  if (isLive.value) void loadAhead();
});
start();
