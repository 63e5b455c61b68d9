import { Button, Disclosure, DisclosurePanel, Heading } from "react-aria-components";
import type { Pipeline } from "../api";

export function Stages({ pipeline }: { pipeline: Pipeline }) {
  return (
    <Disclosure className="stages">
      <Heading level={4}>
        <Button slot="trigger" className="expression">
          <code>{pipeline.text}</code>
        </Button>
      </Heading>
      <DisclosurePanel>
        <ol>
          {pipeline.stages.map((stage, nth) => (
            <li key={nth}>
              <strong>{stage.name}</strong> {stage.summary} {stage.source ? <cite>{stage.source}</cite> : null}
            </li>
          ))}
        </ol>
      </DisclosurePanel>
    </Disclosure>
  );
}
