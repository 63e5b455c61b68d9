import type { Cost } from "../api";
import { amount, number, seconds } from "../words";

export function CostLine({ cost }: { cost: Cost }) {
  const parts: [string, string][] = [
    ["Time", seconds(cost.seconds)],
    ["Calls", cost.hits ? `${amount(cost.calls)} + ${amount(cost.hits)} cached` : amount(cost.calls)],
    ["Tokens", cost.tokens_out ? `${amount(cost.tokens_in)} in, ${amount(cost.tokens_out)} out` : amount(cost.tokens_in)],
    ["Operations", cost.flops === null ? "unknown" : amount(cost.flops)],
    ["Price", cost.money === null ? "unknown" : cost.money ? `$${number(cost.money)}` : "none"],
  ];
  return (
    <dl className="cost" aria-label="What it cost">
      {parts.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
