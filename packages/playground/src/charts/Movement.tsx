// The ordered list, with a line to each passage from where it stood before: a bump chart whose right axis is the list.

import { useMemo, useRef, useState } from "react";
import { Button } from "react-aria-components";
import type { Moved, Picture } from "../api";
import { AsTable } from "./AsTable";
import { Lines } from "./Lines";
import { Row, scoreOf } from "./Row";
import { useGlide } from "./useGlide";
import { usePlaces } from "./usePlaces";
import { whereabouts } from "./whereabouts";
import { excerpt, number } from "../words";

const SHOWN = 30;
const MORE = 100;

export function Movement({ picture, scoreKind }: { picture: Picture; scoreKind: string }) {
  const [most, setMost] = useState(SHOWN);
  const list = useRef<HTMLDivElement>(null);
  const { kept, dropped } = useMemo(() => sorted(picture.movement), [picture]);
  const shown = [...kept.slice(0, most), ...dropped.slice(0, Math.max(0, most - kept.length))];
  const hidden = picture.movement.length - shown.length;
  const places = usePlaces(list, shown);
  useGlide(list, picture);

  const likes = new Map(picture.redundancy.map((each) => [each.index, each]));
  const where = useMemo(() => whereabouts(picture.movement), [picture]);
  const demoted = useMemo(() => lowered(picture.movement), [picture]);
  const row = (moved: Moved) => (
    <Row
      key={moved.index}
      moved={moved}
      like={likes.get(moved.index)}
      isDemoted={demoted.has(moved.index)}
      known={picture.cut?.why}
      where={where}
    />
  );
  return (
    <section className="movement" aria-label="Movement">
      <h4 className="hidden">Movement</h4>
      <div className="columns" aria-hidden="true">
        <span>Before</span>
        <span>Now</span>
        <span>score ({scoreKind})</span>
      </div>
      <div className="bump">
        <Lines shown={shown} places={places} />
        <div className="rows" ref={list}>
          <ol>{shown.filter((each) => each.after !== null).map(row)}</ol>
          {dropped.length || picture.cut ? <Cut picture={picture} kept={kept.length} dropped={dropped.length} /> : null}
          <ul>{shown.filter((each) => each.after === null).map(row)}</ul>
        </div>
      </div>
      {hidden > 0 ? (
        <Button className="button quiet" onPress={() => setMost(most + MORE)}>
          Show {Math.min(hidden, MORE)} more of {hidden}
        </Button>
      ) : null}
      <AsTable
        title="Movement as a table"
        head={["Before", "Now", "Score", "Passage", "Why"]}
        rows={shown.map((each) => [each.before, each.after ?? "dropped", scoreOf(each), excerpt(each.text, 80), where.inWords(each.why)])}
      />
    </section>
  );
}

function Cut({ picture, kept, dropped }: { picture: Picture; kept: number; dropped: number }) {
  const { cut } = picture;
  return (
    <p className="cut">
      <strong>{!cut ? `Kept ${kept}, dropped ${dropped}` : dropped ? `Cut after ${cut.at}` : "Nothing here will do"}</strong>
      {cut?.why ? <span>{cut.why}</span> : null}
      {typeof cut?.confidence === "number" ? <span>confidence {number(cut.confidence)}</span> : null}
    </p>
  );
}

/** Those that are out, or stand lower than by relevance alone; where that is not told, lower than before. */
function lowered(movement: Moved[]): Set<number> {
  const relevance = ({ reasons }: Moved) => (typeof reasons.relevance === "number" ? reasons.relevance : null);
  const byRelevance = movement.map(relevance).filter((each) => each !== null).sort((a, b) => b - a);
  const due = (moved: Moved) => {
    const own = relevance(moved);
    return own === null ? moved.before : byRelevance.indexOf(own) + 1;
  };
  return new Set(movement.filter((each) => each.after === null || each.after > due(each)).map((each) => each.index));
}

/** Dropped ones stay in the order of the ranking. */
function sorted(movement: Moved[]) {
  const kept = movement.filter((each) => each.after !== null).sort((a, b) => a.after! - b.after!);
  const dropped = movement.filter((each) => each.after === null);
  return { kept, dropped };
}
