// What is on screen, as a value that fits into a link.

import type { Catalogue, Knob, Settings, Value } from "./api";
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
export const FOUND = 50; // passages that a search of a folder finds, unless another number is asked for

export function first(catalogue: Catalogue): State {
  const names = catalogue.pipelines.map((each) => each.name);
  const wide = window.matchMedia("(min-width: 64rem)").matches;
  return {
    ...EXAMPLE,
    source: "paste",
    collection: catalogue.collections[0]?.name ?? "",
    k: FOUND,
    top: null,
    panels: names.slice(0, wide ? 2 : 1).map((pipeline, id) => ({ id, pipeline, settings: {} })),
  };
}

const MOST_TOLD = 6;

/** A state from outside, with everything that this page or this server does not know left out, and what that was. */
export function sane(value: unknown, catalogue: Catalogue): { state: State; notice: string } {
  const start = first(catalogue);
  if (typeof value !== "object" || value === null) throw new Error("not a state");
  const given = value as Record<string, unknown>;
  const lost: string[] = [];
  const panels = (Array.isArray(given.panels) ? given.panels : [])
    .slice(0, MOST_PANELS)
    .map((each, id) => panel(each, id, catalogue, lost))
    .filter((each) => each !== null);
  const isThere = catalogue.collections.some((each) => each.name === given.collection);
  const isFolder = given.source === "folder";
  if (isFolder && !isThere) lost.push(`the folder ${shown(given.collection)}`);
  const state: State = {
    query: text(given.query, start.query),
    source: isFolder && catalogue.collections.length ? "folder" : "paste",
    text: text(given.text, start.text),
    collection: isThere ? (given.collection as string) : start.collection,
    k: Math.min(whole(given.k) ?? start.k, catalogue.limits.passages),
    top: whole(given.top),
    panels: panels.length ? panels : start.panels,
  };
  const told = lost.slice(0, MOST_TOLD).join(", ") + (lost.length > MOST_TOLD ? ", and more" : "");
  return { state, notice: told && `This link asks for what this server does not have: ${told}.` };
}

function panel(value: unknown, id: number, catalogue: Catalogue, lost: string[]): PanelState | null {
  const given = (value ?? {}) as { pipeline?: unknown; settings?: unknown };
  const found = catalogue.pipelines.find((each) => each.name === given.pipeline);
  if (!found) {
    lost.push(`the pipeline ${shown(given.pipeline)}`);
    return null;
  }
  const settings: Settings = {};
  for (const [path, asked] of Object.entries(given.settings ?? {})) {
    const knob = found.knobs.find((each) => each.path === path);
    const fits = knob ? fitting(knob, asked) : undefined;
    if (fits !== undefined) settings[path] = fits;
    if (fits !== asked) lost.push(`the setting ${shown(path)} = ${shown(asked)} of ${found.name}`);
  }
  return { id, pipeline: found.name, settings };
}

/** The nearest value that a knob takes; undefined where none is near. */
function fitting(knob: Knob, value: unknown): Value | undefined {
  if (value === null) return knob.optional ? null : undefined;
  if (knob.kind === "boolean") return typeof value === "boolean" ? value : undefined;
  if (knob.kind === "choice") return knob.choices.find((each) => each === value);
  if (typeof value !== "number" || !Number.isFinite(value)) return undefined;
  const near = Math.min(Math.max(value, knob.low ?? -Infinity), knob.high ?? Infinity);
  return knob.kind === "integer" ? Math.round(near) : near;
}

const shown = (value: unknown) => `“${String(typeof value === "object" ? JSON.stringify(value) : value).slice(0, 60)}”`;
const text = (value: unknown, otherwise: string) => (typeof value === "string" ? value : otherwise);
const whole = (value: unknown) => (typeof value === "number" && Number.isInteger(value) && value > 0 ? value : null);
