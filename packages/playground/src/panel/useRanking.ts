// One pipeline's ranking, asked anew at each change; the last request wins.

import { useEffect, useRef, useState } from "react";
import { type Ranked, rank } from "../api";
import type { PanelState } from "../state";
import type { Done } from "../useRun";
import { many, seconds } from "../words";
import { Pace } from "./pace";

interface Outcome {
  ranked: Ranked | null;
  error: string | null;
  busy: boolean;
}

const NOTHING: Outcome = { ranked: null, error: null, busy: false };

export function useRanking(panel: PanelState, done: Done | null, top: number | null, say: (status: string) => void): Outcome {
  const [outcome, setOutcome] = useState(NOTHING);
  const [pace] = useState(() => new Pace());
  const { pipeline, settings } = panel;
  const asked = useRef({ pipeline, done });
  useEffect(() => {
    // Of another pipeline or query, no answer is wanted that is still under way.
    if (asked.current.pipeline !== pipeline || asked.current.done !== done) pace.stop();
    asked.current = { pipeline, done };
    if (!done) return setOutcome(NOTHING);
    const ask = { pipeline, settings, query: done.query, passages: done.passages, top_k: top };
    pace.ask(async (signal) => {
      setOutcome((before) => ({ ...before, busy: true }));
      try {
        const ranked = await rank(ask, signal);
        if (signal.aborted) return;
        setOutcome({ ranked, error: null, busy: false });
        say(summary(pipeline, ranked));
      } catch (error) {
        if (!signal.aborted) setOutcome({ ranked: null, error: (error as Error).message, busy: false });
      }
    });
  }, [pipeline, settings, done, top, say, pace]);
  useEffect(() => () => pace.stop(), [pace]);
  return outcome;
}

function summary(pipeline: string, { picture, cost }: Ranked): string {
  const kept = picture.movement.filter((each) => each.after !== null).length;
  return `${pipeline}: kept ${kept} of ${many(picture.movement.length, "passage")} in ${seconds(cost.seconds)}.`;
}
