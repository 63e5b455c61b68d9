// One pipeline's ranking, asked anew at each change; the last request wins.

import { useEffect, useState } from "react";
import { type Ranked, rank } from "../api";
import type { PanelState } from "../state";
import type { Done } from "../useRun";
import { many, seconds } from "../words";

const PAUSE = 80; // milliseconds in which a moving slider sends nothing

interface Outcome {
  ranked: Ranked | null;
  error: string | null;
  busy: boolean;
}

export function useRanking(panel: PanelState, done: Done | null, top: number | null, say: (status: string) => void): Outcome {
  const [outcome, setOutcome] = useState<Outcome>({ ranked: null, error: null, busy: false });
  const { pipeline, settings } = panel;
  useEffect(() => {
    if (!done) return;
    const under = new AbortController();
    const ask = { pipeline, settings, query: done.query, passages: done.passages, top_k: top };
    const timer = setTimeout(() => {
      setOutcome((before) => ({ ...before, busy: true }));
      rank(ask, under.signal)
        .then((ranked) => {
          if (under.signal.aborted) return;
          setOutcome({ ranked, error: null, busy: false });
          say(summary(pipeline, ranked));
        })
        .catch((error: unknown) => {
          if (!under.signal.aborted) setOutcome({ ranked: null, error: (error as Error).message, busy: false });
        });
    }, PAUSE);
    return () => {
      clearTimeout(timer);
      under.abort();
    };
  }, [pipeline, settings, done, top, say]);
  return outcome;
}

function summary(pipeline: string, { picture, cost }: Ranked): string {
  const kept = picture.movement.filter((each) => each.after !== null).length;
  return `${pipeline}: kept ${kept} of ${many(picture.movement.length, "passage")} in ${seconds(cost.seconds)}.`;
}
