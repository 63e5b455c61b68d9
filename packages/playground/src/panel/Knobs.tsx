// What of a pipeline can be turned.

import { Button, Disclosure, DisclosurePanel, Heading } from "react-aria-components";
import type { Knob, Settings, Value } from "../api";
import { KnobField } from "./KnobField";

const SHOWN = 4;

interface Props {
  passages: number;
  knobs: Knob[];
  settings: Settings;
  onChange: (settings: Settings) => void;
}

export function Knobs({ knobs: all, passages, settings, onChange }: Props) {
  const knobs = inOrder(all);
  const field = (knob: Knob) => (
    <KnobField
      key={knob.path}
      knob={knob}
      passages={passages}
      value={settings[knob.path] === undefined ? knob.value : settings[knob.path]!}
      onChange={(value) => onChange(put(settings, knob, value))}
    />
  );
  const turned = Object.keys(settings).length;
  // A whole disclosure for one more knob would take more room than the knob.
  const shown = knobs.length <= SHOWN + 1 ? knobs.length : SHOWN;
  return (
    <div role="group" aria-label="Settings" className="knobs">
      {knobs.slice(0, shown).map(field)}
      {knobs.length > shown ? (
        <Disclosure className="more" defaultExpanded={knobs.slice(shown).some((knob) => knob.path in settings)}>
          <Heading level={4}>
            <Button slot="trigger" className="expression">
              {knobs.length - shown} more settings
            </Button>
          </Heading>
          <DisclosurePanel>{knobs.slice(shown).map(field)}</DisclosurePanel>
        </Disclosure>
      ) : null}
      {turned ? (
        <Button className="button quiet reset" onPress={() => onChange({})}>
          Reset settings
        </Button>
      ) : null}
    </div>
  );
}

const WEIGHTY = /weight|diversity|threshold|alpha|chance|coverage/;
const stageOf = (knob: Knob) => knob.label.split(/[: ]/)[0] ?? "";
const rank = (knob: Knob) => (knob.value === null ? 2 : WEIGHTY.test(knob.path) ? 0 : 1);

/** First what is turned most, last what is not set; of the same kind, those of the last stage, which decides most. */
function inOrder(knobs: Knob[]): Knob[] {
  const stages = [...new Set(knobs.map(stageOf))].reverse();
  const key = (knob: Knob) => rank(knob) * stages.length + stages.indexOf(stageOf(knob));
  return knobs.toSorted((a, b) => key(a) - key(b));
}

function put(settings: Settings, knob: Knob, value: Value): Settings {
  const { [knob.path]: _, ...others } = settings;
  return value === knob.value ? others : { ...others, [knob.path]: value };
}
