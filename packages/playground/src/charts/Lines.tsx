import { curveBumpX, line } from "d3-shape";
import type { Moved } from "../api";
import type { Places } from "./usePlaces";

const NUMBER = 0.3; // of the width, for the ranks before
const DOT = 3.5;
const bump = line().curve(curveBumpX);

export const direction = ({ before, after }: Moved) => (after === null ? "out" : after < before ? "rise" : after > before ? "fall" : "same");

export function Lines({ shown, places }: { shown: Moved[]; places: Places }) {
  const from = NUMBER * places.width;
  const to = places.width - DOT;
  return (
    <svg className="lines" width={places.width} height={places.height} aria-hidden="true">
      {shown.map((moved) => {
        const start = places.starts.get(moved.index);
        const end = places.ends.get(moved.index);
        if (start === undefined || end === undefined) return null;
        const path = bump([
          [from, start],
          [to, end],
        ])!;
        return (
          <g key={moved.index} className={direction(moved)} data-passage={moved.index}>
            <path className="reach" d={path} />
            <path className="line" d={path} />
            <circle cx={to} cy={end} r={DOT} />
            <text x={from - 6} y={start}>
              {moved.before}
            </text>
          </g>
        );
      })}
    </svg>
  );
}
