// Numbers as people read them.

const digits = new Intl.NumberFormat("en", { maximumSignificantDigits: 3 });
const short = new Intl.NumberFormat("en", { notation: "compact", maximumSignificantDigits: 3 });

export const number = (value: number | null | undefined) =>
  value === null || value === undefined ? "–" : Math.abs(value) > 0 && Math.abs(value) < 1e-3 ? value.toExponential(1) : digits.format(value);

export const amount = (value: number) => short.format(value);

export const seconds = (value: number) =>
  value < 0.001 ? `${digits.format(value * 1e6)} µs` : value < 1 ? `${digits.format(value * 1e3)} ms` : `${digits.format(value)} s`;

const whole = new Intl.NumberFormat("en");

export const many = (count: number, one: string, more = `${one}s`) => `${whole.format(count)} ${count === 1 ? one : more}`;

export const excerpt = (text: string, letters: number) => {
  const line = text.slice(0, 4 * letters).replace(/\s+/g, " ").trim();
  return line.length <= letters ? line : `${line.slice(0, letters - 1)}…`;
};
