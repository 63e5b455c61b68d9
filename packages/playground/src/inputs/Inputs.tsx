import { Button, Input, Label, NumberField, Tab, TabList, TabPanel, Tabs, Text, TextArea, TextField } from "react-aria-components";
import type { Catalogue } from "../api";
import { read } from "../passages";
import { FOUND, type State } from "../state";
import type { Job } from "../useRun";
import { many } from "../words";
import { Choice } from "./Choice";
import { KeyField } from "./KeyField";

interface Props {
  catalogue: Catalogue;
  state: State;
  change: (part: Partial<State>) => void;
  job: Job;
}

export function Inputs({ catalogue, state, change, job }: Props) {
  return (
    <section className="inputs card" aria-labelledby="inputs-title">
      <h2 id="inputs-title" className="hidden">
        Query and passages
      </h2>
      {catalogue.keys ? <KeyField onDone={job.run} /> : null}
      <TextField className="field" value={state.query} onChange={(query) => change({ query })}>
        <Label className="label">Query</Label>
        <TextArea rows={2} />
      </TextField>
      <Source catalogue={catalogue} state={state} change={change} />
      <div className="go">
        <NumberField
          className="field short"
          minValue={1}
          value={state.top ?? Number.NaN}
          onChange={(top) => change({ top: Number.isNaN(top) ? null : top })}
        >
          <Label className="label">Keep at most</Label>
          <Input placeholder="all" />
        </NumberField>
        <Button className="button primary" onPress={job.run} aria-keyshortcuts="Control+Enter">
          Run
        </Button>
        <span className="hint shortcut">
          <kbd>Ctrl</kbd> <kbd>Enter</kbd>
        </span>
      </div>
      <p className="hint">{job.busy ? "Running…" : job.stale ? "Changed since the last run." : ""}</p>
      <p className="error" aria-live="polite">
        {job.error}
      </p>
    </section>
  );
}

function Source({ catalogue, state, change }: Omit<Props, "job">) {
  if (!catalogue.collections.length) return <Paste catalogue={catalogue} state={state} change={change} />;
  return (
    <Tabs selectedKey={state.source} onSelectionChange={(key) => change({ source: key as State["source"] })}>
      <TabList className="tabs" aria-label="Where passages come from">
        <Tab id="paste">Paste</Tab>
        <Tab id="folder">Search a folder</Tab>
      </TabList>
      <TabPanel id="paste">
        <Paste catalogue={catalogue} state={state} change={change} />
      </TabPanel>
      <TabPanel id="folder">
        <Folder catalogue={catalogue} state={state} change={change} />
      </TabPanel>
    </Tabs>
  );
}

function Paste({ catalogue, state, change }: Omit<Props, "job">) {
  const { passages, how, error } = read(state.text);
  const most = catalogue.limits.passages;
  const told =
    passages.length > most ? `${passages.length} passages; this server takes ${most}.` : `${many(passages.length, "passage")}, ${how}.`;
  return (
    <TextField className="field" value={state.text} onChange={(text) => change({ text })}>
      <Label className="label">Passages</Label>
      <TextArea rows={10} spellCheck={false} />
      <Text slot="description">{error ?? told} One a line, or between blank lines, or JSON.</Text>
    </TextField>
  );
}

function Folder({ catalogue, state, change }: Omit<Props, "job">) {
  const found = catalogue.collections.find((each) => each.name === state.collection);
  return (
    <div className="pair">
      <Choice
        label="Folder"
        value={state.collection}
        choices={catalogue.collections.map((each) => each.name)}
        onChange={(collection) => change({ collection })}
        note={found ? `${many(found.passages, "passage")}; the query searches them, and what it finds is ranked.` : ""}
      />
      <NumberField className="field short" minValue={1} maxValue={catalogue.limits.passages} value={state.k} onChange={(k) => change({ k: k || FOUND })}>
        <Label className="label">Passages to find</Label>
        <Input />
      </NumberField>
    </div>
  );
}
