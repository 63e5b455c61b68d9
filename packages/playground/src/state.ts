// What is on screen, as a value that fits into a link.

import type { Catalogue, Settings } from "./api";
import { EXAMPLE } from "./example";

export interface PanelState {
  id: number;
  pipeline: string;
  settings: Settings;
}

export interface State {
  query: string;
  source: "paste" | "folder";
  text: string;
  collection: string;
  k: number;
  top: number | null;
  panels: PanelState[];
}

export const MOST_PANELS = 3;

export function first(catalogue: Catalogue): State {
  const names = catalogue.pipelines.map((each) => each.name);
  const wide = window.matchMedia("(min-width: 64rem)").matches;
  return {
    ...EXAMPLE,
    source: "paste",
    collection: catalogue.collections[0]?.name ?? "",
    k: 20,
    top: null,
    panels: names.slice(0, wide ? 2 : 1).map((pipeline, id) => ({ id, pipeline, settings: {} })),
  };
}

/** A state from outside, with everything that this page or this server does not know left out. */
export function sane(value: unknown, catalogue: Catalogue): State {
  const start = first(catalogue);
  if (typeof value !== "object" || value === null) throw new Error("not a state");
  const given = value as Record<string, unknown>;
  const panels = (Array.isArray(given.panels) ? given.panels : [])
    .map((each, id) => panel(each, id, catalogue))
    .filter((each) => each !== null)
    .slice(0, MOST_PANELS);
  return {
    query: text(given.query, start.query),
    source: given.source === "folder" && catalogue.collections.length ? "folder" : "paste",
    text: text(given.text, start.text),
    collection: text(given.collection, start.collection),
    k: whole(given.k) ?? start.k,
    top: whole(given.top),
    panels: panels.length ? panels : start.panels,
  };
}

function panel(value: unknown, id: number, catalogue: Catalogue): PanelState | null {
  const given = (value ?? {}) as { pipeline?: unknown; settings?: unknown };
  const found = catalogue.pipelines.find((each) => each.name === given.pipeline);
  if (!found) return null;
  const known = new Set(found.knobs.map((knob) => knob.path));
  const settings = Object.entries((given.settings ?? {}) as Settings).filter(([path]) => known.has(path));
  return { id, pipeline: found.name, settings: Object.fromEntries(settings) };
}

const text = (value: unknown, otherwise: string) => (typeof value === "string" ? value : otherwise);
const whole = (value: unknown) => (typeof value === "number" && Number.isInteger(value) && value > 0 ? value : null);
