// Rows glide to their new places, unless the reader wants no motion.

import { type RefObject, useLayoutEffect, useRef } from "react";
import type { Picture } from "../api";

const TIMING = { duration: 260, easing: "cubic-bezier(0.2, 0, 0, 1)" };

export function useGlide(list: RefObject<HTMLElement | null>, picture: Picture) {
  const before = useRef<ReadonlyMap<string, number>>(new Map());
  useLayoutEffect(() => {
    const rows = [...(list.current?.querySelectorAll<HTMLElement>(".row") ?? [])];
    const still = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
    for (const row of rows) {
      const from = before.current.get(row.dataset.passage!);
      const distance = from === undefined ? 0 : from - row.offsetTop;
      if (distance && !still) row.animate([{ transform: `translateY(${distance}px)` }, { transform: "none" }], TIMING);
    }
    before.current = new Map(rows.map((row) => [row.dataset.passage!, row.offsetTop]));
  }, [list, picture]);
}
