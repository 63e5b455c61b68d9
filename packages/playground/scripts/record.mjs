// Writes the digests of the sources beside what was built from them, so that a test can tell when it is stale.
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const ALONE = ["index.html", "package.json", "package-lock.json", "tsconfig.json", "vite.config.ts"];
const FOLDERS = ["scripts", "src"];

const inFolder = (folder) =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).replaceAll("\\", "/"));

const files = [...ALONE, ...FOLDERS.flatMap(inFolder)].sort();
const digest = (file) => createHash("sha256").update(readFileSync(file)).digest("hex");
const record = Object.fromEntries(files.map((file) => [file, digest(file)]));
const target = "../core/src/shortlist/serving/playground/static/sources.json";
writeFileSync(target, JSON.stringify(record, null, 1) + "\n");
