// What the server is asked, and what it answers.

export type Value = number | string | boolean | null;
export type Settings = Record<string, Value>;

export interface Knob {
  path: string;
  label: string;
  kind: "number" | "integer" | "boolean" | "choice";
  value: Value;
  low: number | null;
  high: number | null;
  step: number | null;
  choices: (string | number)[];
  optional: boolean;
  summary: string;
}

export interface Stage {
  name: string;
  summary: string;
  source: string | null;
}

export interface Pipeline {
  name: string;
  text: string;
  stages: Stage[];
  knobs: Knob[];
}

export interface Collection {
  name: string;
  passages: number;
}

export interface Catalogue {
  version: string;
  keys: boolean;
  pipelines: Pipeline[];
  collections: Collection[];
  limits: { passages: number; bytes: number };
}

export interface PassageObject {
  text: string;
  id?: string | null;
  [field: string]: unknown;
}

export type Passage = string | PassageObject;

export interface Moved {
  index: number;
  id: string | null;
  text: string;
  before: number;
  after: number | null;
  score: number | null;
  why: string;
  reasons: Record<string, number | string>;
}

export interface Picture {
  movement: Moved[];
  criteria: { name: string; values: (number | null)[] }[];
  edges: [number, number, number][];
  redundancy: { index: number; like: number | null; similarity: number }[];
  cut: { at: number; why: string; confidence: number | null } | null;
}

export interface Cost {
  seconds: number;
  calls: number;
  tokens_in: number;
  tokens_out: number;
  flops: number | null;
  money: number | null;
  hits: number;
}

export interface Ranked {
  ranking: { score_kind: string; degraded: string | null; repairs: string[] };
  picture: Picture;
  cost: Cost;
  explain: string;
}

export interface Ask {
  pipeline: string;
  settings: Settings;
  query: string;
  passages: Passage[];
  top_k: number | null;
}

export const LANGUAGES = ["python", "llamaindex", "langchain", "haystack", "curl"] as const;
export type Code = Record<(typeof LANGUAGES)[number], string>;

export class ServerError extends Error {
  constructor(
    message: string,
    readonly status: number,
  ) {
    super(message);
  }
}

const KEY = "shortlist-key";

/** The key lives as long as the tab, and goes to this server only. */
export const key = {
  get: () => sessionStorage.getItem(KEY) ?? "",
  set: (text: string) => (text ? sessionStorage.setItem(KEY, text) : sessionStorage.removeItem(KEY)),
};

async function send<T>(name: string, body?: unknown, signal?: AbortSignal): Promise<T> {
  const headers: Record<string, string> = key.get() ? { authorization: `Bearer ${key.get()}` } : {};
  if (body !== undefined) headers["content-type"] = "application/json";
  const request = { method: body === undefined ? "GET" : "POST", headers, body: JSON.stringify(body), signal };
  const response = await fetch(`./playground/api/${name}`, request).catch((error: unknown) => {
    if (signal?.aborted) throw error;
    throw new ServerError("The server does not answer.", 0);
  });
  if (!response.ok) throw new ServerError(await complaint(response), response.status);
  return (await response.json()) as T;
}

async function complaint(response: Response): Promise<string> {
  const body = (await response.json().catch(() => null)) as { message?: unknown } | null;
  return typeof body?.message === "string" ? body.message : `The server answered ${response.status}.`;
}

export const catalogue = () => send<Catalogue>("pipelines");
export const rank = (ask: Ask, signal: AbortSignal) => send<Ranked>("rank", ask, signal);
export const code = (ask: Ask, signal: AbortSignal) => send<Code>("code", ask, signal);
export const search = (collection: string, query: string, k: number, signal: AbortSignal) =>
  send<{ passages: PassageObject[] }>("search", { collection, query, k }, signal);
