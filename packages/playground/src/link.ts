// The state in the address's fragment, which browsers never send to a server.

const toBase64 = (bytes: Uint8Array) =>
  btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replace(/=+$/, "");

const fromBase64 = (text: string) =>
  Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (letter) => letter.charCodeAt(0));

const through = async (bytes: Uint8Array<ArrayBuffer>, stream: CompressionStream | DecompressionStream) =>
  new Uint8Array(await new Response(new Blob([bytes]).stream().pipeThrough(stream)).arrayBuffer());

export async function packed(state: unknown): Promise<string> {
  const bytes = new TextEncoder().encode(JSON.stringify(state));
  return "#1." + toBase64(await through(bytes, new CompressionStream("deflate-raw")));
}

/** The state in a fragment; null where there is none. Throws where it is damaged or of another version. */
export async function unpacked(fragment: string): Promise<unknown> {
  if (fragment.length < 2) return null;
  if (!fragment.startsWith("#1.")) throw new Error("not a link of this page");
  const bytes = await through(fromBase64(fragment.slice(3)), new DecompressionStream("deflate-raw"));
  return JSON.parse(new TextDecoder().decode(bytes)) as unknown;
}
