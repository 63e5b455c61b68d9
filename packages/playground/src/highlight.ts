// The passage under the pointer or the focus, marked wherever it is drawn. Elements say which passages they stand for
// in `data-passage`, the first one being their own; marks are set past React, for there may be thousands of elements.

import { type FocusEvent, type PointerEvent, type SyntheticEvent, useMemo } from "react";

function mark(root: HTMLElement, passage: string | null) {
  if ((root.dataset.lit ?? null) === passage) return;
  for (const each of root.querySelectorAll("[data-lit]")) each.removeAttribute("data-lit");
  if (passage === null) {
    delete root.dataset.lit;
    return;
  }
  root.dataset.lit = passage;
  for (const each of root.querySelectorAll(`[data-passage~="${passage}"]`)) each.setAttribute("data-lit", "");
}

const passageOf = (event: SyntheticEvent) =>
  (event.target as Element).closest<HTMLElement>("[data-passage]")?.dataset.passage?.split(" ")[0] ?? null;

/** What the element around all drawings listens to. */
export function useLights() {
  return useMemo(() => {
    const follow = (event: SyntheticEvent<HTMLElement>) => mark(event.currentTarget, passageOf(event));
    return {
      onPointerOver: follow,
      onFocus: follow,
      onPointerLeave: (event: PointerEvent<HTMLElement>) => mark(event.currentTarget, null),
      onBlur: (event: FocusEvent<HTMLElement>) => mark(event.currentTarget, null),
    };
  }, []);
}
