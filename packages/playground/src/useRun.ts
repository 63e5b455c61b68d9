// What "Run" runs: the query and the passages as they were when it was pressed.

import { useCallback, useEffect, useRef, useState } from "react";
import { type Passage, search } from "./api";
import { read } from "./passages";
import type { State } from "./state";

export interface Done {
  query: string;
  passages: Passage[];
}

export interface Job {
  done: Done | null;
  run: () => void;
  busy: boolean;
  error: string | null;
  stale: boolean;
}

const inputs = (state: State) =>
  JSON.stringify([state.query, state.source, ...(state.source === "paste" ? [state.text] : [state.collection, state.k])]);

export function useRun(state: State): Job {
  const [done, setDone] = useState<(Done & { of: string }) | null>(null);
  const [error, setError] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const under = useRef<AbortController | null>(null);
  const latest = useRef(state);
  latest.current = state;

  const run = useCallback(() => {
    under.current?.abort();
    const { signal } = (under.current = new AbortController());
    const state = latest.current;
    setBusy(true);
    found(state, signal)
      .then((passages) => {
        if (signal.aborted) return;
        setError(null);
        setDone({ query: state.query, passages, of: inputs(state) });
      })
      .catch((error: unknown) => {
        if (signal.aborted) return;
        setError((error as Error).message);
        setDone(null); // a ranking of the query before would pass for one of this query
      })
      .finally(() => signal.aborted || setBusy(false));
  }, []);

  useEffect(() => {
    run();
    return () => under.current?.abort();
  }, [run]);

  return { done, run, busy, error, stale: done !== null && done.of !== inputs(state) };
}

async function found(state: State, signal: AbortSignal): Promise<Passage[]> {
  if (!state.query.trim()) throw new Error("Write a query first.");
  if (state.source === "folder") {
    const { passages } = await search(state.collection, state.query, state.k, signal);
    if (!passages.length) throw new Error("The search found no passage.");
    return passages;
  }
  const { passages, error } = read(state.text);
  if (error) throw new Error(error);
  return passages;
}
