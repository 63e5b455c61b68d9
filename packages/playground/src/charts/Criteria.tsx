// A bar for each passage and criterion, in a table, so that the chart is its own text alternative.

import { useState } from "react";
import { Button } from "react-aria-components";
import type { Moved, Picture } from "../api";
import { excerpt, number } from "../words";

const SHOWN = 10;
const MORE = 100;
type Criterion = Picture["criteria"][number] & { width: (value: number) => number };

export function Criteria({ picture }: { picture: Picture }) {
  const [most, setMost] = useState(SHOWN);
  const rows = picture.movement.filter((each) => each.after !== null).sort((a, b) => a.after! - b.after!);
  const criteria = picture.criteria
    .filter(({ values }) => rows.some(({ index }) => typeof values[index] === "number"))
    .map((each) => ({ ...each, width: widths(each.values) }));
  const shown = rows.slice(0, most);
  if (!criteria.length) return null;
  return (
    <section className="criteria">
      <h4>What the scores are made of</h4>
      <div className="scroll" role="region" aria-label="Criteria" tabIndex={0}>
        <table>
          <thead>
            <tr>
              <th scope="col">Passage</th>
              {criteria.map((each) => (
                <th key={each.name} scope="col">
                  {each.name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {shown.map((moved) => (
              <CriteriaRow key={moved.index} moved={moved} criteria={criteria} />
            ))}
          </tbody>
        </table>
      </div>
      {rows.length > shown.length ? (
        <Button className="button quiet" onPress={() => setMost(most + MORE)}>
          Show {Math.min(rows.length - most, MORE)} more of {rows.length - most}
        </Button>
      ) : null}
    </section>
  );
}

function CriteriaRow({ moved, criteria }: { moved: Moved; criteria: Criterion[] }) {
  return (
    <tr data-passage={moved.index}>
      <th scope="row">
        <span className="rank">{moved.after}</span> {excerpt(moved.text, 44)}
      </th>
      {criteria.map(({ name, values, width }) => {
        const value = values[moved.index] ?? null;
        return (
          <td key={name}>
            <span className="bar">{value === null ? null : <span style={{ width: `${width(value)}%` }} />}</span>
            {number(value)}
          </td>
        );
      })}
    </tr>
  );
}

/** In hundredths of the room: bars begin at nought where all values are above it, else at the least of them. */
function widths(values: (number | null)[]) {
  const known = values.filter((value) => value !== null);
  const least = Math.min(0, ...known);
  const most = Math.max(0, ...known);
  return (value: number) => (most === least ? 0 : (100 * (value - least)) / (most - least));
}
