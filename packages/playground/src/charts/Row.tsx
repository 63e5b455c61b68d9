// One passage in its place; opened, all that is known about it.

import { Button, Disclosure, DisclosurePanel } from "react-aria-components";
import type { Moved, Picture } from "../api";
import { excerpt, number } from "../words";
import { direction } from "./Lines";

const LETTERS = 280; // of a passage in its head; more are in what opens

type Like = Picture["redundancy"][number] | undefined;

interface Props {
  moved: Moved;
  like: Like;
  isDemoted: boolean; // whether it stands lower because of that
  known: string | undefined; // a reason that is told elsewhere
}

export function Row({ moved, like, isDemoted, known }: Props) {
  return (
    <li className={`row ${direction(moved)}`} data-passage={moved.index} data-before={moved.before}>
      <Disclosure>
        <Button slot="trigger" className="row-head">
          <span className="rank">{moved.after ?? "–"}</span>
          <span className="what">
            <span className="text">{excerpt(moved.text, LETTERS)}</span>
            {like && isDemoted ? <Redundancy like={like} /> : moved.why && moved.why !== known ? <span className="why">{moved.why}</span> : null}
          </span>
          <span className="score">
            {number(moved.score)}
            <Shift moved={moved} />
          </span>
        </Button>
        <DisclosurePanel className="row-panel">
          <Details moved={moved} like={like} />
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

const sentence = (like: NonNullable<Like>) =>
  `${like.like === null ? "Like one above it" : `Like passage ${like.like + 1}`} (${number(like.similarity)})`;

function Redundancy({ like }: { like: NonNullable<Like> }) {
  return <span className="why redundant">{sentence(like)}</span>;
}

function Details({ moved, like }: { moved: Moved; like: Like }) {
  const other = like?.like;
  return (
    <>
      {moved.text === excerpt(moved.text, LETTERS) ? null : <p className="whole">{moved.text}</p>}
      <dl>
        <dt>Came in at</dt>
        <dd>
          {moved.before}
          {moved.id && !moved.id.startsWith("#") ? `, id ${moved.id}` : ""}
        </dd>
        {Object.entries(moved.reasons).map(([name, value]) => (
          <Reason key={name} name={name} value={typeof value === "number" ? number(value) : value} />
        ))}
      </dl>
      {like ? (
        <p>
          {sentence(like)}.{" "}
          {typeof other === "number" ? (
            <Button className="button quiet" data-passage={other} onPress={({ target }) => goTo(other, target)}>
              Show passage {other + 1}
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
