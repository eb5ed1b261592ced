import { type Draft, type Field, quoted } from "./entry";
import { words } from "./words";

/** What stands in a field, in a line; empty where nothing does. */
export function tell(field: Field, draft: Draft): string {
  switch (field) {
    case "command":
      return draft.command.isList ? quoted(draft.command.words) : draft.command.text;
    case "when": {
      const { kind } = draft.when;
      return kind === "manual" ? words().kinds.manual : `${words().kinds[kind]}: ${draft.when[kind]}`;
    }
    case "enabled":
      return String(draft.enabled);
    case "env":
    case "labels":
      return draft[field].map(({ name, value }) => `${name}=${value}`).join(", ");
    case "retention":
    case "limits":
      return Object.entries(draft[field]).flatMap(([limit, text]) => (text ? [`${limit}: ${text}`] : [])).join(", ");
    case "rest":
      return Object.keys(draft.rest).join(", ");
    default:
      return draft[field];
  }
}
