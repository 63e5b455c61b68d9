// Passages by where they stand now: a number that means the place before would be mistaken for the rank beside it.

import type { Moved } from "../api";

export interface Whereabouts {
  of: (index: number) => Moved | undefined;
  inWords: (why: string) => string; // a reason, with "#7", which names a passage by its place before, in words
}

export function whereabouts(movement: Moved[]): Whereabouts {
  const byIndex = new Map(movement.map((each) => [each.index, each]));
  const byId = new Map(movement.map((each) => [each.id, each]));
  const worded = (id: string) => (byId.has(id) ? nowAt(byId.get(id)) : id);
  return { of: (index) => byIndex.get(index), inWords: (why) => why.replace(/(?<!\w)#\d+/g, worded) };
}

export const nowAt = (moved: Moved | undefined) =>
  !moved ? "another one" : moved.after === null ? `a dropped one (${moved.before} before)` : `the one now at ${moved.after}`;
