// Before there is a page: what the server offers, and what the link says.

import { useCallback, useEffect, useState } from "react";
import { catalogue as askCatalogue, type Catalogue, key, ServerError } from "./api";
import { KeyField } from "./inputs/KeyField";
import { unpacked } from "./link";
import { Playground } from "./Playground";
import { first, sane, type State } from "./state";

interface Start {
  catalogue: Catalogue;
  state: State;
  notice: string;
  nth: number;
}

export function App() {
  const [start, setStart] = useState<Start | null>(null);
  const [error, setError] = useState<ServerError | null>(null);

  const load = useCallback(async () => {
    try {
      const catalogue = await askCatalogue();
      setError(null);
      const begun = await begin(catalogue);
      setStart((before) => ({ ...begun, nth: (before?.nth ?? 0) + 1 }));
    } catch (error) {
      setError(error instanceof ServerError ? error : new ServerError(String(error), 0));
    }
  }, []);

  useEffect(() => {
    void load();
    const again = () => void load();
    window.addEventListener("hashchange", again);
    return () => window.removeEventListener("hashchange", again);
  }, [load]);

  if (error) return <Trouble error={error} again={load} />;
  if (!start) return <p className="waiting">Loading…</p>;
  return <Playground key={start.nth} {...start} />;
}

async function begin(catalogue: Catalogue): Promise<Omit<Start, "nth">> {
  try {
    const given = await unpacked(location.hash);
    return { catalogue, ...(given === null ? { notice: "", state: first(catalogue) } : sane(given, catalogue)) };
  } catch {
    return { catalogue, notice: "This link cannot be read, so the example is shown.", state: first(catalogue) };
  }
}

function Trouble({ error, again }: { error: ServerError; again: () => Promise<void> }) {
  const isKey = error.status === 401;
  return (
    <main className="trouble">
      <h1>Shortlist playground</h1>
      {isKey ? <p>This server wants an API key.</p> : null}
      <p role="alert" className="error">
        {isKey ? (key.get() ? "This key is not accepted." : "") : error.message}
      </p>
      {isKey ? (
        <KeyField onDone={() => void again()} />
      ) : (
        <button type="button" className="button" onClick={() => void again()}>
          Try again
        </button>
      )}
    </main>
  );
}
