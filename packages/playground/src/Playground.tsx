// The page: what is ranked on one side, what each pipeline makes of it on the other.

import { useCallback, useEffect, useRef, useState } from "react";
import { flushSync } from "react-dom";
import type { Catalogue } from "./api";
import { CodeDialog } from "./CodeDialog";
import { Header } from "./Header";
import { useLights } from "./highlight";
import { Inputs } from "./inputs/Inputs";
import { Panel } from "./panel/Panel";
import { MOST_PANELS, type PanelState, type State } from "./state";
import { useLink } from "./useLink";
import { type Job, useRun } from "./useRun";

interface Props {
  catalogue: Catalogue;
  state: State;
  notice: string;
}

export function Playground({ catalogue, state: start, notice }: Props) {
  const [state, setState] = useState(start);
  const [status, setStatus] = useState("");
  const [told, tell] = useState(notice);
  const [coding, setCoding] = useState(false);
  const job = useScroll(useRun(state));
  const link = useLink(state, tell);
  const change = useCallback((part: Partial<State>) => setState((before) => ({ ...before, ...part })), []);
  const lights = useLights();
  useShortcut(job.run);

  const put = (id: number, next: PanelState | null) =>
    setState((before) => ({
      ...before,
      panels: before.panels.flatMap((each) => (each.id !== id ? [each] : next ? [next] : [])),
    }));

  const remove = (id: number) => {
    const nth = state.panels.findIndex((each) => each.id === id);
    flushSync(() => put(id, null));
    const choices = [...document.querySelectorAll<HTMLElement>(".panel-head .select")];
    (choices[nth] ?? choices.at(-1))?.focus(); // the button that had the focus is gone
  };

  return (
    <>
      <a className="skip" href="#rankings" onClick={toRankings}>
        Skip to the rankings
      </a>
      <Header
        version={catalogue.version}
        onCode={() => setCoding(true)}
        onLink={() => void link()}
        onAdd={state.panels.length < MOST_PANELS ? () => change({ panels: added(state, catalogue) }) : null}
        ready={job.done !== null}
      />
      <p className="notice" role="status">
        {told}
      </p>
      <div className="layout">
        <Inputs catalogue={catalogue} state={state} change={change} job={job} />
        <main id="rankings" tabIndex={-1}>
          <h2 className="hidden">Rankings</h2>
          <div className="panels" data-count={state.panels.length} {...lights}>
            {state.panels.map((each) => (
              <Panel
                key={each.id}
                catalogue={catalogue}
                state={each}
                done={job.done}
                top={state.top}
                onChange={(next) => put(each.id, next)}
                onRemove={state.panels.length > 1 ? () => remove(each.id) : null}
                say={setStatus}
              />
            ))}
          </div>
        </main>
      </div>
      <p className="hidden" role="status">
        {status}
      </p>
      {job.done ? <CodeDialog isOpen={coding} onClose={() => setCoding(false)} state={state} done={job.done} /> : null}
    </>
  );
}

function added(state: State, catalogue: Catalogue): PanelState[] {
  const shown = new Set(state.panels.map((each) => each.pipeline));
  const next = catalogue.pipelines.find((each) => !shown.has(each.name)) ?? catalogue.pipelines[0];
  const id = Math.max(...state.panels.map((each) => each.id)) + 1;
  return next ? [...state.panels, { id, pipeline: next.name, settings: {} }] : state.panels;
}

// The fragment holds the state, so the skip link must not change it.
function toRankings(event: React.MouseEvent) {
  event.preventDefault();
  document.getElementById("rankings")?.focus();
}

/** Where the rankings stand below the inputs, a run that was asked for leads to them. */
function useScroll(job: Job): Job {
  const { done, run } = job;
  const isAsked = useRef(false);
  useEffect(() => {
    if (done && isAsked.current && window.matchMedia("(max-width: 63.99rem)").matches) {
      const isStill = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
      document.getElementById("rankings")?.scrollIntoView({ behavior: isStill ? "auto" : "smooth" });
    }
    isAsked.current = false;
  }, [done]);
  const asked = useCallback(() => {
    isAsked.current = true;
    run();
  }, [run]);
  return { ...job, run: asked };
}

function useShortcut(run: () => void) {
  const latest = useRef(run);
  latest.current = run;
  useEffect(() => {
    const pressed = (event: KeyboardEvent) => {
      if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
      event.preventDefault();
      setTimeout(() => latest.current()); // a number field takes what was typed at this same key
    };
    window.addEventListener("keydown", pressed, true);
    return () => window.removeEventListener("keydown", pressed, true);
  }, []);
}
