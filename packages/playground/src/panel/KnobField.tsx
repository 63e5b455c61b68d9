import { Input, Label, NumberField, Slider, SliderOutput, SliderThumb, SliderTrack, Switch, Text } from "react-aria-components";
import type { Knob, Value } from "../api";
import { Choice } from "../inputs/Choice";
import { number } from "../words";

interface Props {
  passages: number;
  knob: Knob;
  value: Value;
  onChange: (value: Value) => void;
}

export function KnobField(props: Props) {
  const { knob, value } = props;
  if (knob.kind === "boolean") return <Toggle {...props} />;
  if (knob.kind === "choice") return <OneOf {...props} />;
  const isRange = typeof value === "number" && knob.low !== null && knob.high !== null;
  return isRange ? <Range {...props} /> : <Amount {...props} />;
}

const NOT_SET = "not set";

function OneOf({ knob, value, onChange }: Props) {
  const choices: Value[] = knob.optional ? [null, ...knob.choices] : knob.choices;
  const names = choices.map((each) => (each === null ? NOT_SET : String(each)));
  const chosen = (name: string) => onChange(choices[names.indexOf(name)] ?? null);
  return <Choice label={knob.label} value={names[choices.indexOf(value)] ?? ""} choices={names} onChange={chosen} note={brief(knob)} />;
}

function Toggle({ knob, value, onChange }: Props) {
  return (
    <Switch className="switch" isSelected={value === true} onChange={onChange}>
      <span className="toggle" aria-hidden="true" />
      <span>
        {knob.label}
        {knob.summary ? <span className="summary">{brief(knob)}</span> : null}
      </span>
    </Switch>
  );
}

const LONG = 100;
const isLong = ({ kind, low, high }: Knob) => kind === "integer" && (high ?? 0) - (low ?? 0) > LONG;

/** Where a slider ends: of a range that goes on and on, only a part is of use to so many passages. */
function endOf({ low, high, value }: Knob, now: number, passages: number): number {
  const most = high ?? 1;
  if (most - (low ?? 0) <= LONG) return most;
  return Math.min(most, Math.max(passages, 2 * Number(value), now, (low ?? 0) + 1));
}

/** The first sentence of what a setting is for. */
const brief = ({ summary }: Knob) => summary.replaceAll("`", "").split(/[.;] /)[0]!.replace(/\.$/, "");

const stepOf = ({ kind, low, high, step }: Knob) => step ?? (kind === "integer" ? 1 : ((high ?? 1) - (low ?? 0)) / 100);

function Range({ knob, value, onChange, passages }: Props) {
  return (
    <Slider
      className="slider"
      value={value as number}
      onChange={(next) => onChange(next as number)}
      minValue={knob.low ?? 0}
      maxValue={endOf(knob, value as number, passages)}
      step={stepOf(knob)}
    >
      <Label className="label">{knob.label}</Label>
      {isLong(knob) ? <Exact knob={knob} value={value} onChange={onChange} /> : <SliderOutput>{({ state }) => number(state.values[0])}</SliderOutput>}
      <SliderTrack className="track">
        {({ state }) => (
          <>
            <span className="filled" style={{ width: `${state.getThumbPercent(0) * 100}%` }} />
            <SliderThumb className="thumb" />
          </>
        )}
      </SliderTrack>
      {knob.summary ? <span className="summary">{brief(knob)}</span> : null}
    </Slider>
  );
}

/** Of a long range, a slider does not end on the number that is meant. */
function Exact({ knob, value, onChange }: Omit<Props, "passages">) {
  return (
    <NumberField
      className="exact"
      aria-label={`${knob.label}, as a number`}
      value={value as number}
      onChange={(next) => onChange(Number.isNaN(next) ? knob.value : next)}
      minValue={knob.low ?? undefined}
      maxValue={knob.high ?? undefined}
      step={1}
    >
      <Input />
    </NumberField>
  );
}

function Amount({ knob, value, onChange }: Props) {
  return (
    <NumberField
      className="field short"
      value={typeof value === "number" ? value : Number.NaN}
      onChange={(next) => onChange(!Number.isNaN(next) ? next : knob.optional ? null : knob.value)}
      minValue={knob.low ?? undefined}
      maxValue={knob.high ?? undefined}
      step={knob.kind === "integer" ? 1 : undefined}
      formatOptions={{ maximumSignificantDigits: 6 }}
    >
      <Label className="label">{knob.label}</Label>
      <Input placeholder={NOT_SET} />
      {knob.summary ? <Text slot="description">{brief(knob)}</Text> : null}
    </NumberField>
  );
}
