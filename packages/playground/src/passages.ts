// How pasted text becomes passages.

import type { Passage, PassageObject } from "./api";

export interface Read {
  passages: Passage[];
  how: string;
  error: string | null;
}

const none = (error: string): Read => ({ passages: [], how: "", error });

/** JSON where the text starts like it; else blocks between blank lines where there are any; else lines. */
export function read(text: string): Read {
  const trimmed = text.trim();
  if (!trimmed) return none("Paste at least one passage.");
  if (/^\[\s*["{\]]/.test(trimmed) || /^\{\s*"/.test(trimmed)) return fromJson(trimmed);
  if (/\n[ \t]*\n/.test(trimmed)) return { passages: parts(trimmed, /\n(?:[ \t]*\n)+/), how: "between blank lines", error: null };
  return { passages: parts(trimmed, /\n/), how: "one a line", error: null };
}

const parts = (text: string, between: RegExp) =>
  text
    .split(between)
    .map((part) => part.trim())
    .filter(Boolean);

function fromJson(text: string): Read {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return fromJsonLines(text);
  }
  return checked(Array.isArray(value) ? value : [value]);
}

function fromJsonLines(text: string): Read {
  try {
    return checked(parts(text, /\n/).map((line) => JSON.parse(line) as unknown));
  } catch (error) {
    return none(`This looks like JSON, but it is not: ${(error as Error).message}`);
  }
}

function checked(values: unknown[]): Read {
  const bad = values.findIndex((value) => typeof value !== "string" && !isPassage(value));
  if (bad >= 0) return none(`Passage ${bad + 1} is neither a text nor an object with a "text".`);
  if (!values.length) return none("Paste at least one passage.");
  return { passages: values as Passage[], how: "JSON", error: null };
}

const isPassage = (value: unknown): value is PassageObject =>
  typeof value === "object" && value !== null && typeof (value as { text?: unknown }).text === "string";
