import { Button } from "react-aria-components";

interface Props {
  version: string;
  ready: boolean;
  onCode: () => void;
  onLink: () => void;
  onAdd: (() => void) | null;
}

export function Header({ version, ready, onCode, onLink, onAdd }: Props) {
  return (
    <header className="header">
      <div className="brand">
        <svg viewBox="0 0 32 32" aria-hidden="true">
          <rect width="32" height="32" rx="7" />
          <path className="rise" d="M7 23C15 23 17 9 25 9" />
          <path className="fall" d="M7 9C15 9 17 23 25 23" />
        </svg>
        <h1>
          Shortlist <span>playground</span>
        </h1>
        <span className="version">{version}</span>
        <p className="tagline">See what reranking does to your passages.</p>
      </div>
      <div className="actions" role="group" aria-label="What is on screen">
        <Button className="button" isDisabled={!onAdd} onPress={() => onAdd?.()}>
          Add pipeline
        </Button>
        <Button className="button" isDisabled={!ready} onPress={onCode}>
          Code
        </Button>
        <Button className="button" onPress={onLink}>
          Link
        </Button>
      </div>
    </header>
  );
}
