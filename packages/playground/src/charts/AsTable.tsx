import { Button, Disclosure, DisclosurePanel, Heading } from "react-aria-components";

interface Props {
  title: string;
  head: string[];
  rows: (string | number)[][];
}

/** What a chart shows, in words and numbers. */
export function AsTable({ title, head, rows }: Props) {
  return (
    <Disclosure className="as-table">
      <Heading level={5}>
        <Button slot="trigger" className="expression">
          {title}
        </Button>
      </Heading>
      <DisclosurePanel>
        <div className="scroll" role="region" aria-label={title} tabIndex={0}>
          <table>
            <thead>
              <tr>
                {head.map((name) => (
                  <th key={name} scope="col">
                    {name}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {rows.map((cells, nth) => (
                <tr key={nth}>
                  {cells.map((cell, at) => (
                    <td key={at}>{cell}</td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </DisclosurePanel>
    </Disclosure>
  );
}
