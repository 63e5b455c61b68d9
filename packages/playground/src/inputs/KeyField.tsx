import { type FormEvent, useState } from "react";
import { Button, Input, Label, Text, TextField } from "react-aria-components";
import { key } from "../api";

export function KeyField({ onDone }: { onDone: () => void }) {
  const [text, setText] = useState(key.get);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    key.set(text.trim());
    onDone();
  };
  return (
    <form className="key" onSubmit={submit}>
      <TextField className="field" type="password" autoComplete="off" value={text} onChange={setText}>
        <Label className="label">API key</Label>
        <Input />
        <Text slot="description">Kept until this tab is closed; sent to this server only.</Text>
      </TextField>
      <Button className="button" type="submit">
        Use key
      </Button>
    </form>
  );
}
