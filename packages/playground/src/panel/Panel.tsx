import { useEffect, useId, useState } from "react";
import { Button } from "react-aria-components";
import type { Catalogue, Ranked } from "../api";
import { Criteria } from "../charts/Criteria";
import { Graph } from "../charts/Graph";
import { Movement } from "../charts/Movement";
import { Choice } from "../inputs/Choice";
import type { PanelState } from "../state";
import type { Done } from "../useRun";
import { CostLine } from "./CostLine";
import { Knobs } from "./Knobs";
import { Stages } from "./Stages";
import { useRanking } from "./useRanking";

interface Props {
  catalogue: Catalogue;
  state: PanelState;
  done: Done | null;
  top: number | null;
  onChange: (next: PanelState) => void;
  onRemove: (() => void) | null;
  say: (status: string) => void;
}

export function Panel({ catalogue, state, done, top, onChange, onRemove, say }: Props) {
  const title = useId();
  const { ranked, error, busy } = useRanking(state, done, top, say);
  const isSlow = useSlow(busy);
  const pipeline = catalogue.pipelines.find((each) => each.name === state.pipeline);
  return (
    <section className="panel card" aria-labelledby={title} aria-busy={busy}>
      <h3 id={title} className="hidden">
        {state.pipeline}
      </h3>
      <div className="panel-head">
        <Choice
          label="Pipeline"
          isLabelHidden
          value={state.pipeline}
          choices={catalogue.pipelines.map((each) => each.name)}
          onChange={(name) => onChange({ ...state, pipeline: name, settings: {} })}
        />
        {onRemove ? (
          <Button className="button quiet" aria-label={`Remove ${state.pipeline}`} onPress={onRemove}>
            ✕
          </Button>
        ) : null}
        {pipeline ? <Stages pipeline={pipeline} /> : null}
      </div>
      <div className="panel-knobs">
        {pipeline?.knobs.length ? (
          <Knobs knobs={pipeline.knobs} passages={done?.passages.length ?? 0} settings={state.settings} onChange={(settings) => onChange({ ...state, settings })} />
        ) : null}
      </div>
      <div className="panel-result">
        <p className="error" aria-live="polite">
          {error}
        </p>
        <p className={ranked ? "progress" : "waiting"} aria-live="polite">
          {ranked ? (isSlow ? "Ranking…" : "") : error ? "" : done ? "Ranking…" : "Nothing is ranked."}
        </p>
        {ranked ? <Result ranked={ranked} /> : null}
      </div>
    </section>
  );
}

const SLOW = 300; // milliseconds after which the reader is told

function useSlow(busy: boolean): boolean {
  const [isSlow, setSlow] = useState(false);
  useEffect(() => {
    if (!busy) return;
    const timer = setTimeout(() => setSlow(true), SLOW);
    return () => {
      clearTimeout(timer);
      setSlow(false);
    };
  }, [busy]);
  return isSlow;
}

function Result({ ranked }: { ranked: Ranked }) {
  const { picture, cost, ranking } = ranked;
  return (
    <>
      <CostLine cost={cost} />
      {ranking.degraded ? <p className="note">Degraded: {ranking.degraded}</p> : null}
      {ranking.repairs.length ? <p className="note">Mended: {ranking.repairs.join("; ")}</p> : null}
      <Movement picture={picture} scoreKind={ranking.score_kind} />
      {picture.criteria.length ? <Criteria picture={picture} /> : null}
      {picture.edges.length ? <Graph picture={picture} /> : null}
    </>
  );
}
