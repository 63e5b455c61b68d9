// One passage in its place; opened, all that is known about it.

import { Button, Disclosure, DisclosurePanel } from "react-aria-components";
import type { Moved, Picture } from "../api";
import { excerpt, number } from "../words";
import { direction } from "./Lines";
import { nowAt, type Whereabouts } from "./whereabouts";

const LETTERS = 280; // of a passage in its head; more are in what opens

type Like = Picture["redundancy"][number] | undefined;

interface Props {
  moved: Moved;
  like: Like;
  isDemoted: boolean; // whether it stands lower because of that
  known: string | undefined; // a reason that is told elsewhere
  where: Whereabouts;
}

/** Of one that was dropped, it may be another stage's and on another scale. */
export const scoreOf = ({ after, score }: Moved) => number(after === null ? null : score);
const isNamed = ({ id }: Moved) => id !== null && !id.startsWith("#");

export function Row({ moved, like, isDemoted, known, where }: Props) {
  return (
    <li className={`row ${direction(moved)}`} data-passage={moved.index} data-before={moved.before}>
      <Disclosure>
        <Button slot="trigger" className="row-head">
          <span className="rank">{moved.after ?? "–"}</span>
          <span className="what">
            <span className="text">{excerpt(moved.text, LETTERS)}</span>
            {isNamed(moved) ? <span className="id">{moved.id}</span> : null}
            {like && isDemoted ? (
              <span className="why redundant">{sentence(like, where)}</span>
            ) : moved.why && moved.why !== known ? (
              <span className="why">{where.inWords(moved.why)}</span>
            ) : null}
          </span>
          <span className="score">
            {scoreOf(moved)}
            <Shift moved={moved} />
          </span>
        </Button>
        <DisclosurePanel className="row-panel">
          <Details moved={moved} like={like} where={where} />
        </DisclosurePanel>
      </Disclosure>
    </li>
  );
}

function Shift({ moved }: { moved: Moved }) {
  const kind = direction(moved);
  const by = Math.abs((moved.after ?? moved.before) - moved.before);
  const words = { out: "dropped", same: "stayed", rise: `up ${by}`, fall: `down ${by}` }[kind];
  const sign = { out: "✕", same: "=", rise: `▲${by}`, fall: `▼${by}` }[kind];
  return (
    <span className="shift">
      <span aria-hidden="true">{sign}</span>
      <span className="hidden">, {words}</span>
    </span>
  );
}

const sentence = ({ like, similarity }: NonNullable<Like>, where: Whereabouts) =>
  `Like ${like === null ? "one above it" : nowAt(where.of(like))} (${number(similarity)})`;

function Details({ moved, like, where }: { moved: Moved; like: Like; where: Whereabouts }) {
  const other = like?.like;
  return (
    <>
      {moved.text === excerpt(moved.text, LETTERS) ? null : <p className="whole">{moved.text}</p>}
      <dl>
        <dt>Came in at</dt>
        <dd>
          {moved.before}
          {isNamed(moved) ? `, id ${moved.id}` : ""}
        </dd>
        {Object.entries(moved.reasons).map(([name, value]) => (
          <Reason key={name} name={name} value={typeof value === "number" ? number(value) : where.inWords(value)} />
        ))}
      </dl>
      {like ? (
        <p>
          {sentence(like, where)}.{" "}
          {typeof other === "number" ? (
            <Button className="button quiet" data-passage={other} onPress={({ target }) => goTo(other, target)}>
              Show {nowAt(where.of(other))}
            </Button>
          ) : null}
        </p>
      ) : null}
    </>
  );
}

function goTo(passage: number, from: Element) {
  const row = from.closest(".rows")?.querySelector<HTMLElement>(`.row[data-passage="${passage}"] .row-head`);
  row?.focus();
}

function Reason({ name, value }: { name: string; value: string }) {
  return (
    <>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </>
  );
}
