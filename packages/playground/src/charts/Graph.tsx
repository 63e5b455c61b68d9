// Which passages belong together: the first ones on a circle, best at the top and then clockwise.

import { pointRadial } from "d3-shape";
import type { Moved, Picture } from "../api";
import { excerpt, many, number } from "../words";
import { AsTable } from "./AsTable";

const SHOWN = 24;
const SIZE = 260;
const RADIUS = 105;

export function Graph({ picture }: { picture: Picture }) {
  const nodes = picture.movement
    .filter((each) => each.after !== null)
    .sort((a, b) => a.after! - b.after!)
    .slice(0, SHOWN);
  const ranks = new Map(nodes.map((each) => [each.index, each.after!]));
  const edges = picture.edges.filter(([one, other]) => ranks.has(one) && ranks.has(other));
  const name = (index: number) => {
    const found = picture.movement.find((each) => each.index === index);
    return `${found?.after ?? "Dropped"}. ${excerpt(found?.text ?? "", 50)}`;
  };
  return (
    <section className="graph">
      <h4>Document graph</h4>
      <p className="note">The numbers are the ranks now.</p>
      <Circle nodes={nodes} edges={edges} />
      <AsTable
        title={`${many(picture.edges.length, "edge")} as a table`}
        head={["Passage", "Belongs with", "Weight"]}
        rows={picture.edges.map(([one, other, weight]) => [name(one), name(other), number(weight)])}
      />
    </section>
  );
}

function Circle({ nodes, edges }: { nodes: Moved[]; edges: Picture["edges"] }) {
  const places = new Map(nodes.map((each, nth) => [each.index, nth]));
  const at = (index: number) => pointRadial((2 * Math.PI * (places.get(index) ?? 0)) / nodes.length, RADIUS);
  const strongest = Math.max(...edges.map((edge) => edge[2]));
  const width = (weight: number) => 0.75 + (3.25 * weight) / strongest;
  const withNeighbours = (index: number) => [index, ...edges.flatMap(([a, b]) => (a === index ? b : b === index ? a : []))].join(" ");
  return (
    <svg
      className="circle"
      viewBox={`${-SIZE / 2} ${-SIZE / 2} ${SIZE} ${SIZE}`}
      role="img"
      aria-label={`${nodes.length} passages, ${edges.length} edges between them. The table below names them.`}
    >
      {edges.map(([one, other, weight]) => {
        const [x1, y1] = at(one);
        const [x2, y2] = at(other);
        const key = `${one} ${other}`;
        return <line key={key} data-passage={key} strokeWidth={width(weight)} {...{ x1, y1, x2, y2 }} />;
      })}
      {nodes.map((node) => {
        const [x, y] = at(node.index);
        return (
          <g key={node.index} transform={`translate(${x},${y})`} data-passage={withNeighbours(node.index)}>
            <circle r="11" />
            <text>{node.after}</text>
          </g>
        );
      })}
    </svg>
  );
}
