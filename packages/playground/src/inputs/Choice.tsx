import { Button, Label, ListBox, ListBoxItem, Popover, Select, SelectValue, Text } from "react-aria-components";

interface Props {
  label: string;
  value: string;
  choices: readonly string[];
  onChange: (value: string) => void;
  note?: string;
  isLabelHidden?: boolean;
}

export function Choice({ label, value, choices, onChange, note, isLabelHidden }: Props) {
  return (
    <Select className="field choice" value={value} onChange={(key) => onChange(String(key))}>
      <Label className={isLabelHidden ? "hidden" : "label"}>{label}</Label>
      <Button className="select">
        <SelectValue />
        <svg viewBox="0 0 10 6" aria-hidden="true">
          <path d="M1 1l4 4 4-4" />
        </svg>
      </Button>
      {note ? <Text slot="description">{note}</Text> : null}
      <Popover className="popover" offset={4}>
        <ListBox className="options" items={choices.map((id) => ({ id }))}>
          {(item) => <ListBoxItem className="option">{item.id}</ListBoxItem>}
        </ListBox>
      </Popover>
    </Select>
  );
}
