// The same ranking, as code in the reader's framework.

import { useEffect, useState } from "react";
import { Button, Dialog, Heading, Modal, ModalOverlay, Tab, TabList, TabPanel, Tabs } from "react-aria-components";
import { type Code, code, LANGUAGES } from "./api";
import { Choice } from "./inputs/Choice";
import type { State } from "./state";
import type { Done } from "./useRun";

const NAMES = { python: "Python", llamaindex: "LlamaIndex", langchain: "LangChain", haystack: "Haystack", curl: "curl" };

interface Props {
  isOpen: boolean;
  onClose: () => void;
  state: State;
  done: Done;
}

export function CodeDialog({ isOpen, onClose, state, done }: Props) {
  return (
    <ModalOverlay className="overlay" isOpen={isOpen} onOpenChange={(open) => open || onClose()} isDismissable>
      <Modal className="modal">
        <Dialog className="dialog">
          <div className="dialog-head">
            <Heading slot="title">Code for what is on screen</Heading>
            <Button className="button quiet" onPress={onClose} aria-label="Close">
              ✕
            </Button>
          </div>
          <Snippets state={state} done={done} />
        </Dialog>
      </Modal>
    </ModalOverlay>
  );
}

function Snippets({ state, done }: Pick<Props, "state" | "done">) {
  const names = state.panels.map((each, nth) => `${nth + 1}. ${each.pipeline}`);
  const [which, setWhich] = useState(names[0] ?? "");
  const panel = state.panels[names.indexOf(which)] ?? state.panels[0];
  const { texts, error } = useCode(panel, state.top, done);
  return (
    <>
      {names.length > 1 ? <Choice label="Pipeline" value={which} choices={names} onChange={setWhich} /> : null}
      <p className="error" aria-live="polite">
        {error}
      </p>
      {texts ? (
        <Tabs className="snippets">
          <TabList className="tabs" aria-label="Framework">
            {LANGUAGES.map((each) => (
              <Tab key={each} id={each}>
                {NAMES[each]}
              </Tab>
            ))}
          </TabList>
          {LANGUAGES.map((each) => (
            <TabPanel key={each} id={each}>
              <Snippet name={NAMES[each]} text={texts[each]} />
            </TabPanel>
          ))}
        </Tabs>
      ) : null}
    </>
  );
}

function Snippet({ name, text }: { name: string; text: string }) {
  const [told, tell] = useState("");
  const copy = () =>
    navigator.clipboard.writeText(text).then(
      () => tell("Copied."),
      () => tell("The browser does not allow copying here; select the text."),
    );
  return (
    <div className="snippet">
      <div className="copy">
        <Button className="button" onPress={() => void copy()}>
          Copy
        </Button>
        <span role="status">{told}</span>
      </div>
      <pre tabIndex={0} aria-label={`${name} code`}>
        <code>{text}</code>
      </pre>
    </div>
  );
}

function useCode(panel: State["panels"][number] | undefined, top: number | null, done: Done) {
  const [texts, setTexts] = useState<Code | null>(null);
  const [error, setError] = useState<string | null>(null);
  useEffect(() => {
    if (!panel) return;
    const under = new AbortController();
    const { query, passages } = done;
    code({ pipeline: panel.pipeline, settings: panel.settings, query, passages, top_k: top }, under.signal)
      .then(setTexts)
      .then(() => setError(null))
      .catch((error: unknown) => under.signal.aborted || setError((error as Error).message));
    return () => under.abort();
  }, [panel, top, done]);
  return { texts, error };
}
