import { packed } from "./link";
import type { State } from "./state";

/** Puts the whole state into the address, and the address onto the clipboard where the browser lets it. */
export function useLink(state: State, say: (status: string) => void) {
  return async () => {
    history.replaceState(null, "", await packed(state));
    try {
      await navigator.clipboard.writeText(location.href);
      say("The link is copied. It holds the query and the passages.");
    } catch {
      say("The link is in the address bar. It holds the query and the passages.");
    }
  };
}
